package fleet_test

import (
	"testing"
	"time"

	"agentry/internal/fleet"
)

// used is a day on which the program reported so much.
func used(messages, invitations int64) fleet.Today {
	return fleet.Today{Work: fleet.Work{Messages: fleet.Use{Reported: messages}, Invitations: fleet.Use{Reported: invitations}}}
}

func TestWhy(t *testing.T) {
	// A Wednesday; 12:00 in Paris.
	now := instant(t, "2026-01-14T11:00:00Z")
	paris := fleet.WorkingHours{Days: "1:1:1:1:1:0:0", Start: "09:00", Stop: "17:00", Timezone: "Europe/Paris"}
	agent := func(s fleet.Status, edit func(a *fleet.Agent)) fleet.Agent {
		a := fleet.Agent{
			Status: s, Hours: paris, Limits: fleet.Limits{1, 20, 1, 25}, Incarnation: 1,
			StatusAt: instant(t, "2026-01-14T07:12:00Z"), Runtime: fleet.Runtime{State: fleet.ObservedUp},
		}
		if edit != nil {
			edit(&a)
		}
		return a
	}
	auth := func(subType string) fleet.Today {
		return fleet.Today{Alerts: []fleet.Alert{{Type: "runtime", SubType: "lost"}, {Type: "auth", SubType: subType, Message: "Prove it"}}}
	}
	for _, c := range []struct {
		about string
		agent fleet.Agent
		today fleet.Today
		at    time.Time // zero is now
		want  string
	}{
		{"works", agent(fleet.Running, nil), fleet.Today{}, time.Time{}, ""},
		{"starting is no obstacle", agent(fleet.Running, func(a *fleet.Agent) { a.Runtime.State = fleet.ObservedStarting }), fleet.Today{}, time.Time{}, ""},
		{"evening", agent(fleet.Running, nil), fleet.Today{}, instant(t, "2026-01-14T18:00:00Z"), "Outside working hours: starts Thu 09:00 Europe/Paris, in 14 h"},
		{"a minute too late", agent(fleet.Running, nil), fleet.Today{}, instant(t, "2026-01-14T16:00:00Z"), "Outside working hours: starts Thu 09:00 Europe/Paris, in 16 h"},
		{"soon", agent(fleet.Running, nil), fleet.Today{}, instant(t, "2026-01-14T07:59:30Z"), "Outside working hours: starts Wed 09:00 Europe/Paris, in less than a minute"},
		{"in minutes", agent(fleet.Running, nil), fleet.Today{}, instant(t, "2026-01-14T07:15:00Z"), "Outside working hours: starts Wed 09:00 Europe/Paris, in 45 min"},
		{"weekend", agent(fleet.Running, nil), fleet.Today{}, instant(t, "2026-01-16T19:00:00Z"), "Outside working hours: starts Mon 09:00 Europe/Paris, in 2 days"},
		{"no day", agent(fleet.Running, func(a *fleet.Agent) { a.Hours.Days = "0:0:0:0:0:0:0" }), fleet.Today{}, time.Time{}, "Outside working hours: no day is switched on"},
		{"one limit leaves other work", agent(fleet.Running, nil), used(25, 0), time.Time{}, ""},
		{"both limits", agent(fleet.Running, nil), used(25, 21), time.Time{}, "Daily limits reached: 25 of 25 messages, 21 of 20 invitations"},
		{"lost", agent(fleet.Running, func(a *fleet.Agent) { a.Runtime.State, a.Runtime.LastHeardAt = fleet.ObservedLost, now.Add(-time.Hour) }), fleet.Today{}, time.Time{},
			"Not responding: not heard since 11:00 Europe/Paris"},
		{"lost since yesterday", agent(fleet.Running, func(a *fleet.Agent) {
			a.Runtime.State, a.Runtime.LastHeardAt = fleet.ObservedLost, now.Add(-24*time.Hour)
		}), fleet.Today{}, time.Time{}, "Not responding: not heard since Tue 13 Jan 12:00 Europe/Paris"},
		{"never heard", agent(fleet.Running, func(a *fleet.Agent) { a.Runtime.State = fleet.ObservedLost }), fleet.Today{}, time.Time{}, "Not responding: the program never said hello"},
		{"lost counts before hours", agent(fleet.Running, func(a *fleet.Agent) { a.Runtime.State = fleet.ObservedLost }), fleet.Today{}, instant(t, "2026-01-14T23:00:00Z"), "Not responding: the program never said hello"},
		{"back-off", agent(fleet.Running, func(a *fleet.Agent) {
			a.Runtime = fleet.Runtime{State: fleet.ObservedBackoff, LastError: "exit 3", Failures: 2}
		}), fleet.Today{GiveUpAfter: 5}, time.Time{}, "Restarting after exit 3, try 3 of 5"},
		{"back-off without a reason", agent(fleet.Running, func(a *fleet.Agent) { a.Runtime.State = fleet.ObservedBackoff }), fleet.Today{}, time.Time{}, "Restarting after an exit, try 1"},
		{"paused", agent(fleet.Paused, nil), fleet.Today{}, time.Time{}, "Paused"},
		{"paused by", agent(fleet.Paused, func(a *fleet.Agent) { a.PausedBy, a.PauseNote, a.ResumeAt = "Ann", "lunch", now.Add(time.Hour) }), fleet.Today{}, time.Time{},
			"Paused by Ann: lunch; resumes 13:00 Europe/Paris"},
		{"2fa", agent(fleet.AuthNeeded, nil), auth("2fa_required"), time.Time{}, "Waiting for a 2FA code since 08:12 Europe/Paris"},
		{"2fa in UTC", agent(fleet.AuthNeeded, func(a *fleet.Agent) { a.Hours.Timezone = "UTC" }), auth("2fa_required"), time.Time{}, "Waiting for a 2FA code since 07:12 UTC"},
		{"time-out", agent(fleet.AuthNeeded, nil), auth("timeout"), time.Time{}, "Sign-in was not answered in time; set it up again"},
		{"rejected", agent(fleet.AuthNeeded, nil), auth("rejected"), time.Time{}, "Sign-in was rejected; set it up again"},
		{"another challenge", agent(fleet.AuthNeeded, nil), auth("captcha"), time.Time{}, "Sign-in needed: Prove it"},
		{"alert resolved", agent(fleet.AuthNeeded, nil), fleet.Today{}, time.Time{}, "Sign-in needed since 08:12 Europe/Paris"},
		{"signing in", agent(fleet.AuthInProgress, nil), fleet.Today{}, time.Time{}, "Signing in since 08:12 Europe/Paris"},
		{"new", agent(fleet.SetupNeeded, nil), fleet.Today{NeedsSetup: true}, time.Time{}, "Not set up yet"},
		{"new, no setup", agent(fleet.SetupNeeded, nil), fleet.Today{}, time.Time{}, "Not started yet"},
		{"relaunched", agent(fleet.SetupNeeded, func(a *fleet.Agent) { a.Incarnation, a.Draft = 3, &fleet.Draft{} }), fleet.Today{NeedsSetup: true}, time.Time{},
			"Not set up yet in incarnation 3; a draft of the last settings is ready"},
		{"disabled", agent(fleet.Disabled, nil), fleet.Today{}, time.Time{}, "Disabled by an admin since 08:12 Europe/Paris"},
		{"ended", agent(fleet.Ended, nil), fleet.Today{}, time.Time{}, "Ended"},
		{"ended, said why", agent(fleet.Ended, func(a *fleet.Agent) { a.EndReason = "moved" }), fleet.Today{}, time.Time{}, "Ended: moved"},
		{"crash loop", agent(fleet.Ended, func(a *fleet.Agent) {
			a.EndReason, a.Runtime.LastError = fleet.EndCrashLoop, "exit 1, 5 times in 10 min"
		}), fleet.Today{}, time.Time{}, "Crash loop: exit 1, 5 times in 10 min"},
		{"crash loop, reason lost", agent(fleet.Ended, func(a *fleet.Agent) { a.EndReason = fleet.EndCrashLoop }), fleet.Today{}, time.Time{}, "Crash loop: it kept ending by itself"},
	} {
		at := c.at
		if at.IsZero() {
			at = now
		}
		if got := fleet.Why(c.agent, c.today, fleet.GateFor(c.agent, c.today, at), at); got != c.want {
			t.Errorf("%s: %q, want %q", c.about, got, c.want)
		}
	}
}
