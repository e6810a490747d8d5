package app_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/riverqueue/river"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/internal/resource"
	"agentry/internal/store"
)

// ways is how proxies are reached in these tests: each check takes the answer
// of its entry.
type ways struct {
	mu        sync.Mutex
	answers   map[string]error // by the entry's address; absent is well
	asked     []string         // endpoints with their credentials
	meanwhile func()
}

func (w *ways) Endpoint(p fleet.Proxy, password, session string) (resource.Endpoint, error) {
	v := fleet.ProxyValues{Country: p.Country, Session: session, TTL: p.SessionTTL}
	user, err := fleet.FillProxyTemplate(p.Username, v)
	if err != nil {
		return resource.Endpoint{}, &resource.Error{Reason: resource.Invalid, Message: "cannot be filled in"}
	}
	password, err = fleet.FillProxyTemplate(password, v)
	return resource.Endpoint{Scheme: p.Scheme, Host: p.Host, Port: p.Port, Username: user, Password: password}, err
}

func (w *ways) Check(_ context.Context, e resource.Endpoint, country string) (resource.Exit, error) {
	w.mu.Lock()
	f := w.meanwhile
	w.asked = append(w.asked, e.URL().String())
	err := w.answers[e.String()]
	w.mu.Unlock()
	if f != nil {
		f()
	}
	if err != nil {
		return resource.Exit{}, err
	}
	return resource.Exit{IP: "192.0.2.77", Country: country, Latency: 5 * time.Millisecond}, nil
}

func (w *ways) set(p fleet.Proxy, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answers[fmt.Sprintf("%s://%s:%d", p.Scheme, p.Host, p.Port)] = err
}

func (w *ways) take() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer func() { w.asked = nil }()
	return w.asked
}

func fault(reason resource.Reason, message string) error {
	return &resource.Error{Reason: reason, Message: message}
}

type poolBench struct {
	*bench
	ways  *ways
	queue *jobList
}

func newPool(t *testing.T) *poolBench {
	t.Helper()
	b := newBench(t, func(c *app.Config) {
		c.Proxies, c.Jobs = &ways{answers: map[string]error{}}, &jobList{}
	})
	return &poolBench{b, b.config.Proxies.(*ways), b.config.Jobs.(*jobList)}
}

// work does the checks that there are jobs for, and those that follow.
func (b *poolBench) work() (n int) {
	b.t.Helper()
	for jobs := b.queue.take(); len(jobs) > 0; jobs = b.queue.take() {
		for _, j := range jobs {
			if args, ok := j.args.(app.ProxyCheckJob); ok {
				n++
				b.ok(b.WorkProxyCheck(context.Background(), args.ID))
			}
		}
	}
	return n
}

func (b *poolBench) look(id string) fleet.Proxy {
	b.t.Helper()
	p, err := b.Proxy(context.Background(), b.viewer, id)
	b.ok(err)
	return p
}

// hold gives an agent a place at an entry.
func (b *poolBench) hold(id fleet.AgentID, p fleet.Proxy, typ fleet.ResourceType, state fleet.ResourceState) fleet.Resource {
	b.t.Helper()
	r := fleet.Resource{
		ID: fleet.NewID(b.Now()), TeamID: b.team, AgentID: id, Incarnation: 1, Type: typ, Vendor: fleet.VendorPool, State: state,
		ProxyID: p.ID, CreatedAt: b.Now(), StateAt: b.Now(), UpdatedAt: b.Now(),
	}
	if typ == fleet.ResourceProfile {
		r.ProxyID, r.Vendor = "", "gologin"
	}
	b.ok(b.store.Write(context.Background(), func(tx *store.Tx) error { return tx.InsertResource(r) }))
	return r
}

func TestProxiesAreAddedWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	b := newPool(t)
	ctx := t.Context()
	_, err := b.AddProxies(ctx, b.admin, app.AddProxiesInput{Text: "192.0.2.1:80,GB\ncanary\n192.0.2.2:80,GB\nhost:1:u:canary{x},GB\n"})
	wantErr(t, "wrong lines", err, fleet.CodeValidation, "2 of 4 lines are wrong, and nothing was added. Line 2: must be scheme://user:password@host:port, host:port:user:password or host:port. Line 4: "+
		"password: has a { that begins none of {cc}, {CC}, {sid} and {ttl_min}; a brace itself is written {{")
	if fields := err.(*fleet.Error).Fields; len(fields) != 2 || fields["line 2"] == "" || fields["line 4"] == "" || strings.Contains(fmt.Sprint(err, fields), "canary") {
		t.Errorf("%v", fields)
	}
	if n := b.number(`SELECT COUNT(*) FROM proxies`); n != 0 || len(b.queue.take()) != 0 {
		t.Errorf("%d entries of a text with wrong lines", n)
	}
	_, err = b.AddProxies(ctx, b.admin, app.AddProxiesInput{Text: "# nothing\n"})
	wantErr(t, "an empty text", err, fleet.CodeValidation, "text: has no proxy in it: write one a line, as host:port:user:password")
	out, err := b.AddProxies(ctx, b.admin, app.AddProxiesInput{Text: "192.0.2.1:80:user:canary,FR,Paris\nsocks5://u:canary@192.0.2.2:80\n", Entry: fleet.ProxyEntry{Country: "gb", Capacity: 3}})
	b.ok(err)
	if len(out.Added) != 2 || out.There != 0 || out.Added[0].Country != "FR" || out.Added[0].Label != "Paris" || out.Added[1].Country != "GB" || out.Added[1].Capacity != 3 || !out.Added[1].HasPassword {
		t.Errorf("%+v", out)
	}
	out, err = b.AddProxies(ctx, b.admin, app.AddProxiesInput{Text: "192.0.2.1:80:user:other,FR\n192.0.2.3:80,FR"})
	b.ok(err)
	if len(out.Added) != 1 || out.There != 1 {
		t.Errorf("a text that is partly known: %+v", out)
	}
	_, err = b.AddProxies(ctx, b.admin, app.AddProxiesInput{Entry: fleet.ProxyEntry{Host: "192.0.2.3", Port: 80, Country: "FR"}})
	wantErr(t, "the same again", err, fleet.CodeConflict, "The pool has a proxy with this address, username and country already")
	if got := b.column(`SELECT detail FROM audit WHERE action = 'proxy.add' AND outcome = 'done' ORDER BY id`); len(got) != 2 || !strings.HasPrefix(got[0], `{"added":2,`) || !strings.Contains(got[1], `"there":1`) {
		t.Errorf("audit: %q", got)
	}
	if n := b.number(`SELECT COUNT(*) FROM events WHERE type = 'proxy.changed' AND agent_id = ''`); n != 2 {
		t.Errorf("%d events", n)
	}
	if b.holds("canary") {
		t.Error("a password is in the file")
	}
	if n := b.work(); n != 3 {
		t.Errorf("%d checks of 3 new entries", n)
	}
}

// Every entry of a long text is checked once, soon, a few at a time.
func TestNewProxiesAreCheckedAtOnce(t *testing.T) {
	t.Parallel()
	b := newPool(t)
	var text strings.Builder
	for i := range 100 {
		fmt.Fprintf(&text, "192.0.2.1:%d,GB\n", i+1)
	}
	_, err := b.AddProxies(t.Context(), b.admin, app.AddProxiesInput{Text: text.String()})
	b.ok(err)
	b.ok(b.SweepLedger(t.Context()))
	first := b.queue.take()
	if len(first) != 20 {
		t.Errorf("%d checks at once", len(first))
	}
	for _, j := range first {
		b.ok(b.WorkProxyCheck(t.Context(), j.args.(app.ProxyCheckJob).ID))
	}
	b.work()
	asked := b.ways.take()
	slices.Sort(asked)
	if len(asked) != 100 || len(slices.Compact(asked)) != 100 {
		t.Errorf("%d checks", len(asked))
	}
	// A job that is lost is made good.
	b.clock.step(31 * time.Hour)
	b.ok(b.SweepLedger(t.Context()))
	b.queue.take()
	b.ok(b.SweepLedger(t.Context()))
	if n := len(b.queue.take()); n != 0 {
		t.Errorf("%d checks while others wait", n)
	}
	b.clock.step(11 * time.Minute)
	b.ok(b.SweepLedger(t.Context()))
	if n := len(b.queue.take()); n != 20 {
		t.Errorf("%d checks after the jobs were lost", n)
	}
}

