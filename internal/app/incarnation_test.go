package app_test

import (
	"testing"

	"agentry/internal/app"
	"agentry/internal/fleet"
)

func TestIncarnation(t *testing.T) {
	b := newBench(t, nil)
	ctx := t.Context()
	is := func(id fleet.AgentID, want int) {
		t.Helper()
		if n, err := b.Incarnation(ctx, id); n != want || err != nil {
			t.Errorf("incarnation %d, %v, want %d", n, err, want)
		}
	}
	id, spec := b.running("rehearsal")
	is(id, 1)
	if spec.Incarnation != 1 {
		t.Errorf("the run's is %d", spec.Incarnation)
	}
	ended := b.in(fleet.Ended, "rehearsal")
	must[fleet.Agent](t)(b.Relaunch(ctx, b.operator, ended, app.ReasonInput{}))
	is(ended, 2)
	gone := b.in(fleet.Ended, "rehearsal")
	must[fleet.Deletion](t)(b.Delete(ctx, b.deleter, gone, app.DeleteInput{}))
	is(gone, 0)
}
