package brain

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"agentry/internal/runtime/protocol"
)

func signingIn(t *testing.T, login string) *world {
	w := newWorld(t)
	w.login = login
	w.self["agent"].(map[string]any)["status"] = "auth_in_progress"
	return w
}

func TestSignIn(t *testing.T) {
	for login, want := range map[string]string{
		"ann@example.com":        "signed_in",
		"":                       "signed_in",
		"ann+2fa@example.com":    "challenge",
		"ann+reject@example.com": "rejected",
	} {
		t.Run(login, func(t *testing.T) {
			w := signingIn(t, login)
			l := w.begin(true, nil)
			e := w.heard(want, 1)
			if text, _ := e["message"].(string); want != "signed_in" && text == "" {
				t.Errorf("event %v", e)
			}
			if want == "challenge" && e["subType"] != "2fa_required" {
				t.Errorf("event %v", e)
			}
			l.stop()
			l.ends(0)
			if got := w.types(); !slices.Equal(got, []string{want}) {
				t.Errorf("told %q", got)
			}
		})
	}
}

func TestCodes(t *testing.T) {
	w := signingIn(t, "ann+2fa@example.com")
	w.begin(true, nil)
	w.heard("challenge", 1)
	w.tell(map[string]any{"id": "c1", "type": "verify_code", "code": "000000"})
	if e := w.heard("challenge", 2); !strings.Contains(e["message"].(string), "wrong") {
		t.Errorf("event %v", e)
	}
	w.tell(map[string]any{"id": "c2", "type": "verify_code", "code": "12345"})
	w.heard("challenge", 3)
	w.tell(map[string]any{"id": "c3", "type": "verify_code", "code": "123456"})
	w.heard("signed_in", 1)
}

func TestCodeThatIsThereAlready(t *testing.T) {
	w := signingIn(t, "ann+2fa@example.com")
	w.tell(map[string]any{"id": "c", "type": "verify_code", "code": "123456"})
	w.begin(true, nil)
	w.heard("ack", 1)
	if got := w.types(); !slices.Equal(got, []string{"signed_in", "ack"}) {
		t.Errorf("told %q", got)
	}
}

func TestSilent(t *testing.T) {
	w := signingIn(t, "ann+silent@example.com")
	l := w.begin(true, func(p *program) { p.pace.heartbeat = time.Millisecond })
	w.until("the credentials", func() bool { return w.calls["credentials"] > 0 })
	w.tell(message("m", "x"))
	l.stop()
	l.ends(0)
	if len(w.events) != 0 || w.calls["inbox"] != 0 {
		t.Errorf("events %v, calls %v", w.events, w.calls)
	}
}

func TestCrash(t *testing.T) {
	w := signingIn(t, "ann+crash@example.com")
	w.begin(true, nil).ends(3)
	if got := w.types(); !slices.Equal(got, []string{"signed_in"}) {
		t.Errorf("told %q", got)
	}
	w.self["agent"].(map[string]any)["status"] = "running"
	w.begin(true, nil).ends(3)
	if got := w.types(); len(got) != 1 {
		t.Errorf("told %q", got)
	}
}

func TestRunningAgentDoesNotSignInAgain(t *testing.T) {
	w := newWorld(t)
	w.login = "ann@example.com"
	w.tell(message("m", "x"))
	w.begin(true, nil)
	w.heard("ack", 1)
	if got := w.types(); !slices.Equal(got, []string{"reply", "usage", "ack"}) {
		t.Errorf("told %q", got)
	}
}

func TestWorksThroughTasks(t *testing.T) {
	w := newWorld(t)
	w.self["enableAutonomy"] = true
	for _, typ := range []string{"invitation", "message", "research"} {
		w.tasks = append(w.tasks, map[string]any{"id": "t-" + typ, "type": typ, "payload": map[string]any{"to": "Bob"}})
	}
	w.begin(false, nil)
	w.heard("task_done", 3)
	w.until("an ask that brings nothing", func() bool { return w.calls["tasks/claim"] >= 4 })
	got := w.types()
	want := []string{"log", "task_done", "usage", "log", "task_done", "usage", "log", "task_done"}
	if !slices.Equal(got, want) {
		t.Errorf("told %q", got)
	}
	if e := w.heard("log", 1); e["text"] != `would send an invitation: {"to":"Bob"}` || e["level"] != "info" {
		t.Errorf("log %v", e)
	}
	if a, b := w.heard("usage", 1), w.heard("usage", 2); a["kind"] != "invitations" || b["kind"] != "messages" {
		t.Errorf("usage %v %v", a, b)
	}
	if e := w.heard("task_done", 3); e["taskId"] != "t-research" {
		t.Errorf("task %v", e)
	}
	// The next ask is an hour away, unless something changes.
	w.with(func() { w.tasks = append(w.tasks, map[string]any{"id": "t", "type": "message"}) })
	w.tell(map[string]any{"id": "c", "type": "settings_changed"})
	w.heard("task_done", 4)
}

func TestAsksAgainWhenTold(t *testing.T) {
	w := newWorld(t)
	w.self["enableAutonomy"] = true
	w.empty["askAgainAt"] = time.Now().Add(50 * time.Millisecond).UTC()
	w.begin(false, nil)
	w.until("three asks", func() bool { return w.calls["tasks/claim"] >= 3 })
}

func TestWouldDo(t *testing.T) {
	for raw, want := range map[string]string{
		`{}`:                       "would send a message",
		``:                         "would send a message",
		`null`:                     "would send a message: null",
		`{ "to" : "Ann" }`:         `would send a message: {"to":"Ann"}`,
		`"` + long("é", 200) + `"`: `would send a message: "` + long("é", 149),
	} {
		if got := wouldDo(protocol.Task{Type: "message", Payload: json.RawMessage(raw)}); got != want {
			t.Errorf("%s: %s", raw, got)
		}
	}
	if got := wouldDo(protocol.Task{Type: "research"}); got != "would do a task of type research" {
		t.Error(got)
	}
}

func long(s string, n int) string { return strings.Repeat(s, n) }
