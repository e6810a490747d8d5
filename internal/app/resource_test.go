package app_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"agentry/internal/app"
	"agentry/internal/fleet"
)

// jobsSaid are the queue's jobs in words.
func (b *ledgerBench) jobsSaid() string {
	var said []string
	for _, j := range b.queue.take() {
		switch args := j.args.(type) {
		case app.ResourceJob:
			said = append(said, fmt.Sprintf("turn %d in %s", args.Turn, j.after))
		case app.VendorCheckJob:
			said = append(said, "check "+args.Name)
		default:
			said = append(said, fmt.Sprintf("%T", args))
		}
	}
	return strings.Join(said, ", ")
}

// What people may ask for in which state: what becomes of the row, and the
// jobs that go on with it.
func TestRetryAndForgetInEveryState(t *testing.T) {
	t.Parallel()
	b := newLedgerBench(newBench(t, withLedger))
	id := b.in(fleet.Ended, "rehearsal")
	const nothing, notYet = "There is nothing to try again: the resource is %s", "Only what is to be released can be forgotten; the resource is %s"
	for _, c := range []struct {
		state         fleet.ResourceState
		forgotten     bool
		retry, forget string // "" is refused
		jobs          string
	}{
		{fleet.ResourceWanted, false, "wanted, 3 failed: no answer", "", "turn 1 in 0s"},
		{fleet.ResourceAcquiring, false, "acquiring, 3 failed: no answer", "", "turn 1 in 0s"},
		{fleet.ResourceHeld, false, "", "", ""},
		{fleet.ResourceReleasing, false, "releasing, 3 failed: no answer", "leaked, 3 failed: no answer", "turn 1 in 0s"},
		{fleet.ResourceReleased, false, "", "", ""},
		{fleet.ResourceLeaked, false, "releasing, 0 failed: ", "leaked, 3 failed: no answer", "turn 1 in 0s"},
		{fleet.ResourceLeaked, true, "releasing, 0 failed: ", "", "turn 1 in 0s"},
	} {
		name := fmt.Sprintf("%s, forgotten %v", c.state, c.forgotten)
		made := func() fleet.Resource {
			return b.row(id, func(r *fleet.Resource) {
				r.State, r.Vendor, r.Tries, r.LastError, r.NextTry = c.state, "gologin", 3, "no answer", b.Now().Add(time.Hour)
				if c.forgotten {
					r.Forgotten = &fleet.Forgotten{By: "Ann", Reason: "gone by hand", At: b.Now()}
				}
			})
		}
		said := func(r fleet.Resource, err error) string {
			if err != nil {
				return ""
			}
			return fmt.Sprintf("%s, %d failed: %s", r.State, r.Tries, r.LastError)
		}
		for verb, want := range map[string]string{"retry": c.retry, "forget": c.forget} {
			r := made()
			act, by, jobs := b.RetryResource, b.operator, c.jobs
			if verb == "forget" {
				by, jobs = b.admin, ""
				act = func(ctx context.Context, by fleet.Actor, id string) (fleet.Resource, error) {
					return b.ForgetResource(ctx, by, id, app.ReasonInput{Reason: "removed by hand"})
				}
			}
			var after fleet.Resource
			var err error
			left := b.effectsOf(func() { after, err = act(t.Context(), by, r.ID) })
			if got := said(after, err); got != want {
				t.Errorf("%s of %s: %q, %v, want %q", verb, name, got, err, want)
			}
			if got := b.jobsSaid(); got != jobs {
				t.Errorf("%s of %s: jobs %q, want %q", verb, name, got, jobs)
			}
			if want == "" {
				sentence := fmt.Sprintf(map[string]string{"retry": nothing, "forget": notYet}[verb], c.state)
				if c.forgotten {
					sentence = "The resource was forgotten by Ann"
				}
				wantErr(t, verb+" of "+name, err, fleet.CodeConflict, sentence)
				left.want(t, verb+" of "+name, effects{Audit: []string{"resource." + verb + " conflict " + by.ID}})
				continue
			}
			left.want(t, verb+" of "+name, effects{Audit: []string{"resource." + verb + " done " + by.ID}, Events: []string{fleet.EventResourceChanged}})
			if after.Turn != 1 || (after.Forgotten != nil) != (verb == "forget") || after.NextTry.IsZero() != (verb == "forget") {
				t.Errorf("%s of %s: %+v", verb, name, after)
			}
		}
	}
}

