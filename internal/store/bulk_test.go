package store

import (
	"errors"
	"testing"
	"time"

	"agentry/internal/fleet"
)

func bulkOf(a fleet.Agent) fleet.Bulk {
	return fleet.Bulk{
		ID: "bulk of " + bulkName(a), TeamID: a.TeamID, Action: fleet.BulkTag, State: fleet.BulkRunning, By: "Ann", ByKind: fleet.ActorMember, ByID: "u",
		AddTags: []string{"x"}, PerMinute: 600, Total: 1, Failed: 1, RetryOf: "another", CreatedAt: t0, StartedAt: t0,
	}
}

// bulkName is of no text that a test looks for: a bulk outlives its agents.
func bulkName(a fleet.Agent) string { return string(a.ID[len(a.ID)-12:]) }

// bulkLooks are for TestAnotherTeamSeesNothing.
func bulkLooks(a fleet.Agent) map[string]look {
	id := bulkOf(a).ID
	return map[string]look{
		"Bulk":  {func(tx *Tx, team fleet.TeamID) (int, error) { b, err := tx.Bulk(team, id); return b.Total, err }, fleet.CodeNotFound, 1},
		"Bulks": {func(tx *Tx, team fleet.TeamID) (int, error) { l, err := tx.Bulks(team, "", 10); return len(l), err }, "", 1},
		"BulkItems": {func(tx *Tx, team fleet.TeamID) (int, error) {
			l, err := tx.BulkItems(team, id, "", 0, 10)
			return len(l), err
		}, "", 1},
		"FailedOfBulk": {func(tx *Tx, team fleet.TeamID) (int, error) {
			l, err := tx.FailedOfBulk(team, id)
			return len(l), err
		}, "", 1},
		"CountOpenBulks": {func(tx *Tx, team fleet.TeamID) (int, error) { return tx.CountOpenBulks(team, "another") }, "", 1},
		"BulkLoad": {func(tx *Tx, team fleet.TeamID) (int, error) {
			n, _, err := tx.BulkLoad(team, t0.Add(-time.Hour), t0)
			return n, err
		}, "", fleet.BulkWeight},
		"BulkCandidates": {func(tx *Tx, team fleet.TeamID) (int, error) {
			l, err := tx.BulkCandidates(team, AgentFilter{Tag: "tag"}, AgentOrder{By: "name"}, 10, true)
			return len(l), err
		}, "", 1},
		"BulkCandidatesOf": {func(tx *Tx, team fleet.TeamID) (int, error) {
			l, err := tx.BulkCandidatesOf(team, []fleet.AgentID{a.ID}, true)
			if len(l) == 1 && l[0].Unknown {
				l = nil
			}
			return len(l), err
		}, "", 1},
	}
}

func TestAnotherTeamChangesNoBulk(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{})
	a := newAgent(teamA, "A")
	wealth(t, s, a, "text")
	b := bulkOf(a)
	mustWrite(t, s, func(tx *Tx) error {
		foreign := b
		foreign.TeamID, foreign.State = teamB, fleet.BulkStopped
		if n, err := tx.DropBulkItems(teamB, b.ID, 10); n != 0 || err != nil {
			t.Errorf("another team dropped %d items, %v", n, err)
		}
		over := b
		over.ID, over.EndedAt = "over", t0
		if err := errors.Join(tx.EmptyBulk(teamB, b.ID), tx.InsertBulk(over), tx.DropBulk(teamB, over.ID)); err != nil {
			return err
		}
		if _, err := tx.Bulk(teamA, over.ID); err != nil {
			t.Errorf("another team forgot it: %v", err)
		}
		if err := errors.Join(tx.DropBulk(teamA, over.ID), tx.DropBulk(teamA, b.ID)); err != nil {
			return err
		}
		if _, err := tx.Bulk(teamA, over.ID); fleet.CodeOf(err) != fleet.CodeNotFound {
			t.Errorf("it is not forgotten: %v", err)
		}
		return tx.SaveBulk(foreign)
	})
	mustRead(t, s, func(tx *Tx) error {
		got, err := tx.Bulk(teamA, b.ID)
		if got.State != b.State || got.Total != 1 {
			t.Errorf("another team changed it to %+v", got)
		}
		return err
	})
}

