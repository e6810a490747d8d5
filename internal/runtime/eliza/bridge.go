package eliza

import (
	"context"
	"errors"
	"sync"
	"time"

	agentruntime "agentry/internal/runtime"
	"agentry/internal/runtime/protocol"
)

const (
	// talks is how many conversations of one agent go on at once.
	talks = 4
	// mostRetry bounds the pause before a message is tried again.
	mostRetry = 5 * time.Minute
)

// bridge speaks the runtime protocol for one run: it fetches what the agent is
// told and has the server's agent do it. Only one goroutine uses it, but for
// the messages of different conversations.
type bridge struct {
	*run
	// handled are commands that were done and whose acknowledgement may have
	// been lost.
	handled map[string]bool

	mu       sync.Mutex
	sessions *sessions
	replies  map[string]*progress // messages that did not get through yet

	failures int       // messages in a row that did not get through
	retryAt  time.Time // when to try again
}

// loop returns when the run is over: told to stop, or ended there.
func (b *bridge) loop(ctx context.Context) error {
	if err := b.hello(ctx); err != nil {
		return b.ended(ctx, err)
	}
	for {
		v := b.view()
		switch {
		case v.err != nil:
			if v.misses > 1 || !is(v.err, unreachable) {
				b.tellTrouble(v.err)
			}
			if err := b.awaitChange(ctx); err != nil {
				return err
			}
			continue
		case !v.runs:
			b.over(agentruntime.Exit{Text: notThere(v)})
			return nil
		}
		for _, subType := range []string{alertUnreachable, alertUnauthorized} {
			b.alert(subType, "")
		}
		if err := b.turn(ctx); err != nil {
			return b.ended(ctx, err)
		}
	}
}

func notThere(v view) string {
	if v.exists {
		return "the agent does not run in ElizaOS any more"
	}
	return "the agent is not in ElizaOS any more"
}

// ended waits for Stop where the run is over: the supervisor knows, or will in
// a moment.
func (b *bridge) ended(ctx context.Context, err error) error {
	if !errors.Is(err, protocol.ErrOver) {
		return err
	}
	<-ctx.Done()
	return ctx.Err()
}

func (b *bridge) awaitChange(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-b.changed:
		return nil
	}
}

// hello is the first that agentry hears of the run: the agent runs there now.
// It may have been changed since the run was wanted.
func (b *bridge) hello(ctx context.Context) error {
	self, err := b.client.Self(ctx)
	if err != nil {
		return err
	}
	if self.Agent.Status == "auth_in_progress" {
		// There is nothing to sign in to.
		if err := b.client.Tell(ctx, protocol.NewEvent("signed_in")); err != nil {
			return err
		}
	}
	for {
		err := b.apply(ctx, self)
		if _, ok := troubleOf(err); !ok {
			return err
		}
		b.delay(err)
		if err := protocol.Sleep(ctx, time.Until(b.retryAt)); err != nil {
			return err
		}
	}
}

// turn fetches commands and does them. An answer to an empty inbox takes as
// long as our server may hold it, so a quiet agent costs a request in a while.
func (b *bridge) turn(ctx context.Context) error {
	wait := b.server.pace.wait
	if pause := time.Until(b.retryAt); b.failures > 0 && pause > 0 {
		// The inbox would answer at once with what cannot be done yet.
		if err := protocol.Sleep(ctx, min(pause, b.server.pace.beat)); err != nil {
			return err
		}
	}
	poll, stop := b.polling(ctx)
	commands, err := b.client.Inbox(poll, wait)
	stop()
	if err != nil {
		if ctx.Err() == nil && poll.Err() != nil {
			return nil // cut short: the agent does not answer there
		}
		return err
	}
	return b.obey(ctx, commands)
}

// obey does the commands. What cannot be done now comes again.
func (b *bridge) obey(ctx context.Context, commands []protocol.Command) error {
	seen, messages := map[string]bool{}, map[string][]protocol.Command{}
	var order []string
	for _, c := range commands {
		switch {
		case b.handled[c.ID]:
			seen[c.ID] = true
			if err := b.client.Tell(ctx, ack(c)); err != nil {
				return err
			}
		case c.Type == "message":
			if messages[c.Conversation] == nil {
				order = append(order, c.Conversation)
			}
			messages[c.Conversation] = append(messages[c.Conversation], c)
		default:
			done, err := b.do(ctx, c)
			if err != nil {
				return err
			}
			seen[c.ID] = done
		}
	}
	if len(order) > 0 && !time.Now().Before(b.retryAt) {
		if err := b.talkAll(ctx, order, messages, seen); err != nil {
			return err
		}
	}
	b.handled = seen
	return nil
}

func ack(c protocol.Command) protocol.Event { return protocol.NewEvent("ack", "commandId", c.ID) }

// do does what is not a message, and tells whether it is done.
func (b *bridge) do(ctx context.Context, c protocol.Command) (done bool, err error) {
	if c.Type == "settings_changed" {
		self, err := b.client.Self(ctx)
		if err == nil {
			err = b.apply(ctx, self)
		}
		if _, ok := troubleOf(err); ok {
			b.delay(err)
			return false, nil
		}
		if err != nil {
			return false, err
		}
	}
	// A stop comes from the supervisor, and there is nothing to verify.
	return true, b.client.Tell(ctx, ack(c))
}

// apply makes the agent there what it is here, if it is not. What cannot be
// used is said in the log; the agent stays as it was.
func (b *bridge) apply(ctx context.Context, self protocol.Self) error {
	c, err := newCharacter(self.Agent.Name, self.Settings)
	if err != nil {
		b.say("the new settings are not used: " + err.Error())
		return nil
	}
	if c.same(b.said) {
		return nil
	}
	release, err := b.server.hold(ctx, b.id)
	if err != nil {
		return err
	}
	defer release()
	err = b.configureThere(c)
	if e, ok := troubleOf(err); ok && !serverWide(err) {
		b.say("the new settings are not used: " + e.Error())
		return nil
	}
	if err == nil {
		b.said, b.failures, b.retryAt = c, 0, time.Time{}
		b.say("the new settings are in use")
	}
	return err
}

// delay puts off what did not get through.
func (b *bridge) delay(err error) {
	b.say(err.Error())
	b.retryAt = time.Now().Add(b.server.pace.pause(b.failures, mostRetry))
	if until := b.server.limit.scarceUntil(); until.After(b.retryAt) {
		b.retryAt = until
	}
	b.failures++
	b.server.lookSoon() // perhaps the agent or the server is not there
}
