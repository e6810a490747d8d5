package eliza

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"agentry/internal/fleet"
)

func TestStartMessageStop(t *testing.T) {
	h := newHome(t, nil)
	p := h.start(fleet.Settings{"system": "You are Ann", "bio": "kind", "persona": "a helper", "temperature": 0.5, "topics": []any{"go"}})
	if !h.eliza.Active(annID) {
		t.Error("the agent does not run there")
	}
	got := h.fields(annID)
	settings, _ := got["settings"].(map[string]any)
	if got["name"] != "Ann" || got["system"] != "You are Ann" || fmtOf(got["bio"]) != "[kind a helper]" || fmtOf(got["topics"]) != "[go]" ||
		settings["temperature"] != 0.5 || settings["DEFAULT_TEMPERATURE"] != 0.5 {
		t.Errorf("the agent there is %v", got)
	}
	h.tell("m1", "c", "hello")
	if got := h.reply("m1"); got != "echo: hello" {
		t.Errorf("reply %q", got)
	}
	h.acked()
	h.tell("m2", "c", "again")
	h.reply("m2")
	h.acked()
	if n := h.eliza.Count("POST /api/messaging/sessions"); n != 3 {
		t.Errorf("%d calls for two messages of one conversation, want a session and two messages", n)
	}
	h.with(func() {
		if h.count("usage") != 2 || h.count("reply") != 2 {
			t.Errorf("events %v", h.events)
		}
	})
	if !strings.HasPrefix(p.Handle(), "elizaos:eliza:"+annID) {
		t.Errorf("handle %q", p.Handle())
	}
	h.stop(p)
	if h.eliza.Active(annID) || h.fields(annID) == nil {
		t.Error("the agent still runs, or is gone")
	}
	if err := p.Stop(t.Context(), 0); err != nil {
		t.Error("stopping twice:", err)
	}
}

// What was set by a former start and is not any more is taken back; what
// somebody set there stays.
func TestSettingsAreTakenBack(t *testing.T) {
	h := newHome(t, nil)
	h.stop(h.start(fleet.Settings{"temperature": 1.0, "topics": []any{"a"}, "own": "x", "nested": map[string]any{"a": 1.0}}))
	h.eliza.With(func() {
		h.eliza.Agents[annID].Fields["settings"].(map[string]any)["theirs"] = "stays"
		h.eliza.Agents[annID].Fields["adjectives"] = []any{"stays"}
	})
	h.with(func() { clear(h.calls) })
	p := h.start(fleet.Settings{"own": "y"})
	got := h.fields(annID)
	if want := `map[agentry:map[own:true] own:y theirs:stays]`; fmtOf(got["settings"]) != want {
		t.Errorf("settings %v, want %s", got["settings"], want)
	}
	if fmtOf(got["topics"]) != "[]" || fmtOf(got["adjectives"]) != "[stays]" {
		t.Errorf("the agent there is %v", got)
	}
	h.stop(p)
	// Nothing has changed: a start is one call.
	before := h.eliza.Count("PATCH")
	h.with(func() { clear(h.calls) })
	h.stop(h.start(fleet.Settings{"own": "y"}))
	if n := h.eliza.Count("PATCH"); n != before {
		t.Errorf("%d more changes for a restart without one", n-before)
	}
}

func TestNewSettingsHoldAtOnce(t *testing.T) {
	h := newHome(t, nil)
	p := h.start(nil)
	changed := func(id string) {
		h.with(func() { h.commands = append(h.commands, map[string]any{"id": id, "type": "settings_changed"}) })
	}
	h.with(func() { h.self["settings"] = map[string]any{"system": "new"} })
	changed("s1")
	h.acked()
	if got := h.fields(annID); got["system"] != "new" {
		t.Errorf("the agent there is %v", got)
	}
	h.with(func() { h.self["settings"] = map[string]any{"system": 7} })
	changed("s2")
	h.acked()
	if got := h.fields(annID); got["system"] != "new" || !h.said("the setting system must be a text") {
		t.Errorf("a wrong setting: %v, log %q", got, h.lines)
	}
	h.eliza.With(func() { h.eliza.Fail["PATCH"] = 500 })
	h.with(func() { h.self["settings"] = map[string]any{"system": "newer"} })
	changed("s3")
	h.acked()
	if !h.said("it failed") {
		t.Errorf("log %q", h.lines)
	}
	h.stop(p)
}

