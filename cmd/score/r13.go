package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	mostBystander = 250 * time.Millisecond
	// mostLogs is how much of a program's output may be kept in the time of
	// the row: two minutes' budgets of the kind below, and what the program's
	// own end and the server say about it.
	outputBudget = 64 << 10
	mostLogs     = 2*outputBudget + 16<<10
	mostDisk     = 16 << 20
	grace        = time.Second
)

// badAgent is one way to be bad.
type badAgent struct {
	name, script string
	program      string // of this binary, instead of a script
	limits       string
	// ends: the agent comes to its end by itself and says why; the others are
	// paused.
	ends bool
}

// badAgents are bounded so that a broken server costs the machine little: the
// bomb stops at 511 processes, the eater at 1 GiB, and each survivor ends by
// itself after a few minutes.
func badAgents() []badAgent {
	return []badAgent{
		{name: "bomb", ends: true, limits: `pids = 64`, script: `
body='n=$1; if [ "$n" -gt 0 ]; then sh -c "$2" "$0" $((n-1)) "$2" & sh -c "$2" "$0" $((n-1)) "$2" & fi; sleep 200.$0'
sh -c "$body" "$0" 8 "$body"`},
		{name: "eater", ends: true, limits: `memory = "256MiB"`, program: "eat"},
		{name: "talker", script: `while :; do echo "all work and no play makes a dull agent, and a long log"; done`},
		{name: "deaf", script: `trap '' TERM; while :; do sleep 200.$0; done`},
		{name: "crasher", ends: true, script: `echo "no good"; exit 7`},
		{name: "daemon", script: `
env -i /bin/sh -c 'trap "" TERM; sleep 201.$0; :' "$0" &
setsid env -i /bin/sh -c 'trap "" TERM; (sleep 202.$0; :) & sleep 203.$0; :' "$0" &
env -i setsid /bin/sh -c 'setsid /bin/sh -c "sleep 204.$0; :" "$0" & exit 0' "$0"
sleep 205.$0; :`},
	}
}

// r13 runs each bad agent as a kind of its own, all at once, beside an agent
// that behaves, and asks the server all the time. It judges how long the
// bystander waited, that each bad agent came to its end, or could be paused,
// and says why, that the good one went on, what was kept of the output, and
// that no process of the bad ones is left. Survivors are found by a mark in
// their arguments, which they cannot take off by clearing their environment.
// Its control ends of a program only the process that was started.
func r13(ctx context.Context, t *trial) (*verdict, error) {
	mark := newMark()
	config, err := badKinds(mark)
	if err != nil {
		return nil, err
	}
	s, err := t.newServer(ctx, "data", config)
	if err != nil {
		return nil, err
	}
	if _, err := s.serve(ctx); err != nil {
		return nil, err
	}
	defer endAll(t, mark) // also when the row is cut short
	good, err := s.create(ctx, map[string]any{"kind": "assistant", "name": "Good"})
	if err != nil {
		return nil, err
	}
	if err := s.act(ctx, good, "start", nil); err != nil {
		return nil, err
	}
	watch := s.watch(ctx, good)
	v := t.verdict()
	for range t.size.pick(1, 1, 10) {
		if err := badRound(ctx, s, v, mark); err != nil {
			watch()
			return nil, err
		}
	}
	waits := watch()
	a, err := s.agent(ctx, good)
	if err != nil {
		return nil, err
	}
	if len(waits) == 0 {
		return nil, errors.New("the bystander had no answer")
	}
	most := p99(waits)
	v.judgeTime(most < mostBystander, "bystander p99 %d ms of %d", most.Milliseconds(), len(waits))
	v.judge(a.Status == "running" && a.Runtime.State == "up" && a.Runtime.Epoch == 1, "the good agent is %s in run %d", a.Runtime.State, a.Runtime.Epoch)
	return v, nil
}

func badKinds(mark string) (string, error) {
	self, err := os.Executable()
	var b strings.Builder
	for _, k := range badAgents() {
		command := fmt.Sprintf("[\"/bin/sh\", \"-c\", %q, %q]", k.script, mark)
		if k.program != "" {
			command = fmt.Sprintf("[%q, %q]", self, mark)
		}
		limits := fmt.Sprintf("output = \"%dKiB/min\"", outputBudget>>10)
		if k.limits != "" {
			limits += ", " + k.limits
		}
		fmt.Fprintf(&b, "[kinds.%s]\ndriver = \"process\"\ncommand = %s\nenv = { %s = %q }\ngrace = %q\nlimits = { %s }\n"+
			"restart = { backoff = \"100ms..200ms\", give_up_after = 3, within = \"10m\" }\n\n", k.name, command, programName, k.program, grace, limits)
	}
	return b.String(), err
}

