package api

// TeamState is a team with its pause.
type TeamState struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// Paused says who paused the team; null while it works.
	Paused *TeamPause `json:"paused"`
	Agents TeamAgents `json:"agents"`
}

// TeamPause says who paused the whole team, why and when.
type TeamPause struct {
	By   string  `json:"by"`
	Note *string `json:"note"`
	At   Time    `json:"at"`
}

// TeamAgents counts the agents that the team's pause took from running and
// its resume gives back, and those that run.
type TeamAgents struct {
	Paused  int64 `json:"paused"`
	Running int64 `json:"running"`
}

// PauseTeam is the body of a team's pause.
type PauseTeam struct {
	Note string `json:"note"`
}

// TeamDone is the answer to a team's pause or resume.
type TeamDone struct {
	Message string    `json:"message"`
	Team    TeamState `json:"team"`
}
