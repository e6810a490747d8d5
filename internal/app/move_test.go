package app_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"agentry/internal/app"
	"agentry/internal/fleet"
)

func TestCreate(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	var v app.AgentView
	zone, most := "Europe/Paris", 30
	b.effectsOf(func() {
		v = must[app.AgentView](t)(b.Create(t.Context(), b.operator, app.CreateInput{
			Name: " Ann ", Kind: "linkedin", Country: "fr", Tags: []string{"a", "a"}, Hours: &fleet.HoursChange{Timezone: &zone},
			Limits: &fleet.LimitsChange{MessagesMax: &most}, Settings: []fleet.Setting{{Key: "x", Value: true}},
		}))
	}).want(t, "create", effects{Audit: []string{"create done user operate"}, Events: []string{"agent.created"}})
	got := b.get(v.ID)
	if diff := cmp.Diff(v, got); diff != "" {
		t.Errorf("created and read differ:\n%s", diff)
	}
	if got.Name != "Ann" || got.Country != "FR" || got.Hours.Timezone != zone || got.Limits.MessagesMax != 30 || got.Settings["x"] != true ||
		got.Status != fleet.SetupNeeded || got.Incarnation != 1 || got.Version != 1 || len(got.Tags) != 1 || !got.CreatedAt.Equal(t0) || got.IsSetUp ||
		got.Why != "Not set up yet" || got.Runtime.State != fleet.ObservedNone {
		t.Errorf("%+v", got)
	}
	plain := must[app.AgentView](t)(b.Create(t.Context(), b.operator, app.CreateInput{}))
	if plain.Kind != "rehearsal" || len(plain.Name) != len("Agent 123456") || plain.Hours != fleet.DefaultHours() {
		t.Errorf("an empty body makes %+v", plain)
	}
	chosen := must[app.AgentView](t)(b.Create(t.Context(), b.operator, app.CreateInput{ID: "ABCDEF01-2345-6789-abcd-ef0123456789"}))
	if chosen.ID != "abcdef01-2345-6789-abcd-ef0123456789" {
		t.Error(chosen.ID)
	}
	for what, c := range map[string]struct {
		in   app.CreateInput
		code fleet.Code
	}{
		"kind": {app.CreateInput{Kind: "sh"}, fleet.CodeValidation}, "name": {app.CreateInput{Name: "a\x00"}, fleet.CodeValidation},
		"blank name": {app.CreateInput{Name: "  "}, fleet.CodeValidation}, "id": {app.CreateInput{ID: "agent_1"}, fleet.CodeValidation},
		"taken id": {app.CreateInput{ID: chosen.ID}, fleet.CodeConflict}, "country": {app.CreateInput{Country: "France"}, fleet.CodeValidation},
		"tags": {app.CreateInput{Tags: []string{"a,b"}}, fleet.CodeValidation}, "setting": {app.CreateInput{Settings: []fleet.Setting{{Key: "skipInNetwork", Value: 1}}}, fleet.CodeValidation},
	} {
		_, err := b.Create(t.Context(), b.operator, c.in)
		wantErr(t, what, err, c.code, "")
	}
	b.countsAreRight()
}

func TestUpdate(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id, spec := b.running("rehearsal")
	before := b.get(id)
	b.clock.step(time.Minute)
	name, avatar, tags := "New", "https://example.com/a.png", []string{"x"}
	for range 2 {
		b.effectsOf(func() {
			_, err := b.Update(t.Context(), b.operator, id, app.UpdateInput{Name: &name, Avatar: &avatar, Tags: &tags, Settings: []fleet.Setting{{Key: "k", Value: "v"}}})
			b.ok(err)
		}).want(t, "update", effects{Audit: []string{"update done user operate"}, Events: []string{"agent.updated"}, Wakes: 1})
	}
	got := b.get(id)
	if got.Name != name || got.Avatar != avatar || got.Tags[0] != "x" || got.Settings["k"] != "v" || got.Version != before.Version+2 || !got.UpdatedAt.Equal(b.Now()) ||
		got.Status != fleet.Running || got.Hours != before.Hours {
		t.Errorf("%+v", got)
	}
	list := must[[]fleet.Command](t)(b.RunInbox(t.Context(), spec.Run, 0))
	if len(list) != 1 || list[0].Type != fleet.CommandSettingsChanged {
		t.Errorf("the program is told %+v", list)
	}
	if page := must[app.Page](t)(b.Agents(t.Context(), b.viewer, app.ListInput{Tag: "x"})); len(page.Agents) != 1 || page.Total != 1 {
		t.Errorf("%+v", page)
	}
	_, err := b.Update(t.Context(), b.operator, id, app.UpdateInput{Name: &name, IfVersion: before.Version})
	wantErr(t, "stale", err, fleet.CodeVersion, "")
	bad := "http://x"
	_, err = b.Update(t.Context(), b.operator, id, app.UpdateInput{Avatar: &bad})
	wantErr(t, "avatar", err, fleet.CodeValidation, "")
	if b.get(id).Version != got.Version {
		t.Error("a refused update changed the agent")
	}
}

