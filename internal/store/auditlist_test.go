package store

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"agentry/internal/fleet"
)

// fillAudit writes n entries of a team, a second apart, of three actors, five
// actions and agents x and y; every tenth was refused.
func fillAudit(t *testing.T, s *Store, n int) {
	t.Helper()
	actions := []string{"start", "pause", "key.create", "key.revoke", "POST /v1/keys"}
	kinds := []fleet.ActorKind{fleet.ActorMember, fleet.ActorKey, fleet.ActorSystem}
	mustWrite(t, s, func(tx *Tx) error {
		for i := range n {
			e := fleet.AuditEntry{
				TeamID: teamA, At: t0.Add(time.Duration(i) * time.Second), ActorKind: kinds[i%3], ActorID: fmt.Sprint("actor ", i%3), ActorName: "Ann",
				Action: actions[i%5], AgentID: fleet.AgentID([]string{"x", "y", ""}[i%3]), Outcome: "done", Detail: map[string]any{"n": i},
			}
			if i%10 == 9 {
				e.Outcome = string(fleet.CodeForbidden)
			}
			if err := tx.AddAudit(e); err != nil {
				return err
			}
		}
		return tx.AddAudit(fleet.AuditEntry{TeamID: teamB, At: t0, ActorKind: fleet.ActorMember, ActorID: "actor 0", Action: "start", AgentID: "x", Outcome: "done"})
	})
}

// auditFilters are all shapes of filter, each with how many of 60 entries pass.
func auditFilters() map[string]struct {
	AuditFilter
	index string
	want  int
} {
	type row = struct {
		AuditFilter
		index string
		want  int
	}
	return map[string]row{
		"all":            {AuditFilter{}, "audit_team (team_id=?", 60},
		"agent":          {AuditFilter{Agents: []fleet.AgentID{"x"}}, "audit_agent (agent_id=?", 20},
		"two agents":     {AuditFilter{Agents: []fleet.AgentID{"x", "y"}}, "audit_agent (agent_id=?", 40},
		"actor":          {AuditFilter{Actors: []string{"actor 1"}}, "audit_actor (team_id=? AND actor_id=?", 20},
		"action":         {AuditFilter{Actions: []string{"pause"}}, "audit_action (team_id=? AND action=?", 12},
		"group":          {AuditFilter{Actions: []string{"key.create", "key.revoke"}}, "audit_action (team_id=? AND action=?", 24},
		"kind":           {AuditFilter{Kind: fleet.ActorKey}, "audit_kind (team_id=? AND actor_kind=?", 20},
		"done":           {AuditFilter{Outcome: "done"}, "audit_team (team_id=?", 54},
		"refused":        {AuditFilter{Outcome: "refused"}, "audit_refused (team_id=?", 6},
		"time":           {AuditFilter{From: t0.Add(10 * time.Second), To: t0.Add(20 * time.Second)}, "audit_team (team_id=? AND at>? AND at<?", 10},
		"agent, actor":   {AuditFilter{Agents: []fleet.AgentID{"x"}, Actors: []string{"actor 0"}}, "audit_agent (agent_id=?", 20},
		"agent, other":   {AuditFilter{Agents: []fleet.AgentID{"x"}, Actors: []string{"actor 1"}}, "audit_agent (agent_id=?", 0},
		"actor, action":  {AuditFilter{Actors: []string{"actor 0"}, Actions: []string{"start", "pause"}}, "audit_actor (team_id=? AND actor_id=?", 8},
		"action, kind":   {AuditFilter{Actions: []string{"start"}, Kind: fleet.ActorMember}, "audit_action (team_id=? AND action=?", 4},
		"action, time":   {AuditFilter{Actions: []string{"start"}, From: t0.Add(30 * time.Second)}, "audit_action (team_id=? AND action=? AND at>?", 6},
		"refused, actor": {AuditFilter{Actors: []string{"actor 0"}, Outcome: "refused"}, "audit_actor (team_id=? AND actor_id=?", 2},
	}
}