// watch asks the server twenty times a second, in turn for an agent and for
// the list; the result stops it and returns how long each answer took.
func (s *server) watch(ctx context.Context, id string) (stop func() []time.Duration) {
	ctx, cancel := context.WithCancel(ctx)
	var waits []time.Duration
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n := 0; pause(ctx, 50*time.Millisecond) == nil; n++ {
			path := "/v1/agents/" + id
			if n%2 == 1 {
				path = "/v1/agents?limit=50"
			}
			began := time.Now()
			err := s.call(ctx, "GET", path, nil, nil)
			if ctx.Err() != nil {
				return
			}
			took := time.Since(began)
			if err != nil {
				took = time.Hour // no answer is the longest wait
			}
			waits = append(waits, took)
		}
	}()
	return func() []time.Duration {
		cancel()
		<-done
		return waits
	}
}

// badRound runs every bad agent once.
func badRound(ctx context.Context, s *server, v *verdict, mark string) error {
	ids := map[string]string{}
	var all sync.WaitGroup
	for _, k := range badAgents() {
		id, err := s.create(ctx, map[string]any{"kind": k.name, "name": k.name})
		if err != nil {
			return err
		}
		ids[k.name] = id
		all.Go(func() { _ = s.act(ctx, id, "start", nil) }) // what says nothing is answered late
	}
	if err := pause(ctx, 4*time.Second); err != nil {
		return err
	}
	if err := daemonsThere(mark); err != nil {
		return err
	}
	for _, k := range badAgents() {
		if err := endBad(ctx, s, v, k, ids[k.name]); err != nil {
			return err
		}
	}
	all.Wait()
	left, err := processesWith(mark)
	if err != nil {
		return err
	}
	if len(left) > 0 { // the last ones may be dying
		if err := pause(ctx, time.Second); err != nil {
			return err
		}
		left = slices.DeleteFunc(left, func(p proc) bool { return !p.alive() })
	}
	for _, p := range left {
		s.t.say("left is %d %.100s", p.pid, strings.ReplaceAll(p.what, "\n", " "))
	}
	v.judge(len(left) == 0, "%d survivors", len(left))
	endAll(s.t, mark)
	size, err := folderSize(s.dir)
	v.judge(size < mostDisk, "%.1f MB on the disk", float64(size)/1e6)
	return err
}

// daemonsThere makes sure that there is something to survive.
func daemonsThere(mark string) error {
	list, err := processesWith(mark)
	if err != nil {
		return err
	}
	for n := 201; n <= 205; n++ {
		sleeps := fmt.Sprintf("sleep %d.", n)
		if !slices.ContainsFunc(list, func(p proc) bool { return strings.HasPrefix(p.what, sleeps) }) {
			return fmt.Errorf("the daemon did not start %s: nothing is proved", sleeps)
		}
	}
	return nil
}

// endBad waits for the agent's own end, or pauses it, and looks at what it
// left.
func endBad(ctx context.Context, s *server, v *verdict, k badAgent, id string) error {
	var a agent
	var err error
	began := time.Now()
	if !k.ends {
		if a, err = s.agent(ctx, id); err != nil {
			return err
		}
		if a.Status != "running" {
			v.judge(false, "%s is %s before it was paused", k.name, a.Status)
			return nil
		}
		if err := s.act(ctx, id, "pause", nil); err != nil {
			return err
		}
	}
	over, err := within(ctx, 30*time.Second, 20*time.Millisecond, func() (bool, error) {
		if a, err = s.agent(ctx, id); err != nil {
			return false, err
		}
		return a.Runtime.State == "none" && (a.Status == "ended" || !k.ends && a.Status == "paused"), nil
	})
	if err != nil {
		return err
	}
	if k.ends {
		why := ""
		for _, al := range a.Alerts {
			why += al.Message
		}
		said := a.EndReason != nil && *a.EndReason != "" && why != ""
		v.judge(over && said, "%s %s", k.name, a.Status)
		s.t.say("%s: %.200s", k.name, why)
	} else {
		took := time.Since(began)
		v.judge(over, "%s %s", k.name, a.Status)
		v.judgeTime(took < grace+2*time.Second, "in %.1f s", took.Seconds())
	}
	kept, err := s.keptOutput(ctx, id)
	v.judge(kept < mostLogs, "%d KB of its log", kept>>10)
	return err
}

// keptOutput is how many bytes of log the server has of an agent.
func (s *server) keptOutput(ctx context.Context, id string) (size int, err error) {
	for last := int64(1); ; { // 0 would ask for the newest
		var lines []struct {
			ID   int64
			Text string
		}
		path := fmt.Sprintf("/v1/agents/%s/logs?limit=200&after=%d", id, last)
		if err := s.call(ctx, "GET", path, nil, &lines); err != nil || len(lines) == 0 {
			return size, err
		}
		for _, l := range lines {
			size, last = size+len(l.Text), max(last, l.ID)
		}
	}
}

// endAll kills what a broken server left.
func endAll(t *trial, mark string) {
	for range 20 { // what forks meanwhile has to be found too
		left, err := processesWith(mark)
		if err != nil || len(left) == 0 {
			return
		}
		for _, p := range left {
			p.kill()
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.say("some processes with %s do not end", mark)
}

// folderSize is what the files of a folder take, in bytes.
func folderSize(dir string) (size int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // it went meanwhile
		}
		if err != nil || d.IsDir() {
			return err
		}
		if info, err := d.Info(); err == nil {
			size += info.Size()
		}
		return nil
	})
	return size, err
}
