package app_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"agentry/internal/app"
	"agentry/internal/fleet"
)

var errNoFile = errors.New("no such file")

func TestDelete(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	keep, _ := rich(b)
	id, spec := rich(b)
	name := b.get(id).Name
	preview := must[fleet.Preview](t)(b.Preview(t.Context(), b.deleter, id, fleet.MoveDelete))
	if diff := cmp.Diff(fleet.Counts{Credentials: 2, Tasks: 3, Alerts: 2, UsageDays: 1, Messages: 2, Logs: 1, Settings: 2}, preview.Removes); diff != "" ||
		!preview.Allowed || preview.Keeps != (fleet.Counts{}) {
		t.Errorf("%+v %s", preview, diff)
	}
	b.clock.step(time.Hour)
	var d fleet.Deletion
	hash := b.taken(b.deleter, id)
	b.effectsOf(func() {
		d = must[fleet.Deletion](t)(b.Delete(t.Context(), b.deleter, id, app.DeleteInput{Reason: "no more", ExportSHA256: hash, IfVersion: preview.Version, ConfirmName: &name}))
	}).want(t, "delete", effects{Audit: []string{"delete done user delete"}, Events: []string{"agent.deleted"}, Wakes: 1})
	want := fleet.Deletion{ID: d.ID, TeamID: b.team, AgentID: id, At: b.Now(), By: "Ann delete", ByKind: fleet.ActorMember, Reason: "no more", Removed: preview.Removes, Incarnation: 1, ExportSHA256: hash}
	for what, got := range map[string]fleet.Deletion{
		"answered": d, "by its id": must[fleet.Deletion](t)(b.Deletion(t.Context(), b.viewer, d.ID)), "by the agent's id": must[fleet.Deletion](t)(b.DeletionOfAgent(t.Context(), b.viewer, id)),
	} {
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("certificate %s (-want +got):\n%s", what, diff)
		}
	}
	_, err := b.Agent(t.Context(), b.viewer, id)
	wantErr(t, "get", err, fleet.CodeNotFound, "Agent not found")
	_, err = b.Delete(t.Context(), b.deleter, id, app.DeleteInput{})
	wantErr(t, "again", err, fleet.CodeNotFound, "Agent not found")
	for _, table := range b.column(`SELECT m.name FROM sqlite_master m JOIN pragma_table_info(m.name) c ON c.name = 'agent_id' WHERE m.type = 'table' AND m.name NOT IN ('audit', 'events', 'deletions')`) {
		if n := b.number(`SELECT COUNT(*) FROM `+table+` WHERE agent_id = ?`, id); n != 0 {
			t.Errorf("%d rows of %s are left", n, table)
		}
	}
	if got := b.get(keep); got.OpenAlerts != 2 || got.Usage.Messages != 4 {
		t.Errorf("another agent lost something: %+v", got)
	}
	// The program that still reports changes nothing and breaks nothing.
	for what, err := range map[string]error{
		"exited": b.RunExited(t.Context(), spec.Run, app.RunExit{Text: "exit 1"}), "spawned": b.RunSpawned(t.Context(), spec.Run, "x"),
		"stopping": b.RunStopping(t.Context(), spec.Run), "not spawned": b.RunNotSpawned(t.Context(), spec.Run, errNoFile),
		"logs": b.AppendLogs(t.Context(), spec.Run, []fleet.LogLine{{At: t0, Text: "late"}}), "tick": b.Tick(t.Context()),
	} {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	_, err = b.RunEvents(t.Context(), spec.Run, []app.RunEvent{{ID: "z", Type: "log", Body: map[string]any{"text": "late"}}})
	wantErr(t, "events", err, fleet.CodeRunOver, "")
	if _, wanted, _, err := b.BeginRun(t.Context(), id); wanted || err != nil {
		t.Error("a deleted agent is to run", err)
	}
	if n := b.number(`SELECT COUNT(*) FROM logs WHERE text = 'late'`); n != 0 {
		t.Errorf("%d late lines", n)
	}
	_, err = b.Create(t.Context(), b.operator, app.CreateInput{ID: id})
	wantErr(t, "the id again", err, fleet.CodeConflict, "")
	list, next, err := b.Deletions(t.Context(), b.viewer, app.PageInput{})
	if len(list) != 1 || next != "" || err != nil {
		t.Errorf("%+v %q %v", list, next, err)
	}
	_, err = b.Deletion(t.Context(), b.stranger, d.ID)
	wantErr(t, "another team's certificate", err, fleet.CodeNotFound, "")
	b.countsAreRight()
}

