package app_test

import (
	"fmt"
	"testing"
	"time"

	"agentry/internal/app"
	"agentry/internal/fleet"
)

// A program that tells without end fills no disk: the ids of its last events
// are known and no more than a step beyond the bound; nobody else's go.
func TestToldEventsAreBounded(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.SetToldBound(50, 500)
	id, spec := b.running("rehearsal")
	other, quiet := b.running("rehearsal")
	b.tell(quiet.Run, app.RunEvent{ID: "quiet", Type: "ack"})
	calls := 0
	flood := func(n int) {
		for ; n > 0; n-- {
			events := make([]app.RunEvent, 5)
			for i := range events {
				events[i] = app.RunEvent{ID: fmt.Sprint(calls, " ", i), Type: "ack"}
			}
			b.tell(spec.Run, events...)
			b.clock.step(time.Millisecond)
			calls++
		}
	}
	kept := func(id fleet.AgentID) int64 {
		return b.number(`SELECT COUNT(*) FROM run_events WHERE agent_id = $1`, id)
	}
	again := func(eventID string) bool {
		results := must[[]app.EventResult](t)(b.RunEvents(t.Context(), spec.Run, []app.RunEvent{{ID: eventID, Type: "ack"}}))
		return results[0].Duplicate
	}
	flood(109)
	if n := kept(id); n != 545 {
		t.Errorf("%d events are known, want all", n)
	}
	flood(3)
	if n := kept(id); n < 500 || n > 550 {
		t.Errorf("%d events are known after %d", n, 5*calls)
	}
	if last := fmt.Sprint(calls-100, " 0"); !again(last) || again("0 0") {
		t.Error("not the last ones are known")
	}
	b.clock.jump(-time.Hour)
	flood(12)
	if last := fmt.Sprint(calls-12, " 0"); !again(last) {
		t.Error("new events are forgotten after the clock was set back")
	}
	if kept(other) != 1 {
		t.Error("another agent's events are forgotten")
	}
}

// What a call tells of one kind is announced once: a program that raises and
// clears an alert without end does not fill the live view.
func TestOneCallAnnouncesOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	_, spec := b.running("rehearsal")
	var events []app.RunEvent
	for i := range 100 {
		events = append(events,
			app.RunEvent{ID: fmt.Sprint("raise", i), Type: "alert", Body: body{"message": "odd"}},
			app.RunEvent{ID: fmt.Sprint("clear", i), Type: "alert_cleared"})
	}
	before := b.number(`SELECT COUNT(*) FROM events`)
	b.tell(spec.Run, events...)
	if n := b.number(`SELECT COUNT(*) FROM events`) - before; n != 1 {
		t.Errorf("%d events of one call", n)
	}
}
