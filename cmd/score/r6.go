package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// mostLocal bounds what has nothing to wait for outside; a vendor's answer
	// may take thirty times as long.
	mostLocal = time.Second
	// mostRelease is how long after the end of a vendor's trouble everything
	// may take to be released.
	mostRelease   = time.Minute
	clientsAtOnce = 8
)

// r6 lets agents live and end over a vendor in this process, which keeps its
// own record, and judges by that record and the ledger in the server's folder:
// every profile that lives is held by a living agent, and every one held
// lives; none was deleted twice, asking for what is gone included; nobody
// reached for a profile before its own agent was relaunched or deleted; each
// uses its own agent's proxy, and none any more when it was deleted. It does so
// while three in ten requests fail in every way and the server is killed with
// kill -9, after a 429 that took the token away, and after an hour in which the
// vendor was away, with connections refused and with 503. Its control makes
// again and deletes again without looking first.
//
// The server is the build with faults, for its clock: an hour is a step of it.
func r6(ctx context.Context, t *trial) (*verdict, error) {
	var parts []outsidePart
	for _, make := range []func(context.Context, *trial) (outsidePart, error){newStorm, newRevoked, newRefusing, newBusy} {
		p, err := make(ctx, t)
		if err != nil {
			return nil, err
		}
		parts = append(parts, p)
	}
	// They mostly wait, each for a vendor of its own: all at once.
	errs := make([]error, len(parts))
	var all sync.WaitGroup
	for i, p := range parts {
		all.Go(func() { errs[i] = p.run(ctx) })
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	v := t.verdict()
	var waits []time.Duration
	for _, p := range parts {
		waits = append(waits, p.judge(v)...)
	}
	if len(waits) == 0 {
		return nil, errors.New("nothing was relaunched or deleted")
	}
	most := p99(waits)
	v.judgeTime(most < mostLocal, "relaunch and delete meanwhile p99 %d ms of %d", most.Milliseconds(), len(waits))
	return v, nil
}

// outsidePart is one trouble of a vendor, with a server of its own.
type outsidePart interface {
	run(ctx context.Context) error
	// judge adds the figures, and returns how long each relaunch and delete
	// took to be answered while the vendor was not there.
	judge(v *verdict) []time.Duration
}

// outsider is a server whose agents have profiles at a vendor of their own.
// Clients go on over its restarts.
type outsider struct {
	*server
	out *outside
	// serving is held by requests, and by a restart alone.
	serving sync.RWMutex

	mu    sync.Mutex
	waits []time.Duration
	// live are the agents that are to have a profile in the end.
	live int
	books
}

func (t *trial) newOutsider(ctx context.Context, name string) (*outsider, error) {
	o := &outsider{}
	var config string
	var err error
	if o.out, config, err = t.newOutside(name, plentyRate); err != nil {
		return nil, err
	}
	o.server, err = t.newServer(ctx, name, config+outsideKind(newMark()))
	return o, err
}

// again starts the killed or stopped server anew, and lets clients go on.
func (o *outsider) again(ctx context.Context, end func() error) error {
	if err := end(); err != nil { // requests under way end with it
		return err
	}
	o.serving.Lock()
	defer o.serving.Unlock()
	_, err := o.serve(ctx)
	return err
}

func (o *outsider) crash() error { o.kill(); return nil }

// ask makes a request until it is answered, by this server or the next.
// unclear says that one before may have been done.
func (o *outsider) ask(ctx context.Context, method, path string, in, out any) (unclear bool, err error) {
	for {
		o.serving.RLock()
		began := time.Now()
		err := o.call(ctx, method, path, in, out)
		took := time.Since(began)
		o.serving.RUnlock()
		if err == nil || isRefused(err) || ctx.Err() != nil {
			if !unclear {
				o.waited(method, path, took)
			}
			return unclear, err
		}
		unclear = true
		if err := pause(ctx, 5*time.Millisecond); err != nil {
			return true, err
		}
	}
}

// member is one agent of an outsider and what its clients know of it.
type member struct {
	*outsider
	id          string
	number      int
	incarnation int
	has         bool // a profile, or one on its way
}

func (o *outsider) newMember(ctx context.Context, n int) (*member, error) {
	var a agent
	_, err := o.ask(ctx, "POST", "/v1/agents", map[string]any{"kind": "outside", "name": fmt.Sprint("Outside ", n)}, &a)
	return &member{outsider: o, id: a.ID, number: n, incarnation: 1}, err
}

// do asks for a verb; that it was done before is no failure after an unclear
// try.
func (m *member) do(ctx context.Context, verb string) error {
	method, path, in := "POST", "/v1/agents/"+m.id+"/"+verb, any(nil)
	switch verb {
	case "setup":
		in, m.has = account(), true
	case "delete":
		method, path = "DELETE", "/v1/agents/"+m.id
	}
	if verb == "delete" || verb == "relaunch" {
		m.out.letGo(m.id, m.incarnation)
		m.incarnation++
		m.has = false
	}
	unclear, err := m.ask(ctx, method, path, in, nil)
	if unclear && isRefused(err) {
		return nil
	}
	return err
}

// all makes so many agents and lets each do the verbs.
func (o *outsider) all(ctx context.Context, n int, verbs ...string) (list []*member, err error) {
	for i := range n {
		m, err := o.newMember(ctx, i)
		if err != nil {
			return nil, err
		}
		list = append(list, m)
	}
	return list, each(list, func(m *member) error {
		for _, verb := range verbs {
			if err := m.do(ctx, verb); err != nil {
				return err
			}
		}
		return nil
	})
}

// finish ends all, relaunches every other one and deletes the rest: by several
// clients, as a team does, and not by as many as there are agents.
func (o *outsider) finish(ctx context.Context, list []*member) error {
	for few := range slices.Chunk(list, clientsAtOnce) {
		err := each(few, func(m *member) error {
			if err := m.do(ctx, "end"); err != nil {
				return err
			}
			if m.number%2 == 0 {
				return m.do(ctx, "relaunch")
			}
			return m.do(ctx, "delete")
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// each does it for all at once and returns one of the errors.
func each(list []*member, f func(*member) error) error {
	errs := make([]error, len(list))
	var all sync.WaitGroup
	for i, m := range list {
		all.Go(func() { errs[i] = f(m) })
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return err // the others say the same when it is the server
		}
	}
	return nil
}

// waited notes how long a relaunch or a deletion took.
func (o *outsider) waited(method, path string, took time.Duration) {
	if method != "DELETE" && !strings.HasSuffix(path, "/relaunch") {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.waits = append(o.waits, took)
}

// settled waits until as many profiles live as agents are to have one and the
// ledger waits for nothing, and returns how long it took. When the ledger has
// waited for nothing for a while, the rest is wrong and stays so.
func (o *outsider) settled(ctx context.Context, bound time.Duration, live int) (time.Duration, error) {
	const stays = 5 * time.Second
	began, idle := time.Now(), time.Time{}
	var alive, open int
	done, err := within(ctx, bound, 50*time.Millisecond, func() (_ bool, err error) {
		if open, err = o.rows(ctx, openRows); err != nil {
			return false, err
		}
		alive = o.out.Counts().Alive
		if open > 0 || idle.IsZero() {
			idle = time.Now()
		}
		return open == 0 && (alive == live || time.Since(idle) > stays), nil
	})
	if err == nil && (!done || alive != live) {
		o.t.say("after %.0f s %d profiles live, not %d, and %d rows wait", time.Since(began).Seconds(), alive, live, open)
	}
	return time.Since(began), err
}

// balance stops the server and compares the books.
func (o *outsider) balance(ctx context.Context) error {
	if _, err := o.stop(); err != nil {
		return err
	}
	var err error
	o.books, err = o.out.balance(ctx, o.server)
	return err
}

// judgeBooks adds what the comparison found.
func (o *outsider) judgeBooks(v *verdict, what string) {
	v.judge(o.clean() && o.total > 0 && o.held == o.live, "%s: %s", what, o.books)
}
