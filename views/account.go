package views

import "time"

// Security is /settings/security: what a person decides for themselves.
type Security struct {
	Shell    Shell
	Name     NameForm
	Password PasswordForm
	Sessions []Session
	// Teams: the person has several, so each session says its own.
	Teams bool
}

// NameForm says what the person is called: POST /settings/security/name with
// name.
type NameForm struct {
	Form
	Name string
}

// PasswordForm changes the password: POST /settings/security/password with
// current and password.
type PasswordForm struct {
	Form
	Email string
}

// Session is one signed-in browser of the member.
type Session struct {
	ID, Browser, Team         string
	CreatedAt, SeenAt, EndsAt time.Time
	Current                   bool
}
