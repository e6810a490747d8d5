package app_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/riverqueue/river"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/internal/resource"
	"agentry/internal/store"
)

// jobList is a queue that a test works off by hand.
type jobList struct {
	mu   sync.Mutex
	jobs []queued
	full bool // the disk is
}

type queued struct {
	args  river.JobArgs
	after time.Duration
}

func (q *jobList) Insert(_ context.Context, _ *store.Tx, args river.JobArgs, after time.Duration) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.full {
		return fleet.Errorf(fleet.CodeDiskFull, "The disk is full")
	}
	q.jobs = append(q.jobs, queued{args, after})
	return nil
}

func (q *jobList) take() []queued { return q.some(1 << 30) }

// some takes the first n jobs, or as many as there are.
func (q *jobList) some(n int) (list []queued) {
	q.mu.Lock()
	defer q.mu.Unlock()
	n = min(n, len(q.jobs))
	list, q.jobs = slices.Clone(q.jobs[:n]), q.jobs[n:]
	return list
}

// back gives jobs back that were not done.
func (q *jobList) back(list []queued) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.jobs = append(list, q.jobs...)
}

// trouble is how a vendor's answer goes wrong.
type trouble int

const (
	fine       trouble = iota
	lostBefore         // the request never arrived
	lostAfter          // it was done, and the answer was lost
	refused            // 403
	revoked            // 429
	killed             // our process dies before the request
	killedDone         // our process dies after it was done
	lostLate           // the answer was lost, and it is done much later
	full               // it was done, and from then on our disk is full
)

// profileVendor is a vendor of profiles in memory; next decides, call by call,
// what goes wrong.
type profileVendor struct {
	mu      sync.Mutex
	next    func(op string) trouble
	kill    context.CancelFunc
	fill    func()
	alive   map[string]string // id to name
	proxies map[string]string // id to endpoint
	deleted map[string]int
	twice   []string
	doubles []string // names that were made again while they were there
	dressed []string // deleted as bare, with a proxy
	late    []func() // effects that come when nobody waits for them any more
	during  func(op string)
	calls   []string
	n       int
	mark    string
	name    string
}

func newProfileVendor() *profileVendor {
	return &profileVendor{next: func(string) trouble { return fine }, alive: map[string]string{}, proxies: map[string]string{}, deleted: map[string]int{}, mark: "first", name: "gologin"}
}

func (v *profileVendor) Name() string  { return v.name }
func (v *profileVendor) Label() string { return "GoLogin" }
func (v *profileVendor) StandIn() bool { return true }
func (v *profileVendor) Mark() string  { return v.mark }

// do runs the effect of a call, with the trouble of its turn.
func (v *profileVendor) do(ctx context.Context, op string, effect func() error) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	v.calls = append(v.calls, op)
	what := v.next(op)
	if v.during != nil {
		v.during(op)
	}
	switch what {
	case lostBefore:
		return &resource.Error{Reason: resource.Unreachable, Message: "no answer", Unclear: true, Cause: context.DeadlineExceeded}
	case refused:
		return &resource.Error{Reason: resource.Refused, Message: "not allowed"}
	case revoked:
		return &resource.Error{Reason: resource.Revoked, Message: "too many requests"}
	case lostLate:
		v.late = append(v.late, func() { _ = effect() })
		return &resource.Error{Reason: resource.Unreachable, Message: "no answer", Unclear: true}
	case killed:
		v.kill()
		return ctx.Err()
	}
	err := effect()
	switch what {
	case full:
		v.fill()
	case lostAfter:
		return &resource.Error{Reason: resource.Unreachable, Message: "no answer", Unclear: true}
	case killedDone:
		v.kill()
		return ctx.Err()
	}
	return err
}

func (v *profileVendor) Check(ctx context.Context) error {
	return v.do(ctx, "check", func() error { return nil })
}

