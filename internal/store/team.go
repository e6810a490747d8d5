package store

import (
	"database/sql"
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
		WHERE t.paused_at > 0 LIMIT $1`, limit)
}

// LeftPaused returns agents that a team's pause took from running and whose
// team works again, of all teams.
func (tx *Tx) LeftPaused(limit int) ([]fleet.Run, error) {
	// Team by team, so that the agents of paused ones are not read.
	return tx.agentRefs(`WITH RECURSIVE c (v) AS (
			SELECT MIN(team_id) FROM agents WHERE team_paused = 1
			UNION ALL SELECT (SELECT MIN(team_id) FROM agents WHERE team_paused = 1 AND team_id > c.v) FROM c WHERE c.v IS NOT NULL)
		SELECT a.team_id, a.id FROM c CROSS JOIN agents a ON a.team_id = c.v AND a.team_paused = 1
		WHERE (SELECT t.paused_at FROM teams t WHERE t.id = c.v) = 0 LIMIT $1`, limit)
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

// InsertUser stores a new person; the e-mail is in lower case.
func (tx *Tx) InsertUser(u fleet.User, at time.Time) error {
	err := tx.run(`INSERT INTO users (id, email, name, password_hash, created_at) VALUES ($1, $2, $3, $4, $5)`,
		u.ID, u.Email, u.Name, u.PasswordHash, micros(at))
	if isDuplicate(err) {
		return fleet.Invalid("email", "is taken")
	}
	return err
}

// UserByEmail returns a person; ok is false when there is none.
func (tx *Tx) UserByEmail(email string) (u fleet.User, ok bool, err error) {
	ok, err = tx.one([]any{&u.ID, &u.Email, &u.Name, &u.PasswordHash}, `SELECT id, email, name, password_hash FROM users WHERE email = $1`, email)
	return u, ok, err
}

// InsertMember gives a user a role in a team.
func (tx *Tx) InsertMember(team fleet.TeamID, user fleet.UserID, role fleet.Role, at time.Time) error {
	err := tx.run(`INSERT INTO members (team_id, user_id, role, created_at) VALUES ($1, $2, $3, $4)`, team, user, role, micros(at))
	if isDuplicate(err) {
		return fleet.Invalid("email", "is a member already")
	}
	return err
}

const memberQuery = `SELECT m.team_id, t.name, u.id, u.email, u.name, m.role
	FROM members m JOIN teams t ON t.id = m.team_id JOIN users u ON u.id = m.user_id `

func memberTargets(m *fleet.Member) []any {
	return []any{&m.TeamID, &m.TeamName, &m.User.ID, &m.User.Email, &m.User.Name, &m.Role}
}

// Member returns a user's place in a team; ok is false when there is none.
func (tx *Tx) Member(team fleet.TeamID, user fleet.UserID) (m fleet.Member, ok bool, err error) {
	ok, err = tx.one(memberTargets(&m), memberQuery+`WHERE m.team_id = $1 AND m.user_id = $2`, team, user)
	return m, ok, err
}

// Memberships returns a user's places, by team name.
func (tx *Tx) Memberships(user fleet.UserID) (list []fleet.Member, err error) {
	err = tx.each(func(rows *sql.Rows) error {
		var m fleet.Member
		err := rows.Scan(memberTargets(&m)...)
		list = append(list, m)
		return err
	}, memberQuery+`WHERE m.user_id = $1 ORDER BY t.name, t.id LIMIT 200`, user)
	return list, err
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
