package worker

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riversqlite"

	"agentry/internal/app"
	"agentry/internal/store"
)

const (
	// pollEvery is how long a job may wait for a worker that is idle, and
	// checksEvery that of the queues that nobody waits for. A look costs about
	// 2 ms of processor time.
	pollEvery   = 500 * time.Millisecond
	checksEvery = 2 * time.Second
	// jobTime bounds a job; waiting for a vendor's own limit is part of it.
	jobTime = 5 * time.Minute
	// keepFor is how long jobs that are done stay to be looked at.
	keepFor = 10 * time.Minute
	// ledgerEvery and vendorEvery are the sweeps' pauses.
	ledgerEvery = 10 * time.Second
	vendorEvery = 30 * time.Minute
)

// App is what jobs do; *app.App is one.
type App interface {
	StartLedger(ctx context.Context) error
	WorkResource(ctx context.Context, id string, turn int64) (again time.Duration, err error)
	WorkVendorCheck(ctx context.Context, name string) error
	WorkProxyCheck(ctx context.Context, id string) error
	SweepLedger(ctx context.Context) error
	SweepVendor(ctx context.Context) error
	WorkBulk(ctx context.Context, id string) (again time.Duration, err error)
	SweepBulks(ctx context.Context) error
}

// Worker works at jobs between Start and Stop.
type Worker struct {
	app    App
	store  *store.Store
	client *river.Client[*sql.Tx]
	log    *slog.Logger
	stop   sync.Once
	end    context.CancelFunc // of the sweeps; nil until they began
	sweeps sync.WaitGroup
}

// New makes a worker over a store whose queue was opened.
func New(a App, s *store.Store, log *slog.Logger) (*Worker, error) {
	workers := river.NewWorkers()
	errs := errors.Join(
		river.AddWorkerSafely(workers, river.WorkFunc(func(ctx context.Context, job *river.Job[app.ResourceJob]) error {
			again, err := a.WorkResource(ctx, job.Args.ID, job.Args.Turn)
			if err == nil && again > 0 {
				return river.JobSnooze(again)
			}
			return err
		})),
		river.AddWorkerSafely(workers, river.WorkFunc(func(ctx context.Context, job *river.Job[app.VendorCheckJob]) error {
			return a.WorkVendorCheck(ctx, job.Args.Name)
		})),
		river.AddWorkerSafely(workers, river.WorkFunc(func(ctx context.Context, job *river.Job[app.ProxyCheckJob]) error {
			return a.WorkProxyCheck(ctx, job.Args.ID)
		})),
		river.AddWorkerSafely(workers, river.WorkFunc(func(ctx context.Context, job *river.Job[app.BulkJob]) error {
			again, err := a.WorkBulk(ctx, job.Args.ID)
			if err == nil && again > 0 {
				return river.JobSnooze(again)
			}
			return err
		})),
	)
	if errs != nil {
		return nil, errs
	}
	client, err := river.NewClient(riversqlite.New(s.Queue()), &river.Config{
		Workers: workers,
		// The file knows no notifications; River would ask for them all the time.
		PollOnly: true, FetchPollInterval: pollEvery,
		Queues: map[string]river.QueueConfig{
			app.QueueResources: {MaxWorkers: 8},
			app.QueueAgents:    {MaxWorkers: 8, FetchPollInterval: checksEvery},
			app.QueueProxies:   {MaxWorkers: 4, FetchPollInterval: checksEvery},
			app.QueueBulks:     {MaxWorkers: 8},
		},
		JobTimeout: jobTime, CompletedJobRetentionPeriod: keepFor, CancelledJobRetentionPeriod: keepFor,
		ReindexerIndexNames: []string{},
		// One process works on a file, and machine names are nobody's business.
		ID:     "agentry",
		Logger: slog.New(warnings{log.Handler()}),
	})
	if err != nil {
		return nil, fmt.Errorf("job queue: %w", err)
	}
	return &Worker{app: a, store: s, client: client, log: log}, nil
}

// Start takes over what a killed server left and begins to work; it returns at
// once. Only Stop ends the work, not ctx.
func (w *Worker) Start(ctx context.Context) error {
	if err := w.store.ResetJobs(ctx); err != nil {
		return err
	}
	if err := w.app.StartLedger(ctx); err != nil {
		return err
	}
	ctx, w.end = context.WithCancel(context.WithoutCancel(ctx))
	w.every(ctx, ledgerEvery, w.app.SweepLedger)
	w.every(ctx, vendorEvery, w.app.SweepVendor)
	w.every(ctx, ledgerEvery, w.app.SweepBulks)
	return w.client.Start(context.WithoutCancel(ctx))
}

// every runs a sweep now and after each pause. Sweeps are no jobs: they make
// good what becomes of jobs on a full disk or when the clock is set.
func (w *Worker) every(ctx context.Context, pause time.Duration, sweep func(ctx context.Context) error) {
	w.sweeps.Go(func() {
		next := time.NewTicker(pause)
		defer next.Stop()
		for ctx.Err() == nil {
			if err := within(ctx, jobTime, sweep); err != nil && ctx.Err() == nil {
				w.log.Warn("a sweep failed; the next one goes on", "error", err)
			}
			select {
			case <-next.C:
			case <-ctx.Done():
			}
		}
	})
}

// within runs f with a bound on its time: a vendor whose list never ends must
// not take its whole rate from what is to be released.
func within(ctx context.Context, d time.Duration, f func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	return f(ctx)
}

// Stop gives up what is under way, which begins again with the next server,
// and waits for it. It is safe twice, and unstarted.
func (w *Worker) Stop(ctx context.Context) (err error) {
	if w.end == nil {
		return nil
	}
	w.stop.Do(func() {
		w.end()
		err = w.client.StopAndCancel(ctx)
		w.sweeps.Wait()
	})
	return err
}

// warnings lets River's log through from warnings on: what it does otherwise
// is its own business.
type warnings struct{ slog.Handler }

// Enabled is for slog.
func (h warnings) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && h.Handler.Enabled(ctx, level)
}