func TestProxyQuarantine(t *testing.T) {
	t.Parallel()
	b := newPool(t)
	p := b.proxy("GB")
	b.work()
	if got := b.look(p.ID); got.Health != fleet.ProxyHealthy || got.LastIP != "192.0.2.77" || got.LastCountry != "GB" || got.Latency != 5*time.Millisecond || !got.LastOKAt.Equal(b.Now()) {
		t.Errorf("%+v", got)
	}
	ended, running := b.in(fleet.Ended, "rehearsal"), b.in(fleet.Running, "rehearsal")
	b.hold(ended, p, fleet.ResourceProxy, fleet.ResourceHeld)
	b.hold(running, p, fleet.ResourceProxy, fleet.ResourceHeld)
	open := func() string {
		return strings.Join(b.column(`SELECT agent_id || ' ' || type || '/' || sub_type || ' ' || message FROM alerts WHERE type = 'resource' AND state = 'open'`), "; ")
	}
	b.ways.set(p, fault(resource.Unreachable, "The proxy did not answer"))
	check := func() fleet.Proxy {
		t.Helper()
		_, err := b.CheckProxy(t.Context(), b.operator, p.ID)
		b.ok(err)
		b.clock.step(time.Second)
		if n := b.work(); n != 1 {
			t.Fatalf("%d checks", n)
		}
		return b.look(p.ID)
	}
	if got := check(); got.Health != fleet.ProxyHealthy || got.Fails != 1 || got.LastError != "The proxy did not answer" || open() != "" {
		t.Errorf("after one failure: %+v, %s", got, open())
	}
	if got := check(); got.Health != fleet.ProxyQuarantined || got.Fails != 2 || open() != string(running)+" resource/proxy_failing The proxy Exit does not work: The proxy did not answer" {
		t.Errorf("after two: %+v, %s", got, open())
	}
	// It is tried again by itself, and one good check lets it back.
	b.ok(b.SweepLedger(t.Context()))
	if n := b.work(); n != 0 {
		t.Errorf("%d checks too early", n)
	}
	b.ways.set(p, nil)
	b.clock.step(time.Minute)
	b.ok(b.SweepLedger(t.Context()))
	if n := b.work(); n != 1 {
		t.Errorf("%d checks when it was due", n)
	}
	if got := b.look(p.ID); got.Health != fleet.ProxyHealthy || got.Fails != 0 || got.LastError != "" || open() != "" {
		t.Errorf("after a good check: %+v, %s", got, open())
	}
	b.ways.set(p, fault(resource.Unauthorized, "not accepted"))
	if got := check(); got.Health != fleet.ProxyQuarantined || got.Fails != 1 || open() == "" {
		t.Errorf("wrong credentials: %+v, %s", got, open())
	}
	b.ways.set(p, nil)
	check()
	b.ways.set(p, &resource.Error{Reason: resource.Unreachable, Message: "the check could not be made", Unclear: true})
	if got := check(); got.Health != fleet.ProxyHealthy || got.Fails != 0 || got.LastError == "" || open() != "" {
		t.Errorf("a check that says nothing: %+v, %s", got, open())
	}
}

