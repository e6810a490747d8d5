package app_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"agentry/internal/app"
	"agentry/internal/fleet"
)

func TestCrashLoop(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id, spec := b.running("rehearsal")
	m := must[fleet.Message](t)(b.SendMessage(t.Context(), b.operator, id, app.MessageInput{Text: "hello"}))
	for n := 1; n <= 2; n++ {
		b.effectsOf(func() {
			b.ok(b.RunExited(t.Context(), spec.Run, app.RunExit{Text: "exit 3", Output: []string{"a", "panic: b"}}))
		}).
			want(t, "an exit", effects{Events: []string{"agent.run_changed"}})
		got := b.get(id)
		if got.Status != fleet.Running || got.Runtime.State != fleet.ObservedBackoff || got.Runtime.Failures != n || got.Runtime.Restarts != n ||
			got.Why != fmt.Sprintf("Restarting after exit 3, try %d of 3", n+1) || got.Runtime.Handle != "" {
			t.Errorf("%+v %q", got.Runtime, got.Why)
		}
		most := time.Duration(n) * time.Second // 1 s, 2 s, less up to a quarter
		_, wanted, wait, err := b.BeginRun(t.Context(), id)
		if err != nil || !wanted || wait <= most*3/4-time.Millisecond || wait > most {
			t.Errorf("back-off %d is %s, wanted %v, %v", n, wait, wanted, err)
		}
		_, err = b.RunForToken(t.Context(), spec.Token)
		wantErr(t, "the dead run's token", err, fleet.CodeRunOver, "")
		b.clock.step(wait)
		spec = b.begin(id, true)
	}
	b.effectsOf(func() {
		b.ok(b.RunExited(t.Context(), spec.Run, app.RunExit{Text: "exit 3", Output: []string{"panic: c"}}))
	}).want(t, "giving up", effects{
		Audit: []string{"give_up done supervisor"}, Events: []string{"alert.changed", "agent.status_changed"},
	})
	got := b.get(id)
	if got.Status != fleet.Ended || got.EndReason != fleet.EndCrashLoop || !got.EndedAt.Equal(b.Now()) || got.Runtime.Wanted || got.Runtime.State != fleet.ObservedNone ||
		got.Runtime.LastError != "exit 3, 3 times in 10 min" || got.Why != "Crash loop: exit 3, 3 times in 10 min" ||
		len(got.Alerts) != 1 || got.Alerts[0].SubType != "crash_loop" || got.Alerts[0].Message != "The program keeps ending by itself: exit 3, 3 times in 10 min. Last output: panic: c" {
		t.Errorf("%+v", got)
	}
	if m, err := b.Message(t.Context(), b.viewer, id, m.ID); m.State != fleet.MessageFailed || err != nil {
		t.Errorf("%+v, %v", m, err)
	}
	if _, wanted, _, _ := b.BeginRun(t.Context(), id); wanted {
		t.Error("an ended agent is to run")
	}
	b.countsAreRight()
}

// Failures long ago do not count; a start by a person begins the count anew.
func TestFailuresAreForgotten(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id, spec := b.running("rehearsal")
	for range 5 {
		b.ok(b.RunExited(t.Context(), spec.Run, app.RunExit{Text: "killed"}))
		if got := b.get(id); got.Runtime.Failures != 1 || got.Status != fleet.Running {
			t.Fatalf("%+v", got.Runtime)
		}
		b.clock.step(11 * time.Minute)
		spec = b.begin(id, true)
	}
	b.ok(b.RunExited(t.Context(), spec.Run, app.RunExit{Text: "killed"}))
	b.ok(second(b.Pause(t.Context(), b.operator, id, app.PauseInput{})))
	b.start(id)
	if rt := b.get(id).Runtime; rt.Failures != 0 || rt.Restarts != 0 || rt.LastError != "" || !rt.NextTry.IsZero() {
		t.Errorf("%+v", rt)
	}
}

