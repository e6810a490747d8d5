package app_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"agentry/internal/app"
	"agentry/internal/fleet"
)

// Of two moves at once one wins, the other is told; nothing is half done.
func TestTwoMovesAtOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	for range 15 {
		id := b.in(fleet.Ended, "rehearsal")
		version := b.get(id).Version
		var all sync.WaitGroup
		errs := make([]error, 4)
		for i, act := range []func() error{
			func() error {
				return second(b.Relaunch(context.Background(), b.operator, id, app.ReasonInput{IfVersion: version}))
			},
			func() error {
				return second(b.Relaunch(context.Background(), b.operator, id, app.ReasonInput{}))
			},
			func() error {
				return second(b.Delete(context.Background(), b.deleter, id, app.DeleteInput{IfVersion: version}))
			},
			func() error { return second(b.Delete(context.Background(), b.deleter, id, app.DeleteInput{})) },
		} {
			all.Go(func() { errs[i] = act() })
		}
		all.Wait()
		won := 0
		for i, err := range errs {
			if err == nil {
				won++
			} else if code := fleet.CodeOf(err); !slices.Contains([]fleet.Code{fleet.CodeInvalidStatus, fleet.CodeVersion, fleet.CodeNotFound, fleet.CodeConflict}, code) {
				t.Errorf("%d: %v", i, err)
			}
		}
		if won != 1 {
			t.Errorf("%d of four won: %v", won, errs)
		}
	}
	b.countsAreRight()
}

// disturb does one thing at random to an agent; spec is the worker's last run.
func (b *bench) disturb(r *rand.Rand, id fleet.AgentID, step string, spec *app.RunSpec, check func(what string, err error)) {
	bg := context.Background()
	switch r.IntN(14) {
	case 0, 1:
		started := make(chan error, 1)
		waiting, leave := context.WithCancel(bg)
		go func() { started <- second(b.Start(waiting, b.operator, id, app.StartInput{})) }()
		leave() // it gives up waiting at once
		if err := <-started; err != context.Canceled {
			check("start", ignoreCancelled(err))
		}
	case 2:
		check("setup", second(b.Setup(bg, b.operator, id, app.SetupInput{Login: "x", Password: "y", Country: "FR"})))
	case 3:
		check("pause", second(b.Pause(bg, b.operator, id, app.PauseInput{})))
	case 4:
		check("end", second(b.End(bg, b.operator, id, app.ReasonInput{})))
	case 5:
		check("relaunch", second(b.Relaunch(bg, b.operator, id, app.ReasonInput{})))
	case 6:
		if r.IntN(4) == 0 {
			check("delete", second(b.Delete(bg, b.deleter, id, app.DeleteInput{})))
		}
	case 7:
		check("disable", second(b.Disable(bg, b.admin, id, app.ReasonInput{})))
	case 8:
		check("enable", second(b.Enable(bg, b.admin, id, app.ReasonInput{})))
	case 9, 10:
		next, wanted, _, err := b.BeginRun(bg, id)
		check("begin", err)
		if err == nil && wanted && next.Token != "" {
			*spec = next
			check("spawned", b.RunSpawned(bg, spec.Run, "pid"))
			check("hello", second(b.RunForToken(bg, spec.Token)))
		}
	case 11:
		check("exit", b.RunExited(bg, spec.Run, app.RunExit{Text: "exit 1"}))
	case 12:
		check("events", second(b.RunEvents(bg, spec.Run, []app.RunEvent{
			{ID: step, Type: []string{"signed_in", "challenge", "rejected"}[r.IntN(3)]}, {ID: step + "a", Type: "alert", Body: body{"message": "x"}},
		})))
	case 13:
		check("tick", b.Tick(bg))
	}
}

// Members, programs, the supervisor and the clock at once, on few agents: every
// step is one of the table, the counts are those of the rows, and of every
// agent that is gone nothing is left.
func TestEverythingAtOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	ids := make([]fleet.AgentID, 4)
	for i := range ids {
		ids[i] = b.create([]string{"rehearsal", "linkedin"}[i%2])
	}
	known := []fleet.Code{fleet.CodeInvalidStatus, fleet.CodeNotFound, fleet.CodeConflict, fleet.CodeRunOver, fleet.CodeValidation, fleet.CodeVersion}
	check := func(what string, err error) {
		if err != nil && !slices.Contains(known, fleet.CodeOf(err)) {
			t.Errorf("%s: %v", what, err)
		}
	}
	var all sync.WaitGroup
	for w := range 8 {
		all.Go(func() {
			r := rand.New(rand.NewPCG(uint64(w), 1))
			var spec app.RunSpec
			for i := range 60 {
				b.disturb(r, ids[r.IntN(len(ids))], fmt.Sprint(w, " ", i), &spec, check)
			}
		})
	}
	all.Wait()
	b.countsAreRight()
	steps := b.column(`SELECT action || ' ' || (detail ->> 'from') || ' ' || (detail ->> 'to') FROM audit WHERE outcome = 'done' AND detail ->> 'to' IS NOT NULL AND action <> 'create'`)
	if len(steps) < 20 {
		t.Errorf("only %d moves happened", len(steps))
	}
	for _, s := range steps {
		part := strings.Fields(s)
		leads := func(setUp bool) bool {
			r, err := fleet.Next(fleet.Status(part[1]), fleet.Move(part[0]), fleet.Facts{IsSetUp: setUp})
			return err == nil && len(part) == 3 && part[2] == string(r.To)
		}
		if !leads(true) && !leads(false) {
			t.Errorf("%s is no move of the lifecycle", s)
		}
	}
	// The audit of each agent is a path: each move begins where the last ended.
	for _, id := range ids {
		at := string(fleet.SetupNeeded)
		for _, step := range b.column(`SELECT (detail ->> 'from') || '>' || COALESCE(detail ->> 'to', '') FROM audit WHERE agent_id = ? AND outcome = 'done' AND detail ->> 'from' IS NOT NULL ORDER BY id`, id) {
			from, to, _ := strings.Cut(step, ">")
			if from != at {
				t.Errorf("%s: a move from %s when it was %s", id, from, at)
			}
			at = to
		}
	}
}

func ignoreCancelled(err error) error {
	if fleet.CodeOf(err) == "" {
		return nil
	}
	return err
}
