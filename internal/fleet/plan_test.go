package fleet_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"agentry/internal/fleet"
)

// minutesOf are the minutes around an instant that lie in its calendar day, by
// looking at a wall clock each minute.
func minutesOf(loc *time.Location, at time.Time) (list []time.Time) {
	day := at.In(loc).Format(time.DateOnly)
	for m := at.Add(-50 * time.Hour).Truncate(time.Minute); m.Before(at.Add(50 * time.Hour)); m = m.Add(time.Minute) {
		if m.In(loc).Format(time.DateOnly) == day {
			list = append(list, m)
		}
	}
	return list
}

// Days begin where the calendar says, also where the clock skips midnight,
// goes back over it, or leaves a whole day out.
func TestDaysAreThoseOfTheCalendar(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawHours(t)
		loc := zone(t, w.Timezone)
		at := drawInstant(t, loc)
		minutes := minutesOf(loc, at)
		if got := w.DayStart(at); !got.Equal(minutes[0]) {
			t.Fatalf("%s: the day starts %s, want %s", at.In(loc), got.In(loc), minutes[0].In(loc))
		}
		next := at.Truncate(time.Minute)
		for w.Day(next) <= w.Day(at) {
			next = next.Add(time.Minute)
		}
		if got := w.NextDay(at); !got.Equal(next) {
			t.Fatalf("%s: the next day starts %s, want %s", at.In(loc), got.In(loc), next.In(loc))
		}
	})
}

func TestOddDays(t *testing.T) {
	for _, c := range []struct{ about, zone, at, start, next string }{
		{"plain", "UTC", "2026-01-14T11:00:00Z", "2026-01-14T00:00:00Z", "2026-01-15T00:00:00Z"},
		{"23 hours", "Europe/Paris", "2026-03-29T11:00:00Z", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"},
		{"25 hours", "Europe/Paris", "2026-10-25T11:00:00Z", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"},
		{"no midnight", "America/Sao_Paulo", "2018-11-04T15:00:00Z", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"},
		{"the day before", "America/Sao_Paulo", "2018-11-03T15:00:00Z", "2018-11-03T03:00:00Z", "2018-11-04T03:00:00Z"},
		{"two midnights", "America/Sao_Paulo", "2019-02-16T15:00:00Z", "2019-02-16T02:00:00Z", "2019-02-17T03:00:00Z"},
		{"the hour before the second", "America/Sao_Paulo", "2019-02-17T02:30:00Z", "2019-02-16T02:00:00Z", "2019-02-17T03:00:00Z"},
		{"before the day that is not", "Pacific/Apia", "2011-12-29T20:00:00Z", "2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z"},
		{"after the day that is not", "Pacific/Apia", "2011-12-30T20:00:00Z", "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z"},
		{"half an hour less", "Australia/Lord_Howe", "2026-10-04T05:00:00Z", "2026-10-03T13:30:00Z", "2026-10-04T13:00:00Z"},
		{"half an hour more", "Australia/Lord_Howe", "2026-04-05T05:00:00Z", "2026-04-04T13:00:00Z", "2026-04-05T13:30:00Z"},
		{"a minute past midnight", "America/St_Johns", "2010-11-07T12:00:00Z", "2010-11-07T02:30:00Z", "2010-11-08T03:30:00Z"},
		{"back in the day before", "America/St_Johns", "2010-11-07T03:00:00Z", "2010-11-06T02:30:00Z", "2010-11-07T03:30:00Z"},
	} {
		w := fleet.WorkingHours{Timezone: c.zone}
		at := instant(t, c.at)
		if got := w.DayStart(at); !got.Equal(instant(t, c.start)) {
			t.Errorf("%s: starts %s, want %s", c.about, got.UTC().Format(time.RFC3339), c.start)
		}
		if got := w.NextDay(at); !got.Equal(instant(t, c.next)) {
			t.Errorf("%s: the next starts %s, want %s", c.about, got.UTC().Format(time.RFC3339), c.next)
		}
	}
}

func TestOpenSpansAreTheOpenMinutesOfTheDay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawHours(t)
		loc := zone(t, w.Timezone)
		at := drawInstant(t, loc)
		var want, got []time.Time
		for _, m := range minutesOf(loc, at) {
			if openByClock(w, loc, m) {
				want = append(want, m)
			}
		}
		var last time.Time
		for _, s := range w.OpenSpans(at) {
			if !s.From.After(last) || !s.From.Before(s.To) {
				t.Fatalf("%+v at %s: %v", w, at.In(loc), w.OpenSpans(at))
			}
			for m := s.From; m.Before(s.To); m = m.Add(time.Minute) {
				got = append(got, m)
			}
			last = s.To
		}
		if !slices.EqualFunc(want, got, time.Time.Equal) {
			t.Fatalf("%+v at %s: spans %v have %d minutes, want %d", w, at.In(loc), w.OpenSpans(at), len(got), len(want))
		}
	})
}

