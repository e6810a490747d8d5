package app_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/internal/store"
)

func (b *bench) open(id fleet.AgentID) fleet.Chat {
	b.t.Helper()
	return must[fleet.Chat](b.t)(b.OpenChat(b.t.Context(), b.operator, id, app.ChatInput{UserID: strings.ToUpper(chatUser), Metadata: []byte(`{"username":"Eve"}`)}))
}

func TestChat(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id, spec := b.running("rehearsal")
	var chat fleet.Chat
	b.effectsOf(func() { chat = b.open(id) }).want(t, "open", effects{Audit: []string{"chat.open done user operate"}, Wakes: 1})
	got := must[fleet.Chat](t)(b.Chat(t.Context(), b.viewer, strings.ToUpper(chat.ID)))
	if fmt.Sprint(got) != fmt.Sprint(chat) || got.UserID != chatUser || !got.ExpiresAt.Equal(t0.Add(30*time.Minute)) {
		t.Errorf("%+v, opened as %+v", got, chat)
	}
	b.clock.step(20 * time.Minute)
	var sent app.ChatSent
	b.effectsOf(func() {
		sent = must[app.ChatSent](t)(b.SendToChat(t.Context(), b.operator, chat.ID, app.ChatMessageInput{Text: "hello", Metadata: []byte(`{"a":1}`)}))
	}).want(t, "send", effects{Audit: []string{"message done user operate"}, Events: []string{"message.changed"}, Wakes: 1})
	if !sent.Renewed || sent.Chat.Renewals != 1 || !sent.Chat.ExpiresAt.Equal(t0.Add(50*time.Minute)) || sent.Message.From != "Eve" || sent.Message.Conversation != chat.Conversation {
		t.Errorf("%+v", sent)
	}
	list := b.inbox(spec.Run)
	if len(list) != 1 || list[0].Body["text"] != "hello" || list[0].Body["from"] != "Eve" || list[0].Body["conversation"] != chat.Conversation {
		t.Errorf("the program is told %+v", list)
	}
	b.clock.step(time.Minute)
	b.tell(spec.Run, app.RunEvent{ID: "r", Type: "reply", Body: body{"messageId": sent.Message.ID, "text": "hi Eve"}})
	_, texts, more, err := b.ChatTexts(t.Context(), b.viewer, chat.ID, app.ChatTextsInput{})
	b.ok(err)
	if len(texts) != 2 || more || texts[0].Text != "hi Eve" || !texts[0].IsReply || texts[1].Text != "hello" || string(texts[1].Metadata) != `{"a":1}` {
		t.Errorf("%+v, more %v", texts, more)
	}
	all := must[app.ChatList](t)(b.Chats(t.Context(), b.viewer))
	if len(all.Chats) != 1 || all.Open != 1 || all.Kept != 1 || all.Chats[0].Renewals != 1 {
		t.Errorf("%+v", all)
	}
	b.effectsOf(func() { must[fleet.Chat](t)(b.CloseChat(t.Context(), b.operator, chat.ID)) }).want(t, "close", effects{Audit: []string{"chat.close done user operate"}, Wakes: 1})
	_, err = b.Chat(t.Context(), b.viewer, chat.ID)
	wantErr(t, "closed", err, app.CodeChatNotFound, "Session with ID '"+chat.ID+"' not found")
	if n := b.number(`SELECT COUNT(*) FROM messages WHERE conversation = ?`, chat.Conversation); n != 1 {
		t.Errorf("%d messages are left", n)
	}
}

