// Package worker runs the jobs that use-cases insert, with River over the same
// file. Its workers are thin: what a job means is said in internal/app.
package worker

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"

	"agentry/internal/store"
)

// Queue inserts jobs in the transactions of others. Use OpenQueue.
type Queue struct {
	client *river.Client[*sql.Tx]
	now    func() time.Time
}

// OpenQueue makes the queue's tables where they are missing, and anew where
// they are damaged: what is to be done stands in the ledger.
func OpenQueue(ctx context.Context, s *store.Store, log *slog.Logger) (*Queue, error) {
	driver := riversqlite.New(s.Queue())
	err := migrate(ctx, s, driver)
	if store.IsWrongSchema(err) {
		log.Warn("the job queue's tables are damaged and made anew; nothing is lost, the ledger says what is to be done", "error", err)
		if err = s.DropQueue(ctx); err == nil {
			err = migrate(ctx, s, driver)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("job queue: %w", err)
	}
	// Without queues and workers it inserts alone.
	client, err := river.NewClient(driver, &river.Config{PollOnly: true, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, fmt.Errorf("job queue: %w", err)
	}
	return &Queue{client: client, now: time.Now}, nil
}

func migrate(ctx context.Context, s *store.Store, driver *riversqlite.Driver) error {
	migrator, err := rivermigrate.New(driver, &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return err
	}
	return s.CheckQueue(ctx)
}

// Insert adds a job that runs after the pause, by this machine's clock.
func (q *Queue) Insert(ctx context.Context, tx *store.Tx, args river.JobArgs, after time.Duration) error {
	var opts *river.InsertOpts
	if after > 0 {
		opts = &river.InsertOpts{ScheduledAt: q.now().Add(after)}
	}
	_, err := q.client.InsertTx(ctx, tx.SQL(), args, opts)
	return err
}
