package fleet

import "time"

// Counts are what an agent has, for previews and certificates.
type Counts struct {
	Credentials int `json:"credentials"`
	Tasks       int `json:"tasks"`
	Alerts      int `json:"alerts"`
	UsageDays   int `json:"usageDays"`
	Messages    int `json:"messages"`
	Logs        int `json:"logs"`
	Settings    int `json:"settings"`
}

// MaxNamedResources is how many rows of the ledger a preview or a certificate
// names.
const MaxNamedResources = 100

// Preview is what a relaunch or delete would do, from the code that does it.
type Preview struct {
	Action  Move
	Allowed bool
	// BlockedBy has a sentence for each thing that stands in the way.
	BlockedBy []string
	Removes   Counts
	Keeps     Counts
	// Resources are what the agent has outside and the act lets go, in that
	// order; behind it, before a delete, what is still to be released of former
	// lives. At most MaxNamedResources; MoreResources counts those beyond. How
	// far each is binds no act, and neither does a place at a proxy that fails
	// its first try and is changed for another; more than that is another Version.
	Resources     []Resource
	MoreResources int
	// Version binds the act to these facts.
	Version int64
	Agent   Agent
	// RecentRelaunches counts those of the last 7 days.
	RecentRelaunches int
	// Hold says why the relaunch needs a reason; "" is that it needs none.
	Hold string
}

// Deletion is the certificate that remains of a deleted agent.
type Deletion struct {
	ID           string    `json:"id"`
	TeamID       TeamID    `json:"-"`
	AgentID      AgentID   `json:"agentId"`
	At           time.Time `json:"at"`
	By           string    `json:"by"`
	ByKind       ActorKind `json:"byKind"`
	Reason       string    `json:"reason"`
	Removed      Counts    `json:"removed"`
	Incarnation  int       `json:"incarnation"`
	ExportSHA256 string    `json:"exportSha256,omitempty"`
	// Resources are the newest MaxNamedResources rows of the ledger that the
	// agent ever had, newest first, as they are now: the release outlasts the
	// deletion. MoreResources counts those beyond.
	Resources     []Resource `json:"-"`
	MoreResources int        `json:"-"`
}

// Key is an API key as it is listed; the key itself is shown once and kept
// only as a hash.
type Key struct {
	ID        string
	TeamID    TeamID
	Name      string
	Prefix    string
	Scope     Scope
	CreatedBy string
	// CreatorID is the member, or the key, that made it; "" where that is not
	// known.
	CreatorID  string
	CreatedAt  time.Time
	LastUsedAt time.Time // minute precision
	ExpiresAt  time.Time // zero is never
	RevokedAt  time.Time
	// ExpiredAt is when it was first seen expired; it stays so.
	ExpiredAt time.Time
}

// Expired tells whether the key's time is over, now or once before the clock
// was set back.
func (k Key) Expired(now time.Time) bool {
	return !k.ExpiredAt.IsZero() || !k.ExpiresAt.IsZero() && !now.Before(k.ExpiresAt)
}

// Session is a signed-in browser.
type Session struct {
	ID        string // public id, not the secret
	UserID    UserID
	TeamID    TeamID
	TeamName  string // in lists
	Data      []byte
	UserAgent string
	CreatedAt time.Time
	SeenAt    time.Time
	ExpiresAt time.Time
	// Proof, of a new session, is the hash of the password that the person
	// proved to know; "" is none. It is not stored.
	Proof string
}
