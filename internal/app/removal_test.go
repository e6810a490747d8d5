package app_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"agentry/internal/app"
	"agentry/internal/fleet"
)

// removalBench knows one kind whose agents also exist elsewhere.
func removalBench(t *testing.T) *bench {
	return newBench(t, func(c *app.Config) {
		c.Kinds["eliza"] = fleet.Kind{Name: "eliza", Driver: fleet.DriverElizaOS, URL: "http://x", Restart: c.Kinds["rehearsal"].Restart}
	})
}

// deleted makes an agent, runs it once if told to, ends and deletes it.
func (b *bench) deleted(kind string, ran bool) fleet.AgentID {
	b.t.Helper()
	id := b.create(kind)
	if ran {
		b.start(id)
	}
	b.ok(second(b.End(b.t.Context(), b.operator, id, app.ReasonInput{})))
	b.ok(second(b.Delete(b.t.Context(), b.deleter, id, app.DeleteInput{})))
	return id
}

func TestDeletionFollowsOutside(t *testing.T) {
	t.Parallel()
	b := removalBench(t)
	b.deleted("rehearsal", true)
	b.deleted("eliza", false) // it never was there
	if due := must[[]app.Removal](t)(b.DueRemovals(t.Context())); len(due) != 0 {
		t.Fatalf("nothing is outside: %+v", due)
	}
	id := b.deleted("eliza", true)
	due := must[[]app.Removal](t)(b.DueRemovals(t.Context()))
	if len(due) != 1 || due[0].AgentID != id || due[0].TeamID != b.team || due[0].Kind.URL != "http://x" || due[0].Tries != 0 {
		t.Fatalf("%+v", due)
	}
	for n, least := 1, time.Second; n <= 14; n, least = n+1, min(2*least, 30*time.Minute) {
		b.ok(b.RemovalTried(t.Context(), due[0].Removal, errors.New("not now \xff")))
		b.clock.step(least - time.Millisecond)
		if early := must[[]app.Removal](t)(b.DueRemovals(t.Context())); len(early) != 0 {
			t.Fatalf("try %d comes after less than %s", n+1, least)
		}
		b.clock.step(least + time.Millisecond)
		due = must[[]app.Removal](t)(b.DueRemovals(t.Context()))
		if len(due) != 1 || due[0].Tries != n || due[0].LastError != "not now �" {
			t.Fatalf("after try %d: %+v", n, due)
		}
		d := must[fleet.Deletion](t)(b.DeletionOfAgent(t.Context(), b.viewer, id))
		if d.Outside == nil || *d.Outside != due[0].Removal {
			t.Fatalf("after try %d the certificate says %+v", n, d.Outside)
		}
	}
	// A try that was put off by a clock that was far ahead.
	b.clock.jump(365 * day)
	b.ok(b.RemovalTried(t.Context(), due[0].Removal, errors.New("still not")))
	b.clock.jump(-365 * day)
	if due = must[[]app.Removal](t)(b.DueRemovals(t.Context())); len(due) != 1 {
		t.Fatalf("with the clock back: %+v", due)
	}
	b.effectsOf(func() { b.ok(b.RemovalTried(t.Context(), due[0].Removal, nil)) }).
		want(t, "the confirmation", effects{Audit: []string{"removed_outside done supervisor"}})
	b.effectsOf(func() { b.ok(b.RemovalTried(t.Context(), due[0].Removal, nil)) }).want(t, "a second one", effects{})
	if list, _, err := b.Deletions(t.Context(), b.viewer, app.PageInput{Limit: 9}); err != nil || len(list) != 3 || list[0].Outside != nil {
		t.Errorf("the certificates: %+v %v", list, err)
	}
	b.clock.step(2 * time.Hour)
	if due := must[[]app.Removal](t)(b.DueRemovals(t.Context())); len(due) != 0 {
		t.Errorf("%+v", due)
	}
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
