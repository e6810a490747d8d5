package app_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/internal/resource"
	"agentry/internal/store"
)

// row puts a row of our agent into the ledger as edit makes it.
func (b *bench) row(id fleet.AgentID, edit func(r *fleet.Resource)) fleet.Resource {
	b.t.Helper()
	now := b.Now()
	r := fleet.Resource{
		ID: b.store.NewID(now), TeamID: b.team, AgentID: id, Incarnation: 1, Type: fleet.ResourceProfile, Vendor: "vendor",
		State: fleet.ResourceHeld, CreatedAt: now, StateAt: now, UpdatedAt: now,
	}
	edit(&r)
	b.ok(b.store.Write(context.Background(), func(tx *store.Tx) error { return tx.InsertResource(r) }))
	return r
}

// saved stores a row as edit makes it, as a job would.
func (b *bench) saved(id string, edit func(r *fleet.Resource)) {
	b.t.Helper()
	b.ok(b.store.Write(context.Background(), func(tx *store.Tx) error {
		r, err := tx.Resource(b.team, id)
		if err != nil {
			return err
		}
		turn := r.Turn
		r.Turn++
		edit(&r)
		ok, err := tx.SaveResource(r, turn)
		if !ok {
			b.t.Error("the row was changed by others")
		}
		return err
	}))
}

func idsOf(list []fleet.Resource) (ids []string) {
	for _, r := range list {
		ids = append(ids, r.ID)
	}
	return ids
}

// life gives an ended agent a ledger: what it has, what a former life left,
// and what is over. live is in the order of letting go.
func life(b *bench) (id fleet.AgentID, live, left, over []fleet.Resource) {
	b.t.Helper()
	id = b.in(fleet.Ended, "rehearsal")
	state := func(s fleet.ResourceState) func(*fleet.Resource) { return func(r *fleet.Resource) { r.State = s } }
	over = append(over, b.row(id, state(fleet.ResourceReleased)))
	left = append(left, b.row(id, state(fleet.ResourceReleasing)))
	over = append(over, b.row(id, func(r *fleet.Resource) {
		r.State, r.Forgotten = fleet.ResourceLeaked, &fleet.Forgotten{By: "Ann", Reason: "gone by hand", At: b.Now()}
	}))
	left = append(left, b.row(id, state(fleet.ResourceLeaked)))
	proxy := b.row(id, func(r *fleet.Resource) { r.Type, r.Vendor, r.Incarnation = fleet.ResourceProxy, fleet.VendorPool, 2 })
	profile := b.row(id, func(r *fleet.Resource) { r.State, r.Incarnation, r.AskedAt = fleet.ResourceAcquiring, 2, b.Now() })
	live = []fleet.Resource{profile, proxy}
	b.row(b.in(fleet.Ended, "rehearsal"), state(fleet.ResourceHeld)) // another agent's
	return id, live, left, over
}

// The preview names exactly the rows that the act then lets go.
func TestAPreviewNamesWhatGoesOutside(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	type act func(id fleet.AgentID, version int64) error
	for move, do := range map[fleet.Move]act{
		fleet.MoveRelaunch: func(id fleet.AgentID, v int64) error {
			return second(b.Relaunch(t.Context(), b.operator, id, app.ReasonInput{IfVersion: v}))
		},
		fleet.MoveDelete: func(id fleet.AgentID, v int64) error {
			return second(b.Delete(t.Context(), b.deleter, id, app.DeleteInput{IfVersion: v}))
		},
	} {
		id, live, left, _ := life(b)
		want := live
		if move == fleet.MoveDelete {
			want = slices.Concat(live, left)
		}
		p := must[fleet.Preview](t)(b.Preview(t.Context(), b.viewer, id, move))
		if diff := cmp.Diff(want, p.Resources); diff != "" || p.MoreResources != 0 {
			t.Errorf("%s, %d more (-want +named):\n%s", move, p.MoreResources, diff)
		}
		changed := func() []string {
			return b.column(`SELECT id FROM resources WHERE agent_id = ? AND turn > 0 ORDER BY type, id`, id)
		}
		if got := changed(); len(got) > 0 {
			t.Fatalf("a preview changed %q", got)
		}
		b.ok(do(id, p.Version))
		if diff := cmp.Diff(idsOf(live), changed()); diff != "" {
			t.Errorf("%s (-previewed +let go):\n%s", move, diff)
		}
	}
}

