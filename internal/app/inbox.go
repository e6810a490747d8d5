package app

import (
	"context"
	"encoding/base64"
	"time"

	"agentry/internal/fault"
	"agentry/internal/fleet"
	"agentry/internal/store"
)

const (
	// inboxLimit is how many commands one answer carries.
	inboxLimit = 50
	// inboxBytes is about how much text one answer carries; what is left comes
	// with the next. One command always fits.
	inboxBytes = 1 << 20
	// MaxInboxKnown is how many commands a program may say it has.
	MaxInboxKnown = 64
)

// A message brings along what was said before it in its conversation: at most
// so many messages with their replies, and so many bytes of both. The newest
// always fits.
const (
	historyTurns = 20
	historyBytes = 2 * fleet.MaxMessage
)

// RunInbox returns what the program was not told yet, oldest first, and waits
// for something when there is nothing. A command comes again until the program
// acknowledges it, unless it says that it has the command (known). A message
// has its conversation so far as "history", oldest first.
func (a *App) RunInbox(ctx context.Context, run fleet.Run, wait time.Duration, known ...string) (list []fleet.Command, err error) {
	if len(known) > MaxInboxKnown {
		return nil, fleet.Invalid("known", "must have at most %d ids", MaxInboxKnown)
	}
	wake, cancel := a.hub.Listen(inboxKey(run.AgentID))
	defer cancel()
	deadline := time.NewTimer(wait)
	defer deadline.Stop()
	for {
		err = a.store.Read(ctx, func(tx *store.Tx) error {
			if err := checkLive(tx, run); err != nil {
				return err
			}
			if list, err = tx.Commands(run.AgentID, inboxLimit, known); err != nil {
				return err
			}
			if list, err = withHistory(tx, run.AgentID, list); err != nil {
				return err
			}
			return a.openCodes(tx, run.AgentID, list)
		})
		if err != nil || len(list) > 0 || wait <= 0 || fault.On(fault.ShortPolls) {
			return list, err
		}
		select {
		case _, open := <-wake:
			if !open {
				return list, nil
			}
		case <-deadline.C:
			return list, nil
		case <-ctx.Done():
			return list, nil
		}
	}
}

// withHistory adds to each message what was said before it, and cuts the list
// where it becomes too long for one answer.
func withHistory(tx *store.Tx, id fleet.AgentID, list []fleet.Command) ([]fleet.Command, error) {
	size := 0
	for i, c := range list {
		if c.Type != fleet.CommandMessage {
			continue
		}
		text, _ := c.Body["text"].(string)
		message, _ := c.Body["messageId"].(string)
		conversation, _ := c.Body["conversation"].(string)
		size += len(text)
		if conversation != message { // else it begins its own
			turns, err := tx.Conversation(id, conversation, message, historyTurns, historyBytes)
			if err != nil {
				return nil, err
			}
			history := make([]map[string]any, len(turns))
			for i, m := range turns {
				history[i] = map[string]any{"messageId": m.ID, "from": m.From, "text": m.Text, "reply": m.Reply}
				size += len(m.Text) + len(m.Reply)
			}
			c.Body["history"] = history
		}
		if size > inboxBytes && i > 0 {
			return list[:i], nil
		}
	}
	return list, nil
}

// openCodes opens the codes that Verify sealed.
func (a *App) openCodes(tx *store.Tx, id fleet.AgentID, list []fleet.Command) error {
	for i, c := range list {
		if c.Type != fleet.CommandVerifyCode {
			continue
		}
		key, err := a.dataKey(tx, id)
		if err != nil {
			return err
		}
		text, _ := c.Body["sealed"].(string)
		box, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return err
		}
		code, err := key.Open(box, "commands", string(id), "code")
		if err != nil {
			return err
		}
		list[i].Body = map[string]any{"code": string(code)}
	}
	return nil
}
