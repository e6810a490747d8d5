package v1

import (
	"bufio"
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"agentry/internal/api"
	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/web/stream"
)

// Agents answers GET /v1/agents: with limit a page, without it every agent,
// streamed, as JSON, or as CSV where format or else Accept asks for it.
func (a *API) Agents(c *fiber.Ctx, by fleet.Actor) error {
	in, err := listInput(c)
	if err != nil {
		return err
	}
	table, err := asCSV(c)
	if err != nil {
		return err
	}
	all := func(ctx context.Context, yield func(app.AgentView) error) error {
		return a.app.EachAgent(ctx, by, in, yield)
	}
	switch {
	case table && in.Limit != 0:
		return fleet.Invalid("limit", "is not for CSV: it has the whole list")
	case table:
		return stream.AgentsCSV(a.streams, c, by, "agents.csv", all)
	case in.Limit == 0:
		return stream.List(a.streams, c, all, func(w *bufio.Writer, v app.AgentView) error { return writeJSON(w, a.agent(v)) })
	}
	p, err := a.app.Agents(c.UserContext(), by, in)
	if err != nil {
		return err
	}
	a.link(c, "prev", p.PrevCursor)
	a.link(c, "next", p.NextCursor)
	c.Set("X-Total-Count", strconv.FormatInt(p.Total, 10))
	return render(c, each(p.Agents, a.agent))
}

// sorts are the orders that a list of agents has; each also runs backwards.
func sorts() []string { return []string{"name", "createdAt", "updatedAt"} }

func listInput(c *fiber.Ctx) (in app.ListInput, err error) {
	text := map[string]string{}
	for _, name := range []string{"status", "q", "tag", "country", "kind", "alerts", "sort", "cursor"} {
		if text[name], err = query(c, name); err != nil {
			return in, err
		}
	}
	in = app.ListInput{
		Q: text["q"], Tag: text["tag"], Country: strings.ToUpper(text["country"]), Kind: text["kind"],
		OpenAlerts: text["alerts"] == "open", Sort: text["sort"], Cursor: text["cursor"],
	}
	if err := withStatus(&in, text["status"]); err != nil {
		return in, err
	}
	if text["alerts"] != "" && !in.OpenAlerts {
		return in, fleet.Invalid("alerts", "must be open")
	}
	if in.Sort != "" && in.Sort != "attention" && !slices.Contains(sorts(), strings.TrimPrefix(in.Sort, "-")) {
		return in, fleet.Invalid("sort", "must be one of %s, attention, with - in front for the other direction", strings.Join(sorts(), ", "))
	}
	limit, err := whole(c, "limit", 1, maxPage, 0)
	in.Limit = int(limit)
	if err == nil && in.Cursor != "" && in.Limit == 0 {
		return in, fleet.Invalid("cursor", "needs a limit")
	}
	return in, err
}

// withStatus narrows a list to a comma list of statuses, or to what needs
// attention.
func withStatus(in *app.ListInput, text string) (err error) {
	if in.Attention = text == "attention"; !in.Attention {
		in.Status, err = statuses(text)
	}
	return err
}

// statuses reads a comma list of statuses.
func statuses(text string) (list []fleet.Status, err error) {
	if text == "" {
		return nil, nil
	}
	for word := range strings.SplitSeq(text, ",") {
		s := fleet.Status(strings.TrimSpace(word))
		if !s.Valid() {
			return nil, fleet.Invalid("status", "must be attention or a comma list of %s", joined(fleet.Statuses()))
		}
		list = append(list, s)
	}
	return list, nil
}

func joined[T ~string](words []T) string {
	text := make([]string, len(words))
	for i, w := range words {
		text[i] = string(w)
	}
	return strings.Join(text, ", ")
}

// Agent answers GET /v1/agents/{id}.
func (a *API) Agent(c *fiber.Ctx, by fleet.Actor) error {
	id, err := agentID(c)
	if err != nil {
		return err
	}
	view, err := a.app.Agent(c.UserContext(), by, id)
	if err != nil {
		return err
	}
	etag(c, view.Version)
	return render(c, a.agent(view))
}

func etag(c *fiber.Ctx, version int64) {
	c.Set(fiber.HeaderETag, `"`+strconv.FormatInt(version, 10)+`"`)
}

