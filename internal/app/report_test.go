package app_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"agentry/internal/app"
	"agentry/internal/fleet"
)

type body = map[string]any

// everyEvent has each type, right and wrong.
func everyEvent(m fleet.Message, tasks []fleet.Task) []app.RunEvent {
	return []app.RunEvent{
		{ID: "beat", Type: "heartbeat"},
		{ID: "reply", Type: "reply", Body: body{"messageId": m.ID, "text": "hi\xff"}},
		{ID: "reply again", Type: "reply", Body: body{"messageId": m.ID, "text": "no"}},
		{ID: "done", Type: "task_done", Body: body{"taskId": tasks[0].ID}},
		{ID: "failed", Type: "task_failed", Body: body{"taskId": tasks[1].ID, "message": "no luck"}},
		{ID: "retry", Type: "task_failed", Body: body{"taskId": tasks[2].ID, "message": "later", "retry": true}},
		{ID: "done twice", Type: "task_done", Body: body{"taskId": tasks[0].ID}},
		{ID: "whose", Type: "task_done", Body: body{"taskId": "nobody's"}},
		{ID: "used", Type: "usage", Body: body{"kind": "messages", "count": 2.0}},
		{ID: "used", Type: "usage", Body: body{"kind": "messages", "count": 2.0}}, // told twice in one call
		{ID: "u1", Type: "usage", Body: body{"kind": "messages", "count": 1.5}},
		{ID: "u2", Type: "usage", Body: body{"kind": "messages", "count": -1.0}},
		{ID: "u3", Type: "usage", Body: body{"kind": "", "count": 1.0}},
		{ID: "u4", Type: "usage", Body: body{"kind": "messages", "count": "1"}},
		{ID: "alert", Type: "alert", Body: body{"message": "odd"}},
		{ID: "a1", Type: "alert", Body: body{"message": ""}},
		{ID: "a2", Type: "alert", Body: body{"message": "x", "severity": "loud"}},
		{ID: "log", Type: "log", At: t0.Add(time.Hour), Body: body{"text": strings.Repeat("é", 5000)}},
		{ID: "l1", Type: "log", Body: body{"text": "x", "level": "loud"}},
		{ID: "s", Type: "signed_in"},
		{ID: "c", Type: "challenge"},
		{ID: "x", Type: "reboot"},
		{ID: "", Type: "log"},
		{ID: strings.Repeat("i", 65), Type: "log"},
	}
}

