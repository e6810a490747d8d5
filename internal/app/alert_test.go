package app_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"agentry/internal/app"
	"agentry/internal/fleet"
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

// teamAlerts looks at the team's alerts of a state, "agent count message by".
func (b *bench) teamAlerts(state string, want ...string) []fleet.Alert {
	b.t.Helper()
	p, err := b.TeamAlerts(b.t.Context(), b.viewer, app.AlertInput{State: state}, app.PageInput{})
	b.ok(err)
	list := p.Alerts
	if p.Total != int64(len(list)) {
		b.t.Errorf("%q: %d of %d", state, len(list), p.Total)
	}
	var got []string
	for _, al := range list {
		got = append(got, fmt.Sprintf("%s %d %s by %q", al.AgentID, al.Count, al.Message, al.By))
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		b.t.Errorf("%q: %q, want %q", state, got, want)
	}
	b.countsAreRight()
	return list
}

// An alert of the team alone is one while unresolved and of no agent, and
// another team knows nothing of it.
func TestTeamAlert(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id, spec := b.running("rehearsal")
	ctx := t.Context()
	b.tell(spec.Run, app.RunEvent{ID: "1", Type: "alert", Body: body{"alertType": "vendor", "subType": "stopped", "message": "the agent's"}})
	raise := func(message string) func() {
		return func() { b.ok(b.RaiseTeam(ctx, b.team, "vendor", "stopped", message)) }
	}
	resolve := func(subType string) func() {
		return func() { b.ok(b.ResolveTeam(ctx, b.team, "vendor", subType)) }
	}
	changed, silent := effects{Events: []string{fleet.EventAlertChanged}}, effects{}
	b.effectsOf(raise("revoked")).want(t, "raised", changed)
	b.effectsOf(raise("revoked again")).want(t, "counted", changed)
	b.ok(b.RaiseTeam(ctx, b.stranger.TeamID, "vendor", "stopped", "theirs"))
	if about := b.column(`SELECT agent_id FROM events WHERE type = ? ORDER BY seq`, fleet.EventAlertChanged); fmt.Sprint(about) != fmt.Sprintf("[%s   ]", id) {
		t.Errorf("events are of %q", about)
	}
	ofAgent := fmt.Sprintf(`%s 1 the agent's by ""`, id)
	b.teamAlerts("", ` 2 revoked again by ""`, ofAgent)
	counts, around := must[app.FleetCounts](t)(b.FleetCounts(ctx, b.viewer)), must[app.Around](t)(b.Around(ctx, b.viewer))
	if around.OpenAlerts != 2 || counts.Attention != 1 {
		t.Errorf("the header counts %d open alerts, %d agents need attention", around.OpenAlerts, counts.Attention)
	}
	if p := must[app.Page](t)(b.Agents(ctx, b.viewer, app.ListInput{OpenAlerts: true})); p.Total != 1 || len(p.Agents[0].Alerts) != 1 {
		t.Errorf("agents with open alerts: %+v", p)
	}
	b.effectsOf(resolve("else")).want(t, "another cause is gone", silent)
	b.effectsOf(resolve("")).want(t, "gone", changed)
	b.effectsOf(resolve("stopped")).want(t, "gone already", silent)
	b.teamAlerts("", ofAgent)
	b.teamAlerts("resolved", ` 2 revoked again by "agentry"`)
	b.effectsOf(raise("soon again")).want(t, "flapped", changed)
	if n := b.number(`SELECT COUNT(*) FROM alerts WHERE team_id = ? AND agent_id IS NULL AND state = 'open'`, b.stranger.TeamID); n != 1 {
		t.Errorf("the other team has %d open alerts", n)
	}
	// A relaunch clears the agent's alerts alone.
	b.ok(second(b.End(ctx, b.operator, id, app.ReasonInput{})))
	b.ok(second(b.Relaunch(ctx, b.operator, id, app.ReasonInput{})))
	b.teamAlerts("", ` 3 soon again by ""`)
}

