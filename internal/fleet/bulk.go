package fleet

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// BulkAction is what a bulk does to each of its agents.
type BulkAction string

// The actions.
const (
	BulkStart    BulkAction = "start"
	BulkPause    BulkAction = "pause"
	BulkResume   BulkAction = "resume"
	BulkEnd      BulkAction = "end"
	BulkRelaunch BulkAction = "relaunch"
	BulkDelete   BulkAction = "delete"
	BulkTag      BulkAction = "tag"
)

// BulkActions returns all actions.
func BulkActions() []BulkAction {
	return []BulkAction{BulkStart, BulkPause, BulkResume, BulkEnd, BulkRelaunch, BulkDelete, BulkTag}
}

// Valid tells whether a is one of them.
func (a BulkAction) Valid() bool { return slices.Contains(BulkActions(), a) }

// Need is the scope that the action needs, for each agent alone and in bulk.
func (a BulkAction) Need() Scope {
	if a == BulkDelete {
		return ScopeDelete
	}
	return ScopeOperate
}

// Starts tells whether the action wants programs to run: what becomes of it is
// known only when the program was observed.
func (a BulkAction) Starts() bool { return a == BulkStart || a == BulkResume }

// BulkState is how far a bulk is.
type BulkState string

// The states. A bulk that is preparing writes down its list; one that is
// stopping begins nothing any more and waits for what is under way. Done and
// stopped are for good.
const (
	BulkPreparing BulkState = "preparing"
	BulkRunning   BulkState = "running"
	BulkStopping  BulkState = "stopping"
	BulkDone      BulkState = "done"
	BulkStopped   BulkState = "stopped"
)

// Over tells whether nothing more will happen.
func (s BulkState) Over() bool { return s == BulkDone || s == BulkStopped }

// BulkOutcome is what became of one agent of a bulk.
type BulkOutcome string

// The outcomes. What was not tried is skipped, what was tried in vain failed.
const (
	BulkPending    BulkOutcome = "pending"
	BulkSuccessful BulkOutcome = "done"
	BulkFailed     BulkOutcome = "failed"
	BulkSkipped    BulkOutcome = "skipped"
)

// BulkOutcomes returns all outcomes.
func BulkOutcomes() []BulkOutcome {
	return []BulkOutcome{BulkPending, BulkSuccessful, BulkFailed, BulkSkipped}
}

// Limits of a bulk.
const (
	// MaxBulkIDs is how many agents a call may name, and MaxBulk how many a
	// filter may find.
	MaxBulkIDs = 10_000
	MaxBulk    = 100_000
	// StandardBulkRate and MaxBulkRate are agents a minute.
	StandardBulkRate = 600
	MaxBulkRate      = 6_000
	// MaxBulkHour is how many agents the bulks of a team may list within an
	// hour, and BulkKept how many of those that are over stay listed, of the
	// newest bulks; each bulk counts for BulkWeight at least.
	MaxBulkHour = 1_000_000
	BulkKept    = 5_000_000
	BulkWeight  = 100
	// BulkAge is how long after its end a bulk is forgotten with its list.
	BulkAge = 90 * 24 * time.Hour
)

// Bulk is one act on many agents: a frozen list that is worked through at a
// rate, with an outcome for each.
type Bulk struct {
	ID     string
	TeamID TeamID
	Action BulkAction
	State  BulkState
	// Why says why it stops or stopped before its end; "" where it did not.
	Why string
	// By started it: the name, what it is and its id.
	By     string
	ByKind ActorKind
	ByID   string
	Reason string
	// AddTags and RemoveTags are for the action tag.
	AddTags, RemoveTags []string
	// PerMinute is how many agents are acted on in a minute at most.
	PerMinute int
	// Canary is how many must succeed before the others begin; 0 is none.
	Canary int
	// StopAfterFailures is how many failures stop it; 0 is any number.
	StopAfterFailures            int
	Total, Done, Failed, Skipped int
	// Waiting are those of the others that were started and not observed yet.
	Waiting int
	// RetryOf is the bulk whose failed agents these are; "" is none.
	RetryOf string
	// StoppedBy is the person or key that stopped it; "" is nobody.
	StoppedBy                     string
	CreatedAt, StartedAt, EndedAt time.Time
}

// Left counts the agents without an outcome.
func (b Bulk) Left() int { return b.Total - b.Done - b.Failed - b.Skipped }

// Partial tells whether it is over without having done all that it was to do:
// some failed, or it was stopped. What is skipped on purpose is no part of it.
func (b Bulk) Partial() bool { return b.State.Over() && (b.Failed > 0 || b.Left() > 0) }

// Count returns how many agents have an outcome; "" counts all.
func (b Bulk) Count(o BulkOutcome) int {
	switch o {
	case BulkPending:
		return b.Left()
	case BulkSuccessful:
		return b.Done
	case BulkFailed:
		return b.Failed
	case BulkSkipped:
		return b.Skipped
	}
	return b.Total
}

// Next is the state that follows from the counts, and why it stops. failure is
// the sentence of an agent that failed just now, "" for none.
func (b Bulk) Next(failure string) (BulkState, string) {
	why := b.Why
	stops := b.State == BulkStopping
	if !stops && failure != "" {
		switch {
		case b.InCanary():
			stops, why = true, "One of the first "+agents(b.Canary)+" failed: "+failure
			if b.Canary == 1 {
				why = "The first agent failed: " + failure
			}
		case b.StopAfterFailures > 0 && b.Failed >= b.StopAfterFailures:
			stops, why = true, fmt.Sprintf("%s failed, the last one with: %s", agents(b.Failed), failure)
		}
	}
	switch {
	case b.State.Over() || b.State == BulkPreparing:
		return b.State, b.Why
	case b.Left() == 0:
		return BulkDone, ""
	case stops && b.Waiting == 0:
		return BulkStopped, why
	case stops:
		return BulkStopping, why
	}
	return BulkRunning, ""
}

