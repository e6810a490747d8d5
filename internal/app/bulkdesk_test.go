package app

import (
	"testing"
	"time"
)

// A bulk acts no more often than its rate, however late it comes, but makes a
// little good.
func TestBulkRate(t *testing.T) {
	t.Parallel()
	var d bulkDesk
	const every = 10 * time.Millisecond
	acts := func(from, until time.Duration) (n int) {
		for now := from; now < until; now += time.Millisecond {
			for d.slot("b", now) <= 0 {
				d.take("b", every)
				n++
			}
		}
		return n
	}
	if n := acts(0, time.Second); n != 100 {
		t.Errorf("%d acts in a second", n)
	}
	if n := acts(time.Hour, time.Hour+time.Second); n < 100 || n > 110 {
		t.Errorf("%d acts in a second after an hour's rest", n)
	}
	if n := acts(2*time.Hour, 2*time.Hour+50*time.Millisecond); n > 15 {
		t.Errorf("%d acts at once after a rest", n)
	}
}

// Counts are announced at most twice a second, and the last ones always.
func TestBulkTells(t *testing.T) {
	t.Parallel()
	var d bulkDesk
	told := 0
	for now := time.Duration(0); now < 10*time.Second; now += 10 * time.Millisecond {
		if d.mayTell("b", now) {
			told++
		}
	}
	if told != 20 {
		t.Errorf("told %d times in 10 s", told)
	}
	if !d.untold("b", 10*time.Second, 0) || d.untold("b", 11*time.Second, 0) {
		t.Error("the last counts are told once")
	}
}

// A job that begins before the writer of the list has given the bulk back comes
// again; a second one beside a worker does not.
func TestBulkOfAnEarlyJob(t *testing.T) {
	t.Parallel()
	var d bulkDesk
	d.prepare("b", 0)
	if d.begin("b", 0) || d.soon("b") == 0 {
		t.Error("the early job is lost")
	}
	d.end("b", 0, false)
	if !d.begin("b", 0) || d.begin("b", 0) || d.soon("b") != 0 {
		t.Error("two work at one bulk")
	}
}
