package app_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/internal/resource"
)

func (b *ledgerBench) setUpIn(id fleet.AgentID, country string) error {
	return second(b.Setup(b.t.Context(), b.operator, id, app.SetupInput{Login: "l", Password: "p", Country: country}))
}

// An agent gets a place in its country, proved by a real request before its
// profile uses it; the program is told where it is, and nothing else is.
func TestAProxyIsProvedBeforeAProfileUsesIt(t *testing.T) {
	t.Parallel()
	b := newLedgerBench(newBench(t, withLedger))
	b.pool("DE", 5, "de.example")
	b.pool("GB", 5, "gb.example")
	id := b.create("both")
	b.ok(b.setUpIn(id, "GB"))
	b.ok(b.work(t.Context(), 10))
	if got := fmt.Sprint(b.places(id), b.world.tried); got != "[gb.example:8080 held] [gb.example]" {
		t.Errorf("got %s", got)
	}
	if got := strings.Join(slices.Sorted(maps.Values(b.vendor.proxies)), " "); got != "http://gb.example:8080" {
		t.Errorf("the profile uses %s", got)
	}
	spec := b.begin(id, true)
	told := must[map[string]string](t)(b.RunCredentials(t.Context(), spec.Run))
	if !strings.HasPrefix(told["proxyUrl"], "http://") || !strings.HasSuffix(told["proxyUrl"], ":secret@gb.example:8080") {
		t.Errorf("the program is told %q", told["proxyUrl"])
	}
	b.ok(second(b.End(t.Context(), b.operator, id, app.ReasonInput{})))
	b.vendor.next = func(string) trouble { return lostBefore }
	b.ok(second(b.Relaunch(t.Context(), b.operator, id, app.ReasonInput{})))
	b.ok(b.work(t.Context(), 20))
	if got := fmt.Sprint(b.places(id)); got != "[gb.example:8080 releasing]" {
		t.Errorf("a profile that may live still uses the place, and it is %s", got)
	}
	b.vendor.next = func(string) trouble { return fine }
	b.ok(b.SweepLedger(t.Context()))
	b.ok(b.work(t.Context(), 20))
	if got := b.places(id); len(got) > 0 || len(b.vendor.alive) > 0 {
		t.Errorf("left: %v, %v", got, b.vendor.alive)
	}
}

// Never another country, never more agents than a place is for; a kind that
// can do without goes without.
func TestNoPlaceIsNotAnotherCountrys(t *testing.T) {
	t.Parallel()
	b := newLedgerBench(newBench(t, withLedger))
	b.pool("DE", 1, "de.example")
	first, second := b.create("both"), b.create("both")
	wantErr(t, "no entry", b.setUpIn(first, "GB"), fleet.CodeConflict, "No proxy for GB: the pool has none there. Add one first")
	b.ok(b.setUpIn(first, "DE"))
	wantErr(t, "full", b.setUpIn(second, "DE"), fleet.CodeConflict, "No free proxy for DE: 1 of 1 place is in use")
	if rows := b.rows(second); len(rows) > 0 || b.get(second).Status != fleet.SetupNeeded {
		t.Errorf("a refused setup left %+v", rows)
	}
	without := b.create("maybe")
	b.ok(b.setUpIn(without, "DE"))
	b.ok(b.work(t.Context(), 10))
	if got := b.places(without); len(got) > 0 {
		t.Errorf("it has %v", got)
	}
	b.remove(first)
	b.ok(b.setUpIn(second, "DE"))
}

// remove ends and deletes an agent and lets everything be released.
func (b *ledgerBench) remove(id fleet.AgentID) {
	b.t.Helper()
	b.ok(second(b.End(b.t.Context(), b.operator, id, app.ReasonInput{})))
	b.ok(second(b.Delete(b.t.Context(), b.deleter, id, app.DeleteInput{})))
	b.ok(b.work(b.t.Context(), 20))
}

