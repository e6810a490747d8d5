package pages

import (
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"
	"github.com/gofiber/fiber/v2"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/views"
	"agentry/views/ui"
)

// Settings answers GET /settings.
func (p *Pages) Settings(c *fiber.Ctx, who Viewer) error {
	m, err := p.settings(c, who)
	if err != nil {
		return err
	}
	if target(c) == "team-state" {
		return send(c, views.TeamState(m.Team.Text))
	}
	return send(c, views.SettingsPage(m))
}

func (p *Pages) settings(c *fiber.Ctx, who Viewer) (m views.Settings, err error) {
	if m.Shell, err = p.shell(c, who, "Settings", "settings"); err != nil {
		return m, err
	}
	m.CanManage, m.KeyForm = who.may(fleet.ScopeAdmin), views.KeyForm{Scope: string(fleet.ScopeRead), Expires: "90", Scopes: scopeOptions()}
	if m.CanManage {
		keys, err := p.app.Keys(c.UserContext(), who.Actor)
		if err != nil {
			return m, err
		}
		for _, k := range keys {
			m.Keys = append(m.Keys, views.Key{
				ID: k.ID, Name: k.Name, Prefix: k.Prefix, Scope: string(k.Scope), By: k.CreatedBy, CreatedAt: k.CreatedAt,
				UsedAt: k.LastUsedAt, ExpiresAt: k.ExpiresAt, RevokedAt: k.RevokedAt,
			})
		}
	}
	if m.Team, err = p.teamPause(c, who); err != nil {
		return m, err
	}
	m.Sessions, err = p.sessions(c, who)
	return m, err
}

func scopeOptions() (list []ui.Option) {
	words := map[fleet.Scope]string{
		fleet.ScopeRead: "read: look only", fleet.ScopeOperate: "operate: and start, pause, relaunch", fleet.ScopeDelete: "delete: and delete agents",
		fleet.ScopeAdmin: "admin: everything",
	}
	for _, s := range fleet.Scopes() {
		list = append(list, ui.Option{Value: string(s), Label: words[s]})
	}
	return list
}

// CreateKey answers POST /settings/keys with the page that shows the key this
// once.
func (p *Pages) CreateKey(c *fiber.Ctx, who Viewer) error {
	typed := views.KeyForm{Name: field(c, "name"), Scope: field(c, "scope"), Expires: field(c, "expires"), Scopes: scopeOptions()}
	remember(c, sent{title: "Settings", fields: []string{"name", "scope", "expires"}, again: func(f views.Form) (templ.Component, func(views.Shell) templ.Component, error) {
		m, err := p.settings(c, who)
		m.KeyForm, m.KeyForm.Form = typed, f
		return nil, func(s views.Shell) templ.Component {
			s.Nav, m.Shell = "settings", s
			return views.SettingsPage(m)
		}, err
	}})
	in := app.KeyInput{Name: typed.Name, Scope: fleet.Scope(typed.Scope)}
	if days := strings.TrimSpace(typed.Expires); days != "" {
		n, err := strconv.Atoi(days)
		if err != nil || n < 1 || n > 3650 {
			return fleet.Invalid("expires", "must be a number of days")
		}
		in.ExpiresAt = p.app.Now().Add(time.Duration(n) * 24 * time.Hour)
	}
	_, apiKey, err := p.app.CreateKey(c.UserContext(), who.Actor, in)
	if err != nil {
		return err
	}
	m, err := p.settings(c, who)
	if err != nil {
		return err
	}
	m.Created = apiKey
	return send(c, views.SettingsPage(m))
}

// RevokeKey answers POST /settings/keys/{id}/revoke.
func (p *Pages) RevokeKey(c *fiber.Ctx, who Viewer) error {
	return done(c, p.app.RevokeKey(c.UserContext(), who.Actor, c.Params("keyId")), "/settings")
}
