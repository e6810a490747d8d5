package app

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"agentry/internal/fleet"
	"agentry/internal/resource"
	"agentry/internal/store"
)

// errand is one job's work at one row of the ledger. Its steps ask the outside
// between transactions; each step is stored before the next. The row's turn
// stays the same meanwhile: a change of the row by others ends the errand.
type errand struct {
	app *App
	r   fleet.Resource
}

// errOver ends an errand whose row was changed by others: what they want has
// a job of its own.
var errOver = errors.New("the row was changed meanwhile")

// busy keeps two errands from working at the same row at once.
type busy struct {
	mu   sync.Mutex
	ids  map[string]bool
	last time.Duration // App.clock's, when the last one began
}

func (b *busy) begin(id string, now time.Duration) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last = now
	if b.ids[id] {
		return false
	}
	if b.ids == nil {
		b.ids = map[string]bool{}
	}
	b.ids[id] = true
	return true
}

// is tells whether an errand is at the row.
func (b *busy) is(id string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ids[id]
}

// idle is for how long nobody worked at any row.
func (b *busy) idle(now time.Duration) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.ids) > 0 {
		return 0
	}
	return now - b.last
}

func (b *busy) end(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.ids, id)
}

// WorkResource makes one try at a row of the ledger. A job of an older turn
// has nothing to do. again is how long to wait where another job is at the row.
func (a *App) WorkResource(ctx context.Context, id string, turn int64) (again time.Duration, err error) {
	if !a.busy.begin(id, a.clock.elapsed()) {
		return time.Second, nil
	}
	defer a.busy.end(id)
	e := &errand{app: a}
	var ok bool
	err = a.store.Read(ctx, func(tx *store.Tx) error {
		e.r, ok, err = tx.ResourceOfJob(id)
		return err
	})
	if err != nil || !ok || e.r.Turn != turn || !e.r.Open() {
		return 0, err
	}
	err = e.work(ctx)
	switch {
	case ctx.Err() != nil:
		return 0, ctx.Err() // the next start begins again with what is open
	case errors.Is(err, errOver), err == nil:
		return 0, nil
	}
	if err = e.failed(ctx, err); err != nil {
		a.unbegun.Store(true) // nobody knows when the end of the job can be stored
	}
	return 0, err
}

func (e *errand) work(ctx context.Context) error {
	switch {
	case e.r.Type == fleet.ResourceProfile && e.r.Pending():
		return e.makeProfile(ctx)
	case e.r.Type == fleet.ResourceProfile:
		return e.deleteProfile(ctx)
	case e.r.Type == fleet.ResourceProxy && e.r.Pending():
		return e.tryProxy(ctx)
	case e.r.Type == fleet.ResourceProxy:
		return e.freeProxy(ctx)
	case e.r.Type == fleet.ResourceAgent && e.r.Live():
		// The agent's run makes it, whenever there is one.
		e.r.NextTry = time.Time{}
		return e.save(ctx, nil)
	case e.r.Type == fleet.ResourceAgent:
		return e.deleteAgent(ctx)
	}
	return fleet.Errorf(fleet.CodeConflict, "This server does not know what a %s is", e.r.Type)
}

// save stores the row with what f does beside it, unless others changed it.
func (e *errand) save(ctx context.Context, f func(tx *store.Tx, now time.Time) error) error {
	now := e.app.Now()
	return e.app.store.Write(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		e.r.UpdatedAt = now
		ok, err := tx.SaveResource(e.r, e.r.Turn)
		if err == nil && !ok {
			err = errOver
		}
		if err != nil || f == nil {
			return err
		}
		if err := f(tx, now); err != nil {
			return err
		}
		return tx.AddEvent(fleet.Event{TeamID: e.r.TeamID, AgentID: e.r.AgentID, Type: fleet.EventResourceChanged, At: now})
	})
}

// asking stores, before the outside is asked for something that may happen
// without an answer, that it was asked.
func (e *errand) asking(ctx context.Context) error {
	e.r.AskedAt = e.app.Now()
	return e.save(ctx, nil)
}

// step makes a step of the ledger and stores it with what f does beside it.
func (e *errand) step(ctx context.Context, step fleet.ResourceStep, f func(tx *store.Tx, now time.Time) error) error {
	if err := advance(&e.r, step, e.app.Now()); err != nil {
		return err
	}
	return e.save(ctx, f)
}

// failed stores a try that did not work and when the next one is.
func (e *errand) failed(ctx context.Context, cause error) error {
	if errors.Is(cause, errParked) {
		return e.parked(ctx)
	}
	if gone := (*absent)(nil); errors.As(cause, &gone) {
		return over(e.wait(ctx, gone.text, func(*store.Tx, time.Time) error { return nil }))
	}
	if s := (*settling)(nil); errors.As(cause, &s) {
		return over(e.retryIn(ctx, s.left, nil))
	}
	most, reason := retryMax, resource.ReasonOf(cause)
	var known *resource.Error
	if errors.As(cause, &known) && reason != resource.Unreachable {
		most = refusedMax
	}
	e.r.Tries++
	if fault := (*fleet.Error)(nil); known == nil && !errors.As(cause, &fault) {
		e.app.log.Error("work at a resource failed", "resource_id", e.r.ID, "team_id", e.r.TeamID, "agent_id", e.r.AgentID, "error", cause)
	}
	e.r.LastError = cutText(strings.ToValidUTF8(sentence(cause), "�"))
	pause := retryPause(e.r.Tries, most)
	return over(e.retryIn(ctx, pause, func(tx *store.Tx, now time.Time) error {
		if most == retryMax || !e.r.Pending() {
			return nil
		}
		return e.onAgent(tx, now, func(c *change) error {
			return c.raise(alertResource, string(e.r.Type), fleet.SeverityError, "The "+e.r.Type.Word()+" cannot be had: "+e.r.LastError)
		})
	}))
}