// InCanary tells whether the first agents have not all succeeded yet.
func (b Bulk) InCanary() bool { return b.Canary > 0 && b.Done < b.Canary }

func agents(n int) string { return fmt.Sprintf("%d %s", n, plural(n, "agent", "agents")) }

// BulkItem is one agent of a bulk, in the order of the list from 1 on.
type BulkItem struct {
	BulkID  string
	N       int
	AgentID AgentID
	// Name is the agent's now; "" when the agent is gone.
	Name    string
	Outcome BulkOutcome
	// Code and Message say why it failed or was skipped. They hold no text of
	// the agent's: they outlive it.
	Code, Message string
	// At is when it got its outcome.
	At time.Time
}

// BulkRef names the place in a bulk for which an act is done.
type BulkRef struct {
	ID     string
	N      int
	Action BulkAction
}

// The codes of agents that are skipped because there is nothing to do, or that
// failed for a reason that is ours.
const (
	CodeUnchanged Code = "unchanged"
	CodeInternal  Code = "internal_error"
)

// BulkCandidate is what a bulk asks of an agent before it begins.
type BulkCandidate struct {
	ID        AgentID
	Name      string
	Kind      string
	Status    Status
	IsSetUp   bool
	Protected bool
	Tags      []string
	// Unknown: the team has no such agent.
	Unknown bool
}

// SkipBulk says why a bulk skips an agent, nil where it does not.
func (a BulkAction) SkipBulk(c BulkCandidate, needsSetup bool) *Error {
	switch {
	case c.Unknown:
		return ErrAgentNotFound()
	case a == BulkTag:
		return nil
	case c.Protected:
		return ErrBulkProtected()
	}
	_, err := Next(c.Status, Move(a), Facts{NeedsSetup: needsSetup, IsSetUp: c.IsSetUp})
	if e, ok := err.(*Error); ok {
		return e
	}
	return nil
}

// ErrBulkProtected says that bulks skip an agent, without the texts of people
// that its flag has.
func ErrBulkProtected() *Error {
	return Errorf(CodeProtected, "Protected agents are skipped")
}

// ErrUnchanged says that an agent is so already.
func ErrUnchanged() *Error {
	return Errorf(CodeUnchanged, "The tags are so already")
}

// BulkSkip counts the agents that a bulk will skip for one reason.
type BulkSkip struct {
	Code    Code
	Message string
	N       int
	// Names are those of the first 200.
	Names []string
}

// maxPlanNames is how many of a kind a plan names.
const maxPlanNames = 200

// BulkPlan is what a bulk would do, from the code that does it.
type BulkPlan struct {
	Action BulkAction
	// Total are all of the list, Will those that are not skipped.
	Total, Will int
	Skips       []BulkSkip
	// Names are those of the first 200 that are not skipped.
	Names []string
	// Confirm is what a person has to type; "" is nothing.
	Confirm string
}

// Add puts an agent into the plan; skip is nil where it is not skipped.
func (p *BulkPlan) Add(c BulkCandidate, skip *Error) {
	p.Total++
	if skip == nil {
		if p.Will++; len(p.Names) < maxPlanNames {
			p.Names = append(p.Names, c.Name)
		}
		return
	}
	i := slices.IndexFunc(p.Skips, func(s BulkSkip) bool { return s.Code == skip.Code && s.Message == skip.Message })
	if i < 0 {
		i = len(p.Skips)
		p.Skips = append(p.Skips, BulkSkip{Code: skip.Code, Message: skip.Message})
	}
	s := &p.Skips[i]
	if s.N++; c.Name != "" && len(s.Names) < maxPlanNames {
		s.Names = append(s.Names, c.Name)
	}
}

// BulkConfirm is what a person has to type before many agents are deleted.
func BulkConfirm(n int) string { return "delete " + agents(n) }

// CheckBulkTags returns the tags that a bulk adds and removes, trimmed, or what
// is wrong with them.
func CheckBulkTags(a BulkAction, add, remove []string) (plus, minus []string, err error) {
	if a != BulkTag {
		if len(add)+len(remove) > 0 {
			return nil, nil, Invalid("addTags", "is only for the action tag")
		}
		return nil, nil, nil
	}
	if plus, err = CheckTags(add); err != nil {
		return nil, nil, bulkTags("addTags", err)
	}
	if minus, err = CheckTags(remove); err != nil {
		return nil, nil, bulkTags("removeTags", err)
	}
	for _, t := range plus {
		if slices.Contains(minus, t) {
			return nil, nil, Invalid("removeTags", "a tag cannot be added and removed")
		}
	}
	if len(plus)+len(minus) == 0 {
		return nil, nil, Invalid("addTags", "name a tag to add or to remove")
	}
	return plus, minus, nil
}

func bulkTags(field string, err error) error {
	return Invalid(field, "%s", strings.TrimPrefix(err.(*Error).Message, "tags: "))
}

// WithTags returns tags with some added and some removed, and whether that
// changes anything.
func WithTags(tags, add, remove []string) (out []string, changed bool) {
	for _, t := range tags {
		if slices.Contains(remove, t) {
			changed = true
			continue
		}
		out = append(out, t)
	}
	for _, t := range add {
		if !slices.Contains(out, t) {
			out, changed = append(out, t), true
		}
	}
	return out, changed
}
