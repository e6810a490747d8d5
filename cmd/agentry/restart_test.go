package main_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"
)

// TestRestart stops a server with twenty running agents under a load of
// writes, again and again, by kill -9 and by SIGTERM, and looks each time at
// what is left and what comes back.
func TestRestart(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	fleet := map[string]bool{}
	for i := range 20 {
		id := w.create("rehearsal", fmt.Sprint("Agent ", i))
		w.setup(id, fmt.Sprintf("agent%d@northwind.example", i))
		fleet[id] = true
	}
	wrote := newLedger()
	for round, stop := range []func(){w.kill, w.stop, w.kill, w.kill, w.stop, w.kill} {
		before := w.allUp(fleet, int64(round))
		stopWriting := wrote.load(w.client, 4, 20*(round+1))
		stop()
		stopWriting()
		w.serve()
		began := time.Now()
		w.allUp(fleet, int64(round)+1)
		t.Logf("round %d: all run again %s after the server serves", round, time.Since(began).Round(time.Millisecond))
		for _, p := range before {
			if p.alive() {
				t.Errorf("round %d: process %d of the former life is left", round, p.pid)
			}
		}
		wrote.check(w.client)
	}
}

// allUp waits until each agent's run of an epoch above this one has been heard
// and returns the processes, one each.
func (w *world) allUp(ids map[string]bool, above int64) (list []proc) {
	w.t.Helper()
	eventually(w.t, func() (string, bool) {
		var agents []agent
		w.client.want(200, "-", "GET", "/v1/agents?status=running&limit=200&q=Agent", "").into(w.t, &agents)
		up := map[string]bool{}
		for _, a := range agents {
			up[a.ID] = ids[a.ID] && a.Runtime.State == "up" && a.Runtime.Epoch > above && a.Runtime.LastHeardAt != nil
		}
		n := 0
		for id := range ids {
			if up[id] {
				n++
			}
		}
		return fmt.Sprintf("%d of %d are up", n, len(ids)), n == len(ids)
	})
	list = programsOf(w.t, ids)
	if len(list) != len(ids) {
		w.t.Fatalf("%d processes for %d agents: %v", len(list), len(ids), list)
	}
	return list
}

// ledger holds what the server has acknowledged: the name of each agent, and
// the agents that are gone.
type ledger struct {
	mu     sync.Mutex
	agents map[string]string
	gone   []string
	// unclear are agents with a change under way when the server died: either
	// name is right.
	unclear map[string]string
	begun   int
	acks    int
}

func newLedger() *ledger { return &ledger{agents: map[string]string{}, unclear: map[string]string{}} }

// load writes with so many clients at once until the server is gone, and
// returns after so many acknowledged writes, in the middle of it. The result
// waits for the end.
func (l *ledger) load(c client, clients, writes int) (wait func()) {
	c.t.Helper()
	var all sync.WaitGroup
	begun := l.acknowledged()
	for range clients {
		all.Go(func() {
			for l.write(c) == nil {
			}
		})
	}
	eventually(c.t, func() (string, bool) {
		n := l.acknowledged() - begun
		return fmt.Sprintf("%d of %d writes", n, writes), n >= writes
	})
	return all.Wait
}

func (l *ledger) acknowledged() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.acks
}

// write makes an agent, renames it twice and, every third time, ends and
// deletes it.
func (l *ledger) write(c client) error {
	l.mu.Lock()
	l.begun++
	n := l.begun
	l.mu.Unlock()
	name := fmt.Sprint("Written ", n)
	a, err := c.try("POST", "/v1/agents", fmt.Sprintf(`{"name":%q}`, name))
	if err != nil {
		return err
	}
	var made agent
	if a.status != http.StatusCreated {
		return l.refused(a)
	}
	a.into(c.t, &made)
	l.know(made.ID, name, "")
	for _, next := range []string{name + " again", name + " at last"} {
		l.know(made.ID, name, next)
		a, err := c.try("PUT", "/v1/agents/"+made.ID, fmt.Sprintf(`{"name":%q}`, next))
		if err != nil {
			return err
		}
		if a.status != http.StatusOK {
			return l.refused(a)
		}
		name = next
		l.know(made.ID, name, "")
	}
	if n%3 > 0 {
		return nil
	}
	return l.remove(c, made.ID, name)
}

func (l *ledger) remove(c client, id, name string) error {
	a, err := c.try("POST", "/v1/agents/"+id+"/end", "")
	if err != nil {
		return err
	}
	if a.status != http.StatusOK {
		return l.refused(a)
	}
	l.know(id, name, "gone")
	if a, err = c.try("DELETE", "/v1/agents/"+id, ""); err != nil {
		return err
	}
	if a.status != http.StatusOK {
		return l.refused(a)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.agents, id)
	delete(l.unclear, id)
	l.gone = append(l.gone, id)
	return nil
}

