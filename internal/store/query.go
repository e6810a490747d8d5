package store

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"agentry/internal/fleet"
)

// exec runs a statement and returns how many rows it touched.
func (tx *Tx) exec(query string, args ...any) (int64, error) {
	tx.few = nil
	var r sql.Result
	var err error
	if stmt := tx.stmts.of(query); stmt != nil {
		r, err = tx.tx.StmtContext(tx.ctx, stmt).ExecContext(tx.ctx, args...)
	} else {
		r, err = tx.tx.ExecContext(tx.ctx, query, args...)
	}
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

func (tx *Tx) run(query string, args ...any) error {
	_, err := tx.exec(query, args...)
	return err
}

func (tx *Tx) query(query string, args ...any) (*sql.Rows, error) {
	if stmt := tx.stmts.of(query); stmt != nil {
		return tx.tx.StmtContext(tx.ctx, stmt).QueryContext(tx.ctx, args...)
	}
	return tx.tx.QueryContext(tx.ctx, query, args...)
}

// one scans the first row; ok is false when there is none.
func (tx *Tx) one(dest []any, query string, args ...any) (ok bool, err error) {
	var row *sql.Row
	if stmt := tx.stmts.of(query); stmt != nil {
		row = tx.tx.StmtContext(tx.ctx, stmt).QueryRowContext(tx.ctx, args...)
	} else {
		row = tx.tx.QueryRowContext(tx.ctx, query, args...)
	}
	err = row.Scan(dest...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// each scans every row with f.
func (tx *Tx) each(f func(rows *sql.Rows) error, query string, args ...any) error {
	rows, err := tx.query(query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := f(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// micros is how times are stored: microseconds since 1970 UTC, 0 for none.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func fromMicros(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMicro(n).UTC()
}

// stamp scans stored microseconds into a time.
type stamp struct{ to *time.Time }

// Scan is for database/sql.
func (s stamp) Scan(v any) error {
	n, ok := v.(int64)
	if !ok && v != nil {
		return fmt.Errorf("time column holds %T", v)
	}
	*s.to = fromMicros(n)
	return nil
}

// jsonText scans stored JSON; an empty column leaves the target as it is.
type jsonText struct{ to any }

// Scan is for database/sql.
func (j jsonText) Scan(v any) error {
	s, ok := v.(string)
	if !ok {
		return fmt.Errorf("JSON column holds %T", v)
	}
	if s == "" || s == "{}" || s == "[]" {
		return nil
	}
	return json.Unmarshal([]byte(s), j.to)
}

func toJSON(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err) // values here were checked to be JSON
	}
	return string(raw)
}

// likeContains is a LIKE pattern, with \ as escape, for a lower-case part.
func likeContains(part string) string {
	return "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(strings.ToLower(part)) + "%"
}

// AddEvent announces a change; subscribers hear of it after the commit.
func (tx *Tx) AddEvent(e fleet.Event) error {
	_, err := tx.one([]any{&e.Seq},
		`INSERT INTO events (team_id, agent_id, type, at) VALUES ($1, $2, $3, $4) RETURNING seq`,
		e.TeamID, e.AgentID, e.Type, micros(e.At))
	tx.events = append(tx.events, e)
	return err
}

// EventsAfter returns up to limit of the team's events behind after, oldest first.
func (tx *Tx) EventsAfter(team fleet.TeamID, after int64, limit int) (list []fleet.Event, err error) {
	err = tx.each(func(rows *sql.Rows) error {
		e := fleet.Event{TeamID: team}
		list = append(list, e)
		last := &list[len(list)-1]
		return rows.Scan(&last.Seq, &last.AgentID, &last.Type, stamp{&last.At})
	}, `SELECT seq, agent_id, type, at FROM events WHERE team_id = $1 AND seq > $2 ORDER BY seq LIMIT $3 + 0`, team, after, limit)
	return list, err
}

// LastEvent is the newest event of all teams, zero when there is none, and the
// oldest Seq that is still kept.
func (tx *Tx) LastEvent() (first int64, last fleet.EventMark, err error) {
	_, err = tx.one([]any{&first, &last.Seq, stamp{&last.At}},
		`SELECT (SELECT MIN(seq) FROM events), seq, at FROM events WHERE seq = (SELECT MAX(seq) FROM events)`)
	return first, last, err
}

// WasEvent tells whether the event of that number is the one that was then,
// of whichever team: a number in another history is not.
func (tx *Tx) WasEvent(m fleet.EventMark) (bool, error) {
	return tx.one([]any{new(int64)}, `SELECT seq FROM events WHERE seq = $1 AND at = $2`, m.Seq, micros(m.At))
}

// DropEvents looks at the oldest events, up to limit, and forgets those of
// before the instant and those that are not among the newest keep: always the
// beginning of the sequence, whatever times its events carry, so that none
// behind the oldest that is left is missing. The newest one stays, so that its
// number is known. It returns how many are gone.
func (tx *Tx) DropEvents(before time.Time, keep, limit int64) (int64, error) {
	return tx.exec(`WITH oldest AS (SELECT seq, at FROM events ORDER BY seq LIMIT $1 + 0), newest AS (SELECT MAX(seq) AS seq FROM events)
		DELETE FROM events WHERE seq IN (SELECT seq FROM oldest) AND seq < (SELECT seq FROM newest)
		AND (seq < (SELECT COALESCE(MIN(seq), (SELECT seq FROM newest)) FROM oldest WHERE at >= $2) OR seq <= (SELECT seq FROM newest) - $3)`,
		limit, micros(before), keep)
}

// Meta reads a named value of the installation; "" when unset.
func (tx *Tx) Meta(name string) (value string, err error) {
	_, err = tx.one([]any{&value}, `SELECT value FROM meta WHERE name = $1`, name)
	return value, err
}

// SetMeta stores a named value of the installation.
func (tx *Tx) SetMeta(name, value string) error {
	return tx.run(`INSERT INTO meta (name, value) VALUES ($1, $2)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, value)
}
