package app_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"agentry/internal/app"
	"agentry/internal/fleet"
)

func (b *bench) statuses(ids ...fleet.AgentID) (list []fleet.Status) {
	b.t.Helper()
	for _, id := range ids {
		list = append(list, b.get(id).Status)
	}
	return list
}

// running to many: n agents that are wanted to run, without a program.
func (b *bench) many(n int) (ids []fleet.AgentID) {
	b.t.Helper()
	b.fill(n, fleet.Running)
	for i := range n {
		ids = append(ids, idOf(int64(i)))
	}
	return ids
}

func TestTeamPauseIsRemembered(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	ran, spec := b.running("rehearsal")
	paused, ended, fresh := b.in(fleet.Paused, "rehearsal"), b.in(fleet.Ended, "rehearsal"), b.create("rehearsal")
	theirs := must[app.AgentView](t)(b.Create(t.Context(), b.stranger, app.CreateInput{})).ID
	b.add(ran, "message", 1)
	b.clock.step(time.Minute)
	b.effectsOf(func() {
		s := must[app.TeamState](t)(b.PauseTeam(t.Context(), b.admin, "holidays"))
		if s.Paused != 1 || s.Running != 0 || s.Pause == nil || s.Pause.By != "Ann admin" || s.Pause.Note != "holidays" || !s.Pause.At.Equal(b.Now()) {
			t.Errorf("%+v %+v", s, s.Pause)
		}
	}).want(t, "team pause", effects{
		Audit:  []string{"team.pause done user admin", "pause done team pause"},
		Events: []string{"team.changed", "agent.status_changed"}, Wakes: 1,
	})
	const why = "The team is paused by Ann admin: holidays"
	if v := b.get(ran); v.Status != fleet.Paused || !v.TeamPaused || v.Why != why || v.Runtime.Wanted || v.Runtime.State != fleet.ObservedStopping || !v.NextTask.IsZero() {
		t.Errorf("%+v", v)
	}
	_, _, _, err := b.ClaimTasks(t.Context(), spec.Run, 1)
	wantErr(t, "a claim", err, fleet.CodeRunOver, "")
	for what, call := range map[string]func() error{
		"start":                           func() error { return second(b.Start(t.Context(), b.operator, fresh, app.StartInput{})) },
		"resume":                          func() error { return second(b.Resume(t.Context(), b.operator, paused, app.ReasonInput{})) },
		"resume one that the team paused": func() error { return second(b.Resume(t.Context(), b.operator, ran, app.ReasonInput{})) },
	} {
		wantErr(t, what, call(), fleet.CodeConflict, why+". Resume the team first")
	}
	wantErr(t, "start an ended one", second(b.Start(t.Context(), b.operator, ended, app.StartInput{})), fleet.CodeInvalidStatus, "Agent cannot be started when status is ended")
	wantErr(t, "pause again", second(b.PauseTeam(t.Context(), b.admin, "x")), fleet.CodeConflict, why+", since 14 Jan 10:01 UTC")
	if s := must[app.TeamState](t)(b.Team(t.Context(), b.stranger)); s.Pause != nil || b.column(`SELECT status FROM agents WHERE id = ?`, theirs)[0] != "setup_needed" {
		t.Errorf("another team: %+v", s)
	}
	b.clock.step(time.Minute)
	b.effectsOf(func() {
		if s := must[app.TeamState](t)(b.ResumeTeam(t.Context(), b.admin)); s.Pause != nil || s.Paused != 0 || s.Running != 1 {
			t.Errorf("%+v", s)
		}
	}).want(t, "team resume", effects{
		Audit:  []string{"team.resume done user admin", "resume done team pause"},
		Events: []string{"team.changed", "agent.status_changed"}, Wakes: 1,
	})
	if got := b.statuses(ran, paused, ended, fresh); !slices.Equal(got, []fleet.Status{fleet.Running, fleet.Paused, fleet.Ended, fleet.SetupNeeded}) {
		t.Error(got)
	}
	if v := b.get(ran); v.TeamPaused || !v.Runtime.Wanted || !v.Runtime.EnableAutonomy || v.Why != "" {
		t.Errorf("%+v", v)
	}
	b.begin(ran, true)
	wantErr(t, "resume again", second(b.ResumeTeam(t.Context(), b.admin)), fleet.CodeConflict, "The team is not paused")
	b.countsAreRight()
}

