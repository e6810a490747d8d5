package app_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"agentry/internal/app"
	"agentry/internal/fleet"
)

// rich makes an ended agent with a life behind it.
func rich(b *bench) (fleet.AgentID, app.RunSpec) {
	b.t.Helper()
	ctx := b.t.Context()
	id := b.create("linkedin")
	zone, most := "Asia/Kathmandu", 33
	b.ok(second(b.Update(ctx, b.operator, id, app.UpdateInput{
		Settings: []fleet.Setting{{Key: "invitationsOnly", Value: true}, {Key: "tone", Value: "dry"}},
		Hours:    &fleet.HoursChange{Timezone: &zone}, Limits: &fleet.LimitsChange{MessagesMax: &most},
	})))
	spec := b.start(id)
	for range 3 {
		b.ok(second(b.AddTask(ctx, b.operator, id, app.TaskInput{Type: "custom"})))
	}
	tasks, _, _, err := b.ClaimTasks(ctx, spec.Run, 2)
	b.ok(err)
	if len(tasks) != 2 {
		b.t.Fatalf("%d tasks", len(tasks))
	}
	m, err := b.SendMessage(ctx, b.operator, id, app.MessageInput{Text: "hello"})
	b.ok(err)
	b.ok(second(b.SendMessage(ctx, b.operator, id, app.MessageInput{Text: "no answer"})))
	b.tell(spec.Run,
		app.RunEvent{ID: "a", Type: "task_done", Body: map[string]any{"taskId": tasks[0].ID}},
		app.RunEvent{ID: "b", Type: "usage", Body: map[string]any{"kind": "messages", "count": 4.0}},
		app.RunEvent{ID: "c", Type: "usage", Body: map[string]any{"kind": "invitations", "count": 2.0}},
		app.RunEvent{ID: "d", Type: "alert", Body: map[string]any{"message": "odd", "subType": "one"}},
		app.RunEvent{ID: "e", Type: "alert", Body: map[string]any{"message": "odd", "subType": "two"}},
		app.RunEvent{ID: "f", Type: "log", Body: map[string]any{"text": "line"}},
		app.RunEvent{ID: "g", Type: "reply", Body: map[string]any{"messageId": m.ID, "text": "hi"}},
	)
	b.ok(second(b.End(ctx, b.operator, id, app.ReasonInput{Reason: "campaign over"})))
	return id, spec
}

