package app_test

import (
	"fmt"
	"testing"
	"time"

	"agentry/internal/app"
)

// A cause that flaps while its alert is snoozed makes no noise; afterwards it
// does, in the same row.
func TestRecoveriesObeyTheSilence(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id, spec := b.running("rehearsal")
	n := 0
	tell := func(typ string) []string {
		n++
		return b.effectsOf(func() {
			b.tell(spec.Run, app.RunEvent{ID: fmt.Sprint(n), Type: typ, Body: body{"subType": "x", "message": fmt.Sprint("odd ", n)}})
		}).Events
	}
	row := func() string {
		rows := b.column(`SELECT state || ' ' || n || ' ' || message FROM alerts`)
		if len(rows) != 1 {
			t.Fatalf("%q", rows)
		}
		b.countsAreRight()
		return rows[0]
	}
	expect := func(what string, events []string, loud bool, want string) {
		t.Helper()
		if got := row(); (len(events) > 0) != loud || got != want {
			t.Errorf("%s: %q, events %q, want %q", what, got, events, want)
		}
	}
	expect("raised", tell("alert"), true, "open 1 odd 1")
	expect("again", tell("alert"), true, "open 2 odd 2")
	al := b.get(id).Alerts[0]
	b.ok(second(b.SnoozeAlert(t.Context(), b.operator, al.ID, t0.Add(time.Hour))))
	expect("again, snoozed", tell("alert"), false, "snoozed 3 odd 3")
	for range 3 {
		expect("recovered", tell("alert_cleared"), false, fmt.Sprintf("resolved %d odd %d", 3+(n-4)/2, n-1))
		expect("back", tell("alert"), false, fmt.Sprintf("snoozed %d odd %d", 4+(n-5)/2, n))
	}
	if got := b.get(id); got.OpenAlerts != 0 || got.Alerts[0].ID != al.ID || !got.Alerts[0].Until.Equal(t0.Add(time.Hour)) {
		t.Errorf("%+v", got.Alerts)
	}
	expect("recovered", tell("alert_cleared"), false, "resolved 6 odd 9")
	b.clock.step(time.Hour)
	b.ok(second(b.RunForToken(t.Context(), spec.Token)))
	b.effectsOf(func() { b.ok(b.Tick(t.Context())) }).want(t, "the snooze of a cause that is gone ends", effects{})
	expect("back after the silence", tell("alert"), true, "open 7 odd 11")
}

// Acknowledged alerts that recover are resolved; one that comes back within the
// hour opens again, one that a person resolved or that rested longer is new.
func TestFlappingAndNewAlerts(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id, spec := b.running("rehearsal")
	n := 0
	tell := func(typ string) {
		n++
		b.ok(second(b.RunForToken(t.Context(), spec.Token)))
		b.tell(spec.Run, app.RunEvent{ID: fmt.Sprint(n), Type: typ, Body: body{"subType": "x", "message": "odd"}})
	}
	rows := func(want ...string) {
		t.Helper()
		got := b.column(`SELECT state || ' ' || n FROM alerts WHERE type = 'program' ORDER BY id`)
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
	tell("alert")
	first := b.get(id).Alerts[0]
	b.ok(second(b.AckAlert(t.Context(), b.operator, first.ID)))
	tell("alert_cleared")
	rows("resolved 1")
	for range 5 {
		b.clock.step(50 * time.Minute)
		tell("alert")
		tell("alert_cleared")
	}
	rows("resolved 6")
	tell("alert")
	rows("open 7")
	b.ok(second(b.ResolveAlert(t.Context(), b.operator, first.ID)))
	tell("alert")
	rows("resolved 7", "open 1")
	tell("alert_cleared")
	b.clock.step(61 * time.Minute)
	tell("alert")
	rows("resolved 7", "resolved 1", "open 1")
}
