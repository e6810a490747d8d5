package brain

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"agentry/internal/brain/fake"
	"agentry/internal/brain/llm"
	"agentry/internal/runtime/protocol"
)

// live returns the subtypes of the alerts that were raised and not cleared.
func (w *world) live() map[string]protocol.Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := map[string]protocol.Event{}
	for _, e := range w.events {
		subType, _ := e["subType"].(string)
		switch {
		case e["alertType"] != "model":
		case e["type"] == "alert":
			out[subType] = e
		case subType == "":
			clear(out)
		default:
			delete(out, subType)
		}
	}
	return out
}

func (w *world) alerted(kind llm.Kind) protocol.Event {
	w.Helper()
	var found protocol.Event
	w.until("an alert "+string(kind), func() bool {
		for _, e := range w.events {
			if e["type"] == "alert" && e["subType"] == string(kind) {
				found = e
				return true
			}
		}
		return false
	})
	return found
}

// TestTroubleIsTriedAgain has the endpoint fail for a while in every way.
func TestTroubleIsTriedAgain(t *testing.T) {
	for kind, c := range map[llm.Kind]struct {
		fault    fake.Fault
		severity string
	}{
		llm.WrongKey:    {fake.Forbidden(), "error"},
		llm.BadAddress:  {fake.Redirect("http://127.0.0.1:1/"), "error"},
		llm.Quota:       {fake.Quota(), "error"},
		llm.RateLimited: {fake.RateLimited(""), "warning"},
		llm.Unavailable: {fake.ServerError(), "warning"},
		llm.BadAnswer:   {fake.Garbage(), "warning"},
		llm.BadRequest:  {fake.BadRequest(), "warning"},
		llm.TooLong:     {fake.TooLong(), "warning"},
		llm.Filtered:    {fake.Filtered(), "warning"},
		llm.Empty:       {fake.Null("stop"), "warning"},
	} {
		t.Run(string(kind), func(t *testing.T) {
			w, e := newWorld(t), newFake(t)
			e.Fail(c.fault)
			w.modelled(e, nil)
			w.tell(message("m", "hello"))
			alert := w.alerted(kind)
			if text := alert["message"].(string); alert["severity"] != c.severity || !strings.Contains(text, "tried again") || len(text) > 1000 {
				t.Errorf("alert %v", alert)
			}
			if len(w.toldOf("ack"))+len(w.toldOf("reply")) != 0 {
				t.Error("what was not answered is acknowledged")
			}
			e.Fail(nil)
			if got := w.replyTo("m"); got != "You said: hello" {
				t.Errorf("reply %q", got)
			}
			w.until("all clear", func() bool { return len(w.commands) == 0 })
			if live := w.live(); len(live) != 0 {
				t.Errorf("alerts %v", live)
			}
			if n := len(w.toldOf("alert")); n != 1 {
				t.Errorf("%d alerts", n)
			}
			errors := 0
			for _, u := range w.toldOf("usage") {
				if u["kind"] == "errors" {
					errors++
				}
			}
			if errors != e.Calls()-1 {
				t.Errorf("%d errors counted of %d", errors, e.Calls()-1)
			}
			if strings.Contains(w.logged.String(), fake.Key) {
				t.Error("the key is in the log")
			}
		})
	}
}

// A message that fails by itself, and fails again when it is tried again, is one
// alert; one that then fails in another way is another, in place of it.
func TestOwnTroubleIsToldOnce(t *testing.T) {
	a, now := &alarm{settled: true}, time.Now()
	for i, c := range []struct {
		command string
		kind    llm.Kind
		later   time.Duration
		want    string
	}{
		{"m", llm.BadRequest, 0, "alert bad_request"},
		{"m", llm.BadRequest, time.Second, ""},
		{"n", llm.BadRequest, time.Second, ""},
		{"n", llm.TooLong, time.Second, "alert too_long"},
		{"m", llm.TooLong, time.Second, "alert_cleared bad_request"},
		{"m", llm.TooLong, remindEvery, "alert too_long"},
	} {
		now = now.Add(c.later)
		var got []string
		for _, e := range a.failed(&llm.Trouble{Kind: c.kind}, 1, c.command, now) {
			got = append(got, fmt.Sprint(e["type"], " ", e["subType"]))
		}
		if said := strings.Join(got, ", "); said != c.want {
			t.Errorf("%d. %s fails with %s: %q, want %q", i, c.command, c.kind, said, c.want)
		}
	}
}

func TestAFaultThatPassesIsNoAlert(t *testing.T) {
	w, e := newWorld(t), newFake(t)
	e.FailNext(fake.Overloaded(""))
	w.modelled(e, nil)
	w.tell(message("m", "hello"))
	w.replyTo("m")
	w.until("all clear", func() bool { return len(w.commands) == 0 })
	if n := len(w.toldOf("alert")); n != 0 || e.Calls() != 2 {
		t.Errorf("%d alerts after %d calls", n, e.Calls())
	}
}

func TestTimeOutIsAnAlert(t *testing.T) {
	w, e := newWorld(t), newFake(t)
	e.FailNext(fake.Hang())
	w.modelled(e, func(o *llm.Options, _ *waits) { o.Timeout = 50 * time.Millisecond })
	w.tell(message("m", "hello"))
	w.alerted(llm.Timeout)
	w.replyTo("m")
	w.until("all clear", func() bool { return len(w.commands) == 0 })
	if live := w.live(); len(live) != 0 {
		t.Errorf("alerts %v", live)
	}
}

