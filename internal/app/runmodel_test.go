package app_test

import (
	"context"
	"testing"
	"time"

	"pgregory.net/rapid"

	"agentry/internal/app"
	"agentry/internal/fleet"
)

// runModel is what one agent's runs should be, said as simply as can be.
type runModel struct {
	b      *bench
	id     fleet.AgentID
	status fleet.Status
	epoch  int64
	specs  []app.RunSpec // all that were ever begun
	fresh  bool          // a person asked for a new run that has not begun
	// Of the program that is there:
	alive, heard, overdue bool
	began                 time.Time
	exits                 []time.Time // since a person's start
	nextTry               time.Time   // no earlier may a run begin
}

func (m *runModel) wanted() bool { return m.status == fleet.Running }

// speaks tells whether the newest run's token counts.
func (m *runModel) speaks() bool { return m.wanted() && m.alive && !m.fresh && !m.overdue }

// resume, like every action, leaves its turn to another one where the state
// does not allow it: that is what rapid's Skip means inside an action.
func (m *runModel) resume(t *rapid.T) {
	if m.status != fleet.Paused && m.status != fleet.SetupNeeded {
		t.Skip()
	}
	m.b.unheard(func(ctx context.Context) error {
		if m.status == fleet.SetupNeeded {
			return second(m.b.Start(ctx, m.b.operator, m.id, app.StartInput{}))
		}
		return second(m.b.Resume(ctx, m.b.operator, m.id, app.ReasonInput{}))
	})
	m.status, m.fresh, m.exits, m.nextTry = fleet.Running, true, nil, time.Time{}
}

func (m *runModel) pause(t *rapid.T) {
	if m.status != fleet.Running {
		t.Skip()
	}
	m.b.ok(second(m.b.Pause(context.Background(), m.b.operator, m.id, app.PauseInput{})))
	m.status, m.fresh, m.overdue = fleet.Paused, false, false
}

func (m *runModel) end(t *rapid.T) {
	if m.status == fleet.Ended {
		t.Skip()
	}
	m.b.ok(second(m.b.End(context.Background(), m.b.operator, m.id, app.ReasonInput{})))
	m.status, m.fresh, m.overdue = fleet.Ended, false, false
}

func (m *runModel) relaunch(t *rapid.T) {
	if m.status != fleet.Ended {
		t.Skip()
	}
	m.b.ok(second(m.b.Relaunch(context.Background(), m.b.operator, m.id, app.ReasonInput{Reason: "again"})))
	m.status = fleet.SetupNeeded
}

// begin is the supervisor's: it never asks while a program is there.
func (m *runModel) begin(t *rapid.T) {
	if m.alive {
		t.Skip()
	}
	spec, wanted, wait, err := m.b.BeginRun(context.Background(), m.id)
	m.b.ok(err)
	due := !m.b.Now().Before(m.nextTry)
	if wanted != m.wanted() || wanted && (wait <= 0) != due {
		t.Fatalf("begin: wanted %v, wait %s; the model says %v, %s", wanted, wait, m.wanted(), m.nextTry.Sub(m.b.Now()))
	}
	if !wanted || wait > 0 {
		return
	}
	if m.epoch++; spec.Run.Epoch != m.epoch {
		t.Fatalf("epoch %d after %d", spec.Run.Epoch, m.epoch-1)
	}
	m.b.ok(m.b.RunSpawned(context.Background(), spec.Run, "pid"))
	m.specs = append(m.specs, spec)
	m.alive, m.fresh, m.heard, m.overdue, m.began = true, false, false, false, m.b.Now()
}

func (m *runModel) hear(t *rapid.T) {
	if len(m.specs) == 0 {
		t.Skip()
	}
	spec := m.specs[len(m.specs)-1]
	if err := second(m.b.RunForToken(context.Background(), spec.Token)); (err == nil) != m.speaks() {
		t.Fatalf("the newest run speaks: %v, the model says %v", err, m.speaks())
	} else if err == nil {
		m.heard = true
	}
}

func (m *runModel) exit(t *rapid.T) {
	if !m.alive {
		t.Skip()
	}
	expected := !m.wanted() || m.overdue || m.fresh || rapid.Bool().Draw(t, "stopped with the server")
	m.b.ok(m.b.RunExited(context.Background(), m.specs[len(m.specs)-1].Run, app.RunExit{Text: "exit 1", Expected: expected}))
	failed := m.wanted() && !m.fresh && (m.overdue || !expected)
	m.alive, m.overdue = false, false
	if !failed {
		return
	}
	m.exits = append(m.exits, m.b.Now())
	recent := 0
	for _, at := range m.exits {
		if m.b.Now().Sub(at) <= 10*time.Minute {
			recent++
		}
	}
	if recent >= 3 {
		m.status = fleet.Ended
		return
	}
	m.nextTry = m.b.get(m.id).Runtime.NextTry
	if wait := m.nextTry.Sub(m.b.Now()); wait < 0 || wait > 8*time.Second {
		t.Fatalf("back-off of %s", wait)
	}
}

func (m *runModel) tick(t *rapid.T) {
	m.b.clock.step(time.Duration(rapid.IntRange(1, 300).Draw(t, "seconds")) * time.Second)
	m.b.ok(m.b.Tick(context.Background()))
	if m.speaks() && !m.heard && m.b.Now().Sub(m.began) > 2*time.Minute {
		m.overdue = true
	}
}

func (m *runModel) check(t *rapid.T) {
	got := m.b.get(m.id)
	if got.Status != m.status || got.Runtime.Wanted != m.wanted() || got.Runtime.Epoch != m.epoch {
		t.Fatalf("%s, wanted %v, epoch %d; the model says %s, %v, %d", got.Status, got.Runtime.Wanted, got.Runtime.Epoch, m.status, m.wanted(), m.epoch)
	}
	state := got.Runtime.State
	switch {
	case !m.wanted() && !m.alive && state != fleet.ObservedNone,
		!m.wanted() && m.alive && state != fleet.ObservedStopping && state != fleet.ObservedLost,
		m.wanted() && state == fleet.ObservedNone,
		state == fleet.ObservedUp && !(m.speaks() && m.heard),
		state == fleet.ObservedBackoff && m.alive:
		t.Fatalf("observed %s: wanted %v, alive %v, heard %v", state, m.wanted(), m.alive, m.heard)
	}
	for i, spec := range m.specs {
		ok, err := m.b.RunWanted(context.Background(), spec.Run)
		m.b.ok(err)
		// A run whose program is gone may count as wanted until the next begins.
		if newest := i == len(m.specs)-1; ok && !newest || newest && m.alive && ok != m.speaks() {
			t.Fatalf("run %d of %d may go on: %v", i+1, len(m.specs), ok)
		}
	}
}

// Whatever people, programs, the supervisor and time do to an agent: one run is
// live at most, nothing is seen of what is not there, and an agent is given up
// exactly by the rule.
func TestRunsFollowTheModel(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	rapid.Check(t, func(t *rapid.T) {
		m := &runModel{b: b, id: b.create("rehearsal"), status: fleet.SetupNeeded}
		t.Repeat(map[string]func(*rapid.T){
			"resume": m.resume, "pause": m.pause, "end": m.end, "relaunch": m.relaunch,
			"begin": m.begin, "hear": m.hear, "exit": m.exit, "crash": m.exit, "tick": m.tick, "": m.check,
		})
		if m.status != fleet.Ended { // of what is left, ticks see nothing
			m.end(t)
		}
	})
}
