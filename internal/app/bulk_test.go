package app_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"agentry/internal/app"
	"agentry/internal/fleet"
)

// bulkBench is a bench with a queue, whose bulks make no pause, and a real key
// of each scope.
type bulkBench struct {
	*bench
	queue *jobList
	keys  map[fleet.Scope]fleet.Actor
}

func newBulkBench(t testing.TB) *bulkBench {
	b := &bulkBench{queue: &jobList{}, keys: map[fleet.Scope]fleet.Actor{}}
	b.bench = newBench(t, func(c *app.Config) { c.Jobs = b.queue })
	b.NoBulkPause()
	for _, scope := range fleet.Scopes() {
		b.keys[scope] = b.keyActor(b.team, scope)
	}
	return b
}

func (b *bulkBench) keyActor(team fleet.TeamID, scope fleet.Scope) fleet.Actor {
	b.t.Helper()
	_, secret, err := b.AddKey(context.Background(), team, app.KeyInput{Name: string(scope), Scope: scope})
	b.ok(err)
	by, _, _, err := b.ActorForKey(context.Background(), secret)
	b.ok(err)
	return by
}

// autostart lets every wanted program say hello at once; those of bad cannot
// be started.
func (b *bulkBench) autostart(bad ...fleet.AgentID) {
	b.runner.set(func(id fleet.AgentID) {
		ctx := context.Background()
		spec, wanted, _, err := b.BeginRun(ctx, id)
		if err != nil || !wanted || spec.Token == "" {
			return
		}
		for _, other := range bad {
			if other == id {
				_ = b.RunNotSpawned(ctx, spec.Run, context.DeadlineExceeded)
				return
			}
		}
		_ = b.RunSpawned(ctx, spec.Run, "h")
		_, _ = b.RunForToken(ctx, spec.Token)
	})
}

// work works off what is queued until nothing is.
func (b *bulkBench) work(ctx context.Context) {
	b.t.Helper()
	for jobs := b.queue.take(); len(jobs) > 0; jobs = b.queue.take() {
		for _, j := range jobs {
			job, ok := j.args.(app.BulkJob)
			for again := 1; ok && again > 0; {
				d, err := b.WorkBulk(ctx, job.ID)
				b.ok(err)
				again = int(d)
			}
		}
	}
}

func (b *bulkBench) bulk(id string) fleet.Bulk {
	b.t.Helper()
	got, err := b.Bulk(context.Background(), b.admin, id)
	b.ok(err)
	return got
}

// outcomes are those of a bulk's items in order: "done", "skipped not_found" …
func (b *bulkBench) outcomes(id string) (list []string) {
	b.t.Helper()
	for cursor := ""; ; {
		items, next, err := b.BulkItems(context.Background(), b.admin, id, "", app.PageInput{Limit: 3, Cursor: cursor})
		b.ok(err)
		for _, i := range items {
			text := string(i.Outcome)
			if i.Code != "" {
				text += " " + i.Code
			}
			list = append(list, text)
		}
		if cursor = next; cursor == "" {
			return list
		}
	}
}

func TestBulkRelaunch(t *testing.T) {
	t.Parallel()
	b, ctx := newBulkBench(t), t.Context()
	ended, paused, protected := b.in(fleet.Ended, "linkedin"), b.in(fleet.Paused, "rehearsal"), b.in(fleet.Ended, "rehearsal")
	_, err := b.Protect(ctx, b.admin, protected, app.ReasonInput{Reason: "secret reason"})
	b.ok(err)
	theirs, err := b.Create(ctx, b.stranger, app.CreateInput{})
	b.ok(err)
	in := app.BulkInput{Action: fleet.BulkRelaunch, Reason: "again", IDs: []fleet.AgentID{ended, paused, ended, protected, theirs.ID, fleet.AgentID(fleet.NewID(t0))}}
	plan, err := b.PlanBulk(ctx, b.keys[operate], in)
	b.ok(err)
	want := fleet.BulkPlan{Action: fleet.BulkRelaunch, Total: 5, Will: 1, Names: []string{"Ann linkedin"}, Skips: []fleet.BulkSkip{
		{Code: fleet.CodeInvalidStatus, Message: "Agent can only be relaunched when status is ended", N: 1, Names: []string{"Ann rehearsal"}},
		{Code: fleet.CodeProtected, Message: "Protected agents are skipped", N: 1, Names: []string{"Ann rehearsal"}},
		{Code: fleet.CodeNotFound, Message: "Agent not found", N: 2},
	}}
	if diff := cmp.Diff(want, plan); diff != "" {
		t.Errorf("plan (-want +got):\n%s", diff)
	}
	got, err := b.StartBulk(ctx, b.keys[operate], in)
	b.ok(err)
	if got.State != fleet.BulkRunning || got.Total != 5 || got.Skipped != 4 || got.PerMinute != 600 {
		t.Errorf("started as %+v", got)
	}
	b.work(ctx)
	now := b.bulk(got.ID)
	if now.State != fleet.BulkDone || now.Done != 1 || now.Left() != 0 || now.Partial() || now.EndedAt.IsZero() {
		t.Errorf("ended as %+v", now)
	}
	if diff := cmp.Diff([]string{"done", "skipped invalid_status", "skipped protected", "skipped not_found", "skipped not_found"}, b.outcomes(got.ID)); diff != "" {
		t.Error(diff)
	}
	if v := b.get(ended); v.Status != fleet.SetupNeeded || v.Incarnation != 2 {
		t.Errorf("the agent is %s in life %d", v.Status, v.Incarnation)
	}
	if n := b.number(`SELECT COUNT(*) FROM audit WHERE action = 'relaunch' AND detail LIKE '%"bulkId":"` + got.ID + `"%' AND actor_id = '` + b.keys[operate].ID + `'`); n != 1 {
		t.Errorf("%d audit entries name the bulk", n)
	}
	if diff := cmp.Diff([]string{"bulk.start done", "relaunch done", "bulk.end done"},
		b.column(`SELECT action || ' ' || outcome FROM audit WHERE detail LIKE '%bulkId%' ORDER BY id`)); diff != "" {
		t.Error(diff)
	}
	none, err := b.StartBulk(ctx, b.keys[operate], app.BulkInput{Action: fleet.BulkRelaunch, IDs: []fleet.AgentID{paused}})
	b.ok(err)
	if n := b.KnownBulks(); n != 0 || none.State != fleet.BulkDone {
		t.Errorf("something of %d bulks that are over is remembered; one without work is %s", n, none.State)
	}
}