func TestPauseAndAutomaticResume(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id, spec := b.running("rehearsal")
	until := t0.Add(time.Hour)
	b.effectsOf(func() {
		b.ok(second(b.Pause(t.Context(), b.operator, id, app.PauseInput{Note: "lunch", Until: until})))
	}).want(t, "pause", effects{Audit: []string{"pause done user operate"}, Events: []string{"agent.status_changed"}, Wakes: 1})
	got := b.get(id)
	if got.Status != fleet.Paused || got.PauseNote != "lunch" || got.PausedBy != "Ann operate" || !got.ResumeAt.Equal(until) || got.Runtime.Wanted ||
		got.Runtime.State != fleet.ObservedStopping || got.Why != "Paused by Ann operate: lunch; resumes 11:00 UTC" {
		t.Errorf("%+v", got)
	}
	_, err := b.RunForToken(t.Context(), spec.Token)
	wantErr(t, "token of a paused agent", err, fleet.CodeRunOver, "")
	b.ok(b.RunStopping(t.Context(), spec.Run))
	b.ok(b.RunExited(t.Context(), spec.Run, app.RunExit{Text: "exit 0", Expected: true}))
	if state := b.get(id).Runtime.State; state != fleet.ObservedNone {
		t.Errorf("a stopped program is %s", state)
	}
	b.clock.step(time.Hour - time.Second)
	b.effectsOf(func() { b.ok(b.Tick(t.Context())) }).want(t, "a second too early", effects{})
	b.clock.step(time.Second)
	b.effectsOf(func() { b.ok(b.Tick(t.Context())) }).want(t, "automatic resume",
		effects{Audit: []string{"resume done clock"}, Events: []string{"agent.status_changed"}, Wakes: 1})
	got = b.get(id)
	if got.Status != fleet.Running || got.PauseNote != "" || got.PausedBy != "" || !got.ResumeAt.IsZero() || !got.Runtime.EnableAutonomy {
		t.Errorf("%+v", got)
	}
	b.effectsOf(func() { b.ok(b.Tick(t.Context())) }).want(t, "the next second", effects{})
	if next := b.begin(id, true); next.Run.Epoch != spec.Run.Epoch+1 {
		t.Errorf("epoch %d", next.Run.Epoch)
	}
	b.countsAreRight()
}

func second[T any](_ T, err error) error { return err }

func TestAutomaticResumeThatCannotBe(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id, _ := b.running("rehearsal")
	b.ok(second(b.Pause(t.Context(), b.operator, id, app.PauseInput{Until: t0.Add(time.Minute)})))
	delete(b.config.Kinds, "rehearsal")
	b.clock.step(time.Hour)
	b.ok(b.Tick(t.Context()))
	got := b.get(id)
	if got.Status != fleet.Paused || !got.ResumeAt.IsZero() || len(got.Alerts) != 1 || got.Alerts[0].SubType != "start_failed" {
		t.Errorf("%+v", got)
	}
	b.effectsOf(func() { b.ok(b.Tick(t.Context())) }).want(t, "the next second", effects{})
}

