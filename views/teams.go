package views

// TeamChoice is one of the teams that the member has.
type TeamChoice struct {
	ID, Name, Role string
	Current        bool
}

// Elsewhere is the page of a link into another team of the person's.
type Elsewhere struct {
	// Team is where the person is, Other where the link leads.
	Team  string
	Other TeamChoice
	// Next is where to go after the switch.
	Next string
}
