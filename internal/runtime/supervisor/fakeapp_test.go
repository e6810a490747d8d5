package supervisor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"agentry/internal/app"
	"agentry/internal/fleet"
)

// fakeApp is an App in memory with the real one's rules as far as they matter
// here. It records each call as a line such as "spawned a/1 fake:a:1".
type fakeApp struct {
	mu      sync.Mutex
	wanted  map[fleet.AgentID]bool
	epoch   map[fleet.AgentID]int64
	nextTry map[fleet.AgentID]time.Time
	// newest epochs below this are unwanted
	least   map[fleet.AgentID]int64
	kind    fleet.Kind
	backoff time.Duration
	giveUp  int
	lives   map[fleet.AgentID]int // the incarnations; who has none is gone
	fails   map[fleet.AgentID]int
	handles []app.RunHandle
	broken  map[string]bool // calls that fail, by the word of their line
	calls   []string
	logs    []fleet.LogLine
	exits   []app.RunExit
	ticks   int
}

func newFakeApp(wanted ...fleet.AgentID) *fakeApp {
	f := &fakeApp{
		wanted: map[fleet.AgentID]bool{}, epoch: map[fleet.AgentID]int64{}, nextTry: map[fleet.AgentID]time.Time{},
		least: map[fleet.AgentID]int64{}, fails: map[fleet.AgentID]int{}, broken: map[string]bool{},
		kind: fleet.Kind{Driver: "fake", Grace: 10 * time.Second}, backoff: 30 * time.Second, giveUp: 3,
	}
	f.lives = map[fleet.AgentID]int{}
	for _, id := range wanted {
		f.wanted[id], f.lives[id] = true, 1
	}
	return f
}

// do locks, records the call and fails it when told to.
func (f *fakeApp) do(word, format string, args ...any) (unlock func(), err error) {
	f.mu.Lock()
	if f.broken[word] {
		f.mu.Unlock()
		return func() {}, errors.New(word + " is broken")
	}
	f.calls = append(f.calls, word+" "+fmt.Sprintf(format, args...))
	return f.mu.Unlock, nil
}

func (f *fakeApp) want(id fleet.AgentID, yes bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.wanted[id] = yes
}

// restart wants a new run, whatever runs.
func (f *fakeApp) restart(id fleet.AgentID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.least[id] = f.epoch[id] + 1
}

func (f *fakeApp) setBroken(word string, yes bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.broken[word] = yes
}

func (f *fakeApp) list(words ...string) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []string
	for _, c := range f.calls {
		word, _, _ := strings.Cut(c, " ")
		if len(words) == 0 || slices.Contains(words, word) {
			out = append(out, c)
		}
	}
	return out
}

func (f *fakeApp) WantedRuns(context.Context) ([]fleet.AgentID, error) {
	unlock, err := f.do("wantedruns", "")
	defer unlock()
	if err != nil {
		return nil, err
	}
	var out []fleet.AgentID
	for id, yes := range f.wanted {
		if yes {
			out = append(out, id)
		}
	}
	return out, nil
}

func (f *fakeApp) KnownHandles(context.Context) ([]app.RunHandle, error) {
	unlock, err := f.do("handles", "")
	defer unlock()
	if err != nil {
		return nil, err
	}
	return f.handles, nil
}

func (f *fakeApp) Incarnation(_ context.Context, id fleet.AgentID) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.broken["incarnation"] {
		return 0, errors.New("incarnation is broken")
	}
	return f.lives[id], nil
}

// live sets the agent's incarnation; 0 is gone.
func (f *fakeApp) live(id fleet.AgentID, incarnation int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lives[id] = incarnation
}

func (f *fakeApp) BeginRun(_ context.Context, id fleet.AgentID) (app.RunSpec, bool, time.Duration, error) {
	unlock, err := f.do("begin", "%s", id)
	defer unlock()
	if err != nil || !f.wanted[id] {
		return app.RunSpec{}, false, 0, err
	}
	if wait := time.Until(f.nextTry[id]); wait > 0 {
		return app.RunSpec{}, true, wait, nil
	}
	f.epoch[id]++
	run := fleet.Run{TeamID: "t", AgentID: id, Epoch: f.epoch[id]}
	return app.RunSpec{Run: run, AgentName: "Ann", Incarnation: f.lives[id], Kind: f.kind, Token: "token"}, true, 0, nil
}

func (f *fakeApp) RunSpawned(_ context.Context, run fleet.Run, handle string) error {
	unlock, err := f.do("spawned", "%s/%d %s", run.AgentID, run.Epoch, handle)
	defer unlock()
	return err
}

func (f *fakeApp) RunNotSpawned(_ context.Context, run fleet.Run, cause error) error {
	unlock, err := f.do("notspawned", "%s/%d %v", run.AgentID, run.Epoch, cause)
	defer unlock()
	if err == nil {
		f.wanted[run.AgentID] = false
	}
	return err
}

func (f *fakeApp) RunExited(_ context.Context, run fleet.Run, exit app.RunExit) error {
	unlock, err := f.do("exited", "%s/%d %s expected=%v", run.AgentID, run.Epoch, exit.Text, exit.Expected)
	defer unlock()
	if err != nil {
		return err
	}
	f.exits = append(f.exits, exit)
	if exit.Expected {
		return nil
	}
	f.fails[run.AgentID]++
	f.nextTry[run.AgentID] = time.Now().Add(f.backoff)
	if f.fails[run.AgentID] >= f.giveUp {
		f.wanted[run.AgentID] = false
	}
	return nil
}

func (f *fakeApp) RunWanted(_ context.Context, run fleet.Run) (bool, error) {
	unlock, err := f.do("wanted", "%s/%d", run.AgentID, run.Epoch)
	defer unlock()
	if err != nil {
		return false, err
	}
	return f.wanted[run.AgentID] && run.Epoch == f.epoch[run.AgentID] && run.Epoch >= f.least[run.AgentID], nil
}

func (f *fakeApp) RunStopping(_ context.Context, run fleet.Run) error {
	unlock, err := f.do("stopping", "%s/%d", run.AgentID, run.Epoch)
	defer unlock()
	return err
}

func (f *fakeApp) AppendLogs(_ context.Context, _ fleet.Run, lines []fleet.LogLine) error {
	unlock, err := f.do("logs", "%d", len(lines))
	defer unlock()
	if err == nil {
		f.logs = append(f.logs, lines...)
	}
	return err
}

func (f *fakeApp) RunAlert(_ context.Context, run fleet.Run, typ, subType, message string) error {
	unlock, err := f.do("alert", "%s/%d %s/%s %s", run.AgentID, run.Epoch, typ, subType, message)
	defer unlock()
	return err
}

func (f *fakeApp) Tick(context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ticks++
	if f.broken["tick"] {
		return errors.New("tick is broken")
	}
	return nil
}
