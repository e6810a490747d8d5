package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"agentry/internal/fleet"
)

// migratedTo is a database as the migrations up to a number leave it.
func migratedTo(t *testing.T, path string, number int64) *sql.DB {
	t.Helper()
	db, err := open(writeDSN(path), 1)
	if err != nil {
		t.Fatal(err)
	}
	p, err := schemas(db)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.UpTo(context.Background(), number); err != nil {
		t.Fatal(err)
	}
	return db
}

const oldTeam = `INSERT INTO teams (id, name, created_at) VALUES ('team', 'Team', 1)`

// oldAgent is a statement for an agent of the time before the ledger.
func oldAgent(id, kind string, incarnation int) string {
	return fmt.Sprintf(`INSERT INTO agents (id, team_id, name, kind, status, observed, login, country, avatar, tags, days, starts, stops, timezone,
		invitations_min, invitations_max, messages_min, messages_max, settings, incarnation, version, set_up, protected, end_reason, ended_at,
		pause_note, paused_by, resume_at, status_at, open_alerts, draft, search, created_at, updated_at)
		VALUES ('%s', 'team', 'Ann', '%s', 'running', 'up', '', '', '', '[]', '', '', '', 'UTC', 0, 0, 0, 0, '{}', %d, 1, 1, '', '', 0,
		'', '', 0, 0, 1, '', '', 1700000000000000, 1700000009000000)`, id, kind, incarnation)
}

func run(t *testing.T, db *sql.DB, statements ...string) {
	t.Helper()
	for _, one := range statements {
		if _, err := db.Exec(one); err != nil {
			t.Fatal(err)
		}
	}
}

