package pages

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"
	"github.com/gofiber/fiber/v2"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/views"
	"agentry/views/ui"
)

// NewAgent answers GET /fleet/new.
func (p *Pages) NewAgent(c *fiber.Ctx, who Viewer) error {
	shell, err := p.shell(c, who, "New agent", "fleet")
	if err != nil {
		return err
	}
	return send(c, views.CreatePage(shell, views.Create{Form: p.newForm(), Kind: p.app.DefaultKind(), Kinds: p.kindOptions()}))
}

func (p *Pages) kindOptions() (list []ui.Option) {
	for _, name := range p.kindNames() {
		list = append(list, ui.Option{Value: name, Label: name})
	}
	return list
}

// Create answers POST /fleet/new and leads to what comes next.
func (p *Pages) Create(c *fiber.Ctx, who Viewer) error {
	m := views.Create{Name: field(c, "name"), Kind: field(c, "kind"), Country: field(c, "country"), Tags: field(c, "tags"), Kinds: p.kindOptions()}
	remember(c, sent{
		title: "New agent", fields: []string{"name", "kind", "country", "tags"},
		again: func(f views.Form) (templ.Component, func(views.Shell) templ.Component, error) {
			m.Form = f
			return nil, func(s views.Shell) templ.Component { return views.CreatePage(s, m) }, nil
		},
	})
	v, err := p.app.Create(c.UserContext(), who.Actor, app.CreateInput{Name: strings.TrimSpace(m.Name), Kind: m.Kind, Country: m.Country, Tags: list(m.Tags)})
	to := agentPath(v.ID, "")
	if kind, _ := p.app.Kind(v.Kind); kind.NeedsSetup() {
		to = agentPath(v.ID, "/setup")
	}
	return lead(c, err, to)
}

// Update answers POST /fleet/{id}/update. The script gets the form again, with
// the version that it made.
func (p *Pages) Update(c *fiber.Ctx, who Viewer) error {
	id, err := agentID(c)
	if err != nil {
		return err
	}
	v, err := p.app.Agent(c.UserContext(), who.Actor, id)
	if err != nil {
		return err
	}
	form := typedSettings(c, v.Agent)
	p.settingsAgain(c, who, id, form)
	in, err := updateInput(c, v.Agent)
	if err != nil {
		return err
	}
	if v, err = p.app.Update(c.UserContext(), who.Actor, id, in); err != nil || !htmx(c) {
		return done(c, err, agentPath(id, ""))
	}
	c.Set(views.DoneHeader, views.DoneEvent)
	return send(c, views.AgentSettings(*settingsForm(v.Agent)))
}

func (p *Pages) settingsAgain(c *fiber.Ctx, who Viewer, id fleet.AgentID, form *views.SettingsForm) {
	remember(c, sent{
		fields: []string{
			"name", "country", "tags", "workingHours.days", "workingHours.start", "workingHours.stop", "workingHours.timezone",
			"limits.invitationsMin", "limits.invitationsMax", "limits.messagesMin", "limits.messagesMax", "settings",
		},
		again: func(f views.Form) (templ.Component, func(views.Shell) templ.Component, error) {
			m, err := p.agentPage(c, who, id, "")
			if err != nil || m.Overview == nil || m.Overview.Settings == nil {
				return nil, nil, fleet.ErrAgentNotFound()
			}
			form.Form, form.Version = f, m.Overview.Settings.Version
			m.Overview.Settings = form
			return views.AgentSettings(*form), func(s views.Shell) templ.Component {
				s.Title, m.Shell = m.Top.Name, s
				return views.AgentShow(m)
			}, nil
		},
	})
}

func settingsForm(agent fleet.Agent) *views.SettingsForm {
	f := &views.SettingsForm{
		AgentID: string(agent.ID), Version: agent.Version, Name: agent.Name, Country: agent.Country, Tags: strings.Join(agent.Tags, ", "),
		Timezone: agent.Hours.Timezone, Start: agent.Hours.Start, Stop: agent.Hours.Stop,
		InvitationsMin: fmt.Sprint(agent.Limits.InvitationsMin), InvitationsMax: fmt.Sprint(agent.Limits.InvitationsMax),
		MessagesMin: fmt.Sprint(agent.Limits.MessagesMin), MessagesMax: fmt.Sprint(agent.Limits.MessagesMax),
		Settings: settingLines(agent.Settings),
	}
	for _, key := range fleet.Switches() {
		if agent.Settings.On(key) {
			f.Switches = append(f.Switches, key)
		}
	}
	for i, flag := range strings.Split(agent.Hours.Days, ":") {
		if i < len(f.Days) {
			f.Days[i] = flag == "1"
		}
	}
	return f
}

