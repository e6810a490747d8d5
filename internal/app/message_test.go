package app_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"agentry/internal/app"
	"agentry/internal/fleet"
)

// Who waits for a reply is told at once when the agent stops answering: failed
// where the reply will never come, pending where the agent may go on.
func TestWhoWaitsForAReplyIsWoken(t *testing.T) {
	for _, c := range []struct {
		name string
		stop func(ctx context.Context, b *bench, spec app.RunSpec) error
		want fleet.MessageState
	}{
		{"end", func(ctx context.Context, b *bench, spec app.RunSpec) error {
			return second(b.End(ctx, b.operator, spec.Run.AgentID, app.ReasonInput{}))
		}, fleet.MessageFailed},
		{"give up", func(ctx context.Context, b *bench, spec app.RunSpec) error {
			for {
				if err := b.RunExited(ctx, spec.Run, app.RunExit{Text: "exit 1"}); err != nil || b.get(spec.Run.AgentID).Status == fleet.Ended {
					return err
				}
				time.Sleep(8 * time.Second) // virtual
				spec = b.begin(spec.Run.AgentID, true)
			}
		}, fleet.MessageFailed},
		{"pause", func(ctx context.Context, b *bench, spec app.RunSpec) error {
			return second(b.Pause(ctx, b.operator, spec.Run.AgentID, app.PauseInput{}))
		}, fleet.MessagePending},
		{"disable", func(ctx context.Context, b *bench, spec app.RunSpec) error {
			return second(b.Disable(ctx, b.admin, spec.Run.AgentID, app.ReasonInput{}))
		}, fleet.MessagePending},
	} {
		t.Run(c.name, func(t *testing.T) {
			startBench(t, func(t *testing.T, b *bench) {
				id := b.create("rehearsal")
				specs := make(chan app.RunSpec, 1)
				b.act(func(spec app.RunSpec) {
					b.ok(b.RunSpawned(context.Background(), spec.Run, "pid:1"))
					b.ok(second(b.RunForToken(context.Background(), spec.Token)))
					specs <- spec
				})
				b.ok(second(b.Start(t.Context(), b.operator, id, app.StartInput{})))
				b.runner.set(nil)
				type answer struct {
					m    fleet.Message
					err  error
					when time.Time
				}
				done := make(chan answer, 1)
				go func() {
					m, err := b.SendMessage(context.Background(), b.operator, id, app.MessageInput{Text: "hello", Wait: time.Hour})
					done <- answer{m, err, time.Now()}
				}()
				synctest.Wait()
				b.ok(c.stop(t.Context(), b, <-specs))
				stopped := time.Now()
				if a := <-done; a.err != nil || a.m.State != c.want || a.when.Sub(stopped).Abs() > time.Second {
					t.Errorf("%+v %s after the stop", a, a.when.Sub(stopped))
				}
			})
		})
	}
}

// A start that waits hears at once that its program was given up.
func TestWhoWaitsForAStartIsWokenAtTheEnd(t *testing.T) {
	startBench(t, func(t *testing.T, b *bench) {
		id := b.create("rehearsal")
		kind := b.config.Kinds["rehearsal"]
		kind.Restart.GiveUpAfter = 1
		b.config.Kinds["rehearsal"] = kind
		b.act(func(spec app.RunSpec) {
			b.ok(b.RunSpawned(context.Background(), spec.Run, "pid:1"))
			time.Sleep(time.Second) // virtual
			b.ok(b.RunExited(context.Background(), spec.Run, app.RunExit{Text: "exit 1"}))
		})
		began := time.Now()
		a, err := b.Start(t.Context(), b.operator, id, app.StartInput{})
		wantErr(t, "start", err, fleet.CodeStartFailed, "Failed to start agent runtime")
		if took := time.Since(began); took > 2*time.Second || a.Status != fleet.Ended {
			t.Errorf("%s after %s", a.Status, took)
		}
	})
}
