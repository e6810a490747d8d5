package pages

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"slices"

	"github.com/a-h/templ"
	"github.com/gofiber/fiber/v2"

	"agentry/internal/fleet"
	"agentry/views"
	"agentry/views/ui"
)

const localForm = "form"

// sent is the form that a person sent, so that it can come back with what was
// typed and what is wrong with it.
type sent struct {
	title string
	// nav is the entry of the navigation, "" is fleet.
	nav string
	// fields are those that show what is wrong with them; what is wrong with
	// others stands above the form.
	fields []string
	// again makes the form; part nil shows htmx the notice alone.
	again func(f views.Form) (part templ.Component, page func(views.Shell) templ.Component, err error)
}

// remember keeps the form for Problem.
func remember(c *fiber.Ctx, s sent) { c.Locals(localForm, s) }

// Problem answers an error of a page; the status is set. Who is nil for a
// guest. What a person sent comes back: with 422 when fields are wrong, and
// when the facts it was made of have moved, as htmx shows a form for that only.
func (p *Pages) Problem(c *fiber.Ctx, who *Viewer, e *fleet.Error, requestID string) error {
	c.Response().Header.Del(fiber.HeaderContentEncoding)
	if who != nil && (e.Foreign || e.Code == fleet.CodeNotFound) {
		if told, err := p.elsewhere(c, *who); told || err != nil {
			return err
		}
	}
	if e.Foreign {
		// To who is not in that team it is as if it were nowhere.
		e = fleet.ErrAgentNotFound()
		c.Status(http.StatusNotFound)
	}
	if id := c.Params("agentId"); who != nil && id != "" && !htmx(c) && e.Code == fleet.CodeNotFound && e.Message == fleet.ErrAgentNotFound().Message {
		// Who comes back to a form of an agent that is gone finds what remains.
		return p.tombstone(c, *who, id)
	}
	if s, ok := c.Locals(localForm).(sent); ok && p.formAgain(c, who, s, e, requestID) == nil {
		return nil
	}
	if who == nil && e.Code == fleet.CodeUnauthorized {
		return toSignIn(c)
	}
	problem := problemOf(c.Response().StatusCode(), e, requestID)
	if htmx(c) {
		return send(c, views.ErrorNotice(problem))
	}
	if who != nil {
		if s, err := p.shell(c, *who, problem.Title, ""); err == nil {
			return send(c, views.ErrorPage(s, problem))
		}
	}
	return send(c, views.GuestErrorPage(problem))
}

// newForm is a form that was not shown before.
func (p *Pages) newForm() views.Form { return views.Form{Once: fleet.NewID(p.app.Now())} }

func (p *Pages) formAgain(c *fiber.Ctx, who *Viewer, s sent, e *fleet.Error, requestID string) error {
	f := s.form(e, problemOf(c.Response().StatusCode(), e, requestID))
	f.Once = p.newForm().Once
	part, page, err := s.again(f)
	if err != nil {
		return err
	}
	moved := e.Code == fleet.CodeVersion || e.Code == fleet.CodeConflict
	if len(e.Fields) > 0 || moved && htmx(c) && part != nil {
		c.Status(http.StatusUnprocessableEntity)
	}
	if htmx(c) {
		if part == nil || len(e.Fields) == 0 && !moved {
			part = ui.NoticeBox(*f.Problem)
		}
		return send(c, part)
	}
	var shell views.Shell
	if who != nil {
		if shell, err = p.shell(c, *who, s.title, cmp.Or(s.nav, "fleet")); err != nil {
			return err
		}
	}
	return send(c, page(shell))
}

// form says what is wrong: beside the fields that can show it, else above.
func (s sent) form(e *fleet.Error, problem views.Problem) views.Form {
	f := views.Form{Errors: e.Fields}
	for name := range e.Fields {
		if slices.Contains(s.fields, name) {
			return f
		}
	}
	f.Problem = &ui.Notice{Tone: ui.Bad, Title: problem.Title, Text: problem.Sentence, Todo: problem.Todo, RequestID: problem.RequestID}
	return f
}

// toSignIn leads a guest to the sign-in page, and back afterwards.
func toSignIn(c *fiber.Ctx) error {
	next := ""
	switch {
	case htmx(c):
		if u, err := url.Parse(c.Get("HX-Current-URL")); err == nil {
			next = u.RequestURI()
		}
	case c.Method() == http.MethodGet:
		next = c.OriginalURL()
	}
	to := "/login"
	if next != "" && next != "/" {
		to += "?next=" + url.QueryEscape(next)
	}
	if htmx(c) {
		c.Set("HX-Redirect", to)
		return nil
	}
	return c.Redirect(to, http.StatusSeeOther)
}

func problemOf(status int, e *fleet.Error, requestID string) views.Problem {
	title, todo := titleOf(status), todoOf(e.Code)
	if e.Code == fleet.CodeVersion {
		title = "Something changed meanwhile"
	}
	said := views.Plainly(e.Message)
	if who := takes(fleet.Scope(e.RequiredScope)); who != "" {
		said = "Your role is not enough for this: it takes " + who
	}
	return views.Problem{Status: status, Title: title, Sentence: sentence(said), Todo: todo, RequestID: requestID}
}

// takes names the least role that has a scope, "" where none is missing.
func takes(need fleet.Scope) string {
	switch need {
	case fleet.ScopeOperate:
		return "an operator"
	case fleet.ScopeDelete, fleet.ScopeAdmin:
		return "an admin"
	}
	return ""
}

func titleOf(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return "Not signed in"
	case http.StatusForbidden:
		return "No access"
	case http.StatusNotFound:
		return "Not found"
	case http.StatusTooManyRequests:
		return "Too many tries"
	case http.StatusServiceUnavailable, http.StatusInsufficientStorage:
		return "Not available now"
	}
	if status >= http.StatusInternalServerError {
		return "Something went wrong here"
	}
	return "This was not done"
}

// todoOf says what a person can do about an error, "" when its sentence does.
func todoOf(code fleet.Code) string {
	switch code {
	case fleet.CodeInvalidStatus:
		return "Look at its status and choose an action that it allows."
	case fleet.CodeProtected:
		return "An admin can remove the protection."
	case fleet.CodeForbidden:
		return "Ask an admin of your team, or sign in as somebody who may."
	case fleet.CodeVersion, fleet.CodeConflict:
		return "These are the facts now. Look at them, then repeat what you wanted."
	case fleet.CodeStartFailed:
		return "Its alerts and logs say why. Mend that, then start it again."
	case fleet.CodeUnavailable:
		return "Wait a moment and look whether it was done before you repeat it."
	case fleet.CodeDiskFull:
		return "The person who hosts this has to make room. Reading still works."
	case "method_not_allowed":
		return "It only takes what a form sends: go to the page with the form."
	case "internal_error":
		return "Try again. When it stays, give the request below to the person who hosts this."
	}
	return ""
}

// sentence ends a text with a full stop.
func sentence(s string) string {
	if s == "" {
		return s
	}
	switch s[len(s)-1] {
	case '.', '!', '?':
		return s
	}
	return s + "."
}

// known is an error that a person may read; nil is another or none.
func known(err error) *fleet.Error {
	var e *fleet.Error
	if errors.As(err, &e) {
		return e
	}
	return nil
}

// notHere tells whether an error is that the team has no such thing, be it that
// another has it.
func notHere(err error) bool {
	e := known(err)
	return e != nil && (e.Code == fleet.CodeNotFound || e.Foreign)
}

// messageOf is what a known error says, "" of others.
func messageOf(err error) string {
	if e := known(err); e != nil {
		return e.Message
	}
	return ""
}
