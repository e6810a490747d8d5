package app_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/internal/store"
)

// startBulk starts a bulk and works at it until nothing more is to do.
func (b *bulkBench) startBulk(by fleet.Actor, in app.BulkInput) fleet.Bulk {
	b.t.Helper()
	got, err := b.StartBulk(context.Background(), by, in)
	b.ok(err)
	b.work(context.Background())
	return b.bulk(got.ID)
}

func (b *bulkBench) wantBulk(what string, got fleet.Bulk, state fleet.BulkState, why string, done, failed, skipped, left int) {
	b.t.Helper()
	if got.State != state || !strings.Contains(got.Why, why) || (why == "") != (got.Why == "") || got.EndedAt.IsZero() != !state.Over() {
		b.t.Errorf("%s: it is %s because of %q, want %s and %q", what, got.State, got.Why, state, why)
	}
	if got.Done != done || got.Failed != failed || got.Skipped != skipped || got.Left() != left {
		b.t.Errorf("%s: %d done, %d failed, %d skipped, %d left; want %d, %d, %d, %d", what, got.Done, got.Failed, got.Skipped, got.Left(), done, failed, skipped, left)
	}
}

// The others follow only when the first have succeeded; one that is skipped
// proves nothing.
func TestBulkCanary(t *testing.T) {
	t.Parallel()
	b := newBulkBench(t)
	list := ids(b, 9, fleet.SetupNeeded)
	b.autostart(list[1])
	// The second fails once the first is up: a failure before would leave that one.
	act, up := b.runner.act, make(chan struct{})
	said := sync.OnceFunc(func() { close(up) })
	b.runner.set(func(id fleet.AgentID) {
		if id == list[1] {
			select {
			case <-up:
			case <-t.Context().Done():
			}
		}
		if act(id); id == list[0] {
			said()
		}
	})
	got := b.startBulk(b.keys[operate], app.BulkInput{Action: fleet.BulkStart, IDs: list, Canary: 2})
	b.wantBulk("a canary that fails", got, fleet.BulkStopped, "One of the first 2 agents failed: Failed to start agent runtime", 1, 1, 0, 7)
	running := list[0]
	got = b.startBulk(b.keys[operate], app.BulkInput{Action: fleet.BulkStart, IDs: append([]fleet.AgentID{running}, list[2:]...), Canary: 2, StopAfterFailures: 1})
	b.wantBulk("canaries that succeed", got, fleet.BulkDone, "", 7, 0, 1, 0)
}

func TestBulkStopsAfterFailures(t *testing.T) {
	t.Parallel()
	b := newBulkBench(t)
	list := ids(b, 30, fleet.SetupNeeded)
	b.autostart(list[:10]...)
	got := b.startBulk(b.keys[operate], app.BulkInput{Action: fleet.BulkStart, IDs: list, StopAfterFailures: 2})
	if got.State != fleet.BulkStopped || got.Failed < 2 || got.Left() < 10 || got.Waiting != 0 || !strings.Contains(got.Why, "failed, the last one with: Failed to start agent runtime") {
		t.Errorf("it ended as %+v", got)
	}
}

// People stop a bulk at once; what waits for its program ends first, and a
// second stop is told so.
func TestBulkIsStopped(t *testing.T) {
	t.Parallel()
	b, ctx := newBulkBench(t), t.Context()
	list := ids(b, 12, fleet.SetupNeeded)
	wanted := make(chan fleet.AgentID, len(list))
	b.runner.set(func(id fleet.AgentID) { wanted <- id })
	started, err := b.StartBulk(ctx, b.keys[operate], app.BulkInput{Action: fleet.BulkStart, IDs: list})
	b.ok(err)
	var work sync.WaitGroup
	work.Go(func() { b.work(ctx) })
	var first []fleet.AgentID
	for range 8 { // as many as are acted on at once
		first = append(first, <-wanted)
	}
	stopped, err := b.StopBulk(ctx, b.keys[operate], started.ID)
	b.ok(err)
	b.wantBulk("while starts wait", stopped, fleet.BulkStopping, "Stopped by operate", 0, 0, 0, 12)
	_, err = b.StopBulk(ctx, b.keys[operate], started.ID)
	wantErr(t, "a second stop", err, fleet.CodeConflict, "The bulk is stopping already")
	_, err = b.RetryBulk(ctx, b.keys[operate], started.ID, nil)
	wantErr(t, "a retry of what goes on", err, fleet.CodeConflict, "")
	for _, id := range first {
		b.begin(id, true)
	}
	work.Wait()
	got := b.bulk(started.ID)
	b.wantBulk("when they were heard", got, fleet.BulkStopped, "Stopped by operate", 8, 0, 0, 4)
	if got.StoppedBy != "operate" || !got.Partial() || len(wanted) != 0 {
		t.Errorf("%+v, %d more wanted", got, len(wanted))
	}
}