// The audit says of which thing, and of which agent; the reason stands in the
// row, which outlives the agent.
func TestWhatIsRecordedOfPeoplesActs(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id := b.in(fleet.Ended, "rehearsal")
	r := b.row(id, func(r *fleet.Resource) { r.State = fleet.ResourceReleasing })
	b.ok(second(b.Delete(t.Context(), b.deleter, id, app.DeleteInput{})))
	b.ok(second(b.RetryResource(t.Context(), b.operator, r.ID)))
	b.clock.step(time.Minute)
	b.ok(second(b.ForgetResource(t.Context(), b.admin, r.ID, app.ReasonInput{Reason: "removed by hand"})))
	detail := `{"resourceId":"` + r.ID + `","type":"profile","vendor":"vendor"}`
	got := b.column(`SELECT action || ' ' || agent_id || ' ' || detail FROM audit WHERE action LIKE 'resource.%' ORDER BY id`)
	want := []string{"resource.retry " + string(id) + " " + detail, "resource.forget " + string(id) + " " + detail}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("audit (-want +got):\n%s", diff)
	}
	d := must[fleet.Deletion](t)(b.DeletionOfAgent(t.Context(), b.viewer, id))
	if f := d.Resources[0].Forgotten; f == nil || *f != (fleet.Forgotten{By: "Ann admin", Reason: "removed by hand", At: b.Now()}) {
		t.Errorf("the certificate says %+v", f)
	}
	for what, in := range map[string]string{"none": "", "blank": " \n", "long": strings.Repeat("x", 1001), "no text": "a\x00b"} {
		_, err := b.ForgetResource(t.Context(), b.admin, r.ID, app.ReasonInput{Reason: in})
		wantErr(t, what, err, fleet.CodeValidation, "")
	}
}

// A forgotten profile holds no proxy any more: the proxy of the same agent goes
// on, and no other.
func TestForgettingFreesTheProxy(t *testing.T) {
	t.Parallel()
	b := newLedgerBench(newBench(t, withLedger))
	proxyOf := func(id fleet.AgentID, s fleet.ResourceState) fleet.Resource {
		return b.row(id, func(r *fleet.Resource) { r.Type, r.Vendor, r.State = fleet.ResourceProxy, fleet.VendorPool, s })
	}
	id, other := b.in(fleet.Ended, "rehearsal"), b.in(fleet.Ended, "rehearsal")
	profile := b.row(id, func(r *fleet.Resource) { r.State, r.ExternalID = fleet.ResourceReleasing, "p" })
	waits, held := proxyOf(id, fleet.ResourceReleasing), proxyOf(id, fleet.ResourceHeld)
	theirs := proxyOf(other, fleet.ResourceReleasing)
	b.ok(second(b.ForgetResource(t.Context(), b.admin, profile.ID, app.ReasonInput{Reason: "removed by hand"})))
	var jobs []string
	for _, j := range b.queue.take() {
		jobs = append(jobs, j.args.(app.ResourceJob).ID)
	}
	if !slices.Equal(jobs, []string{waits.ID}) {
		t.Errorf("jobs for %q, want %s, not %s or %s", jobs, waits.ID, held.ID, theirs.ID)
	}
}

