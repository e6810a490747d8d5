package api

// System is what the whole server is like, all teams together.
type System struct {
	Version   string         `json:"version"`
	Go        string         `json:"go"`
	StartedAt Time           `json:"startedAt"`
	Database  SystemDatabase `json:"database"`
	Teams     int64          `json:"teams"`
	Agents    int64          `json:"agents"`
	Running   int64          `json:"running"`
	Jobs      []SystemJobs   `json:"jobs"`
	Commits   SystemCommits  `json:"commits"`
	Vendors   []SystemVendor `json:"vendors"`
}

// SystemDatabase has sizes in bytes.
type SystemDatabase struct {
	Bytes     int64 `json:"bytes"`
	LogBytes  int64 `json:"logBytes"`
	FreeBytes int64 `json:"freeBytes"`
	Schema    int   `json:"schema"`
}

// SystemJobs are the jobs of a kind that are not finished.
type SystemJobs struct {
	Kind    string `json:"kind"`
	Waiting int64  `json:"waiting"`
	Oldest  Time   `json:"oldest"`
}

// SystemCommits has milliseconds, since the start; Slow are the last commits
// of 100 ms or more.
type SystemCommits struct {
	Count int64        `json:"count"`
	P50   float64      `json:"p50Ms"`
	P99   float64      `json:"p99Ms"`
	Most  float64      `json:"mostMs"`
	Slow  []SystemSlow `json:"slow"`
}

// SystemSlow is one slow commit.
type SystemSlow struct {
	At     Time    `json:"at"`
	Took   float64 `json:"ms"`
	Writes int     `json:"writes"`
}

// SystemVendor is how a vendor of outside resources is.
type SystemVendor struct {
	Name  string `json:"name"`
	State string `json:"state"`
}
