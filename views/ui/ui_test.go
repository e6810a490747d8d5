package ui

import (
	"testing"
	"time"
)

func TestAgo(t *testing.T) {
	now := time.Date(2026, 3, 12, 9, 30, 0, 0, time.UTC)
	for _, c := range []struct {
		before time.Duration
		want   string
	}{
		{0, "now"},
		{3 * time.Second, "3 s ago"},
		{59 * time.Second, "59 s ago"},
		{time.Minute, "1 min ago"},
		{47 * time.Hour, "47 h ago"},
		{50 * time.Hour, "2 days ago"},
		{-90 * time.Minute, "in 1 h"},
	} {
		if got := Ago(now.Add(-c.before), now); got != c.want {
			t.Errorf("Ago(%v before) = %q, want %q", c.before, got, c.want)
		}
	}
}

func TestInitials(t *testing.T) {
	for name, want := range map[string]string{"Ada Lindqvist": "AL", "ada": "A", "Ana María de la Cruz": "AC", "  ": "?", "🦊 Reineke": "🦊R", "نور الهدى": "نا", "Ada \u202Egnp": "AG", "\u2067": "?"} {
		if got := Initials(name); got != want {
			t.Errorf("Initials(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestPlural(t *testing.T) {
	for n, want := range map[int]string{0: "0 tasks", 1: "1 task", 4310: "4,310 tasks", 1234567: "1,234,567 tasks"} {
		if got := Plural(n, "task", "tasks"); got != want {
			t.Errorf("Plural(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestBytes(t *testing.T) {
	for n, want := range map[int64]string{0: "0 bytes", 999: "999 bytes", 1000: "1 KB", 214_300: "214 KB", 3_449_000: "3.4 MB", 2_000_000_000: "2.0 GB"} {
		if got := Bytes(n); got != want {
			t.Errorf("Bytes(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestMeterNeverLeavesItsBar(t *testing.T) {
	for _, c := range []struct {
		meter Meter
		want  int
	}{
		{Meter{Value: 18, Max: 25}, 720},
		{Meter{Value: 30, Max: 25}, 1000},
		{Meter{Value: -1, Max: 25}, 0},
		{Meter{Value: 5}, 0},
	} {
		if got := c.meter.permille(c.meter.Value); got != c.want {
			t.Errorf("%+v fills %d, want %d", c.meter, got, c.want)
		}
	}
}

func TestSpark(t *testing.T) {
	for _, c := range []struct {
		values      []int
		path, label string
	}{
		{[]int{0, 5, 10}, "M0 20 1 10 2 0", "Use: 15 in 3 days, at most 10 a day, 10 today"},
		{make([]int, 14), "M0 20H13", "Use: none in 14 days"},
		{[]int{1, 0}, "M0 0 1 20", "Use: 1 in 2 days, at most 1 a day, 0 today"},
	} {
		if path, label := sparkPath(c.values), sparkLabel("Use", c.values); path != c.path || label != c.label {
			t.Errorf("%v: %q, %q", c.values, path, label)
		}
	}
	if got := sparkPath([]int{3}); got != "" {
		t.Errorf("one value draws %q", got)
	}
}
