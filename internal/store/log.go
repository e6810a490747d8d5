package store

import (
	"database/sql"
	"slices"

	"agentry/internal/fleet"
)

// MaxLogLines is how many of an agent's newest lines are kept, about:
// trimEvery says how often somebody looks.
const MaxLogLines = 5000

// Finding the oldest line to keep costs as much as hundreds of lines, so it is
// done once in so many lines of all agents.
const trimEvery = 100

// AddLogs stores lines of an agent and drops its oldest beyond MaxLogLines.
func (tx *Tx) AddLogs(id fleet.AgentID, lines []fleet.LogLine) error {
	trim := false
	for _, l := range lines {
		var line int64
		if _, err := tx.one([]any{&line}, `INSERT INTO logs (agent_id, at, epoch, level, text) VALUES ($1, $2, $3, $4, $5) RETURNING id`,
			id, micros(l.At), l.Epoch, l.Level, l.Text); err != nil {
			return err
		}
		trim = trim || line%trimEvery == 0
	}
	if !trim {
		return nil
	}
	return tx.run(`DELETE FROM logs WHERE agent_id = $1 AND id <= (SELECT id FROM logs WHERE agent_id = $1 ORDER BY id DESC LIMIT 1 OFFSET $2)`, id, MaxLogLines)
}

// LogRange is a part of an agent's log. FromStart or an After make it the
// lines from there on; else it is the newest, of those before Before.
type LogRange struct {
	// After and Before are ids of lines outside the part; 0 is none.
	After, Before int64
	FromStart     bool
	// Levels empty is all.
	Levels []string
	Limit  int
}

// Logs returns a part of an agent's log, oldest first.
func (tx *Tx) Logs(id fleet.AgentID, r LogRange) ([]fleet.LogLine, error) {
	w := &where{}
	cond := `agent_id = ` + w.arg(id)
	if r.After > 0 {
		cond += ` AND id > ` + w.arg(r.After)
	}
	if r.Before > 0 {
		cond += ` AND id < ` + w.arg(r.Before)
	}
	if len(r.Levels) > 0 {
		cond += ` AND level IN (` + args(w, r.Levels) + `)`
	}
	forward := r.FromStart || r.After > 0
	order := ` ORDER BY id DESC`
	if forward {
		order = ` ORDER BY id`
	}
	var list []fleet.LogLine
	err := tx.each(func(rows *sql.Rows) error {
		l, err := scanLog(rows)
		list = append(list, l)
		return err
	}, `SELECT id, at, epoch, level, text FROM logs WHERE `+cond+order+w.limit(r.Limit), w.args...)
	if !forward {
		slices.Reverse(list)
	}
	return list, err
}

func scanLog(rows *sql.Rows) (l fleet.LogLine, err error) {
	err = rows.Scan(&l.ID, stamp{&l.At}, &l.Epoch, &l.Level, &l.Text)
	return l, err
}
