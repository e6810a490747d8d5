package app_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/internal/runtime"
)

// removals stands for a server in which agents live: it answers what is set
// and counts who was deleted.
type removals struct {
	answer error
	during func()
	asked  []string
}

func (r *removals) Remove(_ context.Context, kind fleet.Kind, id fleet.AgentID) error {
	r.asked = append(r.asked, kind.Name+" "+kind.URL+" "+string(id))
	if r.during != nil {
		r.during()
	}
	return r.answer
}

// elsewhere is a bench with a kind whose agents also exist in another server.
func elsewhere(t *testing.T) (*ledgerBench, *removals) {
	b := newLedgerBench(newBench(t, func(c *app.Config) {
		withLedger(c)
		c.Kinds["eliza"] = fleet.Kind{Name: "eliza", Driver: fleet.DriverElizaOS, URL: "http://x", Restart: c.Kinds["rehearsal"].Restart}
	}))
	r := &removals{}
	b.SetRemovers(map[string]runtime.Remover{fleet.DriverElizaOS: r})
	return b, r
}

// job takes the one job for a row of the ledger that there is.
func (b *ledgerBench) job() queued {
	b.t.Helper()
	jobs := slices.DeleteFunc(b.queue.take(), func(j queued) bool { _, ok := j.args.(app.ResourceJob); return !ok })
	if len(jobs) != 1 {
		b.t.Fatalf("jobs: %+v", jobs)
	}
	return jobs[0]
}

// delete ends and deletes an agent.
func (b *bench) delete(id fleet.AgentID) {
	b.t.Helper()
	b.ok(second(b.End(b.t.Context(), b.operator, id, app.ReasonInput{})))
	b.ok(second(b.Delete(b.t.Context(), b.deleter, id, app.DeleteInput{})))
}

// The row is there before anybody can have asked for the agent, is held once
// its run has spoken, and is the same one in all runs and lives.
func TestAnAgentElsewhereIsInTheLedger(t *testing.T) {
	t.Parallel()
	b, r := elsewhere(t)
	local, id := b.create("rehearsal"), b.create("eliza")
	b.start(local)
	if got := append(b.rows(local), b.rows(id)...); len(got) != 0 {
		t.Fatalf("nothing is elsewhere: %+v", got)
	}
	b.runner.set(func(id fleet.AgentID) { b.begin(id, false) })
	b.ok(second(b.Start(t.Context(), b.operator, id, app.StartInput{})))
	b.runner.set(nil)
	one := b.rows(id)
	if len(one) != 1 || one[0].State != fleet.ResourceAcquiring || one[0].Type != fleet.ResourceAgent || one[0].Vendor != "eliza" ||
		one[0].ExternalID != string(id) || one[0].TeamID != b.team || one[0].Incarnation != 1 {
		t.Fatalf("after the first run began: %+v", one)
	}
	same := func(what string, want fleet.ResourceState) {
		t.Helper()
		if got := b.rows(id); len(got) != 1 || got[0].ID != one[0].ID || got[0].State != want {
			t.Errorf("%s: %+v", what, got)
		}
	}
	// A server that is killed now begins the run again, and waits for nothing.
	b.restart()
	b.ok(b.work(t.Context(), 5))
	b.ok(b.RunExited(t.Context(), fleet.Run{TeamID: b.team, AgentID: id, Epoch: 1}, app.RunExit{Expected: true}))
	spec := b.begin(id, false)
	same("after the second run began", fleet.ResourceAcquiring)
	b.effectsOf(func() { b.ok(second(b.RunForToken(t.Context(), spec.Token))) }).want(t, "heard", effects{
		Audit: []string{"resource.held done worker"}, Events: []string{fleet.EventResourceChanged, fleet.EventRunChanged},
	})
	same("heard", fleet.ResourceHeld)
	b.ok(second(b.End(t.Context(), b.operator, id, app.ReasonInput{})))
	if p := must[fleet.Preview](t)(b.Preview(t.Context(), b.operator, id, fleet.MoveRelaunch)); len(p.Resources) != 0 {
		t.Errorf("a relaunch names %+v", p.Resources)
	}
	b.ok(second(b.Relaunch(t.Context(), b.operator, id, app.ReasonInput{})))
	b.ok(b.work(t.Context(), 5))
	same("relaunched", fleet.ResourceHeld)
	b.start(id)
	same("in its second life", fleet.ResourceHeld)
	b.ok(second(b.End(t.Context(), b.operator, id, app.ReasonInput{})))
	if p := must[fleet.Preview](t)(b.Preview(t.Context(), b.deleter, id, fleet.MoveDelete)); len(p.Resources) != 1 || p.Resources[0].ID != one[0].ID {
		t.Errorf("a delete names %+v", p.Resources)
	}
	if len(r.asked) > 0 {
		t.Errorf("deleted elsewhere: %q", r.asked)
	}
}

// A job for a row that a run makes has nothing to do, whoever asks for it, and
// an agent waits for no such row.
func TestTheRunMakesTheAgentElsewhere(t *testing.T) {
	t.Parallel()
	b, r := elsewhere(t)
	id := b.create("eliza")
	b.runner.set(func(id fleet.AgentID) { b.begin(id, false) })
	b.ok(second(b.Start(t.Context(), b.operator, id, app.StartInput{})))
	b.runner.set(nil)
	b.ok(second(b.RetryResource(t.Context(), b.operator, b.rows(id)[0].ID)))
	b.ok(b.work(t.Context(), 5))
	got := b.rows(id)[0]
	if got.State != fleet.ResourceAcquiring || !got.NextTry.IsZero() || got.Tries != 0 || got.Pending() || !got.Open() || len(r.asked) > 0 {
		t.Errorf("%+v, asked %q", got, r.asked)
	}
}

