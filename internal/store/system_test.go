package store

import (
	"testing"
	"time"

	"agentry/internal/fleet"
)

// Every duration lies in a bucket whose upper end is over it by a quarter at
// most.
func TestPaceBuckets(t *testing.T) {
	for us := time.Duration(0); us < 40_000_000; us += us/7 + 1 {
		took := us * time.Microsecond
		end := upper(bucketOf(took))
		if end <= took || end > took+took/4+2*time.Microsecond {
			t.Errorf("%v is in a bucket up to %v", took, end)
		}
	}
	var p pace
	for i := range 100 {
		p.add(t0, time.Duration(i+1)*time.Millisecond, 1)
	}
	for i := range 2 * slowKept {
		p.add(t0, time.Second, i)
	}
	got := p.read()
	if got.Commits != 140 || got.Most != time.Second || got.P50 < 70*time.Millisecond || got.P50 > 88*time.Millisecond || got.P99 != time.Second {
		t.Errorf("%+v", got)
	}
	if len(got.Slow) != slowKept || got.Slow[0].Writes != 2*slowKept-1 || got.Slow[slowKept-1].Writes != slowKept {
		t.Errorf("slow: %+v", got.Slow)
	}
}

// The figures are of the file as it is: it has a size and a schema, counts the
// agents of all teams, and every commit.
func TestSystemFigures(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{})
	before, err := s.System(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	a, b := newAgent(teamA, "a"), newAgent(teamB, "b")
	a.Status = fleet.Running
	insert(t, s, a)
	insert(t, s, b)
	after, err := s.System(t.Context())
	if err != nil || after.FileBytes == 0 || after.LogBytes == 0 || after.FreeBytes == 0 || after.Schema < 16 {
		t.Errorf("%+v %v", after, err)
	}
	if after.Agents != before.Agents+2 || after.Running != before.Running+1 || after.Pace.Commits != before.Pace.Commits+2 || after.Pace.P50 == 0 {
		t.Errorf("%+v, before %+v", after, before)
	}
}
