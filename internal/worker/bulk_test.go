package worker

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/internal/live"
	"agentry/internal/secret"
	"agentry/internal/store"
)

// server is an App and its worker over a file.
type server struct {
	*app.App
	store  *store.Store
	hub    *live.Hub
	worker *Worker
}

func serve(t *testing.T, path string) *server {
	t.Helper()
	ctx := t.Context()
	s := &server{hub: live.New()}
	var err error
	if s.store, err = store.Open(ctx, path, store.Options{Committed: s.hub.Publish}); err != nil {
		t.Fatal(err)
	}
	queue, err := OpenQueue(ctx, s.store, silent())
	if err != nil {
		t.Fatal(err)
	}
	sealer, err := secret.NewSealer(make([]byte, secret.KeyBytes))
	if err != nil {
		t.Fatal(err)
	}
	s.App = app.New(app.Config{Store: s.store, Hub: s.hub, Sealer: sealer, Jobs: queue, DefaultKind: "one", Kinds: map[string]fleet.Kind{
		"one": {Name: "one", Driver: "process", Restart: fleet.DefaultRestart()},
	}})
	if s.worker, err = New(s.App, s.store, silent()); err != nil {
		t.Fatal(err)
	}
	if err := s.worker.Start(ctx); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *server) stop(t *testing.T) {
	t.Helper()
	began := time.Now()
	s.hub.Close()
	if err := errors.Join(s.worker.Stop(context.Background()), s.store.Close()); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("the stop waited for bulks: %s", took)
	}
}

// fleet makes a key and agents of its team.
func (s *server) fleet(t *testing.T, n int) (by fleet.Actor, ids []fleet.AgentID) {
	t.Helper()
	ctx := t.Context()
	team, err := s.AddTeam(ctx, "Ours")
	if err != nil {
		t.Fatal(err)
	}
	_, key, err := s.AddKey(ctx, team.ID, app.KeyInput{Name: "k", Scope: fleet.ScopeOperate})
	if err != nil {
		t.Fatal(err)
	}
	by, _, _, err = s.ActorForKey(ctx, key)
	if err != nil {
		t.Fatal(err)
	}
	for range n {
		v, err := s.Create(ctx, by, app.CreateInput{})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, v.ID)
	}
	return by, ids
}

// Bulks go on with the next server, as often as one stops in the middle; none of
// them, and no start that waits for its program, holds a stop up.
func TestBulksSurviveRestarts(t *testing.T) {
	t.Parallel()
	ctx, path := t.Context(), filepath.Join(t.TempDir(), "agentry.db")
	s := serve(t, path)
	by, ids := s.fleet(t, 60)
	tags, err := s.StartBulk(ctx, by, app.BulkInput{Action: fleet.BulkTag, AddTags: []string{"new"}, IDs: ids, PerMinute: fleet.MaxBulkRate})
	if err != nil {
		t.Fatal(err)
	}
	// Nobody runs programs here: its starts wait, and its rate is slow.
	slow, err := s.StartBulk(ctx, by, app.BulkInput{Action: fleet.BulkStart, IDs: ids[:3], PerMinute: 1})
	if err != nil {
		t.Fatal(err)
	}
	bulk := func(id string) fleet.Bulk {
		b, err := s.Bulk(ctx, by, id)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	eventually := func(what string, so func() bool) {
		t.Helper()
		deadline, tick := time.After(20*time.Second), time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for !so() {
			select {
			case <-tick.C:
			case <-deadline:
				t.Fatalf("%s: %+v", what, bulk(tags.ID))
			}
		}
	}
	eventually("the slow one begins", func() bool { return bulk(slow.ID).Waiting == 1 })
	for _, done := range []int{5, 25} {
		eventually("it goes on", func() bool { return bulk(tags.ID).Done >= done })
		s.stop(t)
		s = serve(t, path)
	}
	eventually("it ends", func() bool { return bulk(tags.ID).State.Over() })
	if got := bulk(tags.ID); got.State != fleet.BulkDone || got.Done != 60 {
		t.Errorf("it ended as %+v", got)
	}
	for _, id := range ids {
		list, _, err := s.History(ctx, by, id, app.PageInput{})
		n := 0
		for _, e := range list {
			if e.Action == "update" && e.Outcome == "done" && e.Detail["bulkId"] == tags.ID {
				n++
			}
		}
		if n != 1 || err != nil {
			t.Errorf("%d acts on one agent, %v", n, err)
		}
	}
	if got := bulk(slow.ID); got.State != fleet.BulkRunning || got.Waiting+got.Done != 1 {
		t.Errorf("the slow one is %+v", got)
	}
	if _, err := s.StopBulk(ctx, by, slow.ID); err != nil {
		t.Error(err)
	}
	s.stop(t)
}
