package live

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"agentry/internal/fleet"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func event(team fleet.TeamID, seq int64) fleet.Event {
	return fleet.Event{Seq: seq, TeamID: team, Type: fleet.EventAgentUpdated}
}

// buffered empties what a stream holds now, without waiting for more.
func buffered(s *Subscription) (seqs []int64, open bool) {
	for {
		select {
		case e, ok := <-s.Events():
			if !ok {
				return seqs, false
			}
			seqs = append(seqs, e.Seq)
		default:
			return seqs, true
		}
	}
}

func TestStreamsGetTheirTeamsEventsInOrder(t *testing.T) {
	h := New()
	defer h.Close()
	h.Publish(event("a", 1))
	one, two, other := h.Subscribe("a"), h.Subscribe("a"), h.Subscribe("b")
	h.Publish(event("a", 2), event("b", 3), event("a", 4))
	h.Publish(event("a", 5), event("nobody", 6))
	for name, c := range map[string]struct {
		stream *Subscription
		want   []int64
	}{
		"one": {one, []int64{2, 4, 5}}, "two": {two, []int64{2, 4, 5}}, "other team": {other, []int64{3}},
	} {
		if got, open := buffered(c.stream); !slices.Equal(got, c.want) || !open || c.stream.Lagged() {
			t.Errorf("%s: got %v (open %v, lagged %v), want %v and open", name, got, open, c.stream.Lagged(), c.want)
		}
	}
}

func TestSlowReaderIsDroppedAloneAndTold(t *testing.T) {
	h := New()
	defer h.Close()
	slow, quick := h.Subscribe("a"), h.Subscribe("a")
	for seq := range int64(Buffer + 1) {
		if seq == Buffer && slow.Lagged() {
			t.Error("dropped with a full buffer, before an event was lost")
		}
		h.Publish(event("a", seq))
		if got, open := buffered(quick); !slices.Equal(got, []int64{seq}) || !open {
			t.Fatalf("quick reader got %v (open %v) for event %d", got, open, seq)
		}
	}
	got, open := buffered(slow)
	if len(got) != Buffer || got[Buffer-1] != Buffer-1 || open || !slow.Lagged() {
		t.Errorf("slow reader: %d events, open %v, lagged %v; want the first %d, closed, lagged", len(got), open, slow.Lagged(), Buffer)
	}
	if quick.Lagged() {
		t.Error("the quick reader is reported as lagged")
	}
	slow.Close()
}

func TestClosedSubscriptionsLeaveNothingBehind(t *testing.T) {
	h := New()
	s := h.Subscribe("a")
	s.Close()
	s.Close()
	h.Publish(event("a", 1))
	if got, open := buffered(s); got != nil || open || s.Lagged() {
		t.Errorf("after Close: %v, open %v, lagged %v", got, open, s.Lagged())
	}
	lagging := h.Subscribe("b")
	for seq := range int64(Buffer + 1) {
		h.Publish(event("b", seq))
	}
	if len(h.teams) != 0 || !lagging.Lagged() {
		t.Errorf("the hub still holds %d teams (lagged %v)", len(h.teams), lagging.Lagged())
	}
	h.Close()
}

func TestHubCloseEndsEverythingForGood(t *testing.T) {
	h := New()
	s := h.Subscribe("a")
	wake, cancel := h.Listen("k")
	h.Publish(event("a", 1))
	h.Close()
	h.Close()
	if got, open := buffered(s); !slices.Equal(got, []int64{1}) || open || s.Lagged() {
		t.Errorf("stream after Close: %v, open %v, lagged %v; want [1], closed, not lagged", got, open, s.Lagged())
	}
	if _, ok := <-wake; ok {
		t.Error("the listener was notified, want its channel closed")
	}
	h.Publish(event("a", 2))
	h.Notify("k")
	late := h.Subscribe("a")
	if got, open := buffered(late); got != nil || open {
		t.Errorf("stream of a closed hub: %v, open %v", got, open)
	}
	lateWake, lateCancel := h.Listen("k")
	if _, ok := <-lateWake; ok {
		t.Error("listener of a closed hub was notified")
	}
	s.Close()
	late.Close()
	cancel()
	lateCancel()
	if len(h.teams) != 0 || len(h.keys) != 0 {
		t.Errorf("the closed hub holds %d teams and %d keys", len(h.teams), len(h.keys))
	}
}