// People act while a job asks the vendor: what they want counts, and the job's
// late result does not write over it.
func TestPeopleActDuringAnErrand(t *testing.T) {
	t.Parallel()
	for _, verb := range []string{"retry", "forget"} {
		b := newLedgerBench(newBench(t, withLedger))
		id := b.create("browser required")
		b.ok(b.setUp(id))
		b.ok(b.work(t.Context(), 5))
		b.ok(second(b.End(t.Context(), b.operator, id, app.ReasonInput{})))
		b.ok(second(b.Relaunch(t.Context(), b.operator, id, app.ReasonInput{})))
		row := b.rows(id)[0]
		b.vendor.during = func(op string) {
			if !strings.HasPrefix(op, "delete") {
				return
			}
			b.vendor.during = nil
			if verb == "retry" {
				b.ok(second(b.RetryResource(context.Background(), b.operator, row.ID)))
				return
			}
			b.ok(second(b.ForgetResource(context.Background(), b.admin, row.ID, app.ReasonInput{Reason: "removed by hand"})))
		}
		b.ok(b.work(t.Context(), 10))
		want := map[string]fleet.ResourceState{"retry": fleet.ResourceReleased, "forget": fleet.ResourceLeaked}[verb]
		if r := b.rows(id)[0]; r.State != want || (r.Forgotten != nil) != (verb == "forget") {
			t.Errorf("after a %s: %+v", verb, r)
		}
		if len(b.vendor.alive) > 0 || len(b.vendor.twice) > 0 {
			t.Errorf("after a %s: left %v, deleted again %v", verb, b.vendor.alive, b.vendor.twice)
		}
	}
}

// Where the vendor must not be asked, a retry has the access checked before.
func TestRetryAtAStoppedVendor(t *testing.T) {
	t.Parallel()
	b := newLedgerBench(newBench(t, withLedger))
	id := b.create("browser required")
	b.ok(b.setUp(id))
	b.vendor.next = func(string) trouble { return revoked }
	b.ok(b.work(t.Context(), 5))
	asked := len(b.vendor.calls)
	b.vendor.next = func(string) trouble { return fine }
	b.ok(second(b.RetryResource(t.Context(), b.operator, b.rows(id)[0].ID)))
	b.ok(b.work(t.Context(), 10))
	if r := b.rows(id)[0]; r.State != fleet.ResourceHeld || len(b.vendor.calls) == asked || b.vendor.calls[asked] != "check" {
		t.Errorf("%+v after the calls %v", r, b.vendor.calls[asked:])
	}
}

func TestCountsOfTheLedger(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id := b.in(fleet.Ended, "rehearsal")
	said := func() string {
		n := must[app.ResourceCounts](t)(b.CountResources(t.Context(), b.viewer))
		stuck, err := b.TotalResources(t.Context(), b.viewer, app.ResourceFilter{Stuck: true})
		open, err2 := b.TotalResources(t.Context(), b.viewer, app.ResourceFilter{States: []fleet.ResourceState{fleet.ResourceReleasing, fleet.ResourceLeaked}})
		if err := errors.Join(err, err2); err != nil || stuck != int64(n.Stuck) || open != int64(n.ByState[fleet.ResourceReleasing]+n.ByState[fleet.ResourceLeaked]) {
			t.Errorf("%+v, but %d stuck and %d open, %v", n, stuck, open, err)
		}
		return fmt.Sprint(n)
	}
	if got := said(); got != "{map[] 0}" {
		t.Errorf("nothing: %s", got)
	}
	for _, s := range fleet.ResourceStates() {
		b.row(id, func(r *fleet.Resource) { r.State = s })
	}
	failed := b.row(id, func(r *fleet.Resource) { r.State, r.LastError = fleet.ResourceReleasing, "no answer" })
	if got := said(); got != "{map[acquiring:1 held:1 leaked:1 released:1 releasing:2 wanted:1] 2}" {
		t.Errorf("one of each and a failed one: %s", got)
	}
	b.ok(second(b.ForgetResource(t.Context(), b.admin, failed.ID, app.ReasonInput{Reason: "removed by hand"})))
	if got := said(); got != "{map[acquiring:1 held:1 leaked:2 released:1 releasing:1 wanted:1] 1}" {
		t.Errorf("the failed one forgotten: %s", got)
	}
}
