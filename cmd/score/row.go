package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"agentry/internal/fault"
)

// size is how much of a row is run.
type size int

// Short is for the tests, normal for the table, large for a night.
const (
	short size = iota
	normal
	large
)

// pick is one of three by the size.
func (s size) pick(ofShort, ofNormal, ofLong int) int {
	return [...]int{ofShort, ofNormal, ofLong}[s]
}

// row is one promise and how it is judged.
type row struct {
	name, target string
	// fault is what the row's control seeds.
	fault string
	// faultsBuild: the row needs the build with faults even without one,
	// because that one has a clock that can be moved.
	faultsBuild bool
	// control is how much of the row its control needs.
	control size
	run     func(ctx context.Context, t *trial) (*verdict, error)
}

func (r row) bound(s size) time.Duration {
	if s == large {
		return time.Hour
	}
	return 5 * time.Minute
}

// rows is the table.
func rows() []row {
	return []row{
		{name: "R2", target: "0 lost, 0 orphan processes or profiles ≤ 10 s, all running again, ready p99 < 1 s, SIGTERM ≤ 10 s with 0 requests cut", fault: fault.ReaperOff, run: r2},
		{
			name: "R6", target: "0 leaked, double, missing, deleted twice, another agent's or with another proxy; 0 asked after a 429; relaunch and delete p99 < 1 s; all released ≤ 60 s",
			fault: fault.BlindCreate + "," + fault.BlindDelete, faultsBuild: true, run: r6,
		},
		{name: "R10", target: "0 tasks outside hours, twice or skipped, next runs not late, an expired session stays dead", fault: fault.StuckClock, faultsBuild: true, run: r10},
		{name: "R13", target: "bystander p99 < 250 ms, each ended or paused with a reason, logs bounded, 0 survivors", fault: fault.LoneLeader, run: r13},
		{name: "P4", target: "≥ 10,000 durable events/s at 64 callers", fault: fault.LoneCommits, control: normal, run: p4},
		{
			name: "P5", target: "fleet page with 50 rows of 100,000 agents: p99 < 25 ms at 300/s; not slower than of 100 by more than 10 %",
			fault: fault.FullSort, control: normal, run: p5,
		},
		{name: "P8", target: "1,000 running agents: < 10 % of a core at rest, < 60 KB each in the server", fault: fault.ShortPolls, control: normal, run: p8},
	}
}

// rowsNamed returns the rows with the names; none is all of them.
func rowsNamed(names []string) (list []row, err error) {
	if len(names) == 0 {
		return rows(), nil
	}
	for _, name := range names {
		found := false
		for _, r := range rows() {
			if r.name == strings.ToUpper(name) {
				list, found = append(list, r), true
			}
		}
		if !found {
			return nil, fmt.Errorf("there is no row %q", name)
		}
	}
	return list, nil
}

// trial is one run of a row.
type trial struct {
	size   size
	rand   *rand.Rand
	binary string
	dir    string // its own, removed at the end
	env    []string
	log    io.Writer
	opened []*server
	// outsides are the vendors that live in this process.
	outsides []*outside
}

func (t *trial) say(format string, args ...any) { fmt.Fprintf(t.log, "  "+format+"\n", args...) }

// close ends the servers that are left, then what they speak to.
func (t *trial) close() {
	for _, s := range t.opened {
		s.kill()
	}
	for _, o := range t.outsides {
		o.close()
	}
}

// verdict gathers figures; one beyond its bound turns the row red.
type verdict struct {
	parts []string
	red   bool
	// patient: times are not judged.
	patient bool
}

// verdict is an empty one. The short rows are tests among many others, all at
// once on the same cores: how long something takes there says nothing.
func (t *trial) verdict() *verdict { return &verdict{patient: t.size == short} }

// note adds a figure that is not judged.
func (v *verdict) note(format string, args ...any) {
	v.parts = append(v.parts, fmt.Sprintf(format, args...))
}

// judge adds a figure and whether it keeps the promise.
func (v *verdict) judge(ok bool, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if !ok {
		v.red, text = true, text+" (!)"
	}
	v.parts = append(v.parts, text)
}

// judgeTime is judge for a figure that is a time.
func (v *verdict) judgeTime(ok bool, format string, args ...any) {
	v.judge(ok || v.patient, format, args...)
}

func (v *verdict) text() string {
	if v == nil {
		return ""
	}
	return strings.Join(v.parts, ", ")
}

func (v *verdict) pass() bool { return v != nil && !v.red && len(v.parts) > 0 }

// p99 sorts the times, of which there is at least one.
func p99(times []time.Duration) time.Duration {
	slices.Sort(times)
	return times[len(times)*99/100]
}
