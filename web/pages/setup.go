package pages

import (
	"fmt"
	"slices"

	"github.com/a-h/templ"
	"github.com/gofiber/fiber/v2"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/views"
	"agentry/views/ui"
)

// SetupForm answers GET /fleet/{id}/setup: the form where the agent can be set
// up, how far the sign-in is otherwise. Who was not let in sees that first and
// asks for the form again.
func (p *Pages) SetupForm(c *fiber.Ctx, who Viewer) error {
	id, err := agentID(c)
	if err != nil {
		return err
	}
	shell, err := p.shell(c, who, "Set up", "fleet")
	if err != nil {
		return err
	}
	v, err := p.app.Agent(c.UserContext(), who.Actor, id)
	if err != nil {
		return err
	}
	shell.Title = "Set up " + v.Name
	kind, _ := p.app.Kind(v.Kind)
	again := v.Status == fleet.AuthNeeded && (query(c, "again") != "" || target(c) == "dialog")
	if kind.NeedsSetup() && who.may(fleet.ScopeOperate) && (v.Status == fleet.SetupNeeded || again) {
		m := setupForm(v.Agent, kind)
		return either(c, views.SetupDialog(m), views.SetupPage(shell, m))
	}
	switch v.Status {
	case fleet.AuthInProgress, fleet.AuthNeeded, fleet.Running:
		m, err := p.progress(c, who, v)
		if err != nil {
			return err
		}
		if target(c) == "setup-progress" {
			return send(c, views.SetupProgress(m))
		}
		return send(c, views.SetupProgressPage(shell, m))
	}
	return lead(c, nil, agentPath(id, ""))
}

func setupForm(agent fleet.Agent, kind fleet.Kind) views.Setup {
	m := views.Setup{
		AgentID: string(agent.ID), Name: agent.Name, Version: agent.Version, Login: agent.Login, Country: agent.Country,
		AsksLogin: kind.Asks("login"), AsksPassword: kind.Asks("password"), AsksCountry: kind.Asks("country"),
	}
	if kind.Proxy == fleet.NeedRequired {
		m.Takes = append(m.Takes, "a proxy in that country")
	}
	if kind.Profile == fleet.NeedRequired {
		m.Takes = append(m.Takes, "a browser profile")
	}
	if d := agent.Draft; d != nil {
		m.DraftIncarnation = d.Incarnation
		if d.Country != "" {
			m.Country = d.Country
		}
		m.Draft = []string{"Working hours " + hoursText(d.Hours), limitsText(d.Limits)}
	}
	return m
}

func limitsText(l fleet.Limits) string {
	return fmt.Sprintf("Limits a day: %d–%d invitations, %d–%d messages", l.InvitationsMin, l.InvitationsMax, l.MessagesMin, l.MessagesMax)
}

// Setup answers POST /fleet/{id}/setup and leads to the progress. The draft of
// the former incarnation, shown in the form, comes back with it.
func (p *Pages) Setup(c *fiber.Ctx, who Viewer) error {
	id, err := agentID(c)
	if err != nil {
		return err
	}
	p.setupAgain(c, who, id)
	v, err := p.app.Agent(c.UserContext(), who.Actor, id)
	if err != nil {
		return err
	}
	in := app.SetupInput{Login: field(c, "login"), Password: field(c, "password"), Country: field(c, "country")}
	if in.IfVersion, err = version(c); err != nil {
		return err
	}
	if d := v.Draft; d != nil && in.IfVersion == v.Version {
		in.Hours = &fleet.HoursChange{Days: &d.Hours.Days, Start: &d.Hours.Start, Stop: &d.Hours.Stop, Timezone: &d.Hours.Timezone}
		in.Limits = &fleet.LimitsChange{
			InvitationsMin: &d.Limits.InvitationsMin, InvitationsMax: &d.Limits.InvitationsMax,
			MessagesMin: &d.Limits.MessagesMin, MessagesMax: &d.Limits.MessagesMax,
		}
	}
	_, err = p.app.Setup(c.UserContext(), who.Actor, id, in)
	return lead(c, err, agentPath(id, "/setup"))
}

func (p *Pages) setupAgain(c *fiber.Ctx, who Viewer, id fleet.AgentID) {
	remember(c, sent{title: "Set up", fields: fleet.SetupFields(), again: func(f views.Form) (templ.Component, func(views.Shell) templ.Component, error) {
		v, err := p.app.Agent(c.UserContext(), who.Actor, id)
		kind, _ := p.app.Kind(v.Kind)
		m := setupForm(v.Agent, kind)
		m.Form, m.Login, m.Country = f, field(c, "login"), field(c, "country")
		return views.SetupDialog(m), func(s views.Shell) templ.Component { return views.SetupPage(s, m) }, err
	}})
}

// VerifyForm answers GET /fleet/{id}/verify: the code box is on the progress.
func (p *Pages) VerifyForm(c *fiber.Ctx, _ Viewer) error {
	id, err := agentID(c)
	return lead(c, err, agentPath(id, "/setup"))
}

