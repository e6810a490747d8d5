package main_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// heard is one event of a stream.
type heard struct{ id, event, data string }

// events opens GET /v1/events behind last and calls take with each event until
// the stream ends or take answers false.
func (c client) events(ctx context.Context, last string, take func(heard) bool) error {
	req, err := http.NewRequestWithContext(ctx, "GET", c.url+"/v1/events", nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+c.key)
	if last != "" {
		req.Header.Set("Last-Event-ID", last)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%d", res.StatusCode)
	}
	var h heard
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), ": ")
		switch name {
		case "id":
			h.id = value
		case "event":
			h.event = value
		case "data":
			h.data = value
		case "":
			if h.event != "" && !take(h) {
				return nil
			}
			h = heard{}
		}
	}
	return nil
}

// follower is a program that keeps its place in the stream, whatever happens to
// the server.
type follower struct {
	mu   sync.Mutex
	got  []heard
	ends int
}

func (f *follower) take(h heard) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if h.event != "beat" {
		f.got = append(f.got, h)
	}
	return true
}

func (f *follower) last() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.got) == 0 {
		return "0"
	}
	return f.got[len(f.got)-1].id
}

// all is what it heard so far.
func (f *follower) all() []heard {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.got)
}

// follow reads until the context ends, from the server's present address on.
func (f *follower) follow(ctx context.Context, at func() client) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for ctx.Err() == nil {
		_ = at().events(ctx, f.last(), f.take)
		f.mu.Lock()
		f.ends++
		f.mu.Unlock()
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// A program that follows the stream through kill -9, stops and what commands on
// the local file do meanwhile hears every event of its team once, in order, and
// none of another team.
func TestEventsThroughRestarts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	foreign := w.foreign()
	var mu sync.Mutex
	now := w.client
	at := func() client {
		mu.Lock()
		defer mu.Unlock()
		return now
	}
	ctx, cancel := context.WithCancel(t.Context())
	f := &follower{}
	var all sync.WaitGroup
	all.Go(func() { f.follow(ctx, at) })
	defer all.Wait()
	defer cancel()
	for round, stop := range []func(){w.kill, w.stop, w.kill} {
		var writing sync.WaitGroup
		for _, c := range []client{w.client, {t, w.url, foreign.key}} {
			for i := range 2 {
				writing.Go(func() {
					for n := range 400 {
						a, err := c.try("POST", "/v1/agents", fmt.Sprintf(`{"kind":"assistant","name":"Agent %d %d %d"}`, round, i, n))
						if err != nil || a.status != http.StatusCreated {
							return
						}
					}
				})
			}
		}
		before := len(f.all())
		eventually(t, func() (string, bool) {
			n := len(f.all())
			return fmt.Sprintf("heard %d events", n), n > before+50
		})
		w.admin("admin", "seed", "--team", w.team, "--agents", "5", "--seed", fmt.Sprint(round))
		stop()
		writing.Wait()
		w.admin("admin", "key", "add", "--team", w.team, "--scope", "read", "--name", "while it is away")
		w.serve()
		mu.Lock()
		now = w.client
		mu.Unlock()
	}
	w.admin("admin", "seed", "--team", w.team, "--agents", "3", "--seed", "9")
	w.create("assistant", "The last one")
	var agents []agent
	w.client.want(200, "-", "GET", "/v1/agents", "").into(t, &agents)
	var stored []heard
	must(t, w.client.events(t.Context(), "0", func(h heard) bool {
		stored = append(stored, h)
		return !strings.Contains(h.data, lastOf(agents))
	}))
	eventually(t, func() (string, bool) {
		got := f.all()
		return fmt.Sprintf("heard %d of %d", len(got), len(stored)), len(got) >= len(stored)
	})
	f.judge(t, stored, agents)
}

// lastOf is the id of the agent that was made last.
func lastOf(agents []agent) string {
	i := slices.IndexFunc(agents, func(a agent) bool { return a.Name == "The last one" })
	return agents[i].ID
}

func (f *follower) judge(t *testing.T, stored []heard, agents []agent) {
	t.Helper()
	got := f.all()[:len(stored)] // its agents go on
	for i, h := range got {
		if h != stored[i] {
			t.Fatalf("event %d was heard as %v, the table has %v", i, h, stored[i])
		}
	}
	if f.ends < 3 {
		t.Errorf("the stream ended %d times in three restarts", f.ends)
	}
	own := map[string]bool{}
	for _, a := range agents {
		own[a.ID] = true
	}
	seen := map[string]bool{}
	for _, h := range got {
		if seen[h.id] {
			t.Errorf("%s came twice", h.id)
		}
		seen[h.id] = true
		_, id, ok := strings.Cut(h.data, `"agentId":"`)
		if ok && !own[id[:36]] {
			t.Errorf("another team's event: %v", h)
		}
		if h.event == "reset" {
			t.Error("events were not kept")
		}
	}
	t.Logf("%d events, %d streams", len(got), f.ends)
}

// A copy from before is put back and goes on past the number that a program
// remembers: it is told to ask for everything again, since its place is of
// another history.
func TestEventsAfterARestoredCopy(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	w.create("assistant", "before the copy")
	w.stop()
	copied := map[string][]byte{}
	for _, name := range []string{"agentry.db", "agentry.db-wal"} {
		raw, err := os.ReadFile(filepath.Join(w.dir, "data", name))
		if err == nil {
			copied[name] = raw
		}
	}
	w.serve()
	for i := range 5 {
		w.create("assistant", fmt.Sprint("lost ", i))
	}
	last := w.newest()
	w.stop()
	for _, name := range []string{"agentry.db", "agentry.db-wal", "agentry.db-shm"} {
		_ = os.Remove(filepath.Join(w.dir, "data", name))
	}
	for name, raw := range copied {
		w.write("data/"+name, string(raw))
	}
	w.serve()
	for _, places := range []int{1, 20} {
		for i := range places {
			w.create("assistant", fmt.Sprint("since ", i))
		}
		var first heard
		must(t, w.client.events(t.Context(), last, func(h heard) bool {
			first = h
			return false
		}))
		if first.event != "reset" || first.id == last {
			t.Errorf("behind %s, %d events after the copy: %v, want a reset", last, places, first)
		}
	}
}

// newest is the id of the newest event.
func (w *world) newest() string {
	w.t.Helper()
	id := w.create("assistant", "a mark")
	last := ""
	must(w.t, w.client.events(w.t.Context(), "0", func(h heard) bool {
		last = h.id
		return !strings.Contains(h.data, id)
	}))
	return last
}
