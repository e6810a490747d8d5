package app

import (
	"context"
	"errors"
	"time"

	"agentry/internal/fleet"
	"agentry/internal/store"
)

const (
	// bulkAtOnce is how many agents of a bulk are acted on at the same time:
	// starts wait for their program.
	bulkAtOnce = 8
	// bulkSlice is how long one job works at a bulk before others get a turn.
	bulkSlice = 30 * time.Second
	// bulkPause is how long a bulk waits that could not store something.
	bulkPause = 5 * time.Second
	// bulkLag is how much of its rate a bulk may make good for that it was late.
	bulkLag = 100 * time.Millisecond
	// bulkBatch is how many items are read at a time.
	bulkBatch = 100
	// bulkOverdue is after how long without work the sweep begins a bulk again:
	// it may merely have waited for its turn.
	bulkOverdue = 2 * time.Minute
)

// SweepBulks begins what nobody works at: what a former server left, and what
// lost its job. A list that nobody is writing down any more ends its bulk. Call
// it at start and every few seconds.
func (a *App) SweepBulks(ctx context.Context) (failed error) {
	for after := ""; ; {
		var open []fleet.Bulk
		err := a.store.Read(ctx, func(tx *store.Tx) (err error) {
			open, err = tx.OpenBulks(after, tickBatch)
			return err
		})
		if err != nil {
			return errors.Join(failed, err)
		}
		for _, b := range open {
			after = b.ID
			failed = errors.Join(failed, a.sweepBulk(ctx, b))
		}
		if len(open) < tickBatch {
			return failed
		}
	}
}

func (a *App) sweepBulk(ctx context.Context, b fleet.Bulk) error {
	idle, known := a.bulks.idle(b.ID, a.clock.elapsed())
	switch {
	case known && idle < bulkOverdue && (!b.StartedAt.IsZero() || idle == 0):
		return nil
	case b.StartedAt.IsZero():
		why := b.Why
		if why == "" {
			why = lostServer(b)
		}
		_, err := a.dropBulk(ctx, b, why)
		return err
	}
	a.bulks.touch(b.ID, a.clock.elapsed())
	if !known {
		// Nobody knows when a former server acted last.
		a.bulks.take(b.ID, a.clock.elapsed()+bulkInterval(b))
	}
	return a.store.Write(ctx, func(tx *store.Tx) error {
		if !known && b.ByKind == fleet.ActorKey && b.ByID == fleet.NeighbourID && b.State == fleet.BulkRunning {
			var err error
			if b, err = a.haltBulk(tx, b, "The server was restarted, and nobody with a key started it"); err != nil || b.State.Over() {
				return err
			}
		}
		return a.insert(tx, BulkJob{ID: b.ID}, 0)
	})
}

// bulkRun is one turn of work at a bulk. Only its own goroutine uses it; acts
// land on the channel.
type bulkRun struct {
	a      *App
	bulk   fleet.Bulk
	wake   <-chan struct{}
	landed chan landing
	flying int
	until  time.Duration // of App.clock
	// again is when to go on where it is not at once.
	again  time.Duration
	failed error
}

// landing is how an act ended: trouble is that it has to be tried again later.
type landing struct {
	trouble bool
	err     error
}

// WorkBulk works at a bulk for a while; again is when to go on, 0 is never. It
// begins nothing more when ctx is done; what was begun goes on with the next
// call.
func (a *App) WorkBulk(ctx context.Context, id string) (again time.Duration, err error) {
	if !a.bulks.begin(id, a.clock.elapsed()) {
		return a.bulks.soon(id), nil
	}
	wake, cancel := a.hub.Listen(bulkKey(id))
	defer cancel()
	now := a.clock.elapsed()
	r := &bulkRun{a: a, wake: wake, landed: make(chan landing, bulkAtOnce), until: now + bulkSlice, again: time.Millisecond}
	r.bulk.ID = id
	defer func() { a.bulks.end(id, a.clock.elapsed(), r.bulk.ID == "" || r.bulk.State.Over()) }()
	if err := r.look(ctx); err != nil || r.bulk.ID == "" || r.bulk.State.Over() || r.bulk.StartedAt.IsZero() {
		return 0, err
	}
	err = r.work(ctx)
	for r.flying > 0 {
		r.land(ctx, <-r.landed)
	}
	r.tell(ctx, 0)
	if err := errors.Join(err, r.failed); err != nil && ctx.Err() == nil {
		return 0, err
	}
	if ctx.Err() != nil || r.bulk.State.Over() {
		return 0, nil
	}
	return r.again, nil
}

// work acts on what is open: first it waits for what a former turn began.
func (r *bulkRun) work(ctx context.Context) error {
	for _, acted := range []bool{true, false} {
		for after := 0; ; {
			var items []store.BulkAct
			err := r.a.store.Read(ctx, func(tx *store.Tx) (err error) {
				items, err = tx.BulkActs(r.bulk.TeamID, r.bulk.ID, acted, after, bulkBatch)
				return err
			})
			if err != nil {
				return err
			}
			for _, item := range items {
				after = item.N
				if !r.ready(ctx, acted) {
					return nil
				}
				r.flying++
				b := r.bulk
				go func() { r.landed <- r.a.workItem(ctx, b, item) }()
			}
			if len(items) < bulkBatch {
				break
			}
		}
	}
	return nil
}