// What people do during the pause holds after it.
func TestTeamResumeGivesBackOnlyWhatThePauseTook(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	var ids []fleet.AgentID
	for range 6 {
		id, _ := b.running("rehearsal")
		ids = append(ids, id)
	}
	b.ok(second(b.Pause(t.Context(), b.operator, ids[0], app.PauseInput{Note: "before"})))
	b.ok(second(b.PauseTeam(t.Context(), b.admin, "")))
	b.ok(second(b.Pause(t.Context(), b.operator, ids[1], app.PauseInput{Note: "mine"})))
	if v := b.get(ids[1]); v.TeamPaused || v.Why != "Paused by Ann operate: mine" {
		t.Errorf("%+v", v)
	}
	wantErr(t, "paused twice", second(b.Pause(t.Context(), b.operator, ids[1], app.PauseInput{})), fleet.CodeInvalidStatus, "Agent can only be paused when status is running")
	b.ok(second(b.End(t.Context(), b.operator, ids[2], app.ReasonInput{})))
	b.ok(second(b.Disable(t.Context(), b.admin, ids[3], app.ReasonInput{})))
	b.ok(second(b.Disable(t.Context(), b.admin, ids[4], app.ReasonInput{})))
	b.ok(second(b.Enable(t.Context(), b.admin, ids[4], app.ReasonInput{})))
	b.ok(b.Tick(t.Context()))
	b.ok(second(b.ResumeTeam(t.Context(), b.admin)))
	b.ok(b.Tick(t.Context()))
	want := []fleet.Status{fleet.Paused, fleet.Paused, fleet.Ended, fleet.Disabled, fleet.Paused, fleet.Running}
	if got := b.statuses(ids...); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	b.countsAreRight()
}

// A sign-in that finishes during the pause, and a pause that ends by itself.
func TestWhatFallsIntoATeamPause(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	signing := b.create("linkedin")
	b.ok(second(b.Setup(t.Context(), b.operator, signing, app.SetupInput{Login: "me@example.com", Password: "hunter22 secret", Country: "FR"})))
	spec := b.begin(signing, true)
	napping, napped := b.running("rehearsal")
	b.ok(second(b.Pause(t.Context(), b.operator, napping, app.PauseInput{Until: t0.Add(time.Hour)})))
	b.ok(second(b.PauseTeam(t.Context(), b.admin, "stop")))
	if s := b.get(signing); s.Status != fleet.AuthInProgress || s.Why != "Signing in since 10:00 UTC" {
		t.Errorf("%+v", s)
	}
	b.tell(spec.Run, app.RunEvent{ID: "in", Type: "signed_in"})
	b.add(signing, "message", 1)
	if got, why, again := b.claim(spec.Run, 1); len(got) != 0 || why != "The team is paused by Ann admin: stop" || !again.IsZero() {
		t.Errorf("%v %q %s", got, why, again)
	}
	b.effectsOf(func() { b.ok(b.Tick(t.Context())) }).want(t, "tick", effects{
		Audit: []string{"pause done team pause"}, Events: []string{"agent.status_changed"}, Wakes: 1,
	})
	for _, run := range []fleet.Run{spec.Run, napped.Run} {
		b.ok(b.RunExited(t.Context(), run, app.RunExit{Text: "exit 0", Expected: true}))
	}
	b.clock.step(2 * time.Hour)
	b.effectsOf(func() { b.ok(b.Tick(t.Context())) }).want(t, "a resume that is due in the pause", effects{})
	if v := b.get(napping); v.Why != "Paused by Ann operate; resumes with the team" {
		t.Error(v.Why)
	}
	b.ok(second(b.ResumeTeam(t.Context(), b.admin)))
	if got := b.statuses(signing, napping); !slices.Equal(got, []fleet.Status{fleet.Running, fleet.Paused}) {
		t.Error(got)
	}
	b.ok(b.Tick(t.Context()))
	if got := b.statuses(signing, napping); !slices.Equal(got, []fleet.Status{fleet.Running, fleet.Running}) {
		t.Error(got)
	}
	b.begin(signing, true)
	b.countsAreRight()
}