func TestWrongKeyIsNotHammered(t *testing.T) {
	w, e := newWorld(t), newFake(t)
	e.TakeKey("another")
	for i := range 20 {
		w.commands = append(w.commands, said(fmt.Sprint("m", i), fmt.Sprint("room", i), "x"))
	}
	w.modelled(e, func(_ *llm.Options, pauses *waits) { *pauses = normalWaits() })
	alert := w.alerted(llm.WrongKey)
	if text := alert["message"].(string); !strings.Contains(text, "[key]") || strings.Contains(text, fake.Key[:12]) || !strings.Contains(text, "LLM_API_KEY_FILE") {
		t.Errorf("alert %q", text)
	}
	w.until("the desk to have all", func() bool { return w.known >= 20 })
	if n := e.Calls(); n > maxCalls {
		t.Errorf("%d calls", n)
	}
	// Nobody waits a minute for what was mended.
	e.TakeKey(fake.Key)
	w.tell(map[string]any{"id": "s", "type": "settings_changed"})
	w.until("every reply", func() bool { return len(w.commands) == 0 })
	if live := w.live(); len(live) != 0 {
		t.Errorf("alerts %v", live)
	}
}

func TestUnknownModelIsMendedBySettings(t *testing.T) {
	w, e := newWorld(t), newFake(t)
	w.self["settings"] = map[string]any{"model": "gone"}
	w.modelled(e, func(_ *llm.Options, pauses *waits) { *pauses = normalWaits() })
	w.tell(message("m", "hello"))
	if text := w.alerted(llm.UnknownModel)["message"].(string); !strings.Contains(text, `"gone"`) {
		t.Errorf("alert %q", text)
	}
	w.with(func() { w.self["settings"] = map[string]any{} })
	w.tell(map[string]any{"id": "s", "type": "settings_changed"})
	w.replyTo("m")
}

func TestMessageThatCannotBeAnsweredStepsAside(t *testing.T) {
	w, e := newWorld(t), newFake(t)
	e.Window(60)
	w.modelled(e, func(_ *llm.Options, pauses *waits) { *pauses = normalWaits() })
	w.tell(said("huge", "room", strings.Repeat("x", 1000)))
	w.alerted(llm.TooLong)
	w.tell(said("m2", "room", "short"))
	w.replyTo("m2")
	if live := w.live(); len(live) != 1 || live["too_long"] == nil {
		t.Errorf("alerts %v", live)
	}
	e.Window(0)
	w.tell(map[string]any{"id": "s", "type": "settings_changed"})
	w.replyTo("huge")
	w.until("all clear", func() bool { return len(w.commands) == 0 })
	if live := w.live(); len(live) != 0 {
		t.Errorf("alerts %v", live)
	}
}

func TestAlertsOfAFormerRunAreCleared(t *testing.T) {
	w, e := newWorld(t), newFake(t)
	w.modelled(e, nil)
	w.tell(message("m", "hello"))
	w.replyTo("m")
	w.until("all clear", func() bool { return len(w.commands) == 0 })
	if list := w.toldOf("alert_cleared"); len(list) != 1 || list[0]["alertType"] != "model" || list[0]["subType"] != "" {
		t.Errorf("cleared %v", list)
	}
	w.tell(message("m2", "hello"))
	w.replyTo("m2")
	w.until("all clear", func() bool { return len(w.commands) == 0 })
	if n := len(w.toldOf("alert_cleared")); n != 1 {
		t.Errorf("cleared %d times", n)
	}
}

func TestStopLeavesTheMessageToTheNextRun(t *testing.T) {
	w, e := newWorld(t), newFake(t)
	e.Fail(fake.Hang())
	l := w.modelled(e, nil)
	asked := e.Changed()
	w.tell(message("m", "hello"))
	<-asked
	l.stop()
	l.ends(0)
	if got := w.types(); len(got) != 0 {
		t.Errorf("told %q", got)
	}
	e.Fail(nil)
	w.modelled(e, nil)
	w.replyTo("m")
}

func TestPausesOfTheGate(t *testing.T) {
	pauses := normalWaits()
	for n := 1; n < 50; n++ {
		for kind, bounds := range map[llm.Kind][2]time.Duration{llm.Unavailable: pauses.passing, llm.WrongKey: pauses.lasting} {
			most := min(bounds[0]<<min(n-1, 20), bounds[1])
			if got := pauses.after(n, &llm.Trouble{Kind: kind}); got < most/2 || got > most {
				t.Errorf("%s, failure %d: %v of %v", kind, n, got, most)
			}
		}
	}
	for asked, want := range map[time.Duration]time.Duration{40 * time.Minute: 40 * time.Minute, 99 * time.Hour: time.Hour} {
		if got := pauses.after(1, &llm.Trouble{Kind: llm.RateLimited, After: asked}); got != want {
			t.Errorf("Retry-After %v: %v", asked, got)
		}
	}
}

func TestRetryAfterHoldsForEverybody(t *testing.T) {
	w, e := newWorld(t), newFake(t)
	e.FailNext(fake.RateLimited("3600"))
	w.modelled(e, nil)
	w.tell(said("a", "a", "x"))
	w.alerted(llm.RateLimited)
	w.tell(said("b", "b", "x"))
	w.until("both at the desk", func() bool { return w.known == 2 })
	if n := e.Calls(); n != 1 {
		t.Errorf("%d calls in spite of Retry-After", n)
	}
}
