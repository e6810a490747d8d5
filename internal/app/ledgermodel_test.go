package app_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/internal/store"
)

// Whatever goes wrong on the way, and whenever the process dies: in the end the
// vendor has exactly what living agents hold, nothing was made or deleted twice.
func TestNothingLeaks(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		troubles := rapid.SampledFrom([]trouble{fine, fine, fine, fine, fine, lostBefore, lostAfter, lostAfter, killed, killedDone, full, refused, revoked})
		b := newLedgerBench(newBench(t, withLedger))
		b.lives(rt, troubles)
		b.settle(rt)
		b.judge(rt)
		if len(b.vendor.doubles) > 0 {
			rt.Errorf("made again: %v", b.vendor.doubles)
		}
	})
}

// A create whose answer was lost may be done when its row has long been given
// up, or holds another profile: the sweep finds it.
func TestTheSweepFindsWhatCameLate(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		late := rapid.SampledFrom([]trouble{fine, fine, fine, lostBefore, lostAfter, lostLate, lostLate})
		b := newLedgerBench(newBench(t, withLedger))
		stranger := b.vendor.alive // what others have in the account
		stranger["x1"], stranger["x2"], stranger["x3"] = "shop", "agentry-of-somebody", "agentry-"+fleet.NewID(t0)
		b.lives(rt, rapid.Custom(func(rt *rapid.T) trouble {
			what := late.Draw(rt, "trouble")
			if what == lostLate && !strings.HasPrefix(b.vendor.calls[len(b.vendor.calls)-1], "create") {
				return lostBefore
			}
			return what
		}))
		b.settle(rt)
		for _, effect := range b.vendor.late {
			effect()
		}
		b.clock.step(2 * time.Minute) // what has just changed is for the next sweep
		if err := b.SweepVendor(context.Background()); err != nil {
			rt.Fatal(err)
		}
		for id, name := range map[string]string{"x1": "shop", "x2": "agentry-of-somebody"} {
			if b.vendor.alive[id] != name {
				rt.Errorf("%s of others is gone", id)
			}
			delete(b.vendor.alive, id)
		}
		if b.vendor.alive["x3"] == "" {
			rt.Error("a name without a row is not provably ours, and is gone")
		}
		delete(b.vendor.alive, "x3")
		b.judge(rt)
	})
}

// Many errands, sweeps and people at once, as in a server.
func TestNothingLeaksAtOnce(t *testing.T) {
	t.Parallel()
	b := newLedgerBench(newBench(t, withLedger))
	b.found()
	chance := rand.New(rand.NewPCG(1, 2)) // under the vendor's lock
	b.vendor.next = func(string) trouble {
		return []trouble{fine, fine, fine, fine, fine, lostBefore, lostAfter, refused}[chance.IntN(8)]
	}
	ctx := t.Context()
	b.vendor.during = func(string) {
		b.act(b.agents[chance.IntN(len(b.agents))], []string{"setup", "end", "relaunch", "retry"}[chance.IntN(4)], chance.IntN)
	}
	var people, workers sync.WaitGroup
	for i, id := range b.agents {
		people.Go(func() {
			mine := rand.New(rand.NewPCG(uint64(i), 3))
			steps := []string{"setup", "setup", "end", "relaunch", "retry", "forget", "proxy", "check"}
			for range 30 {
				b.act(id, steps[mine.IntN(len(steps))], mine.IntN)
				if err := b.SweepLedger(ctx); err != nil {
					t.Error(err)
				}
			}
		})
	}
	over := make(chan struct{})
	for range 4 {
		workers.Go(func() {
			for {
				jobs := b.queue.some(1)
				for _, j := range jobs {
					if err := b.run(ctx, j.args); err != nil {
						t.Error(err)
					}
				}
				select {
				case <-over:
					return
				default:
				}
			}
		})
	}
	people.Wait()
	close(over)
	workers.Wait()
	b.vendor.during, b.vendor.next = nil, func(string) trouble { return fine }
	b.world.mend()
	b.settle(t)
	b.judge(t)
}

