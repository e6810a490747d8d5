package brain

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"agentry/internal/runtime/protocol"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	patience  = 20 * time.Second
	testToken = "run-token"
)

// world is a server of the runtime protocol.
type world struct {
	*testing.T
	http   *httptest.Server
	logged syncBuffer

	mu       sync.Mutex
	changed  chan struct{} // closed and replaced when something changes
	self     map[string]any
	login    string
	commands []map[string]any
	tasks    []map[string]any
	empty    map[string]any // the answer to a claim without tasks
	events   []protocol.Event
	ids      map[string]int
	calls    map[string]int
	page     int // commands of one answer
	known    int // the most that an inbox call named
	over     bool
	failing  []int // statuses of the next answers
	keepAcks bool  // acknowledgements have no effect
}

func newWorld(t *testing.T) *world {
	w := &world{
		T: t, changed: make(chan struct{}), calls: map[string]int{}, ids: map[string]int{},
		self: map[string]any{
			"agent":    map[string]any{"id": "a", "name": "Ann", "status": "running"},
			"settings": map[string]any{},
		},
		page:  1000,
		empty: map[string]any{"tasks": []any{}, "why": "No task is due", "askAgainAt": nil},
	}
	w.http = httptest.NewServer(http.HandlerFunc(w.serve))
	t.Cleanup(w.http.Close)
	return w
}

func (w *world) serve(rw http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/runtime/v1/")
	w.mu.Lock()
	w.calls[path]++
	w.change()
	status := 0
	switch {
	case r.Header.Get("Authorization") != "Bearer "+testToken:
		status = 401
	case w.over:
		status = 410
	case len(w.failing) > 0:
		status, w.failing = w.failing[0], w.failing[1:]
	}
	w.mu.Unlock()
	if status != 0 {
		rw.WriteHeader(status)
		fmt.Fprintf(rw, `{"status":%d,"detail":"because %d"}`, status, status)
		return
	}
	body := map[string]any{}
	if r.Method == http.MethodPost {
		raw, _ := io.ReadAll(r.Body)
		if err := json.Unmarshal(raw, &body); err != nil {
			w.Errorf("body %q: %v", raw, err)
		}
	}
	answer := map[string]func(*http.Request, map[string]any) any{
		"GET self": w.serveSelf, "GET credentials": w.serveCredentials, "GET inbox": w.serveInbox,
		"POST tasks/claim": w.serveClaim, "POST events": w.serveEvents,
	}[r.Method+" "+path]
	if answer == nil {
		w.Errorf("call %s %s", r.Method, r.URL)
		return
	}
	if err := json.NewEncoder(rw).Encode(answer(r, body)); err != nil {
		w.Log(err) // the program has gone
	}
}

// change is called with the lock held.
func (w *world) change() {
	close(w.changed)
	w.changed = make(chan struct{})
}

func (w *world) serveSelf(*http.Request, map[string]any) any {
	w.mu.Lock()
	defer w.mu.Unlock()
	raw, _ := json.Marshal(w.self)
	return json.RawMessage(raw)
}

func (w *world) serveCredentials(*http.Request, map[string]any) any {
	w.mu.Lock()
	defer w.mu.Unlock()
	return map[string]any{"login": w.login, "password": "secret"}
}

func (w *world) serveInbox(r *http.Request, _ map[string]any) any {
	for {
		w.mu.Lock()
		known := strings.Split(r.URL.Query().Get("known"), ",")
		if w.known < len(known) {
			w.known = len(known)
			w.change()
		}
		commands := slices.DeleteFunc(slices.Clone(w.commands), func(c map[string]any) bool { return slices.Contains(known, c["id"].(string)) })
		if len(commands) > 0 || w.over || r.URL.Query().Get("wait") == "0" {
			defer w.mu.Unlock()
			raw, _ := json.Marshal(map[string]any{"commands": commands[:min(len(commands), w.page)]})
			return json.RawMessage(raw)
		}
		changed := w.changed
		w.mu.Unlock()
		select {
		case <-changed:
		case <-r.Context().Done():
			return map[string]any{}
		}
	}
}