// What another process wrote was never published: the streams end before an
// event that comes after it, and their readers find it in the event table.
func TestStreamsAreSentToTheTableForWhatWasNotPublished(t *testing.T) {
	for name, c := range map[string]struct {
		tell func(h *Hub)
		want []int64
		lags bool
	}{
		"a number is left out":              {func(h *Hub) { h.Publish(event("a", 7)) }, nil, true},
		"left out while others are told":    {func(h *Hub) { h.Publish(event("b", 7)) }, nil, true},
		"the table is ahead":                {func(h *Hub) { h.Missed(6) }, nil, true},
		"the table is where the hub is":     {func(h *Hub) { h.Missed(5); h.Publish(event("a", 6)) }, []int64{6}, false},
		"told twice where the table stands": {func(h *Hub) { h.Reached(3); h.Publish(event("a", 6)) }, []int64{6}, false},
	} {
		h := New()
		s := h.Subscribe("a")
		h.Reached(5)
		c.tell(h)
		got, open := buffered(s)
		if !slices.Equal(got, c.want) || open == c.lags || s.Lagged() != c.lags {
			t.Errorf("%s: got %v, open %v, lagged %v; want %v, lagged %v", name, got, open, s.Lagged(), c.want, c.lags)
		}
		again := h.Subscribe("a")
		h.Publish(event("a", 8))
		if name == "a number is left out" {
			if got, open := buffered(again); !slices.Equal(got, []int64{8}) || !open {
				t.Errorf("the next stream got %v, open %v", got, open)
			}
		}
		h.Close()
	}
}

func TestAnEmptyTableIsAPlaceToo(t *testing.T) {
	h := New()
	defer h.Close()
	s := h.Subscribe("a")
	h.Reached(0)
	h.Publish(event("a", 2))
	if got, open := buffered(s); got != nil || open || !s.Lagged() {
		t.Errorf("got %v, open %v, lagged %v: the first event is another's", got, open, s.Lagged())
	}
}

func TestEveryoneAtOnce(t *testing.T) {
	h := New()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 50 {
				s := h.Subscribe("a")
				h.Publish(event("a", 1), event("a", 2))
				<-s.Events()
				s.Close()
				_ = s.Lagged()
			}
		})
		wg.Go(func() {
			for range 50 {
				_, cancel := h.Listen("k")
				h.Notify("k")
				cancel()
			}
		})
	}
	wg.Wait()
	if len(h.teams) != 0 || len(h.keys) != 0 {
		t.Errorf("%d teams and %d keys are left", len(h.teams), len(h.keys))
	}
	h.Close()
}

// Publishers and a reader that keeps up: the stream has every event once and
// each publisher's in its order.
func TestNoGapsForAReaderThatKeepsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New()
		s := h.Subscribe("a")
		var last [3]int64
		var seq atomic.Int64
		var order sync.Mutex
		total := 0
		var wg sync.WaitGroup
		wg.Go(func() {
			for e := range s.Events() {
				p, n := int64(e.AgentID[0]-'0'), int64(e.At.Unix())
				if n != last[p]+1 {
					t.Errorf("publisher %d: event %d after %d", p, n, last[p])
				}
				last[p] = n
				total++
			}
		})
		for round := int64(1); round <= 100; round++ {
			for p := range int64(3) {
				go func() {
					order.Lock()
					defer order.Unlock()
					e := event("a", seq.Add(1))
					e.AgentID, e.At = fleet.AgentID('0'+rune(p)), time.Unix(round, 0)
					h.Publish(e)
				}()
			}
			synctest.Wait()
		}
		h.Close()
		wg.Wait()
		if total != 300 || s.Lagged() {
			t.Errorf("%d events (lagged %v), want 300", total, s.Lagged())
		}
	})
}
