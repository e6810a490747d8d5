package app

import (
	"context"
	"encoding/json"
	"strings"
	"time"
	"unicode/utf8"

	"agentry/internal/fleet"
	"agentry/internal/store"
)

// The codes of chats, in the words of the clients that open them: to those a
// chat is a session.
const (
	CodeChatNotFound fleet.Code = "session_not_found"
	CodeChatExpired  fleet.Code = "session_expired"
	CodeChatAgent    fleet.Code = "agent_not_found"
	CodeChatRefused  fleet.Code = "session_creation_failed"
	CodeChatRenewal  fleet.Code = "session_renewal_failed"
	CodeChatSend     fleet.Code = "message_send_failed"
)

// chatAge is how long a chat that has ended is still known as such.
const chatAge = time.Hour

// ChatInput describes a new chat. UserID is a UUID with which the client names
// who writes; Metadata is a JSON object, empty for none.
type ChatInput struct {
	UserID   string
	Metadata json.RawMessage
	Timeout  fleet.ChatTimeoutChange
}

// OpenChat begins a conversation with a running agent.
func (a *App) OpenChat(ctx context.Context, by fleet.Actor, id fleet.AgentID, in ChatInput) (chat fleet.Chat, err error) {
	user, ok := fleet.ParseID(in.UserID)
	if !ok {
		return chat, fleet.Invalid("userId", "must be a UUID")
	}
	if err := checkMetadata(in.Metadata); err != nil {
		return chat, err
	}
	_, err = a.onAgent(ctx, act{by: by, need: fleet.ScopeOperate, action: "chat.open", id: id}, func(c *change) error {
		if err := c.talks(); err != nil {
			return err
		}
		n, err := c.tx.CountOpenChats(by.TeamID, id, c.now)
		if err != nil {
			return err
		}
		if n >= fleet.MaxChats {
			return fleet.Errorf(CodeChatRefused, "The agent has %d open sessions; delete some or wait until they end", n)
		}
		chat = fleet.Chat{
			ID: c.tx.NewID(c.now), TeamID: by.TeamID, AgentID: id, UserID: user, Conversation: c.tx.NewID(c.now),
			Metadata: in.Metadata, CreatedAt: c.now, ActiveAt: c.now,
		}
		chat = chat.Retimed(fleet.DefaultChatTimeout().Apply(in.Timeout))
		c.detail("chatId", chat.ID)
		return c.tx.InsertChat(chat)
	})
	if fleet.CodeOf(err) == fleet.CodeNotFound {
		return chat, fleet.Errorf(CodeChatAgent, "Agent with ID '%s' not found", id)
	}
	return chat, err
}

// talks refuses an agent that does not run.
func (c *change) talks() error {
	if c.agent.Status == fleet.Running {
		return nil
	}
	return fleet.Errorf(CodeChatAgent, "Agent with ID '%s' not found among those that run: it is %s", c.agent.ID, c.agent.Status.Word())
}

func checkMetadata(raw json.RawMessage) error {
	switch {
	case len(raw) == 0:
		return nil
	case len(raw) > fleet.MaxChatMetadata:
		return fleet.Invalid("metadata", "must have at most %d bytes", fleet.MaxChatMetadata)
	case raw[0] != '{' || !json.Valid(raw):
		return fleet.Invalid("metadata", "must be an object")
	}
	return nil
}

// Chat returns an open chat of the team.
func (a *App) Chat(ctx context.Context, by fleet.Actor, id string) (chat fleet.Chat, err error) {
	if err := by.May(fleet.ScopeRead); err != nil {
		return chat, err
	}
	err = a.store.Read(ctx, func(tx *store.Tx) error {
		chat, err = a.openChat(tx, by.TeamID, id)
		return err
	})
	return chat, err
}

func (a *App) openChat(tx *store.Tx, team fleet.TeamID, id string) (fleet.Chat, error) {
	chat, ok, err := tx.Chat(team, strings.ToLower(id))
	switch {
	case err != nil:
		return chat, err
	case !ok:
		return chat, fleet.Errorf(CodeChatNotFound, "Session with ID '%s' not found", cutText(id))
	case !chat.Open(a.Now()):
		return chat, fleet.Errorf(CodeChatExpired, "Session '%s' expired at %s", chat.ID, chat.ExpiresAt.Format(time.RFC3339))
	}
	return chat, nil
}

