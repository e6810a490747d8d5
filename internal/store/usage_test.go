package store

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

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

// A plot and a page of a log read the part of an index that they show, in its
// order.
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

// What is kept of late beside the run is what the counters say, also after a
// clock that went ahead and back, of days that are counted out of order, and in
// the transaction that counts.
func TestWhatWasCountedOfLate(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{})
	a := newAgent(teamA, "x")
	insert(t, s, a)
	rnd := rand.New(rand.NewPCG(1, 2))
	sums := map[string]int64{}
	last := time.Date(2026, 2, 10, 0, 0, 0, 0, time.UTC)
	check := func(tx *Tx, day time.Time) error {
		row, err := tx.Agent(teamA, a.ID)
		for i := range recentDays {
			at := day.AddDate(0, 0, -i).Format(time.DateOnly)
			if got := row.CountedOn(at); err == nil && got != sums[at] {
				return fmt.Errorf("%d on %s, counted were %d; last on %s", got, at, sums[at], day.Format(time.DateOnly))
			}
		}
		return err
	}
	for range 200 {
		last = last.AddDate(0, 0, rnd.IntN(9)-3)
		mustWrite(t, s, func(tx *Tx) error {
			var newest time.Time
			for range 1 + rnd.IntN(3) {
				at := last.AddDate(0, 0, rnd.IntN(5)-2)
				kind := []string{fleet.UsageMessages, fleet.UsageInvitations, "tokens"}[rnd.IntN(3)]
				n := rnd.Int64N(1_000_000)
				if err := tx.AddUsage(a.ID, at.Format(time.DateOnly), kind, 1+rnd.IntN(2), n); err != nil {
					return err
				}
				if kind != "tokens" {
					sums[at.Format(time.DateOnly)] += n
					newest = slices.MaxFunc([]time.Time{newest, at}, time.Time.Compare)
				}
			}
			if newest.IsZero() {
				return nil
			}
			return check(tx, newest)
		})
	}
}

// A file from before has what was counted of late as one that counted it.
func TestRecentOfAnOlderFile(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{})
	a, idle := newAgent(teamA, "x"), newAgent(teamA, "y")
	insert(t, s, a)
	insert(t, s, idle)
	mustWrite(t, s, func(tx *Tx) error {
		for i := range 40 {
			day := time.Date(2026, 3, 20, 0, 0, 0, 0, time.UTC).AddDate(0, 0, -i).Format(time.DateOnly)
			for j, kind := range []string{fleet.UsageMessages, fleet.UsageInvitations, "tokens"} {
				if err := tx.AddUsage(a.ID, day, kind, 1+i%2, int64(100*i+j)); err != nil {
					return err
				}
			}
		}
		return nil
	})
	recent := func() (list []string) {
		mustRead(t, s, func(tx *Tx) error {
			return tx.each(func(rows *sql.Rows) error {
				var text string
				err := rows.Scan(&text)
				list = append(list, text)
				return err
			}, `SELECT recent FROM runtimes ORDER BY agent_id`)
		})
		return list
	}
	before := recent()
	file, err := migrations.ReadFile("migrations/0017_recent.sql")
	if err != nil {
		t.Fatal(err)
	}
	_, fill, ok := strings.Cut(string(file), "UPDATE runtimes")
	if !ok {
		t.Fatal("the migration fills nothing in")
	}
	mustWrite(t, s, func(tx *Tx) error {
		if err := tx.run(`UPDATE runtimes SET recent = 'lost'`); err != nil {
			return err
		}
		return tx.run(`UPDATE runtimes` + fill)
	})
	if after := recent(); !slices.Equal(before, after) || !strings.Contains(before[0]+before[1], "2026-03-05:3001") {
		t.Errorf("counted: %q\nfilled in: %q", before, after)
	}
}
