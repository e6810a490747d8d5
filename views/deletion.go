package views

import (
	"strings"
	"time"

	"agentry/internal/fleet"
	"agentry/views/ui"
)

// Certificate is what remains of a deleted agent.
type Certificate struct {
	fleet.Deletion
	// Team is whose agent it was.
	Team string
	Now  time.Time
}

// Open tells whether something outside is still to be released.
func (c Certificate) Open() int {
	n := 0
	for _, r := range c.Resources {
		if r.State != fleet.ResourceReleased && r.Forgotten == nil {
			n++
		}
	}
	return n
}

// removed are the lines of what is gone: "412 tasks".
func (c Certificate) removed() []string { return RemovedLines(c.Removed) }

func (c Certificate) summary() string {
	lines := c.removed()
	if len(lines) == 0 {
		return "nothing but the agent"
	}
	return strings.Join(lines, ", ")
}

// certified says what became of a row of the ledger, and when.
func certified(r fleet.Resource) (what string, at time.Time) {
	switch {
	case r.State == fleet.ResourceReleased:
		return "released", r.ReleasedAt
	case r.Forgotten != nil:
		return "given up by " + r.Forgotten.By + ": " + r.Forgotten.Reason, r.Forgotten.At
	case r.State == fleet.ResourceLeaked:
		return "not released: " + r.LastError, r.StateAt
	case r.LastError != "":
		return "being released: " + r.LastError, r.StateAt
	}
	return "being released", r.StateAt
}

// Tombstone stands where an agent was, or never was.
type Tombstone struct {
	AgentID string
	// Certificate is nil for an id nobody has.
	Certificate *Certificate
}

// Deletions is /deletions: the team's certificates, newest first.
type Deletions struct {
	Shell
	Rows  []Certificate
	Pager ui.Pager
}