// Starts wait for their program, several at once; what could not be started
// failed, and only that is retried.
func TestBulkStartAndRetry(t *testing.T) {
	t.Parallel()
	b, ctx := newBulkBench(t), t.Context()
	var ids []fleet.AgentID
	for range 12 {
		ids = append(ids, b.create("rehearsal"))
	}
	b.autostart(ids[3], ids[7])
	got, err := b.StartBulk(ctx, b.keys[operate], app.BulkInput{Action: fleet.BulkStart, IDs: ids})
	b.ok(err)
	b.work(ctx)
	now := b.bulk(got.ID)
	if now.State != fleet.BulkDone || now.Done != 10 || now.Failed != 2 || !now.Partial() || now.Waiting != 0 {
		t.Errorf("ended as %+v", now)
	}
	b.autostart()
	_, plan, err := b.PlanRetry(ctx, b.keys[operate], got.ID)
	b.ok(err)
	if plan.Total != 2 || plan.Will != 2 {
		t.Errorf("the retry is planned as %+v", plan)
	}
	reason := "mended"
	_, err = b.RetryBulk(ctx, b.keys[operate], got.ID, &app.RetryInput{Expect: &app.BulkCounts{Total: 2, Will: 1}})
	wantErr(t, "a retry of other counts", err, fleet.CodeVersion, "The agents changed meanwhile: it would be 2 of 2 now, not 1 of 2")
	again, err := b.RetryBulk(ctx, b.keys[operate], got.ID, &app.RetryInput{Reason: &reason, Expect: &app.BulkCounts{Total: 2, Will: 2}})
	b.ok(err)
	if again.Reason != reason {
		t.Errorf("the retry has the reason %q", again.Reason)
	}
	b.work(ctx)
	if now := b.bulk(again.ID); now.Total != 2 || now.Done != 2 || now.RetryOf != got.ID || now.Partial() {
		t.Errorf("the retry ended as %+v", now)
	}
	for _, id := range ids {
		if v := b.get(id); v.Status != fleet.Running || v.Runtime.Epoch > 2 {
			t.Errorf("%s is %s in run %d", v.Name, v.Status, v.Runtime.Epoch)
		}
	}
	_, err = b.RetryBulk(ctx, b.keys[operate], again.ID, nil)
	wantErr(t, "a retry of nothing", err, fleet.CodeConflict, "")
}

func ids(b *bulkBench, n int, s fleet.Status) (list []fleet.AgentID) {
	for range n {
		list = append(list, b.in(s, "rehearsal"))
	}
	return list
}

// Deletes are confirmed by their number, need the right, and leave no name.
func TestBulkDelete(t *testing.T) {
	t.Parallel()
	b, ctx := newBulkBench(t), t.Context()
	in := app.BulkInput{Action: fleet.BulkDelete, IDs: ids(b, 3, fleet.Ended)}
	plan, err := b.PlanBulk(ctx, b.keys[operate], in)
	b.ok(err)
	if plan.Will != 0 || len(plan.Skips) != 1 || plan.Skips[0].Code != fleet.CodeForbidden || plan.Skips[0].N != 3 {
		t.Errorf("an operator's plan is %+v", plan)
	}
	_, err = b.StartBulk(ctx, b.keys[operate], in)
	wantErr(t, "an operator", err, fleet.CodeForbidden, "")
	wrong := "delete 2 agents"
	in.Confirm = &wrong
	_, err = b.StartBulk(ctx, b.keys[del], in)
	wantErr(t, "a wrong word", err, fleet.CodeValidation, "")
	right := fmt.Sprint("delete ", len(in.IDs), " agents")
	in.Confirm = &right
	got, err := b.StartBulk(ctx, b.keys[del], in)
	b.ok(err)
	b.work(ctx)
	if now := b.bulk(got.ID); now.Done != 3 {
		t.Errorf("ended as %+v", now)
	}
	items, _, err := b.BulkItems(ctx, b.admin, got.ID, "done", app.PageInput{})
	b.ok(err)
	if len(items) != 3 || items[0].Name != "" || items[0].AgentID != in.IDs[0] {
		t.Errorf("items are %+v", items)
	}
	if n := b.number(`SELECT COUNT(*) FROM deletions`); n != 3 {
		t.Errorf("%d certificates", n)
	}
}