// People do with an alert of the team what they do with any.
func TestActingOnATeamAlert(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	ctx := t.Context()
	raise := func(message string) func() {
		return func() { b.ok(b.RaiseTeam(ctx, b.team, "vendor", "stopped", message)) }
	}
	raise("revoked")()
	al := b.teamAlerts("", ` 1 revoked by ""`)[0]
	snooze := func(by fleet.Actor) error {
		return second(b.SnoozeAlert(ctx, by, al.ID, b.Now().Add(time.Hour)))
	}
	for name, do := range map[string]func(by fleet.Actor) error{
		"ack":     func(by fleet.Actor) error { return second(b.AckAlert(ctx, by, al.ID)) },
		"resolve": func(by fleet.Actor) error { return second(b.ResolveAlert(ctx, by, al.ID)) },
		"snooze":  snooze,
	} {
		wantErr(t, name, do(b.stranger), fleet.CodeNotFound, "Alert not found")
		wantErr(t, name, do(b.viewer), fleet.CodeForbidden, "")
	}
	changed := []string{fleet.EventAlertChanged}
	done := func(state string) effects {
		return effects{Audit: []string{"alert." + state + " done " + b.operator.ID}, Events: changed}
	}
	by := fmt.Sprintf(" by %q", b.operator.Name)
	b.effectsOf(func() { b.ok(second(b.AckAlert(ctx, b.operator, al.ID))) }).want(t, "ack", done("acknowledged"))
	b.teamAlerts("acknowledged", " 1 revoked"+by)
	b.effectsOf(func() { b.ok(snooze(b.operator)) }).want(t, "snooze", done("snoozed"))
	b.effectsOf(raise("still")).want(t, "counted in silence", effects{})
	b.clock.step(time.Hour)
	b.effectsOf(func() { b.ok(b.Tick(ctx)) }).want(t, "awake", effects{Events: changed})
	b.teamAlerts("", " 2 still"+by)
	b.effectsOf(func() { b.ok(second(b.ResolveAlert(ctx, b.operator, al.ID))) }).want(t, "resolve", done("resolved"))
	b.effectsOf(raise("another time")).want(t, "a new one", effects{Events: changed})
	b.teamAlerts("", ` 1 another time by ""`)
	if about := b.column(`SELECT agent_id FROM audit WHERE action LIKE 'alert.%' AND outcome = 'done'`); fmt.Sprint(about) != "[  ]" {
		t.Errorf("the audit is of %q", about)
	}
}

func TestRunAlert(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id, spec := b.running("rehearsal")
	heard := b.get(id).Runtime.LastHeardAt
	b.clock.step(time.Minute)
	b.ok(b.RunAlert(t.Context(), spec.Run, "elizaos", "unreachable", strings.Repeat("long ", 1000)))
	b.ok(b.RunAlert(t.Context(), spec.Run, "elizaos", "no_answer", "no model"))
	got := b.get(id)
	if len(got.Alerts) != 2 || got.Alerts[1].Type != "elizaos" || got.Alerts[1].Severity != fleet.SeverityError {
		t.Errorf("%+v", got.Alerts)
	}
	if !got.Runtime.LastHeardAt.Equal(heard) {
		t.Error("an alert of the driver counts as hearing of the program")
	}
	b.ok(b.RunAlert(t.Context(), spec.Run, "elizaos", "no_answer", ""))
	if got := b.get(id); len(got.Alerts) != 1 || got.Alerts[0].SubType != "unreachable" {
		t.Errorf("%+v", got.Alerts)
	}
	old := spec.Run
	old.Epoch--
	b.ok(b.RunAlert(t.Context(), old, "elizaos", "", ""))
	if got := b.get(id); len(got.Alerts) != 1 {
		t.Error("an older run took an alert back")
	}
	b.ok(b.RunAlert(t.Context(), spec.Run, "elizaos", "", ""))
	if got := b.get(id); len(got.Alerts) != 0 {
		t.Errorf("%+v", got.Alerts)
	}
}

// All open alerts of a type, or of an agent, are acknowledged at once: each in
// its agent's history, and nobody else's.
func TestAckAlerts(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	ctx := t.Context()
	first, spec := b.running("rehearsal")
	other, spec2 := b.running("rehearsal")
	b.tell(spec.Run, app.RunEvent{ID: "1", Type: "alert", Body: body{"alertType": "odd", "subType": "a", "message": "m"}})
	b.tell(spec.Run, app.RunEvent{ID: "2", Type: "alert", Body: body{"alertType": "odd", "subType": "b", "message": "m"}})
	b.tell(spec2.Run, app.RunEvent{ID: "1", Type: "alert", Body: body{"alertType": "odd", "subType": "a", "message": "m"}})
	b.ok(b.RaiseTeam(ctx, b.stranger.TeamID, "odd", "a", "theirs"))
	sub := "a"
	b.effectsOf(func() {
		if n := must[int](t)(b.AckAlerts(ctx, b.operator, app.AlertInput{Type: "odd", SubType: &sub})); n != 2 {
			t.Errorf("%d", n)
		}
	}).want(t, "a type", effects{
		Audit: []string{"alert.acknowledged done user operate", "alert.acknowledged done user operate"}, Events: []string{"alert.changed", "alert.changed"},
	})
	if got := b.column(`SELECT agent_id || sub_type || by_name FROM alerts WHERE state = 'acknowledged' ORDER BY id`); fmt.Sprint(got) != fmt.Sprintf("[%saAnn operate %saAnn operate]", first, other) {
		t.Errorf("%q", got)
	}
	b.countsAreRight()
	if n := must[int](t)(b.AckAlerts(ctx, b.operator, app.AlertInput{AgentID: &first})); n != 1 {
		t.Errorf("of an agent: %d", n)
	}
	if n := must[int](t)(b.AckAlerts(ctx, b.operator, app.AlertInput{AgentID: &first})); n != 0 {
		t.Errorf("again: %d", n)
	}
	_, err := b.AckAlerts(ctx, b.operator, app.AlertInput{})
	wantErr(t, "all of the team", err, fleet.CodeValidation, "")
	if n := b.number(`SELECT COUNT(*) FROM alerts WHERE state = 'open' AND team_id = ?`, b.stranger.TeamID); n != 1 {
		t.Errorf("the other team has %d open", n)
	}
}
