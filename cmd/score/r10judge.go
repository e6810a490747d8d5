package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// claimed is one task that a program was handed. Before and After are just
// before the program asked and just after it was answered, by the clock that
// nobody moves: the moved one may go forth and back meanwhile.
type claimed struct {
	ID            string
	Before, After time.Time
}

// judge compares what programs were handed with what they might do.
func (r *times) judge(ctx context.Context, v *verdict) (claims int, err error) {
	if err := r.setClock(r.now()); err != nil { // ends the last span
		return 0, err
	}
	var outside, twice, beyond, skipped, again, lost int
	for _, w := range r.workers {
		list, err := r.claimedBy(w)
		if err != nil {
			return 0, err
		}
		seen, days := map[string]bool{}, map[string]int{}
		for _, c := range list {
			open, day := r.might(w, c)
			if !open {
				outside++
				r.t.say("%s %d: handed out at %s", w.zone, w.start, c.After.Add(r.offsetAt(c.After)).In(w.loc))
			}
			if seen[c.ID] {
				twice++
			}
			seen[c.ID] = true
			if w.messages[c.ID] && day != "" {
				if days[day]++; days[day] > messagesMax {
					beyond++
					r.t.say("%s %d: %d messages on %s", w.zone, w.start, days[day], day)
				}
			}
		}
		claims += len(list)
		skipped += r.skipped(w, seen)
		a, err := r.agent(ctx, w.id)
		if err != nil {
			return 0, err
		}
		again += int(a.Runtime.Epoch - 1)
		for _, al := range a.Alerts {
			if al.Type == "runtime" && al.SubType == "lost" {
				lost++
			}
		}
	}
	v.judge(outside == 0 && claims > 0, "%d tasks outside working hours", outside)
	v.judge(twice == 0, "%d twice", twice)
	v.judge(beyond == 0, "%d beyond the day's limit", beyond)
	v.judge(skipped == 0, "%d skipped", skipped)
	v.judge(again == 0, "%d programs run twice", again)
	v.judge(lost == 0, "%d taken for lost", lost)
	return claims, nil
}

// might tells whether the agent worked at any time between the program's
// asking and its answer, and on which day that was, "" where it may have been
// either of two: the server read the moved clock somewhere between.
func (r *times) might(w *worker, c claimed) (open bool, day string) {
	days := map[string]bool{}
	for _, s := range r.walked {
		if s.ended.Before(c.Before) || s.began.After(c.After) {
			continue
		}
		for _, at := range []time.Time{later(s.began, c.Before), earlier(s.ended, c.After)} {
			at = at.Add(s.offset)
			open = open || w.open(at)
			day = at.In(w.loc).Format(time.DateOnly)
			days[day] = true
		}
	}
	if len(days) != 1 {
		day = ""
	}
	return open, day
}

// offsetAt is by what the clock was moved at an instant.
func (r *times) offsetAt(at time.Time) (by time.Duration) {
	for _, s := range r.walked {
		if !s.began.After(at) {
			by = s.offset
		}
	}
	return by
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// skipped counts the tasks that were not handed out although due while the
// agent worked; messages wait for the day's limit, so only notes count.
func (r *times) skipped(w *worker, handed map[string]bool) (n int) {
	for id, due := range w.due {
		if handed[id] || w.messages[id] {
			continue
		}
		if r.openSince(w, due) >= openEnough {
			n++
			r.t.say("%s %d: never handed out, due %s", w.zone, w.start, due.In(w.loc))
		}
	}
	return n
}

// openSince is for how long the agent worked on the walked time from due on.
// A step forward counts as walked: the programs asked on both sides of it.
func (r *times) openSince(w *worker, due time.Time) (open time.Duration) {
	for i, s := range r.walked {
		to := s.to
		if i+1 < len(r.walked) {
			if next := r.walked[i+1].from; next.After(to) && next.Sub(to) < 15*time.Minute {
				to = next
			}
		}
		for at := s.from; at.Before(to); at = at.Add(time.Minute) {
			if !at.Before(due) && w.open(at) {
				open += min(time.Minute, to.Sub(at))
			}
		}
	}
	return open
}

func (r *times) claimedBy(w *worker) (list []claimed, err error) {
	raw, err := os.ReadFile(filepath.Join(r.claims, w.id))
	if err != nil {
		return nil, fmt.Errorf("a program claimed nothing: %w", err)
	}
	for line := range strings.Lines(string(raw)) {
		var c claimed
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, nil
}