func TestRunEvents(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id, spec := b.running("rehearsal")
	m := must[fleet.Message](t)(b.SendMessage(t.Context(), b.operator, id, app.MessageInput{Text: "hello"}))
	var tasks []fleet.Task
	for range 3 {
		b.ok(second(b.AddTask(t.Context(), b.operator, id, app.TaskInput{Type: "custom"})))
	}
	tasks, _, _, err := b.ClaimTasks(t.Context(), spec.Run, 3)
	b.ok(err)
	var results []app.EventResult
	b.effectsOf(func() {
		results = must[[]app.EventResult](t)(b.RunEvents(t.Context(), spec.Run, everyEvent(m, tasks)))
	}).want(t, "events", effects{Events: []string{"message.changed", "task.changed", "usage.changed", "alert.changed", "log.added"}, Wakes: 1})
	want := map[string]string{
		"reply again": "messageId is of no message without a reply", "done twice": "The task is done, not claimed", "whose": "Task not found",
		"u1": "count: must be a whole number of 1 to 1000000000", "u2": "count: must be a whole number of 1 to 1000000000", "u3": "kind: must not be empty",
		"u4": "count: must be a whole number of 1 to 1000000000", "a1": "message: must not be empty", "a2": "severity: must be info, warning or error",
		"l1": "level: must be debug, info, warn or error", "s": "The agent is running; signed_in is not expected now", "c": "The agent is running; challenged is not expected now",
		"x": `type "reboot" is not known`, "": "id must have 1 to 64 characters", strings.Repeat("i", 65): "id must have 1 to 64 characters",
	}
	for i, r := range results {
		if r.OK != (want[r.ID] == "") || r.Error != want[r.ID] || r.Duplicate != (i == 9) {
			t.Errorf("%d %q: %+v, want %q", i, r.ID, r, want[r.ID])
		}
	}
	got := b.get(id)
	if got.Usage.Messages != 2 || got.Usage.MessagesDaily != 2 || len(got.Alerts) != 1 || got.Alerts[0].Type != "program" || got.Alerts[0].Severity != fleet.SeverityWarning || got.Status != fleet.Running {
		t.Errorf("%+v", got)
	}
	if m := must[fleet.Message](t)(b.Message(t.Context(), b.viewer, id, m.ID)); m.Reply != "hi�" || m.State != fleet.MessageReplied || !m.RepliedAt.Equal(t0) {
		t.Errorf("%+v", m)
	}
	lines := must[[]fleet.LogLine](t)(b.Logs(t.Context(), b.viewer, id, app.LogInput{}))
	if len(lines) != 1 || !lines[0].At.Equal(t0) || len(lines[0].Text) != 4096 || lines[0].Level != "info" {
		t.Errorf("%d lines, %d bytes", len(lines), len(lines[0].Text))
	}
	states := map[string]string{}
	list, _, err := b.Tasks(t.Context(), b.viewer, id, "", app.PageInput{})
	b.ok(err)
	for _, task := range list {
		states[task.ID] = string(task.State) + " " + task.Error
		if task.ID == tasks[2].ID && !task.DueAt.Equal(t0.Add(time.Minute)) {
			t.Errorf("a task to be tried again is due at %s", task.DueAt)
		}
	}
	if diff := cmp.Diff(map[string]string{tasks[0].ID: "done ", tasks[1].ID: "failed no luck", tasks[2].ID: "pending later"}, states); diff != "" {
		t.Error(diff)
	}
	// Told again, in another call: what was done is not done again, and what was
	// refused is refused again, never answered as done.
	again := must[[]app.EventResult](t)(b.RunEvents(t.Context(), spec.Run, []app.RunEvent{
		{ID: "used", Type: "usage", Body: body{"kind": "messages", "count": 2.0}}, {ID: "whose", Type: "task_done", Body: body{"taskId": "nobody's"}},
		{ID: "log", Type: "log", Body: body{"text": "again"}},
	}))
	if diff := cmp.Diff([]app.EventResult{{ID: "used", OK: true, Duplicate: true}, {ID: "whose", Error: "Task not found"}, {ID: "log", OK: true, Duplicate: true}}, again); diff != "" {
		t.Error(diff)
	}
	b.tell(spec.Run, app.RunEvent{ID: "clear", Type: "alert_cleared"})
	if got := b.get(id); got.Usage.Messages != 2 || len(got.Alerts) != 0 || got.OpenAlerts != 0 {
		t.Errorf("%+v", got)
	}
	b.countsAreRight()
}

func TestTooManyRunEvents(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id, spec := b.running("rehearsal")
	events := make([]app.RunEvent, app.MaxRunEvents+1)
	for i := range events {
		events[i] = app.RunEvent{ID: fmt.Sprint(i), Type: "usage", Body: body{"kind": "tokens", "count": 1.0}}
	}
	_, err := b.RunEvents(t.Context(), spec.Run, events)
	wantErr(t, "501", err, fleet.CodeValidation, "events: at most 500 in one call")
	b.tell(spec.Run, events[:500]...)
	if usage := b.usage(id, app.UsageInput{}); len(usage) != 1 || usage[0].Count != 500 {
		t.Errorf("%+v", usage)
	}
	// A day later the ids are forgotten, so that they do not pile up.
	b.clock.step(24*time.Hour + time.Second)
	b.ok(b.Tick(t.Context()))
	if n := b.number(`SELECT COUNT(*) FROM run_events`); n != 0 {
		t.Errorf("%d event ids are kept", n)
	}
}

// One bad program can neither flood the list of alerts nor the counters.
func TestABadProgramIsBounded(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id, spec := b.running("rehearsal")
	var events []app.RunEvent
	for i := range 100 {
		events = append(events, app.RunEvent{ID: fmt.Sprint("a", i), Type: "alert", Body: body{"message": "x", "subType": fmt.Sprint(i)}},
			app.RunEvent{ID: fmt.Sprint("u", i), Type: "usage", Body: body{"kind": fmt.Sprint("k", i), "count": 1.0}})
	}
	must[[]app.EventResult](t)(b.RunEvents(t.Context(), spec.Run, events))
	if got := b.get(id); len(got.Alerts) != 50 || got.OpenAlerts != 50 {
		t.Errorf("%d alerts", len(got.Alerts))
	}
	if usage := b.usage(id, app.UsageInput{}); len(usage) != 50 {
		t.Errorf("%d counters", len(usage))
	}
	// What is known already goes on, and what the server has to say too.
	b.tell(spec.Run, app.RunEvent{ID: "more", Type: "alert", Body: body{"message": "x", "subType": "7"}},
		app.RunEvent{ID: "use", Type: "usage", Body: body{"kind": "messages", "count": 1.0}}, app.RunEvent{ID: "use2", Type: "usage", Body: body{"kind": "k7", "count": 1.0}})
	b.clock.step(2 * time.Minute)
	b.ok(b.Tick(t.Context()))
	if got := b.get(id); len(got.Alerts) != 51 || got.Usage.Messages != 1 {
		t.Errorf("%d alerts", len(got.Alerts))
	}
}

