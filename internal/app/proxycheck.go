package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"time"

	"agentry/internal/fleet"
	"agentry/internal/resource"
	"agentry/internal/store"
)

const (
	// checksAtOnce is how many checks may wait for a worker; the next ones come
	// as these are done.
	checksAtOnce = 20
	// checkLost is when a check that has a job is taken for lost.
	checkLost = 10 * time.Minute
	// alertProxy is the subtype of the alert about a proxy that fails.
	alertProxy   = "proxy_failing"
	holdersBatch = 100
)

// checks are the entries whose check this server has a job for: the database
// says that they are due until it is done.
type checks struct {
	mu    sync.Mutex
	since map[string]time.Duration // App.clock's
}

// room forgets what was lost and returns how many more checks may wait.
func (c *checks) room(now time.Duration) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	maps.DeleteFunc(c.since, func(_ string, at time.Duration) bool { return now-at > checkLost })
	return checksAtOnce - len(c.since)
}

// begin takes an entry unless it is waiting already.
func (c *checks) begin(id string, now time.Duration) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, waits := c.since[id]; waits {
		return false
	}
	if c.since == nil {
		c.since = map[string]time.Duration{}
	}
	c.since[id] = now
	return true
}

func (c *checks) end(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.since, id)
}

// CheckProxy has an entry checked soon, by a worker.
func (a *App) CheckProxy(ctx context.Context, by fleet.Actor, id string) (p fleet.Proxy, err error) {
	what := act{by: by, need: fleet.ScopeOperate, action: "proxy.check"}
	if err := a.allowed(what); err != nil {
		return p, a.refused(ctx, what, err)
	}
	now, mine := a.Now(), false
	err = a.write(ctx, by, func(tx *store.Tx) error {
		if p, err = tx.Proxy(by.TeamID, id); err != nil {
			return err
		}
		p.NextCheckAt = now
		if err := tx.WantProxyCheck(by.TeamID, id, now); err != nil {
			return err
		}
		// One that waits already is the one that was asked for.
		if mine = a.checks.begin(id, a.clock.elapsed()); mine {
			if err := a.insert(tx, ProxyCheckJob{ID: id}, 0); err != nil {
				return err
			}
		}
		e := entry(what, now, "done")
		e.Detail = map[string]any{"proxyId": id}
		return recordProxy(tx, e)
	})
	if err != nil && mine {
		a.checks.end(id)
	}
	return p, err
}