func TestChatEndsByItself(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id, _ := b.running("rehearsal")
	chat := b.open(id)
	b.clock.step(29 * time.Minute)
	b.effectsOf(func() { chat = must[fleet.Chat](t)(b.TouchChat(t.Context(), b.operator, chat.ID)) }).want(t, "touch", effects{})
	if !chat.ExpiresAt.Equal(t0.Add(59*time.Minute)) || chat.Renewals != 1 {
		t.Errorf("%+v", chat)
	}
	no, short := false, 10.0
	chat = must[fleet.Chat](t)(b.RetimeChat(t.Context(), b.operator, chat.ID, fleet.ChatTimeoutChange{AutoRenew: &no, Minutes: &short, MaxMinutes: ptr(45.0)}))
	if chat.Timeout.AutoRenew || chat.ExpiresAt.After(b.Now()) {
		t.Errorf("its time has long gone: %+v", chat)
	}
	for what, call := range map[string]func() error{
		"read":  func() error { return second(b.Chat(t.Context(), b.viewer, chat.ID)) },
		"renew": func() error { return second(b.RenewChat(t.Context(), b.operator, chat.ID)) },
		"send": func() error {
			return second(b.SendToChat(t.Context(), b.operator, chat.ID, app.ChatMessageInput{Text: "x"}))
		},
	} {
		wantErr(t, what, call(), app.CodeChatExpired, "Session '"+chat.ID+"' expired at "+chat.ExpiresAt.Format(time.RFC3339))
	}

	other := b.open(id)
	other = must[fleet.Chat](t)(b.RetimeChat(t.Context(), b.operator, other.ID, fleet.ChatTimeoutChange{AutoRenew: &no, Minutes: ptr(30.0), MaxMinutes: ptr(30.0)}))
	b.clock.step(20 * time.Minute)
	if again := must[fleet.Chat](t)(b.RenewChat(t.Context(), b.operator, other.ID)); !again.ExpiresAt.Equal(other.ExpiresAt) || again.Renewals != 1 {
		t.Errorf("over its longest: %+v", again)
	}
	_, err := b.RetimeChat(t.Context(), b.operator, other.ID, fleet.ChatTimeoutChange{Minutes: ptr(4.0)})
	wantErr(t, "too short", err, fleet.CodeValidation, "")

	b.clock.step(2*time.Hour - time.Duration(b.Now().Second())*time.Second)
	b.ok(b.Tick(t.Context()))
	if n := b.number(`SELECT COUNT(*) FROM chats`); n != 0 {
		t.Errorf("%d chats that ended are kept for ever", n)
	}
}

func ptr[T any](v T) *T { return &v }

func TestChatIsRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id, _ := b.running("rehearsal")
	chat := b.open(id)
	open := func(id fleet.AgentID, user, metadata string) error {
		return second(b.OpenChat(t.Context(), b.operator, id, app.ChatInput{UserID: user, Metadata: []byte(metadata)}))
	}
	send := func(text, metadata string) error {
		return second(b.SendToChat(t.Context(), b.operator, chat.ID, app.ChatMessageInput{Text: text, Metadata: []byte(metadata)}))
	}
	long := strings.Repeat("ä", fleet.MaxChatText)
	b.ok(send(long, `{}`))
	for what, c := range map[string]struct {
		err  error
		code fleet.Code
	}{
		"an unknown agent": {open("01890000-0000-7000-8000-000000000000", chatUser, ""), app.CodeChatAgent}, "no user": {open(id, "me", ""), fleet.CodeValidation},
		"metadata": {open(id, chatUser, `[1]`), fleet.CodeValidation}, "much metadata": {open(id, chatUser, `{"a":"`+strings.Repeat("x", fleet.MaxChatMetadata)+`"}`), fleet.CodeValidation},
		"nothing said": {send(" \n", ""), fleet.CodeValidation}, "too much said": {send(long+"x", ""), fleet.CodeValidation}, "metadata of a text": {send("x", `"y"`), fleet.CodeValidation},
	} {
		wantErr(t, what, c.err, c.code, "")
	}
	_, err := b.Pause(t.Context(), b.operator, id, app.PauseInput{})
	b.ok(err)
	sentence := "Agent with ID '" + string(id) + "' not found among those that run: it is paused"
	wantErr(t, "paused", open(id, chatUser, ""), app.CodeChatAgent, sentence)
	wantErr(t, "paused", send("x", ""), app.CodeChatAgent, sentence)
	if again := must[fleet.Chat](t)(b.Chat(t.Context(), b.viewer, chat.ID)); again.Renewals != 1 {
		t.Errorf("what was refused renewed it: %+v", again)
	}
}

// An agent has so many open chats and no more; those that ended do not count.
func TestChatsAreBounded(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id, _ := b.running("rehearsal")
	b.ok(b.store.Write(t.Context(), func(tx *store.Tx) error {
		for range fleet.MaxChats {
			chat := fleet.Chat{ID: fleet.NewID(t0), TeamID: b.team, AgentID: id, UserID: chatUser, Conversation: "c", CreatedAt: t0, ActiveAt: t0}
			if err := tx.InsertChat(chat.Retimed(fleet.DefaultChatTimeout())); err != nil {
				return err
			}
		}
		return nil
	}))
	_, err := b.OpenChat(t.Context(), b.operator, id, app.ChatInput{UserID: chatUser})
	wantErr(t, "one more", err, app.CodeChatRefused, "The agent has 1000 open sessions; delete some or wait until they end")
	b.clock.step(31 * time.Minute)
	b.open(id)
}