func TestEndDisableEnableProtect(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id, spec := b.running("linkedin")
	status := []string{"agent.status_changed"}
	for _, c := range []struct {
		name  string
		act   func() (fleet.Agent, error)
		want  fleet.Status
		check func(a app.AgentView) bool
		eff   effects
	}{
		{"protect", func() (fleet.Agent, error) {
			return b.Protect(t.Context(), b.operator, id, app.ReasonInput{Reason: "mine"})
		}, fleet.Running,
			func(a app.AgentView) bool {
				return a.Protected != nil && a.Protected.By == "Ann operate" && a.Protected.Reason == "mine" && a.Protected.At.Equal(t0)
			},
			effects{Audit: []string{"protect done user operate"}, Events: []string{"agent.updated"}, Wakes: 1}},
		{"unprotect", func() (fleet.Agent, error) {
			return b.Unprotect(t.Context(), b.admin, id, app.ReasonInput{Reason: "over"})
		}, fleet.Running,
			func(a app.AgentView) bool { return a.Protected == nil }, effects{Audit: []string{"unprotect done user admin"}, Events: []string{"agent.updated"}, Wakes: 1}},
		{"disable", func() (fleet.Agent, error) {
			return b.Disable(t.Context(), b.admin, id, app.ReasonInput{Reason: "audit"})
		}, fleet.Disabled,
			func(a app.AgentView) bool {
				return !a.Runtime.Wanted && a.Runtime.State == fleet.ObservedStopping && a.Why == "Disabled by an admin since 10:00 UTC"
			},
			effects{Audit: []string{"disable done user admin"}, Events: status, Wakes: 1}},
		{"enable", func() (fleet.Agent, error) { return b.Enable(t.Context(), b.admin, id, app.ReasonInput{}) }, fleet.Paused,
			func(a app.AgentView) bool { return !a.Runtime.Wanted }, effects{Audit: []string{"enable done user admin"}, Events: status, Wakes: 1}},
		{"end", func() (fleet.Agent, error) {
			return b.End(t.Context(), b.operator, id, app.ReasonInput{Reason: "moved on"})
		}, fleet.Ended,
			func(a app.AgentView) bool {
				return a.EndReason == "moved on" && a.EndedAt.Equal(t0) && a.Why == "Ended: moved on"
			},
			effects{Audit: []string{"end done user operate"}, Events: status, Wakes: 1}},
	} {
		version := b.get(id).Version
		b.effectsOf(func() {
			a, err := c.act()
			b.ok(err)
			if a.Status != c.want || a.Version != version+1 {
				t.Errorf("%s answers %s, version %d", c.name, a.Status, a.Version)
			}
		}).want(t, c.name, c.eff)
		if got := b.get(id); got.Status != c.want || !c.check(got) {
			t.Errorf("%s: %+v", c.name, got)
		}
		b.countsAreRight()
	}
	if _, err := b.RunEvents(t.Context(), spec.Run, nil); fleet.CodeOf(err) != fleet.CodeRunOver {
		t.Error(err)
	}
	_, err := b.Protect(t.Context(), b.operator, id, app.ReasonInput{})
	wantErr(t, "protect without a reason", err, fleet.CodeValidation, "")
	if notes := b.column(`SELECT text FROM audit_notes WHERE agent_id = ? ORDER BY audit_id`, id); cmp.Diff([]string{"mine", "over", "audit", "moved on"}, notes) != "" {
		t.Errorf("notes %q", notes)
	}
	if leaked := b.number(`SELECT COUNT(*) FROM audit WHERE detail LIKE '%moved on%' OR detail LIKE '%mine%' OR detail LIKE '%Ann%'`); leaked != 0 {
		t.Errorf("%d audit entries hold texts of people", leaked)
	}
}

// An agent that ran is paused after a block, whatever its kind asks for.
func TestEnableOfAnAgentThatRan(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	ran, never := b.create("rehearsal"), b.create("rehearsal")
	b.start(ran)
	for id, want := range map[fleet.AgentID]fleet.Status{ran: fleet.Paused, never: fleet.SetupNeeded} {
		b.ok(second(b.Disable(t.Context(), b.admin, id, app.ReasonInput{})))
		if a := must[fleet.Agent](t)(b.Enable(t.Context(), b.admin, id, app.ReasonInput{})); a.Status != want {
			t.Errorf("%s, want %s", a.Status, want)
		}
	}
}

