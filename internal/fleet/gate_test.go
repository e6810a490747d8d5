package fleet_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"agentry/internal/fleet"
)

// A Wednesday, 12:00 in Paris.
const wednesday = "2026-01-14T11:00:00Z"

func parisian(settings fleet.Settings) fleet.Agent {
	return fleet.Agent{
		ID: "019bbbf2-a500-7000-8000-000000000001", Status: fleet.Running, Settings: settings,
		Hours:  fleet.WorkingHours{Days: "1:1:1:1:1:0:0", Start: "09:00", Stop: "17:00", Timezone: "Europe/Paris"},
		Limits: fleet.Limits{InvitationsMin: 5, InvitationsMax: 20, MessagesMin: 10, MessagesMax: 25},
	}
}

func TestGateByStatus(t *testing.T) {
	now := instant(t, wednesday)
	for _, s := range fleet.Statuses() {
		agent := parisian(nil)
		agent.Status = s
		gate := fleet.GateFor(agent, fleet.Today{Work: fleet.Work{OtherDue: now}}, now)
		want := "The agent is " + s.Word()
		if s == fleet.Running {
			want = ""
		}
		if gate.Reason != want || !gate.OpensAt.IsZero() || gate.Shut != (s != fleet.Running) || gate.NextTask.IsZero() != gate.Shut {
			t.Errorf("%s: %+v", s, gate)
		}
		pause := &fleet.TeamPause{By: "Ann", Note: "holidays", At: now}
		agent.TeamPaused = s == fleet.Paused
		gate = fleet.GateFor(agent, fleet.Today{TeamPause: pause}, now)
		if s == fleet.Running || s == fleet.Paused {
			want = "The team is paused by Ann: holidays"
		}
		if gate.Reason != want || !gate.Shut || !gate.NextMessage.IsZero() || !gate.OpensAt.IsZero() {
			t.Errorf("%s in a paused team: %+v", s, gate)
		}
	}
}

func TestGateSaysWhatToWaitFor(t *testing.T) {
	soon, due := instant(t, "2026-01-14T12:30:00Z"), instant(t, "2026-01-14T10:00:00Z")
	thursday, monday := "2026-01-15T08:00:00Z", "2026-01-19T08:00:00Z"
	full, some := fleet.Use{Reported: 25}, fleet.Use{Reported: 3}
	waiting := func(u fleet.Use, due time.Time) fleet.Use { u.Due = due; return u }
	work := func(messages, invitations fleet.Use) fleet.Work {
		return fleet.Work{Messages: messages, Invitations: invitations}
	}
	withOther := func(w fleet.Work, due time.Time) fleet.Work { w.OtherDue = due; return w }
	only := fleet.Settings{fleet.SettingInvitationsOnly: true}
	for _, c := range []struct {
		about    string
		settings fleet.Settings
		work     fleet.Work
		at       string // "" is Wednesday noon
		reason   string
		opens    string
		next     string // the next task
	}{
		{"nothing waits", nil, work(some, some), "", "", "", ""},
		{"one limit, nothing waits", nil, work(full, some), "", "", "", ""},
		{"a task may go out", nil, work(waiting(some, due), some), "", "", "", wednesday},
		{"due later", nil, work(waiting(some, soon), some), "", "", "", "2026-01-14T12:30:00Z"},
		{"due after the hours", nil, work(waiting(some, instant(t, "2026-01-14T20:00:00Z")), some), "", "", "", thursday},
		{"due on Saturday", nil, work(waiting(some, instant(t, "2026-01-17T11:00:00Z")), some), "", "", "", monday},
		{"messages are used up and due", nil, work(waiting(full, due), some), "", "Daily limit reached: 25 of 25 messages", thursday, thursday},
		{"on Friday", nil, work(waiting(full, due), some), "2026-01-16T11:00:00Z", "Daily limit reached: 25 of 25 messages", monday, monday},
		{"invitations are used up and due", nil, work(some, waiting(fleet.Use{Handed: 20}, due)), "", "Daily limit reached: 20 of 20 invitations", thursday, thursday},
		{"messages are used up, an invitation is due", nil, work(waiting(full, due), waiting(some, due)), "", "", "", wednesday},
		{"messages are used up, an invitation is due later", nil, work(waiting(full, due), waiting(some, soon)), "", "Daily limit reached: 25 of 25 messages", "2026-01-14T12:30:00Z", "2026-01-14T12:30:00Z"},
		{"messages are used up, a custom task is due", nil, withOther(work(waiting(full, due), some), due), "", "", "", wednesday},
		{"messages are used up, a custom task is due later", nil, withOther(work(waiting(full, due), some), soon), "", "Daily limit reached: 25 of 25 messages", "2026-01-14T12:30:00Z", "2026-01-14T12:30:00Z"},
		{"both are used up", nil, work(full, full), "", "Daily limits reached: 25 of 25 messages, 25 of 20 invitations", thursday, ""},
		{"both are used up, one is due", nil, work(full, waiting(full, due)), "", "Daily limits reached: 25 of 25 messages, 25 of 20 invitations", thursday, thursday},
		{"both are used up, a custom task is due", nil, withOther(work(waiting(full, due), full), due), "", "", "", wednesday},
		{"evening", nil, work(waiting(some, due), some), "2026-01-14T18:00:00Z", "Outside working hours: starts Thu 09:00 Europe/Paris, in 14 h", thursday, thursday},
		{"the last second", nil, work(waiting(some, due), some), "2026-01-14T15:59:59Z", "", "", "2026-01-14T15:59:59Z"},
		{"a second later", nil, work(waiting(some, due), some), "2026-01-14T16:00:00Z", "Outside working hours: starts Thu 09:00 Europe/Paris, in 16 h", thursday, thursday},
		{"evening, nothing waits", nil, work(some, some), "2026-01-14T18:00:00Z", "Outside working hours: starts Thu 09:00 Europe/Paris, in 14 h", thursday, ""},
		{"evening, due tomorrow at noon", nil, work(waiting(some, instant(t, "2026-01-15T11:00:00Z")), some), "2026-01-14T18:00:00Z", "Outside working hours: starts Thu 09:00 Europe/Paris, in 14 h", "2026-01-15T11:00:00Z", "2026-01-15T11:00:00Z"},
		{"evening, used up", nil, work(waiting(full, due), some), "2026-01-14T18:00:00Z", "Outside working hours: starts Thu 09:00 Europe/Paris, in 14 h", thursday, thursday},
		{"early morning, used up at night", nil, work(waiting(full, due), some), "2026-01-14T06:00:00Z", "Outside working hours: starts Wed 09:00 Europe/Paris, in 2 h", thursday, thursday},
		{"invitations only, a message is due", only, work(waiting(some, due), some), "", "Invitations only: messages wait", "", ""},
		{"invitations only, an invitation is due later", only, work(waiting(some, due), waiting(some, soon)), "", "Invitations only: messages wait", "2026-01-14T12:30:00Z", "2026-01-14T12:30:00Z"},
		{"invitations only, an invitation is due", only, work(waiting(some, due), waiting(some, due)), "", "", "", wednesday},
		{"invitations only, used up", only, work(waiting(some, due), waiting(full, due)), "", "Daily limit reached: 25 of 20 invitations; Invitations only: messages wait", thursday, thursday},
		{"invitations only is off", fleet.Settings{fleet.SettingInvitationsOnly: false}, work(waiting(some, due), some), "", "", "", wednesday},
	} {
		at := wednesday
		if c.at != "" {
			at = c.at
		}
		gate := fleet.GateFor(parisian(c.settings), fleet.Today{Work: c.work}, instant(t, at))
		if gate.Reason != c.reason {
			t.Errorf("%s: %q, want %q", c.about, gate.Reason, c.reason)
		}
		if got := stamped(gate.OpensAt); got != c.opens {
			t.Errorf("%s: opens at %q, want %q", c.about, got, c.opens)
		}
		if got := stamped(gate.NextTask); got != c.next {
			t.Errorf("%s: next task at %q, want %q", c.about, got, c.next)
		}
	}
}

