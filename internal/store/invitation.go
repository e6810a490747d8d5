package store

import (
	"database/sql"
	"time"

	"agentry/internal/fleet"
)

const invitationQuery = `SELECT i.id, i.team_id, t.name, i.email, i.role, i.by_kind, i.by_id, i.by_name,
	i.created_at, i.expires_at, i.accepted_at, i.revoked_at, i.expired_at FROM invitations i JOIN teams t ON t.id = i.team_id `

func invitationTargets(i *fleet.Invitation) []any {
	return []any{&i.ID, &i.TeamID, &i.TeamName, &i.Email, &i.Role, &i.ByKind, &i.ByID, &i.By,
		stamp{&i.CreatedAt}, stamp{&i.ExpiresAt}, stamp{&i.AcceptedAt}, stamp{&i.RevokedAt}, stamp{&i.ExpiredAt}}
}

// InsertInvitation stores a new invitation by its token's hash.
func (tx *Tx) InsertInvitation(i fleet.Invitation, tokenHash []byte) error {
	return tx.run(`INSERT INTO invitations (id, team_id, email, role, token_hash, by_kind, by_id, by_name, created_at, expires_at, accepted_at, revoked_at, expired_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, 0, 0)`,
		i.ID, i.TeamID, i.Email, i.Role, tokenHash, i.ByKind, i.ByID, i.By, micros(i.CreatedAt), micros(i.ExpiresAt))
}

// InvitationByToken returns an invitation, which may be over; ok is false when
// there is none.
func (tx *Tx) InvitationByToken(tokenHash []byte) (i fleet.Invitation, ok bool, err error) {
	ok, err = tx.one(invitationTargets(&i), invitationQuery+`WHERE i.token_hash = $1`, tokenHash)
	return i, ok, err
}

// Invitation returns one of the team's open invitations; ok is false when
// there is none.
func (tx *Tx) Invitation(team fleet.TeamID, id string) (i fleet.Invitation, ok bool, err error) {
	ok, err = tx.one(invitationTargets(&i), invitationQuery+`WHERE i.team_id = $1 AND i.id = $2 AND i.accepted_at = 0 AND i.revoked_at = 0`, team, id)
	return i, ok, err
}

// InvitationOf returns the team's open invitation of an e-mail address; ok is
// false when there is none.
func (tx *Tx) InvitationOf(team fleet.TeamID, email string) (i fleet.Invitation, ok bool, err error) {
	ok, err = tx.one(invitationTargets(&i), invitationQuery+`WHERE i.team_id = $1 AND i.email = $2 AND i.accepted_at = 0 AND i.revoked_at = 0`, team, email)
	return i, ok, err
}

// Invitations returns the team's open invitations behind an id, oldest first.
func (tx *Tx) Invitations(team fleet.TeamID, after string, limit int) (list []fleet.Invitation, err error) {
	err = tx.each(func(rows *sql.Rows) error {
		var i fleet.Invitation
		err := rows.Scan(invitationTargets(&i)...)
		list = append(list, i)
		return err
	}, invitationQuery+`WHERE i.team_id = $1 AND i.id > $2 AND i.accepted_at = 0 AND i.revoked_at = 0 ORDER BY i.id LIMIT $3 + 0`, team, after, limit)
	return list, err
}

// CountOpenInvitations counts the team's invitations that can be accepted.
func (tx *Tx) CountOpenInvitations(team fleet.TeamID, at time.Time) (n int, err error) {
	_, err = tx.one([]any{&n}, `SELECT COUNT(*) FROM invitations
		WHERE team_id = $1 AND accepted_at = 0 AND revoked_at = 0 AND expired_at = 0 AND expires_at > $2`, team, micros(at))
	return n, err
}

// DropInvitations forgets up to limit invitations that were made too long ago.
func (tx *Tx) DropInvitations(late Late, limit int) error {
	return tx.run(`DELETE FROM invitations WHERE id IN (SELECT id FROM invitations WHERE `+late.sql("created_at")+` ORDER BY id LIMIT $3 + 0)`, late.args(limit)...)
}

// AcceptInvitation notes that an open invitation was used; false when it is not
// open any more.
func (tx *Tx) AcceptInvitation(team fleet.TeamID, id string, at time.Time) (bool, error) {
	n, err := tx.exec(`UPDATE invitations SET accepted_at = $1 WHERE team_id = $2 AND id = $3 AND accepted_at = 0 AND revoked_at = 0`, micros(at), team, id)
	return n == 1, err
}

// RevokeInvitation voids one of the team's open invitations; false when there
// is no such one.
func (tx *Tx) RevokeInvitation(team fleet.TeamID, id string, at time.Time) (bool, error) {
	n, err := tx.exec(`UPDATE invitations SET revoked_at = $1 WHERE team_id = $2 AND id = $3 AND accepted_at = 0 AND revoked_at = 0`, micros(at), team, id)
	return n == 1, err
}

// RevokeInvitationOf voids the team's open invitation of an e-mail address,
// where there is one.
func (tx *Tx) RevokeInvitationOf(team fleet.TeamID, email string, at time.Time) error {
	return tx.run(`UPDATE invitations SET revoked_at = $1 WHERE team_id = $2 AND email = $3 AND accepted_at = 0 AND revoked_at = 0`, micros(at), team, email)
}

// MarkExpiredInvitations notes of open invitations whose time is over that they
// were seen so.
func (tx *Tx) MarkExpiredInvitations(at time.Time) error {
	return tx.run(`UPDATE invitations SET expired_at = $1 WHERE expires_at <= $1 AND expired_at = 0 AND accepted_at = 0 AND revoked_at = 0`, micros(at))
}