// ChatList are the team's open chats, at most 1,000 of them, the last to end
// first; Open counts all, Kept also those that have ended.
type ChatList struct {
	Chats      []fleet.Chat
	Open, Kept int64
}

const maxChatList = 1000

// Chats lists the team's open chats.
func (a *App) Chats(ctx context.Context, by fleet.Actor) (list ChatList, err error) {
	if err := by.May(fleet.ScopeRead); err != nil {
		return list, err
	}
	now := a.Now()
	err = a.store.Read(ctx, func(tx *store.Tx) error {
		if list.Kept, list.Open, err = tx.CountChats(by.TeamID, now); err != nil {
			return err
		}
		list.Chats, err = tx.OpenChats(by.TeamID, now, maxChatList)
		return err
	})
	return list, err
}

// onChat runs f on an open chat and its agent in one transaction, and stores
// the chat as f returns it.
func (a *App) onChat(ctx context.Context, by fleet.Actor, action, id string, f func(c *change, chat fleet.Chat) (fleet.Chat, error)) (chat fleet.Chat, err error) {
	what := act{by: by, need: fleet.ScopeOperate, action: action}
	if err := a.allowed(what); err != nil {
		return chat, a.refused(ctx, what, err)
	}
	if chat, err = a.Chat(ctx, by, id); err != nil {
		return chat, a.refused(ctx, what, err)
	}
	what.id = chat.AgentID
	_, err = a.onAgent(ctx, what, func(c *change) error {
		if chat, err = a.openChat(c.tx, by.TeamID, id); err != nil {
			return err
		}
		c.detail("chatId", chat.ID)
		if chat, err = f(c, chat); err != nil {
			return err
		}
		return c.tx.SetChat(chat)
	})
	return chat, err
}

// TouchChat says that somebody is still there, which renews a chat that renews
// itself. It is no act of its own and leaves no entry in the audit.
func (a *App) TouchChat(ctx context.Context, by fleet.Actor, id string) (chat fleet.Chat, err error) {
	what := act{by: by, need: fleet.ScopeOperate, action: "chat.touch"}
	if err := a.allowed(what); err != nil {
		return chat, a.refused(ctx, what, err)
	}
	err = a.write(ctx, by, func(tx *store.Tx) error {
		if chat, err = a.openChat(tx, by.TeamID, id); err != nil {
			return err
		}
		chat, _ = chat.Touched(a.Now())
		return tx.SetChat(chat)
	})
	if err != nil {
		return chat, a.refused(ctx, what, err)
	}
	return chat, nil
}

// RenewChat begins a chat's time anew, also of one that does not renew itself.
func (a *App) RenewChat(ctx context.Context, by fleet.Actor, id string) (fleet.Chat, error) {
	return a.onChat(ctx, by, "chat.renew", id, func(c *change, chat fleet.Chat) (fleet.Chat, error) {
		chat, renewed := chat.Renewed(c.now)
		if !renewed {
			return chat, fleet.Errorf(CodeChatRenewal, "Cannot renew session '%s': it has lived as long as it may, %d minutes", chat.ID, chat.Timeout.MaxMinutes)
		}
		return chat, nil
	})
}

// RetimeChat changes when a chat ends by itself.
func (a *App) RetimeChat(ctx context.Context, by fleet.Actor, id string, to fleet.ChatTimeoutChange) (fleet.Chat, error) {
	if to.Minutes != nil && (*to.Minutes < fleet.MinChatMinutes || *to.Minutes > fleet.MaxChatMinutes) {
		return fleet.Chat{}, fleet.Invalid("timeoutMinutes", "must be between %d and %d", fleet.MinChatMinutes, fleet.MaxChatMinutes)
	}
	return a.onChat(ctx, by, "chat.change", id, func(_ *change, chat fleet.Chat) (fleet.Chat, error) {
		return chat.Retimed(chat.Timeout.Apply(to)), nil
	})
}