func stamped(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(time.RFC3339)
}

func TestUseCountsNothingTwice(t *testing.T) {
	for _, c := range []struct {
		use  fleet.Use
		want int64
	}{
		{fleet.Use{}, 0},
		{fleet.Use{Reported: 5, Handed: 5}, 5},               // five done and told
		{fleet.Use{Reported: 5, Claimed: 2, Handed: 7}, 7},   // two more in hand
		{fleet.Use{Claimed: 2, Handed: 9}, 9},                // a program that tells nothing
		{fleet.Use{Reported: 9, Handed: 2}, 9},               // and replies, which are no tasks
		{fleet.Use{Reported: 3, Claimed: 4, Handed: 0}, 7},   // held since yesterday
		{fleet.Use{Reported: 25, Claimed: 0, Handed: 1}, 25}, // more told than given
	} {
		if got := c.use.Count(); got != c.want {
			t.Errorf("%+v counts %d, want %d", c.use, got, c.want)
		}
	}
}

func drawAgent(t *rapid.T) fleet.Agent {
	a := fleet.Agent{
		ID: fleet.AgentID(rapid.StringMatching(`[0-9a-f]{12}`).Draw(t, "id")), Status: fleet.Running, Hours: drawHours(t), Settings: fleet.Settings{},
	}
	limits := func(label string, most int) (int, int) {
		high := rapid.IntRange(2, most).Draw(t, label+" most")
		return rapid.IntRange(1, high).Draw(t, label+" least"), high
	}
	a.Limits.MessagesMin, a.Limits.MessagesMax = limits("messages", 500)
	a.Limits.InvitationsMin, a.Limits.InvitationsMax = limits("invitations", 100)
	for _, key := range []string{fleet.SettingSpread, fleet.SettingInvitationsOnly} {
		if rapid.Bool().Draw(t, key) {
			a.Settings[key] = true
		}
	}
	return a
}

