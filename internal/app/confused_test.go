package app_test

import (
	"context"
	"strings"
	"testing"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/internal/resource"
)

// confused is a vendor that takes one profile for another: it answers creates
// with an id of its choice, and shows profiles under other names.
type confused struct {
	*profileVendor
	give string            // the id that a create answers with
	show map[string]string // ids and their names in searches and lists
}

func (v *confused) Create(ctx context.Context, name string) (resource.Profile, error) {
	if v.give == "" {
		return v.profileVendor.Create(ctx, name)
	}
	return resource.Profile{ID: v.give, Name: name}, nil
}

func (v *confused) Find(_ context.Context, name string) (list []resource.Profile, err error) {
	for id, shown := range v.show {
		if shown == name {
			list = append(list, resource.Profile{ID: id, Name: name})
		}
	}
	return list, nil
}

func (v *confused) List(context.Context, string, int) (list []resource.Profile, more bool, err error) {
	for id, name := range v.show {
		list = append(list, resource.Profile{ID: id, Name: name})
	}
	return list, false, nil
}

// Whatever a vendor says, no agent gets, changes or deletes what is another's.
func TestAConfusedVendorTakesNothingFromOthers(t *testing.T) {
	t.Parallel()
	v := &confused{}
	bench := newBench(t, func(c *app.Config) {
		withLedger(c)
		v.profileVendor = c.Profiles.(*profileVendor)
		c.Profiles = v
	})
	b := &ledgerBench{bench: bench, vendor: v.profileVendor, queue: bench.config.Jobs.(*jobList), world: bench.config.Proxies.(*proxyWorld)}
	first, second, third := b.create("browser required"), b.create("browser required"), b.create("browser required")
	b.ok(b.setUp(first))
	b.ok(b.setUp(third))
	b.ok(b.work(t.Context(), 10))
	mine := b.rows(first)[0].ExternalID
	v.give = mine
	b.ok(b.setUp(second))
	name := b.rows(second)[0].Name()
	for _, v.show = range []map[string]string{nil, {mine: name}, {mine: name}} { // by the create, then by the search
		_ = b.work(t.Context(), 1)
		if r := b.rows(second)[0]; r.ExternalID != "" || r.State != fleet.ResourceAcquiring || !strings.Contains(r.LastError, "another row") {
			t.Errorf("the second agent has %q, %s: %s", r.ExternalID, r.State, r.LastError)
		}
	}
	b.discard(second)
	_ = b.work(t.Context(), 5)
	if r := b.rows(second)[0]; r.ExternalID != "" || r.State != fleet.ResourceReleasing {
		t.Errorf("the second agent's row is %s with %q", r.State, r.ExternalID)
	}
	v.show = nil
	b.discard(third)
	b.ok(b.work(t.Context(), 300))
	for _, r := range []fleet.Resource{b.rows(second)[0], b.rows(third)[0]} {
		v.show = map[string]string{mine: r.Name()}
		b.ok(b.SweepVendor(t.Context()))
	}
	if v.deleted[mine] != 0 || v.alive[mine] == "" || len(v.twice) > 0 || len(v.deleted) != 1 {
		t.Errorf("deleted: %v, again: %v", v.deleted, v.twice)
	}
	if calls := strings.Join(v.calls, " "); strings.Count(calls, "proxy "+mine) != 1 || strings.Contains(calls, "delete "+mine) {
		t.Errorf("the first agent's profile was touched: %s", calls)
	}
}

// discard ends and relaunches an agent: what it has is not wanted any more.
func (b *ledgerBench) discard(id fleet.AgentID) {
	b.t.Helper()
	b.ok(second(b.End(b.t.Context(), b.operator, id, app.ReasonInput{})))
	b.ok(second(b.Relaunch(b.t.Context(), b.operator, id, app.ReasonInput{})))
}

// A vendor that was stopped before anybody had anything there: whoever waits
// for it later is told too, until it is asked again.
func TestATeamThatComesLaterIsTold(t *testing.T) {
	t.Parallel()
	b := newLedgerBench(newBench(t, withLedger))
	b.vendor.next = func(string) trouble { return revoked }
	b.ok(b.StartLedger(t.Context()))
	b.ok(b.work(t.Context(), 5))
	told := func() (open int) {
		for _, a := range must[app.AlertPage](t)(b.TeamAlerts(t.Context(), b.viewer, app.AlertInput{}, app.PageInput{})).Alerts {
			if a.SubType == "vendor_stopped" {
				open++
			}
		}
		return open
	}
	if told() != 0 {
		t.Fatal("a team without anything there is told")
	}
	b.ok(b.setUp(b.create("browser required")))
	b.ok(b.setUp(b.create("browser required")))
	b.ok(b.work(t.Context(), 5))
	if n := told(); n != 1 {
		t.Errorf("%d alerts", n)
	}
	b.vendor.next = func(string) trouble { return fine }
	b.ok(second(b.CheckVendor(t.Context(), b.admin, "gologin")))
	b.ok(b.work(t.Context(), 10))
	if n := told(); n != 0 {
		t.Errorf("%d alerts when it is asked again", n)
	}
}

// People read sentences, not what the network's library says beside them.
func TestAVendorThatIsAwayIsExplainedInASentence(t *testing.T) {
	t.Parallel()
	b := newLedgerBench(newBench(t, withLedger))
	b.ok(b.setUp(b.create("browser required")))
	b.vendor.next = func(string) trouble { return lostBefore }
	_ = b.work(t.Context(), 10)
	if v := must[[]fleet.Vendor](t)(b.Vendors(t.Context(), b.viewer))[0]; v.State != fleet.VendorDown || v.Message != "no answer" {
		t.Errorf("it is %s: %q", v.State, v.Message)
	}
}
