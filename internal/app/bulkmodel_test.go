package app_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/internal/live"
	"agentry/internal/store"
)

// Whatever becomes of single agents, whoever interferes, and at whichever commit
// the server is killed: in the end every agent of a bulk has at most one effect,
// exactly one outcome that tells of it, and the counts add up.
func TestEveryAgentOfABulkHasOneEffectAndOneOutcome(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		m := newBulkModel(t, rt)
		for range rapid.IntRange(0, 3).Draw(rt, "kills") {
			m.life(rapid.IntRange(1, 12).Draw(rt, "commits"))
		}
		m.life(0)
		m.judge()
	})
}

// bulkModel leads one bulk through the lives of servers over one file.
type bulkModel struct {
	*bulkBench
	rt    *rapid.T
	in    app.BulkInput
	id    string
	by    fleet.Actor
	bad   []fleet.AgentID
	lives int
	// people interfere once the nth commit of a life was made.
	people sync.WaitGroup
}

func newBulkModel(t *testing.T, rt *rapid.T) *bulkModel {
	m := &bulkModel{bulkBench: newBulkBench(t), rt: rt}
	statuses := rapid.SampledFrom([]fleet.Status{fleet.SetupNeeded, fleet.SetupNeeded, fleet.Paused, fleet.Running, fleet.Ended, fleet.Ended})
	for range rapid.IntRange(1, 7).Draw(rt, "agents") {
		id := m.bench.in(statuses.Draw(rt, "status"), "rehearsal")
		m.in.IDs = append(m.in.IDs, id)
		if rapid.IntRange(0, 3).Draw(rt, "bad") == 0 {
			m.bad = append(m.bad, id)
		}
	}
	m.by = m.keys[del]
	m.in.Action = rapid.SampledFrom([]fleet.BulkAction{fleet.BulkStart, fleet.BulkStart, fleet.BulkResume, fleet.BulkPause, fleet.BulkEnd,
		fleet.BulkRelaunch, fleet.BulkDelete, fleet.BulkTag}).Draw(rt, "action")
	if m.in.Action == fleet.BulkTag {
		m.in.AddTags = []string{"new"}
	}
	m.in.Canary = rapid.IntRange(0, 3).Draw(rt, "canary")
	m.in.StopAfterFailures = rapid.IntRange(0, 2).Draw(rt, "stop after")
	b, err := m.StartBulk(context.Background(), m.by, m.in)
	m.ok(err)
	m.id = b.ID
	return m
}

// life works at the bulk until it is over or, after so many commits (0 is
// never), the server is killed; then there is another one over what the file
// held at that commit.
func (m *bulkModel) life(commits int) {
	ctx, kill := context.WithCancel(context.Background())
	defer kill()
	m.lives++
	image, died := filepath.Join(filepath.Dir(m.path), fmt.Sprint("life", m.lives)), false
	if commits == 0 {
		image = ""
	}
	meddle := rapid.SampledFrom([]string{"", "", "", "stop", "revoke", "end", "protect", "delete"}).Draw(m.rt, "people")
	victim := rapid.SampledFrom(m.in.IDs).Draw(m.rt, "victim")
	at := rapid.IntRange(1, 6).Draw(m.rt, "people come")
	n := 0
	m.open(m.path, func() { // of the goroutine that commits
		n++
		if n == at {
			m.people.Go(func() { m.meddle(meddle, victim) })
		}
		if n == commits && image != "" {
			m.snapshot(image)
			died = true
			kill()
		}
	})
	m.autostart(m.bad...)
	for _, id := range m.in.IDs { // whoever runs programs begins with what is wanted
		m.runner.Wake(id)
	}
	if err := m.SweepBulks(ctx); err != nil && ctx.Err() == nil {
		m.rt.Fatal(err)
	}
	m.queue.take()
	for again := time.Duration(1); again > 0; {
		var err error
		if again, err = m.WorkBulk(ctx, m.id); err != nil && ctx.Err() == nil {
			m.rt.Fatal(err)
		}
	}
	m.people.Wait()
	m.runner.set(nil)
	m.runner.all.Wait()
	if died {
		m.path = image
	}
}

// open is another server over a file.
func (m *bulkModel) open(path string, committed func()) {
	m.config.Hub.Close()
	// Its last commits may still be copied.
	m.ok(m.store.Close())
	m.ok(m.raw.Close())
	hub := live.New()
	var err error
	m.store, err = store.Open(context.Background(), path, store.Options{Fatal: func(err error) { m.t.Error(err) }, Committed: func(events ...fleet.Event) {
		committed()
		hub.Publish(events...)
	}})
	m.ok(err)
	m.raw, err = sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(5000)")
	m.ok(err)
	var passed time.Duration
	var mu sync.Mutex
	m.config.Store, m.config.Hub = m.store, hub
	m.config.Elapsed = func() time.Duration { // so that slices end and all is told
		mu.Lock()
		defer mu.Unlock()
		passed += time.Second
		return passed
	}
	m.App = app.New(m.config)
	m.NoBulkPause()
	m.SetRunner(m.runner)
}