// How far a row is binds no act: while a dialog is open its profile may become
// ready, and the same rows go. The certificate is read with the ledger as it is.
func TestACertificateFollowsTheLedger(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id, live, left, over := life(b)
	profile := live[0].ID
	before := must[fleet.Preview](t)(b.Preview(t.Context(), b.deleter, id, fleet.MoveDelete))
	b.saved(profile, func(r *fleet.Resource) { r.State, r.ExternalID, r.HeldAt = fleet.ResourceHeld, "ext-1", b.Now() })
	after := must[fleet.Preview](t)(b.Preview(t.Context(), b.deleter, id, fleet.MoveDelete))
	if after.Version != before.Version || !slices.Equal(idsOf(after.Resources), idsOf(before.Resources)) || after.Resources[0].State != fleet.ResourceHeld {
		t.Errorf("before %+v\nafter %+v", before.Resources, after.Resources)
	}
	d := must[fleet.Deletion](t)(b.Delete(t.Context(), b.deleter, id, app.DeleteInput{IfVersion: before.Version}))
	all := idsOf(slices.Concat(live, left, over))
	slices.Sort(all)
	slices.Reverse(all)
	if diff := cmp.Diff(all, idsOf(d.Resources)); diff != "" {
		t.Errorf("the certificate (-all rows, newest first +named):\n%s", diff)
	}
	states := func() (text string) {
		t.Helper()
		one := must[fleet.Deletion](t)(b.DeletionOfAgent(t.Context(), b.viewer, id))
		list, _, err := b.Deletions(t.Context(), b.viewer, app.PageInput{})
		if err != nil || len(list) != 1 || cmp.Diff(one, list[0]) != "" {
			t.Errorf("the list says something else: %v %s", err, cmp.Diff(one, list[0]))
		}
		for _, r := range one.Resources[:2] {
			text += fmt.Sprintf("%s %s %q %v; ", r.Type, r.State, r.LastError, r.ReleasedAt.Equal(b.Now()))
		}
		return text
	}
	if got := states(); got != `profile releasing "" false; proxy releasing "" false; ` {
		t.Errorf("after the deletion: %s", got)
	}
	b.clock.step(time.Minute)
	b.saved(profile, func(r *fleet.Resource) { r.LastError = "no answer" })
	b.saved(live[1].ID, func(r *fleet.Resource) { r.State, r.ReleasedAt = fleet.ResourceReleased, b.Now() })
	if got := states(); got != `profile releasing "no answer" false; proxy released "" true; ` {
		t.Errorf("a minute later: %s", got)
	}
	if list, _, err := b.Deletions(t.Context(), b.stranger, app.PageInput{}); len(list) != 0 || err != nil {
		t.Errorf("another team sees %+v, %v", list, err)
	}
}

// A place that does not work is changed for another while the dialog is open:
// the act goes through and lets go of that one, and the certificate has both.
func TestAPlaceMayChangeBeforeTheAct(t *testing.T) {
	t.Parallel()
	b := newLedgerBench(newBench(t, withLedger))
	b.pool("GB", 5, "one.example")
	b.world.bad["one.example"] = &resource.Error{Reason: resource.Unreachable, Message: "no answer"}
	id := b.create("both")
	b.ok(b.setUp(id))
	b.ok(second(b.End(t.Context(), b.operator, id, app.ReasonInput{})))
	before := must[fleet.Preview](t)(b.Preview(t.Context(), b.deleter, id, fleet.MoveDelete))
	jobs := b.queue.take()
	b.pool("GB", 5, "two.example")
	for _, j := range jobs {
		b.ok(b.run(t.Context(), j.args))
	}
	b.ok(b.work(t.Context(), 10))
	after := must[fleet.Preview](t)(b.Preview(t.Context(), b.deleter, id, fleet.MoveDelete))
	if len(before.Resources) != 2 || len(after.Resources) != 2 || slices.Equal(idsOf(before.Resources), idsOf(after.Resources)) || before.Version != after.Version {
		t.Fatalf("before %+v\nafter %+v", before.Resources, after.Resources)
	}
	b.ok(second(b.Delete(t.Context(), b.deleter, id, app.DeleteInput{IfVersion: before.Version})))
	b.ok(b.work(t.Context(), 10))
	d := must[fleet.Deletion](t)(b.DeletionOfAgent(t.Context(), b.viewer, id))
	if len(d.Resources) != 3 || slices.ContainsFunc(d.Resources, func(r fleet.Resource) bool { return r.State != fleet.ResourceReleased }) || len(b.vendor.alive) > 0 {
		t.Errorf("the certificate says %+v, the vendor has %v", d.Resources, b.vendor.alive)
	}
}

// Other rows mean another version: a new life adds some, and the dialog that
// was open before is told so.
func TestOtherResourcesAreAnotherVersion(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id, _, _, _ := life(b)
	p := must[fleet.Preview](t)(b.Preview(t.Context(), b.operator, id, fleet.MoveRelaunch))
	b.ok(second(b.Relaunch(t.Context(), b.operator, id, app.ReasonInput{})))
	b.ok(second(b.End(t.Context(), b.operator, id, app.ReasonInput{})))
	_, err := b.Relaunch(t.Context(), b.operator, id, app.ReasonInput{IfVersion: p.Version})
	wantErr(t, "relaunch with the old preview", err, fleet.CodeVersion, "The agent was changed meanwhile: it is at version 4, not 2")
	if now := must[fleet.Preview](t)(b.Preview(t.Context(), b.operator, id, fleet.MoveRelaunch)); len(now.Resources) != 0 {
		t.Errorf("what the first relaunch let go is named again: %+v", now.Resources)
	}
}

func TestNamedResourcesAreBounded(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id := b.in(fleet.Ended, "rehearsal")
	const n = fleet.MaxNamedResources + 2
	for range n {
		b.row(id, func(r *fleet.Resource) { r.State = fleet.ResourceReleasing })
	}
	live := b.row(id, func(*fleet.Resource) {})
	p := must[fleet.Preview](t)(b.Preview(t.Context(), b.deleter, id, fleet.MoveDelete))
	if len(p.Resources) != fleet.MaxNamedResources || p.MoreResources != 3 || p.Resources[0].ID != live.ID {
		t.Errorf("the preview names %d and says %d more, first %+v", len(p.Resources), p.MoreResources, p.Resources[0])
	}
	d := must[fleet.Deletion](t)(b.Delete(t.Context(), b.deleter, id, app.DeleteInput{}))
	if len(d.Resources) != fleet.MaxNamedResources || d.MoreResources != 3 || d.Resources[0].ID != live.ID {
		t.Errorf("the certificate names %d and says %d more, first %+v", len(d.Resources), d.MoreResources, d.Resources[0])
	}
}
