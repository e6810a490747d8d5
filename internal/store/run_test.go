package store

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"agentry/internal/fleet"
)

// looksAtRuns are looksOf's for alerts and runs.
func looksAtRuns(a fleet.Agent) map[string]look {
	return map[string]look{
		"Alert": {func(tx *Tx, team fleet.TeamID) (int, error) {
			al, err := tx.Alert(team, "alert "+string(a.ID))
			return al.Count, err
		}, fleet.CodeNotFound, 1},
		"TeamAlerts": {func(tx *Tx, team fleet.TeamID) (int, error) {
			l, err := tx.TeamAlerts(team, AlertFilter{State: fleet.AlertOpen}, "", 10)
			return len(l), err
		}, "", 1},
		"AgentAlerts": {func(tx *Tx, team fleet.TeamID) (int, error) {
			l, err := tx.AgentAlerts(team, a.ID, "", 10)
			return len(l), err
		}, "", 1},
		"LiveAlerts": {func(tx *Tx, team fleet.TeamID) (int, error) {
			m, err := tx.LiveAlerts(team, []fleet.AgentID{a.ID})
			return len(m[a.ID]), err
		}, "", 1},
		"LiveAlertsOf": {func(tx *Tx, team fleet.TeamID) (int, error) {
			l, err := tx.LiveAlertsOf(team, a.ID, "auth", "")
			return len(l), err
		}, "", 1},
		"NewestAlert": {func(tx *Tx, team fleet.TeamID) (int, error) {
			al, _, err := tx.NewestAlert(team, a.ID, "auth", "rejected")
			return al.Count, err
		}, "", 1},
		"CountLiveAlerts": {func(tx *Tx, team fleet.TeamID) (int, error) { return tx.CountLiveAlerts(team, a.ID, "auth", "x") }, "", 1},
		"LastOutput": {func(tx *Tx, team fleet.TeamID) (int, error) {
			l, err := tx.LastOutput(team, a.ID)
			return len(l), err
		}, "", 1},
		"CountOpenAlerts": {func(tx *Tx, team fleet.TeamID) (int, error) { n, err := tx.CountOpenAlerts(team); return int(n), err }, "", 1},
		"CountRelaunches": {func(tx *Tx, team fleet.TeamID) (int, error) {
			return tx.CountRelaunches(team, a.ID, fleet.EndCrashLoop, t0)
		}, "", 1},
	}
}

// plansOfRuns are the plans of what each tick and each call of a program asks.
func plansOfRuns() map[string]func(tx *Tx) error {
	late := Late{Before: t0, After: t0}
	return map[string]func(tx *Tx) error{
		"LiveAlerts":    func(tx *Tx) error { _, err := tx.LiveAlerts(teamA, make([]fleet.AgentID, 50)); return err },
		"WantedRuns":    func(tx *Tx) error { _, err := tx.WantedRuns(); return err },
		"Handles":       func(tx *Tx) error { _, err := tx.Handles(); return err },
		"LateSignIns":   func(tx *Tx) error { _, err := tx.LateSignIns(late, t0, 10); return err },
		"SilentRuns":    func(tx *Tx) error { _, err := tx.SilentRuns(late, 10); return err },
		"DueSnoozes":    func(tx *Tx) error { _, err := tx.DueSnoozes(t0, 10); return err },
		"MuteRuns":      func(tx *Tx) error { _, err := tx.MuteRuns(late, fleet.DriverProcess, 10); return err },
		"UnstoppedRuns": func(tx *Tx) error { _, err := tx.UnstoppedRuns(late, 10); return err },
		"Late claims":   func(tx *Tx) error { _, err := tx.RunsWithLateClaims(late, 10); return err },
		"Reads":         func(tx *Tx) error { _, err := tx.RunsWithReads(t0, t0, 10); return err },
		"Expired":       func(tx *Tx) error { _, err := tx.HasExpired(t0); return err },
		"NewestAlert":   func(tx *Tx) error { _, _, err := tx.NewestAlert(teamA, "a", "t", "s"); return err },
		"LiveAlertsOf":  func(tx *Tx) error { _, err := tx.LiveAlertsOf(teamA, "a", "t", ""); return err },
		"team's newest": func(tx *Tx) error { _, _, err := tx.NewestAlert(teamA, "", "t", "s"); return err },
		"team's live":   func(tx *Tx) error { _, err := tx.LiveAlertsOf(teamA, "", "t", ""); return err },
		"team's insert": func(tx *Tx) error { return tx.InsertAlert(teamA, fleet.Alert{}) },
		"old events":    func(tx *Tx) error { _, err := tx.HasOldRunEvents(late); return err },
		"RunOfToken":    func(tx *Tx) error { _, _, _, _, err := tx.RunOfToken([]byte("x")); return err },
		"Live alerts":   func(tx *Tx) error { _, err := tx.CountLiveAlerts(teamA, "a", "t", "s"); return err },
		"Open alerts":   func(tx *Tx) error { _, err := tx.CountOpenAlerts(teamA); return err },
	}
}