// Whoever started a bulk must have the right for each act when it is made.
func TestBulkStopsWhenTheRightIsLost(t *testing.T) {
	t.Parallel()
	member := func(b *bulkBench, role fleet.Role) fleet.Actor {
		id, err := b.AddMember(context.Background(), b.team, app.MemberInput{Email: "ann@example.com", Name: "Ann", Password: "long enough 1", Role: role})
		b.ok(err)
		return fleet.Actor{Kind: fleet.ActorMember, ID: string(id), Name: "Ann", TeamID: b.team, Scope: role.Scope()}
	}
	exec := func(b *bulkBench, statement string, args ...any) {
		_, err := b.store.Queue().Exec(statement, args...)
		b.ok(err)
	}
	for what, c := range map[string]struct {
		by   func(b *bulkBench) fleet.Actor
		lose func(b *bulkBench, by fleet.Actor)
		why  string
	}{
		"a key revoked": {func(b *bulkBench) fleet.Actor { return b.keys[operate] }, func(b *bulkBench, by fleet.Actor) {
			b.ok(b.RevokeKey(context.Background(), b.admin, by.ID))
		}, "The API key that started it, operate, was revoked"},
		"a key expired": {func(b *bulkBench) fleet.Actor { return b.keys[operate] }, func(b *bulkBench, by fleet.Actor) {
			exec(b, `UPDATE api_keys SET expires_at = 1 WHERE id = $1`, by.ID)
		}, "The API key that started it, operate, has expired"},
		"a member gone": {func(b *bulkBench) fleet.Actor { return member(b, fleet.RoleOperator) }, func(b *bulkBench, by fleet.Actor) {
			exec(b, `DELETE FROM members WHERE user_id = $1`, by.ID)
		}, "Ann, who started it, is no member of the team any more"},
		"a role lowered": {func(b *bulkBench) fleet.Actor { return member(b, fleet.RoleAdmin) }, func(b *bulkBench, by fleet.Actor) {
			exec(b, `UPDATE members SET role = 'viewer' WHERE user_id = $1`, by.ID)
		}, "Ann, who started it, may not do this any more as viewer"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			b := newBulkBench(t)
			by := c.by(b)
			started, err := b.StartBulk(t.Context(), by, app.BulkInput{Action: fleet.BulkEnd, IDs: ids(b, 3, fleet.SetupNeeded)})
			b.ok(err)
			c.lose(b, by)
			b.work(t.Context())
			b.wantBulk(what, b.bulk(started.ID), fleet.BulkStopped, c.why, 0, 0, 0, 3)
		})
	}
}

// A server that trusts its neighbours trusts them until it ends.
func TestBulkOfANeighbourEndsWithTheServer(t *testing.T) {
	t.Parallel()
	b, ctx := newBulkBench(t), t.Context()
	by := fleet.Actor{Kind: fleet.ActorKey, ID: fleet.NeighbourID, Name: "loopback", TeamID: b.team, Scope: operate}
	got := b.startBulk(by, app.BulkInput{Action: fleet.BulkEnd, IDs: ids(b, 1, fleet.SetupNeeded)})
	b.wantBulk("while it lives", got, fleet.BulkDone, "", 1, 0, 0, 0)
	got, err := b.StartBulk(ctx, by, app.BulkInput{Action: fleet.BulkEnd, IDs: ids(b, 1, fleet.SetupNeeded)})
	b.ok(err)
	b.restart()
	b.work(ctx)
	b.wantBulk("with the next server", b.bulk(got.ID), fleet.BulkStopped, "The server was restarted, and nobody with a key started it", 0, 0, 0, 1)
}

// restart is another server over the same file; its queue is empty.
func (b *bulkBench) restart() {
	b.t.Helper()
	b.queue.take()
	b.App = app.New(b.config)
	b.NoBulkPause()
	b.SetRunner(b.runner)
	b.ok(b.SweepBulks(context.Background()))
}

