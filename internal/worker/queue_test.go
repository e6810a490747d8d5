package worker

import (
	"context"
	"database/sql"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"agentry/internal/app"
	"agentry/internal/store"
)

// oneJob is an App that inserts one job when the worker starts.
type oneJob struct {
	App
	queue *Queue
	store *store.Store
	done  chan string
}

func (a *oneJob) StartLedger(ctx context.Context) error {
	return a.store.Write(ctx, func(tx *store.Tx) error {
		return a.queue.Insert(ctx, tx, app.ResourceJob{ID: "one", Queue: app.QueueResources}, 0)
	})
}

func (a *oneJob) WorkResource(_ context.Context, id string, _ int64) (time.Duration, error) {
	a.done <- id
	return 0, nil
}

func (a *oneJob) SweepLedger(context.Context) error { return nil }
func (a *oneJob) SweepVendor(context.Context) error { return nil }
func (a *oneJob) SweepBulks(context.Context) error  { return nil }

// Whatever became of the queue's tables, the next server works: the jobs are
// made from the ledger.
func TestADamagedQueueIsMadeAnew(t *testing.T) {
	t.Parallel()
	for _, damage := range []string{
		`DROP TABLE river_job`, `DROP TABLE river_leader`, `DROP TABLE river_queue`, `DROP TABLE river_migration`,
		`ALTER TABLE river_job RENAME COLUMN args TO arguments`,
		`INSERT INTO river_job (args, kind, max_attempts, state, queue) VALUES (x'ff', 'resource', 3, 'available', 'resources')`,
		`INSERT INTO river_job (args, kind, max_attempts, state, queue) VALUES ('x', 'resource', 3, 'running', 'resources')`,
	} {
		t.Run(damage, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "agentry.db")
			work(t, path)
			raw, err := sql.Open("sqlite", "file:"+path)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := raw.Exec(damage); err != nil {
				t.Fatal(err)
			}
			if err := raw.Close(); err != nil {
				t.Fatal(err)
			}
			work(t, path)
		})
	}
}

// work starts a server's worker on the file, waits for its job and stops.
func work(t *testing.T, path string) {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	s, err := store.Open(t.Context(), path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	a := &oneJob{store: s, done: make(chan string, 10)}
	if a.queue, err = OpenQueue(t.Context(), s, log); err != nil {
		t.Fatal(err)
	}
	w, err := New(a, s, log)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	select {
	case id := <-a.done:
		if id != "one" {
			t.Errorf("worked at %q", id)
		}
	case <-time.After(30 * time.Second):
		t.Error("no job is worked at")
	}
	if err := w.Stop(context.Background()); err != nil {
		t.Error(err)
	}
}