func typedSettings(c *fiber.Ctx, agent fleet.Agent) *views.SettingsForm {
	f := &views.SettingsForm{
		AgentID: string(agent.ID), Version: agent.Version, Name: field(c, "name"), Country: field(c, "country"), Tags: field(c, "tags"),
		Timezone: field(c, "timezone"), Start: field(c, "start"), Stop: field(c, "stop"),
		InvitationsMin: field(c, "invitationsMin"), InvitationsMax: field(c, "invitationsMax"),
		MessagesMin: field(c, "messagesMin"), MessagesMax: field(c, "messagesMax"),
		Settings: field(c, "settings"),
	}
	for _, key := range c.Request().PostArgs().PeekMulti("switch") {
		f.Switches = append(f.Switches, string(key))
	}
	for _, raw := range c.Request().PostArgs().PeekMulti("day") {
		if i, err := strconv.Atoi(string(raw)); err == nil && i >= 0 && i < len(f.Days) {
			f.Days[i] = true
		}
	}
	return f
}

func updateInput(c *fiber.Ctx, agent fleet.Agent) (in app.UpdateInput, err error) {
	f := typedSettings(c, agent)
	if in.IfVersion, err = version(c); err != nil {
		return in, err
	}
	in.Limits = &fleet.LimitsChange{}
	for name, to := range map[string]**int{
		"invitationsMin": &in.Limits.InvitationsMin, "invitationsMax": &in.Limits.InvitationsMax,
		"messagesMin": &in.Limits.MessagesMin, "messagesMax": &in.Limits.MessagesMax,
	} {
		n, err := whole64(c, name, "limits."+name)
		if err != nil {
			return in, err
		}
		value := int(n)
		*to = &value
	}
	if in.Settings, err = parseSettings(f, agent.Settings); err != nil {
		return in, err
	}
	days, tags := flags(f.Days), list(f.Tags)
	in.Name, in.Country, in.Tags = &f.Name, &f.Country, &tags
	in.Hours = &fleet.HoursChange{Days: &days, Start: &f.Start, Stop: &f.Stop, Timezone: &f.Timezone}
	return in, nil
}

func flags(days [7]bool) string {
	out := make([]string, len(days))
	for i, on := range days {
		if out[i] = "0"; on {
			out[i] = "1"
		}
	}
	return strings.Join(out, ":")
}

// whole64 reads a whole number of a field; "" is 0. The error is of the name in
// the API.
func whole64(c *fiber.Ctx, name, as string) (int64, error) {
	text := strings.TrimSpace(field(c, name))
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil || n < 0 {
		return 0, fleet.Invalid(as, "must be a whole number")
	}
	return n, nil
}

// settingLines writes settings as people edit them: key = JSON value. The
// switches have boxes of their own.
func settingLines(s fleet.Settings) string {
	var b strings.Builder
	for _, one := range s.List() {
		raw, err := json.Marshal(one.Value)
		if err != nil || slices.Contains(fleet.Switches(), one.Key) {
			continue
		}
		fmt.Fprintf(&b, "%s = %s\n", one.Key, raw)
	}
	return b.String()
}

// parseSettings reads them back, with the switches; a key that is gone from the
// text is removed.
func parseSettings(f *views.SettingsForm, present fleet.Settings) ([]fleet.Setting, error) {
	changes := []fleet.Setting{}
	seen := map[string]bool{}
	for i, line := range strings.Split(f.Settings, "\n") {
		if strings.TrimSpace(line) == "" {
			continue
		}
		key, raw, ok := strings.Cut(line, "=")
		one := fleet.Setting{Key: strings.TrimSpace(key)}
		if !ok || json.Unmarshal([]byte(raw), &one.Value) != nil {
			return nil, fleet.Invalid("settings", `line %d must be a key, = and a JSON value, such as tone = "calm"`, i+1)
		}
		if slices.Contains(fleet.Switches(), one.Key) {
			return nil, fleet.Invalid("settings", "line %d: %s has a box of its own under Rules of work", i+1, one.Key)
		}
		seen[one.Key] = true
		changes = append(changes, one)
	}
	for _, key := range fleet.Switches() {
		if slices.Contains(f.Switches, key) {
			seen[key] = true
			changes = append(changes, fleet.Setting{Key: key, Value: true})
		}
	}
	for key := range present {
		if !seen[key] {
			changes = append(changes, fleet.Setting{Key: key})
		}
	}
	return changes, nil
}
