package app_test

import (
	"strings"
	"testing"
	"time"

	"agentry/internal/app"
	"agentry/internal/fleet"
)

// release ends and relaunches an agent: what it has outside is to go.
func (b *ledgerBench) release(id fleet.AgentID) {
	b.t.Helper()
	b.ok(second(b.End(b.t.Context(), b.operator, id, app.ReasonInput{})))
	b.ok(second(b.Relaunch(b.t.Context(), b.operator, id, app.ReasonInput{})))
}

// away makes the vendor unreachable until it counts as down.
func (b *ledgerBench) away() {
	b.t.Helper()
	b.vendor.next = func(string) trouble { return lostBefore }
	b.ok(b.work(b.t.Context(), 40))
	if list := must[[]fleet.Vendor](b.t)(b.Vendors(b.t.Context(), b.viewer)); list[0].State != fleet.VendorDown {
		b.t.Fatalf("it counts as %+v", list[0])
	}
}

// A vendor may come back at a moment when nothing can be written: what waits
// for it goes on all the same.
func TestWhatWaitedGoesOnAfterAFullDisk(t *testing.T) {
	t.Parallel()
	b := newLedgerBench(newBench(t, withLedger))
	id := b.create("browser required")
	b.ok(b.setUp(id))
	b.away()
	b.vendor.next = func(string) trouble { return fine }
	b.queue.full = true
	if err := b.SweepLedger(t.Context()); fleet.CodeOf(err) != fleet.CodeDiskFull {
		t.Fatalf("got %v", err)
	}
	b.queue.full = false
	b.ok(b.SweepLedger(t.Context()))
	b.ok(b.work(t.Context(), 10))
	if r := b.rows(id)[0]; r.State != fleet.ResourceHeld {
		t.Errorf("it waits for ever: %+v", r)
	}
}

// What leaked is tried again now and then; a try that meets an absent vendor is
// made up for with its return.
func TestALeakThatWaitsForItsVendorGoesOn(t *testing.T) {
	t.Parallel()
	b := newLedgerBench(newBench(t, withLedger))
	id := b.create("browser required")
	b.ok(b.setUp(id))
	b.ok(b.work(t.Context(), 10))
	b.release(id)
	b.vendor.next = func(string) trouble { return refused }
	_ = b.work(t.Context(), 14)
	if r := b.rows(id)[0]; r.State != fleet.ResourceLeaked {
		t.Fatalf("after many refusals: %+v", r)
	}
	if n := b.number(`SELECT COUNT(*) FROM audit WHERE action = 'resource.leaked'`); n != 1 {
		t.Errorf("the audit says %d times that it leaked", n)
	}
	b.away()
	b.vendor.next = func(string) trouble { return fine }
	b.ok(b.SweepLedger(t.Context()))
	b.ok(b.work(t.Context(), 10))
	if r := b.rows(id)[0]; r.State != fleet.ResourceReleased || len(b.vendor.alive) > 0 {
		t.Errorf("it is not tried again: %+v", r)
	}
}

// Set back by a day, the clock makes nobody wait for a day.
func TestAClockThatIsSetBackHoldsNothingUp(t *testing.T) {
	t.Parallel()
	b := newLedgerBench(newBench(t, withLedger))
	id, refusedOne := b.create("browser required"), b.create("browser required")
	b.ok(b.setUp(id))
	b.vendor.next = func(string) trouble { return lostBefore }
	b.ok(b.run(t.Context(), b.queue.take()[0].args)) // whether it was made is not known
	again := b.queue.take()
	b.clock.jump(-24 * time.Hour)
	b.vendor.next = func(string) trouble { return fine }
	passed := b.clock.elapsed()
	b.ok(b.run(t.Context(), again[0].args))
	if err := b.work(t.Context(), 10); err != nil || b.rows(id)[0].State != fleet.ResourceHeld || b.clock.elapsed()-passed > time.Minute {
		t.Errorf("after %v: %v, %+v", b.clock.elapsed()-passed, err, b.rows(id)[0])
	}
	b.ok(b.Tick(t.Context()))
	b.ok(b.setUp(refusedOne))
	b.vendor.next = func(string) trouble { return refused }
	b.ok(b.run(t.Context(), b.queue.take()[0].args))
	b.queue.take() // a job of the time before the jump is not due for long
	b.clock.jump(-5 * time.Minute)
	b.ok(b.Tick(t.Context()))
	b.vendor.next = func(string) trouble { return fine }
	b.ok(b.SweepLedger(t.Context()))
	b.ok(b.work(t.Context(), 10))
	if r := b.rows(refusedOne)[0]; r.State != fleet.ResourceHeld {
		t.Errorf("it waits for the time before the jump: %+v", r)
	}
}

