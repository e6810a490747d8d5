package eliza

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"agentry/internal/fleet"
	agentruntime "agentry/internal/runtime"
	"agentry/internal/runtime/eliza/fake"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	patience = 20 * time.Second
	annID    = "0190aaaa-bbbb-7ccc-8ddd-eeeeeeeeeeee"
	bobID    = "0190aaaa-bbbb-7ccc-8ddd-ffffffffffff"
)

// hasty is a pace at which tests need not wait.
func hasty() pace {
	return pace{
		look: 20 * time.Millisecond, idle: 20 * time.Millisecond, trouble: 20 * time.Millisecond, least: time.Millisecond,
		retry: time.Millisecond, patience: patience, wait: time.Second, beat: 10 * time.Millisecond,
	}
}

// home is agentry as far as a driver sees it: a server of the runtime protocol
// for one agent, and what the supervisor gives and takes.
type home struct {
	*testing.T
	eliza  *fake.Server
	driver *Driver
	http   *httptest.Server
	kind   fleet.Kind

	mu       sync.Mutex
	changed  chan struct{}
	self     map[string]any
	commands []map[string]any
	events   []map[string]any
	calls    map[string]int
	lines    []string
	alerts   map[string]string // by subType
	unwanted []fleet.AgentID
	over     bool
}

// newHome makes a driver for one kind, on a fake server.
func newHome(t *testing.T, change func(c *Config, k *fleet.Kind)) *home {
	h := &home{
		T: t, eliza: fake.New(t), changed: make(chan struct{}), calls: map[string]int{}, alerts: map[string]string{},
		self: map[string]any{"agent": map[string]any{"name": "Ann", "status": "running"}, "settings": map[string]any{}},
	}
	h.http = httptest.NewServer(http.HandlerFunc(h.serve))
	h.kind = fleet.Kind{Name: "eliza", Driver: Name, URL: h.eliza.URL()}
	c := Config{Unwanted: h.askUnwanted, Log: slog.New(slog.DiscardHandler), pace: hasty()}
	if change != nil {
		change(&c, &h.kind)
	}
	c.Kinds = []fleet.Kind{h.kind, {Name: "other", Driver: "process"}}
	var err error
	if h.driver, err = New(c); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.driver.Close(); err != nil {
			t.Error(err)
		}
		h.http.CloseClientConnections()
		h.http.Close()
	})
	return h
}

func (h *home) askUnwanted(_ context.Context, ids []fleet.AgentID) (out []fleet.AgentID, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, id := range ids {
		if slices.Contains(h.unwanted, id) {
			out = append(out, id)
		}
	}
	return out, nil
}

// spec is a run of an agent, given in upper case as nobody should.
func (h *home) spec(id string, epoch int64, settings fleet.Settings) agentruntime.Spec {
	return agentruntime.Spec{
		Run: fleet.Run{TeamID: "t", AgentID: fleet.AgentID(strings.ToUpper(id)), Epoch: epoch}, AgentName: "Ann", Kind: h.kind,
		URL: h.http.URL, Token: "run-token", Settings: settings,
		Output: func(line string) { h.with(func() { h.lines = append(h.lines, line) }) },
		Alert: func(subType, message string) {
			h.with(func() {
				switch {
				case message != "":
					h.alerts[subType] = message
				case subType == "":
					clear(h.alerts)
				default:
					delete(h.alerts, subType)
				}
			})
		},
	}
}

// start starts Ann and waits for her hello.
func (h *home) start(settings fleet.Settings) agentruntime.Process {
	h.Helper()
	h.with(func() { h.self["settings"] = settings })
	p, err := h.driver.Start(h.Context(), h.spec(annID, 1, settings))
	if err != nil {
		h.Fatal(err)
	}
	h.until("hello", func() bool { return h.calls["inbox"] > 0 })
	return p
}

func (h *home) stop(p agentruntime.Process) {
	h.Helper()
	if err := p.Stop(h.Context(), patience); err != nil {
		h.Error(err)
	}
	h.ends(p, "")
}

// ends waits for the end and compares how it is told.
func (h *home) ends(p agentruntime.Process, text string) {
	h.Helper()
	select {
	case <-p.Done():
	case <-time.After(patience):
		h.Fatalf("the run does not end; log %q", h.lines)
	}
	if e := p.Exit(); e.Text != text {
		h.Errorf("ended with %+v, want %q", e, text)
	}
}