// over is no failure: others changed the row, and their job goes on.
func over(err error) error {
	if errors.Is(err, errOver) {
		return nil
	}
	return err
}

// sentence is what people read of a failure.
func sentence(err error) string {
	var known *resource.Error
	if errors.As(err, &known) {
		return known.Message
	}
	var fault *fleet.Error
	if errors.As(err, &fault) {
		return fault.Message
	}
	return "Something went wrong in this server; its log says what"
}

// retryIn stores the row with a new turn and a job after the pause.
func (e *errand) retryIn(ctx context.Context, pause time.Duration, f func(tx *store.Tx, now time.Time) error) error {
	now := e.app.Now()
	return e.app.store.Write(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		if err := e.app.enqueue(tx, e.r, e.r.Turn, pause, now); err != nil {
			if fleet.CodeOf(err) == fleet.CodeConflict {
				return errOver
			}
			return err
		}
		if f == nil {
			return nil
		}
		return f(tx, now)
	})
}

// parked stores that the row waits for its vendor. The vendor may have come
// back between the question and now, and then nobody else would go on.
func (e *errand) parked(ctx context.Context) error {
	g := e.app.vendorNamed(e.r.Vendor)
	v := g.snapshot()
	err := e.wait(ctx, v.Label+" "+v.State.Word()+": "+v.Message, func(tx *store.Tx, now time.Time) error {
		// A team that had nothing there when the vendor was stopped is told now.
		if _, stopped, err := tx.VendorStopped(v.Name); err != nil || !stopped {
			return err
		}
		return raiseTeam(tx, e.r.TeamID, alertResource, alertStopped, fleet.SeverityError, vendorAlert(v.Label, v.Message), now)
	})
	if err != nil {
		return over(err)
	}
	if g.snapshot().State == fleet.VendorOK {
		return over(e.retryIn(ctx, 0, nil))
	}
	return nil
}

// wait stores, with what f does beside it, why nothing is done until something
// else goes on with the row.
func (e *errand) wait(ctx context.Context, why string, f func(tx *store.Tx, now time.Time) error) error {
	e.r.NextTry, e.r.LastError = time.Time{}, cutText(why)
	return e.save(ctx, f)
}

// absent is the failure of what this server cannot do as it is configured: the
// next start tries again.
type absent struct{ text string }

func (a *absent) Error() string { return a.text }

// onAgent runs f on the row's agent, where it still lives in the incarnation.
func (e *errand) onAgent(tx *store.Tx, now time.Time, f func(c *change) error) error {
	row, err := tx.Agent(e.r.TeamID, e.r.AgentID)
	if fleet.CodeOf(err) == fleet.CodeNotFound || err == nil && row.Incarnation != e.r.Incarnation {
		return nil
	}
	if err != nil {
		return err
	}
	c := &change{tx: tx, by: fleet.System(e.r.TeamID, "worker"), now: now, agent: row}
	c.kind, c.known = e.app.kinds[row.Kind]
	return f(c)
}

// held stores that the thing is the agent's now and lets go on what waited:
// the profile that needs the proxy, or the program that needs them all.
func (e *errand) held(ctx context.Context) error {
	ready := false
	err := e.step(ctx, fleet.StepHold, func(tx *store.Tx, now time.Time) error {
		if err := auditResource(tx, e.r, "resource.held", now); err != nil {
			return err
		}
		live, err := tx.LiveResources(e.r.TeamID, e.r.AgentID)
		if err != nil {
			return err
		}
		ready = true
		for _, r := range live {
			if !r.Pending() {
				continue
			}
			ready = false
			if e.r.Type == fleet.ResourceProxy && r.Type == fleet.ResourceProfile {
				if err := e.app.enqueue(tx, r, r.Turn, 0, now); err != nil {
					return err
				}
			}
		}
		return e.onAgent(tx, now, func(c *change) error {
			if ready {
				// The sign-in begins now and has its full time.
				if err := tx.SignInHeard(e.r.AgentID, now); err != nil {
					return err
				}
			}
			if e.r.Type == fleet.ResourceProxy {
				// Another place than the one that failed, or the same and it works.
				if err := c.resolve(alertResource, alertProxy); err != nil {
					return err
				}
			}
			return c.resolve(alertResource, string(e.r.Type))
		})
	})
	if err == nil && ready {
		e.app.wakeRunner(e.r.AgentID)
	}
	return err
}

// released stores that the thing is gone for sure.
func (e *errand) released(ctx context.Context) error {
	return e.step(ctx, fleet.StepGone, func(tx *store.Tx, now time.Time) error {
		if err := auditResource(tx, e.r, "resource.released", now); err != nil {
			return err
		}
		return errors.Join(leakOver(tx, e.r.TeamID, now), e.app.freeProxies(tx, e.r, now))
	})
}
