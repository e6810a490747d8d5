package eliza

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"agentry/internal/fleet"
	"agentry/internal/runtime/eliza/fake"
)

func fmtOf(v any) string { return fmt.Sprint(v) }

func newAgentThere() *fake.Agent {
	return &fake.Agent{Fields: map[string]any{"name": "x"}, Active: true}
}

// A session that the server lost is opened again, and the message goes through.
func TestLostSession(t *testing.T) {
	h := newHome(t, nil)
	p := h.start(nil)
	h.tell("m1", "c", "one")
	h.reply("m1")
	h.acked()
	h.eliza.With(func() { clear(h.eliza.Sessions) })
	h.tell("m2", "c", "two")
	h.reply("m2")
	h.eliza.With(func() {
		for id := range h.eliza.Sessions {
			h.eliza.Sessions[id] = "expired"
		}
	})
	h.acked()
	h.tell("m3", "c", "three")
	if got := h.reply("m3"); got != "echo: three" {
		t.Errorf("reply %q", got)
	}
	h.with(func() {
		if len(h.alerts) != 0 {
			t.Errorf("alerts %v", h.alerts)
		}
	})
	h.stop(p)
}

func TestLongMessagesGoInParts(t *testing.T) {
	h := newHome(t, nil)
	p := h.start(nil)
	text := long("wörter", 1500) // 10,500 characters
	h.tell("m", "c", text)
	h.reply("m")
	h.eliza.With(func() {
		if len(h.eliza.Contents) != 3 || strings.Join(h.eliza.Contents, "") != text {
			t.Errorf("%d parts", len(h.eliza.Contents))
		}
	})
	h.acked()
	// A part that got through is not said again.
	h.eliza.With(func() {
		h.eliza.Contents = nil
		h.eliza.Reply = func(_, content string) string {
			h.eliza.NoModel = len(h.eliza.Contents) == 2
			return "r"
		}
	})
	h.tell("n", "c", text)
	h.until("two parts", func() bool { n := 0; h.eliza.With(func() { n = len(h.eliza.Contents) }); return n == 2 })
	h.alerted(alertModel)
	h.eliza.With(func() { h.eliza.NoModel, h.eliza.Reply = false, func(_, _ string) string { return "r" } })
	if got := h.reply("n"); got != "r\n\nr\n\nr" {
		t.Errorf("reply %q", got)
	}
	h.eliza.With(func() {
		if strings.Join(h.eliza.Contents, "") != text {
			t.Errorf("%d parts were said", len(h.eliza.Contents))
		}
	})
	h.calm()
	h.stop(p)
}

func TestSplit(t *testing.T) {
	for _, text := range []string{
		"", "short", strings.Repeat("x", 4000), strings.Repeat("x", 4001), strings.Repeat("é", 9000),
		strings.Repeat("\U0001F600", 3000), long("word", 3000), strings.Repeat("A sentence. ", 2000), strings.Repeat("line\n", 5000),
	} {
		parts := split(text, maxContent)
		if strings.Join(parts, "") != text {
			t.Errorf("%.10q: something is lost", text)
		}
		for i, p := range parts {
			n := len(utf16.Encode([]rune(p)))
			if n > maxContent || i < len(parts)-1 && n < maxContent/2-1 {
				t.Errorf("%.10q: part %d has %d", text, i, n)
			}
		}
	}
}

func TestSilentAgent(t *testing.T) {
	h := newHome(t, nil)
	h.eliza.With(func() { h.eliza.Reply = func(string, string) string { return "" } })
	p := h.start(nil)
	h.tell("m", "c", "x")
	h.acked()
	if !h.said("chose not to answer") {
		t.Errorf("log %q", h.lines)
	}
	h.with(func() {
		if h.count("reply")+h.count("usage") != 0 {
			t.Errorf("events %v", h.events)
		}
	})
	h.stop(p)
}

func TestHugeReplyIsCut(t *testing.T) {
	if got := fit(strings.Repeat("é", fleet.MaxMessage)); len(got) > fleet.MaxMessage || !strings.HasSuffix(got, "é …") {
		t.Errorf("%d bytes, ends with %q", len(got), got[len(got)-8:])
	}
	if got := fit("short"); got != "short" {
		t.Error(got)
	}
}