// Each filter finds what it should, in pages without a gap or a double, and
// counts the same behind an entry.
func TestAuditFilters(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{})
	insert(t, s, newAgent(teamA, "x"))
	fillAudit(t, s, 60)
	for name, c := range auditFilters() {
		mustRead(t, s, func(tx *Tx) error {
			var ids []int64
			var from *AuditPlace
			for {
				list, err := tx.Audit(teamA, c.AuditFilter, from, 7)
				if err != nil {
					return err
				}
				for _, e := range list {
					ids = append(ids, e.ID)
				}
				if len(list) < 7 {
					break
				}
				next := AuditPlaceOf(list[6])
				from = &next
			}
			if len(ids) != c.want || !slices.IsSortedFunc(ids, func(a, b int64) int { return int(b - a) }) || len(slices.Compact(slices.Clone(ids))) != len(ids) {
				t.Errorf("%s: %d entries, not %d, or out of order: %v", name, len(ids), c.want, ids)
			}
			n, err := tx.CountAuditAfter(teamA, c.AuditFilter, 0, 1000)
			if err != nil || n != c.want {
				t.Errorf("%s: counts %d, not %d", name, n, c.want)
			}
			n, err = tx.CountAuditAfter(teamA, c.AuditFilter, 0, 3)
			if n > 3 {
				t.Errorf("%s: counts %d beyond the limit", name, n)
			}
			return err
		})
	}
}

// Filters that together may find nothing look at a bounded number of entries at
// a time, and looking further back in turn finds all without a gap or a double.
func TestAuditLooksBackInTurns(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{})
	fillAudit(t, s, 60)
	for name, c := range auditFilters() {
		mustRead(t, s, func(tx *Tx) error {
			var ids []int64
			var from *AuditPlace
			turns, bounded := 0, false
			for ; turns < 100; turns++ {
				f := c.AuditFilter
				var err error
				if f.Back, err = tx.AuditBack(teamA, f, from, 6); err != nil {
					return err
				}
				list, err := tx.Audit(teamA, f, from, 7)
				if err != nil {
					return err
				}
				for _, e := range list {
					ids = append(ids, e.ID)
				}
				switch {
				case f.Back != nil && len(list) > 6:
					t.Errorf("%s: %d entries of 6 that were looked at", name, len(list))
				case f.Back != nil:
					from, bounded = f.Back, true
				case len(list) == 7:
					next := AuditPlaceOf(list[6])
					from = &next
				}
				if f.Back == nil && len(list) < 7 {
					break
				}
			}
			if want := strings.Contains(name, ",") && name != "action, time" || name == "done"; bounded != want {
				t.Errorf("%s: the search ends early: %v", name, bounded)
			}
			if len(ids) != c.want || !slices.IsSortedFunc(ids, func(a, b int64) int { return int(b - a) }) || len(slices.Compact(slices.Clone(ids))) != len(ids) {
				t.Errorf("%s: %d entries in %d turns, not %d, or out of order: %v", name, len(ids), turns, c.want, ids)
			}
			return nil
		})
	}
}

// A page of the audit is read from an index in order, whatever narrows it.
func TestAuditPlans(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{})
	for name, c := range auditFilters() {
		for place, from := range map[string]*AuditPlace{"first page": nil, "a page": {At: 5, ID: 5}} {
			mustRead(t, s, func(tx *Tx) error {
				query, values := auditQuery(teamA, c.AuditFilter, from, 51)
				plan, err := explain(tx, query, values)
				if err != nil {
					return err
				}
				for _, part := range strings.Split(plan, "CO-ROUTINE")[1:] {
					inner, _, _ := strings.Cut(part, "SCAN (subquery")
					if !strings.Contains(inner, c.index) || strings.Contains(inner, "B-TREE") || !strings.Contains(plan, "SEARCH n USING INTEGER") || !strings.Contains(plan, "SEARCH a USING INDEX") {
						t.Errorf("%s, %s: does not use %s in order:\n%s", name, place, c.index, plan)
					}
				}
				if !strings.Contains(plan, "CO-ROUTINE") {
					t.Errorf("%s, %s: has no page of its own:\n%s", name, place, plan)
				}
				return nil
			})
		}
	}
}

// plansOfAudit are looks for TestPlansOfWhatRunsOften.
func plansOfAudit() map[string]func(tx *Tx) error {
	return map[string]func(tx *Tx) error{
		"audit's news":    func(tx *Tx) error { _, err := tx.CountAuditAfter(teamA, AuditFilter{Kind: "key"}, 5, 10); return err },
		"audit's actions": func(tx *Tx) error { _, err := tx.AuditActions(teamA); return err },
		"LastAudit":       func(tx *Tx) error { _, err := tx.LastAudit(); return err },
		"AgentsNamed":     func(tx *Tx) error { _, err := tx.AgentsNamed(teamA, "n"); return err },
		"ActorsNamed":     func(tx *Tx) error { _, err := tx.ActorsNamed(teamA, "n"); return err },
	}
}
