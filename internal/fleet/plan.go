package fleet

import (
	"hash/fnv"
	"io"
	"strconv"
	"time"
)

// Use is what counts against a counter's maximum on the present day of an
// agent's zone, and what waits to be counted.
type Use struct {
	// Reported is what the agent's program says it did.
	Reported int64
	// Claimed are the tasks that are handed out and not finished, of any day.
	Claimed int64
	// Handed are the tasks that were handed out today and do not wait to be
	// tried again: in hand, done, failed or taken back.
	Handed int64
	// LastHanded is when the last of today was handed out; zero is none.
	LastHanded time.Time
	// Due is when the earliest pending task is due; zero is none.
	Due time.Time
}

// Count is what was used of the day's maximum. A program that reports nothing
// is counted by what it was given; a task counts once, however often it was
// tried, and whether it was done or failed.
func (u Use) Count() int64 { return max(u.Reported+u.Claimed, u.Handed) }

// Plan is the present day of one counter.
type Plan struct {
	Min, Max int64
	// Target is how many are meant to be done on this day: the maximum, or with
	// the setting spread a number from minimum to maximum that the agent, the
	// day and the counter decide. It is 0 on a day without an open hour.
	Target int64
	Done   int64
	// Next is when the next may be done; zero is unknown or never.
	Next time.Time
}

// PlanFor returns the plan of the day for a counter. The agent need not run.
func PlanFor(a Agent, counter string, u Use, now time.Time) Plan {
	d := dayOf(a, counter, now)
	p := Plan{Min: d.least, Max: d.most, Done: u.Count(), Next: nextOf(a, counter, u, now, a.Hours.moment(now))}
	if d.spread || len(a.Hours.OpenSpans(now)) > 0 {
		p.Target = d.target
	}
	return p
}

// day is what holds for a counter on one calendar day of an agent's zone.
type day struct {
	least, most, target int64
	spread              bool
	// open and length are set where spread is.
	open   []Span
	length time.Duration
	seed   uint64
}

func dayOf(a Agent, counter string, at time.Time) day {
	d := day{spread: a.Settings.On(SettingSpread)}
	d.least, d.most = a.Limits.Of(counter)
	d.target = d.most
	if !d.spread {
		return d
	}
	d.open = a.Hours.OpenSpans(at)
	for _, s := range d.open {
		d.length += s.To.Sub(s.From)
	}
	h := fnv.New64a()
	io.WriteString(h, string(a.ID)+" "+a.Hours.Day(at)+" "+counter)
	d.seed = h.Sum64()
	if d.target = 0; d.length > 0 {
		d.target = d.least + int64(mixed(d.seed)%uint64(d.most-d.least+1))
	}
	return d
}

// slot is when the i-th of the day may be done, i from 0 to below the target.
// The day's open time is cut into as many pieces as the target; each has its
// slot somewhere in its first half, to the millisecond.
func (d day) slot(i int64) time.Time {
	piece := d.length / time.Duration(d.target)
	in := time.Duration(mixed(d.seed+uint64(i)+1) % uint64(piece/2+1))
	after := (d.length*time.Duration(i)/time.Duration(d.target) + in).Truncate(time.Millisecond)
	for _, s := range d.open {
		if length := s.To.Sub(s.From); after >= length {
			after -= length
			continue
		}
		return s.From.Add(after)
	}
	return time.Time{} // not reached: after is below the day's length
}

// gap is the least time between two: half a piece, so that an agent that is
// behind its plan catches up without doing many at once.
func (d day) gap() time.Duration {
	return (d.length / time.Duration(d.target) / 2).Truncate(time.Millisecond)
}

// moment is an instant as an agent's hours see it.
type moment struct {
	at  time.Time
	loc *time.Location
	day int64
	// next is when the hours are open, at itself where they are; ok is false
	// where they never are.
	next time.Time
	ok   bool
}

func (w WorkingHours) moment(at time.Time) moment {
	m := moment{at: at, loc: w.Location()}
	m.day = dayNumber(at.In(m.loc))
	m.next, m.ok = w.NextOpen(at)
	return m
}

func (m moment) open() bool { return m.ok && m.next.Equal(m.at) }

// nextOf is when the next of a counter may be done, from an instant on that is
// not before now; zero is not foreseeable.
func nextOf(a Agent, counter string, u Use, from time.Time, now moment) time.Time {
	open, ok := now.next, now.ok
	if from.After(now.at) {
		open, ok = a.Hours.NextOpen(from)
	}
	// The present day, the next open one, and one more where a slot of that
	// one is over already.
	for range 3 {
		if !ok {
			return time.Time{}
		}
		// What is handed out now is expected to be done on its own day.
		used, last := int64(0), time.Time{}
		if dayNumber(open.In(now.loc)) == now.day {
			used, last = u.Count(), u.LastHanded
		}
		if at, ok := dayOf(a, counter, open).next(a.Hours, used, last, open); ok {
			return at
		}
		open, ok = a.Hours.NextOpen(a.Hours.NextDay(open))
	}
	return time.Time{}
}

// next is when one more may be done on the day after used ones, not before
// open; ok is false when none may.
func (d day) next(hours WorkingHours, used int64, last, open time.Time) (time.Time, bool) {
	if used >= d.target {
		return time.Time{}, false
	}
	if !d.spread {
		return open, true
	}
	at := later(open, d.slot(used))
	if !last.IsZero() {
		at = later(at, last.Add(d.gap()))
	}
	at, ok := hours.NextOpen(at)
	loc := hours.Location()
	return at, ok && dayNumber(at.In(loc)) == dayNumber(open.In(loc))
}

// mixed spreads the bits of a number (the finalizer of MurmurHash3).
func mixed(n uint64) uint64 {
	n = (n ^ n>>33) * 0xff51afd7ed558ccd
	n = (n ^ n>>33) * 0xc4ceb9fe1a85ec53
	return n ^ n>>33
}

// inWords writes a number of a counter: "25 of 25 messages".
func inWords(counter string, used, of int64) string {
	return strconv.FormatInt(used, 10) + " of " + strconv.FormatInt(of, 10) + " " + counter
}
