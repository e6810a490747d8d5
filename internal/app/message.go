package app

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"agentry/internal/fleet"
	"agentry/internal/store"
)

// MessageInput is a text for an agent. Wait holds the answer until the reply
// is there or the time is up.
type MessageInput struct {
	Text         string
	Conversation string
	From         string
	Wait         time.Duration
}

// Messages returns an agent's messages of a conversation ("" is all), newest first.
func (a *App) Messages(ctx context.Context, by fleet.Actor, id fleet.AgentID, conversation string, p PageInput) ([]fleet.Message, string, error) {
	return page(ctx, a, by, p, ofAgent(by, id, func(tx *store.Tx, before string, limit int) ([]fleet.Message, error) {
		return tx.Messages(id, conversation, before, limit)
	}), func(m fleet.Message) string { return m.ID })
}

// Message returns one of an agent's messages.
func (a *App) Message(ctx context.Context, by fleet.Actor, id fleet.AgentID, messageID string) (m fleet.Message, err error) {
	if err := by.May(fleet.ScopeRead); err != nil {
		return m, err
	}
	err = a.store.Read(ctx, func(tx *store.Tx) error {
		if _, err := tx.Agent(by.TeamID, id); err != nil {
			return err
		}
		m, err = tx.Message(id, messageID)
		return err
	})
	return m, err
}

// SendMessage hands a text to a running agent's program.
func (a *App) SendMessage(ctx context.Context, by fleet.Actor, id fleet.AgentID, in MessageInput) (m fleet.Message, err error) {
	if err := in.check(by); err != nil {
		return m, err
	}
	_, err = a.onAgent(ctx, act{by: by, need: fleet.ScopeOperate, action: "message", id: id}, func(c *change) error {
		if c.agent.Status != fleet.Running {
			e := fleet.Errorf(fleet.CodeInvalidStatus, "Agent can only take messages when status is running")
			e.CurrentStatus = c.agent.Status
			return e
		}
		m, err = c.message(in)
		return err
	})
	if err != nil {
		return m, err
	}
	a.hub.Notify(inboxKey(id))
	return a.awaitReply(ctx, by, m, in.Wait)
}

// message stores a text for the agent and tells its program.
func (c *change) message(in MessageInput) (fleet.Message, error) {
	m := fleet.Message{
		ID: c.tx.NewID(c.now), AgentID: c.agent.ID, Conversation: in.Conversation, From: in.From, Text: in.Text,
		State: fleet.MessagePending, CreatedAt: c.now,
	}
	if m.Conversation == "" {
		m.Conversation = m.ID
	}
	if err := c.tx.InsertMessage(m); err != nil {
		return m, err
	}
	c.detail("messageId", m.ID)
	err := c.command(fleet.CommandMessage, map[string]any{
		"messageId": m.ID, "text": m.Text, "conversation": m.Conversation, "from": m.From,
	})
	if err != nil {
		return m, err
	}
	return m, c.event(fleet.EventMessage)
}

func (in *MessageInput) check(by fleet.Actor) error {
	switch {
	case strings.TrimSpace(in.Text) == "":
		return fleet.Invalid("text", "must not be empty")
	case len(in.Text) > fleet.MaxMessage:
		return fleet.Invalid("text", "must have at most %d bytes", fleet.MaxMessage)
	case !utf8.ValidString(in.Text):
		return fleet.Invalid("text", "must be valid UTF-8")
	}
	if in.From == "" {
		in.From = by.Name
	}
	if err := fleet.CheckText("from", in.From, 0, fleet.MaxName); err != nil {
		return err
	}
	return fleet.CheckText("conversation", in.Conversation, 0, fleet.MaxName)
}

// awaitReply waits for the reply, but not for an agent that does not run any
// more: a paused one answers when it is resumed, which nobody should hold a
// call for, and one that ended has failed the message.
func (a *App) awaitReply(ctx context.Context, by fleet.Actor, m fleet.Message, wait time.Duration) (fleet.Message, error) {
	if wait <= 0 {
		return m, nil
	}
	wake, cancel := a.hub.Listen(messageKey(m.ID))
	defer cancel()
	// The agent may end, and its messages with it.
	over, cancelOver := a.hub.Listen(runKey(m.AgentID))
	defer cancelOver()
	deadline := time.NewTimer(wait)
	defer deadline.Stop()
	for {
		now, running, err := a.messageNow(by.TeamID, m)
		if err != nil || now.State != fleet.MessagePending || !running {
			return now, err
		}
		select {
		case _, open := <-wake:
			if !open {
				return now, nil
			}
		case _, open := <-over:
			if !open {
				return now, nil
			}
		case <-deadline.C:
			return now, nil
		case <-ctx.Done():
			return now, nil
		}
	}
}

// messageNow reads a message and whether its agent runs.
func (a *App) messageNow(team fleet.TeamID, m fleet.Message) (now fleet.Message, running bool, err error) {
	err = a.store.Read(context.Background(), func(tx *store.Tx) error {
		row, err := tx.Agent(team, m.AgentID)
		if err != nil {
			return err
		}
		running = row.Status == fleet.Running
		now, err = tx.Message(m.AgentID, m.ID)
		return err
	})
	return now, running, err
}