// What a check says of an entry that was changed meanwhile counts for nothing.
func TestProxyChangedDuringItsCheck(t *testing.T) {
	t.Parallel()
	b := newPool(t)
	p := b.proxy("GB")
	jobs := b.queue.take()
	b.ways.set(p, fault(resource.Unauthorized, "not accepted"))
	password := "better"
	b.ways.meanwhile = func() {
		_, err := b.UpdateProxy(context.Background(), b.admin, p.ID, app.UpdateProxyInput{Password: &password})
		b.ok(err)
	}
	b.ok(b.WorkProxyCheck(t.Context(), jobs[0].args.(app.ProxyCheckJob).ID))
	b.ways.meanwhile = nil
	if got := b.look(p.ID); got.Health != fleet.ProxyUnknown || got.Fails != 0 || got.LastError != "" {
		t.Errorf("%+v", got)
	}
	b.ways.set(p, nil)
	b.work()
	if got := b.look(p.ID); got.Health != fleet.ProxyHealthy {
		t.Errorf("%+v", got)
	}
	asked := b.ways.take()
	if len(asked) != 2 || !strings.Contains(asked[0], "user-gb:canary-gb@") || !strings.Contains(asked[1], "user-gb:better@") {
		t.Errorf("asked %q", asked)
	}
	// What is deleted meanwhile is no failure.
	b.queue.take()
	b.ways.meanwhile = func() { b.ok(b.DeleteProxy(context.Background(), b.admin, p.ID)) }
	b.ok(b.WorkProxyCheck(t.Context(), p.ID))
	b.ways.meanwhile = nil
	b.ok(b.WorkProxyCheck(t.Context(), p.ID))
}

// A clock that is set, forth or back, makes no check too late by more than its
// pause.
func TestProxyChecksSurviveTheClock(t *testing.T) {
	t.Parallel()
	for _, jump := range []time.Duration{-time.Hour, -400 * 24 * time.Hour, 31 * time.Hour} {
		b := newPool(t)
		p := b.proxy("GB")
		b.work()
		b.clock.step(time.Second)
		b.clock.jump(jump)
		b.ok(b.SweepLedger(t.Context()))
		if n := b.work(); n != 1 {
			t.Errorf("%v: %d checks", jump, n)
		}
		if got := b.look(p.ID); !got.LastCheckAt.Equal(b.Now()) || got.NextCheckAt.Sub(b.Now()) > fleet.ProxyCheckMost {
			t.Errorf("%v: %+v", jump, got)
		}
		b.ok(b.SweepLedger(t.Context()))
		if n := b.work(); n != 0 {
			t.Errorf("%v: %d checks more", jump, n)
		}
	}
}

func TestUpdateProxy(t *testing.T) {
	t.Parallel()
	b := newPool(t)
	ctx := t.Context()
	p := b.proxy("GB")
	b.work()
	label, off, port, country, bad, capacity := "Other", false, 9999, "FR", "hunter2{", 3
	got, err := b.UpdateProxy(ctx, b.admin, p.ID, app.UpdateProxyInput{Label: &label, Enabled: &off, Capacity: &capacity, IfVersion: 1})
	b.ok(err)
	if got.Label != "Other" || got.Enabled || got.Capacity != 3 || got.Health != fleet.ProxyHealthy || got.Version != 2 || !got.HasPassword {
		t.Errorf("%+v", got)
	}
	_, err = b.UpdateProxy(ctx, b.admin, p.ID, app.UpdateProxyInput{Label: &label, IfVersion: 1})
	wantErr(t, "another version", err, fleet.CodeVersion, "The proxy was changed meanwhile: it is at version 2, not 1")
	_, err = b.UpdateProxy(ctx, b.admin, p.ID, app.UpdateProxyInput{Password: &bad})
	if fleet.CodeOf(err) != fleet.CodeValidation || strings.Contains(err.Error(), "hunter2") {
		t.Error(err)
	}
	id := b.in(fleet.Running, "rehearsal")
	b.hold(id, p, fleet.ResourceProxy, fleet.ResourceHeld)
	profile := b.hold(id, p, fleet.ResourceProfile, fleet.ResourceHeld)
	_, err = b.UpdateProxy(ctx, b.admin, p.ID, app.UpdateProxyInput{Country: &country})
	wantErr(t, "a country in use", err, fleet.CodeConflict, "1 agent uses this proxy, and an agent's country must not change under it: add another entry")
	b.queue.take()
	got, err = b.UpdateProxy(ctx, b.admin, p.ID, app.UpdateProxyInput{Port: &port})
	b.ok(err)
	if got.Port != 9999 || got.Health != fleet.ProxyUnknown || !got.NextCheckAt.Equal(b.Now()) {
		t.Errorf("%+v", got)
	}
	var jobs []string
	for _, j := range b.queue.take() {
		jobs = append(jobs, fmt.Sprintf("%T", j.args))
	}
	slices.Sort(jobs)
	if state := b.column(`SELECT state FROM resources WHERE id = ?`, profile.ID); state[0] != "acquiring" || !slices.Equal(jobs, []string{"app.ProxyCheckJob", "app.ResourceJob"}) {
		t.Errorf("the profile of who uses it is %s, jobs %v", state, jobs)
	}
	if audit := b.column(`SELECT detail FROM audit WHERE action = 'proxy.update' AND outcome = 'done' ORDER BY id`); len(audit) != 2 || !strings.Contains(audit[0], `["label","capacity","enabled"]`) || !strings.Contains(audit[1], `["port"]`) {
		t.Errorf("audit: %q", audit)
	}
}