// What a worker does to an item names the team too.
func TestAnotherTeamSettlesNoItem(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{})
	a := newAgent(teamA, "A")
	wealth(t, s, a, "text")
	b := bulkOf(a)
	b.ID, b.Failed = "new", 0
	item := fleet.BulkItem{BulkID: b.ID, N: 1, AgentID: a.ID, Outcome: fleet.BulkPending}
	mustWrite(t, s, func(tx *Tx) error {
		if err := tx.InsertBulk(b); err != nil {
			return err
		}
		return tx.InsertBulkItems([]fleet.BulkItem{item})
	})
	mustWrite(t, s, func(tx *Tx) error {
		acts, err := tx.BulkActs(teamB, b.ID, false, 0, 10)
		_, ok, err2 := tx.BulkActAt(teamB, b.ID, 1)
		if len(acts) != 0 || ok || err != nil || err2 != nil {
			t.Errorf("another team sees %v, %v, %v, %v", acts, ok, err, err2)
		}
		item.Outcome = fleet.BulkSuccessful
		if ok, err := tx.SettleBulkItem(teamB, item); ok || err != nil {
			t.Errorf("another team settled it: %v, %v", ok, err)
		}
		return tx.MarkBulkActed(teamB, b.ID, BulkAct{N: 1, Version: 5, Epoch: 3})
	})
	mustRead(t, s, func(tx *Tx) error {
		got, err := tx.Bulk(teamA, b.ID)
		act, ok, err2 := tx.BulkActAt(teamA, b.ID, 1)
		if got.Waiting != 0 || got.Done != 0 || !ok || act.Version != 0 || err2 != nil {
			t.Errorf("another team changed it to %+v, %+v, %v, %v", got, act, ok, err2)
		}
		return err
	})
}

func TestAnotherTeamNotesNoExport(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{})
	a := newAgent(teamA, "A")
	wealth(t, s, a, "text")
	mustWrite(t, s, func(tx *Tx) error { return tx.NoteExport(teamB, a.ID, TakenExport{SHA256: "foreign"}, t0) })
	mustRead(t, s, func(tx *Tx) error {
		if e, err := tx.LastExport(teamA, a.ID); e.SHA256 != "hash" || err != nil {
			t.Errorf("it is %+v, %v", e, err)
		}
		return nil
	})
}

// An item gets one outcome, which is counted once.
func TestAnItemIsSettledOnce(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{})
	a := newAgent(teamA, "A")
	wealth(t, s, a, "text")
	b := bulkOf(a)
	b.ID, b.Failed, b.Total = "new", 0, 2
	item := fleet.BulkItem{BulkID: b.ID, N: 1, AgentID: a.ID, Outcome: fleet.BulkPending}
	other := item
	other.N = 2
	mustWrite(t, s, func(tx *Tx) error {
		if err := tx.InsertBulk(b); err != nil {
			return err
		}
		return tx.InsertBulkItems([]fleet.BulkItem{item, other})
	})
	mustWrite(t, s, func(tx *Tx) error {
		act, ok, err := tx.BulkActAt(teamA, b.ID, 1)
		if !ok || act.AgentID != a.ID || act.Version != 0 || err != nil {
			t.Errorf("the item is %+v, %v, %v", act, ok, err)
		}
		return tx.MarkBulkActed(teamA, b.ID, BulkAct{N: 1, Version: 5, Epoch: 3})
	})
	for i, o := range []fleet.BulkOutcome{fleet.BulkFailed, fleet.BulkSuccessful} {
		mustWrite(t, s, func(tx *Tx) error {
			acted, err := tx.BulkActs(teamA, b.ID, true, 0, 10)
			if len(acted) != 1-i || err != nil {
				t.Errorf("%d are acted on, %v", len(acted), err)
			}
			item.Outcome = o
			ok, err := tx.SettleBulkItem(teamA, item)
			if ok != (i == 0) {
				t.Errorf("the outcome %s is taken: %v", o, ok)
			}
			return err
		})
	}
	mustRead(t, s, func(tx *Tx) error {
		got, err := tx.Bulk(teamA, b.ID)
		if got.Failed != 1 || got.Done != 0 || got.Waiting != 0 || got.Left() != 1 {
			t.Errorf("counts are %+v", got)
		}
		open, err2 := tx.BulkActs(teamA, b.ID, false, 0, 10)
		if len(open) != 1 || open[0].N != 2 || err2 != nil {
			t.Errorf("open are %+v, %v", open, err2)
		}
		return err
	})
}