// found makes the agents of two teams, and their pools.
func (b *ledgerBench) found() {
	b.t.Helper()
	b.pool("GB", 1, "one.example", "two.example")
	theirs := b.as(b.stranger.TeamID, fleet.ScopeAdmin)
	_, err := b.AddProxies(context.Background(), theirs, app.AddProxiesInput{Entry: fleet.ProxyEntry{Host: "one.example", Port: 8080, Country: "GB"}})
	b.ok(err)
	b.queue.take()
	b.owner = map[fleet.AgentID]fleet.TeamID{}
	for _, kind := range []string{"browser required", "both", "both"} {
		b.agents = append(b.agents, b.create(kind))
		b.owner[b.agents[len(b.agents)-1]] = b.team
	}
	v, err := b.Create(context.Background(), theirs, app.CreateInput{Kind: "both"})
	b.ok(err)
	b.agents = append(b.agents, v.ID)
	b.owner[v.ID] = theirs.TeamID
}

// as is somebody of a team.
func (b *ledgerBench) as(team fleet.TeamID, scope fleet.Scope) fleet.Actor {
	by := b.admin
	by.TeamID, by.Scope = team, scope
	return by
}

// act lets people do something with an agent, which may well be refused; draw
// chooses a number below n.
func (b *ledgerBench) act(id fleet.AgentID, step string, draw func(n int) int) {
	ctx, team := context.Background(), b.owner[id]
	operator, admin := b.as(team, fleet.ScopeOperate), b.as(team, fleet.ScopeAdmin)
	switch step {
	case "setup":
		_, _ = b.Setup(ctx, operator, id, app.SetupInput{Login: "l", Password: "p", Country: "GB"})
	case "end":
		_, _ = b.End(ctx, operator, id, app.ReasonInput{})
	case "relaunch":
		_, _ = b.Relaunch(ctx, operator, id, app.ReasonInput{Reason: "r"})
	case "delete":
		_, _ = b.Delete(ctx, b.as(team, fleet.ScopeDelete), id, app.DeleteInput{})
	case "retry", "forget":
		list := b.rowsOf(id)
		if len(list) == 0 {
			return
		}
		r := list[draw(len(list))]
		if step == "retry" {
			_, _ = b.RetryResource(ctx, operator, r.ID)
			return
		}
		_, _ = b.ForgetResource(ctx, admin, r.ID, app.ReasonInput{Reason: "by hand"})
	case "check":
		_, _ = b.CheckVendor(ctx, admin, "gologin")
	case "sweep":
		b.clock.step(time.Minute)
		b.life(func(ctx context.Context) { _ = b.SweepLedger(ctx) })
	case "jump":
		b.clock.jump(time.Duration(draw(48)-24) * time.Hour)
		_ = b.Tick(ctx) // the server looks at its clock all the time
	case "proxy":
		b.world.toggle("one.example")
	case "work":
		b.life(func(ctx context.Context) { _ = b.work(ctx, 3) })
	}
}

func (b *ledgerBench) rowsOf(id fleet.AgentID) (list []fleet.Resource) {
	b.ok(b.store.Read(context.Background(), func(tx *store.Tx) (err error) {
		list, err = tx.AgentResources(b.owner[id], id, 100)
		return err
	}))
	return list
}

// lives leads agents of two teams through their lives while the vendor
// misbehaves.
func (b *ledgerBench) lives(rt *rapid.T, troubles *rapid.Generator[trouble]) {
	b.found()
	b.vendor.next = func(op string) trouble { return troubles.Draw(rt, op) }
	which := func(n int) int { return rapid.IntRange(0, n-1).Draw(rt, "which") }
	agents, people := rapid.SampledFrom(b.agents), rapid.SampledFrom([]string{"setup", "end", "relaunch", "delete", "retry", "forget"})
	b.vendor.during = func(string) {
		if rapid.IntRange(0, 3).Draw(rt, "meanwhile") == 0 {
			b.act(agents.Draw(rt, "agent"), people.Draw(rt, "step"), which)
		}
	}
	steps := rapid.SampledFrom([]string{"setup", "setup", "setup", "end", "end", "relaunch", "delete", "work", "work", "work", "work", "sweep",
		"proxy", "retry", "forget", "check", "jump"})
	for range rapid.IntRange(5, 60).Draw(rt, "steps") {
		b.act(agents.Draw(rt, "agent"), steps.Draw(rt, "step"), which)
	}
	b.vendor.during = nil
	b.vendor.next = func(string) trouble { return fine }
	b.world.mend()
}

