package app_test

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/internal/live"
	"agentry/internal/secret"
	"agentry/internal/store"
)

// A case of the models here leads whole servers through several lives: each run
// tries a few new ones. The flag rapid.checks asks for more.
const modelChecks = "25"

func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", modelChecks); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

// t0 is a Wednesday, 10:00 UTC: inside the standard hours.
var t0 = time.Date(2026, 1, 14, 10, 0, 0, 0, time.UTC)

// bench is everything one test needs, none of it shared.
type bench struct {
	*app.App
	t      testing.TB
	config app.Config
	store  *store.Store
	path   string
	clock  *clock
	runner *runner
	team   fleet.TeamID
	raw    *sql.DB // to look into the file
	// The members of the team, and somebody of another.
	viewer, operator, deleter, admin, stranger fleet.Actor
}

// clock is a wall clock with the time that really passed beside it.
type clock struct {
	mu     sync.Mutex
	now    time.Time
	passed time.Duration
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) step(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now, c.passed = c.now.Add(d), c.passed+d
}

func (c *clock) elapsed() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.passed
}

// jump sets the wall clock; no time passes.
func (c *clock) jump(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// runner records wakes; with an act it does that too, in its own goroutine.
type runner struct {
	mu    sync.Mutex
	wakes []fleet.AgentID
	act   func(id fleet.AgentID)
	all   sync.WaitGroup
}

func (r *runner) Wake(id fleet.AgentID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wakes = append(r.wakes, id)
	if act := r.act; act != nil {
		r.all.Go(func() { act(id) })
	}
}

func (r *runner) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.wakes)
}

func (r *runner) set(act func(id fleet.AgentID)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.act = act
}

func testKinds() map[string]fleet.Kind {
	restart := fleet.Restart{BackoffMin: time.Second, BackoffMax: 8 * time.Second, GiveUpAfter: 3, Within: 10 * time.Minute}
	return map[string]fleet.Kind{
		"rehearsal": {Name: "rehearsal", Driver: "process", Restart: restart},
		"linkedin":  {Name: "linkedin", Driver: "process", Setup: []string{"login", "password", "country"}, Restart: restart},
		"token":     {Name: "token", Driver: "process", Setup: []string{"password"}, Restart: restart},
	}
}

// newBench opens a migrated file; edit may change the App's configuration.
func newBench(t testing.TB, edit func(c *app.Config)) *bench {
	t.Helper()
	b := &bench{t: t, clock: &clock{now: t0}, runner: &runner{}, path: filepath.Join(memoryDir(t), "agentry.db")}
	sealer, err := secret.NewSealer(make([]byte, secret.KeyBytes))
	if err != nil {
		t.Fatal(err)
	}
	b.writeMigrated()
	hub := live.New()
	b.store, err = store.Open(context.Background(), b.path, store.Options{Committed: hub.Publish, Fatal: func(err error) { t.Error("fatal", err) }})
	if err != nil {
		t.Fatal(err)
	}
	b.config = app.Config{Store: b.store, Hub: hub, Sealer: sealer, Kinds: testKinds(), DefaultKind: "rehearsal", Now: b.clock.Now, Elapsed: b.clock.elapsed}
	if edit != nil {
		edit(&b.config)
	}
	b.App = app.New(b.config)
	b.SetRunner(b.runner)
	if b.raw, err = sql.Open("sqlite", "file:"+b.path+"?_pragma=busy_timeout(5000)&_pragma=query_only(1)"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.close)
	team, err := b.AddTeam(t.Context(), "Ours")
	other, err2 := b.AddTeam(t.Context(), "Theirs")
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	b.team = team.ID
	actor := func(team fleet.TeamID, scope fleet.Scope) fleet.Actor {
		return fleet.Actor{Kind: fleet.ActorMember, ID: "user " + string(scope), Name: "Ann " + string(scope), TeamID: team, Scope: scope, RequestID: "req"}
	}
	b.viewer, b.operator, b.deleter, b.admin = actor(b.team, fleet.ScopeRead), actor(b.team, fleet.ScopeOperate), actor(b.team, fleet.ScopeDelete), actor(b.team, fleet.ScopeAdmin)
	b.stranger = actor(other.ID, fleet.ScopeAdmin)
	return b
}

// migrated is an empty file of the present schema: each test begins with a copy.
var migrated = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "agentry-test-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "agentry.db")
	s, err := store.Open(context.Background(), path, store.Options{})
	if err != nil {
		return nil, err
	}
	if err := s.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

func (b *bench) writeMigrated() {
	b.t.Helper()
	file, err := migrated()
	b.ok(err)
	b.ok(os.WriteFile(b.path, file, 0o600))
}