// reopen opens the database as this version does.
func reopen(t *testing.T, old *sql.DB, path string) *Store {
	t.Helper()
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// A large file takes seconds to be brought up to date, so a server says that it
// does, before; a new file and one that is up to date have nothing to say.
func TestAnUpgradeIsTold(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.db")
	var said strings.Builder
	open := func(path string) string {
		t.Helper()
		said.Reset()
		s, err := Open(t.Context(), path, Options{Log: slog.New(slog.NewTextHandler(&said, nil))})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		return said.String()
	}
	if err := migratedTo(t, path, 16).Close(); err != nil {
		t.Fatal(err)
	}
	if got := open(path); !strings.Contains(got, "brought up to date") || !strings.Contains(got, "schema=16") {
		t.Errorf("an upgrade says %q", got)
	}
	if got := open(path) + open(filepath.Join(t.TempDir(), "new.db")); got != "" {
		t.Errorf("without an upgrade: %q", got)
	}
}

// Alerts of before there were any of a team alone are kept as they are.
func TestAlertsAreMigrated(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.db")
	old := migratedTo(t, path, 8)
	run(t, old, oldTeam, oldAgent("agent", "k", 1),
		`INSERT INTO alerts (id, team_id, agent_id, type, sub_type, message, severity, state, n, by_name, until, created_at, updated_at, recovered)
			VALUES ('1', 'team', 'agent', 't', 's', 'first', 'info', 'resolved', 3, 'Bo', 0, 5, 6, 1),
				('2', 'team', 'agent', 't', 's', 'second', 'error', 'open', 1, '', 0, 7, 8, 0),
				('3', 'team', 'agent', 't', 'x', 'third', 'warning', 'snoozed', 2, 'Bo', 99, 9, 10, 0)`)
	s := reopen(t, old, path)
	rows := func(tx *Tx) string {
		list, err := column(tx, `SELECT CONCAT_WS('|', id, team_id, agent_id, type, sub_type, message, severity, state, n, by_name, until, recovered, created_at, updated_at) FROM alerts ORDER BY id`)
		if err != nil {
			t.Error(err)
		}
		return strings.Join(list, "\n")
	}
	mustWrite(t, s, func(tx *Tx) error {
		want := "1|team|agent|t|s|first|info|resolved|3|Bo|0|1|5|6\n" +
			"2|team|agent|t|s|second|error|open|1||0|0|7|8\n" +
			"3|team|agent|t|x|third|warning|snoozed|2|Bo|99|0|9|10"
		if got := rows(tx); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
		if list, err := tx.DueSnoozes(time.UnixMicro(99), 10); len(list) != 1 || list[0].AlertID != "3" || err != nil {
			t.Errorf("%+v, %v", list, err)
		}
		if err := tx.InsertAlert("team", teamAlert("4", "s", fleet.AlertOpen)); err != nil {
			return err
		}
		if err := tx.run(`DELETE FROM agents WHERE id = 'agent'`); err != nil {
			return err
		}
		if got := rows(tx); !strings.HasPrefix(got, "4|team|vendor") || strings.Contains(got, "\n") {
			t.Errorf("with the agent gone:\n%s", got)
		}
		return nil
	})
}

// Before the ledger, agents in other servers were known by their runs, and
// those to be deleted there by a table of their own.
func TestRemovalsAreMigrated(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.db")
	old := migratedTo(t, path, 9)
	runtime := func(id, driver string, epoch, started int) string {
		return fmt.Sprintf(`INSERT INTO runtimes (agent_id, team_id, wanted, fresh, epoch, driver, handle, autonomy, settings, started_at,
			last_heard_at, restarts, failures, next_try, last_error, total_invitations, total_messages, today, today_invitations, today_messages)
			VALUES ('%s', 'team', 0, 0, %d, '%s', '', 0, '{}', %d, 0, 0, 0, 0, '', 0, 0, '', 0, 0)`, id, epoch, driver, started)
	}
	run(t, old, oldTeam,
		oldAgent("ELIZA", "eliza", 3), runtime("ELIZA", "elizaos", 7, 1700000005000000),
		oldAgent("rested", "eliza", 2), runtime("rested", "elizaos", 1, 0),
		oldAgent("fresh", "eliza", 1), runtime("fresh", "", 0, 0),
		oldAgent("local", "k", 1), runtime("local", "process", 2, 1),
		`INSERT INTO deletions (id, team_id, agent_id, at, by_kind, by_name, reason, removed, incarnation, export_sha256)
			VALUES ('d', 'team', 'gone', 1, 'member', 'Bo', '', '{}', 4, '')`,
		`INSERT INTO removals (agent_id, team_id, kind, created_at, tries, next_try, last_error)
			VALUES ('gone', 'team', 'eliza', 1700000001000000, 5, 1700000002000000, 'no answer'), ('older', 'team', 'other', 1600000001000000, 0, 8, '')`)
	s := reopen(t, old, path)
	mustRead(t, s, func(tx *Tx) error {
		list, err := tx.Resources("team", ResourceFilter{}, "", 10)
		var got []string
		ids := map[string]bool{}
		for _, r := range list {
			id, ok := fleet.ParseID(r.ID)
			ids[id] = ok
			got = append(got, fmt.Sprintf("%s %s %s %s %q %d: %s since %d, held %d, %d tries, next %d, %q, turn %d, made %d", r.AgentID, r.Type, r.Vendor, r.Label, r.ExternalID,
				r.Incarnation, r.State, micros(r.StateAt), micros(r.HeldAt), r.Tries, micros(r.NextTry), r.LastError, r.Turn, micros(r.CreatedAt)))
		}
		slices.Sort(got)
		want := []string{
			`ELIZA agent eliza eliza "eliza" 3: held since 1700000005000000, held 1700000005000000, 0 tries, next 0, "", turn 0, made 1700000000000000`,
			`gone agent eliza eliza "gone" 4: releasing since 1700000001000000, held 0, 5 tries, next 1700000002000000, "no answer", turn 0, made 1700000001000000`,
			`older agent other other "older" 1: releasing since 1600000001000000, held 0, 0 tries, next 8, "", turn 0, made 1600000001000000`,
			`rested agent eliza eliza "rested" 2: held since 1700000000000000, held 1700000000000000, 0 tries, next 0, "", turn 0, made 1700000000000000`,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if len(ids) != 4 || ids[""] {
			t.Errorf("ids that are none, or are the same: %v", ids)
		}
		// The ids tell when the rows began, as those that are made in Go.
		if last := list[len(list)-1]; last.AgentID != "older" || last.ID[:13] != fleet.NewID(last.CreatedAt)[:13] {
			t.Errorf("the oldest is %s, %s, of %v", last.AgentID, last.ID, last.CreatedAt)
		}
		open, err2 := tx.OpenResources("", 10)
		if len(open) != 2 || open[0].AgentID != "older" {
			t.Errorf("to be worked on: %+v", open)
		}
		return errors.Join(err, err2)
	})
}