// sweepProxies inserts jobs for checks that are due, a few at a time. Call it
// every few seconds.
func (a *App) sweepProxies(ctx context.Context) error {
	elapsed := a.clock.elapsed()
	room := a.checks.room(elapsed)
	if a.proxies == nil || a.jobs == nil || room <= 0 {
		return nil
	}
	now := a.Now()
	var due, mine []string
	err := a.store.Read(ctx, func(tx *store.Tx) (err error) {
		due, err = tx.DueProxies(now, now.Add(jumpTolerance), now.Add(fleet.ProxyCheckMost), 2*checksAtOnce)
		return err
	})
	for _, id := range due {
		if len(mine) < room && a.checks.begin(id, elapsed) {
			mine = append(mine, id)
		}
	}
	if err != nil || len(mine) == 0 {
		return err
	}
	err = a.store.Write(ctx, func(tx *store.Tx) error {
		for _, id := range mine {
			if err := a.insert(tx, ProxyCheckJob{ID: id}, 0); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		for _, id := range mine {
			a.checks.end(id)
		}
	}
	return err
}

// checkSoon begins with the checks that a change made due. The change stands
// whatever becomes of it: the next sweep does the same.
func (a *App) checkSoon(ctx context.Context) {
	if err := a.sweepProxies(ctx); err != nil {
		a.log.Warn("checks of proxies not begun", "error", err)
	}
}

// WorkProxyCheck makes one check of an entry and stores how it went; that the
// proxy does not work is no error of the job.
func (a *App) WorkProxyCheck(ctx context.Context, id string) error {
	var p fleet.Proxy
	var ok bool
	err := a.store.Read(ctx, func(tx *store.Tx) (err error) {
		p, ok, err = tx.ProxyOfJob(id)
		return err
	})
	if err == nil && ok && a.proxies != nil {
		// Each check has a session of its own: one whose exit is gone is no
		// reason to give up the gateway.
		_, err = a.tryEntry(ctx, p, fleet.ProxySession(fmt.Sprint("check ", p.ID, " ", p.LastCheckAt.UnixMicro())))
	}
	a.checks.end(id)
	if err != nil {
		return err
	}
	return a.sweepProxies(ctx)
}

// tryEntry makes a real request through an entry and stores how it went. cause
// is that of the way, err that of this server.
func (a *App) tryEntry(ctx context.Context, p fleet.Proxy, session string) (cause, err error) {
	endpoint, err := a.endpointOf(ctx, p, session)
	var exit resource.Exit
	if err == nil {
		exit, cause = a.proxies.Check(ctx, endpoint, p.Country)
	} else if known := (*resource.Error)(nil); errors.As(err, &known) {
		cause = known
	} else {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return cause, a.proxyTried(ctx, p, exit, cause)
}

// outcome is what a check says of the entry.
func outcome(exit resource.Exit, cause error, at time.Time) fleet.ProxyTry {
	t := fleet.ProxyTry{At: at, IP: exit.IP, Country: exit.Country, Latency: exit.Latency}
	if cause == nil {
		return t
	}
	t.Error, t.Refused = cutText(sentence(cause)), resource.ReasonOf(cause) == resource.Unauthorized
	var known *resource.Error
	t.Unclear = errors.As(cause, &known) && known.Unclear
	return t
}

// proxyTried stores the outcome of a check, unless the entry was changed or
// checked meanwhile, and tells the agents that use it.
func (a *App) proxyTried(ctx context.Context, was fleet.Proxy, exit resource.Exit, cause error) error {
	try, saved := outcome(exit, cause, a.Now()), false
	var p fleet.Proxy
	err := a.store.Write(ctx, func(tx *store.Tx) error {
		now, err := tx.Proxy(was.TeamID, was.ID)
		if fleet.CodeOf(err) == fleet.CodeNotFound {
			return nil
		}
		if err != nil {
			return err
		}
		was.InUse = now.InUse
		p = was.Tried(try, rand.Float64())
		if saved, err = tx.SaveProxyCheck(was, p); err != nil || !saved {
			return err
		}
		return tx.AddEvent(fleet.Event{TeamID: p.TeamID, Type: fleet.EventProxyChanged, At: try.At})
	})
	if err != nil || !saved {
		return err
	}
	switch {
	case p.Health == fleet.ProxyQuarantined && try.Error != "" && !try.Unclear:
		message := cutText("The proxy " + p.Label + " does not work: " + try.Error)
		return a.tellHolders(ctx, p, func(c *change) error {
			return c.raise(alertResource, alertProxy, fleet.SeverityError, message)
		})
	case p.Health == fleet.ProxyHealthy && was.Health != fleet.ProxyHealthy:
		return a.tellHolders(ctx, p, func(c *change) error { return c.resolve(alertResource, alertProxy) })
	}
	return nil
}

// tellHolders runs f on every agent that lives and uses an entry.
func (a *App) tellHolders(ctx context.Context, p fleet.Proxy, f func(c *change) error) error {
	after, n := fleet.AgentID(""), holdersBatch
	for n == holdersBatch {
		now := a.Now()
		err := a.store.Write(ctx, func(tx *store.Tx) error {
			ids, err := tx.ProxyHolders(p.TeamID, p.ID, after, holdersBatch)
			n = len(ids)
			for _, id := range ids {
				if err != nil {
					return err
				}
				after = id
				var row store.AgentRow
				if row, err = tx.Agent(p.TeamID, id); err == nil {
					err = f(&change{tx: tx, by: fleet.System(p.TeamID, "worker"), now: now, agent: row})
				}
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
