package eliza

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"agentry/internal/api"
	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/web/stream"
)

// assistant is the kind of the agents that this face makes.
const assistant = "assistant"

// Agents answers GET /api/agents: every agent, those that run first and those
// that have ended last, each by name.
func (a *V1) Agents(c *fiber.Ctx, by fleet.Actor) error {
	living := slices.DeleteFunc(fleet.Statuses(), func(s fleet.Status) bool { return s == fleet.Running || s == fleet.Ended })
	return stream.ListWithin(a.streams, c, `{"success":true,"data":{"agents":[`, `]}}`, func(ctx context.Context, yield func(app.AgentView) error) error {
		for _, some := range [][]fleet.Status{{fleet.Running}, living, {fleet.Ended}} {
			if err := a.app.EachAgent(ctx, by, app.ListInput{Status: some}, yield); err != nil {
				return err
			}
		}
		return nil
	}, func(w *bufio.Writer, v app.AgentView) error {
		raw, err := json.Marshal(api.Eliza1Summary{ID: string(v.ID), Name: v.Name, CharacterName: v.Name, Bio: v.Settings.Bio(), Status: active(v.Status)})
		if err != nil {
			return err
		}
		_, err = w.Write(raw)
		return err
	})
}

// Agent answers GET /api/agents/{agentId}.
func (a *V1) Agent(c *fiber.Ctx, by fleet.Actor) error {
	id, err := idOf(c)
	if err != nil {
		return err
	}
	v, err := a.app.Agent(c.UserContext(), by, id)
	if err != nil {
		return err
	}
	return success(c, asAgent(v))
}

// Create answers POST /api/agents. Made again, an agent that lives is answered
// as it is.
func (a *V1) Create(c *fiber.Ctx, by fleet.Actor) error {
	var body api.Eliza1Create
	if err := lax(c, &body); err != nil {
		return err
	}
	in, err := creation(body)
	if err != nil {
		return err
	}
	v, err := a.app.Create(c.UserContext(), by, in)
	if err != nil {
		return err
	}
	c.Status(http.StatusCreated)
	return success(c, api.Eliza1Created{ID: string(v.ID), Character: character(v.Agent)})
}

func creation(body api.Eliza1Create) (in app.CreateInput, err error) {
	given := body.CharacterJSON
	if given == nil {
		given = body.Agent
	}
	switch {
	case given == nil && body.CharacterPath != nil:
		return in, fleet.Errorf(CodeNoConfig, "characterPath is not taken: this server opens no file or address that a caller names. Send the character itself as characterJson")
	case given == nil:
		return in, fleet.Errorf(CodeNoConfig, "No character configuration provided")
	}
	in = app.CreateInput{Kind: assistant, Once: true}
	name, ok := given["name"].(string)
	if !ok || strings.TrimSpace(name) == "" {
		return in, fleet.Invalid("name", "must be a text that is not empty")
	}
	if id, ok := given["id"].(string); ok {
		in.ID = fleet.AgentID(id)
	} else if given["id"] != nil {
		return in, fleet.Invalid("id", "must be a UUID")
	}
	if given["bio"] == nil {
		return in, fleet.Invalid("bio", "must be a text or a list of texts")
	}
	in.Name = name
	in.Settings, err = fleet.CharacterSettings(given)
	return in, err
}

// Update answers PATCH /api/agents/{agentId}, whose body is a part of a
// character.
func (a *V1) Update(c *fiber.Ctx, by fleet.Actor) error {
	id, err := idOf(c)
	if err != nil {
		return err
	}
	var body map[string]any
	if err := lax(c, &body); err != nil {
		return err
	}
	in := app.UpdateInput{}
	if body["name"] != nil {
		name, ok := body["name"].(string)
		if !ok {
			return fleet.Invalid("name", "must be a text")
		}
		in.Name = &name
	}
	if in.Settings, err = fleet.CharacterSettings(body); err != nil {
		return err
	}
	v, err := a.app.Update(c.UserContext(), by, id, in)
	if err != nil {
		return err
	}
	return success(c, asAgent(v))
}

// Delete answers DELETE /api/agents/{agentId} without a body.
func (a *V1) Delete(c *fiber.Ctx, by fleet.Actor) error {
	id, err := idOf(c)
	if err != nil {
		return err
	}
	if _, err := a.app.Delete(c.UserContext(), by, id, app.DeleteInput{}); err != nil {
		return err
	}
	c.Status(http.StatusNoContent)
	return nil
}

// Start answers POST /api/agents/{agentId}/start; an agent that runs is
// answered as started.
func (a *V1) Start(c *fiber.Ctx, by fleet.Actor) error {
	id, err := idOf(c)
	if err != nil {
		return err
	}
	var body api.Start
	if err := lax(c, &body); err != nil {
		return err
	}
	agent, err := a.app.EnsureStarted(c.UserContext(), by, id, app.StartInput{EnableAutonomy: body.EnableAutonomy, Settings: body.Settings})
	if err != nil {
		return err
	}
	return success(c, api.Eliza1Started{ID: string(agent.ID), Name: agent.Name, Status: statusActive})
}

