package eliza

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"

	"agentry/internal/api"
	"agentry/internal/app"
	"agentry/internal/fleet"
)

// sessionReplyTime is how long a message waits for its reply: less than the 30
// seconds after which the published client gives up.
const sessionReplyTime = 25 * time.Second

// noServer is the message server of everything, as ElizaOS names the default.
const noServer = "00000000-0000-0000-0000-000000000000"

// How a reply comes back.
const (
	transportHTTP      = "http"
	transportSSE       = "sse"
	transportWebsocket = "websocket"
)

// Send answers POST /api/messaging/sessions/{sessionId}/messages. Over http it
// waits for the reply, which may not come in time and is then among the
// messages later; as a stream of events it sends the same; else it answers at
// once and the reply is to be asked for.
func (a *V1) Send(c *fiber.Ctx, by fleet.Actor) error {
	var body api.Eliza1Send
	if err := lax(c, &body); err != nil {
		return err
	}
	over, err := transport(body)
	if err != nil {
		return err
	}
	if len(body.Attachments) > 0 {
		return fleet.Invalid("attachments", "are not taken: agents here are sent text alone")
	}
	in := app.ChatMessageInput{Text: body.Content, Metadata: orNone(body.Metadata)}
	if over != transportWebsocket {
		in.Wait = sessionReplyTime
	}
	sent, err := a.app.SendToChat(c.UserContext(), by, c.Params("sessionId"), in)
	if err != nil {
		return err
	}
	out := a.exchange(sent, in.Metadata)
	if over == transportSSE {
		return events(c, out)
	}
	c.Status(http.StatusCreated)
	return render(c, api.Eliza1Sent{Eliza1Exchange: out, Data: out})
}

// transport is how the reply shall come; sync and stream are former names.
func transport(body api.Eliza1Send) (string, error) {
	over := body.Transport
	if over == "" {
		over = body.Mode
	}
	switch over {
	case "", transportWebsocket:
		return transportWebsocket, nil
	case transportHTTP, "sync":
		return transportHTTP, nil
	case transportSSE, "stream":
		return transportSSE, nil
	}
	return "", fleet.Invalid("transport", "must be http, sse or websocket")
}

func (a *V1) exchange(sent app.ChatSent, metadata json.RawMessage) api.Eliza1Exchange {
	chat, m := sent.Chat, sent.Message
	out := api.Eliza1Exchange{
		Success: true,
		UserMessage: api.Eliza1UserMessage{
			ID: m.ID, Content: m.Text, AuthorID: chat.UserID, CreatedAt: api.At(m.CreatedAt), Metadata: known(chat, metadata),
			ChannelID: chat.Conversation, MessageServerID: noServer, AuthorIDToo: chat.UserID, CreatedAtMillis: m.CreatedAt.UnixMilli(),
			SourceType: "user", RawMessage: api.Eliza1Raw{Content: m.Text},
		},
		SessionStatus: api.Eliza1SessionStatus{
			ExpiresAt: api.At(chat.ExpiresAt), RenewalCount: chat.Renewals, WasRenewed: sent.Renewed, IsNearExpiration: chat.NearEnd(a.app.Now()),
		},
	}
	if m.State == fleet.MessageReplied {
		out.AgentResponse = &api.Eliza1Reply{
			Text: m.Reply, Actions: []string{"REPLY"}, Providers: []string{}, Simple: true, ResponseID: fleet.ReplyID(m.ID), InReplyTo: m.ID,
		}
	}
	return out
}

// known is what is known beside a text: of the session, then what the client
// said of it and of the text.
func known(chat fleet.Chat, metadata json.RawMessage) map[string]any {
	all := map[string]any{"sessionId": chat.ID, "agentId": string(chat.AgentID), "userId": chat.UserID}
	for _, more := range []json.RawMessage{chat.Metadata, metadata} {
		if len(more) > 0 {
			// It was checked to be an object when it came.
			_ = json.Unmarshal(more, &all)
		}
	}
	return all
}

// events answers an exchange as a stream of events that has ended: an agent's
// reply comes whole.
func events(c *fiber.Ctx, out api.Eliza1Exchange) error {
	var body bytes.Buffer
	add := func(name string, data any) error {
		raw, err := json.Marshal(data)
		if err == nil {
			_, err = fmt.Fprintf(&body, "event: %s\ndata: %s\n\n", name, raw)
		}
		return err
	}
	err := add("user_message", out.UserMessage)
	if reply := out.AgentResponse; err == nil && reply != nil {
		if err = add("chunk", api.Eliza1Chunk{MessageID: reply.ResponseID, Chunk: reply.Text}); err == nil {
			err = add("done", reply)
		}
	} else if err == nil {
		err = add("error", api.Eliza1StreamError{Error: "The reply did not come in time; it will be among the session's messages"})
	}
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, "text/event-stream; charset=utf-8")
	return c.Send(body.Bytes())
}

// mostTexts is the longest page of messages.
const mostTexts = 100

// Messages answers GET …/messages, newest first. A limit that is out of
// bounds is moved into them, as ElizaOS does.
func (a *V1) Messages(c *fiber.Ctx, by fleet.Actor) error {
	in := app.ChatTextsInput{}
	if n, err := strconv.Atoi(c.Query("limit")); err == nil {
		in.Limit = min(max(n, 1), mostTexts)
	}
	var err error
	if in.Before, err = millis(c, "before"); err != nil {
		return err
	}
	if in.After, err = millis(c, "after"); err != nil {
		return err
	}
	chat, list, more, err := a.app.ChatTexts(c.UserContext(), by, c.Params("sessionId"), in)
	if err != nil {
		return err
	}
	out := api.Eliza1Messages{Messages: []api.Eliza1Text{}, HasMore: more}
	for _, t := range list {
		out.Messages = append(out.Messages, text(chat, t))
	}
	if len(list) > 0 {
		out.Cursors = &api.Eliza1Cursors{Before: list[len(list)-1].At.UnixMilli(), After: list[0].At.UnixMilli()}
	}
	return render(c, out)
}

func text(chat fleet.Chat, t fleet.ChatText) api.Eliza1Text {
	out := api.Eliza1Text{
		ID: t.MessageID, Content: t.Text, AuthorID: chat.UserID, IsAgent: t.IsReply, CreatedAt: api.At(t.At), Metadata: known(chat, t.Metadata),
	}
	if t.IsReply {
		out.ID, out.AuthorID = fleet.ReplyID(t.MessageID), string(chat.AgentID)
		out.Metadata["actions"], out.Metadata["inReplyTo"] = []string{"REPLY"}, t.MessageID
	}
	return out
}

// maxMillis is the last instant that a client's Date can hold.
const maxMillis = 8_640_000_000_000_000

// millis is a query parameter in milliseconds since 1970; zero when absent.
func millis(c *fiber.Ctx, name string) (time.Time, error) {
	word := c.Query(name)
	if word == "" {
		return time.Time{}, nil
	}
	ms, err := strconv.ParseInt(word, 10, 64)
	if err != nil || ms < -maxMillis || ms > maxMillis {
		return time.Time{}, fleet.Errorf(fleet.CodeValidation, "Invalid pagination parameter '%s': Must be a valid timestamp", name)
	}
	return time.UnixMilli(ms), nil
}