func TestDeletionFollowsElsewhere(t *testing.T) {
	t.Parallel()
	b, r := elsewhere(t)
	b.delete(b.create("eliza")) // it never was there
	local := b.create("rehearsal")
	b.start(local)
	b.delete(local)
	if b.ok(b.work(t.Context(), 5)); len(r.asked) != 0 {
		t.Fatalf("nothing is elsewhere: %q", r.asked)
	}
	id := b.create("eliza")
	b.start(id)
	b.delete(id)
	r.answer = errors.New("not now \xff")
	for n, least := 1, 500*time.Millisecond; n <= 8; n, least = n+1, min(2*least, 15*time.Second) {
		j := b.job()
		if j.args.(app.ResourceJob).InsertOpts().Queue != app.QueueAgents || n > 1 && (j.after < least/2 || j.after > 2*least) {
			t.Fatalf("try %d: %+v, the pause is at least %s", n, j, least/2)
		}
		b.clock.step(j.after)
		b.ok(b.run(t.Context(), j.args))
		got := b.rows(id)[0]
		if got.State != fleet.ResourceReleasing || got.Tries != n || got.LastError != "not now �" || len(r.asked) != n {
			t.Fatalf("after try %d: %+v, asked %q", n, got, r.asked)
		}
		d := must[fleet.Deletion](t)(b.DeletionOfAgent(t.Context(), b.viewer, id))
		if len(d.Resources) != 1 || d.Resources[0] != got {
			t.Fatalf("after try %d the certificate says %+v", n, d.Resources)
		}
	}
	// The server is killed while it asks, and the answer is lost.
	ctx, kill := context.WithCancel(t.Context())
	r.during = kill
	b.ok(b.run(ctx, b.job().args))
	b.restart()
	b.SetRemovers(map[string]runtime.Remover{fleet.DriverElizaOS: r})
	r.during, r.answer = nil, nil
	j := b.job()
	b.effectsOf(func() { b.ok(b.run(t.Context(), j.args)) }).
		want(t, "the confirmation", effects{Audit: []string{"resource.released done worker"}, Events: []string{fleet.EventResourceChanged}})
	b.effectsOf(func() { b.ok(b.run(t.Context(), j.args)) }).want(t, "the job again", effects{})
	if got := b.rows(id)[0]; got.State != fleet.ResourceReleased || !got.ReleasedAt.Equal(b.Now()) || r.asked[0] != "eliza http://x "+string(id) || len(r.asked) != 10 {
		t.Errorf("%+v, asked %q", got, r.asked)
	}
	if n := b.number(`SELECT COUNT(*) FROM audit WHERE action = 'resource.released' AND agent_id = ? AND team_id = ?`, id, b.team); n != 1 {
		t.Errorf("%d entries in the audit", n)
	}
}

// What cannot be deleted elsewhere says why, and goes on once the host has
// mended it.
func TestKindsThatCannotBeAsked(t *testing.T) {
	t.Parallel()
	b, r := elsewhere(t)
	id := b.create("eliza")
	b.start(id)
	b.delete(id)
	kinds := b.config.Kinds
	for _, c := range []struct{ kind, want string }{
		{"", "Kind eliza is not configured on this server, so its agent cannot be deleted there"},
		{fleet.DriverProcess, "Kind eliza has another driver now, so its agent cannot be deleted there"},
	} {
		b.config.Kinds = map[string]fleet.Kind{"rehearsal": kinds["rehearsal"]}
		if c.kind != "" {
			b.config.Kinds["eliza"] = fleet.Kind{Name: "eliza", Driver: c.kind}
		}
		b.restart()
		b.SetRemovers(map[string]runtime.Remover{fleet.DriverElizaOS: r})
		b.ok(b.run(t.Context(), b.job().args))
		if got := b.rows(id)[0]; got.State != fleet.ResourceReleasing || got.LastError != c.want || !got.Stuck() {
			t.Errorf("%+v, want %q", got, c.want)
		}
	}
	b.config.Kinds = kinds
	b.restart()
	b.SetRemovers(map[string]runtime.Remover{fleet.DriverElizaOS: r})
	b.ok(b.work(t.Context(), 5))
	if got := b.rows(id)[0]; got.State != fleet.ResourceReleased || len(r.asked) != 1 {
		t.Errorf("%+v, asked %q", got, r.asked)
	}
}

// Another team's ledger has nothing of it, and the audit no address.
func TestAnAgentElsewhereIsItsTeams(t *testing.T) {
	t.Parallel()
	b, _ := elsewhere(t)
	id := b.create("eliza")
	b.start(id)
	list, _, err := b.Resources(t.Context(), b.stranger, app.ResourceFilter{}, app.PageInput{})
	if len(list) != 0 || err != nil {
		t.Errorf("%+v, %v", list, err)
	}
	wantErr(t, "retry", second(b.RetryResource(t.Context(), b.stranger, b.rows(id)[0].ID)), fleet.CodeNotFound, "Resource not found")
	said := b.column(`SELECT detail FROM audit WHERE action = 'resource.held'`)
	if len(said) != 1 || !strings.Contains(said[0], `"type":"agent"`) || strings.Contains(said[0], "http") {
		t.Errorf("the audit says %q", said)
	}
}
