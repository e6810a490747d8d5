package views

import (
	"time"

	"agentry/views/ui"
)

// Settings is /settings.
type Settings struct {
	Shell Shell
	// Keys are the API keys; CanManage: the member may create and revoke them.
	Keys      []Key
	CanManage bool
	// Created is the key that was just made, shown this once; "" is none.
	Created  string
	KeyForm  KeyForm
	Sessions []Session
	Team     TeamPause
}

// Key is one API key as it is listed.
type Key struct {
	ID, Name, Prefix, Scope, By  string
	CreatedAt, UsedAt, ExpiresAt time.Time
	RevokedAt                    time.Time
}

// KeyForm makes a key: POST /settings/keys with name, scope, expires (days,
// "" is never).
type KeyForm struct {
	Form
	Name, Scope, Expires string
	Scopes               []ui.Option
}

func expiries() []ui.Option {
	return []ui.Option{{Value: "30", Label: "in 30 days"}, {Value: "90", Label: "in 90 days"}, {Value: "365", Label: "in a year"}, {Value: "", Label: "never"}}
}

// Session is one signed-in browser of the member.
type Session struct {
	ID, Browser               string
	CreatedAt, SeenAt, EndsAt time.Time
	Current                   bool
}