// workADay hands out as soon as the gate allows, in the way of a program that
// asks when it was told to, and returns when that was.
func workADay(t interface{ Fatalf(string, ...any) }, a fleet.Agent, counter string, from time.Time) (at []time.Time) {
	day := a.Hours.Day(from)
	u := fleet.Use{}
	for now := from; ; {
		u.Due = from
		work := fleet.Work{Messages: u}
		if counter == fleet.UsageInvitations {
			work = fleet.Work{Invitations: u}
		}
		gate := fleet.GateFor(a, fleet.Today{Work: work}, now)
		if gate.NextTask.IsZero() || a.Hours.Day(gate.NextTask) != day {
			return at
		}
		if gate.NextTask.After(now) {
			now = gate.NextTask
			continue
		}
		if gate.Left[counter] < 1 {
			t.Fatalf("at %s: %+v", now, gate)
		}
		at = append(at, now)
		u.Handed, u.LastHanded = u.Handed+1, now
		if len(at) > 1000 {
			t.Fatalf("no end")
		}
	}
}

// Spread over the day: the target is reached exactly, inside the hours of the
// day, in order, and the same however often one asks.
func TestSpreadDay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := drawAgent(t)
		a.Settings = fleet.Settings{fleet.SettingSpread: true}
		loc := zone(t, a.Hours.Timezone)
		counter := rapid.SampledFrom([]string{fleet.UsageMessages, fleet.UsageInvitations}).Draw(t, "counter")
		start := a.Hours.DayStart(drawInstant(t, loc))
		plan := fleet.PlanFor(a, counter, fleet.Use{}, start)
		spans := a.Hours.OpenSpans(start)
		least, most := a.Limits.Of(counter)
		if len(spans) == 0 {
			if plan.Target != 0 {
				t.Fatalf("a closed day has a target of %d", plan.Target)
			}
			return
		}
		if plan.Target < least || plan.Target > most || plan.Min != least || plan.Max != most {
			t.Fatalf("%+v is not between %d and %d", plan, least, most)
		}
		if later := fleet.PlanFor(a, counter, fleet.Use{Reported: 1}, spans[0].To.Add(-1)); later.Target != plan.Target {
			t.Fatalf("the target was %d and is %d", plan.Target, later.Target)
		}
		at := workADay(t, a, counter, start)
		if len(at) != int(plan.Target) {
			t.Fatalf("%d of %d were handed out in %v", len(at), plan.Target, spans)
		}
		if !slices.IsSortedFunc(at, time.Time.Compare) || !at[0].Equal(plan.Next) {
			t.Fatalf("%v, the first promised at %s", at, plan.Next)
		}
		for _, one := range at {
			if !openByClock(a.Hours, loc, one) || a.Hours.Day(one) != a.Hours.Day(start) || !one.Truncate(time.Millisecond).Equal(one) {
				t.Fatalf("%s is not in %v", one.In(loc), spans)
			}
		}
		if again := workADay(t, a, counter, start); !slices.EqualFunc(at, again, time.Time.Equal) {
			t.Fatalf("%v, then %v", at, again)
		}
		other := a
		other.ID += "x"
		if len(at) > 3 && slices.EqualFunc(at, workADay(t, other, counter, start), time.Time.Equal) {
			t.Fatalf("another agent has the same day")
		}
	})
}

