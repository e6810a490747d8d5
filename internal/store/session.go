package store

import (
	"database/sql"
	"time"

	"agentry/internal/fleet"
)

const sessionColumns = `id, user_id, team_id, data, user_agent, created_at, seen_at, expires_at`

func sessionTargets(s *fleet.Session) []any {
	return []any{&s.ID, &s.UserID, &s.TeamID, &s.Data, &s.UserAgent, stamp{&s.CreatedAt}, stamp{&s.SeenAt}, stamp{&s.ExpiresAt}}
}

// SaveSession stores a new session under its token's hash.
func (tx *Tx) SaveSession(tokenHash []byte, s fleet.Session) error {
	return tx.run(`INSERT INTO sessions (token_hash, `+sessionColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		tokenHash, s.ID, s.UserID, s.TeamID, s.Data, s.UserAgent, micros(s.CreatedAt), micros(s.SeenAt), micros(s.ExpiresAt))
}

// SessionByToken returns a session, which may have expired; ok is false when
// there is none.
func (tx *Tx) SessionByToken(tokenHash []byte) (s fleet.Session, ok bool, err error) {
	ok, err = tx.one(sessionTargets(&s), `SELECT `+sessionColumns+` FROM sessions WHERE token_hash = $1`, tokenHash)
	return s, ok, err
}

// TouchSession records that a session was used.
func (tx *Tx) TouchSession(id string, at time.Time) error {
	return tx.run(`UPDATE sessions SET seen_at = $1 WHERE id = $2`, micros(at), id)
}

// UserSessions returns a user's live sessions, newest first.
func (tx *Tx) UserSessions(user fleet.UserID, at time.Time) (list []fleet.Session, err error) {
	err = tx.each(func(rows *sql.Rows) error {
		var s fleet.Session
		err := rows.Scan(append(sessionTargets(&s), &s.TeamName)...)
		list = append(list, s)
		return err
	}, `SELECT `+sessionColumns+`, COALESCE((SELECT t.name FROM teams t WHERE t.id = sessions.team_id), '')
		FROM sessions WHERE user_id = $1 AND expires_at > $2 ORDER BY id DESC LIMIT 200`, user, micros(at))
	return list, err
}

// DropSessionToken ends the session with the token.
func (tx *Tx) DropSessionToken(tokenHash []byte) error {
	return tx.run(`DELETE FROM sessions WHERE token_hash = $1`, tokenHash)
}

// DropSession ends one of the user's sessions and says in which team it was;
// ok is false when there is no such one.
func (tx *Tx) DropSession(user fleet.UserID, id string) (team fleet.TeamID, ok bool, err error) {
	ok, err = tx.one([]any{&team}, `DELETE FROM sessions WHERE user_id = $1 AND id = $2 RETURNING team_id`, user, id)
	return team, ok, err
}

// DropSessions ends the user's sessions but the one to keep ("" is none), and
// returns in which teams they were, one for each session.
func (tx *Tx) DropSessions(user fleet.UserID, keep string) (teams []fleet.TeamID, err error) {
	err = tx.each(func(rows *sql.Rows) error {
		var team fleet.TeamID
		err := rows.Scan(&team)
		teams = append(teams, team)
		return err
	}, `DELETE FROM sessions WHERE user_id = $1 AND id <> $2 RETURNING team_id`, user, keep)
	return teams, err
}

// DropMemberSessions ends the sessions that a user has in a team, and says how
// many there were.
func (tx *Tx) DropMemberSessions(team fleet.TeamID, user fleet.UserID) (int64, error) {
	return tx.exec(`DELETE FROM sessions WHERE user_id = $1 AND team_id = $2`, user, team)
}

// HasExpired tells whether there is something for DropExpiredSessions,
// MarkExpiredKeys or MarkExpiredInvitations.
func (tx *Tx) HasExpired(at time.Time) (bool, error) {
	var n int
	return tx.one([]any{&n}, `SELECT 1 FROM sessions WHERE expires_at <= $1
		UNION ALL SELECT 1 FROM api_keys WHERE expires_at > 0 AND expires_at <= $1 AND expired_at = 0
		UNION ALL SELECT 1 FROM invitations WHERE expires_at <= $1 AND expired_at = 0 AND accepted_at = 0 AND revoked_at = 0 LIMIT 1`, micros(at))
}

// DropExpiredSessions forgets sessions that are over.
func (tx *Tx) DropExpiredSessions(at time.Time) error {
	return tx.run(`DELETE FROM sessions WHERE expires_at <= $1`, micros(at))
}
