package fleet

import "slices"

// Role is what a member may do in a team.
type Role string

// The roles, smallest first.
const (
	RoleViewer   Role = "viewer"
	RoleOperator Role = "operator"
	RoleAdmin    Role = "admin"
	RoleOwner    Role = "owner"
)

// Valid tells whether r is one of the four.
func (r Role) Valid() bool { return slices.Contains(Roles(), r) }

// Scope is what an API key may do. A scope contains the ones before it.
type Scope string

// The scopes, smallest first.
const (
	ScopeRead    Scope = "read"
	ScopeOperate Scope = "operate"
	ScopeDelete  Scope = "delete"
	ScopeAdmin   Scope = "admin"
)

// Scopes returns the scopes, smallest first.
func Scopes() []Scope { return []Scope{ScopeRead, ScopeOperate, ScopeDelete, ScopeAdmin} }

// Valid tells whether s is one of the four.
func (s Scope) Valid() bool { return slices.Contains(Scopes(), s) }

// Contains tells whether s allows what other allows.
func (s Scope) Contains(other Scope) bool {
	return s.Valid() && slices.Index(Scopes(), s) >= slices.Index(Scopes(), other)
}

// Scope is what a member with the role may do. Operators do not delete:
// delete is never implied by operate.
func (r Role) Scope() Scope {
	switch r {
	case RoleViewer:
		return ScopeRead
	case RoleOperator:
		return ScopeOperate
	case RoleAdmin, RoleOwner:
		return ScopeAdmin
	}
	return ""
}

// ActorKind says what acts.
type ActorKind string

// The kinds of actors.
const (
	ActorMember ActorKind = "member"
	ActorKey    ActorKind = "key"
	ActorRun    ActorKind = "run"
	ActorSystem ActorKind = "system"
)

// Actor is who does something, in which team, with which right. Every use-case
// takes one.
type Actor struct {
	Kind ActorKind
	// ID is a user's, a key's or an agent's id; a word for the system.
	ID string
	// Name is what people read: a member's name, a key's name.
	Name   string
	TeamID TeamID
	Scope  Scope
	// RequestID ties what is done to the request that asked for it.
	RequestID string
	// IdempotencyKey names the call, so that its effect happens once; "" is none.
	IdempotencyKey string
	// Bulk is the bulk for which the actor acts; nil is none.
	Bulk *BulkRef
}

// NeighbourID is the id, in place of a key's, of whoever asks from this machine
// on a server that trusts it.
const NeighbourID = "loopback"

// System is the actor for what the program does by itself, such as a time-out.
func System(team TeamID, part string) Actor {
	return Actor{Kind: ActorSystem, ID: part, Name: part, TeamID: team, Scope: ScopeAdmin}
}

// May returns nil when the actor's scope contains the needed one, else a
// forbidden error that names it.
func (a Actor) May(need Scope) error {
	if a.TeamID != "" && a.Scope.Contains(need) {
		return nil
	}
	e := Errorf(CodeForbidden, "This needs the %s scope; yours is %s", need, scopeWord(a.Scope))
	e.RequiredScope = string(need)
	return e
}

func scopeWord(s Scope) string {
	if s == "" {
		return "none"
	}
	return string(s)
}
