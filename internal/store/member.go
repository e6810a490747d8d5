package store

import (
	"database/sql"
	"time"

	"agentry/internal/fleet"
)

// InsertUser stores a new person; the e-mail is in lower case.
func (tx *Tx) InsertUser(u fleet.User, at time.Time) error {
	err := tx.run(`INSERT INTO users (id, email, name, password_hash, created_at) VALUES ($1, $2, $3, $4, $5)`,
		u.ID, u.Email, u.Name, u.PasswordHash, micros(at))
	if isDuplicate(err) {
		return fleet.Invalid("email", "is taken")
	}
	return err
}

const userQuery = `SELECT id, email, name, password_hash FROM users `

func userTargets(u *fleet.User) []any { return []any{&u.ID, &u.Email, &u.Name, &u.PasswordHash} }

// UserByEmail returns a person; ok is false when there is none.
func (tx *Tx) UserByEmail(email string) (u fleet.User, ok bool, err error) {
	ok, err = tx.one(userTargets(&u), userQuery+`WHERE email = $1`, email)
	return u, ok, err
}

// User returns a person; ok is false when there is none.
func (tx *Tx) User(id fleet.UserID) (u fleet.User, ok bool, err error) {
	ok, err = tx.one(userTargets(&u), userQuery+`WHERE id = $1`, id)
	return u, ok, err
}

// SetUserName stores what a person is called.
func (tx *Tx) SetUserName(id fleet.UserID, name string) error {
	return tx.run(`UPDATE users SET name = $1 WHERE id = $2`, name, id)
}

// SetPassword stores another password's hash in place of the former; false
// when that is not the present one any more.
func (tx *Tx) SetPassword(id fleet.UserID, former, hash string) (bool, error) {
	n, err := tx.exec(`UPDATE users SET password_hash = $1 WHERE id = $2 AND password_hash = $3`, hash, id, former)
	return n == 1, err
}

// InsertMember gives a user a role in a team.
func (tx *Tx) InsertMember(team fleet.TeamID, user fleet.UserID, role fleet.Role, at time.Time) error {
	err := tx.run(`INSERT INTO members (team_id, user_id, role, created_at) VALUES ($1, $2, $3, $4)`, team, user, role, micros(at))
	if isDuplicate(err) {
		return fleet.Invalid("email", "is a member already")
	}
	return err
}

const memberQuery = `SELECT m.team_id, t.name, u.id, u.email, u.name, m.role, m.created_at, m.seen_at
	FROM members m JOIN teams t ON t.id = m.team_id JOIN users u ON u.id = m.user_id `

func memberTargets(m *fleet.Member) []any {
	return []any{&m.TeamID, &m.TeamName, &m.User.ID, &m.User.Email, &m.User.Name, &m.Role, stamp{&m.JoinedAt}, stamp{&m.SeenAt}}
}

func (tx *Tx) members(condition string, values ...any) (list []fleet.Member, err error) {
	err = tx.each(func(rows *sql.Rows) error {
		var m fleet.Member
		err := rows.Scan(memberTargets(&m)...)
		list = append(list, m)
		return err
	}, memberQuery+condition, values...)
	return list, err
}

// Member returns a user's place in a team; ok is false when there is none.
func (tx *Tx) Member(team fleet.TeamID, user fleet.UserID) (m fleet.Member, ok bool, err error) {
	ok, err = tx.one(memberTargets(&m), memberQuery+`WHERE m.team_id = $1 AND m.user_id = $2`, team, user)
	return m, ok, err
}

// Members returns the team's members behind a user's id, in the order of ids.
func (tx *Tx) Members(team fleet.TeamID, after string, limit int) ([]fleet.Member, error) {
	return tx.members(`WHERE m.team_id = $1 AND m.user_id > $2 ORDER BY m.user_id LIMIT $3 + 0`, team, after, limit)
}

// CountMembers counts the team's members, and the owners among them.
func (tx *Tx) CountMembers(team fleet.TeamID) (all, owners int, err error) {
	_, err = tx.one([]any{&all, &owners}, `SELECT COUNT(*), COUNT(CASE WHEN role = 'owner' THEN 1 END) FROM members WHERE team_id = $1`, team)
	return all, owners, err
}

// Memberships returns a user's places, by team name.
func (tx *Tx) Memberships(user fleet.UserID) ([]fleet.Member, error) {
	return tx.members(`WHERE m.user_id = $1 ORDER BY t.name, t.id LIMIT 200`, user)
}

// PlaceAt returns the user's place in the team that has the agent, the
// certificate of a deleted one, or the bulk, with the id; ok is false when the user has
// none there or nothing has the id.
func (tx *Tx) PlaceAt(user fleet.UserID, id string) (m fleet.Member, ok bool, err error) {
	ok, err = tx.one(memberTargets(&m), memberQuery+`WHERE m.user_id = $1 AND m.team_id IN (
		SELECT team_id FROM agents WHERE id = $2 UNION ALL SELECT team_id FROM deletions WHERE id = $2 OR agent_id = $2
		UNION ALL SELECT team_id FROM bulks WHERE id = $2)`, user, id)
	return m, ok, err
}

// SetRole gives a member another role; false when the team has no such member.
func (tx *Tx) SetRole(team fleet.TeamID, user fleet.UserID, role fleet.Role) (bool, error) {
	n, err := tx.exec(`UPDATE members SET role = $1 WHERE team_id = $2 AND user_id = $3`, role, team, user)
	return n == 1, err
}

// TouchMember records that a member used the team.
func (tx *Tx) TouchMember(team fleet.TeamID, user fleet.UserID, at time.Time) error {
	return tx.run(`UPDATE members SET seen_at = $1 WHERE team_id = $2 AND user_id = $3`, micros(at), team, user)
}

// DeleteMember takes a user out of a team; false when there is no such member.
func (tx *Tx) DeleteMember(team fleet.TeamID, user fleet.UserID) (bool, error) {
	n, err := tx.exec(`DELETE FROM members WHERE team_id = $1 AND user_id = $2`, team, user)
	return n == 1, err
}