// A place that fails is given back for one that works, in the same country;
// where there is none the agent waits and says why.
func TestAPlaceThatFailsIsChanged(t *testing.T) {
	t.Parallel()
	b := newLedgerBench(newBench(t, withLedger))
	b.pool("GB", 5, "one.example")
	b.pool("DE", 5, "other.example")
	b.world.bad["one.example"] = &resource.Error{Reason: resource.Unreachable, Message: "the exit is in FR"}
	id := b.create("both")
	b.ok(b.setUpIn(id, "GB"))
	b.ok(b.run(t.Context(), b.queue.take()[0].args))
	if got := fmt.Sprint(b.places(id)); got != "[one.example:8080 acquiring]" || b.get(id).Why != "Preparing its proxy: the exit is in FR" {
		t.Errorf("it has %s and says %q", got, b.get(id).Why)
	}
	later := b.queue.take()
	b.pool("GB", 5, "two.example")
	b.clock.step(time.Minute)
	b.ok(b.run(t.Context(), later[len(later)-1].args))
	b.ok(b.work(t.Context(), 10))
	if got := fmt.Sprint(b.places(id)); got != "[two.example:8080 held]" {
		t.Errorf("it has %s", got)
	}
	if got := strings.Join(slices.Sorted(maps.Values(b.vendor.proxies)), " "); got != "http://two.example:8080" {
		t.Errorf("the profile uses %s", got)
	}
}

// A check address that does not tell is no reason to change places: the agent
// would go round among them and the ledger grow with each.
func TestAnUnclearCheckChangesNoPlace(t *testing.T) {
	t.Parallel()
	b := newLedgerBench(newBench(t, withLedger))
	b.pool("GB", 5, "one.example", "two.example")
	for _, host := range []string{"one.example", "two.example"} {
		b.world.bad[host] = &resource.Error{Reason: resource.Unreachable, Message: "it answered 500", Unclear: true}
	}
	id := b.create("both")
	b.ok(b.setUpIn(id, "GB"))
	for range 5 {
		_ = b.work(t.Context(), 1)
	}
	if rows := b.rows(id); len(rows) != 2 || b.get(id).Why != "Preparing its proxy: it answered 500" {
		t.Errorf("%d rows, and it says %q", len(rows), b.get(id).Why)
	}
	if n := len(b.world.tried); n != 5 {
		t.Errorf("tried %d times", n)
	}
	b.world.mend()
	b.ok(b.work(t.Context(), 10))
	if got := b.places(id); len(got) != 1 || !strings.HasSuffix(got[0], " held") {
		t.Errorf("it has %v", got)
	}
}

// Setting up again keeps the profile: with the same country the place is proved
// again, with another the profile gets another proxy by a narrow change.
func TestSettingUpAgain(t *testing.T) {
	t.Parallel()
	b := newLedgerBench(newBench(t, withLedger))
	b.pool("GB", 5, "gb.example")
	b.pool("DE", 5, "de.example")
	id := b.create("both")
	b.ok(b.setUpIn(id, "GB"))
	b.ok(b.work(t.Context(), 10))
	spec := b.begin(id, true)
	b.tell(spec.Run, app.RunEvent{ID: "1", Type: "rejected", Body: body{"message": "no"}})
	b.ok(b.setUpIn(id, "GB"))
	b.ok(b.work(t.Context(), 10))
	b.ok(second(b.RunCredentials(t.Context(), b.begin(id, true).Run)))
	spec = b.begin(id, true)
	b.tell(spec.Run, app.RunEvent{ID: "2", Type: "rejected", Body: body{"message": "no"}})
	b.ok(b.setUpIn(id, "DE"))
	b.ok(b.work(t.Context(), 10))
	if got := fmt.Sprint(b.places(id)); got != "[de.example:8080 held]" {
		t.Errorf("it has %s", got)
	}
	creates, proxy := 0, ""
	for _, call := range b.vendor.calls {
		if strings.HasPrefix(call, "create") {
			creates++
		}
	}
	for _, p := range b.vendor.proxies {
		proxy = p
	}
	if creates != 1 || proxy != "http://de.example:8080" {
		t.Errorf("%d profiles were made, and it uses %s: %v", creates, proxy, b.vendor.calls)
	}
}