// memoryDir is a folder for one test, in memory where the machine has such a
// place: thousands of small commits need not wait for a disk here.
func memoryDir(t testing.TB) string {
	dir, err := os.MkdirTemp("/dev/shm", "agentry-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func (b *bench) close() {
	b.runner.set(nil)
	b.runner.all.Wait()
	b.config.Hub.Close()
	if err := errors.Join(b.raw.Close(), b.store.Close()); err != nil {
		b.t.Error(err)
	}
}

// must fails the test on an error.
func must[T any](t testing.TB) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func (b *bench) ok(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) create(kind string) fleet.AgentID {
	b.t.Helper()
	v, err := b.Create(context.Background(), b.admin, app.CreateInput{Kind: kind, Name: "Ann " + kind, Tags: []string{"tag"}})
	b.ok(err)
	return v.ID
}

func (b *bench) get(id fleet.AgentID) app.AgentView {
	b.t.Helper()
	v, err := b.Agent(context.Background(), b.admin, id)
	b.ok(err)
	return v
}

// begin is what the supervisor does with a wanted run; hello makes its program
// heard.
func (b *bench) begin(id fleet.AgentID, hello bool) app.RunSpec {
	b.t.Helper()
	ctx := context.Background()
	spec, wanted, wait, err := b.BeginRun(ctx, id)
	if err != nil || !wanted || wait != 0 {
		b.t.Fatalf("begin: wanted %v, wait %s, %v", wanted, wait, err)
	}
	b.ok(b.RunSpawned(ctx, spec.Run, fmt.Sprint("pid:", spec.Run.Epoch)))
	if hello {
		run, err := b.RunForToken(ctx, spec.Token)
		if err != nil || run != spec.Run {
			b.t.Fatalf("hello: %+v, %v", run, err)
		}
	}
	return spec
}

// start starts an agent of a kind that needs no setup, or sets one up and
// signs it in, and returns the run.
func (b *bench) start(id fleet.AgentID) app.RunSpec {
	b.t.Helper()
	ctx := context.Background()
	if now := b.get(id); b.config.Kinds[now.Kind].NeedsSetup() && now.Status != fleet.Paused {
		_, err := b.Setup(ctx, b.operator, id, app.SetupInput{Login: "me@example.com", Password: "hunter22 secret", Country: "fr"})
		b.ok(err)
		spec := b.begin(id, true)
		b.tell(spec.Run, app.RunEvent{ID: "signed in " + fmt.Sprint(spec.Run.Epoch), Type: "signed_in"})
		return spec
	}
	// The use-case waits for the program, which this goroutine starts.
	wakes := b.runner.count()
	done := make(chan error, 1)
	go func() {
		_, err := b.Start(ctx, b.operator, id, app.StartInput{EnableAutonomy: true})
		done <- err
	}()
	for deadline := time.Now().Add(10 * time.Second); b.runner.count() == wakes; {
		select {
		case err := <-done:
			b.t.Fatal("start: ", err)
		case <-time.After(time.Millisecond):
		}
		if time.Now().After(deadline) {
			b.t.Fatal("start does not wake the runner")
		}
	}
	spec := b.begin(id, true)
	b.ok(<-done)
	return spec
}

// running makes a running agent.
func (b *bench) running(kind string) (fleet.AgentID, app.RunSpec) {
	b.t.Helper()
	id := b.create(kind)
	return id, b.start(id)
}

// in makes an agent in a status.
func (b *bench) in(s fleet.Status, kind string) fleet.AgentID {
	b.t.Helper()
	ctx := context.Background()
	id := b.create(kind)
	switch s {
	case fleet.SetupNeeded:
	case fleet.AuthInProgress, fleet.AuthNeeded:
		_, err := b.Setup(ctx, b.operator, id, app.SetupInput{Login: "me@example.com", Password: "hunter22 secret", Country: "FR"})
		b.ok(err)
		if s == fleet.AuthNeeded {
			b.tell(b.begin(id, true).Run, app.RunEvent{ID: "c", Type: "challenge"})
		}
	case fleet.Running:
		b.start(id)
	case fleet.Paused:
		b.start(id)
		_, err := b.Pause(ctx, b.operator, id, app.PauseInput{})
		b.ok(err)
	case fleet.Disabled:
		_, err := b.Disable(ctx, b.admin, id, app.ReasonInput{})
		b.ok(err)
	case fleet.Ended:
		_, err := b.End(ctx, b.operator, id, app.ReasonInput{Reason: "done"})
		b.ok(err)
	}
	if got := b.get(id).Status; got != s {
		b.t.Fatalf("the agent is %s, want %s", got, s)
	}
	return id
}

// tell has events taken by the run, each without an error.
func (b *bench) tell(run fleet.Run, events ...app.RunEvent) {
	b.t.Helper()
	results, err := b.RunEvents(context.Background(), run, events)
	b.ok(err)
	for _, r := range results {
		if !r.OK {
			b.t.Fatalf("event %s: %s", r.ID, r.Error)
		}
	}
}

// effects is what an act left behind beside the agent's own row.
type effects struct {
	Audit  []string // "action outcome actor", oldest first
	Events []string
	Wakes  int
}

// effectsOf runs f and tells what it left.
func (b *bench) effectsOf(f func()) effects {
	b.t.Helper()
	audit, seq, wakes := b.number(`SELECT COALESCE(MAX(id), 0) FROM audit`), b.number(`SELECT COALESCE(MAX(seq), 0) FROM events`), b.runner.count()
	f()
	return effects{
		Audit: b.column(`SELECT action || ' ' || outcome || ' ' || actor_id FROM audit WHERE id > ? ORDER BY id`, audit),
		// That the audit has an entry is in Audit.
		Events: b.column(`SELECT type FROM events WHERE seq > ? AND type <> 'audit.added' ORDER BY seq`, seq),
		Wakes:  b.runner.count() - wakes,
	}
}

func (e effects) want(t testing.TB, what string, want effects) {
	t.Helper()
	if diff := cmp.Diff(want, e); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func (b *bench) number(query string, args ...any) (n int64) {
	b.t.Helper()
	b.ok(b.raw.QueryRow(query, args...).Scan(&n))
	return n
}

func (b *bench) column(query string, args ...any) (list []string) {
	b.t.Helper()
	rows, err := b.raw.Query(query, args...)
	b.ok(err)
	defer rows.Close()
	for rows.Next() {
		var s string
		b.ok(rows.Scan(&s))
		list = append(list, s)
	}
	b.ok(rows.Err())
	return list
}

// countsAreRight compares the kept counts with the rows themselves.
func (b *bench) countsAreRight() {
	b.t.Helper()
	kept := b.column(`SELECT team_id || ' ' || status || ' ' || n FROM agent_counts WHERE n <> 0 ORDER BY team_id, status`)
	real := b.column(`SELECT team_id || ' ' || status || ' ' || COUNT(*) FROM agents GROUP BY team_id, status ORDER BY team_id, status`)
	if diff := cmp.Diff(real, kept); diff != "" {
		b.t.Errorf("agent_counts (-rows +kept):\n%s", diff)
	}
	kept = b.column(`SELECT team_id || ' ' || name || ' ' || n FROM team_counts WHERE n <> 0 ORDER BY team_id, name`)
	real = b.column(`SELECT team_id || ' attention ' || COUNT(*) FROM agents WHERE attention = 1 GROUP BY team_id
		UNION ALL SELECT team_id || ' open_alerts ' || COUNT(*) FROM alerts WHERE state = 'open' GROUP BY team_id ORDER BY 1`)
	if diff := cmp.Diff(real, kept); diff != "" {
		b.t.Errorf("team_counts (-rows +kept):\n%s", diff)
	}
	if wrong := b.column(`SELECT id FROM agents a WHERE open_alerts <> (SELECT COUNT(*) FROM alerts WHERE agent_id = a.id AND state = 'open')`); len(wrong) > 0 {
		b.t.Errorf("open_alerts is wrong for %q", wrong)
	}
	if wrong := b.column(`SELECT a.id FROM agents a JOIN runtimes r ON r.agent_id = a.id
		WHERE r.wanted <> (a.status IN ('running', 'auth_in_progress')) AND NOT (a.status = 'auth_needed')`); len(wrong) > 0 {
		b.t.Errorf("wanted is wrong for %q", wrong)
	}
}

// holds tells whether the text stands anywhere in the database's files.
func (b *bench) holds(text string) bool {
	b.t.Helper()
	files, err := filepath.Glob(b.path + "*")
	b.ok(err)
	return slices.ContainsFunc(files, func(f string) bool {
		raw, err := os.ReadFile(f)
		b.ok(err)
		return strings.Contains(string(raw), text)
	})
}

// eventually polls until it is so, for at most ten seconds.
func (b *bench) eventually(what string, so func() bool) {
	b.t.Helper()
	deadline := time.After(10 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !so() {
		select {
		case <-tick.C:
		case <-deadline:
			b.t.Fatal("not in 10 s: ", what)
		}
	}
}

// wantErr asserts a known error's code and sentence ("" is any sentence).
func wantErr(t testing.TB, what string, err error, code fleet.Code, sentence string) {
	t.Helper()
	var known *fleet.Error
	if !errors.As(err, &known) || known.Code != code || sentence != "" && known.Message != sentence {
		t.Errorf("%s: %v, want %s %q", what, err, code, sentence)
	}
}

// unheard starts an agent in f and does not wait for its program.
func (b *bench) unheard(f func(ctx context.Context) error) {
	b.t.Helper()
	gone, leave := context.WithCancel(context.Background())
	wakes := b.runner.count()
	done := make(chan error, 1)
	go func() { done <- f(gone) }()
	b.eventually("wake", func() bool { return b.runner.count() > wakes })
	leave()
	b.ok(<-done)
}
