package views

import (
	"time"

	"agentry/views/ui"
)

// KeySettings is /settings/keys.
type KeySettings struct {
	Shell Shell
	// WhyNot says why the member may not see and make keys; "" is that they may.
	WhyNot string
	Keys   []Key
	// Created is the key that was just made, shown this once; "" is none.
	Created string
	KeyForm KeyForm
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
