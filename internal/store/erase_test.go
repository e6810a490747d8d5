package store

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"agentry/internal/fleet"
)

// mentions counts, table by table, the rows in which some column holds the text.
func mentions(t *testing.T, s *Store, text string) map[string]int {
	t.Helper()
	out := map[string]int{}
	mustRead(t, s, func(tx *Tx) error {
		tables, err := column(tx, `SELECT name FROM sqlite_master WHERE type = 'table'`)
		if err != nil {
			return err
		}
		for _, table := range tables {
			columns, err := column(tx, `SELECT name FROM pragma_table_info($1)`, table)
			if err != nil {
				return err
			}
			var either []string
			for _, c := range columns {
				either = append(either, fmt.Sprintf(`INSTR(CAST("%s" AS TEXT), $1) > 0`, c))
			}
			var n int
			if _, err := tx.one([]any{&n}, `SELECT COUNT(*) FROM "`+table+`" WHERE `+strings.Join(either, " OR "), text); err != nil {
				return err
			}
			if n > 0 {
				out[table] = n
			}
		}
		return nil
	})
	return out
}

func column(tx *Tx, query string, values ...any) (list []string, err error) {
	rows, err := tx.query(query, values...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var v string
		if err := rows.Scan(&v); err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, rows.Err()
}

// A deleted agent is in no table but those that tell that it was deleted.
func TestDeletionLeavesNoRow(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{})
	a, other := newAgent(teamA, "Gone"), newAgent(teamA, "Stays")
	a.Tags, other.Tags = []string{"tag"}, []string{"tag"}
	wealth(t, s, a, "text")
	wealth(t, s, other, "text")
	before, others := mentions(t, s, string(a.ID)), mentions(t, s, string(other.ID))
	for _, table := range referring(t, s) {
		if before[table] == 0 {
			t.Errorf("%s refers to agents, and the test put no row into it", table)
		}
	}
	mustWrite(t, s, func(tx *Tx) error {
		if err := tx.InsertDeletion(fleet.Deletion{ID: "d", TeamID: teamA, AgentID: a.ID, At: t0}); err != nil {
			return err
		}
		return tx.DeleteAgent(a)
	})
	left := mentions(t, s, string(a.ID))
	for table, n := range left {
		if !slices.Contains([]string{"audit", "events", "deletions", "resources", "bulk_items"}, table) {
			t.Errorf("%d rows of %s are left", n, table)
		}
	}
	if len(left) != 5 {
		t.Errorf("what tells of the deletion is gone too: %v", left)
	}
	if now := mentions(t, s, string(other.ID)); fmt.Sprint(now) != fmt.Sprint(others) {
		t.Errorf("another agent lost rows: %v, had %v", now, others)
	}
	again := newAgent(teamB, "Again")
	again.ID = a.ID
	if err := s.Write(t.Context(), func(tx *Tx) error { return tx.InsertAgent(again, nil) }); fleet.CodeOf(err) != fleet.CodeConflict {
		t.Error("a deleted agent's id was given again:", err)
	}
}

// referring lists the tables that have a column agent_id, but those that tell
// of a deletion.
func referring(t *testing.T, s *Store) (list []string) {
	mustRead(t, s, func(tx *Tx) (err error) {
		list, err = column(tx, `SELECT m.name FROM sqlite_master m JOIN pragma_table_info(m.name) c ON c.name = 'agent_id'
			WHERE m.type = 'table' AND m.name <> 'deletions'`)
		return err
	})
	if len(list) < 12 {
		t.Fatalf("only %q refer to agents", list)
	}
	return list
}

// Deleted means gone from the files within five seconds, also while others
// write and read all the time.
func TestErasedIsInNoFile(t *testing.T) {
	for name, busy := range map[string]bool{"idle": false, "busy": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openStore(t, Options{})
			path := fileOf(t, s)
			const canary = "Canary-7f3a9c"
			var agents []fleet.Agent
			for i := range 20 {
				a := newAgent(teamA, fmt.Sprint(canary, " ", i))
				a.Tags, a.Login, a.Settings = []string{canary}, canary+"@example.com", fleet.Settings{"s": canary}
				wealth(t, s, a, canary+strings.Repeat(" long", 2000))
				agents = append(agents, a)
			}
			// Part of it must be in the database file, not only in the log.
			if !s.checkpoint() || !holds(t, path, canary) {
				t.Fatal("the canary never came into the file")
			}
			stop := make(chan struct{})
			var all sync.WaitGroup
			defer all.Wait()
			defer close(stop)
			if busy {
				for w := range 4 {
					all.Go(func() { keepBusy(t, s, w, stop) })
				}
			}
			mustWrite(t, s, func(tx *Tx) error {
				for _, a := range agents {
					if err := tx.DeleteAgent(a); err != nil {
						return err
					}
				}
				return nil
			})
			began := time.Now()
			s.Erased()
			eventually(t, "the canary is gone", func() bool { return !holds(t, path, canary) })
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("it took %s", took)
			}
		})
	}
}

func keepBusy(t *testing.T, s *Store, w int, stop chan struct{}) {
	for i := 0; ; i++ {
		select {
		case <-stop:
			return
		default:
		}
		err := s.Write(context.Background(), func(tx *Tx) error { return tx.SetMeta(fmt.Sprint("busy", w, i%50), fmt.Sprint(i)) })
		if err == nil {
			err = s.Read(context.Background(), func(tx *Tx) error {
				_, err := tx.Agents(teamA, AgentFilter{}, AgentOrder{}, nil, 50)
				return err
			})
		}
		if err != nil {
			t.Error(err)
			return
		}
	}
}

func fileOf(t *testing.T, s *Store) (path string) {
	t.Helper()
	if err := s.writer.QueryRow(`SELECT file FROM pragma_database_list WHERE name = 'main'`).Scan(&path); err != nil {
		t.Fatal(err)
	}
	return path
}

// holds tells whether the text is in the database or in any file beside it.
func holds(t *testing.T, path, text string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(raw, []byte(text)) {
			return true
		}
	}
	return false
}