func TestAnotherTeamChangesNoAlert(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{})
	a := newAgent(teamA, "x")
	wealth(t, s, a, "text")
	mustWrite(t, s, func(tx *Tx) error {
		al, err := tx.Alert(teamA, "alert "+string(a.ID))
		if err != nil {
			return err
		}
		al.State = fleet.AlertResolved
		if err := errors.Join(tx.SaveAlert(teamB, al), tx.DeleteAlerts(teamB, a.ID)); err != nil {
			return err
		}
		if al, err = tx.Alert(teamA, al.ID); err != nil || al.State != fleet.AlertOpen {
			t.Error("another team changed an alert", al.State, err)
		}
		row, err := tx.Agent(teamA, a.ID)
		if row.OpenAlerts != 1 {
			t.Errorf("%d open alerts", row.OpenAlerts)
		}
		return err
	})
}

// Too long ago is before the one instant or behind the other; an instant that
// is not set takes nothing.
func TestLate(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{})
	at := []time.Time{t0.Add(-time.Hour), t0, t0.Add(time.Hour)}
	for _, c := range []struct {
		late Late
		want [3]bool
	}{
		{Late{}, [3]bool{}},
		{Late{Before: t0}, [3]bool{true, false, false}},
		{Late{After: t0}, [3]bool{false, false, true}},
		{Late{Before: t0, After: t0}, [3]bool{true, false, true}},
	} {
		for i, when := range at {
			var n int
			mustRead(t, s, func(tx *Tx) error {
				_, err := tx.one([]any{&n}, `SELECT COUNT(*) FROM (SELECT $3 AS at) AS x WHERE `+c.late.sql("at"), c.late.args(micros(when))...)
				return err
			})
			if c.late.Is(when) != c.want[i] || (n == 1) != c.want[i] {
				t.Errorf("%+v at %s: %v in Go, %d in SQL", c.late, when, c.late.Is(when), n)
			}
		}
	}
}

func TestUnwantedRuns(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{})
	wanted, unwanted, other := newAgent(teamA, "wanted"), newAgent(teamA, "unwanted"), newAgent(teamB, "other")
	insert(t, s, wanted, unwanted, other)
	mustWrite(t, s, func(tx *Tx) error { return tx.WantRun(wanted.ID, true, false, nil) })
	mustRead(t, s, func(tx *Tx) error {
		got, err := tx.UnwantedRuns([]fleet.AgentID{wanted.ID, unwanted.ID, "not-ours"})
		if fmt.Sprint(got) != fmt.Sprint([]fleet.AgentID{unwanted.ID}) {
			t.Errorf("%v", got)
		}
		if none, err := tx.UnwantedRuns(nil); len(none) != 0 || err != nil {
			t.Errorf("%v, %v", none, err)
		}
		return err
	})
}
