package process

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
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
		if ok && h.boot == d.boot && h.instance == d.instance && own[h.pid] == nil {
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
	late := time.Now().Add(unsettledTime)
	for _, pid := range blank {
		for unsettled(pid) && time.Now().Before(late) {
			time.Sleep(time.Millisecond)
		}
		d.killStray(pid, buf, found)
	}
	return found
}

// unsettledTime bounds how long a search waits for processes that execute a
// program or die.
const unsettledTime = time.Second

// unsettled tells whether a process is to have an environment, or to be gone,
// in a moment.
func unsettled(pid int) bool {
	s, err := readStat(pid)
	return err == nil && s.alive() && !s.kernel && !s.environ
}

// killStray kills the process if it is a stray, and notes its run. It returns
// whether the process showed no environment.
func (d *Driver) killStray(pid int, buf *bytes.Buffer, found map[runKey]bool) (blank bool) {
	environ, err := environOf(pid, buf)
	if err != nil || len(environ) == 0 {
		return !errors.Is(err, fs.ErrPermission) && !errors.Is(err, fs.ErrNotExist)
	}
	key, ours := parseEnviron(environ, d.instance)
	if !ours || d.isLive(key) {
		return false
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
