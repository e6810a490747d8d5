package eliza

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"agentry/internal/fleet"
	"agentry/internal/runtime/protocol"
)

const (
	// maxContent is how many UTF-16 units one message may have there.
	maxContent = 4000
	// maxSessions is how many conversations of an agent are remembered.
	maxSessions = 100
)

// progress is how far a message that was sent in parts has come.
type progress struct {
	sent    int
	answers []string
}

// spoken is how one message went.
type spoken struct {
	command protocol.Command
	reply   string
	err     error
}

// talkAll sends the messages: those of one conversation in order, some
// conversations at once. Meanwhile it keeps the run heard. done gets the
// commands that are done.
func (b *bridge) talkAll(ctx context.Context, order []string, messages map[string][]protocol.Command, done map[string]bool) error {
	if b.failures > 0 { // one is enough to see whether it works again
		order = order[:1]
		messages = map[string][]protocol.Command{order[0]: messages[order[0]][:1]}
	}
	life, cancel := context.WithCancel(ctx)
	defer cancel()
	results, places := make(chan spoken), make(chan struct{}, talks)
	left := len(order)
	ends := make(chan struct{}, left)
	for _, conversation := range order {
		go func() {
			defer func() { ends <- struct{}{} }()
			b.converse(life, messages[conversation], results, places)
		}()
	}
	beat := time.NewTicker(b.server.pace.beat)
	defer beat.Stop()
	var failure error
	for left > 0 {
		var err error
		select {
		case s := <-results:
			err = b.settle(ctx, s, done)
		case <-ends:
			left--
		case <-beat.C:
			if b.view().err == nil {
				err = b.client.Tell(ctx, protocol.NewEvent("heartbeat"))
			}
		}
		if err != nil && failure == nil {
			failure = err
			cancel()
		}
	}
	return failure
}

// converse sends the messages of one conversation until one does not get
// through.
func (b *bridge) converse(ctx context.Context, commands []protocol.Command, results chan<- spoken, places chan struct{}) {
	select {
	case places <- struct{}{}:
		defer func() { <-places }()
	case <-ctx.Done():
		return
	}
	for _, c := range commands {
		reply, err := b.answer(ctx, c)
		if ctx.Err() != nil {
			return
		}
		results <- spoken{c, reply, err}
		if err != nil && !final(err) {
			return
		}
	}
}

// final tells whether trying again cannot help.
func final(err error) bool { return hasCode(err, "VALIDATION_ERROR") }

// settle tells agentry how a message went. One that did not get through is not
// acknowledged, so it comes again.
func (b *bridge) settle(ctx context.Context, s spoken, done map[string]bool) error {
	events := []protocol.Event{ack(s.command)}
	switch {
	case s.err == nil:
		b.failures, b.retryAt = 0, time.Time{}
		for _, subType := range []string{alertModel, alertLimited, alertMessage} {
			b.alert(subType, "")
		}
		if s.reply == "" {
			b.say("the agent chose not to answer a message")
			break
		}
		events = append([]protocol.Event{
			protocol.NewEvent("reply", "messageId", s.command.MessageID, "text", fit(s.reply)),
			protocol.NewEvent("usage", "kind", fleet.UsageMessages, "count", 1),
		}, events...)
	case final(s.err):
		b.say(s.err.Error())
		b.alert(alertMessage, "A message was refused: "+s.err.Error())
	default:
		switch {
		case hasCode(s.err, "AGENT_NOT_FOUND") || !b.view().runs: // the next look says more
		case is(s.err, failed):
			b.alert(alertModel, "A message was not answered and is tried again. Most often the agent has no model there: check its plugins and keys. "+s.err.Error())
		case is(s.err, refused):
			b.alert(alertModel, "A message was not answered and is tried again. "+s.err.Error())
		}
		b.tellTrouble(s.err)
		b.delay(s.err)
		return nil
	}
	if err := b.client.Tell(ctx, events...); err != nil {
		return err
	}
	done[s.command.ID] = true
	return nil
}