func TestHostSwitchesActionsOff(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(c *app.Config) { c.Disable = []string{"delete", "create", "resume"} })
	_, err := b.Create(t.Context(), b.admin, app.CreateInput{})
	wantErr(t, "create", err, fleet.CodeForbidden, "The host of this server has switched create off")
	_, err = b.Delete(t.Context(), b.admin, "x", app.DeleteInput{})
	wantErr(t, "delete", err, fleet.CodeForbidden, "The host of this server has switched delete off")
	if got := b.column(`SELECT action || ' ' || outcome FROM audit`); cmp.Diff([]string{"create forbidden", "delete forbidden"}, got) != "" {
		t.Errorf("%q", got)
	}
}

// startBench runs f in a bubble of its own time.
func startBench(t *testing.T, f func(t *testing.T, b *bench)) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, func(c *app.Config) { c.Now, c.Elapsed = nil, nil })
		f(t, b)
	})
}

// act has the runner do f with each run it is woken for.
func (b *bench) act(f func(spec app.RunSpec)) {
	b.runner.set(func(id fleet.AgentID) {
		spec, wanted, wait, err := b.BeginRun(context.Background(), id)
		if err != nil {
			b.t.Error(err)
		}
		if wanted && wait == 0 {
			f(spec)
		}
	})
}

func TestStartWaitsForTheProgram(t *testing.T) {
	for _, c := range []struct {
		name string
		act  func(b *bench, spec app.RunSpec)
		took time.Duration
	}{
		{"hello after 2 s", func(b *bench, spec app.RunSpec) {
			b.ok(b.RunSpawned(context.Background(), spec.Run, "pid:1"))
			time.Sleep(2 * time.Second)
			b.ok(second(b.RunForToken(context.Background(), spec.Token)))
		}, 2 * time.Second},
		{"silent, but lives for 3 s", func(b *bench, spec app.RunSpec) {
			b.ok(b.RunSpawned(context.Background(), spec.Run, "pid:1"))
		}, 3 * time.Second},
		{"nothing happens", func(*bench, app.RunSpec) {}, 10 * time.Second},
		{"exits at once", func(b *bench, spec app.RunSpec) {
			b.ok(b.RunSpawned(context.Background(), spec.Run, "pid:1"))
			b.ok(b.RunExited(context.Background(), spec.Run, app.RunExit{Text: "exit 1"}))
		}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			startBench(t, func(t *testing.T, b *bench) {
				id := b.create("rehearsal")
				b.act(func(spec app.RunSpec) { c.act(b, spec) })
				began := time.Now()
				a, err := b.Start(t.Context(), b.operator, id, app.StartInput{Settings: map[string]any{"temperature": 0.5}})
				if took := time.Since(began); err != nil || a.Status != fleet.Running || took.Round(100*time.Millisecond) != c.took {
					t.Errorf("%s after %s, %v; want %s", a.Status, took, err, c.took)
				}
				if got := b.get(id); got.Status != fleet.Running || got.Runtime.Settings["temperature"] != 0.5 || got.Runtime.EnableAutonomy {
					t.Errorf("%+v", got)
				}
				_, err = b.Start(t.Context(), b.operator, id, app.StartInput{})
				wantErr(t, "again", err, fleet.CodeInvalidStatus, "Agent is already running")
			})
		})
	}
}

