package brain

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"agentry/internal/brain/llm"
)

// enters lets somebody in and tells when.
func enters(t *testing.T, g *gate) (in chan time.Time) {
	in = make(chan time.Time, 1)
	go func() {
		if err := g.enter(t.Context()); err == nil {
			in <- time.Now()
		}
	}()
	synctest.Wait()
	return in
}

func TestGateLetsFewInAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(2, normalWaits())
		one, two, three := enters(t, g), enters(t, g), enters(t, g)
		if len(one)+len(two) != 2 || len(three) != 0 {
			t.Fatal("not two of three are in")
		}
		g.leave(time.Now(), nil)
		<-three
	})
}

func TestGateLetsOneTryWhileTheEndpointFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(4, normalWaits())
		<-enters(t, g)
		<-enters(t, g)
		began := time.Now()
		time.Sleep(time.Second)
		down := &llm.Trouble{Kind: llm.Unavailable, After: 30 * time.Second}
		if a, b := g.leave(began, down), g.leave(began, down); a != 1 || b != 0 {
			t.Errorf("what failed together counts %d and %d", a, b)
		}
		one, two := enters(t, g), enters(t, g)
		time.Sleep(29 * time.Second)
		if len(one)+len(two) != 0 {
			t.Fatal("somebody is in before Retry-After")
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if len(one)+len(two) != 1 {
			t.Fatalf("%d try", len(one)+len(two))
		}
		if n := g.leave(time.Now(), &llm.Trouble{Kind: llm.WrongKey}); n != 2 {
			t.Errorf("failure %d", n)
		}
		time.Sleep(59 * time.Second)
		synctest.Wait()
		if len(one)+len(two) != 1 {
			t.Fatal("a lasting trouble is tried again at once")
		}
		g.hurry()
		synctest.Wait()
		if len(one)+len(two) != 2 {
			t.Fatal("nobody tries though something was changed")
		}
		g.leave(time.Now(), &llm.Trouble{Kind: llm.Filtered})
		if three := enters(t, g); len(three) != 1 {
			t.Error("a message's own trouble shuts the gate")
		}
	})
}

func TestGateForgetsWhoGivesUp(t *testing.T) {
	g := newGate(1, normalWaits())
	if err := g.enter(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := g.enter(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if n := g.leave(time.Now(), context.Canceled); n != 0 || g.inside != 0 || g.failures != 0 {
		t.Errorf("%d failures, %d inside", g.failures, g.inside)
	}
}
