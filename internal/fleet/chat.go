package fleet

import (
	"encoding/json"
	"math"
	"time"
)

// Chat is a conversation that a client opened with an agent; it ends by itself
// when nobody writes. What was said stays with the agent's messages, whose
// conversation it names.
type Chat struct {
	ID      string
	TeamID  TeamID
	AgentID AgentID
	// UserID is a UUID with which the client names who writes.
	UserID       string
	Conversation string
	// Metadata is a JSON object of the client's; empty is none.
	Metadata  json.RawMessage
	Timeout   ChatTimeout
	Renewals  int
	CreatedAt time.Time
	ActiveAt  time.Time
	ExpiresAt time.Time
}

// MaxChatMetadata bounds the metadata of a chat and of a message, in bytes.
const MaxChatMetadata = 10 << 10

// MaxChatText bounds a text in a chat, in characters.
const MaxChatText = 4000

// MaxChats is how many open chats an agent may have.
const MaxChats = 1000

// ChatTimeout says when a chat ends, in minutes.
type ChatTimeout struct {
	// Minutes is how long it lives, from its beginning or, with AutoRenew, from
	// the last time somebody wrote.
	Minutes   int
	AutoRenew bool
	// MaxMinutes is how long it lives at most.
	MaxMinutes int
	// WarnMinutes before its end it is near it.
	WarnMinutes int
}

// DefaultChatTimeout holds until somebody says otherwise.
func DefaultChatTimeout() ChatTimeout {
	return ChatTimeout{Minutes: 30, AutoRenew: true, MaxMinutes: 12 * 60, WarnMinutes: 5}
}

// The limits of a ChatTimeout's Minutes; MaxMinutes may be twice as long.
const (
	MinChatMinutes = 5
	MaxChatMinutes = 24 * 60
)

// ChatTimeoutChange is a partial change; nil keeps what is. Numbers that are
// no number count as the default.
type ChatTimeoutChange struct {
	Minutes, MaxMinutes, WarnMinutes *float64
	AutoRenew                        *bool
}

// Apply lays the change over the time-out and moves what is out of its limits
// to the nearest that is within.
func (t ChatTimeout) Apply(c ChatTimeoutChange) ChatTimeout {
	standard := DefaultChatTimeout()
	if c.AutoRenew != nil {
		t.AutoRenew = *c.AutoRenew
	}
	t.Minutes = minutes(c.Minutes, t.Minutes, standard.Minutes, MinChatMinutes, MaxChatMinutes)
	t.MaxMinutes = minutes(c.MaxMinutes, t.MaxMinutes, standard.MaxMinutes, t.Minutes, 2*MaxChatMinutes)
	t.WarnMinutes = minutes(c.WarnMinutes, t.WarnMinutes, standard.WarnMinutes, 1, 2*MaxChatMinutes)
	return t
}

func minutes(to *float64, is, standard, low, high int) int {
	switch {
	case to == nil:
		return is
	case math.IsNaN(*to):
		return standard
	}
	return int(min(max(*to, float64(low)), float64(high)))
}

// Open tells whether the chat has not ended.
func (c Chat) Open(now time.Time) bool { return c.ExpiresAt.After(now) }

// Left is how long the chat has, 0 when it has ended.
func (c Chat) Left(now time.Time) time.Duration { return max(0, c.ExpiresAt.Sub(now)) }

// NearEnd tells whether the chat will end soon.
func (c Chat) NearEnd(now time.Time) bool {
	left := c.Left(now)
	return left > 0 && left <= time.Duration(c.Timeout.WarnMinutes)*time.Minute
}

// Touched is the chat after somebody wrote or said that they are there:
// renewed where it renews itself and may live longer.
func (c Chat) Touched(now time.Time) (chat Chat, renewed bool) {
	if c.Timeout.AutoRenew {
		if chat, renewed := c.Renewed(now); renewed {
			return chat, true
		}
		return c, false
	}
	c.ActiveAt = now
	return c, false
}

// Renewed is the chat with its time begun anew; renewed is false when it has
// lived as long as it may.
func (c Chat) Renewed(now time.Time) (chat Chat, renewed bool) {
	if now.Sub(c.CreatedAt) >= time.Duration(c.Timeout.MaxMinutes)*time.Minute {
		return c, false
	}
	c.ActiveAt = now
	c.Renewals++
	c.ExpiresAt = c.until(now)
	return c, true
}

// Retimed is the chat with another time-out.
func (c Chat) Retimed(t ChatTimeout) Chat {
	c.Timeout = t
	from := c.CreatedAt
	if t.AutoRenew {
		from = c.ActiveAt
	}
	c.ExpiresAt = c.until(from)
	return c
}

// until is the end of a time that begins at from.
func (c Chat) until(from time.Time) time.Time {
	end := from.Add(time.Duration(c.Timeout.Minutes) * time.Minute)
	if last := c.CreatedAt.Add(time.Duration(c.Timeout.MaxMinutes) * time.Minute); end.After(last) {
		return last
	}
	return end
}

// ChatText is one text of a chat: what somebody wrote, or the agent's reply to
// it.
type ChatText struct {
	// MessageID is of what was written, also for its reply.
	MessageID string
	IsReply   bool
	Text      string
	At        time.Time
	// Metadata is a JSON object that came with what was written; empty is none.
	Metadata json.RawMessage
}

// ReplyID names the reply to a message: another UUID, and always the same.
func ReplyID(messageID string) string { return derivedID("reply " + messageID) }
