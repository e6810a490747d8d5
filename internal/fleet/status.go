package fleet

// Status is an agent's place in the lifecycle: what the team wants.
type Status string

// The statuses, in the order in which lists and charts show them.
const (
	Running        Status = "running"
	Paused         Status = "paused"
	AuthNeeded     Status = "auth_needed"
	AuthInProgress Status = "auth_in_progress"
	SetupNeeded    Status = "setup_needed"
	Disabled       Status = "disabled"
	Ended          Status = "ended"
)

// Statuses returns every status once, in display order.
func Statuses() []Status {
	return []Status{Running, Paused, AuthNeeded, AuthInProgress, SetupNeeded, Disabled, Ended}
}

// Valid tells whether s is one of the seven.
func (s Status) Valid() bool {
	switch s {
	case Running, Paused, AuthNeeded, AuthInProgress, SetupNeeded, Disabled, Ended:
		return true
	}
	return false
}

// Word is what people read for the status.
func (s Status) Word() string {
	switch s {
	case AuthNeeded:
		return "sign-in needed"
	case AuthInProgress:
		return "signing in"
	case SetupNeeded:
		return "setup needed"
	}
	return string(s)
}

// Observed is what is known of an agent's run, as opposed to what is wanted.
type Observed string

// The observed states.
const (
	ObservedNone     Observed = "none"
	ObservedStarting Observed = "starting"
	ObservedUp       Observed = "up"
	ObservedBackoff  Observed = "backoff"
	ObservedLost     Observed = "lost"
	ObservedStopping Observed = "stopping"
)