func (h *home) with(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f()
	close(h.changed)
	h.changed = make(chan struct{})
}

// until waits until the condition, asked with the lock held, is true.
func (h *home) until(what string, holds func() bool) {
	h.Helper()
	late := time.After(patience)
	for {
		h.mu.Lock()
		ok, changed := holds(), h.changed
		h.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-time.After(5 * time.Millisecond): // what the fake server saw
		case <-late:
			h.mu.Lock()
			defer h.mu.Unlock()
			h.Fatalf("not within %v: %s; events %v, alerts %v, log %q", patience, what, h.events, h.alerts, h.lines)
		}
	}
}

func (h *home) tell(id, conversation, text string) {
	h.with(func() {
		h.commands = append(h.commands, map[string]any{"id": "c-" + id, "type": "message", "messageId": id, "conversation": conversation, "text": text})
	})
}

// reply waits for the reply to a message.
func (h *home) reply(id string) (text string) {
	h.Helper()
	h.until("reply to "+id, func() bool {
		for _, e := range h.events {
			if e["type"] == "reply" && e["messageId"] == id {
				text = e["text"].(string)
				return true
			}
		}
		return false
	})
	return text
}

// acked waits until every command was taken.
func (h *home) acked() {
	h.Helper()
	h.until("every acknowledgement", func() bool { return len(h.commands) == 0 })
}

func (h *home) alerted(subType string) (message string) {
	h.Helper()
	h.until("alert "+subType, func() bool { message = h.alerts[subType]; return message != "" })
	return message
}

func (h *home) calm() {
	h.Helper()
	h.until("no alerts", func() bool { return len(h.alerts) == 0 })
}

func (h *home) serve(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/runtime/v1/")
	h.mu.Lock()
	h.calls[path]++
	h.calls[""]++
	over := h.over
	h.mu.Unlock()
	switch {
	case r.Header.Get("Authorization") != "Bearer run-token":
		h.Errorf("%s with %q", path, r.Header.Get("Authorization"))
	case over:
		w.WriteHeader(http.StatusGone)
		return
	}
	var out any
	switch path {
	case "self":
		h.mu.Lock()
		raw, _ := json.Marshal(h.self)
		h.mu.Unlock()
		out = json.RawMessage(raw)
	case "inbox":
		out = h.inbox(r)
	case "events":
		out = h.take(r)
	default:
		h.Errorf("call %s", path)
	}
	_ = json.NewEncoder(w).Encode(out) // the run may be over
}

func (h *home) inbox(r *http.Request) any {
	for {
		h.mu.Lock()
		raw, _ := json.Marshal(map[string]any{"commands": h.commands})
		some, changed := len(h.commands) > 0 || h.over, h.changed
		h.mu.Unlock()
		if some {
			return json.RawMessage(raw)
		}
		select {
		case <-changed:
		case <-r.Context().Done():
			return nil
		case <-time.After(time.Second):
			return map[string]any{"commands": []any{}}
		}
	}
}

func (h *home) take(r *http.Request) any {
	var body struct {
		Events []map[string]any `json:"events"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		h.Error(err)
	}
	results := []any{}
	h.with(func() {
		for _, e := range body.Events {
			h.events = append(h.events, e)
			results = append(results, map[string]any{"ok": true})
			if e["type"] == "ack" {
				h.commands = slices.DeleteFunc(h.commands, func(c map[string]any) bool { return c["id"] == e["commandId"] })
			}
		}
	})
	return map[string]any{"results": results}
}

// said tells whether a line of the run's log holds the text.
func (h *home) said(text string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return strings.Contains(strings.Join(h.lines, "\n"), text)
}

func (h *home) count(typ string) (n int) {
	for _, e := range h.events {
		if e["type"] == typ {
			n++
		}
	}
	return n
}

func long(word string, n int) string { return strings.Repeat(word+" ", n) }

// fields are what the fake was told of an agent.
func (h *home) fields(id string) (out map[string]any) {
	h.eliza.With(func() {
		if a := h.eliza.Agents[id]; a != nil {
			raw, _ := json.Marshal(a.Fields)
			_ = json.Unmarshal(raw, &out)
		}
	})
	return out
}