func (w *world) serveClaim(*http.Request, map[string]any) any {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.tasks) == 0 {
		return w.empty
	}
	one := w.tasks[0]
	w.tasks = w.tasks[1:]
	return map[string]any{"tasks": []any{one}}
}

func (w *world) serveEvents(_ *http.Request, body map[string]any) any {
	w.mu.Lock()
	defer w.mu.Unlock()
	results := []any{}
	for _, item := range body["events"].([]any) {
		e := protocol.Event(item.(map[string]any))
		id := e["id"].(string)
		w.ids[id]++
		results = append(results, map[string]any{"id": id, "ok": true, "duplicate": w.ids[id] > 1})
		if w.ids[id] > 1 {
			continue
		}
		w.events = append(w.events, e)
		if e["type"] == "ack" && !w.keepAcks {
			w.commands = slices.DeleteFunc(w.commands, func(c map[string]any) bool { return c["id"] == e["commandId"] })
		}
	}
	w.change()
	return map[string]any{"results": results}
}

// with changes the world.
func (w *world) with(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
	w.change()
}

func (w *world) tell(c map[string]any) {
	w.with(func() { w.commands = append(w.commands, c) })
}

// until waits until the condition, asked with the lock held, is true.
func (w *world) until(what string, holds func() bool) {
	w.Helper()
	late := time.After(patience)
	for {
		w.mu.Lock()
		ok, changed := holds(), w.changed
		w.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-late:
			w.Fatalf("not within %v: %s; heard %v, log:\n%s", patience, what, w.types(), w.logged.String())
		}
	}
}

// heard waits for an event of the type, the nth from 1, and returns it.
func (w *world) heard(typ string, nth int) protocol.Event {
	w.Helper()
	var found protocol.Event
	w.until(fmt.Sprintf("%s no. %d", typ, nth), func() bool {
		n := 0
		for _, e := range w.events {
			if e["type"] == typ {
				if n++; n == nth {
					found = e
					return true
				}
			}
		}
		return false
	})
	return found
}

// types lists what was told, heartbeats aside.
func (w *world) types() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := []string{}
	for _, e := range w.events {
		if e["type"] != "heartbeat" {
			out = append(out, e["type"].(string))
		}
	}
	return out
}

// life is a running program.
type life struct {
	w    *world
	stop context.CancelFunc
	code chan int
}

// begin starts a program with an impatient pace.
func (w *world) begin(rehearse bool, change func(p *program)) *life {
	w.Helper()
	log := slog.New(slog.NewTextHandler(&w.logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	c, err := protocol.New(protocol.Options{
		URL: w.http.URL, Token: testToken, Log: log, RetryMin: time.Millisecond, RetryMax: 10 * time.Millisecond,
	})
	if err != nil {
		w.Fatal(err)
	}
	p := &program{Client: c, Options: Options{Rehearse: rehearse, Log: log}}
	p.pace = pace{heartbeat: time.Hour, idle: time.Hour, least: time.Millisecond, work: time.Millisecond, crash: time.Millisecond}
	if change != nil {
		change(p)
	}
	ctx, stop := context.WithCancel(context.Background())
	l := &life{w: w, stop: stop, code: make(chan int, 1)}
	go func() { l.code <- p.run(ctx) }()
	w.Cleanup(stop)
	return l
}

// ends waits for the exit code.
func (l *life) ends(want int) {
	l.w.Helper()
	select {
	case code := <-l.code:
		if code != want {
			l.w.Errorf("exit code %d, want %d; log:\n%s", code, want, l.w.logged.String())
		}
	case <-time.After(patience):
		l.w.Fatalf("the program does not end; log:\n%s", l.w.logged.String())
	}
}

// syncBuffer is a buffer for several goroutines.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
