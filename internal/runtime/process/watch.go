package process

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

const (
	// watchEvery is how often the machine's number of tasks is looked at.
	watchEvery = 100 * time.Millisecond
	// watchGrowth is how many more tasks than last time cause a count.
	watchGrowth = 16
	// watchAnyway is how often groups are counted even without growth.
	watchAnyway = 5 * time.Second
)

// watchLoop enforces limits of processes, while a program has one: a group
// with more processes than allowed is killed. The kernel's own limit per user
// (RLIMIT_NPROC) is of no use here: it counts all agents together, and does
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
	var counted time.Time
	for {
		limited := d.limited()
		if len(limited) == 0 {
			return
		}
		now := time.Now()
		if n := taskCount(); n > tasks+watchGrowth || now.Sub(counted) >= watchAnyway {
			enforce(limited, countGroups())
			tasks, counted = taskCount(), now
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

func (d *Driver) limited() []*child {
	var out []*child
	for _, c := range d.started() {
		if c.spec.Kind.Limits.Pids > 0 {
			out = append(out, c)
		}
	}
	return out
}

func enforce(limited []*child, members map[int]int) {
	for _, c := range limited {
		n, limit := members[c.pid], c.spec.Kind.Limits.Pids
		if n > limit {
			c.condemn(fmt.Sprintf("agentry: killed: %d processes, the limit is %d", n, limit))
		}
	}
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