func TestRelaunch(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id, old := rich(b)
	before := b.get(id)
	key := b.column(`SELECT hex(sealed) FROM agent_keys WHERE agent_id = ?`, id)
	preview := must[fleet.Preview](t)(b.Preview(t.Context(), b.operator, id, fleet.MoveRelaunch))
	if diff := cmp.Diff(fleet.Counts{Credentials: 2, Tasks: 2, Alerts: 2, Settings: 2}, preview.Removes); diff != "" || !preview.Allowed || len(preview.BlockedBy) != 0 {
		t.Errorf("%+v %s", preview, diff)
	}
	if diff := cmp.Diff(fleet.Counts{Tasks: 1, UsageDays: 1, Messages: 2, Logs: 1}, preview.Keeps); diff != "" {
		t.Error(diff)
	}
	var answered fleet.Agent
	b.clock.step(time.Hour)
	b.effectsOf(func() {
		answered = must[fleet.Agent](t)(b.Relaunch(t.Context(), b.operator, id, app.ReasonInput{Reason: "again", IfVersion: preview.Version}))
	}).want(t, "relaunch", effects{Audit: []string{"relaunch done user operate"}, Events: []string{"agent.status_changed"}, Wakes: 1})
	got := b.get(id)
	if diff := cmp.Diff(got.Agent, answered); diff != "" {
		t.Errorf("answered and stored differ:\n%s", diff)
	}
	want := before.Agent
	want.Status, want.StatusAt, want.UpdatedAt, want.Version = fleet.SetupNeeded, b.Now(), b.Now(), before.Version+1
	want.Login, want.Country, want.Settings, want.Hours, want.Limits = "", "", nil, fleet.DefaultHours(), fleet.DefaultLimits()
	want.Incarnation, want.IsSetUp, want.EndReason, want.EndedAt, want.OpenAlerts = 2, false, "", time.Time{}, 0
	want.Draft = &fleet.Draft{Incarnation: 1, Country: "FR", Hours: before.Hours, Limits: before.Limits}
	want.Runtime = fleet.Runtime{State: before.Runtime.State, Epoch: before.Runtime.Epoch, Handle: before.Runtime.Handle}
	if diff := cmp.Diff(want, got.Agent); diff != "" {
		t.Errorf("after the relaunch (-want +got):\n%s", diff)
	}
	if got.Usage.Messages != 4 || got.Usage.Invitations != 2 || len(got.Alerts) != 0 {
		t.Errorf("%+v", got)
	}
	for what, c := range map[string]struct {
		table string
		want  int64
	}{
		"credentials": {"credentials", 0}, "commands": {"commands", 0}, "alerts": {"alerts", 0}, "tasks": {"tasks", 1}, "usage": {"usage_days", 2},
		"messages": {"messages", 2}, "logs": {"logs", 1}, "told events": {"run_events", 0}, "data keys": {"agent_keys", 1}, "tags": {"agent_tags", 1},
	} {
		if n := b.number(`SELECT COUNT(*) FROM ` + c.table); n != c.want {
			t.Errorf("%d %s, want %d", n, what, c.want)
		}
	}
	if states := b.column(`SELECT state FROM messages ORDER BY text`); cmp.Diff([]string{"replied", "failed"}, states) != "" {
		t.Errorf("messages are %q", states)
	}
	if now := b.column(`SELECT hex(sealed) FROM agent_keys WHERE agent_id = ?`, id); now[0] == key[0] {
		t.Error("the data key is the former one")
	}
	if open, err := b.RunCredentials(t.Context(), old.Run); err == nil {
		t.Errorf("the old run reads %v", open)
	}
	if b.number(`SELECT COUNT(*) FROM runtimes WHERE token_hash IS NOT NULL`) != 0 {
		t.Error("a token works on")
	}
	history, _, err := b.History(t.Context(), b.viewer, id, app.PageInput{})
	if err != nil || history[0].Note != "again" || history[0].Detail["incarnation"] != 2.0 || history[0].Detail["tasks"] != 2.0 || len(history) < 8 {
		t.Errorf("%+v, %v", history, err)
	}
	b.countsAreRight()
	_, err = b.Relaunch(t.Context(), b.operator, id, app.ReasonInput{})
	wantErr(t, "again", err, fleet.CodeInvalidStatus, "Agent can only be relaunched when status is ended")
	_, err = b.Relaunch(t.Context(), b.operator, id, app.ReasonInput{IfVersion: preview.Version})
	wantErr(t, "on old facts", err, fleet.CodeVersion, "")
	// The next life: a program counts its events from the start, and they count.
	spec := b.start(id)
	b.tell(spec.Run, app.RunEvent{ID: "b", Type: "usage", Body: map[string]any{"kind": "messages", "count": 1.0}})
	usage := b.usage(id, app.UsageInput{Incarnation: 2})
	if len(usage) != 1 || usage[0].Count != 1 {
		t.Errorf("%+v", usage)
	}
	if got := b.get(id); got.Draft != nil || got.Usage.Messages != 5 {
		t.Errorf("%+v", got)
	}
}

// The program of the former life still runs and reports: nothing of it counts.
func TestRelaunchWhileTheOldRunReports(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id, old := b.running("rehearsal")
	b.ok(second(b.End(t.Context(), b.operator, id, app.ReasonInput{})))
	b.ok(second(b.Relaunch(t.Context(), b.operator, id, app.ReasonInput{})))
	if got := b.get(id); got.Runtime.State != fleet.ObservedStopping {
		t.Errorf("a program that still runs is %s", got.Runtime.State)
	}
	done := make(chan error, 1)
	wakes := b.runner.count()
	go func() { done <- second(b.Start(t.Context(), b.operator, id, app.StartInput{})) }()
	b.eventually("wake", func() bool { return b.runner.count() > wakes })
	for what, err := range map[string]error{
		"token":       second(b.RunForToken(t.Context(), old.Token)),
		"events":      second(b.RunEvents(t.Context(), old.Run, []app.RunEvent{{ID: "1", Type: "usage", Body: map[string]any{"kind": "messages", "count": 1.0}}})),
		"self":        second(b.RunSelf(t.Context(), old.Run)),
		"inbox":       second(b.RunInbox(t.Context(), old.Run, 0)),
		"credentials": second(b.RunCredentials(t.Context(), old.Run)),
		"claim":       func() error { _, _, _, err := b.ClaimTasks(t.Context(), old.Run, 1); return err }(),
	} {
		wantErr(t, "the old run's "+what, err, fleet.CodeRunOver, "")
	}
	b.ok(b.RunExited(t.Context(), old.Run, app.RunExit{Text: "exit 1"}))
	if got := b.get(id); got.Status != fleet.Running || got.Runtime.Failures != 0 || got.Runtime.State != fleet.ObservedStarting {
		t.Errorf("the old run's end counts against the new one: %+v", got.Runtime)
	}
	next := b.begin(id, true)
	b.ok(<-done)
	b.ok(b.RunExited(t.Context(), old.Run, app.RunExit{Text: "exit 1"}))
	b.ok(b.RunNotSpawned(t.Context(), old.Run, errNoFile))
	b.ok(b.RunStopping(t.Context(), old.Run))
	b.ok(b.AppendLogs(t.Context(), old.Run, []fleet.LogLine{{At: t0, Level: "info", Text: "late"}}))
	b.ok(b.RunSpawned(t.Context(), old.Run, "old"))
	if got := b.get(id); got.Runtime.State != fleet.ObservedUp || got.Runtime.Handle != "pid:2" || got.Runtime.Failures != 0 || len(got.Alerts) != 0 {
		t.Errorf("%+v", got.Runtime)
	}
	if n := b.number(`SELECT COUNT(*) FROM logs`); n != 0 {
		t.Errorf("%d lines of the old run are kept", n)
	}
	if !must[bool](t)(b.RunWanted(t.Context(), next.Run)) || must[bool](t)(b.RunWanted(t.Context(), old.Run)) {
		t.Error("the wrong run may go on")
	}
}