func TestStartsThatFail(t *testing.T) {
	for name, c := range map[string]struct {
		break_   func(h *home)
		settings fleet.Settings
		want     string
	}{
		"wrong key":    {func(h *home) { h.eliza.Key = "secret" }, nil, "asks for an API key: name a file"},
		"page":         {func(h *home) { h.eliza.Garbage = true }, nil, "is no ElizaOS server"},
		"elsewhere":    {func(h *home) { h.eliza.Elsewhere = "http://127.0.0.1:1/" }, nil, "sends elsewhere (302)"},
		"limit":        {func(h *home) { h.eliza.Left = 0 }, nil, "takes no more requests"},
		"start error":  {func(h *home) { h.eliza.Fail["POST /api/agents/"] = 500 }, nil, "says 500: it failed"},
		"create error": {func(h *home) { h.eliza.Fail["POST /api/agents"] = 400 }, nil, "says 400: it failed"},
		"bad setting":  {func(*home) {}, fleet.Settings{"bio": 3.0}, "the setting bio must be"},
		"bad plugins":  {func(*home) {}, fleet.Settings{"plugins": "x"}, "the setting plugins must be a list of texts"},
		"secrets":      {func(*home) {}, fleet.Settings{"secrets": map[string]any{"K": "v"}}, "cannot be used"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHome(t, func(c *Config, _ *fleet.Kind) { c.pace.look, c.pace.idle = time.Hour, time.Hour })
			h.until("a first look", func() bool { return h.eliza.Count("GET") > 0 })
			h.eliza.With(func() { c.break_(h) })
			p, err := h.driver.Start(t.Context(), h.spec(annID, 1, c.settings))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("%v, %v; want %q", p, err, c.want)
			}
			h.with(func() {
				if len(h.calls) != 0 {
					t.Errorf("a run that did not start said hello: %v", h.calls)
				}
			})
		})
	}
}

// A server that is in trouble fails a start that somebody asked for at once,
// and lets one that follows another wait.
func TestStartWhileTheServerIsAway(t *testing.T) {
	h := newHome(t, nil)
	h.eliza.With(func() { h.eliza.Garbage = true })
	h.until("trouble", func() bool { return h.driver.servers["eliza"].trouble() != nil })
	if _, err := h.driver.Start(t.Context(), h.spec(annID, 1, nil)); err == nil || !strings.Contains(err.Error(), "is no ElizaOS server") {
		t.Fatal(err)
	}
	again := h.spec(annID, 2, nil)
	again.Restart = true
	p, err := h.driver.Start(t.Context(), again)
	if err != nil {
		t.Fatal(err)
	}
	if got := h.alerted(alertUnreachable); !strings.Contains(got, h.eliza.URL()) {
		t.Errorf("alert %q", got)
	}
	h.with(func() {
		if h.calls[""] != 0 {
			t.Errorf("a run that is not known to live was heard: %v", h.calls)
		}
	})
	h.eliza.With(func() { h.eliza.Garbage = false })
	h.until("hello", func() bool { return h.calls["inbox"] > 0 })
	h.calm()
	h.stop(p)
}

func TestKeyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	if _, err := New(Config{Kinds: []fleet.Kind{{Name: "e", Driver: Name, URL: "http://x", APIKeyFile: path}}}); err == nil || !strings.Contains(err.Error(), "kind e: api_key_file") {
		t.Errorf("a missing key file: %v", err)
	}
	if err := os.WriteFile(path, []byte("sekret-1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	h := newHome(t, func(_ *Config, k *fleet.Kind) { k.APIKeyFile = path })
	h.eliza.With(func() { h.eliza.Key = "sekret-1" })
	p := h.start(nil)
	h.eliza.With(func() { h.eliza.Key = "sekret-2" })
	if got := h.alerted(alertUnauthorized); !strings.Contains(got, "refuses the API key") || strings.Contains(got, "sekret") {
		t.Errorf("alert %q", got)
	}
	if err := os.WriteFile(path, []byte("sekret-2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	h.calm()
	h.tell("m", "c", "x")
	h.reply("m")
	h.stop(p)
	if h.said("sekret") {
		t.Errorf("the log has the key: %q", h.lines)
	}
}

// A stop that the server does not confirm is no end, holds up nobody, and is
// made good when the server is back.
func TestStopWhileTheServerHangs(t *testing.T) {
	h := newHome(t, nil)
	p := h.start(nil)
	h.eliza.With(func() { h.eliza.Hang = true })
	began := time.Now()
	if err := p.Stop(t.Context(), 50*time.Millisecond); err == nil {
		t.Error("a stop without an answer is called done")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.Stop(ctx, time.Hour); err == nil {
		t.Error("a stop without time is called done")
	}
	if took := time.Since(began); took > patience/2 {
		t.Errorf("took %v", took)
	}
	select {
	case <-p.Done():
		t.Fatal("the run is said to be over")
	default:
	}
	h.eliza.With(func() { h.eliza.Hang = false })
	h.ends(p, "")
	if h.eliza.Active(annID) {
		t.Error("the agent still runs")
	}
}

// Closing does not wait for a server that hangs.
func TestCloseWhileTheServerHangs(t *testing.T) {
	h := newHome(t, nil)
	p := h.start(nil)
	h.eliza.With(func() { h.eliza.Hang = true })
	_ = p.Stop(t.Context(), time.Millisecond)
	began := time.Now()
	if err := h.driver.Close(); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > patience/2 {
		t.Errorf("took %v", took)
	}
	if _, err := h.driver.Start(t.Context(), h.spec(annID, 2, nil)); err == nil {
		t.Error("a closed driver starts")
	}
}

// A new run takes the agent over from one whose stop was never confirmed.
func TestStartTakesOver(t *testing.T) {
	h := newHome(t, nil)
	old := h.start(nil)
	h.eliza.With(func() { h.eliza.Fail["POST /api/agents/"+annID+"/stop"] = 500 })
	if err := old.Stop(t.Context(), 20*time.Millisecond); err == nil {
		t.Error("a failed stop is called done")
	}
	h.with(func() { clear(h.calls) })
	p, err := h.driver.Start(t.Context(), h.spec(annID, 2, nil))
	if err != nil {
		t.Fatal(err)
	}
	h.ends(old, "")
	h.until("hello", func() bool { return h.calls["inbox"] > 0 })
	h.eliza.With(func() { clear(h.eliza.Fail) })
	if !h.eliza.Active(annID) {
		t.Error("the old run's stop stopped the new one")
	}
	h.stop(p)
}

func TestAgentsThatEndThere(t *testing.T) {
	for name, c := range map[string]struct {
		end  func(h *home)
		want string
	}{
		"stopped there": {func(h *home) { h.eliza.Restart() }, "the agent does not run in ElizaOS any more"},
		"deleted there": {func(h *home) { h.eliza.With(func() { clear(h.eliza.Agents) }) }, "the agent is not in ElizaOS any more"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHome(t, nil)
			p := h.start(nil)
			c.end(h)
			h.ends(p, c.want)
			h.with(func() { clear(h.calls) })
			p = h.start(nil) // it is made again
			h.stop(p)
		})
	}
}

// A server that had no agents of ours for long is looked at as often as any
// from its first run on.
func TestTheFirstRunIsLookedAfter(t *testing.T) {
	h := newHome(t, func(c *Config, _ *fleet.Kind) { c.pace.idle = time.Hour })
	h.until("it rests", func() bool { return h.eliza.Count("GET /api/agents") == 1 })
	p := h.start(nil)
	h.eliza.Restart()
	h.ends(p, "the agent does not run in ElizaOS any more")
}

func TestRemove(t *testing.T) {
	h := newHome(t, nil)
	h.stop(h.start(nil))
	remove := func() error { return h.driver.Remove(t.Context(), h.kind, fleet.AgentID(strings.ToUpper(annID))) }
	for what, c := range map[string]func(){
		"an error":  func() { h.eliza.Fail["DELETE"] = 500 },
		"a lock":    func() { h.eliza.Fail["DELETE"] = 409 },
		"a timeout": func() { h.eliza.Fail["DELETE"] = 408 },
		"a promise": func() { h.eliza.Partial = true },
		"a page":    func() { h.eliza.Garbage = true },
		"the limit": func() { h.eliza.Key = "x" },
	} {
		h.eliza.With(c)
		if err := remove(); err == nil && what != "a page" {
			t.Errorf("%s is called a removal", what)
		}
		h.eliza.With(func() {
			clear(h.eliza.Fail)
			h.eliza.Partial, h.eliza.Garbage, h.eliza.Key = false, false, ""
		})
	}
	for range 2 {
		h.until("it is gone", func() bool { return remove() == nil })
	}
	if h.fields(annID) != nil {
		t.Error("the agent is still there")
	}
	// A server that the last look met in trouble is not asked.
	h.eliza.With(func() { h.eliza.Key = "x" })
	h.until("the trouble is seen", func() bool { return h.driver.servers["eliza"].trouble() != nil })
	before := h.eliza.Count("DELETE")
	if err := remove(); !is(err, unauthorized) || h.eliza.Count("DELETE") != before {
		t.Errorf("asked in trouble: %v", err)
	}
	if err := h.driver.Remove(t.Context(), fleet.Kind{Name: "unknown"}, annID); err == nil {
		t.Error("a kind without a server is called a removal")
	}
}

// What runs there and nobody wants is stopped; what is not ours is not touched.
func TestStraysAreStopped(t *testing.T) {
	h := newHome(t, nil)
	h.eliza.With(func() {
		h.eliza.Agents[bobID] = newAgentThere()
		h.eliza.Agents["0190aaaa-bbbb-7ccc-8ddd-000000000000"] = newAgentThere()
	})
	p := h.start(nil)
	h.with(func() { h.unwanted = []fleet.AgentID{bobID, annID} }) // Ann has a run
	if err := h.driver.Reap(t.Context(), []string{"elizaos:eliza:" + bobID + ":1"}); err != nil {
		t.Error(err)
	}
	h.until("the stray is stopped", func() bool { return !h.eliza.Active(bobID) })
	before := h.eliza.Count("GET")
	h.until("more looks", func() bool { return h.eliza.Count("GET") > before+2 })
	if !h.eliza.Active("0190aaaa-bbbb-7ccc-8ddd-000000000000") || !h.eliza.Active(annID) {
		t.Error("an agent of somebody else, or one that is wanted, was stopped")
	}
	h.stop(p)
}
