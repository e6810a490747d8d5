package main

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

const (
	manyAgents = 1000
	mostCore   = 10.0 // percent of a core
	mostMemory = 60.0 // KiB an agent, in the server
)

// p8 lets 1,000 agents run the built-in rehearsing program, and, once all were
// heard and have settled, measures what the server itself uses: processor time
// in user and kernel over 30 s, which no inbox poll is longer than, and
// resident memory beyond that of the same server on a fleet of which nobody
// runs. The programs' own memory is theirs. Its control answers empty inboxes
// at once.
func p8(ctx context.Context, t *trial) (*verdict, error) {
	many := t.size.pick(100, manyAgents, manyAgents)
	settle := time.Duration(t.size.pick(5, 45, 120)) * time.Second
	span := time.Duration(t.size.pick(10, 30, 120)) * time.Second
	idle, err := measureIdle(ctx, t, 0, many, time.Second, span/10)
	if err != nil {
		return nil, err
	}
	busy, err := measureIdle(ctx, t, many, many, settle, span)
	if err != nil {
		return nil, err
	}
	v := t.verdict()
	v.judge(busy.up == many, "%d of %d heard before and after", busy.up, many)
	v.judgeTime(busy.core < mostCore, "%.1f %% of a core", busy.core)
	each := float64(busy.rss-idle.rss) / float64(many)
	v.judge(each < mostMemory, "%.0f KB each", each)
	v.note("resident %.0f MB with none, %.0f MB with all", float64(idle.rss)/1024, float64(busy.rss)/1024)
	return v, nil
}

// rest is what a server at rest uses.
type rest struct {
	up   int // agents heard, the fewer of before and after
	core float64
	rss  int64 // KiB
}

func measureIdle(ctx context.Context, t *trial, running, agents int, settle, span time.Duration) (r rest, err error) {
	s, err := t.newServer(ctx, fmt.Sprint("running-", running), "")
	if err != nil {
		return r, err
	}
	_, err = s.admin(ctx, "admin", "seed", "--team", s.team, "--agents", strconv.Itoa(agents), "--running", strconv.Itoa(running),
		"--seed", strconv.FormatUint(t.rand.Uint64()>>1, 10))
	if err != nil {
		return r, err
	}
	if _, err := s.serve(ctx); err != nil {
		return r, err
	}
	if _, err = within(ctx, time.Minute, 500*time.Millisecond, func() (bool, error) {
		r.up, err = s.up(ctx)
		return r.up == running, err
	}); err != nil {
		return r, err
	}
	t.say("%d of %d are up", r.up, running)
	s.http.CloseIdleConnections()
	if err := pause(ctx, settle); err != nil {
		return r, err
	}
	began, before, err := time.Now(), time.Duration(0), error(nil)
	if before, err = cpuTime(s.cmd.Process.Pid); err != nil {
		return r, err
	}
	if err := pause(ctx, span); err != nil {
		return r, err
	}
	after, err := cpuTime(s.cmd.Process.Pid)
	if err != nil {
		return r, err
	}
	r.core = 100 * (after - before).Seconds() / time.Since(began).Seconds()
	if r.rss, err = residentKB(s.cmd.Process.Pid); err != nil {
		return r, err
	}
	up, err := s.up(ctx)
	r.up = min(r.up, up)
	if err != nil {
		return r, err
	}
	_, err = s.stop()
	return r, err
}