// A fleet that was up when the server stopped is started again; one try that
// fails is a failure like another, not the end of a person's start.
func TestFailedStartAfterAServerRestart(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id, spec := b.running("rehearsal")
	b.ok(b.RunExited(t.Context(), spec.Run, app.RunExit{Text: "killed", Expected: true}))
	wanted := must[[]fleet.AgentID](t)(b.WantedRuns(t.Context()))
	if len(wanted) != 1 || wanted[0] != id {
		t.Errorf("%q", wanted)
	}
	spec, _, _, err := b.BeginRun(t.Context(), id)
	b.ok(err)
	b.ok(b.RunNotSpawned(t.Context(), spec.Run, errors.New("too many processes")))
	if got := b.get(id); got.Status != fleet.Running || got.Runtime.State != fleet.ObservedBackoff || got.Runtime.LastError != "could not be started" {
		t.Errorf("%s %+v", got.Status, got.Runtime)
	}
}

func TestHandles(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	_, spec := b.running("rehearsal")
	list := must[[]app.RunHandle](t)(b.KnownHandles(t.Context()))
	if len(list) != 1 || list[0].Run != spec.Run || list[0].Handle != "pid:1" || list[0].Driver != "process" {
		t.Errorf("%+v", list)
	}
	b.ok(b.RunExited(t.Context(), spec.Run, app.RunExit{Expected: true}))
	if list := must[[]app.RunHandle](t)(b.KnownHandles(t.Context())); len(list) != 0 {
		t.Errorf("%+v", list)
	}
}

func TestSilenceAndHeardAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id, spec := b.running("rehearsal")
	b.clock.step(time.Minute)
	b.ok(b.Tick(t.Context()))
	if got := b.get(id); got.Runtime.State != fleet.ObservedUp {
		t.Errorf("lost within a minute: %+v", got.Runtime)
	}
	b.clock.step(time.Second)
	b.effectsOf(func() { b.ok(b.Tick(t.Context())) }).want(t, "silence", effects{Events: []string{"agent.run_changed", "alert.changed"}})
	got := b.get(id)
	if got.Status != fleet.Running || got.Runtime.State != fleet.ObservedLost || got.Why != "Not responding: not heard since 10:00 UTC" || len(got.Alerts) != 1 || got.OpenAlerts != 1 {
		t.Errorf("%+v", got)
	}
	b.effectsOf(func() { b.ok(b.Tick(t.Context())) }).want(t, "the next second", effects{})
	b.effectsOf(func() { b.ok(second(b.RunForToken(t.Context(), spec.Token))) }).want(t, "heard again", effects{Events: []string{"alert.changed", "agent.run_changed"}})
	if got := b.get(id); got.Runtime.State != fleet.ObservedUp || len(got.Alerts) != 0 || got.OpenAlerts != 0 || !got.Runtime.LastHeardAt.Equal(b.Now()) {
		t.Errorf("%+v", got)
	}
	b.effectsOf(func() { b.ok(second(b.RunForToken(t.Context(), spec.Token))) }).want(t, "and again", effects{})
	b.countsAreRight()
}

// A start after a long rest is not lost before its program had a chance.
func TestAFreshStartIsNotLost(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id := b.in(fleet.Paused, "rehearsal")
	b.clock.step(24 * time.Hour)
	done := make(chan error, 1)
	wakes := b.runner.count()
	go func() { done <- second(b.Resume(context.Background(), b.operator, id, app.ReasonInput{})) }()
	b.eventually("wake", func() bool { return b.runner.count() > wakes })
	b.ok(b.Tick(t.Context()))
	if got := b.get(id); got.Runtime.State != fleet.ObservedStarting || len(got.Alerts) != 0 {
		t.Errorf("%s, %+v", got.Runtime.State, got.Alerts)
	}
	b.begin(id, true)
	b.ok(<-done)
	// But one whose program never comes is, in the end.
	b.ok(second(b.Pause(t.Context(), b.operator, id, app.PauseInput{})))
	b.runner.set(nil)
	gone, leave := context.WithCancel(t.Context())
	wakes = b.runner.count()
	go func() { done <- second(b.Resume(gone, b.operator, id, app.ReasonInput{})) }()
	b.eventually("wake", func() bool { return b.runner.count() > wakes })
	leave()
	b.ok(<-done)
	b.clock.step(61 * time.Second)
	b.ok(b.Tick(t.Context()))
	if got := b.get(id); got.Runtime.State != fleet.ObservedLost {
		t.Errorf("%s", got.Runtime.State)
	}
}

