// Package fault seeds faults on purpose: the controls of the promises
// (cmd/score) break one thing and must find that the promise turns red.
//
// In an ordinary build On is the constant false and what stands behind it is
// not compiled in. Each name is asked for in one place.
package fault

// The faults there are.
const (
	// ReaperOff leaves what a killed server's programs started: no death
	// signal, nothing ended at the next start.
	ReaperOff = "reaper-off"
	// LoneLeader ends of a program only the process that was started.
	LoneLeader = "lone-leader"
	// StuckClock lets the gate judge by a clock that nobody moved.
	StuckClock = "stuck-clock"
	// LoneCommits gives every event and every write a commit of its own.
	LoneCommits = "lone-commits"
	// ShortPolls answers an empty inbox at once instead of waiting.
	ShortPolls = "short-polls"
	// FullSort lets a list of agents sort all that pass its filter instead of
	// walking an index.
	FullSort = "full-sort"
	// BlindCreate makes a browser profile again after an unclear answer
	// without looking for the first; BlindDelete deletes again without looking.
	BlindCreate = "blind-create"
	BlindDelete = "blind-delete"
)
