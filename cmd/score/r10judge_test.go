package main

import (
	"testing"
	"time"
)

// A clock that goes a day forth and back while a program asks leaves open on
// which day it was answered; hours that were open in between were open.
func TestWhatMightBe(t *testing.T) {
	noon := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	at := func(seconds int) time.Time { return noon.Add(time.Duration(seconds) * time.Second) }
	r := &times{walked: []span{
		{began: at(0), ended: at(11)},
		{began: at(10), ended: at(21), offset: 26 * time.Hour},
		{began: at(20), ended: at(1000)},
	}}
	w := &worker{loc: time.UTC, start: 14 * 60, stop: 15 * 60}
	for _, c := range []struct {
		before, after int
		open          bool
		day           string
	}{
		{1, 2, false, "2026-11-22"},
		{12, 13, true, "2026-11-23"},
		{21, 22, true, ""}, // the clock is being set
		{22, 23, false, "2026-11-22"},
		{5, 30, true, ""},
		{5, 15, true, ""},
	} {
		open, day := r.might(w, claimed{Before: at(c.before), After: at(c.after)})
		if open != c.open || day != c.day {
			t.Errorf("%d to %d: open %t on %q, want %t on %q", c.before, c.after, open, day, c.open, c.day)
		}
	}
	if by := r.offsetAt(at(15)); by != 26*time.Hour {
		t.Errorf("moved by %s", by)
	}
}
