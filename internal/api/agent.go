package api

import (
	"encoding/json"
	"errors"
)

// Agent is one agent as /v1 answers it.
type Agent struct {
	ID          string      `json:"id"`
	Name        string      `json:"name"`
	Kind        string      `json:"kind"`
	Status      string      `json:"status"`
	Login       *string     `json:"login"`
	Country     *string     `json:"country"`
	Avatar      *string     `json:"avatar"`
	Tags        []string    `json:"tags"`
	NextTask    Time        `json:"nextTask"`
	Usage       AgentUsage  `json:"usage"`
	Limits      Limits      `json:"limits"`
	Settings    []Setting   `json:"settings"`
	Alerts      []Alert     `json:"alerts"`
	Runtime     Runtime     `json:"runtime"`
	Why         *string     `json:"why"`
	Incarnation int         `json:"incarnation"`
	Protected   *Protection `json:"protected"`
	EndReason   *string     `json:"endReason"`
	EndedAt     Time        `json:"endedAt"`
	CreatedAt   Time        `json:"createdAt"`
	UpdatedAt   Time        `json:"updatedAt"`
	Version     int64       `json:"version"`
}

// AgentUsage is what an agent did, in all and today, and when it may next.
type AgentUsage struct {
	Invitations      int64        `json:"invitations"`
	InvitationsDaily int64        `json:"invitationsDaily"`
	Messages         int64        `json:"messages"`
	MessagesDaily    int64        `json:"messagesDaily"`
	NextInvitation   Time         `json:"nextInvitation"`
	NextMessage      Time         `json:"nextMessage"`
	WorkingHours     WorkingHours `json:"workingHours"`
}

// WorkingHours are a weekly window; Days are seven 0 or 1, Monday first.
type WorkingHours struct {
	Days     string `json:"days"`
	Start    string `json:"start"`
	Stop     string `json:"stop"`
	Timezone string `json:"timezone"`
}

// Limits are how much an agent does a day.
type Limits struct {
	InvitationsMin int `json:"invitationsMin"`
	InvitationsMax int `json:"invitationsMax"`
	MessagesMin    int `json:"messagesMin"`
	MessagesMax    int `json:"messagesMax"`
}

// Setting is one free setting; its value is any JSON value.
type Setting struct {
	Key   string `json:"key"`
	Value any    `json:"value"`
}

// Runtime is what is known of an agent's program.
type Runtime struct {
	State       string `json:"state"`
	LastHeardAt Time   `json:"lastHeardAt"`
	Epoch       int64  `json:"epoch"`
	Restarts    int    `json:"restarts"`
	Driver      string `json:"driver"`
}

// Protection says who protected an agent, why and when.
type Protection struct {
	By     string `json:"by"`
	Reason string `json:"reason"`
	At     Time   `json:"at"`
}

// CreateAgent is the body of a create; every field may be left out.
type CreateAgent struct {
	Name         string        `json:"name"`
	Kind         string        `json:"kind"`
	Country      string        `json:"country"`
	Tags         []string      `json:"tags"`
	WorkingHours *HoursChange  `json:"workingHours"`
	Limits       *LimitsChange `json:"limits"`
	Settings     []Setting     `json:"settings"`
}

// UpdateAgent is the body of a change; what is left out stays.
type UpdateAgent struct {
	Name         *string       `json:"name"`
	Tags         *[]string     `json:"tags"`
	Country      *string       `json:"country"`
	Avatar       *string       `json:"avatar"`
	WorkingHours *HoursChange  `json:"workingHours"`
	Limits       *LimitsChange `json:"limits"`
	Settings     []Setting     `json:"settings"`
}

// HoursChange is a partial change of the working hours.
type HoursChange struct {
	Days     *string `json:"days"`
	Start    *string `json:"start"`
	Stop     *string `json:"stop"`
	Timezone *Zone   `json:"timezone"`
}

// LimitsChange is a partial change of the limits.
type LimitsChange struct {
	InvitationsMin *int `json:"invitationsMin"`
	InvitationsMax *int `json:"invitationsMax"`
	MessagesMin    *int `json:"messagesMin"`
	MessagesMax    *int `json:"messagesMax"`
}

// Zone is a time zone on write: an IANA name, or a number of whole hours from
// UTC, positive to the east.
type Zone struct {
	Name     string
	Hours    int
	IsNumber bool
}

// errZone is what a value that is neither text nor a whole number gets.
var errZone = errors.New("must be an IANA time zone or a whole number of hours")

// UnmarshalJSON accepts text or a whole number.
func (z *Zone) UnmarshalJSON(raw []byte) error {
	if json.Unmarshal(raw, &z.Name) == nil {
		return nil
	}
	if json.Unmarshal(raw, &z.Hours) == nil {
		z.IsNumber = true
		return nil
	}
	return &FieldError{Field: "workingHours.timezone", Text: errZone.Error()}
}

// MarshalJSON writes the zone as it was read.
func (z Zone) MarshalJSON() ([]byte, error) {
	if z.IsNumber {
		return json.Marshal(z.Hours)
	}
	return json.Marshal(z.Name)
}

// Setup is the body of a setup: what the agent's kind asks for.
type Setup struct {
	Login    string `json:"login"`
	Password string `json:"password"`
	Country  string `json:"country"`
}

// Verify is the body that carries a sign-in code.
type Verify struct {
	Code string `json:"code"`
}

// Start is the body of a start; both last for the run that it starts.
type Start struct {
	EnableAutonomy bool           `json:"enableAutonomy"`
	Settings       map[string]any `json:"settings"`
}

// Pause is the body of a pause; with Until the agent resumes by itself.
type Pause struct {
	Note  string `json:"note"`
	Until *Stamp `json:"until"`
}

// Reason is the body of the acts that take a reason.
type Reason struct {
	Reason string `json:"reason"`
}

// Delete is the optional body of a delete.
type Delete struct {
	Reason       string `json:"reason"`
	ExportSHA256 string `json:"exportSha256"`
}

// Preview is what a relaunch or delete would do.
type Preview struct {
	Action    string   `json:"action"`
	Allowed   bool     `json:"allowed"`
	BlockedBy []string `json:"blockedBy"`
	// NeedsReason: with a reason one of blockedBy does not block any more.
	NeedsReason bool           `json:"needsReason"`
	Removes     PreviewRemoves `json:"removes"`
	Keeps       Counts         `json:"keeps"`
	Version     int64          `json:"version"`
}

// PreviewRemoves is what goes, with the outside resources that are released;
// moreResources counts those that are not named.
type PreviewRemoves struct {
	Counts
	Resources     []Resource `json:"resources"`
	MoreResources int        `json:"moreResources"`
}

// Counts are what an agent has.
type Counts struct {
	Credentials int `json:"credentials"`
	Tasks       int `json:"tasks"`
	Alerts      int `json:"alerts"`
	UsageDays   int `json:"usageDays"`
	Messages    int `json:"messages"`
	Logs        int `json:"logs"`
	Settings    int `json:"settings"`
}

// Deletion is the certificate that remains of a deleted agent.
type Deletion struct {
	ID           string  `json:"id"`
	AgentID      string  `json:"agentId"`
	At           Time    `json:"at"`
	By           string  `json:"by"`
	ByKind       string  `json:"byKind"`
	Reason       *string `json:"reason"`
	Removed      Counts  `json:"removed"`
	Incarnation  int     `json:"incarnation"`
	ExportSHA256 *string `json:"exportSha256"`
	// Resources are what the agent had outside, newest first, as they are now;
	// moreResources counts those that are not named.
	Resources     []Resource `json:"resources"`
	MoreResources int        `json:"moreResources"`
}