// Verify answers POST /fleet/{id}/verify.
func (p *Pages) Verify(c *fiber.Ctx, who Viewer) error {
	id, err := agentID(c)
	if err != nil {
		return err
	}
	p.codeAgain(c, who, id)
	_, err = p.app.Verify(c.UserContext(), who.Actor, id, app.VerifyInput{Code: field(c, "code")})
	return done(c, err, agentPath(id, "/setup"))
}

func (p *Pages) progress(c *fiber.Ctx, who Viewer, v app.AgentView) (m views.Progress, err error) {
	m = views.Progress{AgentID: string(v.ID), Name: v.Name, Status: string(v.Status), Now: p.nowAt(who, v.Hours)}
	outside, err := p.liveResources(c, who, v.Agent)
	if err != nil {
		return m, err
	}
	if m.Deadline, err = p.app.SignInDeadline(c.UserContext(), who.Actor, v.ID); err != nil {
		return m, err
	}
	last := views.Step{Label: "Running", State: "todo"}
	if v.Status == fleet.Running {
		last.State = "done"
	}
	m.Steps = slices.Concat([]views.Step{{Label: "Credentials sealed", Detail: v.Login, State: "done"}}, resourceSteps(outside),
		[]views.Step{programStep(v.Agent, outside), signInStep(v), last})
	m.Preparing = v.Status == fleet.AuthInProgress && slices.ContainsFunc(outside, func(r views.Resource) bool { return r.Pending() })
	stuck := slices.ContainsFunc(outside, func(r views.Resource) bool { return r.Stuck() })
	switch {
	case challenged(v) && who.may(fleet.ScopeOperate):
		m.Code = codeForm(v.ID, v.Alerts, m.Now)
	case v.Status == fleet.AuthNeeded && stuck:
		m.Problem = &ui.Notice{Tone: ui.Bad, Title: "It has not what it needs to sign in", Text: sentence(v.Why), Todo: "Retry what failed and set it up again, for another country if need be."}
	case v.Status == fleet.AuthNeeded && !challenged(v):
		m.Problem = &ui.Notice{Tone: ui.Bad, Title: "It could not sign in", Text: sentence(v.Why), Todo: "Check login and password, then set it up again."}
	case v.Status == fleet.AuthInProgress && stuck:
		m.MayEnd = who.may(fleet.ScopeOperate)
		m.Problem = &ui.Notice{Tone: ui.Warn, Title: "It cannot sign in yet", Text: "What failed below is tried again by itself.",
			Todo: "Retry it now, or end the agent. When the time is over, it can be set up again, for another country if need be."}
	}
	return m, nil
}

// resourceSteps are what is made outside before the program begins.
func resourceSteps(list []views.Resource) (steps []views.Step) {
	for _, r := range list {
		s := views.Step{Label: "Browser profile", Detail: r.Label, State: "now", Word: "being made", Now: r.Now}
		if r.Type == fleet.ResourceProxy {
			s.Label, s.Word = "Proxy in "+r.Country, "being checked"
		}
		switch {
		case r.State == fleet.ResourceHeld:
			s.State, s.Word = "done", "ready"
		case r.LastError != "":
			s.State, s.Word, s.Detail, s.NextTry = "failed", "", sentence(r.LastError), r.NextTry
			if i := slices.IndexFunc(r.Deeds, func(d views.Deed) bool { return d.Name == "retry" }); i >= 0 {
				s.Retry = &r.Deeds[i]
			}
		case r.Type == fleet.ResourceProfile && r.NextTry.IsZero():
			s.State, s.Word, s.Detail = "todo", "", "When the proxy is ready"
		}
		steps = append(steps, s)
	}
	return steps
}

func programStep(agent fleet.Agent, outside []views.Resource) views.Step {
	step := views.Step{Label: "Program started", State: "todo"}
	preparing := slices.ContainsFunc(outside, func(r views.Resource) bool { return r.Pending() })
	switch rt := agent.Runtime; {
	case preparing && agent.Status != fleet.Running: // it begins when all is ready
	case agent.Status == fleet.Running, rt.State == fleet.ObservedUp:
		step.State = "done"
	case rt.State == fleet.ObservedStarting:
		step.State = "now"
	case rt.State == fleet.ObservedBackoff, rt.State == fleet.ObservedLost:
		step.State, step.Detail = "failed", rt.LastError
	case agent.Status == fleet.AuthNeeded:
		step.State = "done"
	}
	return step
}

func signInStep(v app.AgentView) views.Step {
	step := views.Step{Label: "Signed in", State: "todo"}
	switch {
	case v.Status == fleet.Running:
		step.State = "done"
	case v.Status == fleet.AuthInProgress && v.Runtime.State == fleet.ObservedUp:
		step.State, step.Detail = "now", "It is signing in"
	case challenged(v):
		step.State, step.Detail = "now", v.Why
	case v.Status == fleet.AuthNeeded:
		step.State, step.Detail = "failed", v.Why
	}
	return step
}