func TestDeleteRefusals(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	ended, protected, paused := b.in(fleet.Ended, "rehearsal"), b.in(fleet.Ended, "rehearsal"), b.in(fleet.Paused, "rehearsal")
	b.ok(second(b.Protect(t.Context(), b.operator, protected, app.ReasonInput{Reason: "evidence"})))
	b.ok(second(b.Protect(t.Context(), b.operator, paused, app.ReasonInput{Reason: "evidence"})))
	wrong := "ann rehearsal"
	for _, c := range []struct {
		what  string
		by    fleet.Actor
		id    fleet.AgentID
		in    app.DeleteInput
		code  fleet.Code
		words string
	}{
		{"not ended", b.deleter, paused, app.DeleteInput{}, fleet.CodeInvalidStatus, "Agent can only be deleted when status is ended"},
		{"protected", b.admin, protected, app.DeleteInput{}, fleet.CodeProtected, "The agent is protected by Ann operate since 2026-01-14: evidence"},
		{"wrong name", b.deleter, ended, app.DeleteInput{ConfirmName: &wrong}, fleet.CodeValidation, "name: does not match the agent's name"},
		{"old facts", b.deleter, ended, app.DeleteInput{IfVersion: 1}, fleet.CodeVersion, "The agent was changed meanwhile: it is at version 2, not 1"},
		{"operator", b.operator, ended, app.DeleteInput{}, fleet.CodeForbidden, "This needs the delete scope; yours is operate"},
		{"hash", b.deleter, ended, app.DeleteInput{ExportSHA256: "AA"}, fleet.CodeValidation, ""},
		{"long reason", b.deleter, ended, app.DeleteInput{Reason: strings.Repeat("x", 1001)}, fleet.CodeValidation, ""},
		{"unknown", b.deleter, "nobody", app.DeleteInput{}, fleet.CodeNotFound, "Agent not found"},
		{"another team", b.stranger, ended, app.DeleteInput{}, fleet.CodeForbidden, "You do not have access to this agent"},
	} {
		_, err := b.Delete(t.Context(), c.by, c.id, c.in)
		wantErr(t, c.what, err, c.code, c.words)
	}
	if n := b.number(`SELECT COUNT(*) FROM agents`); n != 3 {
		t.Errorf("%d agents are left", n)
	}
	for id, want := range map[fleet.AgentID][]string{
		ended: {}, protected: {"The agent is protected by Ann operate since 2026-01-14: evidence"},
		paused: {"The agent is protected by Ann operate since 2026-01-14: evidence", "Agent can only be deleted when status is ended"},
	} {
		p := must[fleet.Preview](t)(b.Preview(t.Context(), b.deleter, id, fleet.MoveDelete))
		if diff := cmp.Diff(want, p.BlockedBy); diff != "" || p.Allowed != (len(want) == 0) {
			t.Errorf("%s", diff)
		}
	}
	_, err := b.Preview(t.Context(), b.viewer, ended, fleet.MovePause)
	wantErr(t, "preview of something else", err, fleet.CodeValidation, "")
}

// Deleted means gone: from the file and its log, within five seconds.
func TestDeletedIsInNoFile(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id := b.create("linkedin")
	const canary = "Canary-41c7"
	name := canary + " name"
	b.ok(second(b.Update(t.Context(), b.operator, id, app.UpdateInput{Name: &name, Tags: &[]string{canary}, Settings: []fleet.Setting{{Key: canary, Value: canary}}})))
	b.ok(second(b.Setup(t.Context(), b.operator, id, app.SetupInput{Login: canary + "@example.com", Password: canary, Country: "FR"})))
	spec := b.begin(id, true)
	b.tell(spec.Run, app.RunEvent{ID: "1", Type: "signed_in"}, app.RunEvent{ID: "2", Type: "log", Body: map[string]any{"text": canary}},
		app.RunEvent{ID: "3", Type: "alert", Body: map[string]any{"message": canary}})
	b.ok(second(b.SendMessage(t.Context(), b.operator, id, app.MessageInput{Text: canary})))
	b.ok(second(b.AddTask(t.Context(), b.operator, id, app.TaskInput{Type: "custom", Payload: []byte(`"` + canary + `"`)})))
	b.ok(second(b.End(t.Context(), b.operator, id, app.ReasonInput{Reason: canary})))
	if !b.holds(canary) {
		t.Fatal("the canary never was in the file")
	}
	began := time.Now()
	b.ok(second(b.Delete(t.Context(), b.deleter, id, app.DeleteInput{})))
	b.eventually("the canary is gone", func() bool { return !b.holds(canary) })
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
}
