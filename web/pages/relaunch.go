package pages

import (
	"slices"

	"github.com/a-h/templ"
	"github.com/gofiber/fiber/v2"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/views"
	"agentry/views/ui"
)

// RelaunchForm answers GET /fleet/{id}/relaunch: what it would clear and keep.
func (p *Pages) RelaunchForm(c *fiber.Ctx, who Viewer) error {
	id, err := agentID(c)
	if err != nil {
		return err
	}
	m, err := p.confirm(c, who, id, fleet.MoveRelaunch)
	if err != nil {
		return err
	}
	shell, err := p.shell(c, who, "Relaunch "+m.Name, "fleet")
	if err != nil {
		return err
	}
	return either(c, views.RelaunchDialog(m), views.RelaunchPage(shell, m))
}

// confirm makes the dialog of a relaunch or delete from its preview.
func (p *Pages) confirm(c *fiber.Ctx, who Viewer, id fleet.AgentID, move fleet.Move) (views.Confirm, error) {
	v, err := p.app.Preview(c.UserContext(), who.Actor, id, move)
	m := views.Confirm{
		AgentID: string(id), Name: v.Agent.Name, Version: v.Version, Status: string(v.Agent.Status), RecentRelaunches: v.RecentRelaunches,
	}
	if v.Hold != "" {
		m.Hold = sentence(v.Hold)
	}
	for _, text := range v.BlockedBy {
		m.BlockedBy = append(m.BlockedBy, sentence(text))
	}
	if err == nil && len(v.Resources) > 0 {
		m.Released = views.ResourceLines(v.Resources, v.MoreResources)
		if m.ReleaseNote, err = p.releaseNote(c, who, v.Resources); m.ReleaseNote != "" && move == fleet.MoveDelete {
			m.ReleaseNote += " The agent goes at once."
		} else if m.ReleaseNote != "" {
			m.ReleaseNote += " The relaunch does not wait for it."
		}
	}
	if move == fleet.MoveDelete {
		m.Removes, m.Keeps = views.RemovedLines(v.Removes), []string{"the audit, without texts", "a deletion certificate"}
		if err == nil && v.Allowed {
			m.Export, err = p.exportOffer(c, who, v)
		}
		return m, err
	}
	m.Removes, m.Keeps = clearedLines(v), keptLines(v)
	return m, err
}

// releaseNote says what becomes of resources whose vendor cannot be asked now,
// "" where all can.
func (p *Pages) releaseNote(c *fiber.Ctx, who Viewer, list []fleet.Resource) (string, error) {
	vendors, err := p.app.Vendors(c.UserContext(), who.Actor)
	for _, v := range vendors {
		uses := slices.ContainsFunc(list, func(r fleet.Resource) bool { return r.Vendor == v.Name })
		switch {
		case !uses || v.State == fleet.VendorOK:
		case v.State == fleet.VendorDown:
			return v.Label + " does not answer now: what is there is released when it answers again.", err
		default:
			return v.Label + " is not asked now: what is there is released when the access to it works again.", err
		}
	}
	return "", err
}

func clearedLines(v fleet.Preview) []string {
	out := views.RemovedLines(fleet.Counts{Credentials: v.Removes.Credentials, Alerts: v.Removes.Alerts})
	if v.Removes.Tasks > 0 {
		out = append(out, ui.Plural(v.Removes.Tasks, "open task", "open tasks"))
	}
	if v.Removes.Settings > 0 {
		out = append(out, ui.Plural(v.Removes.Settings, "setting", "settings"))
	}
	return append(out, "country, hours and limits go back to the defaults")
}

func keptLines(v fleet.Preview) []string {
	out := []string{"id, name and tags", "the audit"}
	out = append(out, views.RemovedLines(fleet.Counts{UsageDays: v.Keeps.UsageDays, Messages: v.Keeps.Messages, Logs: v.Keeps.Logs})...)
	if v.Keeps.Tasks > 0 {
		out = append(out, ui.Plural(v.Keeps.Tasks, "finished task", "finished tasks"))
	}
	return append(out, "country, hours and limits as a draft")
}

// Relaunch answers POST /fleet/{id}/relaunch.
func (p *Pages) Relaunch(c *fiber.Ctx, who Viewer) error {
	id, err := agentID(c)
	if err != nil {
		return err
	}
	p.confirmAgain(c, who, id, fleet.MoveRelaunch)
	in := app.ReasonInput{Reason: reasonText(field(c, "reason"), field(c, "note"))}
	if in.IfVersion, err = version(c); err != nil {
		return err
	}
	_, err = p.app.Relaunch(c.UserContext(), who.Actor, id, in)
	return done(c, err, agentPath(id, ""))
}

// reasonText joins the chosen reason, in the words of the list, and the note.
func reasonText(reason, note string) string {
	options := views.RelaunchReasons()
	if i := slices.IndexFunc(options, func(o ui.Option) bool { return reason != "" && o.Value == reason }); i >= 0 {
		reason = options[i].Label
	}
	if reason != "" && note != "" {
		return reason + ": " + note
	}
	return reason + note
}

// confirmAgain is the dialog with the facts as they are now.
func (p *Pages) confirmAgain(c *fiber.Ctx, who Viewer, id fleet.AgentID, move fleet.Move) {
	was, _ := version(c)
	remember(c, sent{fields: []string{"reason", "note", "name", "exportSha256"}, again: func(f views.Form) (templ.Component, func(views.Shell) templ.Component, error) {
		m, err := p.confirm(c, who, id, move)
		m.Form, m.Reason, m.Note, m.Typed = f, field(c, "reason"), field(c, "note"), field(c, "name")
		if m.Moved = was != 0 && was != m.Version; m.Moved {
			m.Problem = nil
		}
		part, page := views.RelaunchDialog(m), views.RelaunchPage
		if move == fleet.MoveDelete {
			part, page = views.DeleteDialog(m), views.DeletePage
		}
		return part, func(s views.Shell) templ.Component {
			s.Title = m.Name
			return page(s, m)
		}, err
	}})
}