func (m *bulkModel) snapshot(to string) {
	if _, err := m.raw.Exec(`VACUUM INTO ?`, to); err != nil {
		m.t.Error(err)
	}
}

// meddle is what people do meanwhile, which may well be refused.
func (m *bulkModel) meddle(what string, id fleet.AgentID) {
	ctx := context.Background()
	switch what {
	case "stop":
		_, _ = m.StopBulk(ctx, m.operator, m.id)
	case "revoke":
		_ = m.RevokeKey(ctx, m.admin, m.by.ID)
	case "end":
		_, _ = m.End(ctx, m.operator, id, app.ReasonInput{})
	case "protect":
		_, _ = m.Protect(ctx, m.operator, id, app.ReasonInput{Reason: "r"})
	case "delete":
		_, _ = m.Delete(ctx, m.admin, id, app.DeleteInput{})
	}
}

func (m *bulkModel) judge() {
	b, ctx := m.bulk(m.id), context.Background()
	items, _, err := m.BulkItems(ctx, m.admin, m.id, "", app.PageInput{})
	m.ok(err)
	counts := map[fleet.BulkOutcome]int{}
	for _, i := range items {
		counts[i.Outcome]++
		effects := m.number(`SELECT COUNT(*) FROM audit WHERE agent_id = ? AND outcome = 'done' AND detail LIKE '%"bulkId":"`+m.id+`"%'`, i.AgentID)
		most, least := int64(0), int64(0)
		switch {
		case i.Outcome == fleet.BulkSuccessful:
			most, least = 1, 1
		case i.Outcome == fleet.BulkFailed && m.in.Action.Starts(): // it was taken back, or overtaken
			most = 1
		}
		if effects < least || effects > most {
			m.rt.Errorf("agent %d is %s (%s %s) and was acted on %d times", i.N, i.Outcome, i.Code, i.Message, effects)
		}
		if (i.Outcome == fleet.BulkFailed || i.Outcome == fleet.BulkSkipped) != (i.Code != "" && i.Message != "") {
			m.rt.Errorf("agent %d is %s for %q %q", i.N, i.Outcome, i.Code, i.Message)
		}
	}
	if len(items) != len(m.in.IDs) || b.Total != len(items) || counts[fleet.BulkSuccessful] != b.Done || counts[fleet.BulkFailed] != b.Failed ||
		counts[fleet.BulkSkipped] != b.Skipped || counts[fleet.BulkPending] != b.Left() || b.Waiting != 0 {
		m.rt.Errorf("%d items are %v, the bulk says %+v", len(items), counts, b)
	}
	if !b.State.Over() || b.EndedAt.IsZero() || (b.State == fleet.BulkDone) != (b.Left() == 0) || (b.Why != "") != (b.State == fleet.BulkStopped) {
		m.rt.Errorf("it ended as %s because of %q with %d left", b.State, b.Why, b.Left())
	}
	if n := m.number(`SELECT COUNT(*) FROM audit WHERE action = 'bulk.end' AND detail LIKE '%` + m.id + `%'`); n != 1 {
		m.rt.Errorf("its end is %d times in the audit", n)
	}
	late := m.number(`SELECT COUNT(*) FROM audit WHERE outcome = 'done' AND detail LIKE '%"bulkId"%' AND actor_id = ? AND action NOT LIKE 'bulk.%'
		AND id > COALESCE((SELECT MIN(id) FROM audit WHERE action = 'key.revoke'), 1 << 60)`, m.by.ID)
	if late > 0 {
		m.rt.Errorf("%d acts with a key that was revoked", late)
	}
	if b.Canary > 0 && b.Failed > 0 && b.Done < b.Canary && b.State != fleet.BulkStopped && b.Left() > 0 {
		m.rt.Errorf("a canary failed and it is %s", b.State)
	}
	if most := b.StopAfterFailures; most > 0 && b.Failed > most && !m.in.Action.Starts() {
		m.rt.Errorf("%d failed, and it was to stop at %d", b.Failed, most)
	}
	m.countsAreRight()
	files, err := filepath.Glob(filepath.Join(filepath.Dir(m.path), "life*"))
	m.ok(err)
	m.config.Hub.Close()
	for _, f := range files {
		if f != m.path {
			m.ok(os.Remove(f))
		}
	}
}
