package fleet

import "time"

// SystemState is what the whole server is like, all teams together.
type SystemState struct {
	Version, Go string
	StartedAt   time.Time
	// FileBytes is the database, LogBytes its write-ahead log, FreeBytes what
	// is left on their disk.
	FileBytes, LogBytes, FreeBytes int64
	// Schema is the number of the newest migration.
	Schema                 int
	Teams, Agents, Running int64
	// Jobs are those that are not finished, by kind.
	Jobs []JobCount
	Pace CommitPace
	// Vendors are those of outside resources, with how they are.
	Vendors []Vendor
}

// JobCount counts the jobs of a kind that are not finished.
type JobCount struct {
	Kind    string
	Waiting int64
	Oldest  time.Time
}

// CommitPace says how long commits took since the start. The quantiles are at
// most a quarter too high.
type CommitPace struct {
	Commits        int64
	P50, P99, Most time.Duration
	// Slow are the last that took 100 ms or more, newest first.
	Slow []SlowCommit
}

// SlowCommit is one commit with how many writes shared it.
type SlowCommit struct {
	At     time.Time
	Took   time.Duration
	Writes int
}