// Hearing of a run that is stopped at the same moment must not show it as up.
func TestHeardOfAStoppedRun(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	for range 30 {
		id := b.create("rehearsal")
		done := make(chan error, 1)
		wakes := b.runner.count()
		go func() { done <- second(b.Start(context.Background(), b.operator, id, app.StartInput{})) }()
		b.eventually("wake", func() bool { return b.runner.count() > wakes })
		spec := b.begin(id, false)
		heard := make(chan error, 1)
		go func() { heard <- second(b.RunForToken(context.Background(), spec.Token)) }()
		b.ok(second(b.Pause(t.Context(), b.operator, id, app.PauseInput{})))
		b.ok(b.RunExited(t.Context(), spec.Run, app.RunExit{Expected: true}))
		if err := <-heard; err != nil && fleet.CodeOf(err) != fleet.CodeRunOver {
			t.Error(err)
		}
		if err := <-done; err != nil && fleet.CodeOf(err) != fleet.CodeConflict {
			t.Error(err)
		}
		if got := b.get(id); got.Status != fleet.Paused || got.Runtime.State != fleet.ObservedNone {
			t.Fatalf("%s, %s", got.Status, got.Runtime.State)
		}
	}
}

func TestRunSelfAndLogs(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id := b.create("rehearsal")
	b.ok(second(b.Update(t.Context(), b.operator, id, app.UpdateInput{Settings: []fleet.Setting{{Key: "tone", Value: "dry"}, {Key: "n", Value: 1.0}}})))
	done := make(chan error, 1)
	go func() {
		done <- second(b.Start(context.Background(), b.operator, id, app.StartInput{EnableAutonomy: true, Settings: map[string]any{"n": 2.0}}))
	}()
	b.eventually("wanted", func() bool { return b.number(`SELECT COUNT(*) FROM runtimes WHERE wanted = 1`) == 1 })
	spec := b.begin(id, true)
	b.ok(<-done)
	self := must[app.RunSelf](t)(b.RunSelf(t.Context(), spec.Run))
	if !self.EnableAutonomy || self.Settings["tone"] != "dry" || self.Settings["n"] != 2.0 || !self.MayWork || self.Why != "" || self.Agent.ID != id {
		t.Errorf("%+v", self)
	}
	b.clock.step(8 * time.Hour)
	self = must[app.RunSelf](t)(b.RunSelf(t.Context(), spec.Run))
	if self.MayWork || self.Why != "Outside working hours: starts Thu 09:00 UTC, in 15 h" || !self.AskAgainAt.Equal(time.Date(2026, 1, 15, 9, 0, 0, 0, time.UTC)) {
		t.Errorf("%+v", self)
	}
	b.effectsOf(func() {
		b.ok(b.AppendLogs(t.Context(), spec.Run, []fleet.LogLine{{At: t0, Level: "debug", Text: "one"}, {At: t0, Level: "error", Text: "two", Epoch: 9}}))
		b.ok(b.AppendLogs(t.Context(), spec.Run, nil))
	}).want(t, "logs", effects{Events: []string{"log.added"}})
	for level, want := range map[string]int{"": 2, "debug": 2, "info": 1, "warn": 1, "error": 1} {
		list := must[[]fleet.LogLine](t)(b.Logs(t.Context(), b.viewer, id, app.LogInput{Level: level}))
		if len(list) != want || list[len(list)-1].Text != "two" || list[len(list)-1].Epoch != 1 {
			t.Errorf("%q: %+v", level, list)
		}
	}
	all := must[[]fleet.LogLine](t)(b.Logs(t.Context(), b.viewer, id, app.LogInput{}))
	if rest := must[[]fleet.LogLine](t)(b.Logs(t.Context(), b.viewer, id, app.LogInput{After: all[0].ID})); len(rest) != 1 || rest[0].Text != "two" {
		t.Errorf("%+v", rest)
	}
	for _, in := range []app.LogInput{{Level: "loud"}, {After: -1}, {Before: -1}} {
		_, err := b.Logs(t.Context(), b.viewer, id, in)
		wantErr(t, "logs", err, fleet.CodeValidation, "")
	}
}