// know keeps a name that was acknowledged and, unless "", the one that was
// asked for.
func (l *ledger) know(id, name, maybe string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.agents[id], l.unclear[id] = name, maybe
	if maybe == "" {
		delete(l.unclear, id)
		l.acks++
	}
}

// refused ends a client: a server that stops may say that it does.
func (l *ledger) refused(a answer) error { return fmt.Errorf("%d %s: %w", a.status, a.body, io.EOF) }

// check compares the server with the ledger.
func (l *ledger) check(c client) {
	c.t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	var agents []agent
	c.want(200, "-", "GET", "/v1/agents", "").into(c.t, &agents)
	names := map[string]string{}
	for _, a := range agents {
		names[a.ID] = a.Name
	}
	for id, name := range l.agents {
		got, maybe := names[id], l.unclear[id]
		switch {
		case got == name, got != "" && got == maybe, got == "" && maybe == "gone":
		default:
			c.t.Errorf("an acknowledged write is lost: agent %s is called %q, want %q or %q", id, got, name, maybe)
		}
		// What was unclear is clear now.
		if delete(l.unclear, id); got == "" {
			delete(l.agents, id)
		} else {
			l.agents[id] = got
		}
	}
	for _, id := range l.gone {
		if _, back := names[id]; back {
			c.t.Errorf("a deleted agent is back: %s", id)
		}
	}
}

// TestOrphans: what a program started itself goes with it, in its group or out
// of it, by a pause as by the server's death.
func TestOrphans(t *testing.T) {
	t.Parallel()
	w := makeWorld(t, plainBinary(), "")
	script := w.write("forker.sh", `
trap '' TERM
sleep 1001 &
setsid sleep 1002 &
(setsid sh -c 'sleep 1003 & sleep 1004' &) &
while :; do sleep 1005; done
`)
	w.write("agentry.toml", fmt.Sprintf("[kinds.forker]\ndriver = \"process\"\ncommand = [\"/bin/sh\", %q]\ngrace = \"300ms\"\n", script))
	w.serve()
	ids := map[string]bool{}
	for i := range 3 {
		ids[w.create("forker", fmt.Sprint("Agent ", i))] = true
	}
	start := func(verb string) {
		t.Helper()
		var all sync.WaitGroup
		for id := range ids {
			all.Go(func() { w.client.do("POST", "/v1/agents/"+id+"/"+verb, "") })
		}
		all.Wait()
	}
	family := func(epoch string) (list []proc) {
		t.Helper()
		eventually(t, func() (string, bool) {
			list = slices.DeleteFunc(programsOf(t, ids), func(p proc) bool { return p.env["AGENTRY_RUN"] != epoch })
			return fmt.Sprintf("%d processes of run %s, want 7 for each of 3 agents", len(list), epoch), len(list) == 21
		})
		return list
	}
	start("start")
	first := family("1")
	w.kill()
	w.serve()
	second := family("2")
	for _, p := range first {
		if p.alive() {
			t.Errorf("process %d outlived the killed server and the next start", p.pid)
		}
	}
	w.stop()
	if left := programsOf(t, ids); len(left) > 0 {
		t.Errorf("%d processes outlived SIGTERM: %v", len(left), left)
	}
	w.serve()
	third := family("3")
	start("pause")
	for id := range ids {
		w.becomes(id, "paused", "none")
	}
	if left := programsOf(t, ids); len(left) > 0 {
		t.Errorf("%d processes outlived a pause: %v", len(left), left)
	}
	for _, p := range append(second, third...) {
		if p.alive() {
			t.Errorf("process %d is left", p.pid)
		}
	}
}

// TestStopAnswersWhatItTook: a request under way when the server is told to
// stop gets its answer.
func TestStopAnswersWhatItTook(t *testing.T) {
	t.Parallel()
	w := newWorld(t, `
[kinds.mute]
driver  = "process"
command = ["/bin/sh", "-c", "exec sleep 1000"]
grace   = "1s"
`)
	id := w.create("mute", "Mute")
	w.act(id, "start", "")
	answers := make(chan answer, 3)
	failures := make(chan error, 3)
	for range cap(answers) {
		go func() {
			a, err := w.try("POST", "/v1/agents/"+id+"/messages?wait=50", `{"text":"hello?"}`)
			if err != nil {
				failures <- err
				return
			}
			answers <- a
		}()
	}
	eventually(t, func() (string, bool) {
		var pending []struct{ State string }
		w.client.want(200, "-", "GET", "/v1/agents/"+id+"/messages", "").into(t, &pending)
		return fmt.Sprint(pending), len(pending) == cap(answers)
	})
	w.stop()
	for range cap(answers) {
		select {
		case a := <-answers:
			var m struct{ Text, State string }
			a.into(t, &m)
			if a.status != http.StatusAccepted || m.State != "pending" {
				t.Errorf("answer %d %s", a.status, a.body)
			}
		case err := <-failures:
			t.Errorf("a request was cut: %v", err)
		case <-time.After(patience):
			t.Fatal("no answer")
		}
	}
}
