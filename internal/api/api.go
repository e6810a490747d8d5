// Package api holds the wire types of the JSON faces: what goes over HTTP, to
// the letter, for the server and for every client. It knows no rule and no
// other package of the module.
//
// Times are RFC 3339 in UTC with milliseconds; a time that is not is null.
package api

import "time"

// timeFormat is RFC 3339 in UTC with exactly three digits of a second.
const timeFormat = "2006-01-02T15:04:05.000Z"

// Time is an instant on the wire; its zero value is null.
type Time struct{ time.Time }

// At makes the wire form of an instant.
func At(t time.Time) Time { return Time{t} }

// MarshalJSON writes the instant in UTC with milliseconds, or null.
func (t Time) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return []byte("null"), nil
	}
	return []byte(t.UTC().Format(`"` + timeFormat + `"`)), nil
}

// Text formats the instant as MarshalJSON does, without quotes.
func (t Time) Text() string { return t.UTC().Format(timeFormat) }

// Error is the answer of /v1 to a request that failed.
type Error struct {
	Error         string            `json:"error"`
	Message       string            `json:"message"`
	CurrentStatus string            `json:"currentStatus,omitempty"`
	Fields        map[string]string `json:"fields,omitempty"`
	RequiredScope string            `json:"requiredScope,omitempty"`
	ProtectedBy   string            `json:"protectedBy,omitempty"`
	Reason        string            `json:"reason,omitempty"`
	RequestID     string            `json:"requestId,omitempty"`
}

// Done is the answer to an act: a sentence, and the agent's status where the
// act is about it.
type Done struct {
	Message string `json:"message"`
	Status  string `json:"status,omitempty"`
}

// Updated is the answer to a change of an agent's settings.
type Updated struct {
	ID      string `json:"id"`
	Message string `json:"message"`
}

// Deleted is the answer to a delete.
type Deleted struct {
	Message    string `json:"message"`
	DeletionID string `json:"deletionId"`
}

// Verified is the answer to a check of an API key.
type Verified struct {
	Status    string `json:"status"`
	Message   string `json:"message"`
	Team      Team   `json:"team"`
	Scope     string `json:"scope"`
	ExpiresAt Time   `json:"expiresAt"`
}

// Team names a tenant.
type Team struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Event tells that something changed; whoever reads it asks again.
type Event struct {
	Type    string  `json:"type"`
	AgentID *string `json:"agentId"`
	At      Time    `json:"at"`
}
