package api

// Member is somebody in the team, or invited to it.
type Member struct {
	ID string `json:"id"`
	// State is active or invited; the id of who is invited is the invitation's.
	State string `json:"state"`
	Email string `json:"email"`
	// Name is null for who is invited.
	Name *string `json:"name"`
	Role string  `json:"role"`
	// JoinedAt and LastSeenAt are null for who is invited.
	JoinedAt   Time `json:"joinedAt"`
	LastSeenAt Time `json:"lastSeenAt"`
	// InvitedBy, InvitedAt and ExpiresAt are null for a member.
	InvitedBy *string `json:"invitedBy"`
	InvitedAt Time    `json:"invitedAt"`
	ExpiresAt Time    `json:"expiresAt"`
	// Link is the one-time link to hand over; only the answer that made it has
	// it.
	Link string `json:"link,omitempty"`
}

// Invite is the body that invites somebody; again for the same address makes a
// new link and voids the former.
type Invite struct {
	Email string `json:"email"`
	Role  string `json:"role"`
}

// SetRole is the body that changes a member's role.
type SetRole struct {
	Role string `json:"role"`
}

// RenameTeam is the body that gives the team another name.
type RenameTeam struct {
	Name string `json:"name"`
}
