package store

import (
	"database/sql"
	"slices"

	"agentry/internal/fleet"
)

// MaxLogLines is how many of an agent's newest lines are kept.
const MaxLogLines = 5000

// AddLogs stores lines of an agent and drops its oldest beyond MaxLogLines.
func (tx *Tx) AddLogs(id fleet.AgentID, lines []fleet.LogLine) error {
	for _, l := range lines {
		if err := tx.run(`INSERT INTO logs (agent_id, at, epoch, level, text) VALUES ($1, $2, $3, $4, $5)`,
			id, micros(l.At), l.Epoch, l.Level, l.Text); err != nil {
			return err
		}
	}
	return tx.run(`DELETE FROM logs WHERE agent_id = $1 AND id <= (SELECT id FROM logs WHERE agent_id = $1 ORDER BY id DESC LIMIT 1 OFFSET $2)`, id, MaxLogLines)
}

// Logs returns up to limit lines with an id over after, oldest first; after 0
// means the newest ones. Levels empty is all.
func (tx *Tx) Logs(id fleet.AgentID, after int64, levels []string, limit int) ([]fleet.LogLine, error) {
	w := &where{}
	cond := `agent_id = ` + w.arg(id)
	if len(levels) > 0 {
		cond += ` AND level IN (` + args(w, levels) + `)`
	}
	order := ` ORDER BY id DESC LIMIT `
	if after > 0 {
		cond += ` AND id > ` + w.arg(after)
		order = ` ORDER BY id LIMIT `
	}
	var list []fleet.LogLine
	err := tx.each(func(rows *sql.Rows) error {
		var l fleet.LogLine
		err := rows.Scan(&l.ID, stamp{&l.At}, &l.Epoch, &l.Level, &l.Text)
		list = append(list, l)
		return err
	}, `SELECT id, at, epoch, level, text FROM logs WHERE `+cond+order+w.arg(limit), w.args...)
	if after == 0 {
		slices.Reverse(list)
	}
	return list, err
}
