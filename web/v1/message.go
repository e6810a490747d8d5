package v1

import (
	"net/http"
	"time"

	"github.com/gofiber/fiber/v2"

	"agentry/internal/api"
	"agentry/internal/app"
	"agentry/internal/fleet"
)

// maxWait is how many seconds a message may wait for its reply.
const maxWait = 55

// Messages answers GET …/messages, of one conversation where asked.
func (a *API) Messages(c *fiber.Ctx, by fleet.Actor) error {
	id, p, err := agentPage(c)
	if err != nil {
		return err
	}
	conversation, err := query(c, "conversation")
	if err != nil {
		return err
	}
	items, next, err := a.app.Messages(c.UserContext(), by, id, conversation, p)
	if err != nil {
		return err
	}
	return list(a, c, items, next, message)
}

// SendMessage answers POST …/messages: 200 with the reply when it came within
// the wait, else 202.
func (a *API) SendMessage(c *fiber.Ctx, by fleet.Actor) error {
	var body api.SendMessage
	id, _, err := input(c, &body)
	if err != nil {
		return err
	}
	seconds, err := whole(c, "wait", 0, maxWait, 0)
	if err != nil {
		return err
	}
	m, err := a.app.SendMessage(c.UserContext(), by, id, app.MessageInput{
		Text: body.Text, Conversation: body.Conversation, From: body.From, Wait: time.Duration(seconds) * time.Second,
	})
	if err != nil {
		return err
	}
	if m.State != fleet.MessageReplied {
		c.Status(http.StatusAccepted)
	}
	return render(c, message(m))
}

func message(m fleet.Message) api.Message {
	return api.Message{
		ID: m.ID, Text: m.Text, Reply: orNull(m.Reply), State: string(m.State), Conversation: m.Conversation,
		From: m.From, CreatedAt: api.At(m.CreatedAt), RepliedAt: api.At(m.RepliedAt),
	}
}