func (v *profileVendor) Find(ctx context.Context, name string) (list []resource.Profile, err error) {
	err = v.do(ctx, "find "+name, func() error {
		for id, n := range v.alive {
			if n == name {
				list = append(list, resource.Profile{ID: id, Name: n})
			}
		}
		slices.SortFunc(list, func(a, b resource.Profile) int { return len(a.ID) - len(b.ID) })
		return nil
	})
	return list, err
}

func (v *profileVendor) Create(ctx context.Context, name string) (p resource.Profile, err error) {
	err = v.do(ctx, "create "+name, func() error {
		for _, n := range v.alive {
			if n == name {
				v.doubles = append(v.doubles, name)
			}
		}
		v.n++
		p = resource.Profile{ID: fmt.Sprintf("p%d", v.n), Name: name}
		v.alive[p.ID] = name
		return nil
	})
	return p, err
}

func (v *profileVendor) SetProxy(ctx context.Context, id string, e *resource.Endpoint) error {
	return v.do(ctx, "proxy "+id, func() error {
		if v.alive[id] == "" {
			return &resource.Error{Reason: resource.Missing, Message: "no such profile"}
		}
		v.proxies[id] = fmt.Sprint(e)
		return nil
	})
}

func (v *profileVendor) Delete(ctx context.Context, id string, d resource.Deletion) error {
	return v.do(ctx, "delete "+id, func() error {
		switch {
		case v.alive[id] != "":
			if p := v.proxies[id]; d.Bare && p != "" && p != fmt.Sprint((*resource.Endpoint)(nil)) {
				v.dressed = append(v.dressed, id+" "+p)
			}
			delete(v.alive, id)
			v.deleted[id]++
		case d.Again: // it looked first, and did not ask again
		default:
			v.twice = append(v.twice, id)
		}
		return nil
	})
}

func (v *profileVendor) List(ctx context.Context, _ string, _ int) (list []resource.Profile, more bool, err error) {
	err = v.do(ctx, "list", func() error {
		for id, name := range v.alive {
			list = append(list, resource.Profile{ID: id, Name: name})
		}
		slices.SortFunc(list, func(a, b resource.Profile) int { return strings.Compare(a.ID, b.ID) })
		return nil
	})
	return list, false, err
}

func (v *profileVendor) names() map[string]string {
	v.mu.Lock()
	defer v.mu.Unlock()
	out := map[string]string{}
	for id, name := range v.alive {
		out[name] = id
	}
	return out
}

// ledgerBench is a bench with a vendor and a queue that is worked by hand.
type ledgerBench struct {
	*bench
	vendor *profileVendor
	queue  *jobList
	world  *proxyWorld
	// Of models: the agents and whose they are.
	agents []fleet.AgentID
	owner  map[fleet.AgentID]fleet.TeamID
}

func newLedgerBench(b *bench) *ledgerBench {
	return &ledgerBench{bench: b, vendor: b.config.Profiles.(*profileVendor), queue: b.config.Jobs.(*jobList), world: b.config.Proxies.(*proxyWorld)}
}

// proxyWorld is every proxy there is; a host in bad answers as told there.
type proxyWorld struct {
	mu    sync.Mutex
	bad   map[string]*resource.Error
	tried []string
	// broken is a fault of this server on the way to any.
	broken error
}

func (w *proxyWorld) Endpoint(p fleet.Proxy, password, session string) (resource.Endpoint, error) {
	return resource.Endpoint{Scheme: p.Scheme, Host: p.Host, Port: p.Port, Username: session, Password: password}, w.broken
}

func (w *proxyWorld) Check(_ context.Context, e resource.Endpoint, country string) (resource.Exit, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tried = append(w.tried, e.Host)
	if err := w.bad[e.Host]; err != nil {
		return resource.Exit{}, err
	}
	return resource.Exit{IP: "1.2.3.4", Country: country}, nil
}