// ready waits for the rate, a free place, and the canaries; false is that
// nothing more is to begin now.
func (r *bulkRun) ready(ctx context.Context, acted bool) bool {
	for r.flying >= r.room(acted) {
		if !r.pause(ctx, bulkTellEvery) {
			return false
		}
	}
	if acted {
		return r.goesOn(ctx, acted)
	}
	for r.goesOn(ctx, acted) {
		now := r.a.clock.elapsed()
		wait := r.a.bulks.slot(r.bulk.ID, now)
		if wait <= 0 {
			r.a.bulks.take(r.bulk.ID, bulkInterval(r.bulk))
			return true
		}
		if now+wait > r.until && r.flying == 0 {
			r.again = wait
			return false
		}
		r.pause(ctx, min(wait, bulkTellEvery))
	}
	return false
}

// bulkInterval is the pause between two acts of a bulk.
func bulkInterval(b fleet.Bulk) time.Duration { return time.Minute / time.Duration(b.PerMinute) }

func (r *bulkRun) goesOn(ctx context.Context, acted bool) bool {
	return ctx.Err() == nil && r.again < bulkPause && r.failed == nil && !r.bulk.State.Over() &&
		(acted || r.bulk.State == fleet.BulkRunning && r.a.clock.elapsed() < r.until)
}

// room is how many acts may be under way: no more than may be canaries while
// those have not succeeded.
func (r *bulkRun) room(acted bool) int {
	if r.bulk.InCanary() && !acted {
		return min(bulkAtOnce, r.bulk.Canary-r.bulk.Done)
	}
	return bulkAtOnce
}

// pause waits for a landing, a call, or the time; false is that nothing more is
// to begin now.
func (r *bulkRun) pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case l := <-r.landed:
		r.land(ctx, l)
	case _, open := <-r.wake:
		if !open {
			r.wake = nil
		}
		r.keep(r.look(ctx))
	case <-timer.C:
		r.tell(ctx, bulkTellEvery)
	case <-ctx.Done():
	}
	return ctx.Err() == nil && r.again < bulkPause && r.failed == nil
}

// tell announces counts that moved without an announcement for that long.
func (r *bulkRun) tell(ctx context.Context, since time.Duration) {
	if r.a.bulks.untold(r.bulk.ID, r.a.clock.elapsed(), since) {
		r.keep(r.a.store.Write(ctx, func(tx *store.Tx) error { return bulkEvent(tx, r.bulk, r.a.Now()) }))
	}
}

func (r *bulkRun) land(ctx context.Context, l landing) {
	r.flying--
	if l.trouble {
		r.again = bulkPause
	}
	r.keep(l.err)
	r.keep(r.look(ctx))
}

// keep remembers that something could not be stored: it is tried again later.
func (r *bulkRun) keep(err error) {
	switch {
	case err == nil || errors.Is(err, context.Canceled):
	case fleet.CodeOf(err) == fleet.CodeUnavailable, fleet.CodeOf(err) == fleet.CodeDiskFull:
		r.again = bulkPause
	default:
		r.failed = errors.Join(r.failed, err)
	}
}

// look reads the bulk again.
func (r *bulkRun) look(ctx context.Context) error {
	return r.a.store.Read(ctx, func(tx *store.Tx) error {
		b, _, err := tx.BulkOfJob(r.bulk.ID)
		if err == nil {
			r.bulk = b
		}
		return err
	})
}

// workItem acts on one agent, or waits for what a former turn began, and stores
// what became of it.
func (a *App) workItem(ctx context.Context, b fleet.Bulk, item store.BulkAct) landing {
	var err error
	if item.Version > 0 {
		err = a.observeAct(ctx, b, item)
	} else {
		err = a.actForBulk(ctx, b, item)
	}
	if err == nil && b.Action.Starts() && b.InCanary() {
		err = a.awaitUp(ctx, b, item)
	}
	var halt *bulkHalt
	switch code := fleet.CodeOf(err); {
	case errors.As(err, &halt):
		return landing{err: a.haltFor(ctx, b, halt.why)}
	case code == fleet.CodeForbidden:
		var known *fleet.Error
		errors.As(err, &known)
		return landing{err: a.haltFor(ctx, b, known.Message)}
	case ctx.Err() != nil, errors.Is(err, errItemTaken), errors.Is(err, context.Canceled):
		return landing{} // what was begun is looked at by the next turn
	case code == fleet.CodeUnavailable, code == fleet.CodeDiskFull:
		return landing{trouble: true}
	case err == nil && (!b.Action.Starts() || a.hub.Closed()):
		return landing{} // the outcome came with the act; or nobody knows it yet
	case err != nil && code == "":
		a.log.Error("an act of a bulk failed", "bulk_id", b.ID, "agent_id", item.AgentID, "team_id", b.TeamID, "error", err)
	}
	return landing{err: a.settleError(ctx, b, item.N, err)}
}

// haltFor stops a bulk that may not go on.
func (a *App) haltFor(ctx context.Context, b fleet.Bulk, why string) error {
	if why == "" {
		return nil
	}
	return a.store.Write(ctx, func(tx *store.Tx) error {
		now, err := tx.Bulk(b.TeamID, b.ID)
		if err == nil {
			_, err = a.haltBulk(tx, now, why)
		}
		return err
	})
}
