package pages

import (
	"errors"
	"io"
	"maps"
	"mime/multipart"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/a-h/templ"
	"github.com/gofiber/fiber/v2"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/views"
)

// linesTold is how many wrong lines of a text are shown at once.
const linesTold = 50

// ProxyForm answers GET /resources/proxies/new.
func (p *Pages) ProxyForm(c *fiber.Ctx, who Viewer) error {
	shell, err := p.shell(c, who, "Add proxies", "resources")
	if err != nil {
		return err
	}
	return send(c, views.ProxyFormPage(shell, views.ProxyForm{}))
}

// EditProxyForm answers GET /resources/proxies/{id}/edit.
func (p *Pages) EditProxyForm(c *fiber.Ctx, who Viewer) error {
	shell, err := p.shell(c, who, "Edit proxy", "resources")
	if err != nil {
		return err
	}
	entry, err := p.app.Proxy(c.UserContext(), who.Actor, c.Params("proxyId"))
	if err != nil {
		return err
	}
	return send(c, views.ProxyFormPage(shell, proxyForm(entry)))
}

func proxyForm(entry fleet.Proxy) views.ProxyForm {
	m := views.ProxyForm{
		ID: entry.ID, Version: entry.Version, Label: entry.Label, Scheme: entry.Scheme, Host: entry.Host, Port: strconv.Itoa(entry.Port),
		Username: entry.Username, Country: entry.Country, Capacity: strconv.Itoa(entry.Capacity), IPMode: string(entry.IPMode),
		HasPassword: entry.HasPassword, InUse: entry.InUse,
	}
	if entry.SessionTTL > 0 {
		m.SessionTTL = strconv.Itoa(int(entry.SessionTTL / time.Minute))
	}
	return m
}

// typedProxy lays what was sent over a form; the password is not among it.
func typedProxy(c *fiber.Ctx, m views.ProxyForm) views.ProxyForm {
	m.Label, m.Scheme, m.Host, m.Port = trimmed(c, "label"), field(c, "scheme"), trimmed(c, "host"), trimmed(c, "port")
	m.Username, m.Country, m.Capacity = field(c, "username"), trimmed(c, "country"), trimmed(c, "capacity")
	m.IPMode, m.SessionTTL = field(c, "ipMode"), trimmed(c, "sessionTtlMin")
	return m
}

func proxyFields() []string {
	return []string{"label", "scheme", "host", "port", "username", "password", "country", "capacity", "ipMode", "sessionTtlMin"}
}

// proxyAgain is the form with what was typed, of the entry as it is now.
func (p *Pages) proxyAgain(c *fiber.Ctx, who Viewer, title, id string) {
	remember(c, sent{title: title, nav: "resources", fields: proxyFields(), again: func(f views.Form) (templ.Component, func(views.Shell) templ.Component, error) {
		var m views.ProxyForm
		if id != "" {
			entry, err := p.app.Proxy(c.UserContext(), who.Actor, id)
			if err != nil {
				return nil, nil, err
			}
			m = proxyForm(entry)
		}
		m = typedProxy(c, m)
		m.Form = f
		return nil, func(s views.Shell) templ.Component { return views.ProxyFormPage(s, m) }, nil
	}})
}

// proxyEntry reads the form of one entry.
func proxyEntry(c *fiber.Ctx) (e fleet.ProxyEntry, err error) {
	m := typedProxy(c, views.ProxyForm{})
	e = fleet.ProxyEntry{
		Label: m.Label, Scheme: m.Scheme, Host: m.Host, Username: m.Username, Password: field(c, "password"), Country: m.Country, IPMode: fleet.ProxyMode(m.IPMode),
	}
	port, err := whole64(c, "port", "port")
	if err != nil {
		return e, err
	}
	capacity, err := whole64(c, "capacity", "capacity")
	if err != nil {
		return e, err
	}
	minutes, err := whole64(c, "sessionTtlMin", "sessionTtlMin")
	e.Port, e.Capacity, e.SessionTTL = int(port), int(capacity), time.Duration(minutes)*time.Minute
	return e, err
}

// AddProxy answers POST /resources/proxies/new.
func (p *Pages) AddProxy(c *fiber.Ctx, who Viewer) error {
	p.proxyAgain(c, who, "Add proxies", "")
	entry, err := proxyEntry(c)
	if err != nil {
		return err
	}
	out, err := p.app.AddProxies(c.UserContext(), who.Actor, app.AddProxiesInput{Entry: entry})
	return lead(c, err, addedPath(out))
}

