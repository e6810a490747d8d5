package app_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"agentry/internal/app"
	"agentry/internal/fleet"
)

// Three exits end the agent when they lie within ten minutes, wherever those
// begin.
func TestTheWindowOfExitsSlides(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		at    []int // seconds
		ended bool
	}{
		{[]int{0, 300, 660, 1020}, false}, {[]int{0, 540, 660, 720}, true}, {[]int{0, 10, 20}, true}, {[]int{0, 590, 600}, true}, {[]int{0, 592, 601}, false},
	} {
		b := newBench(t, nil)
		id, spec := b.running("rehearsal")
		for i, at := range c.at {
			if i > 0 {
				b.clock.step(time.Duration(at-c.at[i-1]) * time.Second)
				spec = b.begin(id, true)
			}
			b.ok(b.RunExited(t.Context(), spec.Run, app.RunExit{Text: "exit 1"}))
			if ended := b.get(id).Status == fleet.Ended; ended != (c.ended && i == len(c.at)-1) {
				t.Errorf("%v: ended %v at %d", c.at, ended, at)
			}
		}
	}
}

func TestAStableRunResetsTheBackOff(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id, spec := b.running("rehearsal")
	b.ok(b.RunExited(t.Context(), spec.Run, app.RunExit{Text: "exit 1"}))
	b.clock.step(time.Second)
	spec = b.begin(id, true)
	b.clock.step(time.Minute)
	b.ok(b.RunExited(t.Context(), spec.Run, app.RunExit{Text: "exit 1"}))
	rt := b.get(id).Runtime
	if wait := rt.NextTry.Sub(b.Now()); rt.Failures != 1 || rt.Restarts != 2 || wait > time.Second {
		t.Errorf("%+v, wait %s", rt, wait)
	}
	// It counts for giving up all the same.
	b.clock.step(time.Second)
	b.ok(b.RunExited(t.Context(), b.begin(id, true).Run, app.RunExit{Text: "exit 1"}))
	if got := b.get(id); got.Status != fleet.Ended || got.Runtime.LastError != "exit 1, 3 times in 10 min" {
		t.Errorf("%s %+v", got.Status, got.Runtime)
	}
}

func TestLastOutputIsKept(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id, spec := b.running("rehearsal")
	var lines []string
	for i := range 30 {
		lines = append(lines, fmt.Sprint("line ", i))
	}
	output := func() []string { return must[[]string](t)(b.LastOutput(t.Context(), b.viewer, id)) }
	if got := output(); len(got) != 0 {
		t.Errorf("%q", got)
	}
	for range 3 {
		b.ok(b.RunExited(t.Context(), spec.Run, app.RunExit{Text: "exit 1", Output: lines}))
		if got := output(); !slices.Equal(got, lines[10:]) {
			t.Errorf("%q", got)
		}
		if b.get(id).Status == fleet.Running {
			b.clock.step(8 * time.Second)
			spec = b.begin(id, true)
		}
	}
	b.ok(second(b.Relaunch(t.Context(), b.operator, id, app.ReasonInput{})))
	if got := output(); len(got) != 0 || b.get(id).Runtime.LastError != "" {
		t.Errorf("after the relaunch: %q", got)
	}
}

