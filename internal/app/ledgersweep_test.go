package app_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/internal/resource"
)

// staleList is a vendor whose list is older than what happened since.
type staleList struct {
	*profileVendor
	since func()
}

func (v staleList) List(ctx context.Context, prefix string, page int) ([]resource.Profile, bool, error) {
	list, more, err := v.profileVendor.List(ctx, prefix, page)
	v.since()
	return list, more, err
}

// A profile that cannot be deleted keeps no other from being found, and what
// was released while the list was read was not found by the sweep.
func TestASweepGoesThroughTheWholeList(t *testing.T) {
	t.Parallel()
	b := newLedgerBench(newBench(t, withLedger))
	one, two, three := b.create("browser required"), b.create("browser required"), b.create("browser required")
	for _, id := range []fleet.AgentID{one, two, three} {
		b.ok(b.setUp(id))
	}
	b.ok(b.work(t.Context(), 10))
	b.release(one)
	b.release(two)
	b.ok(b.work(t.Context(), 10))
	b.clock.step(2 * time.Minute)
	b.vendor.alive["a1"], b.vendor.alive["a2"] = b.rows(one)[0].Name(), b.rows(two)[0].Name()
	b.vendor.next = func(op string) trouble {
		if op == "delete a1" {
			return refused
		}
		return fine
	}
	b.config.Profiles = staleList{b.vendor, func() {
		b.release(three)
		b.clock.step(time.Second)
		b.ok(b.work(t.Context(), 10))
	}}
	b.restart()
	if err := b.SweepVendor(t.Context()); err == nil {
		t.Error("nobody hears of the refusal")
	}
	if _, left := b.vendor.alive["a2"]; left {
		t.Error("the second was not found behind the first")
	}
	if n := b.number(`SELECT COUNT(*) FROM audit WHERE action = 'resource.swept'`); n != 1 {
		t.Errorf("the audit says %d times that the sweep found something", n)
	}
}

// Where nothing is known of the places themselves, an agent stays at its own
// and tries again later.
func TestAPlaceIsNotChangedForNothing(t *testing.T) {
	t.Parallel()
	b := newLedgerBench(newBench(t, withLedger))
	b.pool("GB", 5, "one.example", "two.example")
	for _, host := range []string{"one.example", "two.example"} {
		b.world.bad[host] = &resource.Error{Reason: resource.Unreachable, Message: "nobody says where the exit is", Unclear: true}
	}
	id := b.create("both")
	b.ok(b.setUp(id))
	_ = b.work(t.Context(), 10)
	if rows := b.rows(id); len(rows) != 2 {
		t.Errorf("%d rows for a profile and a proxy", len(rows))
	}
	if jobs := b.queue.take(); len(jobs) != 1 || jobs[0].after < 5*time.Second {
		t.Errorf("the next try: %+v", jobs)
	}
}

// An alert goes with its cause, also where the team has nothing at the vendor
// any more or the agent has another place.
func TestAlertsGoWithTheirCause(t *testing.T) {
	t.Parallel()
	b := newLedgerBench(newBench(t, withLedger))
	b.pool("GB", 5, "one.example")
	id, leaver := b.create("both"), b.create("browser required")
	b.ok(b.setUp(id))
	b.ok(b.setUp(leaver))
	b.ok(b.work(t.Context(), 10))
	spec := b.begin(id, true)
	b.tell(spec.Run, app.RunEvent{ID: "1", Type: "rejected", Body: body{"message": "no"}})
	b.world.toggle("one.example")
	for range 2 {
		b.clock.step(time.Second)
		b.ok(b.WorkProxyCheck(t.Context(), b.rows(id)[1].ProxyID))
	}
	open := func() string {
		return strings.Join(b.column(`SELECT sub_type FROM alerts WHERE type = 'resource' AND state <> 'resolved' ORDER BY sub_type`), " ")
	}
	if got := open(); got != "proxy_failing" {
		t.Fatalf("the proxy fails, and there is %q", got)
	}
	b.pool("GB", 5, "two.example")
	pool, _, err := b.Proxies(t.Context(), b.viewer, app.ProxyFilter{}, app.PageInput{})
	b.ok(err)
	b.ok(b.WorkProxyCheck(t.Context(), pool[0].ID))
	b.ok(b.setUp(id))
	b.ok(b.work(t.Context(), 10))
	if got := open(); got != "" {
		t.Errorf("with another place there is %q", got)
	}
	b.vendor.next = func(string) trouble { return revoked }
	b.release(leaver)
	b.ok(second(b.End(t.Context(), b.operator, id, app.ReasonInput{})))
	b.ok(second(b.Delete(t.Context(), b.deleter, id, app.DeleteInput{})))
	b.ok(b.work(t.Context(), 10))
	if got := open(); got != "vendor_stopped" {
		t.Fatalf("after a 429 there is %q", got)
	}
	for _, id := range []fleet.AgentID{id, leaver} {
		for _, r := range b.rows(id) {
			if r.Open() && r.Type == fleet.ResourceProfile {
				b.ok(second(b.ForgetResource(t.Context(), b.admin, r.ID, app.ReasonInput{Reason: "by hand"})))
			}
		}
	}
	b.vendor.next = func(string) trouble { return fine }
	b.ok(second(b.CheckVendor(t.Context(), b.admin, "gologin")))
	b.ok(b.work(t.Context(), 10))
	if got := open(); got != "" {
		t.Errorf("the vendor answers, and there is %q", got)
	}
}

// An absence is told once, not with every look.
func TestAnAbsenceIsToldOnce(t *testing.T) {
	t.Parallel()
	b := newLedgerBench(newBench(t, withLedger))
	b.ok(b.setUp(b.create("browser required")))
	b.away()
	for range 30 {
		b.clock.step(10 * time.Second)
		b.ok(b.SweepLedger(t.Context()))
	}
	if got := b.column(`SELECT state || ' ' || n FROM alerts WHERE sub_type = 'vendor_down'`); !slices.Equal(got, []string{"open 1"}) {
		t.Errorf("the alerts are %q", got)
	}
}

// What goes wrong inside this server is for its log, not for pages.
func TestAFaultOfThisServerIsForItsLog(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	b := newLedgerBench(newBench(t, func(c *app.Config) { withLedger(c); c.Log = slog.New(slog.NewTextHandler(&log, nil)) }))
	b.pool("GB", 5, "one.example")
	b.world.broken = errors.New("sql: canary")
	id := b.create("both")
	b.ok(b.setUp(id))
	_ = b.work(t.Context(), 3)
	for _, r := range b.rows(id) {
		if strings.Contains(fmt.Sprint(r), "canary") || r.Type == fleet.ResourceProxy && r.LastError == "" {
			t.Errorf("people read %+v", r)
		}
	}
	if !strings.Contains(log.String(), "canary") {
		t.Errorf("the log says %s", log.String())
	}
}
