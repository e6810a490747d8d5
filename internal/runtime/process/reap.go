package process

import (
	"context"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"agentry/internal/fault"
)

// Reap implements runtime.Driver. Programs started by this driver that still
// run are no leftovers. The handles are not needed: what is left of any run of
// this installation is found by its group and its tag.
func (d *Driver) Reap(ctx context.Context, _ []string) error {
	if fault.On(fault.ReaperOff) {
		return nil
	}
	d.groups.tidy(time.Now())
	groups := d.groups.stale()
	for tries := 0; ; tries++ {
		own, left := d.groupNames(), 0
		for _, path := range groups {
			if own[filepath.Base(path)] {
				continue
			}
			killTree(path)
			if !removeTree(path) {
				left++
			}
		}
		if len(d.killStrays()) == 0 && left == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(killPause(tries)):
		}
	}
}

// killPause is how long to wait after the nth try to kill all of a run: short
// at first, because what forks all the time must not get ahead.
func killPause(n int) time.Duration {
	if n < 100 {
		return time.Millisecond
	}
	return 50 * time.Millisecond
}

// groupNames are the names of the live runs' groups.
func (d *Driver) groupNames() map[string]bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := make(map[string]bool, len(d.live))
	for key := range d.live {
		out[key.String()] = true
	}
	return out
}

// straySearch lets many runs that end at once share one search.
type straySearch struct {
	asked atomic.Int64
	mu    sync.Mutex
	// answered is the highest asking that found, from a search begun after
	// it, is the answer to.
	answered int64
	found    map[tag]bool
}

// killStrays kills every process of this installation whose run is not live,
// and returns the runs of those it saw, from a search that began after the
// call. A run that is not in the answer has no process left.
func (d *Driver) killStrays() map[tag]bool {
	s := &d.strays
	mine := s.asked.Add(1)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.answered < mine {
		s.answered = s.asked.Load()
		s.found = d.search()
	}
	return s.found
}

// search kills in passes until one shows nobody new, so that what forks all
// the time does not get ahead.
func (d *Driver) search() map[tag]bool {
	killed := map[int]tag{}
	for fresh := true; fresh; {
		fresh = false
		d.eachTagged(func(pid int, t tag) {
			if killed[pid] != 0 || d.isLive(t) {
				return
			}
			_ = syscall.Kill(pid, syscall.SIGKILL)
			killed[pid], fresh = t, true
		})
	}
	found := map[tag]bool{}
	for pid, t := range killed {
		// Where this process is the reaper of orphans, it is our child now;
		// where it is not, this does nothing.
		_, _ = syscall.Wait4(pid, nil, syscall.WNOHANG, nil)
		if alive(pid) {
			found[t] = true
		}
	}
	return found
}

// eachTagged calls f for every process of this installation's runs, dead ones
// that nobody reaped included.
func (d *Driver) eachTagged(f func(pid int, t tag)) {
	all, err := pids()
	if err != nil {
		d.log.Error("cannot list the processes", "error", err)
		return
	}
	self := syscall.Getpid() // which has a tag while it forks
	for _, pid := range all {
		if t := tagOf(pid); d.tags.ours(t) && pid != self {
			f(pid, t)
		}
	}
}

func (d *Driver) isLive(t tag) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.byTag[t] != nil
}
