package fleet

import (
	"fmt"
	"strings"
	"time"
)

// Work is what waits for an agent and what counts against its limits today.
type Work struct {
	Messages, Invitations Use
	// OtherDue is when the earliest pending task that no limit counts is due;
	// zero is none.
	OtherDue time.Time
}

// Of is the use of a counter.
func (w Work) Of(counter string) Use {
	if counter == UsageInvitations {
		return w.Invitations
	}
	return w.Messages
}

// Gate is what an agent may do at an instant. What hands out tasks and what
// tells people about it both read it, so that they cannot differ.
type Gate struct {
	// Reason says why nothing of what is due may be done; "" when something
	// may, or when nothing is due and nothing stands in the way.
	Reason string
	// Shut: no task at all may be done, of any type.
	Shut bool
	// OpensAt is when to ask again where Reason is set; zero is unknown.
	OpensAt time.Time
	// NextTask is when the next pending task may be handed out, and NextType
	// its type, "" for a custom one; zero is none or unknown.
	NextTask time.Time
	NextType string
	// NextMessage and NextInvitation are when the next of these may be done;
	// zero is unknown.
	NextMessage, NextInvitation time.Time
	// Left is how many of a counter may be handed out at this instant.
	Left map[string]int64
}

// counters are the usage kinds with limits, in the order in which they are
// told, with the type of their tasks.
var counters = [...]struct{ name, task string }{{UsageMessages, TaskMessage}, {UsageInvitations, TaskInvitation}}

// GateFor checks status, team pause, working hours, daily limits and settings,
// whatever asks.
func GateFor(a Agent, t Today, now time.Time) Gate {
	switch {
	case a.Status != Running && a.TeamPaused && t.TeamPause != nil, a.Status == Running && t.TeamPause != nil:
		return Gate{Reason: t.TeamPause.String(), Shut: true}
	case a.Status != Running:
		return Gate{Reason: "The agent is " + a.Status.Word(), Shut: true}
	}
	var g Gate
	m := a.Hours.moment(now)
	g.look(a, t.Work, m)
	if m.open() {
		g.judge(a, t.Work, m)
		return g
	}
	g.Shut, g.Left = true, nil
	// Where tasks wait, nothing is to be had before the first may be done.
	if g.OpensAt = later(m.next, g.NextTask); !m.ok {
		g.Reason = "Outside working hours: no day is switched on"
		return g
	}
	g.Reason = fmt.Sprintf("Outside working hours: starts %s %s, in %s",
		m.next.In(m.loc).Format("Mon 15:04"), a.Hours.Timezone, span(m.next.Sub(now)))
	return g
}

// look finds out when the next of everything may be done.
func (g *Gate) look(a Agent, w Work, m moment) {
	now := m.at
	g.Left = map[string]int64{}
	for _, c := range counters {
		if c.name == UsageMessages && a.Settings.On(SettingInvitationsOnly) {
			continue
		}
		u := w.Of(c.name)
		next := nextOf(a, c.name, u, later(now, u.Due), m)
		if c.name == UsageMessages {
			g.NextMessage = next
		} else {
			g.NextInvitation = next
		}
		if !u.Due.IsZero() {
			g.offer(next, c.task)
		}
		d := dayOf(a, c.name, now)
		if left := d.target - u.Count(); left > 0 {
			if d.spread {
				at, ok := d.next(a.Hours, u.Count(), u.LastHanded, now)
				left = 0
				if ok && !at.After(now) {
					left = 1
				}
			}
			g.Left[c.name] = left
		}
	}
	if !w.OtherDue.IsZero() {
		next := m.next
		if w.OtherDue.After(now) {
			next, _ = a.Hours.NextOpen(w.OtherDue)
		}
		g.offer(next, "")
	}
}

// offer takes an instant at which a pending task may be handed out.
func (g *Gate) offer(at time.Time, typ string) {
	if !at.IsZero() && (g.NextTask.IsZero() || at.Before(g.NextTask)) {
		g.NextTask, g.NextType = at, typ
	}
}

// judge says why nothing of what is due may be done inside the hours.
func (g *Gate) judge(a Agent, w Work, m moment) {
	now := m.at
	if !g.NextTask.IsZero() && !g.NextTask.After(now) {
		return
	}
	var full, fullDue, reasons []string
	due, limited := false, 0
	for _, c := range counters {
		u := w.Of(c.name)
		is := !u.Due.IsZero() && !u.Due.After(now)
		due = due || is
		if c.name == UsageMessages && a.Settings.On(SettingInvitationsOnly) {
			if is {
				reasons = append(reasons, "Invitations only: messages wait")
			}
			continue
		}
		limited++
		switch _, most := a.Limits.Of(c.name); {
		case u.Count() >= most:
			full = append(full, inWords(c.name, u.Count(), most))
			if is {
				fullDue = append(fullDue, full[len(full)-1])
			}
		case is:
			reasons = append(reasons, a.spreadText(c.name, c.task, u, m))
		}
	}
	if len(full) < limited {
		full = fullDue
	}
	switch {
	case !due && len(full) == 0:
		return
	case len(full) == 1:
		reasons = append([]string{"Daily limit reached: " + full[0]}, reasons...)
	case len(full) > 1:
		reasons = append([]string{"Daily limits reached: " + strings.Join(full, ", ")}, reasons...)
	}
	g.Reason, g.OpensAt = strings.Join(reasons, "; "), g.NextTask
	if g.OpensAt.IsZero() && len(full) > 0 {
		g.OpensAt = earlier(g.NextMessage, g.NextInvitation)
	}
}

// spreadText says why the plan of the day does not let one go out now that the
// maximum would.
func (a Agent) spreadText(counter, task string, u Use, m moment) string {
	d := dayOf(a, counter, m.at)
	done := inWords(counter, u.Count(), d.target)
	if u.Count() >= d.target {
		return "Plan for today done: " + done
	}
	next := nextOf(a, counter, u, m.at, m)
	return fmt.Sprintf("Next %s by the day's plan %s: %s", task, clock(a, next, m.at), done)
}

// earlier is the first of two instants; zero is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
