package views

import "time"

// Invite is the page behind the one-time link of an invitation.
type Invite struct {
	// Token is the link's; the forms post to /invite/{token} with how: me, known
	// or new.
	Token                 string
	Team, By, Email, Role string
	ExpiresAt, Now        time.Time
	// SignedIn is the address of who is signed in, "" for a guest.
	SignedIn string
	Insecure bool
	// Known and New are the two forms of a guest: with an account, and without.
	Known, New Form
	// Me is the form of who is signed in with the address.
	Me Form
	// Name is what a new person typed.
	Name string
}

// InviteOver is the page of a link that cannot be used: Sentence says why.
type InviteOver struct {
	Sentence string
	SignedIn bool
}
