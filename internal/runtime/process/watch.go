package process

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"agentry/internal/fleet"
)

const (
	// watchEvery is how often the machine's number of tasks is looked at.
	watchEvery = 100 * time.Millisecond
	// watchGrowth is how many more tasks than last time cause a count.
	watchGrowth = 16
	// watchAnyway is how often groups are counted even without growth.
	watchAnyway = 5 * time.Second
	// watchShare is how many times as long as a count takes passes before the
	// next: a thousand starts are growth all the time.
	watchShare = 20
)

// watchLoop ends programs that met a limit, while a program has one. Where
// control groups bound a run this only says so, and ends what could still go
// on; elsewhere processes are counted. The kernel's own limit per user
// (RLIMIT_NPROC) is of no use there: it counts all agents together, and does
// not hold for root.
func (d *Driver) watchLoop() {
	for {
		select {
		case <-d.quit:
			return
		case <-d.watch:
		}
		d.watchLimited()
	}
}

// watchLimited returns when no program has a limit.
func (d *Driver) watchLimited() {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	var tasks int
	var counted, rested time.Time
	for d.anyLimited() {
		now := time.Now()
		n := taskCount()
		if n > tasks+watchGrowth && now.After(rested) || now.Sub(counted) >= d.anyway {
			d.enforce(d.limited())
			tasks, counted = taskCount(), now
			rested = time.Now().Add(watchShare * time.Since(now))
		} else {
			tasks = min(tasks, n)
		}
		select {
		case <-d.quit:
			return
		case <-tick.C:
		}
	}
}

func (d *Driver) anyLimited() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range d.live {
		if c.limited() {
			return true
		}
	}
	return false
}

func (d *Driver) limited() []*child {
	var out []*child
	for _, c := range d.started() {
		if c.limited() {
			out = append(out, c)
		}
	}
	return out
}

func (d *Driver) enforce(limited []*child) {
	var sizes map[tag]int
	for _, c := range limited {
		limits := c.spec.Kind.Limits
		why := c.group.exceeded(limits)
		if why == "" && limits.Pids > 0 && !c.group.bounds(pidsGroup) {
			if sizes == nil {
				sizes = map[tag]int{}
				d.eachTagged(func(pid int, t tag) { sizes[t] += threads(pid) })
			}
			if sizes[c.tag] > limits.Pids {
				why = tooManyProcesses(limits)
			}
		}
		if why != "" {
			c.condemn(why)
		}
	}
}

func tooManyProcesses(limits fleet.ProgramLimits) string {
	return fmt.Sprintf("more than %d processes and threads", limits.Pids)
}

func tooMuchMemory(limits fleet.ProgramLimits) string {
	return "more than " + size(limits.MemoryBytes) + " of memory"
}

// size writes bytes in the largest unit that is exact.
func size(bytes int64) string {
	for _, u := range []struct {
		name string
		size int64
	}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if bytes%u.size == 0 {
			return fmt.Sprintf("%d %s", bytes/u.size, u.name)
		}
	}
	return fmt.Sprintf("%d bytes", bytes)
}

// taskCount is how many processes and threads the machine has; 0 when it does
// not tell.
func taskCount() int {
	raw, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(raw)) // 0.04 0.15 0.15 2/87 11290
	if len(fields) < 4 {
		return 0
	}
	_, total, _ := strings.Cut(fields[3], "/")
	n, _ := strconv.Atoi(total)
	return n
}