// A row of a vendor that this server has no more waits without a stir, is said
// to, and the agent gets a profile of the vendor that there is.
func TestAnotherVendor(t *testing.T) {
	t.Parallel()
	b := newLedgerBench(newBench(t, withLedger))
	gone, again, pending := b.create("browser required"), b.create("browser required"), b.create("browser required")
	b.ok(b.setUp(gone))
	b.ok(b.setUp(again))
	b.ok(b.work(t.Context(), 10))
	old := b.vendor
	b.ok(b.setUp(pending))
	b.release(gone)
	b.vendor = newProfileVendor()
	b.vendor.name, b.config.Profiles = "other", b.vendor
	b.restart()
	b.ok(b.work(t.Context(), 10))
	for _, id := range []fleet.AgentID{gone, pending} {
		if r := b.rows(id)[0]; !r.Stuck() || !strings.Contains(r.LastError, "not set up for gologin") {
			t.Errorf("nobody is told: %+v", r)
		}
	}
	spec := b.begin(again, true)
	b.tell(spec.Run, app.RunEvent{ID: "1", Type: "rejected", Body: body{"message": "no"}})
	b.ok(b.setUp(again))
	b.ok(b.setUp(gone))
	b.clock.step(11 * time.Minute)
	b.ok(b.Tick(t.Context()))
	b.ok(b.setUp(pending))
	b.ok(b.work(t.Context(), 10))
	for _, id := range []fleet.AgentID{gone, again, pending} {
		if r := b.rows(id)[0]; r.State != fleet.ResourceHeld || r.Vendor != "other" || b.rows(id)[1].State == fleet.ResourceHeld {
			t.Errorf("it has %+v", r)
		}
	}
	b.config.Profiles, b.vendor = old, old
	b.restart()
	b.ok(b.work(t.Context(), 10))
	if len(old.alive) > 0 {
		t.Errorf("left at the first vendor: %v", old.alive)
	}
}

// What merely waits for its turn gets no other job.
func TestTheSweepLeavesAQueueThatMoves(t *testing.T) {
	t.Parallel()
	b := newLedgerBench(newBench(t, withLedger))
	for range 5 {
		b.ok(b.setUp(b.create("browser required")))
	}
	waiting := b.queue.take()
	b.clock.step(30 * time.Second)
	b.ok(b.run(t.Context(), waiting[0].args))
	b.queue.take()
	b.ok(b.SweepLedger(t.Context()))
	if n := len(b.queue.take()); n > 0 {
		t.Errorf("%d jobs more", n)
	}
	b.clock.step(30 * time.Second)
	b.ok(b.SweepLedger(t.Context()))
	if n := len(b.queue.take()); n != 4 {
		t.Errorf("%d jobs for 4 that nobody works at", n)
	}
}

// A check that the vendor refuses is none that succeeds: nothing else is asked.
func TestARefusedCheckOpensNothing(t *testing.T) {
	t.Parallel()
	b := newLedgerBench(newBench(t, withLedger))
	b.ok(b.setUp(b.create("browser required")))
	b.vendor.next = func(string) trouble { return revoked }
	b.ok(b.work(t.Context(), 10))
	b.vendor.next = func(string) trouble { return refused }
	b.ok(second(b.CheckVendor(t.Context(), b.admin, "gologin")))
	b.ok(b.work(t.Context(), 10))
	if got := strings.Join(b.vendor.calls[1:], " "); got != "check" {
		t.Errorf("after the 429 it was asked %s", got)
	}
	if list := must[[]fleet.Vendor](t)(b.Vendors(t.Context(), b.viewer)); list[0].State != fleet.VendorStopped || list[0].Checking {
		t.Errorf("it counts as %+v", list[0])
	}
}

// What is refused of the pool is in the audit, like any other refusal.
func TestARefusedProxyIsInTheAudit(t *testing.T) {
	t.Parallel()
	b := newLedgerBench(newBench(t, withLedger))
	b.pool("GB", 1, "one.example")
	_, err := b.AddProxies(t.Context(), b.admin, app.AddProxiesInput{Entry: fleet.ProxyEntry{Host: "one.example", Port: 8080, Username: "u", Country: "GB"}})
	wantErr(t, "the same again", err, fleet.CodeConflict, "The pool has a proxy with this address, username and country already")
	if n := b.number(`SELECT COUNT(*) FROM audit WHERE action = 'proxy.add' AND outcome = 'conflict'`); n != 1 {
		t.Errorf("%d entries", n)
	}
}

// A try whose outcome could not be stored is begun again by the next sweep,
// whatever became of its job and whatever else is going on.
func TestATryThatCouldNotBeStoredIsBegunAgain(t *testing.T) {
	t.Parallel()
	b := newLedgerBench(newBench(t, withLedger))
	id := b.create("browser required")
	b.ok(b.setUp(id))
	b.fill()
	if err := b.run(t.Context(), b.queue.take()[0].args); err == nil {
		t.Fatal("nothing failed")
	}
	b.queue.take() // the end of its job was not stored either
	b.exec(`DROP TRIGGER disk_is_full`)
	b.ok(b.SweepLedger(t.Context()))
	b.ok(b.work(t.Context(), 10))
	if r := b.rows(id)[0]; r.State != fleet.ResourceHeld {
		t.Errorf("it waits: %+v", r)
	}
}
