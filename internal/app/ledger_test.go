package app_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"agentry/internal/app"
	"agentry/internal/fleet"
)

// A profile is made at setup, held by the agent, and gone after the relaunch;
// every step is in the audit.
func TestAProfileLivesWithItsIncarnation(t *testing.T) {
	t.Parallel()
	b := newLedgerBench(newBench(t, withLedger))
	id := b.create("browser required")
	b.ok(b.setUp(id))
	r := b.rows(id)[0]
	if r.State != fleet.ResourceWanted || r.Type != fleet.ResourceProfile || r.Vendor != "gologin" {
		t.Fatalf("before the work: %+v", r)
	}
	if _, wanted, wait, err := b.BeginRun(t.Context(), id); !wanted || wait == 0 || err != nil {
		t.Errorf("the program begins without its profile: wanted %v, wait %v, %v", wanted, wait, err)
	}
	wakes := b.runner.count()
	b.ok(b.work(t.Context(), 5))
	r = b.rows(id)[0]
	if r.State != fleet.ResourceHeld || r.ExternalID != b.vendor.names()[r.Name()] || r.HeldAt.IsZero() {
		t.Fatalf("after the work: %+v", r)
	}
	if b.runner.count() == wakes {
		t.Error("nobody woke the runner")
	}
	if spec := b.begin(id, true); spec.Run.Epoch != 1 {
		t.Errorf("the run is %+v", spec.Run)
	}
	b.ok(second(b.End(t.Context(), b.operator, id, app.ReasonInput{})))
	if b.rows(id)[0].State != fleet.ResourceHeld {
		t.Error("an ended agent can be relaunched: it keeps what it has until then")
	}
	b.ok(second(b.Relaunch(t.Context(), b.operator, id, app.ReasonInput{})))
	if got := b.rows(id)[0].State; got != fleet.ResourceReleasing {
		t.Errorf("after the relaunch it is %s", got)
	}
	b.ok(b.work(t.Context(), 5))
	if r = b.rows(id)[0]; r.State != fleet.ResourceReleased || r.ReleasedAt.IsZero() || len(b.vendor.names()) != 0 {
		t.Errorf("after the work: %+v, %v", r, b.vendor.names())
	}
	said := strings.Join(b.column(`SELECT action FROM audit WHERE action LIKE 'resource.%' ORDER BY id`), " ")
	if said != "resource.held resource.released" {
		t.Errorf("the audit says %s", said)
	}
}

// What was wanted and never asked for is gone at once, and nobody is asked.
func TestNeverAskedForIsGoneAtOnce(t *testing.T) {
	t.Parallel()
	b := newLedgerBench(newBench(t, withLedger))
	id := b.create("browser required")
	b.ok(b.setUp(id))
	b.ok(second(b.End(t.Context(), b.operator, id, app.ReasonInput{})))
	b.ok(second(b.Delete(t.Context(), b.deleter, id, app.DeleteInput{})))
	if got := b.rows(id)[0].State; got != fleet.ResourceReleased {
		t.Errorf("it is %s", got)
	}
	b.ok(b.work(t.Context(), 5))
	if len(b.vendor.calls) > 0 {
		t.Errorf("the vendor was asked: %v", b.vendor.calls)
	}
}

// The first 429 stops everything, also over a restart, until there is another
// token or somebody's check succeeds.
func TestARevokedTokenStopsTheQueue(t *testing.T) {
	t.Parallel()
	b := newLedgerBench(newBench(t, withLedger))
	id, other := b.create("browser required"), b.create("browser optional")
	b.ok(b.setUp(id))
	b.ok(b.setUp(other))
	b.vendor.next = func(string) trouble { return revoked }
	b.ok(b.work(t.Context(), 5))
	if len(b.vendor.calls) != 1 {
		t.Fatalf("asked after the refusal: %v", b.vendor.calls)
	}
	b.vendor.next = func(string) trouble { return fine }
	b.restart()
	b.ok(b.work(t.Context(), 5))
	b.clock.step(time.Hour)
	b.ok(b.SweepLedger(t.Context()))
	b.ok(b.SweepVendor(t.Context()))
	b.ok(b.work(t.Context(), 5))
	list := must[[]fleet.Vendor](t)(b.Vendors(t.Context(), b.viewer))
	if len(b.vendor.calls) != 1 || list[0].State != fleet.VendorStopped {
		t.Fatalf("asked after the restart: %v, %+v", b.vendor.calls, list)
	}
	if r := b.rows(id)[0]; !r.Stuck() || !strings.Contains(r.LastError, "GoLogin is not asked any more") {
		t.Errorf("the row says nothing: %+v", r)
	}
	b.ok(second(b.CheckVendor(t.Context(), b.admin, "gologin")))
	b.ok(b.work(t.Context(), 5))
	if b.rows(id)[0].State != fleet.ResourceHeld || b.rows(other)[0].State != fleet.ResourceHeld {
		t.Error("what waited does not go on")
	}
	b.vendor.next = func(string) trouble { return revoked }
	third := b.create("browser required")
	b.ok(b.setUp(third))
	b.ok(b.work(t.Context(), 5))
	b.vendor.next = func(string) trouble { return fine }
	b.vendor.mark = "second"
	b.restart()
	b.ok(b.work(t.Context(), 5))
	if b.rows(third)[0].State != fleet.ResourceHeld {
		t.Error("another token does not help")
	}
}