// Large teams are paused in steps; the gate is shut at once, and a server that
// starts in the middle goes on.
func TestTeamPauseInSteps(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	ids := b.many(730)
	count := func(s fleet.Status) int64 {
		return b.number(`SELECT COUNT(*) FROM agents WHERE team_id = ? AND status = ?`, b.team, s)
	}
	if s := must[app.TeamState](t)(b.PauseTeam(t.Context(), b.admin, "")); s.Paused != 100 || s.Running != 630 {
		t.Errorf("%+v", s)
	}
	page := must[app.Page](t)(b.Agents(t.Context(), b.viewer, app.ListInput{Status: []fleet.Status{fleet.Running}, Limit: 200}))
	for _, v := range page.Agents {
		if v.Why != "The team is paused by Ann admin" || !v.NextTask.IsZero() || !v.Usage.NextMessage.IsZero() {
			t.Fatalf("%+v", v)
		}
	}
	// A restart: another App over the same file.
	b.App = app.New(b.config)
	b.SetRunner(b.runner)
	b.ok(b.Tick(t.Context()))
	if got := count(fleet.Paused); got != 600 {
		t.Errorf("%d are paused", got)
	}
	// Resumed before all were paused: those never paused just go on.
	if s := must[app.TeamState](t)(b.ResumeTeam(t.Context(), b.admin)); s.Paused != 500 || s.Running != 230 {
		t.Errorf("%+v", s)
	}
	if v := b.get(b.oneOf(`SELECT id FROM agents WHERE team_paused = 1`)); v.Why != "The team works again; the agent resumes with it" {
		t.Error(v.Why)
	}
	b.ok(second(b.PauseTeam(t.Context(), b.admin, "again")))
	for range 2 {
		b.ok(b.Tick(t.Context()))
	}
	if got := b.number(`SELECT COUNT(*) FROM agents WHERE team_paused = 1 AND status = 'paused'`); got != 730 {
		t.Errorf("%d are paused by the team", got)
	}
	b.App = app.New(b.config)
	b.SetRunner(b.runner)
	b.ok(second(b.ResumeTeam(t.Context(), b.admin)))
	for range 2 {
		b.ok(b.Tick(t.Context()))
	}
	if got := count(fleet.Running); got != int64(len(ids)) || b.number(`SELECT COUNT(*) FROM agents WHERE team_paused = 1`) != 0 {
		t.Errorf("%d run", got)
	}
	b.effectsOf(func() { b.ok(b.Tick(t.Context())) }).want(t, "nothing left to do", effects{})
	b.countsAreRight()
}

func (b *bench) oneOf(query string) fleet.AgentID { return fleet.AgentID(b.column(query)[0]) }

// An agent whose kind is gone cannot run; it stays paused and says why, and
// does not hold up the others.
func TestTeamResumeWithoutTheKind(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	lame, _ := b.running("rehearsal")
	well, _ := b.running("linkedin")
	b.ok(second(b.PauseTeam(t.Context(), b.admin, "")))
	config := b.config
	config.Kinds = map[string]fleet.Kind{"linkedin": testKinds()["linkedin"]}
	b.App = app.New(config)
	b.SetRunner(b.runner)
	b.ok(second(b.ResumeTeam(t.Context(), b.admin)))
	if got := b.statuses(lame, well); fmt.Sprint(got) != "[paused running]" || b.get(lame).TeamPaused || len(b.get(lame).Alerts) != 1 {
		t.Errorf("%v %+v", got, b.get(lame).Alerts)
	}
	b.effectsOf(func() { b.ok(b.Tick(t.Context())) }).want(t, "it is not tried again", effects{})
}
