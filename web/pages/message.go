package pages

import (
	"net/url"
	"slices"

	"github.com/a-h/templ"
	"github.com/gofiber/fiber/v2"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/views"
)

func (p *Pages) messages(c *fiber.Ctx, who Viewer, v app.AgentView) (*views.Messages, error) {
	only, cursor := query(c, "conversation"), query(c, "cursor")
	items, next, err := p.app.Messages(c.UserContext(), who.Actor, v.ID, only, app.PageInput{Cursor: cursor})
	m := &views.Messages{AgentID: string(v.ID), AgentName: v.Name, Only: only, Self: messagesPath(v.ID, only, cursor), Now: p.nowAt(who, v.Hours)}
	for _, one := range slices.Backward(items) {
		m.Items = append(m.Items, views.Message{
			ID: one.ID, From: one.From, Text: one.Text, Reply: one.Reply, State: string(one.State), SentAt: one.CreatedAt, ReplyAt: one.RepliedAt,
		})
		// One that was given no conversation is one of its own.
		if last := &m.Items[len(m.Items)-1]; one.Conversation != pageConversation && one.Conversation != one.ID && only == "" {
			last.In, last.InHref = one.Conversation, messagesPath(v.ID, one.Conversation, "")
		}
	}
	if next != "" {
		m.OlderHref = messagesPath(v.ID, only, next)
	}
	if cursor != "" {
		m.NewestHref = messagesPath(v.ID, only, "")
	}
	switch {
	case only != "" || cursor != "":
	case who.may(fleet.ScopeOperate) && v.Status == fleet.Running:
		m.Write = &views.MessageForm{Form: p.newForm(), AgentID: string(v.ID), AgentName: v.Name}
		if rt := v.Runtime.State; rt == fleet.ObservedLost || rt == fleet.ObservedBackoff {
			m.Write.Why = sentence(v.Why)
		}
	case who.may(fleet.ScopeOperate):
		m.Closed = "It is " + v.Status.Word() + ": only a running agent takes messages."
	}
	return m, err
}

// messagesPath is the tab of messages: of one conversation, "" is all, and from
// a place on, "" is the newest.
func messagesPath(id fleet.AgentID, conversation, cursor string) string {
	values := url.Values{"tab": {"messages"}}
	if conversation != "" {
		values.Set("conversation", conversation)
	}
	if cursor != "" {
		values.Set("cursor", cursor)
	}
	return agentPath(id, "?"+values.Encode())
}

// pageConversation is what the members write on an agent's page: they see each
// other's texts there.
const pageConversation = "dashboard"

// SendMessage answers POST /fleet/{id}/messages; the reply shows by itself.
func (p *Pages) SendMessage(c *fiber.Ctx, who Viewer) error {
	id, err := agentID(c)
	if err != nil {
		return err
	}
	p.messageAgain(c, who, id)
	_, err = p.app.SendMessage(c.UserContext(), who.Actor, id, app.MessageInput{Text: field(c, "text"), Conversation: pageConversation})
	return done(c, err, agentPath(id, "?tab=messages"))
}

func (p *Pages) messageAgain(c *fiber.Ctx, who Viewer, id fleet.AgentID) {
	remember(c, sent{fields: []string{"text"}, again: func(f views.Form) (templ.Component, func(views.Shell) templ.Component, error) {
		m, err := p.agentPage(c, who, id, "messages")
		form := views.MessageForm{Form: f, AgentID: string(id), AgentName: m.Top.Name, Text: field(c, "text")}
		return views.MessageWrite(form), func(s views.Shell) templ.Component {
			s.Title, m.Shell, m.Messages.Write = m.Top.Name, s, &form
			return views.AgentShow(m)
		}, err
	}})
}
