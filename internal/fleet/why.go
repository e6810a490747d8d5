package fleet

import (
	"fmt"
	"strings"
	"time"
)

// Today is what an agent has done on the present day of its zone, what waits
// for it, and what stands in its way.
type Today struct {
	Work
	// Alerts are the unresolved ones, newest first.
	Alerts []Alert
	// NeedsSetup is of the agent's kind.
	NeedsSetup bool
	// GiveUpAfter is of the agent's kind: so many exits end it; 0 is unknown.
	GiveUpAfter int
	// TeamPause is set while the whole team is paused.
	TeamPause *TeamPause
	// Preparing are the outside things that the agent waits for.
	Preparing []Resource
}

// Why says in one sentence why the agent is not working at the instant; "" when
// nothing stands in its way. The gate is the agent's, from the same facts.
func Why(a Agent, t Today, gate Gate, now time.Time) string {
	switch a.Status {
	case Running:
		return whyRunning(a, t, gate, now)
	case Paused:
		return whyPaused(a, t, now)
	case AuthNeeded:
		return whyAuthNeeded(a, t, now)
	case AuthInProgress:
		if len(t.Preparing) > 0 {
			return whyPreparing(t.Preparing)
		}
		return "Signing in since " + clock(a, a.StatusAt, now)
	case SetupNeeded:
		return whySetup(a, t)
	case Disabled:
		return "Disabled by an admin since " + clock(a, a.StatusAt, now)
	case Ended:
		return whyEnded(a)
	}
	return ""
}

func whyRunning(a Agent, t Today, gate Gate, now time.Time) string {
	if t.TeamPause != nil {
		return t.TeamPause.String()
	}
	switch a.Runtime.State {
	case ObservedLost:
		if a.Runtime.LastHeardAt.IsZero() {
			return "Not responding: the program never said hello"
		}
		return "Not responding: not heard since " + clock(a, a.Runtime.LastHeardAt, now)
	case ObservedBackoff:
		s := fmt.Sprintf("Restarting after %s, try %d", orWord(a.Runtime.LastError, "an exit"), a.Runtime.Failures+1)
		if t.GiveUpAfter > a.Runtime.Failures {
			s += fmt.Sprintf(" of %d", t.GiveUpAfter)
		}
		return s
	}
	return gate.Reason
}

// whyPreparing names what is awaited, what failed first.
func whyPreparing(list []Resource) string {
	r := list[0]
	for _, other := range list {
		if r.LastError == "" && other.LastError != "" {
			r = other
		}
	}
	if r.LastError == "" {
		return "Preparing its " + r.Type.Word()
	}
	return "Preparing its " + r.Type.Word() + ": " + r.LastError
}

func whyPaused(a Agent, t Today, now time.Time) string {
	switch {
	case a.TeamPaused && t.TeamPause != nil:
		return t.TeamPause.String()
	case a.TeamPaused:
		return "The team works again; the agent resumes with it"
	}
	s := "Paused"
	if a.PausedBy != "" {
		s += " by " + a.PausedBy
	}
	if a.PauseNote != "" {
		s += ": " + a.PauseNote
	}
	switch {
	case a.ResumeAt.IsZero():
	case t.TeamPause != nil && !a.ResumeAt.After(now):
		s += "; resumes with the team"
	default:
		s += "; resumes " + clock(a, a.ResumeAt, now)
	}
	return s
}

func whyAuthNeeded(a Agent, t Today, now time.Time) string {
	for _, al := range t.Alerts {
		if al.Type != "auth" {
			continue
		}
		switch al.SubType {
		case "2fa_required":
			return "Waiting for a 2FA code since " + clock(a, a.StatusAt, now)
		case "timeout":
			return "Sign-in was not answered in time; set it up again"
		case "rejected":
			return "Sign-in was rejected; set it up again"
		}
		return "Sign-in needed: " + al.Message
	}
	return "Sign-in needed since " + clock(a, a.StatusAt, now)
}

func whySetup(a Agent, t Today) string {
	s := "Not set up yet"
	if !t.NeedsSetup {
		s = "Not started yet"
	}
	if a.Incarnation > 1 {
		s += fmt.Sprintf(" in incarnation %d", a.Incarnation)
	}
	if a.Draft != nil {
		s += "; a draft of the last settings is ready"
	}
	return s
}

func whyEnded(a Agent) string {
	if a.EndReason == EndCrashLoop {
		return "Crash loop: " + orWord(a.Runtime.LastError, "it kept ending by itself")
	}
	if a.EndReason == "" {
		return "Ended"
	}
	return "Ended: " + a.EndReason
}

// EndCrashLoop is the end reason of an agent whose program kept dying.
const EndCrashLoop = "crash_loop"

// clock writes an instant in the agent's zone, with the day when it is not the
// same as now's.
func clock(a Agent, at, now time.Time) string {
	loc := a.Hours.Location()
	layout := "15:04"
	if at.In(loc).Format(time.DateOnly) != now.In(loc).Format(time.DateOnly) {
		layout = "Mon 2 Jan 15:04"
	}
	s := at.In(loc).Format(layout)
	if a.Hours.Timezone != "UTC" {
		return s + " " + a.Hours.Timezone
	}
	return s + " UTC"
}

// span writes a duration in its largest sensible unit.
func span(d time.Duration) string {
	switch {
	case d < time.Minute:
		return "less than a minute"
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}

func orWord(s, word string) string {
	if s = strings.TrimSpace(s); s != "" {
		return s
	}
	return word
}