func TestAlerts(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id, spec := b.running("rehearsal")
	n := 0
	raise := func() fleet.Alert {
		n++
		b.tell(spec.Run, app.RunEvent{ID: fmt.Sprint("raise", n), Type: "alert", Body: body{"message": fmt.Sprint("odd ", n), "subType": "s", "severity": "error"}})
		list, _, err := b.Alerts(t.Context(), b.viewer, id, app.PageInput{})
		b.ok(err)
		return list[0]
	}
	first := raise()
	if again := raise(); again.ID != first.ID || again.Count != 2 || again.Message != "odd 2" || again.State != fleet.AlertOpen || again.AgentName != "Ann rehearsal" {
		t.Errorf("%+v", again)
	}
	open := func(want int) {
		t.Helper()
		page := must[app.Page](t)(b.Agents(t.Context(), b.viewer, app.ListInput{OpenAlerts: true}))
		counts, around := must[app.FleetCounts](t)(b.FleetCounts(t.Context(), b.viewer)), must[app.Around](t)(b.Around(t.Context(), b.viewer))
		p, err := b.TeamAlerts(t.Context(), b.viewer, app.AlertInput{}, app.PageInput{})
		list := p.Alerts
		if got := b.get(id).OpenAlerts; got != want || len(page.Agents) != want || around.OpenAlerts != int64(want) || counts.Attention != int64(want) || len(list) != want || err != nil {
			t.Errorf("open %d, listed %d, counted %d, attention %d, of the team %d; want %d", got, len(page.Agents), around.OpenAlerts, counts.Attention, len(list), want)
		}
	}
	open(1)
	for _, c := range []struct {
		name string
		act  func() (fleet.Alert, error)
		want fleet.AlertState
		open int
	}{
		{"acknowledged", func() (fleet.Alert, error) { return b.AckAlert(t.Context(), b.operator, first.ID) }, fleet.AlertAcknowledged, 0},
		{"snoozed", func() (fleet.Alert, error) {
			return b.SnoozeAlert(t.Context(), b.operator, first.ID, t0.Add(time.Hour))
		}, fleet.AlertSnoozed, 0},
	} {
		b.effectsOf(func() {
			al, err := c.act()
			if al.State != c.want || al.By != "Ann operate" || err != nil {
				t.Errorf("%+v, %v", al, err)
			}
		}).want(t, c.name, effects{Audit: []string{"alert." + c.name + " done user operate"}, Events: []string{"alert.changed"}})
		open(c.open)
	}
	if al := raise(); al.Count != 3 || al.State != fleet.AlertSnoozed {
		t.Errorf("a snoozed alert that comes again is %+v", al)
	}
	b.clock.step(time.Hour - time.Second)
	b.ok(second(b.RunForToken(t.Context(), spec.Token)))
	b.ok(b.Tick(t.Context()))
	open(0)
	b.clock.step(time.Second)
	b.effectsOf(func() { b.ok(b.Tick(t.Context())) }).want(t, "the end of a snooze", effects{Events: []string{"alert.changed"}})
	open(1)
	b.ok(second(b.ResolveAlert(t.Context(), b.operator, first.ID)))
	open(0)
	_, err := b.AckAlert(t.Context(), b.operator, first.ID)
	wantErr(t, "ack of a resolved one", err, fleet.CodeConflict, "The alert was resolved by Ann operate")
	if next := raise(); next.ID == first.ID || next.Count != 1 {
		t.Errorf("%+v", next)
	}
	open(1)
	_, err = b.SnoozeAlert(t.Context(), b.operator, first.ID, b.Now())
	wantErr(t, "snooze until now", err, fleet.CodeValidation, "")
	_, err = b.AckAlert(t.Context(), b.stranger, first.ID)
	wantErr(t, "another team's", err, fleet.CodeNotFound, "Alert not found")
	_, err = b.TeamAlerts(t.Context(), b.viewer, app.AlertInput{State: "loud"}, app.PageInput{})
	wantErr(t, "state", err, fleet.CodeValidation, "")
	b.countsAreRight()
}
