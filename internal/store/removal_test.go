package store

import (
	"fmt"
	"testing"
	"time"

	"agentry/internal/fleet"
)

func TestRemovals(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{})
	due := func(at time.Time, limit int) string {
		out := ""
		mustRead(t, s, func(tx *Tx) error {
			list, err := tx.DueRemovals(at, at.Add(2*time.Hour), limit)
			for _, r := range list {
				out += fmt.Sprintf("%s of %s, %s: %d tries, %q; ", r.AgentID, r.TeamID, r.Kind, r.Tries, r.LastError)
				if !r.CreatedAt.Equal(t0) {
					t.Errorf("created at %v", r.CreatedAt)
				}
			}
			return err
		})
		return out
	}
	first := fleet.Removal{TeamID: teamA, AgentID: "one", Kind: "eliza", CreatedAt: t0, NextTry: t0}
	second := fleet.Removal{TeamID: teamB, AgentID: "two", Kind: "other", CreatedAt: t0, NextTry: t0.Add(time.Minute), Tries: 2, LastError: "why"}
	mustWrite(t, s, func(tx *Tx) error {
		if err := tx.AddRemoval(second); err != nil {
			return err
		}
		return tx.AddRemoval(first)
	})
	if got := due(t0.Add(-time.Second), 10); got != "" {
		t.Errorf("due before its time: %s", got)
	}
	if got := due(t0, 10); got != `one of team-a, eliza: 0 tries, ""; ` {
		t.Errorf("due: %s", got)
	}
	both := `one of team-a, eliza: 0 tries, ""; two of team-b, other: 2 tries, "why"; `
	if got := due(t0.Add(time.Hour), 10); got != both {
		t.Errorf("due: %s", got)
	}
	if got := due(t0.Add(time.Hour), 1); got != both[:len(`one of team-a, eliza: 0 tries, ""; `)] {
		t.Errorf("the longest due is not first: %s", got)
	}
	mustWrite(t, s, func(tx *Tx) error {
		foreign := first
		foreign.TeamID, foreign.Tries = teamB, 9
		if err := tx.SetRemoval(foreign); err != nil {
			return err
		}
		if ok, err := tx.DropRemoval(teamB, "one"); ok || err != nil {
			t.Error("another team dropped a removal", err)
		}
		first.Tries, first.LastError, first.NextTry = 1, "no answer", t0.Add(time.Second)
		return tx.SetRemoval(first)
	})
	if got := due(t0.Add(time.Second), 10); got != `one of team-a, eliza: 1 tries, "no answer"; ` {
		t.Errorf("after a try: %s", got)
	}
	mustWrite(t, s, func(tx *Tx) error {
		if ok, err := tx.DropRemoval(teamA, "one"); !ok || err != nil {
			t.Error("not dropped", err)
		}
		ok, err := tx.DropRemoval(teamA, "one")
		if ok {
			t.Error("dropped twice")
		}
		return err
	})
	if got := due(t0.Add(time.Second), 10); got != "" {
		t.Errorf("after the end: %s", got)
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
