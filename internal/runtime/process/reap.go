package process

import (
	"bytes"
	"context"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"agentry/internal/fleet"
)

// Reap implements runtime.Driver. Programs started by this driver that still
// run are no leftovers.
func (d *Driver) Reap(ctx context.Context, handles []string) error {
	var leaders []handle
	own := d.started()
	for _, text := range handles {
		h, ok := parseHandle(text)
		if ok && h.boot == d.boot && own[h.pid] == nil {
			leaders = append(leaders, h)
		}
	}
	for pause := time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		alive := 0
		for _, h := range leaders {
			if s, err := readStat(h.pid); err == nil && s.start == h.start && s.alive() {
				_ = syscall.Kill(-h.pid, syscall.SIGKILL)
				alive++
			}
		}
		if alive == 0 && len(d.killStrays()) == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

// straySearch lets many runs that end at once share one search.
type straySearch struct {
	asked atomic.Int64
	mu    sync.Mutex
	// answered is the highest asking that found, from a search begun after
	// it, is the answer to.
	answered int64
	found    map[runKey]bool
	buf      bytes.Buffer
}

// killStrays kills every process of this installation whose run is not live,
// and returns the runs of those it saw, from a search that began after the
// call. A run that is not in the answer has no process left.
func (d *Driver) killStrays() map[runKey]bool {
	s := &d.strays
	mine := s.asked.Add(1)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.answered < mine {
		s.answered = s.asked.Load()
		s.found = d.search(&s.buf)
	}
	return s.found
}

func (d *Driver) search(buf *bytes.Buffer) map[runKey]bool {
	found := map[runKey]bool{}
	all, err := pids()
	if err != nil {
		d.log.Error("cannot list the processes", "error", err)
		return found
	}
	own, self := d.started(), os.Getpid()
	var blank []int
	for _, pid := range all {
		if pid == self || own[pid] != nil {
			continue
		}
		if d.killStray(pid, buf, found) {
			blank = append(blank, pid)
		}
	}
	// A process has no environment for a moment while it executes a program.
	if len(blank) > 0 {
		time.Sleep(time.Millisecond)
	}
	for _, pid := range blank {
		d.killStray(pid, buf, found)
	}
	return found
}

// killStray kills the process if it is a stray, and notes its run. It returns
// whether the process showed no environment.
func (d *Driver) killStray(pid int, buf *bytes.Buffer, found map[runKey]bool) (blank bool) {
	environ := environOf(pid, buf)
	key, ours := parseEnviron(environ, d.instance)
	if !ours || d.isLive(key) {
		return len(environ) == 0
	}
	found[key] = true
	_ = syscall.Kill(pid, syscall.SIGKILL)
	// Where this process is the reaper of orphans, it is our child now; where
	// it is not, this does nothing.
	_, _ = syscall.Wait4(pid, nil, syscall.WNOHANG, nil)
	return false
}

func (d *Driver) isLive(key runKey) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.live[key] != nil
}

// parseEnviron reads which run a process belongs to; ours is false when it
// belongs to no run of the instance.
func parseEnviron(environ []byte, instance string) (key runKey, ours bool) {
	if !bytes.Contains(environ, []byte(envInstance+"="+instance)) {
		return key, false
	}
	for pair := range strings.SplitSeq(string(environ), "\x00") {
		name, value, _ := strings.Cut(pair, "=")
		switch name {
		case envInstance:
			ours = value == instance
		case envAgent:
			key.agent = fleet.AgentID(value)
		case envRun:
			key.epoch, _ = strconv.ParseInt(value, 10, 64)
		}
	}
	return key, ours
}
