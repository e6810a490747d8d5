package app_test

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"agentry/internal/app"
	"agentry/internal/store"
)

// Of those who ask the same while the readers are busy few read for all.
func TestEqualQuestionsShareARead(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	var all sync.WaitGroup
	busy, gate := make(chan bool), make(chan bool)
	const readers = 4
	for i := range readers {
		all.Go(func() {
			_, err := app.Together(t.Context(), b.App, fmt.Sprint(i), func(*store.Tx) (int, error) {
				busy <- true
				<-gate
				return 0, nil
			})
			b.ok(err)
		})
		<-busy
	}
	const askers = 50
	var reads atomic.Int64
	for range askers {
		all.Go(func() {
			n, err := app.Together(t.Context(), b.App, "the same", func(*store.Tx) (int64, error) { return reads.Add(1), nil })
			b.ok(err)
			if n == 0 {
				t.Error("no answer")
			}
		})
	}
	deadline := time.Now().Add(20 * time.Second)
	for waiting := 0; waiting < readers+askers; runtime.Gosched() {
		stacks := make([]byte, 1<<20)
		waiting = strings.Count(string(stacks[:runtime.Stack(stacks, true)]), "singleflight.(*Group).Do(")
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d ask", waiting, askers)
		}
	}
	close(gate)
	all.Wait()
	// One on its way into the group while the gate opens may come late.
	if n := reads.Load(); n > askers/5 {
		t.Errorf("%d reads for %d equal questions", n, askers)
	}
}

// Who asks is told of everything that was done before, whoever reads for them.
func TestAnEqualQuestionIsNotAnsweredFromThePast(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	var all sync.WaitGroup
	var made atomic.Int64
	for range 8 {
		all.Go(func() {
			for range 15 {
				b.create("rehearsal")
				before := made.Add(1)
				page, err := b.Agents(t.Context(), b.operator, app.ListInput{})
				b.ok(err)
				counts, err := b.FleetCounts(t.Context(), b.operator)
				b.ok(err)
				if page.Total < before || counts.All < before {
					t.Errorf("%d in the list, %d counted, %d were there", page.Total, counts.All, before)
				}
			}
		})
	}
	all.Wait()
}