// Without a model messages are tried again, people are told, and the run goes
// on.
func TestNoModel(t *testing.T) {
	h := newHome(t, nil)
	h.eliza.With(func() { h.eliza.NoModel = true })
	p := h.start(nil)
	h.tell("m1", "c", "one")
	h.tell("m2", "d", "two")
	if got := h.alerted(alertModel); !strings.Contains(got, "no model") || !strings.Contains(got, "Failed to process message in HTTP transport") {
		t.Errorf("alert %q", got)
	}
	h.eliza.With(func() { h.eliza.NoModel = false })
	h.reply("m1")
	h.reply("m2")
	h.acked()
	h.calm()
	h.stop(p)
}

// The last requests before the limit are kept for looking after agents.
func TestMessagesWaitForTheLimit(t *testing.T) {
	h := newHome(t, func(c *Config, _ *fleet.Kind) { c.pace.look = time.Hour })
	p := h.start(nil)
	h.eliza.With(func() { h.eliza.Left = 140 })
	h.driver.servers["eliza"].lookSoon()
	h.until("the limit is known", func() bool { return !h.driver.servers["eliza"].limit.scarceUntil().IsZero() })
	h.tell("m", "c", "x")
	if got := h.alerted(alertLimited); !strings.Contains(got, "its limit is reached; it is asked again at ") {
		t.Errorf("alert %q", got)
	}
	if n := h.eliza.Count("POST /api/messaging"); n != 0 {
		t.Errorf("%d calls for messages", n)
	}
	h.stop(p) // a stop is not held back
}

// After a 429 nothing is asked until the server says so.
func TestTooManyRequests(t *testing.T) {
	h := newHome(t, nil)
	p := h.start(nil)
	h.eliza.With(func() { h.eliza.Left = 0 })
	h.alerted(alertLimited)
	before := h.eliza.Count("")
	if err := p.Stop(t.Context(), 100*time.Millisecond); err == nil {
		t.Error("a stop that was never sent is called done")
	}
	if n := h.eliza.Count(""); n != before {
		t.Errorf("%d calls while the server wants none", n-before)
	}
}

// No answer is not evidence of death: the run is not heard, and goes on when
// the server is back.
func TestServerThatGoesAway(t *testing.T) {
	h := newHome(t, nil)
	p := h.start(nil)
	h.eliza.With(func() { h.eliza.Garbage = true })
	h.alerted(alertUnreachable)
	var calls int
	h.with(func() { calls = h.calls[""] })
	looks := h.eliza.Count("GET")
	h.until("more looks", func() bool { return h.eliza.Count("GET") > looks+5 })
	h.with(func() {
		if h.calls[""] != calls {
			t.Errorf("the run was heard %d times while nobody knew", h.calls[""]-calls)
		}
	})
	h.tell("m", "c", "waiting")
	h.eliza.With(func() { h.eliza.Garbage = false })
	h.reply("m")
	h.calm()
	h.stop(p)
}

// A long answer of the model does not make the run silent.
func TestHeardWhileAMessageTakesLong(t *testing.T) {
	h := newHome(t, nil)
	p := h.start(nil)
	release := make(chan struct{})
	slow := make(chan struct{})
	h.eliza.With(func() {
		h.eliza.Reply = func(string, string) string {
			h.eliza.Unlocked(func() { close(slow); <-release })
			return "late"
		}
	})
	h.tell("m", "c", "x")
	<-slow
	h.until("heartbeats", func() bool { return h.count("heartbeat") > 2 })
	close(release)
	if got := h.reply("m"); got != "late" {
		t.Errorf("reply %q", got)
	}
	h.acked()
	h.stop(p)
}

// Agents share the one look at their server.
func TestOneLookForAll(t *testing.T) {
	h := newHome(t, func(c *Config, _ *fleet.Kind) { c.pace.look = time.Hour })
	for i := range 20 {
		p, err := h.driver.Start(t.Context(), h.spec(fmt.Sprintf("0190aaaa-bbbb-7ccc-8ddd-%012d", i), 1, nil))
		if err != nil {
			t.Fatal(err)
		}
		defer h.stop(p)
	}
	before := h.eliza.Count("")
	h.driver.servers["eliza"].lookSoon()
	h.until("a look", func() bool { return h.eliza.Count("GET") > 1 })
	if n := h.eliza.Count(""); n > before+1 {
		t.Errorf("%d calls to look after 20 agents", n-before)
	}
}

// The run that is over waits to be stopped, and asks for nothing more.
func TestRunThatIsOver(t *testing.T) {
	h := newHome(t, nil)
	p := h.start(nil)
	h.with(func() { h.over = true })
	h.tell("m", "c", "x")
	h.stop(p)
	if h.eliza.Count("POST /api/messaging") != 0 {
		t.Error("a run that is over answers")
	}
}