// A 429 for a former token that arrives when another is in place says nothing
// of that one.
func TestALateRefusalIsNotForTheNewToken(t *testing.T) {
	t.Parallel()
	b := newLedgerBench(newBench(t, withLedger))
	id := b.create("browser required")
	b.ok(b.setUp(id))
	late := false
	b.vendor.next = func(string) trouble {
		if late {
			return fine
		}
		late, b.vendor.mark = true, "second"
		return revoked
	}
	b.ok(b.work(t.Context(), 10))
	if list := must[[]fleet.Vendor](t)(b.Vendors(t.Context(), b.viewer)); list[0].State != fleet.VendorOK {
		t.Errorf("the new token counts as refused: %+v", list[0])
	}
	if r := b.rows(id)[0]; r.State != fleet.ResourceHeld {
		t.Errorf("it does not go on: %+v", r)
	}
}

// While the vendor is away nothing but one probe at a time asks it, relaunch
// and delete go on at once, and with its return everything is released.
func TestAVendorThatIsAwayHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	b := newLedgerBench(newBench(t, withLedger))
	var ids []fleet.AgentID
	for range 20 {
		id := b.create("browser required")
		b.ok(b.setUp(id))
		ids = append(ids, id)
	}
	b.ok(b.work(t.Context(), 5))
	b.vendor.next = func(string) trouble { return lostBefore }
	for _, id := range ids {
		b.ok(second(b.End(t.Context(), b.operator, id, app.ReasonInput{})))
		b.ok(second(b.Delete(t.Context(), b.deleter, id, app.DeleteInput{})))
	}
	b.ok(b.work(t.Context(), 20))
	before := len(b.vendor.calls)
	for range 360 {
		b.clock.step(10 * time.Second)
		b.ok(b.SweepLedger(t.Context()))
		b.ok(b.work(t.Context(), 5))
	}
	if asked := len(b.vendor.calls) - before; asked > 360 {
		t.Errorf("%d calls in an hour of absence", asked)
	}
	for _, id := range ids {
		if r := b.rows(id)[0]; r.State != fleet.ResourceReleasing || !r.Stuck() {
			t.Fatalf("pending is not said: %+v", r)
		}
	}
	if told := b.column(`SELECT n || state FROM alerts WHERE sub_type = 'vendor_down'`); len(told) != 1 || told[0] != "1open" {
		t.Errorf("people are told %v", told)
	}
	b.vendor.next = func(string) trouble { return fine }
	start := b.clock.Now()
	b.ok(b.SweepLedger(t.Context()))
	b.ok(b.work(t.Context(), 20))
	if took := b.clock.Now().Sub(start); len(b.vendor.names()) != 0 || took > 30*time.Second {
		t.Errorf("%d left after %v", len(b.vendor.names()), took)
	}
	if n := b.number(`SELECT COUNT(*) FROM alerts WHERE state = 'open'`); n != 0 {
		t.Errorf("%d alerts are left", n)
	}
	for id, n := range b.vendor.deleted {
		if n != 1 {
			t.Errorf("%s was deleted %d times", id, n)
		}
	}
}

// A vendor that answers some of the time is not away: what fails is tried
// again, and the rest need not wait for a sweep.
func TestAVendorThatAnswersNowAndThen(t *testing.T) {
	t.Parallel()
	b := newLedgerBench(newBench(t, withLedger))
	failed := 0
	b.vendor.next = func(op string) trouble {
		if failed++; op == "check" || failed > 30 {
			return fine
		}
		return lostBefore
	}
	for range 20 {
		b.ok(b.setUp(b.create("browser required")))
	}
	b.ok(b.work(t.Context(), 20))
	if failed < 30 {
		t.Fatalf("only %d calls", failed)
	}
	if list := must[[]fleet.Vendor](t)(b.Vendors(t.Context(), b.viewer)); list[0].State != fleet.VendorOK {
		t.Errorf("it counts as %+v", list[0])
	}
	b.vendor.next = func(string) trouble { return lostBefore }
	for range 20 {
		b.ok(b.setUp(b.create("browser required")))
	}
	b.ok(b.work(t.Context(), 20))
	if list := must[[]fleet.Vendor](t)(b.Vendors(t.Context(), b.viewer)); list[0].State != fleet.VendorDown {
		t.Errorf("away for good, it counts as %+v", list[0])
	}
}