// EditProxy answers POST /resources/proxies/{id}/edit.
func (p *Pages) EditProxy(c *fiber.Ctx, who Viewer) error {
	id := c.Params("proxyId")
	p.proxyAgain(c, who, "Edit proxy", id)
	e, err := proxyEntry(c)
	if err != nil {
		return err
	}
	in := app.UpdateProxyInput{
		Label: &e.Label, Scheme: &e.Scheme, Host: &e.Host, Port: &e.Port, Username: &e.Username, Country: &e.Country,
		Capacity: &e.Capacity, IPMode: &e.IPMode, SessionTTL: &e.SessionTTL,
	}
	if e.Password != "" || field(c, "noPassword") != "" {
		in.Password = &e.Password
	}
	if in.IfVersion, err = version(c); err != nil {
		return err
	}
	_, err = p.app.UpdateProxy(c.UserContext(), who.Actor, id, in)
	return lead(c, err, poolPath)
}

// ProxyPasteForm answers GET /resources/proxies/paste.
func (p *Pages) ProxyPasteForm(c *fiber.Ctx, who Viewer) error {
	shell, err := p.shell(c, who, "Add proxies", "resources")
	if err != nil {
		return err
	}
	return send(c, views.ProxyPastePage(shell, views.ProxyPaste{}))
}

// PasteProxies answers POST /resources/proxies/paste. What was sent comes back
// in the answer to a mistake, with the passwords in it, and is kept nowhere.
func (p *Pages) PasteProxies(c *fiber.Ctx, who Viewer) error {
	m, err := pasted(c)
	remember(c, sent{title: "Add proxies", nav: "resources", fields: []string{"text", "country", "capacity"}, again: func(f views.Form) (templ.Component, func(views.Shell) templ.Component, error) {
		m.Form = f
		m.Lines, m.MoreLines = wrongLines(f.Errors)
		if f.Problem != nil && len(m.Lines) > 0 {
			// The lines stand below, each with its sentence.
			text, _, _ := strings.Cut(f.Problem.Text, ". Line ")
			f.Problem.Text, f.Problem.Todo = sentence(text), "Mend these lines, then add them all."
		}
		return nil, func(s views.Shell) templ.Component { return views.ProxyPastePage(s, m) }, nil
	}})
	if err != nil {
		return err
	}
	capacity := 0
	if m.Capacity != "" {
		if capacity, err = strconv.Atoi(m.Capacity); err != nil || capacity < 1 {
			return fleet.Invalid("capacity", "must be a whole number from 1 on")
		}
	}
	if strings.TrimSpace(m.Text) == "" {
		return fleet.Invalid("text", "has no proxy in it: write one a line, or choose a file")
	}
	out, err := p.app.AddProxies(c.UserContext(), who.Actor, app.AddProxiesInput{
		Entry: fleet.ProxyEntry{Country: m.Country, Capacity: capacity}, Text: m.Text,
	})
	return lead(c, err, addedPath(out))
}

// pasted reads the form, the file behind what was typed.
func pasted(c *fiber.Ctx) (m views.ProxyPaste, err error) {
	form, err := c.MultipartForm()
	if err != nil {
		return views.ProxyPaste{Text: field(c, "text"), Country: trimmed(c, "country"), Capacity: trimmed(c, "capacity")}, nil
	}
	value := func(name string) string {
		if len(form.Value[name]) == 0 {
			return ""
		}
		return strings.ReplaceAll(form.Value[name][0], "\r\n", "\n")
	}
	m = views.ProxyPaste{Text: value("text"), Country: strings.TrimSpace(value("country")), Capacity: strings.TrimSpace(value("capacity"))}
	for _, f := range form.File["file"] {
		text, err := textFile(f)
		if err != nil {
			return m, err
		}
		if m.Text = strings.TrimRight(m.Text, "\n"); m.Text != "" {
			m.Text += "\n"
		}
		m.Text += text
	}
	if !utf8.ValidString(m.Text) {
		m.Text = strings.ToValidUTF8(m.Text, "�")
		return m, fleet.Invalid("text", "must be UTF-8 text")
	}
	return m, nil
}

func textFile(f *multipart.FileHeader) (text string, err error) {
	file, err := f.Open()
	if err != nil {
		return "", err
	}
	raw, err := io.ReadAll(file)
	if err = errors.Join(err, file.Close()); err != nil {
		return "", err
	}
	if !utf8.Valid(raw) {
		return "", fleet.Invalid("text", "the file must be UTF-8 text, not a spreadsheet: save it as CSV")
	}
	return strings.ReplaceAll(strings.TrimPrefix(string(raw), "\ufeff"), "\r\n", "\n"), nil
}

// wrongLines are the mistakes of a text by line.
func wrongLines(fields map[string]string) (lines []views.ProxyLine, more int) {
	for _, name := range slices.Collect(maps.Keys(fields)) {
		if n, err := strconv.Atoi(strings.TrimPrefix(name, "line ")); err == nil {
			lines = append(lines, views.ProxyLine{Line: n, Text: fields[name]})
		}
	}
	slices.SortFunc(lines, func(a, b views.ProxyLine) int { return a.Line - b.Line })
	shown := min(len(lines), linesTold)
	return lines[:shown], len(lines) - shown
}