func TestInboxWaits(t *testing.T) {
	startBench(t, func(t *testing.T, b *bench) {
		id := b.create("rehearsal")
		specs := make(chan app.RunSpec, 1)
		b.act(func(spec app.RunSpec) {
			b.ok(b.RunSpawned(context.Background(), spec.Run, "pid:1"))
			b.ok(second(b.RunForToken(context.Background(), spec.Token)))
			specs <- spec
		})
		b.ok(second(b.Start(t.Context(), b.operator, id, app.StartInput{})))
		spec := <-specs
		b.runner.set(nil)
		began := time.Now()
		if list, err := b.RunInbox(t.Context(), spec.Run, 25*time.Second); len(list) != 0 || err != nil || time.Since(began) != 25*time.Second {
			t.Errorf("%+v, %v after %s", list, err, time.Since(began))
		}
		type answer struct {
			list []fleet.Command
			err  error
		}
		ask := func() chan answer {
			done := make(chan answer, 1)
			go func() {
				list, err := b.RunInbox(context.Background(), spec.Run, time.Hour)
				done <- answer{list, err}
			}()
			time.Sleep(time.Second)
			return done
		}
		began = time.Now()
		done := ask()
		b.ok(second(b.SendMessage(t.Context(), b.operator, id, app.MessageInput{Text: "hello"})))
		if a := <-done; a.err != nil || len(a.list) != 1 || a.list[0].Body["text"] != "hello" || time.Since(began) > 2*time.Second {
			t.Errorf("%+v after %s", a, time.Since(began))
		}
		b.tell(spec.Run, app.RunEvent{ID: "1", Type: "ack", Body: map[string]any{"commandId": must[[]fleet.Command](t)(b.RunInbox(t.Context(), spec.Run, 0))[0].ID}})
		began, done = time.Now(), ask()
		b.ok(second(b.Pause(t.Context(), b.operator, id, app.PauseInput{})))
		a := <-done
		wantErr(t, "the inbox of a paused agent", a.err, fleet.CodeRunOver, "")
		if time.Since(began) > 2*time.Second {
			t.Errorf("a waiting program heard of the pause after %s", time.Since(began))
		}
	})
}

// What a run needs to be set up elsewhere comes with it.
func TestRunSpecSaysWhatWasAskedFor(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id := b.create("rehearsal")
	b.ok(second(b.Update(t.Context(), b.operator, id, app.UpdateInput{Settings: []fleet.Setting{{Key: "system", Value: "own"}, {Key: "model", Value: "small"}}})))
	specs := make(chan app.RunSpec, 1)
	b.runner.set(func(id fleet.AgentID) { specs <- b.begin(id, true) })
	b.ok(second(b.Start(t.Context(), b.operator, id, app.StartInput{Settings: map[string]any{"model": "large"}})))
	b.runner.set(nil)
	spec := <-specs
	if spec.Settings["system"] != "own" || spec.Settings["model"] != "large" || spec.Restart {
		t.Errorf("the first run: %+v", spec)
	}
	b.ok(b.RunExited(t.Context(), spec.Run, app.RunExit{Text: "exit 1"}))
	b.clock.step(time.Minute)
	if again := b.begin(id, true); !again.Restart || again.Settings["model"] != "large" {
		t.Errorf("the run after it: %+v", again)
	}
}

func TestUnwantedRuns(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	up, _ := b.running("rehearsal")
	down, _ := b.running("rehearsal")
	b.ok(second(b.Pause(t.Context(), b.operator, down, app.PauseInput{})))
	got := must[[]fleet.AgentID](t)(b.UnwantedRuns(t.Context(), []fleet.AgentID{up, down, "0190aaaa-bbbb-7ccc-8ddd-eeeeeeeeeeee"}))
	if len(got) != 1 || got[0] != down {
		t.Errorf("%v", got)
	}
}