// An agent may go while the vendor is making its profile: what was made is
// known and released.
func TestDroppedWhileItIsMade(t *testing.T) {
	t.Parallel()
	b := newLedgerBench(newBench(t, withLedger))
	id := b.create("browser required")
	b.ok(b.setUp(id))
	b.vendor.during = func(op string) {
		if strings.HasPrefix(op, "create") {
			b.ok(second(b.End(context.Background(), b.operator, id, app.ReasonInput{})))
			b.ok(second(b.Delete(context.Background(), b.deleter, id, app.DeleteInput{})))
		}
	}
	b.ok(b.work(t.Context(), 20))
	if r := b.rows(id)[0]; r.State != fleet.ResourceReleased || r.ExternalID == "" || len(b.vendor.alive) > 0 {
		t.Errorf("%+v, %v", r, b.vendor.alive)
	}
	if said := strings.Join(b.vendor.calls, " "); strings.Contains(said, "find") || strings.Contains(said, "proxy") {
		t.Errorf("asked for more than was known: %s", said)
	}
}

// What an unclear create made may show late in the vendor's list: it is looked
// for now and then until it counts as never made, and deleted soon.
func TestWhatShowsLateIsDeletedSoon(t *testing.T) {
	t.Parallel()
	b := newLedgerBench(newBench(t, withLedger))
	id := b.create("browser required")
	b.ok(b.setUp(id))
	b.vendor.next = func(op string) trouble {
		if !strings.HasPrefix(op, "create") {
			return fine
		}
		b.ok(second(b.End(context.Background(), b.operator, id, app.ReasonInput{})))
		b.ok(second(b.Delete(context.Background(), b.deleter, id, app.DeleteInput{})))
		return lostLate
	}
	start := b.clock.Now()
	if b.work(t.Context(), 2) == nil { // asked for, and looked for once
		t.Fatalf("nobody looks again: %v", b.vendor.calls)
	}
	for _, effect := range b.vendor.late {
		effect()
	}
	if len(b.vendor.alive) != 1 {
		t.Fatalf("there is nothing to find: %v", b.vendor.calls)
	}
	b.ok(b.work(t.Context(), 20))
	if took := b.clock.Now().Sub(start); len(b.vendor.alive) > 0 || took > 5*time.Second {
		t.Errorf("%d alive after %s: %v", len(b.vendor.alive), took, b.vendor.calls)
	}
}

// The page says what a sign-in waits for, and so does the alert when it was too
// long; the program is told of its profile.
func TestTheAgentSaysWhatItWaitsFor(t *testing.T) {
	t.Parallel()
	b := newLedgerBench(newBench(t, withLedger))
	id := b.create("browser required")
	b.ok(b.setUp(id))
	if why := b.get(id).Why; why != "Preparing its browser profile" {
		t.Errorf("before the first try: %q", why)
	}
	b.vendor.next = func(string) trouble { return refused }
	b.ok(b.run(t.Context(), b.queue.take()[0].args))
	if why := b.get(id).Why; why != "Preparing its browser profile: not allowed" {
		t.Errorf("after a refusal: %q", why)
	}
	if said := b.column(`SELECT message FROM alerts WHERE type = 'resource' AND state = 'open'`); len(said) != 1 || said[0] != "The browser profile cannot be had: not allowed" {
		t.Errorf("the alerts say %q", said)
	}
	b.clock.step(11 * time.Minute)
	b.ok(b.Tick(t.Context()))
	v := b.get(id)
	if said := b.column(`SELECT message FROM alerts WHERE sub_type = 'timeout'`); v.Status != fleet.AuthNeeded || len(said) != 1 || !strings.Contains(said[0], "The browser profile was not ready within 10 minutes: not allowed") {
		t.Errorf("%s: %q", v.Status, said)
	}
	b.vendor.next = func(string) trouble { return fine }
	b.ok(b.setUp(id)) // at once, not when the next try was due
	jobs := b.queue.take()
	last := jobs[len(jobs)-1]
	if last.after != 0 {
		t.Errorf("the next try is in %v", last.after)
	}
	b.ok(b.run(t.Context(), last.args))
	if n := b.number(`SELECT COUNT(*) FROM alerts WHERE type = 'resource' AND state <> 'resolved'`); n != 0 {
		t.Errorf("%d alerts are left", n)
	}
	spec := b.begin(id, true)
	told := must[map[string]string](t)(b.RunCredentials(t.Context(), spec.Run))
	if r := b.rows(id)[0]; told["browserProfileId"] != r.ExternalID || r.ExternalID == "" || told["login"] != "l" || len(b.rows(id)) != 1 {
		t.Errorf("the program is told %v of %+v", told, r)
	}
}

// A kind that needs a profile is refused where nobody makes profiles; one that
// can do without does.
func TestSetupWithoutAVendor(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(c *app.Config) { withLedger(c); c.Profiles = nil })
	for kind, code := range map[string]fleet.Code{"browser required": fleet.CodeConflict, "browser optional": ""} {
		id := b.create(kind)
		_, err := b.Setup(t.Context(), b.operator, id, app.SetupInput{Login: "l", Password: "p", Country: "GB"})
		if fleet.CodeOf(err) != code || code == "" && err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		if status := b.get(id).Status; (status == fleet.SetupNeeded) != (code != "") {
			t.Errorf("%s: it is %s", kind, status)
		}
	}
}
