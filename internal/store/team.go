package store

import (
	"time"

	"agentry/internal/fleet"
)

// InsertTeam stores a new team.
func (tx *Tx) InsertTeam(t fleet.Team) error {
	return tx.run(`INSERT INTO teams (id, name, created_at) VALUES ($1, $2, $3)`, t.ID, t.Name, micros(t.CreatedAt))
}

// Team returns a team.
func (tx *Tx) Team(id fleet.TeamID) (t fleet.Team, err error) {
	var p fleet.TeamPause
	ok, err := tx.one([]any{&t.ID, &t.Name, stamp{&t.CreatedAt}, stamp{&p.At}, &p.By, &p.Note},
		`SELECT id, name, created_at, paused_at, paused_by, pause_note FROM teams WHERE id = $1`, id)
	if err == nil && !ok {
		err = fleet.Errorf(fleet.CodeNotFound, "Team not found")
	}
	if !p.At.IsZero() {
		t.Pause = &p
	}
	return t, err
}

// SetTeamPause pauses a team, or with nil lets it work again; false when it is
// so already.
func (tx *Tx) SetTeamPause(team fleet.TeamID, p *fleet.TeamPause) (bool, error) {
	if p == nil {
		n, err := tx.exec(`UPDATE teams SET paused_at = 0, paused_by = '', pause_note = '' WHERE id = $1 AND paused_at > 0`, team)
		return n == 1, err
	}
	n, err := tx.exec(`UPDATE teams SET paused_at = $1, paused_by = $2, pause_note = $3 WHERE id = $4 AND paused_at = 0`, micros(p.At), p.By, p.Note, team)
	return n == 1, err
}

// RunningInPause returns agents that run though their team is paused, of all
// teams.
func (tx *Tx) RunningInPause(limit int) ([]fleet.Run, error) {
	return tx.agentRefs(`SELECT a.team_id, a.id FROM teams t CROSS JOIN agents a ON a.team_id = t.id AND a.status = 'running'
		WHERE t.paused_at > 0 LIMIT $1 + 0`, limit)
}

// LeftPaused returns agents that a team's pause took from running and whose
// team works again, of all teams.
func (tx *Tx) LeftPaused(limit int) ([]fleet.Run, error) {
	// Team by team, so that the agents of paused ones are not read.
	return tx.agentRefs(`WITH RECURSIVE c (v) AS (
			SELECT MIN(team_id) FROM agents WHERE team_paused = 1
			UNION ALL SELECT (SELECT MIN(team_id) FROM agents WHERE team_paused = 1 AND team_id > c.v) FROM c WHERE c.v IS NOT NULL)
		SELECT a.team_id, a.id FROM c CROSS JOIN agents a ON a.team_id = c.v AND a.team_paused = 1
		WHERE (SELECT t.paused_at FROM teams t WHERE t.id = c.v) = 0 LIMIT $1 + 0`, limit)
}

// CountTeamPaused counts the agents that the team's pause took from running,
// and those that still run.
func (tx *Tx) CountTeamPaused(team fleet.TeamID) (paused, running int64, err error) {
	_, err = tx.one([]any{&paused, &running}, `SELECT (SELECT COUNT(*) FROM agents WHERE team_id = $1 AND team_paused = 1),
		(SELECT COALESCE(SUM(n), 0) FROM agent_counts WHERE team_id = $1 AND status = 'running')`, team)
	return paused, running, err
}

// CountTeams counts all teams.
func (tx *Tx) CountTeams() (n int, err error) {
	_, err = tx.one([]any{&n}, `SELECT COUNT(*) FROM teams`)
	return n, err
}

// OldestTeam is the team that was made first; "" when there is none.
func (tx *Tx) OldestTeam() (id fleet.TeamID, err error) {
	_, err = tx.one([]any{&id}, `SELECT id FROM teams ORDER BY created_at, id LIMIT 1`)
	return id, err
}

// SetTeamName stores what a team is called.
func (tx *Tx) SetTeamName(team fleet.TeamID, name string) error {
	return tx.run(`UPDATE teams SET name = $1 WHERE id = $2`, name, team)
}

// SetFirstRun keeps the hash of the one-time link in place of a former one.
func (tx *Tx) SetFirstRun(tokenHash []byte, expires time.Time) error {
	if err := tx.DropFirstRun(); err != nil {
		return err
	}
	return tx.run(`INSERT INTO first_run (token_hash, expires_at) VALUES ($1, $2)`, tokenHash, micros(expires))
}

// FirstRunValid tells whether the link's token is the present one.
func (tx *Tx) FirstRunValid(tokenHash []byte, at time.Time) (bool, error) {
	var n int
	return tx.one([]any{&n}, `SELECT 1 FROM first_run WHERE token_hash = $1 AND expires_at > $2`, tokenHash, micros(at))
}

// DropFirstRun voids the link.
func (tx *Tx) DropFirstRun() error { return tx.run(`DELETE FROM first_run`) }
