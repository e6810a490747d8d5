// Package views renders the pages. Each page takes one plain struct, its view
// model, which the handler fills; nothing here asks for anything. A page and
// the fragments that replace its parts are made of the same components, and
// every page works without a script.
//
// With a script, every form and link inside lists and dialogs is sent by htmx
// to the same URL as without. What a handler answers then:
//
//   - done: 204 with DoneHeader, or HX-Redirect where a new page follows; the
//     dialog closes and the regions of the agent are fetched again;
//   - wrong fields: 422 with the same form component;
//   - any other refusal: its HTTP status with ErrorNotice.
package views

import (
	"time"

	"agentry/views/ui"
)

// DoneHeader is the response header, with DoneEvent as value, that tells the
// page that a form was done.
const (
	DoneHeader = "HX-Trigger"
	DoneEvent  = "agentry:done"
)

// AsHeader is the response header that says for whom the answer was made, as
// Shell.As. A page that was made for another does not take it.
const AsHeader = "Agentry-As"

// Shell is what stands around every page of a signed-in member.
type Shell struct {
	Title string
	Team  string
	// Teams are all teams of the member, where there are several.
	Teams []TeamChoice
	// Env is the name of the environment, "" shows none. EnvColor is green,
	// amber, red or blue, which colour the mark in both themes, or any other
	// CSS colour, which is shown as a dot beside the name.
	Env, EnvColor string
	// Nav is the current entry: fleet, alerts, resources, audit or settings.
	Nav        string
	OpenAlerts int
	// User and Email say who is signed in.
	User, Email, Role string
	// TeamPause says who paused the whole team and why; "" while it works.
	TeamPause string
	// Host: the member stands for the whole server and may see /system.
	Host bool
	// Curl is the command that answers what the page shows; "" is none.
	Curl string
	// Insecure shows the banner of the plain-http mode.
	Insecure bool
	// Notice stays on top of the page, such as after a redirect; nil is none.
	Notice *ui.Notice
	// Seq is the place of the newest event when the page was made; the stream
	// goes on from it, and shows every Beat that it lives.
	Seq  string
	Beat time.Duration
	// As names for whom the page was made: a person, team and role.
	As string
	// Now is the present, in the zone that times are written in; so is the Now
	// of every part. Zone is the viewer's choice of it: "" is the browser's own,
	// which the script fills in; utc, agent or an IANA name.
	Now  time.Time
	Zone string
}

func (s Shell) envTone() ui.Tone {
	switch s.EnvColor {
	case "green":
		return ui.OK
	case "amber":
		return ui.Warn
	case "red":
		return ui.Bad
	case "blue":
		return ui.Info
	}
	return ui.Mute
}

// envDot is the colour of the dot for what is none of the themes' own colours.
func (s Shell) envDot() string {
	if s.envTone() != ui.Mute || s.EnvColor == "grey" {
		return ""
	}
	return s.EnvColor
}

// Form is what every form has beside its values.
type Form struct {
	// Once names this showing of the form: sent twice as it was, it has its effect
	// once, without a script too. "" is for forms that do no harm twice.
	Once string
	// Problem stands above the fields; nil is none.
	Problem *ui.Notice
	// Errors says by field name what is wrong, in the names of the API:
	// "name", "limits.messagesMin".
	Errors map[string]string
}

// Problem is an error page, or with ErrorNotice the same inside a page.
type Problem struct {
	Status int
	// Title is short: "Not found"; Sentence says what happened; Todo what to do.
	Title, Sentence, Todo string
	RequestID             string
}

func (p Problem) notice() ui.Notice {
	return ui.Notice{Tone: ui.Bad, Title: p.Title, Text: p.Sentence, Todo: p.Todo, RequestID: p.RequestID}
}

func agentPath(id, verb string) string {
	if verb == "" {
		return "/fleet/" + id
	}
	return "/fleet/" + id + "/" + verb
}