// CloseChat ends a chat. Its messages stay the agent's.
func (a *App) CloseChat(ctx context.Context, by fleet.Actor, id string) (fleet.Chat, error) {
	return a.onChat(ctx, by, "chat.close", id, func(c *change, chat fleet.Chat) (fleet.Chat, error) {
		return chat, c.tx.DeleteChat(chat)
	})
}

// ChatMessageInput is a text for a chat's agent. Wait holds the answer until
// the reply is there or the time is up.
type ChatMessageInput struct {
	Text     string
	Metadata json.RawMessage
	Wait     time.Duration
}

func (in ChatMessageInput) check() error {
	switch {
	case strings.TrimSpace(in.Text) == "":
		return fleet.Invalid("content", "must not be empty")
	case utf8.RuneCountInString(in.Text) > fleet.MaxChatText:
		return fleet.Invalid("content", "must have at most %d characters", fleet.MaxChatText)
	}
	return checkMetadata(in.Metadata)
}

// ChatSent is a message of a chat with the reply to it, if it came in time,
// and the chat as it then is.
type ChatSent struct {
	Chat    fleet.Chat
	Renewed bool
	Message fleet.Message
}

// SendToChat hands a text to the program of a chat's agent.
func (a *App) SendToChat(ctx context.Context, by fleet.Actor, id string, in ChatMessageInput) (sent ChatSent, err error) {
	sent.Chat, err = a.onChat(ctx, by, "message", id, func(c *change, chat fleet.Chat) (fleet.Chat, error) {
		if err := in.check(); err != nil {
			return chat, err
		}
		if err := c.talks(); err != nil {
			return chat, err
		}
		m := MessageInput{Text: in.Text, Conversation: chat.Conversation, From: chatName(chat)}
		if err := m.check(by); err != nil {
			return chat, err
		}
		if sent.Message, err = c.message(m); err != nil {
			return chat, err
		}
		if len(in.Metadata) > 0 {
			if err := c.tx.SetMessageMetadata(sent.Message.ID, in.Metadata); err != nil {
				return chat, err
			}
		}
		chat, sent.Renewed = chat.Touched(c.now)
		return chat, nil
	})
	if err != nil {
		return sent, err
	}
	sent.Message, err = a.awaitReply(ctx, by, sent.Message, in.Wait)
	if err == nil && sent.Message.State == fleet.MessageFailed {
		err = fleet.Errorf(CodeChatSend, "Failed to send message in session '%s': the agent ended before it replied", sent.Chat.ID)
	}
	return sent, err
}

// chatName is what the agent is told of who writes: the name that the client
// gave, if it can be one.
func chatName(chat fleet.Chat) string {
	var known struct{ Username string }
	if json.Unmarshal(chat.Metadata, &known) == nil {
		if name, err := fleet.CheckName("username", known.Username); err == nil {
			return name
		}
	}
	return chat.UserID
}

// ChatTextsInput asks for up to Limit texts (0 is 50, at most 100) of a chat.
// Before and After are to the millisecond, and the texts of theirs are not
// among the answer; zero is open. With After alone the answer is what comes
// next, without it the newest.
type ChatTextsInput struct {
	Before, After time.Time
	Limit         int
}

// ChatTexts returns what was said in an open chat, newest first, and whether
// there is more.
func (a *App) ChatTexts(ctx context.Context, by fleet.Actor, id string, in ChatTextsInput) (chat fleet.Chat, list []fleet.ChatText, more bool, err error) {
	if err := by.May(fleet.ScopeRead); err != nil {
		return chat, nil, false, err
	}
	limit := clampLimit(in.Limit, 50, 100)
	next := !in.After.IsZero() && in.Before.IsZero()
	if !in.After.IsZero() {
		in.After = in.After.Add(time.Millisecond)
	}
	err = a.store.Read(ctx, func(tx *store.Tx) error {
		if chat, err = a.openChat(tx, by.TeamID, id); err != nil {
			return err
		}
		list, err = tx.ChatTexts(by.TeamID, chat.AgentID, chat.Conversation, in.After, in.Before, next, limit+1)
		return err
	})
	if more = len(list) > limit; more && next {
		list = list[1:]
	} else if more {
		list = list[:limit]
	}
	return chat, list, more, err
}
