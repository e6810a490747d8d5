package supervisor

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	agentruntime "agentry/internal/runtime"
	"agentry/internal/runtime/fake"
)

// stubborn is a process that is gone only when told so by the test.
type stubborn struct {
	agentruntime.Process
	done chan struct{}
}

func (p stubborn) Done() <-chan struct{} { return p.done }

func (p stubborn) Stop(ctx context.Context, grace time.Duration) error {
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
	case <-time.After(grace):
	}
	return errors.New("not confirmed")
}

func (p stubborn) Exit() agentruntime.Exit { return agentruntime.Exit{Text: "gone at last"} }

type stubbornDriver struct {
	*fake.Driver
	done chan struct{}
}

func (d stubbornDriver) Start(ctx context.Context, spec agentruntime.Spec) (agentruntime.Process, error) {
	p, err := d.Driver.Start(ctx, spec)
	spec.Alert("why", "message")
	return stubborn{p, d.done}, err
}

// The end of a program that could not be stopped in time is recorded when it
// comes, and holds up nothing.
func TestEndThatComesLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newFakeApp("a")
		program := fake.New(func(agentruntime.Spec, <-chan struct{}, <-chan struct{}) agentruntime.Exit {
			return agentruntime.Exit{}
		})
		d := stubbornDriver{program, make(chan struct{})}
		s := New(Config{App: a, Drivers: map[string]agentruntime.Driver{"fake": d}, Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler)})
		if err := s.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		a.want("a", false)
		s.Wake("a")
		time.Sleep(time.Minute)
		if got := a.list("exited"); len(got) != 0 {
			t.Fatalf("%q before the end", got)
		}
		close(d.done)
		synctest.Wait()
		if got := a.list("exited"); len(got) != 1 || got[0] != "exited a/1 gone at last expected=true" {
			t.Errorf("%q", got)
		}
		if got := a.list("alert"); len(got) != 1 || got[0] != "alert a/1 fake/why message" {
			t.Errorf("%q", got)
		}
		if err := s.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