// A program that is there but never says a word is no running agent: it is
// lost after a minute, ended after two, and given up by the same rule as one
// that crashes.
func TestAProgramThatNeverSaysHello(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(c *app.Config) {
		kind := c.Kinds["rehearsal"]
		kind.Restart.Within = time.Minute // less than one try takes
		c.Kinds["rehearsal"] = kind
	})
	id := b.create("rehearsal")
	b.unheard(func(ctx context.Context) error { return second(b.Start(ctx, b.operator, id, app.StartInput{})) })
	for try := 1; ; try++ {
		spec := b.begin(id, false)
		b.clock.step(61 * time.Second)
		b.ok(b.Tick(t.Context()))
		if got := b.get(id); got.Runtime.State != fleet.ObservedLost || got.OpenAlerts != 1 || got.Why != "Not responding: the program never said hello" {
			t.Errorf("%s, %d alerts, %q", got.Runtime.State, got.OpenAlerts, got.Why)
		}
		if !must[bool](t)(b.RunWanted(t.Context(), spec.Run)) {
			t.Error("ended too early")
		}
		b.clock.step(time.Minute)
		wakes := b.runner.count()
		b.ok(b.Tick(t.Context()))
		if must[bool](t)(b.RunWanted(t.Context(), spec.Run)) || b.runner.count() == wakes {
			t.Error("a mute run may go on")
		}
		wantErr(t, "its first word, too late", second(b.RunForToken(t.Context(), spec.Token)), fleet.CodeRunOver, "")
		b.ok(b.RunStopping(t.Context(), spec.Run))
		b.ok(b.RunExited(t.Context(), spec.Run, app.RunExit{Text: "killed", Expected: true}))
		if try == 3 {
			break
		}
		if got := b.get(id); got.Status != fleet.Running || got.Runtime.State != fleet.ObservedBackoff || got.Runtime.LastError != "saying nothing for 2 min" {
			t.Fatalf("try %d: %s %+v", try, got.Status, got.Runtime)
		}
		b.clock.step(8 * time.Second)
	}
	if got := b.get(id); got.Status != fleet.Ended || got.EndReason != fleet.EndCrashLoop || got.Runtime.LastError != "saying nothing for 2 min, 3 times in 6 min" {
		t.Errorf("%s %s %+v", got.Status, got.EndReason, got.Runtime)
	}
	live := b.column(`SELECT sub_type FROM alerts WHERE state = 'open'`)
	if !slices.Equal(live, []string{"crash_loop"}) {
		t.Errorf("open alerts %q", live)
	}
}

func TestAProgramThatDoesNotStop(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id, spec := b.running("rehearsal")
	b.ok(second(b.Pause(t.Context(), b.operator, id, app.PauseInput{})))
	b.clock.step(10 * time.Second)
	b.ok(b.RunStopping(t.Context(), spec.Run))
	b.clock.step(59 * time.Second)
	b.ok(b.Tick(t.Context()))
	if got := b.get(id); got.Runtime.State != fleet.ObservedStopping {
		t.Errorf("after 59 s: %s", got.Runtime.State)
	}
	b.clock.step(2 * time.Second)
	b.effectsOf(func() { b.ok(b.Tick(t.Context())) }).want(t, "too long", effects{Events: []string{"agent.run_changed", "alert.changed"}})
	if got := b.get(id); got.Runtime.State != fleet.ObservedLost || len(got.Alerts) != 1 || got.Alerts[0].SubType != "not_stopping" || got.Status != fleet.Paused {
		t.Errorf("%s %+v", got.Runtime.State, got.Alerts)
	}
	b.ok(b.RunExited(t.Context(), spec.Run, app.RunExit{Text: "killed", Expected: true}))
	if got := b.get(id); got.Runtime.State != fleet.ObservedNone || len(got.Alerts) != 0 {
		t.Errorf("%s %+v", got.Runtime.State, got.Alerts)
	}
}

func TestAClaimThatIsNeverHeardOf(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id, spec := b.running("rehearsal")
	task := must[fleet.Task](t)(b.AddTask(t.Context(), b.operator, id, app.TaskInput{Type: "custom"}))
	_, _, _, err := b.ClaimTasks(t.Context(), spec.Run, 1)
	b.ok(err)
	state := func() string {
		return b.column(`SELECT state || ' ' || error FROM tasks WHERE id = ?`, task.ID)[0]
	}
	b.clock.step(24 * time.Hour)
	b.ok(second(b.RunForToken(t.Context(), spec.Token)))
	b.ok(b.Tick(t.Context()))
	if got := state(); got != "claimed " {
		t.Errorf("after 24 h: %s", got)
	}
	b.clock.step(time.Second)
	b.effectsOf(func() { b.ok(b.Tick(t.Context())) }).want(t, "too long", effects{Events: []string{"task.changed"}})
	if got := state(); got != "failed Claimed and not heard of for 24 hours" {
		t.Error(got)
	}
	results := must[[]app.EventResult](t)(b.RunEvents(t.Context(), spec.Run, []app.RunEvent{{ID: "late", Type: "task_done", Body: map[string]any{"taskId": task.ID}}}))
	if results[0].OK || results[0].Error != "The task is failed, not claimed" {
		t.Errorf("%+v", results)
	}
}

