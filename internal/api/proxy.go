package api

// Proxy is an entry of the team's pool. The password is never told.
type Proxy struct {
	ID     string `json:"id"`
	Label  string `json:"label"`
	Scheme string `json:"scheme"`
	Host   string `json:"host"`
	Port   int    `json:"port"`
	// Username is a template: {cc}, {CC}, {sid}, {ttl_min}.
	Username      string  `json:"username"`
	HasPassword   bool    `json:"hasPassword"`
	Country       string  `json:"country"`
	IPMode        string  `json:"ipMode"`
	SessionTTLMin *int    `json:"sessionTtlMin"`
	Capacity      int     `json:"capacity"`
	InUse         int     `json:"inUse"`
	Enabled       bool    `json:"enabled"`
	Health        string  `json:"health"`
	Fails         int     `json:"fails"`
	LastCheckAt   Time    `json:"lastCheckAt"`
	LastOKAt      Time    `json:"lastOkAt"`
	LastIP        *string `json:"lastIp"`
	LastCountry   *string `json:"lastCountry"`
	LatencyMS     *int64  `json:"latencyMs"`
	LastError     *string `json:"lastError"`
	NextCheckAt   Time    `json:"nextCheckAt"`
	CreatedAt     Time    `json:"createdAt"`
	UpdatedAt     Time    `json:"updatedAt"`
	Version       int64   `json:"version"`
}

// AddProxies is the body that adds to the pool: one entry, or Text with one
// entry a line, beside which Country and Capacity alone may stand, for lines
// that say none.
type AddProxies struct {
	Text          string `json:"text"`
	Label         string `json:"label"`
	Scheme        string `json:"scheme"`
	Host          string `json:"host"`
	Port          int    `json:"port"`
	Username      string `json:"username"`
	Password      string `json:"password"`
	Country       string `json:"country"`
	IPMode        string `json:"ipMode"`
	SessionTTLMin int    `json:"sessionTtlMin"`
	Capacity      int    `json:"capacity"`
}

// AddedProxies is the answer to a text: the new entries, and how many lines
// the pool had already.
type AddedProxies struct {
	Added []Proxy `json:"added"`
	There int     `json:"there"`
}

// UpdateProxy is the body that changes an entry; what is absent stays. An
// empty password takes it away.
type UpdateProxy struct {
	Label         *string `json:"label"`
	Scheme        *string `json:"scheme"`
	Host          *string `json:"host"`
	Port          *int    `json:"port"`
	Username      *string `json:"username"`
	Password      *string `json:"password"`
	Country       *string `json:"country"`
	IPMode        *string `json:"ipMode"`
	SessionTTLMin *int    `json:"sessionTtlMin"`
	Capacity      *int    `json:"capacity"`
	Enabled       *bool   `json:"enabled"`
}