func drawUse(t *rapid.T, a fleet.Agent, counter string, at time.Time) fleet.Use {
	_, most := a.Limits.Of(counter)
	u := fleet.Use{
		Reported: rapid.Int64Range(0, most).Draw(t, counter+" reported"), Claimed: rapid.Int64Range(0, 3).Draw(t, counter+" claimed"),
		Handed: rapid.Int64Range(0, most).Draw(t, counter+" handed"),
	}
	if u.Handed > 0 && rapid.Bool().Draw(t, counter+" handed lately") {
		since := a.Hours.DayStart(at)
		u.LastHanded = since.Add(time.Duration(rapid.Int64Range(0, int64(at.Sub(since))).Draw(t, counter+" last")))
	}
	if rapid.Bool().Draw(t, counter+" waits") {
		u.Due = at.Add(time.Duration(rapid.Int64Range(-int64(48*time.Hour), int64(48*time.Hour)).Draw(t, counter+" due")))
	}
	return u
}

// Whatever the facts, what people are told is what a claim would do: at the
// instant that is named something may be handed out, and before it nothing.
func TestGateKeepsItsWord(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := drawAgent(t)
		loc := zone(t, a.Hours.Timezone)
		now := drawInstant(t, loc)
		today := fleet.Today{Work: fleet.Work{Messages: drawUse(t, a, fleet.UsageMessages, now), Invitations: drawUse(t, a, fleet.UsageInvitations, now)}}
		if rapid.Bool().Draw(t, "other waits") {
			today.OtherDue = now.Add(time.Duration(rapid.Int64Range(-int64(48*time.Hour), int64(48*time.Hour)).Draw(t, "other due")))
		}
		gate := fleet.GateFor(a, today, now)
		open := openByClock(a.Hours, loc, now)
		if gate.Shut == open || gate.Shut && gate.Reason == "" {
			t.Fatalf("%+v at %s: %+v", a.Hours, now.In(loc), gate)
		}
		if can := handsOut(a, today, gate, now); can != (!gate.NextTask.IsZero() && !gate.NextTask.After(now)) || can && gate.Reason != "" {
			t.Fatalf("hands out %v, says %+v", can, gate)
		}
		if !gate.OpensAt.IsZero() && (gate.Reason == "" || !gate.OpensAt.After(now) || !a.Hours.Open(gate.OpensAt)) {
			t.Fatalf("%+v at %s: %+v", a.Hours, now.In(loc), gate)
		}
		if gate.NextTask.After(now) {
			then := fleet.GateFor(a, at(a, today, now, gate.NextTask), gate.NextTask)
			if !handsOut(a, at(a, today, now, gate.NextTask), then, gate.NextTask) {
				t.Fatalf("promised %s, then %+v", gate.NextTask.In(loc), then)
			}
			before := now.Add(time.Duration(rapid.Int64Range(0, int64(gate.NextTask.Sub(now))-1).Draw(t, "before")))
			if sooner := fleet.GateFor(a, at(a, today, now, before), before); handsOut(a, at(a, today, now, before), sooner, before) {
				t.Fatalf("promised %s, but %s hands out: %+v", gate.NextTask.In(loc), before.In(loc), sooner)
			}
		}
	})
}

// handsOut is what a claim does with a gate.
func handsOut(a fleet.Agent, t fleet.Today, g fleet.Gate, now time.Time) bool {
	due := func(at time.Time) bool { return !at.IsZero() && !at.After(now) }
	return !g.Shut && (due(t.OtherDue) || due(t.Messages.Due) && g.Left[fleet.UsageMessages] > 0 || due(t.Invitations.Due) && g.Left[fleet.UsageInvitations] > 0)
}

// at is the same facts at a later instant: on another day nothing is used yet.
func at(a fleet.Agent, t fleet.Today, now, then time.Time) fleet.Today {
	if a.Hours.Day(now) != a.Hours.Day(then) {
		t.Messages, t.Invitations = fleet.Use{Due: t.Messages.Due}, fleet.Use{Due: t.Invitations.Due}
	}
	return t
}

func TestGateNeverPassesTheMaximum(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := drawAgent(t)
		now := drawInstant(t, zone(t, a.Hours.Timezone))
		today := fleet.Today{Work: fleet.Work{Messages: drawUse(t, a, fleet.UsageMessages, now), Invitations: drawUse(t, a, fleet.UsageInvitations, now)}}
		gate := fleet.GateFor(a, today, now)
		for _, counter := range []string{fleet.UsageMessages, fleet.UsageInvitations} {
			_, most := a.Limits.Of(counter)
			if left := gate.Left[counter]; left < 0 || left > 0 && left+today.Of(counter).Count() > most {
				t.Fatalf("%d left of %d %s after %+v", left, most, counter, today.Of(counter))
			}
		}
		if a.Settings.On(fleet.SettingInvitationsOnly) && (gate.Left[fleet.UsageMessages] != 0 || !gate.NextMessage.IsZero()) {
			t.Fatalf("invitations only: %+v", gate)
		}
		if strings.Contains(gate.Reason, "  ") || strings.HasSuffix(gate.Reason, ";") {
			t.Fatalf("%q", gate.Reason)
		}
	})
}
