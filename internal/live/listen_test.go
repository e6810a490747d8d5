package live

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

func pending(wake <-chan struct{}) bool {
	select {
	case <-wake:
		return true
	default:
		return false
	}
}

func TestNotifyWakesTheKeysListenersOnce(t *testing.T) {
	h := New()
	defer h.Close()
	one, cancelOne := h.Listen("k")
	two, cancelTwo := h.Listen("k")
	other, cancelOther := h.Listen("other")
	defer cancelOther()
	h.Notify("k")
	h.Notify("k")
	if !pending(one) || !pending(two) || pending(other) {
		t.Error("want both listeners of the key woken and the other not")
	}
	if pending(one) {
		t.Error("two calls before a receive woke twice")
	}
	h.Notify("k")
	if !pending(one) {
		t.Error("a listener is not woken a second time")
	}
	cancelOne()
	cancelOne()
	h.Notify("k")
	if pending(one) {
		t.Error("woken after cancel")
	}
	if len(h.keys["k"]) != 1 {
		t.Errorf("%d listeners left for the key, want 1", len(h.keys["k"]))
	}
	cancelTwo()
	if _, left := h.keys["k"]; left {
		t.Error("a key without listeners is kept")
	}
}

func TestHubCloseWakesAWaitingListener(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New()
		wake, cancel := h.Listen("k")
		defer cancel()
		open := true
		var wg sync.WaitGroup
		wg.Go(func() { _, open = <-wake })
		synctest.Wait()
		h.Close()
		wg.Wait()
		if open {
			t.Error("the waiter was notified, want its channel closed")
		}
	})
}

func TestHubCloseAfterANotifyKeepsBoth(t *testing.T) {
	h := New()
	wake, cancel := h.Listen("k")
	defer cancel()
	h.Notify("k")
	h.Close()
	if _, ok := <-wake; !ok {
		t.Error("the notify before Close is lost")
	}
	if _, ok := <-wake; ok {
		t.Error("the channel is not closed")
	}
}

// Listen, look, wait against write, notify: in any interleaving the waiter
// sees the write. A lost wake-up is a deadlock, which ends the test.
func TestNoLostWakeUps(t *testing.T) {
	for range 300 {
		synctest.Test(t, func(t *testing.T) {
			h := New()
			var ready atomic.Bool
			var wg sync.WaitGroup
			for range 2 {
				wg.Go(func() {
					wake, cancel := h.Listen("k")
					defer cancel()
					for !ready.Load() {
						<-wake
					}
				})
			}
			wg.Go(func() {
				ready.Store(true)
				h.Notify("k")
			})
			wg.Wait()
			h.Close()
		})
	}
}
