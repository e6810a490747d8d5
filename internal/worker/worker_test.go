package worker

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"agentry/internal/app"
	"agentry/internal/store"
)

// standing is an App whose work does not end by itself.
type standing struct {
	began  chan string
	sweeps atomic.Int32
}

func (s *standing) StartLedger(context.Context) error { return nil }

func (s *standing) WorkResource(ctx context.Context, id string, _ int64) (time.Duration, error) {
	s.began <- id
	<-ctx.Done()
	return 0, ctx.Err()
}

func (s *standing) WorkVendorCheck(context.Context, string) error { return nil }
func (s *standing) WorkProxyCheck(context.Context, string) error  { return nil }
func (s *standing) SweepLedger(context.Context) error {
	s.sweeps.Add(1)
	return errors.New("the disk is full")
}
func (s *standing) SweepVendor(context.Context) error { return nil }
func (s *standing) SweepBulks(context.Context) error  { return nil }
func (s *standing) WorkBulk(context.Context, string) (time.Duration, error) {
	return 0, nil
}

func silent() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// A stop gives up what hangs, and the file can be closed and opened again.
func TestAStopGivesUpWhatHangs(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "agentry.db")
	for range 2 {
		s, err := store.Open(ctx, path, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		q, err := OpenQueue(ctx, s, silent())
		if err != nil {
			t.Fatal(err)
		}
		a := &standing{began: make(chan string, 10)}
		w, err := New(a, s, silent())
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(w.Stop(ctx), w.Start(ctx)); err != nil {
			t.Fatal(err)
		}
		err = s.Write(ctx, func(tx *store.Tx) error {
			return q.Insert(ctx, tx, app.ResourceJob{ID: "r", Turn: 1, Queue: app.QueueResources}, 0)
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := <-a.began; got != "r" {
			t.Errorf("worked at %q", got)
		}
		if err := errors.Join(w.Stop(ctx), w.Stop(ctx), s.Close()); err != nil {
			t.Errorf("the stop: %v", err)
		}
		if a.sweeps.Load() == 0 {
			t.Error("the ledger was not swept")
		}
	}
}

// A sweep comes at once and after each pause, also when one fails, until the end.
func TestSweepsGoOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, end := context.WithCancel(t.Context())
		a := &standing{}
		w := &Worker{log: silent()}
		w.every(ctx, ledgerEvery, a.SweepLedger)
		for want := range int32(4) {
			synctest.Wait()
			if got := a.sweeps.Load(); got != want+1 {
				t.Errorf("%d sweeps after %d pauses", got, want)
			}
			time.Sleep(ledgerEvery)
		}
		end()
		w.sweeps.Wait()
	})
}