// A start that could not be is taken back: the agent is where it was.
func TestStartFailure(t *testing.T) {
	startBench(t, func(t *testing.T, b *bench) {
		id := b.create("rehearsal")
		fail := func(spec app.RunSpec) {
			time.Sleep(time.Second)
			b.ok(b.RunNotSpawned(context.Background(), spec.Run, errors.New("no such file")))
		}
		b.act(fail)
		var err error
		b.effectsOf(func() { _, err = b.Start(t.Context(), b.operator, id, app.StartInput{}); synctest.Wait() }).want(t, "failed start", effects{
			Audit:  []string{"start done user operate", "start_failed done supervisor"},
			Events: []string{"agent.status_changed", "agent.run_changed", "alert.changed", "agent.status_changed"}, Wakes: 1,
		})
		wantErr(t, "start", err, fleet.CodeStartFailed, "Failed to start agent runtime")
		got := b.get(id)
		if got.Status != fleet.SetupNeeded || got.Runtime.Wanted || got.Runtime.State != fleet.ObservedNone || len(got.Alerts) != 1 ||
			got.Alerts[0].SubType != "start_failed" || got.Alerts[0].Message != "The program could not be started: no such file" || got.OpenAlerts != 1 {
			t.Errorf("%+v", got)
		}
		b.act(func(spec app.RunSpec) { b.ok(b.RunSpawned(context.Background(), spec.Run, "pid:1")) })
		b.ok(second(b.Start(t.Context(), b.operator, id, app.StartInput{})))
		b.ok(second(b.Pause(t.Context(), b.operator, id, app.PauseInput{})))
		synctest.Wait()
		b.act(fail)
		_, err = b.Resume(t.Context(), b.operator, id, app.ReasonInput{})
		wantErr(t, "resume", err, fleet.CodeStartFailed, "Failed to start agent runtime")
		if got := b.get(id); got.Status != fleet.Paused || got.Alerts[0].Count != 2 {
			t.Errorf("a paused agent whose start failed is %s, %+v", got.Status, got.Alerts)
		}
		b.countsAreRight()
	})
}

func TestPauseWhileAStartWaits(t *testing.T) {
	startBench(t, func(t *testing.T, b *bench) {
		id := b.create("rehearsal")
		b.act(func(spec app.RunSpec) {
			b.ok(second(b.Pause(context.Background(), b.operator, id, app.PauseInput{})))
			b.ok(b.RunSpawned(context.Background(), spec.Run, "pid:1")) // the driver was on its way
		})
		began := time.Now()
		a, err := b.Start(t.Context(), b.operator, id, app.StartInput{})
		if fleet.CodeOf(err) != fleet.CodeConflict || a.Status != fleet.Paused || time.Since(began) > 3*time.Second {
			t.Errorf("%s after %s, %v", a.Status, time.Since(began), err)
		}
		synctest.Wait()
		if got := b.get(id); got.Runtime.Wanted || got.Runtime.Handle != "pid:1" {
			t.Errorf("%+v", got.Runtime)
		}
		if wanted := must[bool](t)(b.RunWanted(t.Context(), fleet.Run{AgentID: id, Epoch: 1})); wanted {
			t.Error("the run may go on")
		}
	})
}

// A failure of an older try is not the failure of the newer start.
func TestStartDuringAFailingStart(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id, old := b.running("rehearsal")
	b.ok(second(b.Pause(t.Context(), b.operator, id, app.PauseInput{})))
	b.ok(b.RunExited(t.Context(), old.Run, app.RunExit{Expected: true}))
	// The supervisor is starting epoch 2 while the agent is paused and started again.
	resume := func() chan error {
		done := make(chan error, 1)
		wakes := b.runner.count()
		go func() { done <- second(b.Resume(context.Background(), b.operator, id, app.ReasonInput{})) }()
		b.eventually("wake", func() bool { return b.runner.count() > wakes })
		return done
	}
	first := resume()
	spec, _, _, err := b.BeginRun(t.Context(), id)
	b.ok(err)
	b.ok(second(b.Pause(t.Context(), b.operator, id, app.PauseInput{})))
	again := resume()
	b.ok(b.RunNotSpawned(t.Context(), spec.Run, errors.New("late")))
	if got := b.get(id); got.Status != fleet.Running || len(got.Alerts) != 0 {
		t.Errorf("the new start was taken back: %s %+v", got.Status, got.Alerts)
	}
	if next := b.begin(id, true); next.Run.Epoch != 3 {
		t.Errorf("epoch %d", next.Run.Epoch)
	}
	// The first may have seen the pause, or only what came of it.
	if err := <-first; err != nil {
		wantErr(t, "the first start", err, fleet.CodeConflict, "The start was overtaken: the agent is paused now")
	}
	b.ok(<-again)
}

func TestStartOfAKindThatIsGone(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id := b.create("rehearsal")
	delete(b.config.Kinds, "rehearsal")
	_, err := b.Start(t.Context(), b.operator, id, app.StartInput{})
	wantErr(t, "start", err, fleet.CodeStartFailed, "Failed to start agent runtime")
	if got := b.get(id); got.Status != fleet.SetupNeeded {
		t.Error(got.Status)
	}
}