// Polling with After misses nothing and gets nothing twice.
func TestChatTextsFollowed(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id, spec := b.running("rehearsal")
	chat := b.open(id)
	var said []string
	for i := range 7 {
		b.clock.step(1500 * time.Microsecond)
		m := must[app.ChatSent](t)(b.SendToChat(t.Context(), b.operator, chat.ID, app.ChatMessageInput{Text: fmt.Sprint("q", i)})).Message
		b.clock.step(1500 * time.Microsecond)
		b.tell(spec.Run, app.RunEvent{ID: m.ID, Type: "reply", Body: body{"messageId": m.ID, "text": fmt.Sprint("a", i)}})
		said = append(said, fmt.Sprint("q", i), fmt.Sprint("a", i))
	}
	var heard []string
	after := t0
	for pages := 1; ; pages++ {
		_, list, more, err := b.ChatTexts(t.Context(), b.viewer, chat.ID, app.ChatTextsInput{After: after, Limit: 3})
		b.ok(err)
		for i := range list {
			heard = append(heard, list[len(list)-1-i].Text)
		}
		if len(list) > 0 {
			after = list[0].At.Truncate(time.Millisecond)
		}
		if !more || pages > 9 {
			break
		}
	}
	if fmt.Sprint(heard) != fmt.Sprint(said) {
		t.Errorf("forward: %v", heard)
	}
	heard = nil
	before := time.Time{}
	for pages := 1; ; pages++ {
		_, list, more, err := b.ChatTexts(t.Context(), b.viewer, chat.ID, app.ChatTextsInput{Before: before, Limit: 3})
		b.ok(err)
		for _, text := range list {
			heard = append([]string{text.Text}, heard...)
		}
		before = list[len(list)-1].At.Truncate(time.Millisecond)
		if !more || pages > 9 {
			break
		}
	}
	if fmt.Sprint(heard) != fmt.Sprint(said) {
		t.Errorf("backward: %v", heard)
	}
}

// A relaunched agent begins without anybody's conversation.
func TestRelaunchEndsChats(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id, _ := b.running("rehearsal")
	chat := b.open(id)
	b.ok(second(b.End(t.Context(), b.operator, id, app.ReasonInput{})))
	b.ok(second(b.Relaunch(t.Context(), b.operator, id, app.ReasonInput{})))
	_, err := b.Chat(t.Context(), b.viewer, chat.ID)
	wantErr(t, "after the relaunch", err, app.CodeChatNotFound, "")
}

// Who says how it shall be is not refused because it is so.
func TestEnsure(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id, _ := b.running("rehearsal")
	b.effectsOf(func() {
		agent := must[fleet.Agent](t)(b.EnsureStarted(t.Context(), b.operator, id, app.StartInput{}))
		if agent.Status != fleet.Running || !agent.Runtime.EnableAutonomy {
			t.Errorf("%+v", agent)
		}
	}).want(t, "start of what runs", effects{})
	b.ok(second(b.EnsureStopped(t.Context(), b.operator, id)))
	b.effectsOf(func() {
		if agent := must[fleet.Agent](t)(b.EnsureStopped(t.Context(), b.operator, id)); agent.Status != fleet.Paused {
			t.Errorf("%+v", agent)
		}
	}).want(t, "stop of what is stopped", effects{})
}

// Who waits for a reply hears at once that there will be none.
func TestChatWhoseAgentEnds(t *testing.T) {
	startBench(t, func(t *testing.T, b *bench) {
		id := b.create("rehearsal")
		b.act(func(spec app.RunSpec) { b.ok(second(b.RunForToken(context.Background(), spec.Token))) })
		b.ok(second(b.Start(t.Context(), b.operator, id, app.StartInput{})))
		b.runner.set(nil)
		chat := b.open(id)
		go func() {
			time.Sleep(5 * time.Second)
			b.ok(second(b.End(context.Background(), b.operator, id, app.ReasonInput{})))
		}()
		began := time.Now()
		_, err := b.SendToChat(t.Context(), b.operator, chat.ID, app.ChatMessageInput{Text: "still there?", Wait: 30 * time.Second})
		wantErr(t, "sent", err, app.CodeChatSend, "Failed to send message in session '"+chat.ID+"': the agent ended before it replied")
		if took := time.Since(began); took != 5*time.Second {
			t.Errorf("it took %s", took)
		}
	})
}