func TestRelaunchesAreCounted(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id := b.in(fleet.Ended, "rehearsal")
	for i := range 4 {
		p := must[fleet.Preview](t)(b.Preview(t.Context(), b.viewer, id, fleet.MoveRelaunch))
		want := []int{0, 1, 2, 2}[i]
		if p.RecentRelaunches != want || p.Allowed || len(p.BlockedBy) != 1 || !strings.Contains(p.BlockedBy[0], "needs the operate scope") {
			t.Errorf("%d: %+v", i, p)
		}
		b.ok(second(b.Relaunch(t.Context(), b.operator, id, app.ReasonInput{})))
		b.ok(second(b.End(t.Context(), b.operator, id, app.ReasonInput{})))
		b.clock.step(3 * 24 * time.Hour)
	}
}

// crash lets the agent's program end until it is given up.
func (b *bench) crash(id fleet.AgentID) {
	b.t.Helper()
	spec := b.start(id)
	for {
		b.ok(b.RunExited(b.t.Context(), spec.Run, app.RunExit{Text: "exit 1", Output: []string{"boom"}}))
		if b.get(id).Status == fleet.Ended {
			return
		}
		b.clock.step(8 * time.Second)
		spec = b.begin(id, true)
	}
}

// The third relaunch in seven days out of a crash loop needs a reason; ends by
// people between them neither hold nor count.
func TestRelaunchesOutOfACrashLoopAreHeld(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id := b.create("rehearsal")
	relaunch := func(reason string) error {
		return second(b.Relaunch(t.Context(), b.operator, id, app.ReasonInput{Reason: reason}))
	}
	hold := func() string {
		return must[fleet.Preview](t)(b.Preview(t.Context(), b.operator, id, fleet.MoveRelaunch)).Hold
	}
	for range 2 {
		b.crash(id)
		if got := hold(); got != "" {
			t.Error(got)
		}
		b.ok(relaunch(""))
		b.ok(second(b.End(t.Context(), b.operator, id, app.ReasonInput{})))
		if got := hold(); got != "" {
			t.Error("an end by a person holds: " + got)
		}
		b.ok(relaunch(""))
		b.clock.step(24 * time.Hour)
	}
	b.crash(id)
	const sentence = "The agent was relaunched 2 times in 7 days and ended in a crash loop each time; say in a reason why it will be different now"
	if got := hold(); got != sentence {
		t.Error(got)
	}
	before := b.get(id).Version
	for _, reason := range []string{"", " \n"} {
		b.effectsOf(func() { wantErr(t, "without a reason", relaunch(reason), fleet.CodeConflict, sentence) }).
			want(t, "a held relaunch", effects{Audit: []string{"relaunch conflict user operate"}})
	}
	if got := b.get(id); got.Status != fleet.Ended || got.Version != before || len(got.Alerts) != 1 {
		t.Errorf("%s %d %+v", got.Status, got.Version, got.Alerts)
	}
	b.ok(relaunch("the list is repaired"))
	b.crash(id)
	if hold() == "" {
		t.Error("not held the fourth time")
	}
	b.clock.step(7 * 24 * time.Hour)
	if got := hold(); got != "" {
		t.Error("held after seven days: " + got)
	}
	b.ok(relaunch(""))
}