func TestDeleteProxy(t *testing.T) {
	t.Parallel()
	b := newPool(t)
	p := b.proxy("GB")
	var places []fleet.Resource
	for range 2 {
		places = append(places, b.hold(b.in(fleet.Paused, "rehearsal"), p, fleet.ResourceProxy, fleet.ResourceReleasing))
	}
	wantErr(t, "in use", b.DeleteProxy(t.Context(), b.admin, p.ID), fleet.CodeConflict,
		"2 agents use this proxy: switch it off, so that no other agent gets it, and delete it when it is free")
	sealed := b.column(`SELECT HEX(data_key) FROM proxies`)[0]
	for _, r := range places {
		r.State = fleet.ResourceReleased
		b.ok(b.store.Write(t.Context(), func(tx *store.Tx) error { return second(tx.SaveResource(r, 0)) }))
	}
	b.ok(b.DeleteProxy(t.Context(), b.admin, p.ID))
	wantErr(t, "twice", b.DeleteProxy(t.Context(), b.admin, p.ID), fleet.CodeNotFound, "Proxy not found")
	if left := b.number(`SELECT COUNT(*) FROM proxies`); left != 0 || len(sealed) == 0 {
		t.Errorf("%d entries left", left)
	}
	if audit := b.column(`SELECT outcome || ' ' || detail FROM audit WHERE action = 'proxy.delete' ORDER BY id`); !slices.Equal(audit, []string{"conflict {}", `done {"proxyId":"` + p.ID + `"}`}) {
		t.Errorf("audit: %q", audit)
	}
}

var errQueue = errors.New("the queue is broken")

type brokenQueue struct{}

func (brokenQueue) Insert(context.Context, *store.Tx, river.JobArgs, time.Duration) error {
	return errQueue
}

// A broken queue leaves nothing changed.
func TestProxyCheckNeedsItsJob(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(c *app.Config) { c.Proxies, c.Jobs = &ways{answers: map[string]error{}}, brokenQueue{} })
	// Entries are there; the sweep begins with their checks.
	b.ok(second(b.AddProxies(t.Context(), b.admin, app.AddProxiesInput{Text: "192.0.2.1:1,GB"})))
	id := b.column(`SELECT id FROM proxies`)[0]
	before := b.number(`SELECT COUNT(*) FROM audit`)
	if _, err := b.CheckProxy(t.Context(), b.operator, id); !errors.Is(err, errQueue) {
		t.Error(err)
	}
	if after := b.number(`SELECT COUNT(*) FROM audit`); after != before {
		t.Error("a check that was not queued is in the audit")
	}
}
