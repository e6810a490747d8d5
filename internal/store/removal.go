package store

import (
	"database/sql"
	"time"

	"agentry/internal/fleet"
)

// AddRemoval records what is to be deleted outside.
func (tx *Tx) AddRemoval(r fleet.Removal) error {
	return tx.run(`INSERT INTO removals (agent_id, team_id, kind, created_at, tries, next_try, last_error) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		r.AgentID, r.TeamID, r.Kind, micros(r.CreatedAt), r.Tries, micros(r.NextTry), r.LastError)
}

// DueRemovals returns removals of all teams that may be tried now, the longest
// due first. A next try later than after is of a clock that was set back since.
func (tx *Tx) DueRemovals(now, after time.Time, limit int) (list []fleet.Removal, err error) {
	err = tx.each(func(rows *sql.Rows) error {
		var r fleet.Removal
		err := rows.Scan(&r.AgentID, &r.TeamID, &r.Kind, stamp{&r.CreatedAt}, &r.Tries, stamp{&r.NextTry}, &r.LastError)
		list = append(list, r)
		return err
	}, `SELECT agent_id, team_id, kind, created_at, tries, next_try, last_error FROM removals
		WHERE next_try <= $1 OR next_try > $2 ORDER BY next_try, agent_id LIMIT $3`, micros(now), micros(after), limit)
	return list, err
}

// SetRemoval stores a try that did not work.
func (tx *Tx) SetRemoval(r fleet.Removal) error {
	return tx.run(`UPDATE removals SET tries = $1, next_try = $2, last_error = $3 WHERE agent_id = $4 AND team_id = $5`,
		r.Tries, micros(r.NextTry), r.LastError, r.AgentID, r.TeamID)
}

// DropRemoval forgets a removal that was confirmed; false when it was before.
func (tx *Tx) DropRemoval(team fleet.TeamID, id fleet.AgentID) (bool, error) {
	n, err := tx.exec(`DELETE FROM removals WHERE agent_id = $1 AND team_id = $2`, id, team)
	return n == 1, err
}
