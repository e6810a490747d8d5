package store

import (
	"strings"
	"testing"

	"agentry/internal/fleet"
)

// plansOf are the plans of what a function asks.
func plansOf(t *testing.T, s *Store, ask func(tx *Tx) error) (plans []string) {
	t.Helper()
	mustRead(t, s, func(tx *Tx) error {
		kept := tx.stmts
		tx.stmts = &statements{db: s.reader}
		_ = ask(tx)
		asked := tx.stmts.seen
		tx.stmts = kept
		for query := range asked {
			plan, err := explain(tx, query, make([]any, placeholders(query)))
			if err != nil {
				return err
			}
			plans = append(plans, plan)
		}
		return nil
	})
	if len(plans) == 0 {
		t.Fatal("nothing was asked")
	}
	return plans
}

// A plot, a page of a log and a page of sparks read the part of an index that
// they show, in its order.
func TestUsageAndLogsWalkAnIndex(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{})
	insert(t, s, newAgent(teamA, "x"))
	for index, ask := range map[string]func(tx *Tx) error{
		"usage_days_1 (agent_id=? AND day>?)": func(tx *Tx) error { _, err := tx.UsageSummary("a", "2026-01-01"); return err },
		"usage_days_1 (agent_id=? AND day>? AND day<?)": func(tx *Tx) error {
			_, err := tx.Usage("a", UsageRange{From: "2026-01-01", To: "2026-03-31", Kinds: []string{"messages", "tokens"}, Incarnation: 1, Limit: 10})
			return err
		},
		"usage_days_1 (agent_id=? AND (day,kind,incarnation)>(?,?,?))": func(tx *Tx) error {
			_, err := tx.Usage("a", UsageRange{After: &fleet.Usage{Day: "2026-01-01", Kind: "x", Incarnation: 1}, Limit: 10})
			return err
		},
		"INDEX sqlite_autoindex_usage_days_1 (agent_id=? AND day>?)": func(tx *Tx) error {
			_, err := tx.DailyUsage(teamA, make([]fleet.AgentID, 50), []string{"messages", "invitations"}, "2026-01-01")
			return err
		},
		"audit_relaunches (agent_id=?)":   func(tx *Tx) error { _, err := tx.Relaunches(teamA, "a", t0, 10); return err },
		"logs_agent (agent_id=?)":         func(tx *Tx) error { _, err := tx.Logs("a", LogRange{Limit: 10}); return err },
		"logs_agent (agent_id=? AND id>?": func(tx *Tx) error { _, err := tx.Logs("a", LogRange{After: 5, Limit: 10}); return err },
		"logs_agent (agent_id=? AND id<?": func(tx *Tx) error {
			_, err := tx.Logs("a", LogRange{Before: 5, Limit: 10, Levels: []string{"warn"}})
			return err
		},
	} {
		for _, plan := range plansOf(t, s, ask) {
			byTeam := strings.Contains(plan, "(team_id=?)")
			if byTeam || !strings.Contains(plan, index) || strings.Contains(plan, "SCAN") || strings.Contains(plan, "FOR ORDER BY") && !strings.Contains(plan, "FOR GROUP BY") {
				t.Errorf("%s:\n%s", index, plan)
			}
		}
	}
}
