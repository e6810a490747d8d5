package brain

import (
	"fmt"
	"net"
	"net/http/httptest"
	"os"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

func message(id, text string) map[string]any {
	return map[string]any{"id": "c-" + id, "type": "message", "messageId": id, "text": text}
}

func TestAnswersMessages(t *testing.T) {
	w := newWorld(t)
	w.self["settings"] = map[string]any{
		"temperature": 0.7, "maxTokens": 1000, "apiSecret": "sk-1",
		"rules": []any{map[string]any{"pattern": "(?i)price", "reply": "{name}: 10 euros"}},
	}
	l := w.begin(false, nil)
	w.tell(message("m1", "What is the Price?"))
	if e := w.heard("reply", 1); e["messageId"] != "m1" || e["text"] != "Ann: 10 euros" {
		t.Errorf("reply %v", e)
	}
	if e := w.heard("usage", 1); e["kind"] != "messages" || e["count"] != 1.0 {
		t.Errorf("usage %v", e)
	}
	w.until("the acknowledgement", func() bool { return len(w.commands) == 0 })
	w.tell(message("m2", "hello"))
	if e := w.heard("reply", 2); !strings.Contains(e["text"].(string), "Ann") {
		t.Errorf("plain reply %v", e)
	}
	l.stop()
	l.ends(0)
	if got, want := w.types(), []string{"reply", "usage", "ack", "reply", "usage", "ack"}; !slices.Equal(got, want) {
		t.Errorf("told %q", got)
	}
	log := w.logged.String()
	if !strings.Contains(log, "temperature=0.7") || !strings.Contains(log, "apiSecret") || strings.Contains(log, "sk-1") {
		t.Errorf("log:\n%s", log)
	}
	if w.calls["credentials"] != 0 || w.calls["tasks/claim"] != 0 {
		t.Errorf("calls %v", w.calls)
	}
}

func TestEventsHaveIDsAndTimes(t *testing.T) {
	w := newWorld(t)
	w.tell(message("m", "x"))
	w.begin(false, nil)
	w.heard("ack", 1)
	w.with(func() {
		for _, e := range w.events {
			id := e["id"].(string)
			if len(id) != 36 || id[14] != '4' || w.ids[id] != 1 {
				t.Errorf("id %q", id)
			}
			if _, err := time.Parse("2006-01-02T15:04:05.000Z", e["at"].(string)); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestCommandThatComesAgain(t *testing.T) {
	w := newWorld(t)
	w.keepAcks = true
	w.tell(message("m", "x"))
	w.begin(false, nil)
	w.heard("ack", 3)
	if got := w.types(); slices.Index(got[1:], "reply") >= 0 {
		t.Errorf("told %q", got)
	}
}

func TestNewSettingsHoldAtOnce(t *testing.T) {
	w := newWorld(t)
	w.begin(false, nil)
	w.until("hello", func() bool { return w.calls["inbox"] > 0 })
	w.with(func() {
		w.self["settings"] = map[string]any{"rules": []any{map[string]any{"pattern": ".", "reply": "new"}}}
	})
	w.tell(map[string]any{"id": "c", "type": "settings_changed"})
	w.tell(map[string]any{"id": "d", "type": "what_is_this"})
	w.tell(message("m", "x"))
	if e := w.heard("reply", 1); e["text"] != "new" {
		t.Errorf("reply %v", e)
	}
}

func TestWaysToEnd(t *testing.T) {
	for name, c := range map[string]struct {
		end  func(w *world, l *life)
		code int
	}{
		"signal":  {func(_ *world, l *life) { l.stop() }, 0},
		"over":    {func(w *world, _ *life) { w.with(func() { w.over = true }) }, 0},
		"stop":    {func(w *world, _ *life) { w.tell(map[string]any{"id": "s", "type": "stop"}) }, 0},
		"refused": {func(w *world, _ *life) { w.with(func() { w.failing = []int{400, 400} }); w.tell(message("m", "x")) }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			l := w.begin(false, nil)
			w.until("an open inbox", func() bool { return w.calls["inbox"] > 0 })
			c.end(w, l)
			if name == "over" {
				w.http.CloseClientConnections()
			}
			l.ends(c.code)
			if name == "stop" && !slices.Equal(w.types(), []string{"ack"}) {
				t.Errorf("told %q", w.types())
			}
		})
	}
}

func TestRunThatIsOverAtOnce(t *testing.T) {
	w := newWorld(t)
	w.over = true
	w.begin(true, nil).ends(0)
}

func TestTokenIsRefused(t *testing.T) {
	w := newWorld(t)
	w.begin(false, func(p *program) { p.Client.Token = "wrong" }).ends(1)
	if w.calls["self"] != 1 {
		t.Errorf("asked %d times", w.calls["self"])
	}
}

func TestHeartbeat(t *testing.T) {
	w := newWorld(t)
	w.begin(false, func(p *program) { p.pace.heartbeat = 5 * time.Millisecond })
	w.heard("heartbeat", 3)
}

func TestServerThatComesBack(t *testing.T) {
	w := newWorld(t)
	address := w.http.Listener.Addr().String()
	l := w.begin(false, nil)
	w.until("an open inbox", func() bool { return w.calls["inbox"] > 0 })
	w.http.Listener.Close() // first, or the program comes back before the end
	w.http.CloseClientConnections()
	w.http.Close()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	again := httptest.NewUnstartedServer(w.http.Config.Handler)
	again.Listener.Close()
	again.Listener = listener
	again.Start()
	defer again.Close()
	w.tell(message("m", "x"))
	w.heard("reply", 1)
	l.stop()
	l.ends(0)
}

func TestServerThatIsBusy(t *testing.T) {
	w := newWorld(t)
	w.failing = []int{503, 500, 429, 502}
	w.begin(false, nil)
	w.until("hello", func() bool { return w.calls["inbox"] > 0 })
	if log := w.logged.String(); strings.Count(log, "trying again") != 1 || !strings.Contains(log, "the server is back") {
		t.Errorf("log:\n%s", log)
	}
}

func TestManyEventsAreSplit(t *testing.T) {
	w := newWorld(t)
	for i := range 300 {
		w.commands = append(w.commands, message(fmt.Sprint("m", i), "x"))
	}
	w.begin(false, nil)
	w.until("every acknowledgement", func() bool { return len(w.commands) == 0 })
	w.with(func() {
		if w.calls["events"] != 2 || len(w.events) != 900 {
			t.Errorf("%d calls, %d events", w.calls["events"], len(w.events))
		}
	})
}

func TestOptionsThatCannotWork(t *testing.T) {
	for _, o := range []Options{{}, {URL: "http://x"}, {URL: "x", Token: "t"}, {URL: "ftp://x", Token: "t"}} {
		if code := Run(t.Context(), o); code != exitFailed {
			t.Errorf("%+v: exit code %d", o, code)
		}
	}
}

func TestReadHandover(t *testing.T) {
	got, err := ReadHandover(func(string) string { return "from-env" })
	if err != nil || got.Token != "from-env" || got.Secrets != nil {
		t.Errorf("%q %v", got, err)
	}
	for text, want := range map[string]Handover{
		"from-pipe":                            {Token: "from-pipe", Secrets: map[string]string{}},
		"from-pipe\n":                          {Token: "from-pipe", Secrets: map[string]string{}},
		"from-pipe\nA=x=y z\nnothing\nB=\nC=1": {Token: "from-pipe", Secrets: map[string]string{"A": "x=y z", "B": "", "C": "1"}},
	} {
		var fds [2]int // raw, because readPipe closes its end
		if err := syscall.Pipe2(fds[:], syscall.O_CLOEXEC); err != nil {
			t.Fatal(err)
		}
		w := os.NewFile(uintptr(fds[1]), "token")
		if _, err := w.WriteString(text); err != nil {
			t.Fatal(err)
		}
		w.Close()
		if got, err := readPipe(fds[0]); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %q %v", text, got, err)
		}
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if _, err := readPipe(int(null.Fd())); err == nil {
		t.Error("a device was taken for the token's pipe")
	}
}
