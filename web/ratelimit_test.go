package web

import (
	"testing"
	"time"
)

func TestLimiterSlides(t *testing.T) {
	var now time.Duration
	l := newLimiter()
	l.since = func() time.Duration { return now }
	k := limitKey{team: "t", actor: "a", route: "GET /x"}
	for i := range 60 {
		if left, _, ok := l.take(k, 60); !ok || left != 59-i {
			t.Fatalf("request %d: left %d, ok %v", i, left, ok)
		}
	}
	_, wait, ok := l.take(k, 60)
	if ok || wait < 59*time.Second || wait > 62*time.Second {
		t.Fatalf("request 61: ok %v, wait %v", ok, wait)
	}
	if _, _, ok := l.take(limitKey{team: "t", actor: "b", route: "GET /x"}, 60); !ok {
		t.Error("another caller was held back")
	}
	now += wait
	if _, _, ok := l.take(k, 60); !ok {
		t.Error("refused after the wait that was promised")
	}
	now += 30 * time.Second
	passed := 0
	for {
		if _, _, ok := l.take(k, 60); !ok {
			break
		}
		passed++
	}
	if passed < 25 || passed > 31 {
		t.Errorf("half a minute later %d more passed, want about half of 60", passed)
	}
	now += 3 * time.Minute
	if _, _, ok := l.take(k, 60); !ok || len(l.former) != 0 || len(l.counts) != 1 {
		t.Errorf("old counts are kept: %d and %d", len(l.former), len(l.counts))
	}
}

func TestLimiterPromiseHolds(t *testing.T) {
	var now time.Duration
	l := newLimiter()
	l.since = func() time.Duration { return now }
	k := limitKey{actor: "a"}
	for step := range 2000 {
		if _, wait, ok := l.take(k, 7); !ok {
			if wait < time.Second {
				t.Fatalf("step %d: wait %v is under a second", step, wait)
			}
			now += wait
			if _, _, ok := l.take(k, 7); !ok {
				t.Fatalf("step %d: refused after waiting %v", step, wait)
			}
		}
		now += time.Duration(step%11) * 700 * time.Millisecond
	}
}