// An agent that begins late does not do what it missed all at once.
func TestSpreadDayBegunLate(t *testing.T) {
	a := parisian(fleet.Settings{fleet.SettingSpread: true})
	a.Limits.MessagesMin = 25
	at := workADay(t, a, fleet.UsageMessages, instant(t, "2026-01-14T14:00:00Z"))
	gap := 8 * time.Hour / 25 / 2
	if len(at) < 10 || len(at) > 13 { // two hours at twice the pace, and one at once
		t.Errorf("%d were handed out: %v", len(at), at)
	}
	for i := range at[1:] {
		if d := at[i+1].Sub(at[i]); d < gap {
			t.Errorf("%s after the one before", d)
		}
	}
}

// Without spread all of the maximum may go out when the hours open.
func TestPlainDay(t *testing.T) {
	a := parisian(nil)
	nine := instant(t, "2026-01-14T08:00:00Z")
	at := workADay(t, a, fleet.UsageMessages, a.Hours.DayStart(nine))
	if len(at) != 25 || !at[0].Equal(nine) || !at[24].Equal(nine) {
		t.Errorf("%d: %v", len(at), at)
	}
	for _, c := range []struct {
		at     string
		use    fleet.Use
		target int64
		next   string
	}{
		{wednesday, fleet.Use{Reported: 3}, 25, wednesday},
		{wednesday, fleet.Use{Handed: 25}, 25, "2026-01-15T08:00:00Z"},
		{"2026-01-17T11:00:00Z", fleet.Use{}, 0, "2026-01-19T08:00:00Z"},
	} {
		p := fleet.PlanFor(a, fleet.UsageMessages, c.use, instant(t, c.at))
		if p.Target != c.target || stamped(p.Next) != c.next || p.Done != c.use.Count() || p.Min != 10 || p.Max != 25 {
			t.Errorf("%s: %+v", c.at, p)
		}
	}
}

func TestSpreadSaysWhy(t *testing.T) {
	a := parisian(fleet.Settings{fleet.SettingSpread: true})
	a.Limits.MessagesMin, a.Limits.MessagesMax = 4, 5
	due := instant(t, "2026-01-14T08:00:00Z")
	target := fleet.PlanFor(a, fleet.UsageMessages, fleet.Use{}, due).Target
	at := workADay(t, a, fleet.UsageMessages, due)
	now := at[1]
	gate := fleet.GateFor(a, fleet.Today{Work: fleet.Work{Messages: fleet.Use{Handed: 2, LastHanded: now, Due: due}}}, now)
	want := "Next message by the day's plan " + at[2].In(zone(t, "Europe/Paris")).Format("15:04") + " Europe/Paris: 2 of " + string(rune('0'+target)) + " messages"
	if gate.Reason != want || !gate.OpensAt.Equal(at[2]) || gate.Left[fleet.UsageMessages] != 0 {
		t.Errorf("%+v, want %q at %s", gate, want, at[2])
	}
	a.ID = agentWithTarget(t, a, due, 4)
	gate = fleet.GateFor(a, fleet.Today{Work: fleet.Work{Messages: fleet.Use{Handed: 4, LastHanded: now, Due: due}}}, now)
	if gate.Reason != "Plan for today done: 4 of 4 messages" || gate.OpensAt.Before(instant(t, "2026-01-15T08:00:00Z")) {
		t.Errorf("%+v", gate)
	}
}

// agentWithTarget looks for an agent whose day has the target.
func agentWithTarget(t *testing.T, a fleet.Agent, at time.Time, target int64) fleet.AgentID {
	t.Helper()
	for i := range 100 {
		a.ID = fleet.AgentID(rune('a' + i))
		if fleet.PlanFor(a, fleet.UsageMessages, fleet.Use{}, at).Target == target {
			return a.ID
		}
	}
	t.Fatalf("no agent of a hundred has a target of %d", target)
	return ""
}