// CreateAgent answers POST /v1/agents.
func (a *API) CreateAgent(c *fiber.Ctx, by fleet.Actor) error {
	var body api.CreateAgent
	if err := decode(c, &body); err != nil {
		return err
	}
	hours, err := hoursChange(body.WorkingHours)
	if err != nil {
		return err
	}
	view, err := a.app.Create(c.UserContext(), by, app.CreateInput{
		Name: body.Name, Kind: body.Kind, Country: body.Country, Tags: body.Tags,
		Hours: hours, Limits: limitsChange(body.Limits), Settings: settings(body.Settings),
	})
	if err != nil {
		return err
	}
	etag(c, view.Version)
	return a.created(c, "/v1/agents/"+string(view.ID), a.agent(view))
}

// UpdateAgent answers PUT /v1/agents/{id}.
func (a *API) UpdateAgent(c *fiber.Ctx, by fleet.Actor) error {
	var body api.UpdateAgent
	id, version, err := input(c, &body)
	if err != nil {
		return err
	}
	hours, err := hoursChange(body.WorkingHours)
	if err != nil {
		return err
	}
	view, err := a.app.Update(c.UserContext(), by, id, app.UpdateInput{
		Name: body.Name, Country: body.Country, Avatar: body.Avatar, Tags: body.Tags,
		Hours: hours, Limits: limitsChange(body.Limits), Settings: settings(body.Settings), IfVersion: version,
	})
	if err != nil {
		return err
	}
	etag(c, view.Version)
	return render(c, api.Updated{ID: string(view.ID), Message: "Agent settings updated successfully"})
}

func hoursChange(h *api.HoursChange) (*fleet.HoursChange, error) {
	if h == nil {
		return nil, nil
	}
	change := &fleet.HoursChange{Days: h.Days, Start: h.Start, Stop: h.Stop}
	if h.Timezone == nil {
		return change, nil
	}
	zone := h.Timezone.Name
	if h.Timezone.IsNumber {
		named, ok := fleet.OffsetZone(h.Timezone.Hours)
		if !ok {
			return nil, fleet.Invalid("workingHours.timezone", "must be an IANA time zone or whole hours from -12 to 14")
		}
		zone = named
	}
	change.Timezone = &zone
	return change, nil
}

func limitsChange(l *api.LimitsChange) *fleet.LimitsChange { return (*fleet.LimitsChange)(l) }

func settings(list []api.Setting) []fleet.Setting {
	return each(list, func(s api.Setting) fleet.Setting { return fleet.Setting(s) })
}

// agent makes the wire form.
func (a *API) agent(v app.AgentView) api.Agent {
	return api.Agent{
		ID: string(v.ID), Name: v.Name, Kind: v.Kind, Status: string(v.Status),
		Login: orNull(v.Login), Country: orNull(v.Country), Avatar: orNull(v.Avatar),
		Tags: append([]string{}, v.Tags...), NextTask: api.At(v.NextTask),
		Usage: usageOf(v), Limits: api.Limits(v.Limits),
		Settings: each(v.Settings.List(), func(s fleet.Setting) api.Setting { return api.Setting(s) }),
		Alerts:   each(v.Alerts, alert),
		Runtime: api.Runtime{
			State: string(v.Runtime.State), LastHeardAt: api.At(v.Runtime.LastHeardAt),
			Epoch: v.Runtime.Epoch, Restarts: v.Runtime.Restarts, Driver: a.driver(v.Kind),
		},
		Why: orNull(v.Why), Incarnation: v.Incarnation, Protected: protection(v.Protected),
		EndReason: orNull(v.EndReason), EndedAt: api.At(v.EndedAt),
		CreatedAt: api.At(v.CreatedAt), UpdatedAt: api.At(v.UpdatedAt), Version: v.Version,
	}
}

func usageOf(v app.AgentView) api.AgentUsage {
	return api.AgentUsage{
		Invitations: v.Usage.Invitations, InvitationsDaily: v.Usage.InvitationsDaily,
		Messages: v.Usage.Messages, MessagesDaily: v.Usage.MessagesDaily,
		NextInvitation: api.At(v.Usage.NextInvitation), NextMessage: api.At(v.Usage.NextMessage),
		WorkingHours: api.WorkingHours(v.Hours),
	}
}

func protection(p *fleet.Protection) *api.Protection {
	if p == nil {
		return nil
	}
	return &api.Protection{By: p.By, Reason: p.Reason, At: api.At(p.At)}
}

func (a *API) driver(kind string) string {
	k, _ := a.app.Kind(kind)
	return k.Driver
}