// What a sign-in is heard of: its beginning, the code, the reading of the
// credentials and the taking of the code; not that a program is alive.
func TestTheLimitOfASignIn(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id := b.in(fleet.AuthInProgress, "linkedin")
	spec := b.begin(id, true)
	after := func(d time.Duration, want fleet.Status) {
		t.Helper()
		b.clock.step(d)
		if want == fleet.AuthInProgress {
			b.ok(second(b.RunForToken(t.Context(), spec.Token)))
			b.tell(spec.Run, app.RunEvent{ID: fmt.Sprint("beat ", b.Now()), Type: "heartbeat"}, app.RunEvent{ID: fmt.Sprint("log ", b.Now()), Type: "log", Body: body{"text": "busy"}})
		}
		b.ok(b.Tick(t.Context()))
		if got := b.get(id); got.Status != want {
			t.Fatalf("%s, want %s", got.Status, want)
		}
	}
	after(9*time.Minute, fleet.AuthInProgress)
	b.ok(second(b.RunCredentials(t.Context(), spec.Run)))
	after(9*time.Minute, fleet.AuthInProgress)
	b.ok(second(b.RunCredentials(t.Context(), spec.Run))) // the same run knows them already
	after(61*time.Second, fleet.AuthNeeded)
	if got := b.get(id); len(got.Alerts) != 1 || got.Alerts[0].SubType != "timeout" {
		t.Errorf("%+v", got.Alerts)
	}
	b.ok(second(b.Verify(t.Context(), b.operator, id, app.VerifyInput{Code: "123456"})))
	spec = b.begin(id, true)
	after(9*time.Minute, fleet.AuthInProgress)
	command := must[[]fleet.Command](t)(b.RunInbox(t.Context(), spec.Run, 0))[0]
	b.tell(spec.Run, app.RunEvent{ID: "ack", Type: "ack", Body: body{"commandId": command.ID}})
	after(9*time.Minute, fleet.AuthInProgress)
	after(61*time.Second, fleet.AuthNeeded)
}

// A program that dies and begins its sign-in anew does not hold it for ever.
func TestASignInThatBeginsAnewAgainAndAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id := b.in(fleet.AuthInProgress, "linkedin")
	began := b.Now()
	for b.get(id).Status == fleet.AuthInProgress {
		spec := b.begin(id, true)
		b.ok(second(b.RunCredentials(t.Context(), spec.Run)))
		b.clock.step(6 * time.Minute)
		b.ok(b.Tick(t.Context()))
		b.ok(b.RunExited(t.Context(), spec.Run, app.RunExit{Text: "exit 1"}))
		b.clock.step(time.Second)
	}
	if took := b.Now().Sub(began); took < 30*time.Minute || took > 37*time.Minute {
		t.Errorf("held for %s", took)
	}
}

// A server that was down heard nobody: what it finds is lost when it was not
// heard for a minute of this server's life.
func TestNobodyIsLostWhileTheServerWasDown(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id, _ := b.running("rehearsal")
	b.clock.step(10 * time.Minute)
	began, config := b.clock.elapsed(), b.config
	config.Elapsed = func() time.Duration { return b.clock.elapsed() - began }
	next := app.New(config)
	for _, passed := range []time.Duration{0, 59 * time.Second} {
		b.clock.step(passed)
		b.ok(next.Tick(t.Context()))
		if got := b.get(id); got.Runtime.State != fleet.ObservedUp || got.OpenAlerts != 0 {
			t.Errorf("after %s: %s, %d alerts", passed, got.Runtime.State, got.OpenAlerts)
		}
	}
	b.clock.step(time.Second)
	b.ok(next.Tick(t.Context()))
	if got := b.get(id); got.Runtime.State != fleet.ObservedLost || got.OpenAlerts != 1 {
		t.Errorf("after a minute: %s, %d alerts", got.Runtime.State, got.OpenAlerts)
	}
}
