package views

// Login is the sign-in page.
type Login struct {
	Form
	Email string
	// Next is where to go afterwards, a local path; "" is the fleet.
	Next string
	// Notice is a sentence such as "You are signed out."
	Notice string
	// Insecure shows the banner of the plain-http mode.
	Insecure bool
}

// FirstRun is the page behind the one-time link: fields team, name, email,
// password.
type FirstRun struct {
	Form
	Token             string
	Team, Name, Email string
}
