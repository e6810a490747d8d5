package fleet

import "slices"

// Move is a named change of an agent's status.
type Move string

// The moves. Those of the runtime are made by an agent's program or by its
// supervisor, never by a person.
const (
	MoveCreate   Move = "create"
	MoveSetup    Move = "setup"
	MoveVerify   Move = "verify"
	MoveStart    Move = "start"
	MoveResume   Move = "resume"
	MovePause    Move = "pause"
	MoveEnd      Move = "end"
	MoveDisable  Move = "disable"
	MoveEnable   Move = "enable"
	MoveRelaunch Move = "relaunch"
	MoveDelete   Move = "delete"

	MoveSignedIn    Move = "signed_in"
	MoveChallenged  Move = "challenged"
	MoveRejected    Move = "rejected"
	MoveAuthTimeout Move = "auth_timeout"
	MoveGiveUp      Move = "give_up"
	// MoveStartFailed takes a start back whose program could not be started.
	MoveStartFailed Move = "start_failed"
)

// RunEffect is what a move means for the agent's program.
type RunEffect int

// The effects.
const (
	// RunKeep leaves a program as it is.
	RunKeep RunEffect = iota
	// RunStart wants a new run, whatever ran before.
	RunStart
	// RunEnsure wants a run and keeps the one there is.
	RunEnsure
	// RunStop wants no program.
	RunStop
)

// Rule is one row of the lifecycle.
type Rule struct {
	Move Move
	From []Status
	// To is the status after the move; "" is gone.
	To  Status
	Run RunEffect
}

// lifecycle is all moves that there are. Where the target depends on the agent
// (enable, start_failed), Next refines To. It is never changed: the pages look
// into it for every agent they show.
var lifecycle = []Rule{
	{MoveSetup, []Status{SetupNeeded, AuthNeeded}, AuthInProgress, RunStart},
	{MoveVerify, []Status{AuthNeeded}, AuthInProgress, RunEnsure},
	{MoveStart, []Status{SetupNeeded, Paused}, Running, RunStart},
	{MoveResume, []Status{Paused}, Running, RunStart},
	{MovePause, []Status{Running}, Paused, RunStop},
	{MoveEnd, []Status{Running, Paused, AuthNeeded, AuthInProgress, SetupNeeded, Disabled}, Ended, RunStop},
	{MoveDisable, []Status{Running, Paused, AuthNeeded, AuthInProgress, SetupNeeded}, Disabled, RunStop},
	{MoveEnable, []Status{Disabled}, Paused, RunStop},
	{MoveRelaunch, []Status{Ended}, SetupNeeded, RunStop},
	{MoveDelete, []Status{Ended}, "", RunStop},
	{MoveSignedIn, []Status{AuthInProgress}, Running, RunKeep},
	{MoveChallenged, []Status{AuthInProgress}, AuthNeeded, RunKeep},
	{MoveRejected, []Status{AuthInProgress}, AuthNeeded, RunStop},
	{MoveAuthTimeout, []Status{AuthInProgress}, AuthNeeded, RunStop},
	{MoveGiveUp, []Status{Running}, Ended, RunStop},
	{MoveStartFailed, []Status{Running}, Paused, RunStop},
}

// Facts are what the lifecycle asks of an agent beside its status.
type Facts struct {
	// NeedsSetup: the agent's kind asks for setup fields.
	NeedsSetup bool
	// IsSetUp: what the kind asks for is stored, or it asks for nothing and
	// the agent has been started since its creation or relaunch.
	IsSetUp bool
}

// Next returns the rule for a move from a status, with To made exact, or an
// invalid_status error in the words of the API.
func Next(from Status, move Move, facts Facts) (Rule, error) {
	r, ok := next(from, move, facts)
	if !ok {
		return Rule{}, refuse(move, from)
	}
	return r, nil
}

func next(from Status, move Move, facts Facts) (Rule, bool) {
	for _, r := range lifecycle {
		if r.Move != move || !slices.Contains(r.From, from) {
			continue
		}
		switch {
		case move == MoveStart && from == SetupNeeded && facts.NeedsSetup:
			return Rule{}, false
		case (move == MoveEnable || move == MoveStartFailed) && !facts.IsSetUp:
			r.To = SetupNeeded
		}
		return r, true
	}
	return Rule{}, false
}

// Allowed tells whether a person may make the move from the status.
func Allowed(from Status, move Move, facts Facts) bool {
	_, ok := next(from, move, facts)
	return ok
}

func refuse(move Move, from Status) *Error {
	e := Errorf(CodeInvalidStatus, "%s", refusal(move, from))
	e.CurrentStatus = from
	return e
}

// refusal is the sentence for a refused move; those of relaunch, delete and
// start are promised to the letter.
func refusal(move Move, from Status) string {
	switch move {
	case MoveRelaunch:
		return "Agent can only be relaunched when status is ended"
	case MoveDelete:
		return "Agent can only be deleted when status is ended"
	case MoveStart:
		if from == Running {
			return "Agent is already running"
		}
		return "Agent cannot be started when status is " + string(from)
	case MoveSetup:
		return "Agent can only be set up when status is setup_needed or auth_needed"
	case MoveVerify:
		return "Agent can only take a code when status is auth_needed"
	case MoveResume:
		return "Agent can only be resumed when status is paused"
	case MovePause:
		return "Agent can only be paused when status is running"
	case MoveEnd:
		return "Agent has already ended"
	case MoveDisable:
		return "Agent cannot be disabled when status is " + string(from)
	case MoveEnable:
		return "Agent can only be enabled when status is disabled"
	}
	// What programs and the supervisor tell too late.
	return "The agent is " + from.Word() + "; " + string(move) + " is not expected now"
}
