package pages

import (
	"bytes"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/a-h/templ"
	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"agentry/views"
)

const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// htmx tells whether a script asks: it wants the part, not the page.
func htmx(c *fiber.Ctx) bool { return c.Get("HX-Request") == "true" }

// partial tells whether one known part of a page is asked for.
func partial(c *fiber.Ctx) bool {
	return htmx(c) && slices.Contains([]string{"dialog", "chips", "nav-alerts", "team-state", "audit-new", "agent-top", "tab-live", "setup-progress", "bulk-top", "bulk-items"}, target(c))
}

// target is the id of the element that the answer is for.
func target(c *fiber.Ctx) string { return c.Get("HX-Target") }

// send renders into a buffer, so that no half page is sent, and compresses.
func send(c *fiber.Ctx, body templ.Component) error {
	buf := templ.GetBuffer()
	defer templ.ReleaseBuffer(buf)
	if err := body.Render(c.UserContext(), buf); err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, fiber.MIMETextHTMLCharsetUTF8)
	c.Set(fiber.HeaderContentSecurityPolicy, policy)
	c.Vary(fiber.HeaderAcceptEncoding, "HX-Request", "HX-Target")
	if c.Request().Header.HasAcceptEncoding("gzip") {
		c.Set(fiber.HeaderContentEncoding, "gzip")
		small := make([]byte, 0, buf.Len()/8)
		return c.Send(fasthttp.AppendGzipBytesLevel(small, buf.Bytes(), fasthttp.CompressDefaultCompression))
	}
	return c.Send(bytes.Clone(buf.Bytes())) // it is read after the buffer is another's
}

// either sends the part to htmx and the page to anyone else.
func either(c *fiber.Ctx, part, page templ.Component) error {
	if htmx(c) {
		return send(c, part)
	}
	return send(c, page)
}

// done answers an act: the script hears of it, anyone else is led to where it
// shows.
func done(c *fiber.Ctx, err error, to string) error {
	if err != nil {
		return err
	}
	if htmx(c) {
		c.Set(views.DoneHeader, views.DoneEvent)
		return c.SendStatus(http.StatusNoContent)
	}
	return c.Redirect(to, http.StatusSeeOther)
}

// lead answers an act, or a question, with another page for everyone.
func lead(c *fiber.Ctx, err error, to string) error {
	if err != nil {
		return err
	}
	if htmx(c) {
		c.Set("HX-Redirect", to)
		return c.SendStatus(http.StatusNoContent)
	}
	return c.Redirect(to, http.StatusSeeOther)
}

// back is the page that a form was on, where that is one of those that the
// forms return to, or of the others; else the fallback.
func back(c *fiber.Ctx, fallback string, others ...string) string {
	from, err := url.Parse(c.Get(fiber.HeaderReferer))
	if err != nil || from.Host != string(c.Request().Header.Host()) {
		return fallback
	}
	agent, _, _ := strings.Cut(fallback, "?")
	if slices.Contains([]string{"/fleet", "/alerts", "/resources", poolPath, agent}, from.Path) || slices.Contains(others, from.Path) {
		return from.RequestURI()
	}
	return fallback
}

// local is a path of this server to go to after the sign-in, or the fleet.
func local(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || !strings.HasPrefix(next, "/") ||
		strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t") {
		return "/fleet"
	}
	return next
}
