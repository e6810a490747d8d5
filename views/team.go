package views

import (
	"fmt"
	"time"
)

// TeamPause is the block of the settings that pauses and resumes the whole
// team: POST /settings/team/pause with note, POST /settings/team/resume.
type TeamPause struct {
	Form
	// Text says who paused the team and why, since Since; "" while it works.
	Text  string
	Since time.Time
	// Taken are the agents that the pause took from running, Running those that
	// run.
	Taken, Running int64
	// MayTurn: the member may pause and resume the team.
	MayTurn bool
	Note    string
	Now     time.Time
}

// DayPlan is the present day of one counter of an agent.
type DayPlan struct {
	// Counter is Messages or Invitations.
	Counter                string
	Done, Target, Min, Max int64
	// Next is when the next may be done; zero is unknown.
	Next, Now time.Time
}

func (d DayPlan) text() string {
	if d.Target == 0 && d.Done == 0 {
		return "no working hours today"
	}
	if d.Target == 0 {
		return fmt.Sprintf("%d done, no working hours today", d.Done)
	}
	return fmt.Sprintf("%d of %d", d.Done, d.Target)
}
