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

const keysPath = "/settings/keys"

// Keys answers GET /settings/keys.
func (p *Pages) Keys(c *fiber.Ctx, who Viewer) error {
	shell, err := p.shell(c, who, "API keys", "settings")
	if err != nil {
		return err
	}
	m, err := p.keys(c, who)
	if err != nil {
		return err
	}
	m.Shell = shell
	return send(c, views.KeysPage(m))
}

func (p *Pages) keys(c *fiber.Ctx, who Viewer) (m views.KeySettings, err error) {
	m.KeyForm = views.KeyForm{Scope: string(fleet.ScopeRead), Expires: "90", Scopes: scopeOptions()}
	if m.WhyNot = whyNoAdmin(who, "see, make and revoke them"); m.WhyNot != "" {
		return m, nil
	}
	keys, err := p.app.Keys(c.UserContext(), who.Actor)
	m.Keys = keyRows(keys)
	return m, err
}

func keyRows(keys []fleet.Key) (list []views.Key) {
	for _, k := range keys {
		list = append(list, views.Key{
			ID: k.ID, Name: k.Name, Prefix: k.Prefix, Scope: string(k.Scope), By: k.CreatedBy, CreatedAt: k.CreatedAt,
			UsedAt: k.LastUsedAt, ExpiresAt: k.ExpiresAt, RevokedAt: k.RevokedAt,
		})
	}
	return list
}

// whyNoAdmin says that what is on a page is for admins, "" to an admin.
func whyNoAdmin(who Viewer, deed string) string {
	if who.may(fleet.ScopeAdmin) {
		return ""
	}
	return "Only admins and owners can " + deed + "; you are " + article(string(who.Member.Role)) + "."
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
	remember(c, sent{title: "API keys", nav: "settings", fields: []string{"name", "scope", "expires"}, again: func(f views.Form) (templ.Component, func(views.Shell) templ.Component, error) {
		m, err := p.keys(c, who)
		m.KeyForm, m.KeyForm.Form = typed, f
		return nil, func(s views.Shell) templ.Component {
			m.Shell = s
			return views.KeysPage(m)
		}, err
	}})
	in := app.KeyInput{Name: typed.Name, Scope: fleet.Scope(typed.Scope)}
	if days := strings.TrimSpace(typed.Expires); days != "" {
		n, err := strconv.Atoi(days)
		if err != nil || n < 1 || n > 3650 {
			return fleet.Invalid("expires", "must be a whole number of days, from 1 to 3,650, or nothing")
		}
		in.ExpiresAt = p.app.Now().Add(time.Duration(n) * 24 * time.Hour)
	}
	_, apiKey, err := p.app.CreateKey(c.UserContext(), who.Actor, in)
	if err != nil {
		return err
	}
	shell, err := p.shell(c, who, "API keys", "settings")
	if err != nil {
		return err
	}
	m, err := p.keys(c, who)
	if err != nil {
		return err
	}
	m.Shell, m.Created = shell, apiKey
	return send(c, views.KeysPage(m))
}

// RevokeKey answers POST /settings/keys/{id}/revoke.
func (p *Pages) RevokeKey(c *fiber.Ctx, who Viewer) error {
	return done(c, p.app.RevokeKey(c.UserContext(), who.Actor, c.Params("keyId")), keysPath)
}
