package fleet

import "time"

// InvitationTTL is how long the link of an invitation works.
const InvitationTTL = 7 * 24 * time.Hour

const (
	// InvitationKept is how long after it was made an invitation is forgotten,
	// whatever became of it: until then its link says why it does not work.
	InvitationKept = InvitationTTL + 30*24*time.Hour
	// MaxInvitations is how many invitations of a team can be accepted at once.
	MaxInvitations = 100
)

// Invitation lets one person, known by the e-mail address, join a team by a
// link that works once. The link's token is kept as a hash alone.
type Invitation struct {
	ID       string
	TeamID   TeamID
	TeamName string
	Email    string
	Role     Role
	// By, ByKind and ByID say who invited: the right to is asked again when
	// the invitation is accepted.
	By                   string
	ByKind               ActorKind
	ByID                 string
	CreatedAt, ExpiresAt time.Time
	// AcceptedAt and RevokedAt are zero while it is open. ExpiredAt is when it
	// was first seen expired; it stays so.
	AcceptedAt, RevokedAt, ExpiredAt time.Time
}

// Expired tells whether its time is over, now or once before the clock was set
// back.
func (i Invitation) Expired(now time.Time) bool {
	return !i.ExpiredAt.IsZero() || !now.Before(i.ExpiresAt)
}

// Check tells why the invitation cannot be accepted; nil is that it can.
// inviter is the role that who invited has now, "" is none.
func (i Invitation) Check(now time.Time, inviter Role) error {
	const again = "ask whoever sent it for a new one"
	switch {
	case !i.AcceptedAt.IsZero():
		return Errorf(CodeNotFound, "This invitation was used already: sign in, or %s", again)
	case !i.RevokedAt.IsZero():
		return Errorf(CodeNotFound, "This invitation was revoked or replaced by another: %s", again)
	case i.Expired(now):
		return Errorf(CodeNotFound, "This invitation is too old, it worked for 7 days: %s", again)
	case !inviter.manages(i.Role):
		return Errorf(CodeNotFound, "This invitation is void, since who sent it may not invite any more: ask an admin of the team for a new one")
	}
	return nil
}

// ErrNoInvitation is about a link that no invitation has.
func ErrNoInvitation() *Error {
	return Errorf(CodeNotFound, "There is no such invitation: check that the link is complete")
}