// life runs f until the process is killed in it; then there is another one. A
// disk that became full in it has space again afterwards.
func (b *ledgerBench) life(f func(ctx context.Context)) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	b.vendor.kill, b.vendor.fill = cancel, b.fill
	f(ctx)
	b.exec(`DROP TRIGGER IF EXISTS disk_is_full`)
	if ctx.Err() != nil {
		b.restart()
	}
}

// fill makes every later write of the ledger fail.
func (b *ledgerBench) fill() {
	b.exec(`CREATE TRIGGER IF NOT EXISTS disk_is_full BEFORE UPDATE ON resources BEGIN SELECT RAISE(ABORT, 'the disk is full'); END`)
}

func (b *ledgerBench) exec(statement string) {
	_, err := b.store.Queue().Exec(statement)
	b.ok(err)
}

// settle gives everything time to be done, with a vendor that answers.
func (b *ledgerBench) settle(rt rapid.TB) {
	ctx := context.Background()
	if _, err := b.CheckVendor(ctx, b.admin, "gologin"); err != nil {
		rt.Fatal(err)
	}
	for range 3 {
		b.clock.step(2 * time.Hour)
		if err := b.SweepLedger(ctx); err != nil {
			rt.Fatal(err)
		}
		if err := b.work(ctx, 50); err != nil {
			rt.Fatal(err)
		}
	}
}

// judge compares what the vendor has with what the ledger says of it. What
// people gave up may be there or not.
func (b *ledgerBench) judge(rt rapid.TB) {
	held, places := map[string]string{}, map[string]int{}
	for _, id := range b.agents {
		agent, err := b.Agent(context.Background(), b.as(b.owner[id], fleet.ScopeRead), id)
		has := map[fleet.ResourceType]bool{}
		for _, r := range b.rowsOf(id) {
			if r.Live() && (err != nil || r.Incarnation != agent.Incarnation || has[r.Type]) {
				rt.Errorf("nobody needs %s, which is %s", r.ID, r.State)
			}
			has[r.Type] = has[r.Type] || r.Live()
			switch {
			case r.State == fleet.ResourceHeld && r.Type == fleet.ResourceProxy:
				places[r.ProxyID]++
			case r.State == fleet.ResourceHeld:
				held[r.Name()] = r.ExternalID
			case r.Forgotten != nil:
				maps.DeleteFunc(b.vendor.alive, func(_, name string) bool { return name == r.Name() })
			case r.State == fleet.ResourceReleased:
			default:
				rt.Errorf("%s is still %s: %s", r.ID, r.State, r.LastError)
			}
		}
	}
	if fmt.Sprint(b.vendor.names()) != fmt.Sprint(held) || len(b.vendor.alive) != len(held) {
		rt.Errorf("the vendor has %v, the ledger holds %v", b.vendor.alive, held)
	}
	for id, n := range places {
		if n > 1 {
			rt.Errorf("%d agents have the one place of %s", n, id)
		}
	}
	if len(b.vendor.dressed) > 0 {
		rt.Errorf("deleted with their proxies: %v", b.vendor.dressed)
	}
	if len(b.vendor.twice) > 0 {
		rt.Errorf("deleted again: %v", b.vendor.twice)
	}
	if left := b.column(`SELECT type || '/' || sub_type FROM alerts WHERE agent_id IS NULL AND state <> 'resolved'`); len(left) > 0 {
		rt.Errorf("alerts without a cause: %v", left)
	}
}
