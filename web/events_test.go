package web

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/web/stream"
)

// listen opens an event stream and returns its messages as "id event data".
func (w *world) listen(key, last string) (events <-chan string, res *http.Response) {
	w.t.Helper()
	return w.stream("/v1/events", last, "Authorization", "Bearer "+key)
}

// stream opens the stream at a path with one header more.
func (w *world) stream(path, last, name, value string) (events <-chan string, res *http.Response) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), "GET", w.url+path, nil)
	must(w.t, err)
	req.Header.Set(name, value)
	if last != "" {
		req.Header.Set("Last-Event-ID", last)
	}
	res, err = (&http.Client{Transport: w.client.Transport}).Do(req)
	must(w.t, err)
	out := make(chan string, 1000)
	go func() {
		defer close(out)
		defer res.Body.Close()
		fields := map[string]string{}
		for scan := bufio.NewScanner(res.Body); scan.Scan(); {
			name, value, _ := strings.Cut(scan.Text(), ": ")
			if name != "" {
				fields[name] = value
				continue
			}
			if fields["event"] != "" {
				out <- fields["id"] + " " + fields["event"] + " " + fields["data"]
			}
			fields = map[string]string{}
		}
	}()
	return out, res
}

func TestEventsComeAndAreReplayed(t *testing.T) {
	w := newWorld(t)
	key := w.keys[fleet.ScopeRead]
	live, res := w.listen(key, "")
	if res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("%d %v", res.StatusCode, res.Header)
	}
	id := w.agent("assistant", fleet.SetupNeeded)
	first := within(t, "the first event", live)
	if !strings.Contains(first, `agent.created {"type":"agent.created","agentId":"`+string(id)+`","at":"`) {
		t.Errorf("got %s", first)
	}
	seq, _, _ := strings.Cut(first, " ")
	_, err := w.app.End(t.Context(), w.actor(), id, app.ReasonInput{})
	must(t, err)
	var seen []string
	for range 1 {
		seen = append(seen, within(t, "the second event", live))
	}
	again, _ := w.listen(key, seq)
	for _, want := range seen {
		if got := within(t, "a replayed event", again); got != want {
			t.Errorf("replay gave %s, want %s", got, want)
		}
	}
	foreign, _ := w.listen(w.foreign, "0")
	other := fleet.System(w.other.ID, "test")
	theirs := w.agentOf(other, "assistant", fleet.SetupNeeded)
	for event := range foreign {
		if strings.Contains(event, string(id)) {
			t.Errorf("another team heard %s", event)
		}
		if strings.Contains(event, string(theirs)) {
			break
		}
	}
	refused(t, w.do("GET", "/v1/events", key, "", "Last-Event-ID: x"), 400, "Last-Event-ID")
}

func TestReplayHasNoGapsOrRepeats(t *testing.T) {
	w := newWorld(t)
	w.many(450)
	events, _ := w.listen(w.keys[fleet.ScopeRead], "1")
	go func() {
		for range 50 {
			_, _ = w.app.Create(t.Context(), w.actor(), app.CreateInput{Kind: "assistant"})
		}
	}()
	agents := map[string]bool{}
	for len(agents) < 495 {
		event := within(t, "an event", events)
		if !strings.Contains(event, "agent.created") {
			continue
		}
		_, rest, _ := strings.Cut(event, `"agentId":"`)
		if agents[rest[:36]] {
			t.Fatalf("repeated: %s", event)
		}
		agents[rest[:36]] = true
	}
}

func TestStreamBeatsAndEnds(t *testing.T) {
	w := newWorld(t)
	s := New(Config{App: w.app, Addr: "127.0.0.1:0", Log: w.server.log})
	s.streams = stream.New(w.app, 5*time.Millisecond, w.server.log)
	must(t, s.Start(t.Context()))
	w.url = "http://" + s.Addr()
	w.server.conns = s.conns
	events, _ := w.listen(w.keys[fleet.ScopeRead], "")
	if got := within(t, "a beat", events); got != " beat {}" {
		t.Errorf("got %q", got)
	}
	start := time.Now()
	must(t, s.Stop(context.Background()))
	if took := time.Since(start); took > 3*time.Second {
		t.Errorf("stopping took %v with an open stream", took)
	}
	wait(t, "the stream's end", func() bool {
		for range events {
		}
		return true
	})
}

func TestRevokedKeyLosesItsStream(t *testing.T) {
	w := newWorld(t)
	k, plain, err := w.app.AddKey(t.Context(), w.team.ID, app.KeyInput{Name: "x", Scope: fleet.ScopeRead})
	must(t, err)
	events, _ := w.listen(plain, "")
	must(t, w.app.RevokeKey(t.Context(), fleet.System(w.team.ID, "test"), k.ID))
	ended := make(chan bool)
	go func() {
		for range events {
		}
		close(ended)
	}()
	within(t, "the stream's end", ended)
	refused(t, w.do("GET", "/v1/verify", plain, ""), 401, "invalid_api_key")
}
