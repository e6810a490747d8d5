package fleet

import "time"

// Proxy is an entry of the team's pool: a gateway that serves many agents with
// a session each, or one fixed address. Its password is kept sealed and never
// part of it.
type Proxy struct {
	ID     string
	TeamID TeamID
	Label  string
	Scheme string // "http" or "socks5"
	Host   string
	Port   int
	// Username and the sealed password are templates: {cc} and {CC} stand for
	// the country, {sid} for the session, {ttl_min} for SessionTTL in minutes.
	Username    string
	HasPassword bool
	Country     string // of the exit, ISO 3166-1 alpha-2
	IPMode      ProxyMode
	SessionTTL  time.Duration
	// Capacity is how many agents may use it at once, InUse how many do.
	Capacity, InUse int
	Enabled         bool

	Health ProxyHealth
	// Fails counts the failed checks since one worked.
	Fails       int
	LastCheckAt time.Time
	LastOKAt    time.Time
	LastIP      string
	LastCountry string
	Latency     time.Duration
	LastError   string // a sentence; "" when the last check worked
	NextCheckAt time.Time
	CreatedAt   time.Time
	UpdatedAt   time.Time
	Version     int64
}

// ProxyMode is how long the exit address stays the same.
type ProxyMode string

// The modes.
const (
	ProxySticky   ProxyMode = "sticky"
	ProxyRotating ProxyMode = "rotating"
	ProxyStatic   ProxyMode = "static"
)

// ProxyHealth is what the checks say of an entry.
type ProxyHealth string

// The healths. A quarantined entry is given to nobody; it is tried again now
// and then, and one good check lets it back.
const (
	ProxyUnknown     ProxyHealth = "unknown"
	ProxyHealthy     ProxyHealth = "healthy"
	ProxyQuarantined ProxyHealth = "quarantined"
)
