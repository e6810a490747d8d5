package runtimeapi

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"agentry/internal/fleet"
)

// One call of an agent is at work at a time, others' are not held up, who is
// one too many is refused, and nothing is left when all are gone.
func TestTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		turns := newTurns()
		first, err := turns.take(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		atWork, most, told := 0, 0, 0
		for range maxWaiting {
			go func() {
				done, err := turns.take(t.Context(), "a")
				if err != nil {
					t.Error(err)
					return
				}
				defer done()
				atWork++
				most = max(most, atWork)
				told++
				time.Sleep(time.Millisecond)
				atWork--
			}()
			synctest.Wait()
		}
		if told != 0 {
			t.Error("two calls of an agent were at work")
		}
		var known *fleet.Error
		if _, err := turns.take(t.Context(), "a"); !errors.As(err, &known) || known.Code != fleet.CodeRateLimited {
			t.Errorf("one too many: %v", err)
		}
		other, err := turns.take(t.Context(), "b")
		if err != nil {
			t.Fatal(err)
		}
		other()
		first()
		time.Sleep(time.Second)
		synctest.Wait()
		if told != maxWaiting || most != 1 {
			t.Errorf("%d calls, %d at once", told, most)
		}
		if len(turns.of) != 0 {
			t.Errorf("%d agents are left", len(turns.of))
		}
	})
}

func TestTurnsEndWithTheCaller(t *testing.T) {
	t.Parallel()
	turns := newTurns()
	done, err := turns.take(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	gone, leave := context.WithCancel(t.Context())
	leave()
	if _, err := turns.take(gone, "a"); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	done()
	if len(turns.of) != 0 {
		t.Error("an agent is left")
	}
}
