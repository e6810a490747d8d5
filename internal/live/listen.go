package live

// listener is one long poll that waits for one key.
type listener struct {
	wake chan struct{}
}

// Listen returns a channel that receives after each Notify of the key; several
// calls that come before one receive are one. It is closed when the hub is:
// a waiter must then stop, not ask again. The caller must call cancel, which
// is safe to call twice.
//
// Listen first, look second, wait third: a Notify between the look and the
// wait is kept in the channel.
func (h *Hub) Listen(key string) (wake <-chan struct{}, cancel func()) {
	l := &listener{wake: make(chan struct{}, 1)}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		close(l.wake)
		return l.wake, func() {}
	}
	if h.keys[key] == nil {
		h.keys[key] = map[*listener]struct{}{}
	}
	h.keys[key][l] = struct{}{}
	return l.wake, func() { h.forget(key, l) }
}

// Notify wakes everyone who listens for the key, and never blocks. Call it
// after the commit of what they wait for.
func (h *Hub) Notify(key string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for l := range h.keys[key] {
		select {
		case l.wake <- struct{}{}:
		default:
		}
	}
}

func (h *Hub) forget(key string, l *listener) {
	h.mu.Lock()
	defer h.mu.Unlock()
	listeners := h.keys[key]
	delete(listeners, l)
	if len(listeners) == 0 {
		delete(h.keys, key)
	}
}

// Closed tells whether the hub is: whoever waited for something does not know
// what became of it.
func (h *Hub) Closed() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.closed
}