// Stop answers POST /api/agents/{agentId}/stop, which is a pause. Its body
// changes nothing: programs always stop within their kind's grace. An agent of
// which nothing runs is answered as stopped, since that was wished.
func (a *V1) Stop(c *fiber.Ctx, by fleet.Actor) error {
	id, err := idOf(c)
	if err != nil {
		return err
	}
	if _, err := a.app.EnsureStopped(c.UserContext(), by, id); err != nil {
		return err
	}
	return success(c, api.Eliza1Message{Message: "Agent stopped"})
}

// Panels answers GET /api/agents/{agentId}/panels: agents have none.
func (a *V1) Panels(c *fiber.Ctx, by fleet.Actor) error {
	id, err := idOf(c)
	if err != nil {
		return err
	}
	if _, err := a.app.Agent(c.UserContext(), by, id); err != nil {
		return err
	}
	return success(c, []string{})
}

func asAgent(v app.AgentView) api.Eliza1Agent {
	return api.Eliza1Agent{
		Eliza1Character: character(v.Agent), Enabled: enabled(v), Status: active(v.Status),
		CreatedAt: v.CreatedAt.UnixMilli(), UpdatedAt: v.UpdatedAt.UnixMilli(),
	}
}

// character shows every field that ElizaOS always has, set or not.
func character(agent fleet.Agent) api.Eliza1Character {
	fields, others := agent.Settings.Character()
	or := func(name string, fallback any) any {
		if v, ok := fields[name]; ok {
			return v
		}
		return fallback
	}
	none := []string{}
	return api.Eliza1Character{
		ID: string(agent.ID), Name: agent.Name, Username: or("username", ""), System: fields["system"], Bio: or("bio", none), Lore: fields["lore"],
		MessageExamples: or("messageExamples", none), PostExamples: or("postExamples", none), Topics: or("topics", none), Adjectives: or("adjectives", none),
		Knowledge: or("knowledge", none), Plugins: or("plugins", none), Templates: fields["templates"], Settings: others, Style: or("style", struct{}{}),
	}
}

const (
	standardLogs = 50
	// maxLogs is how many of the newest lines are looked at.
	maxLogs = 1000
)

// Logs answers GET /api/agents/{agentId}/logs: lines of the agent's program,
// newest first, also when it does not run. Of the newest 1,000 it answers limit
// (or count) behind offset, from level on, written between from and to, with
// the text search.
func (a *V1) Logs(c *fiber.Ctx, by fleet.Actor) error {
	id, err := idOf(c)
	if err != nil {
		return err
	}
	pick, err := logPick(c)
	if err != nil {
		return err
	}
	lines, err := a.app.Logs(c.UserContext(), by, id, app.LogInput{Level: c.Query("level"), Limit: maxLogs})
	if err != nil {
		return err
	}
	list := []api.Eliza1Log{}
	for _, l := range slices.Backward(lines) {
		if pick.takes(l) {
			list = append(list, asLog(id, l))
		}
	}
	list = list[min(pick.offset, len(list)):]
	return success(c, list[:min(pick.limit, len(list))])
}

// pick says which lines are asked for.
type pick struct {
	from, to      time.Time // zero is open
	search        string
	offset, limit int
}

func (p pick) takes(l fleet.LogLine) bool {
	return (p.from.IsZero() || !l.At.Before(p.from)) && (p.to.IsZero() || !l.At.After(p.to)) &&
		strings.Contains(strings.ToLower(l.Text), p.search)
}

func logPick(c *fiber.Ctx) (p pick, err error) {
	p.search = strings.ToLower(c.Query("search"))
	if p.offset, err = offset(c); err != nil {
		return p, err
	}
	if p.limit, err = whole(c, "count", 1, maxLogs, standardLogs); err != nil {
		return p, err
	}
	if p.limit, err = whole(c, "limit", 1, maxLogs, p.limit); err != nil {
		return p, err
	}
	if p.from, err = moment(c, "from"); err != nil {
		return p, err
	}
	p.to, err = moment(c, "to")
	return p, err
}

// moment is a query parameter that is milliseconds since 1970, RFC 3339 or a
// date as JavaScript writes it; zero when absent.
func moment(c *fiber.Ctx, name string) (time.Time, error) {
	text := c.Query(name)
	if text == "" {
		return time.Time{}, nil
	}
	var ms int64
	if n, err := fmt.Sscanf(text, "%d", &ms); n == 1 && err == nil && fmt.Sprint(ms) == text {
		return time.UnixMilli(ms), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		// A Date in a query is written in words: Sat Nov 21 2026 22:54:40 GMT+0000 (…)
		words, _, _ := strings.Cut(text, " (")
		at, err = time.Parse("Mon Jan 02 2006 15:04:05 GMT-0700", words)
	}
	if err != nil {
		return at, fleet.Invalid(name, "must be a time")
	}
	return at, nil
}

// asLog makes a UUID of the line's number, as clients expect one.
func asLog(id fleet.AgentID, l fleet.LogLine) api.Eliza1Log {
	return api.Eliza1Log{
		ID: fmt.Sprintf("00000000-0000-0000-0000-%012x", l.ID), EntityID: string(id), Type: "log", Level: l.Level, Message: l.Text,
		Timestamp: l.At.UnixMilli(), CreatedAt: l.At.UnixMilli(),
	}
}