// answer sends one message, in as many parts as it needs, and returns what the
// agent answered to all of them.
func (b *bridge) answer(ctx context.Context, c protocol.Command) (string, error) {
	b.mu.Lock()
	p := b.replies[c.ID]
	if p == nil {
		p = &progress{}
		b.replies[c.ID] = p
	}
	b.mu.Unlock()
	parts := split(c.Text, maxContent)
	for ; p.sent < len(parts); p.sent++ {
		reply, err := b.speak(ctx, c.Conversation, parts[p.sent])
		if err != nil && !final(err) {
			return "", err
		}
		if err != nil {
			b.forget(c)
			return "", err
		}
		if reply != "" {
			p.answers = append(p.answers, reply)
		}
	}
	b.forget(c)
	return strings.Join(p.answers, "\n\n"), nil
}

func (b *bridge) forget(c protocol.Command) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.replies, c.ID)
}

// speak says one part in the conversation's session, and opens the session
// where there is none or the server lost it.
func (b *bridge) speak(ctx context.Context, conversation, content string) (string, error) {
	if until := b.server.limit.scarceUntil(); !until.IsZero() {
		return "", b.server.limitedError(until)
	}
	select {
	case b.server.talk <- struct{}{}:
		defer func() { <-b.server.talk }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	for again := false; ; again = true {
		session, err := b.session(ctx, conversation)
		if err != nil {
			return "", err
		}
		reply, err := b.server.say(ctx, session, content)
		if again || !hasCode(err, "SESSION_NOT_FOUND", "SESSION_EXPIRED") {
			return reply, err
		}
		b.mu.Lock()
		b.sessions.drop(conversation)
		b.mu.Unlock()
	}
}

func (b *bridge) session(ctx context.Context, conversation string) (string, error) {
	b.mu.Lock()
	known := b.sessions.of(conversation)
	b.mu.Unlock()
	if known != "" {
		return known, nil
	}
	opened, err := b.server.session(ctx, b.id, userOf(b.id, conversation))
	if err == nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.sessions.keep(conversation, opened)
	}
	return opened, err
}

// userOf is the UUID (version 8, RFC 9562) under which the agent knows the
// other side of a conversation: the same each time, and nobody's name.
func userOf(agent, conversation string) string {
	sum := sha256.Sum256([]byte("agentry conversation\n" + agent + "\n" + conversation))
	sum[6] = 0x80 | sum[6]&0x0f
	sum[8] = 0x80 | sum[8]&0x3f
	h := hex.EncodeToString(sum[:16])
	return fmt.Sprintf("%s-%s-%s-%s-%s", h[:8], h[8:12], h[12:16], h[16:20], h[20:])
}

// sessions are the open sessions of an agent by conversation.
type sessions struct {
	ids   map[string]string
	order []string // the longest unused first
}

func newSessions() *sessions { return &sessions{ids: map[string]string{}} }

func (s *sessions) of(conversation string) string {
	id := s.ids[conversation]
	if id != "" {
		s.drop(conversation)
		s.keep(conversation, id)
	}
	return id
}

// keep forgets the longest unused session when there are too many; the server
// ends it half an hour after its last message.
func (s *sessions) keep(conversation, id string) {
	if len(s.order) >= maxSessions {
		s.drop(s.order[0])
	}
	s.ids[conversation] = id
	s.order = append(s.order, conversation)
}

func (s *sessions) drop(conversation string) {
	delete(s.ids, conversation)
	for i, c := range s.order {
		if c == conversation {
			s.order = append(s.order[:i], s.order[i+1:]...)
			return
		}
	}
}

// split cuts a text into parts of at most most UTF-16 units, after a line, a
// sentence or a word where one ends in the second half of a part.
func split(text string, most int) []string {
	var parts []string
	for {
		end := reach(text, most)
		if end == len(text) {
			return append(parts, text)
		}
		for _, mark := range []string{"\n", ". ", " "} {
			if at := strings.LastIndex(text[:end], mark); at >= end/2 {
				end = at + len(mark)
				break
			}
		}
		parts = append(parts, text[:end])
		text = text[end:]
	}
}

// reach is how many bytes of the text have at most most UTF-16 units.
func reach(text string, most int) int {
	units := 0
	for i, r := range text {
		units++
		if r > 0xffff {
			units++
		}
		if units > most {
			return i
		}
	}
	return len(text)
}

// fit keeps a reply inside what agentry stores.
func fit(reply string) string {
	const mark = " …"
	if len(reply) <= fleet.MaxMessage {
		return reply
	}
	end := fleet.MaxMessage - len(mark)
	for end > 0 && !utf8.RuneStart(reply[end]) {
		end--
	}
	return reply[:end] + mark
}