// A server that dies while it writes a list down leaves a bulk that ended, and
// says so; none of its agents was touched.
func TestBulkThatWasBeingPrepared(t *testing.T) {
	t.Parallel()
	b, ctx := newBulkBench(t), t.Context()
	in := app.BulkInput{Action: fleet.BulkEnd, IDs: ids(b, 2, fleet.SetupNeeded)}
	for range 1500 {
		in.IDs = append(in.IDs, fleet.AgentID(fleet.NewID(t0)))
	}
	gone, leave := context.WithCancel(ctx)
	seen := 0
	b.ok(b.store.Close())
	var err error
	b.store, err = store.Open(ctx, b.path, store.Options{Committed: func(events ...fleet.Event) {
		if seen++; seen == 1 {
			leave() // the list's first part is written down
		}
	}})
	b.ok(err)
	b.config.Store = b.store
	b.restart()
	_, err = b.StartBulk(gone, b.keys[operate], in)
	if err == nil {
		t.Fatal("the list was written down without a request")
	}
	list, _, err := b.Bulks(ctx, b.admin, app.PageInput{})
	b.ok(err)
	b.wantBulk("given up", list[0], fleet.BulkStopped, "The list could not be written down; nothing was done", 0, 0, 0, 0)

	// The same, and nobody was left to say so.
	b.ok(b.store.Write(ctx, func(tx *store.Tx) error {
		lost := fleet.Bulk{ID: b.store.NewID(t0), TeamID: b.team, Action: fleet.BulkEnd, State: fleet.BulkPreparing, PerMinute: 1, Total: 700, Skipped: 1, CreatedAt: t0}
		if err := tx.InsertBulk(lost); err != nil {
			return err
		}
		for n := range 600 {
			if err := tx.InsertBulkItems([]fleet.BulkItem{{BulkID: lost.ID, N: n + 1, AgentID: in.IDs[0], Outcome: fleet.BulkPending}}); err != nil {
				return err
			}
		}
		return nil
	}))
	b.restart()
	list, _, err = b.Bulks(ctx, b.admin, app.PageInput{})
	b.ok(err)
	b.wantBulk("at the next start", list[0], fleet.BulkStopped, "The server stopped while the list of 700 agents was written down; nothing was done", 0, 0, 0, 0)
	if n := b.number(`SELECT COUNT(*) FROM bulk_items`); n != 0 || len(b.queue.take()) != 0 {
		t.Errorf("%d items are left", n)
	}
	if v := b.get(in.IDs[0]); v.Status != fleet.SetupNeeded {
		t.Errorf("an agent is %s", v.Status)
	}
	// A whole list of that length begins.
	got := b.startBulk(b.keys[operate], in)
	b.wantBulk("the whole list", got, fleet.BulkDone, "", 2, 0, 1500, 0)
}

// Two that work at one bulk, as when a job runs twice, act once on each agent.
func TestTwoWorkersOfOneBulk(t *testing.T) {
	t.Parallel()
	b, ctx := newBulkBench(t), t.Context()
	b.autostart()
	list := ids(b, 40, fleet.SetupNeeded)
	for _, in := range []app.BulkInput{
		{Action: fleet.BulkStart, IDs: list},
		{Action: fleet.BulkTag, AddTags: []string{"new"}, RemoveTags: []string{"tag"}, IDs: list},
	} {
		started, err := b.StartBulk(ctx, b.keys[operate], in)
		b.ok(err)
		var both sync.WaitGroup
		for range 2 {
			other := app.New(b.config)
			other.NoBulkPause()
			other.SetRunner(b.runner)
			both.Go(func() {
				for again := time.Duration(1); again > 0; {
					var err error
					if again, err = other.WorkBulk(ctx, started.ID); err != nil {
						t.Error(err)
					}
				}
			})
		}
		both.Wait()
		b.wantBulk("both "+string(in.Action), b.bulk(started.ID), fleet.BulkDone, "", 40, 0, 0, 0)
		if n := b.number(`SELECT COUNT(*) FROM audit WHERE outcome = 'done' AND agent_id <> '' AND detail LIKE '%"bulkId":"` + started.ID + `"%'`); n != 40 {
			t.Errorf("%s: %d acts", in.Action, n)
		}
	}
	if got := fmt.Sprint(b.column(`SELECT DISTINCT tags FROM agents`)); got != `[["new"]]` {
		t.Errorf("tags are %s", got)
	}
}

// The commit that ends a list may be there although its answer was lost: a bulk
// that began keeps its list.
func TestABulkThatBeganIsNotDropped(t *testing.T) {
	t.Parallel()
	b := newBulkBench(t)
	started, err := b.StartBulk(t.Context(), b.keys[operate], app.BulkInput{Action: fleet.BulkEnd, IDs: ids(b, 3, fleet.SetupNeeded)})
	b.ok(err)
	kept, err := b.DropBulk(t.Context(), started)
	b.ok(err)
	b.wantBulk("when it is dropped", kept, fleet.BulkRunning, "", 0, 0, 0, 3)
	b.work(t.Context())
	b.wantBulk("at its end", b.bulk(started.ID), fleet.BulkDone, "", 3, 0, 0, 0)
}
