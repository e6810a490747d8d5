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

// claimed is one task that a program was handed. Before and After are the
// moved clock just before the program asked and just after it was answered.
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
			if !w.open(c.Before) && !w.open(c.After) {
				outside++
				r.t.say("%s %d: handed out at %s", w.zone, w.start, c.After.In(w.loc))
			}
			if seen[c.ID] {
				twice++
			}
			seen[c.ID] = true
			// Asked just before midnight and answered just after: either day.
			before, after := c.Before.In(w.loc).Format(time.DateOnly), c.After.In(w.loc).Format(time.DateOnly)
			if w.messages[c.ID] && before == after {
				days[after]++
				if days[after] > messagesMax {
					beyond++
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