// toggle makes a proxy fail, or work again.
func (w *proxyWorld) toggle(host string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.bad[host] == nil {
		w.bad[host] = &resource.Error{Reason: resource.Unreachable, Message: "no exit"}
		return
	}
	delete(w.bad, host)
}

func (w *proxyWorld) mend() {
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.bad)
}

// withLedger is for newBench: a vendor, proxies, and kinds that use them.
func withLedger(c *app.Config) {
	c.Jobs, c.Profiles, c.Proxies = &jobList{}, newProfileVendor(), &proxyWorld{bad: map[string]*resource.Error{}}
	both := fleet.Kind{Name: "both", Driver: "process", Setup: []string{"login", "password", "country"}, Profile: fleet.NeedRequired, Proxy: fleet.NeedRequired,
		Restart: c.Kinds["linkedin"].Restart}
	c.Kinds["both"] = both
	both.Name, both.Proxy = "maybe", fleet.NeedOptional
	c.Kinds["maybe"] = both
	for _, need := range []fleet.Need{fleet.NeedOptional, fleet.NeedRequired} {
		name := "browser " + string(need)
		c.Kinds[name] = fleet.Kind{Name: name, Driver: "process", Setup: []string{"login", "password", "country"}, Profile: need,
			Restart: c.Kinds["linkedin"].Restart}
	}
}

// work runs every job there is, also those for later, and those that these
// insert, up to a number; the clock moves on by each job's pause.
func (b *ledgerBench) work(ctx context.Context, most int) error {
	for range most {
		jobs := b.queue.take()
		if len(jobs) == 0 {
			return nil
		}
		for i, j := range jobs {
			b.clock.step(j.after)
			if err := b.run(ctx, j.args); err != nil {
				b.queue.back(jobs[i:])
				return err
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
	}
	return errors.New("there is always another job")
}

func (b *ledgerBench) run(ctx context.Context, args river.JobArgs) error {
	switch args := args.(type) {
	case app.ResourceJob:
		again, err := b.WorkResource(ctx, args.ID, args.Turn)
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil && again > 0:
			b.queue.back([]queued{{args, again}})
		}
		return err
	case app.ProxyCheckJob:
		return b.WorkProxyCheck(ctx, args.ID)
	case app.VendorCheckJob:
		return b.WorkVendorCheck(ctx, args.Name)
	}
	return fmt.Errorf("no work for %T", args)
}

// restart is a new server on the same file.
func (b *ledgerBench) restart() {
	b.t.Helper()
	b.queue.take()
	b.App = app.New(b.config)
	b.SetRunner(b.runner)
	b.ok(b.StartLedger(context.Background()))
}

func (b *ledgerBench) setUp(id fleet.AgentID) error {
	return second(b.Setup(context.Background(), b.operator, id, app.SetupInput{Login: "l", Password: "p", Country: "GB"}))
}

// rows are the agent's, newest first.
func (b *ledgerBench) rows(id fleet.AgentID) (list []fleet.Resource) {
	b.t.Helper()
	b.ok(b.store.Read(context.Background(), func(tx *store.Tx) (err error) {
		list, err = tx.AgentResources(b.team, id, 100)
		return err
	}))
	return list
}

// pool adds entries, a line each, in a country.
func (b *ledgerBench) pool(country string, capacity int, hosts ...string) {
	b.t.Helper()
	for _, host := range hosts {
		_, err := b.AddProxies(context.Background(), b.admin, app.AddProxiesInput{Entry: fleet.ProxyEntry{Host: host, Port: 8080, Username: "u", Password: "secret", Country: country, Capacity: capacity}})
		b.ok(err)
	}
	b.queue.take() // their first checks
}

// places are the agent's proxies that are not released, as "host state".
func (b *ledgerBench) places(id fleet.AgentID) (list []string) {
	b.t.Helper()
	for _, r := range b.rows(id) {
		if r.Type == fleet.ResourceProxy && r.State != fleet.ResourceReleased {
			list = append(list, r.Label+" "+string(r.State))
		}
	}
	return list
}
