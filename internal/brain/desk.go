package brain

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"agentry/internal/brain/llm"
	"agentry/internal/runtime/protocol"
)

const (
	// maxHeld is how many messages the program has taken at once; the server
	// keeps the rest. It is what an inbox call may name.
	maxHeld = 64
	// maxCalls is how many conversations are answered at once.
	maxCalls = 4
	// crowded is how long a full desk waits before it asks for commands again.
	crowded = 5 * time.Second
)

// desk answers messages by the model: conversations at once, the messages of
// one conversation in order. A message stays unacknowledged, and so the
// server's, until its reply is told. One that the model cannot answer steps
// aside for the next of its conversation, and is tried again.
type desk struct {
	model *llm.Client
	gate  *gate
	// who returns the agent's character as its settings are now.
	who func() character
	// tell sends events until they are stored; failed is told why the run
	// cannot go on.
	tell   func(ctx context.Context, events ...protocol.Event) error
	failed func(error)
	log    logger

	all sync.WaitGroup

	mu      sync.Mutex
	lanes   map[string]*lane
	held    map[string]bool
	changed chan struct{} // closed and replaced when there is room again

	telling sync.Mutex // keeps what the alarm says in its order
	alarm   alarm
}

// logger is what of a log the desk needs.
type logger interface {
	Debug(msg string, args ...any)
	Warn(msg string, args ...any)
}

// lane is a conversation with messages to answer. Its goroutine alone uses the
// replies; the rest is under the desk's lock.
type lane struct {
	queue, aside []*job
	wake         chan struct{} // holds one
	// replies fill in what was not said yet when a message was handed over.
	replies map[string]string
}

// job is a message to answer.
type job struct {
	protocol.Command
	failures int
	due      time.Time
}

// known returns the commands that the desk has.
func (d *desk) known() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	ids := make([]string, 0, len(d.held))
	for id := range d.held {
		ids = append(ids, id)
	}
	return ids
}

// room waits while the desk is full, but not for long.
func (d *desk) room(ctx context.Context) error {
	d.mu.Lock()
	full, changed := len(d.held) >= maxHeld, d.changed
	d.mu.Unlock()
	if !full {
		return nil
	}
	return sleepOr(ctx, crowded, changed)
}

// take begins to answer a message; false when there is no room for it.
func (d *desk) take(ctx context.Context, c protocol.Command) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.held[c.ID] {
		return true
	}
	if len(d.held) >= maxHeld {
		return false
	}
	d.held[c.ID] = true
	l := d.lanes[c.Conversation]
	if l == nil {
		l = &lane{wake: make(chan struct{}, 1), replies: map[string]string{}}
		d.lanes[c.Conversation] = l
		d.all.Go(func() { d.serve(ctx, c.Conversation, l) })
	}
	l.queue = append(l.queue, &job{Command: c})
	l.poke()
	return true
}

func (l *lane) poke() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// hurry tries at once what waits: something was changed.
func (d *desk) hurry() {
	d.gate.hurry()
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, l := range d.lanes {
		for _, j := range l.aside {
			j.due = time.Time{}
		}
		l.poke()
	}
}

// serve answers a conversation until nothing is left of it.
func (d *desk) serve(ctx context.Context, name string, l *lane) {
	for {
		j, wait := d.next(name, l)
		if j == nil && wait == 0 {
			return
		}
		var err error
		if j == nil {
			err = sleepOr(ctx, wait, l.wake)
		} else {
			err = d.answer(ctx, l, j)
		}
		if err != nil {
			d.failed(err)
			return
		}
	}
}

// next takes the next message of a conversation. Without one, wait is when it
// may have one, or 0: then the conversation is over.
func (d *desk) next(name string, l *lane) (j *job, wait time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	for i, one := range l.aside {
		if !one.due.After(now) {
			l.aside = slices.Delete(l.aside, i, i+1)
			return one, 0
		}
		if left := one.due.Sub(now); wait == 0 || left < wait {
			wait = left
		}
	}
	if len(l.queue) > 0 {
		j, l.queue = l.queue[0], l.queue[1:]
		return j, 0
	}
	if wait == 0 {
		delete(d.lanes, name)
	}
	return nil, wait
}

// answer asks until the message has its reply, or steps aside.
func (d *desk) answer(ctx context.Context, l *lane, j *job) error {
	for {
		if err := d.gate.enter(ctx); err != nil {
			return err
		}
		began := time.Now()
		a, err := d.ask(ctx, l, j)
		nth := d.gate.leave(began, err)
		var t *llm.Trouble
		switch {
		case err == nil:
			d.log.Debug("answered", "message", j.MessageID, "tokens", a.Tokens, "cut", a.Cut, "took", time.Since(began).Round(time.Millisecond))
			return d.reply(ctx, l, j, a)
		case !errors.As(err, &t):
			return err
		}
		d.log.Warn("no answer", "message", j.MessageID, "kind", t.Kind, "why", t.Text)
		if err := d.report(ctx, j, t, nth); err != nil {
			return err
		}
		if t.Kind.OfMessage() {
			d.putAside(l, j, t)
			return nil
		}
	}
}

// ask makes one call, and again with half of what was said before while that
// is more than the model can read.
func (d *desk) ask(ctx context.Context, l *lane, j *job) (llm.Answer, error) {
	history := slices.Clone(j.History)
	for i, turn := range history {
		if turn.Reply == "" {
			history[i].Reply = l.replies[turn.MessageID]
		}
	}
	who := d.who()
	for {
		a, err := d.model.Complete(ctx, who.prompt(history, j.Text))
		var t *llm.Trouble
		if !errors.As(err, &t) || t.Kind != llm.TooLong || len(history) == 0 {
			return a, err
		}
		history = history[(len(history)+1)/2:]
	}
}

func (d *desk) reply(ctx context.Context, l *lane, j *job, a llm.Answer) error {
	text := cut(a.Text, maxReply)
	events := []protocol.Event{
		protocol.NewEvent("reply", "messageId", j.MessageID, "text", text),
		protocol.NewEvent("usage", "kind", "messages", "count", 1),
	}
	events = append(events, used(a.Tokens)...)
	events = append(events, protocol.NewEvent("ack", "commandId", j.ID))
	d.telling.Lock()
	defer d.telling.Unlock()
	if err := d.tell(ctx, append(events, d.alarm.worked(j.ID)...)...); err != nil {
		return err
	}
	l.replies[j.MessageID] = text
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.held, j.ID)
	close(d.changed)
	d.changed = make(chan struct{})
	return nil
}

// used counts tokens where the endpoint said how many.
func used(tokens int64) []protocol.Event {
	if tokens <= 0 {
		return nil
	}
	return []protocol.Event{protocol.NewEvent("usage", "kind", "tokens", "count", tokens)}
}

func (d *desk) report(ctx context.Context, j *job, t *llm.Trouble, nth int) error {
	events := append(used(t.Tokens), protocol.NewEvent("usage", "kind", "errors", "count", 1))
	d.telling.Lock()
	defer d.telling.Unlock()
	return d.tell(ctx, append(events, d.alarm.failed(t, nth, j.ID, time.Now())...)...)
}

func (d *desk) putAside(l *lane, j *job, t *llm.Trouble) {
	d.mu.Lock()
	defer d.mu.Unlock()
	j.failures++
	j.due = time.Now().Add(d.gate.waits.after(j.failures, t))
	l.aside = append(l.aside, j)
}
