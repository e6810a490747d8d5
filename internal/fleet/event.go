package fleet

import "time"

// Event says that something of a team changed. It carries names and ids, never
// state: whoever hears it asks again and is authorised again. Events are
// stored in the transaction of the change they tell of; Seq is their order.
type Event struct {
	Seq    int64
	TeamID TeamID
	// AgentID is empty for what concerns the whole team.
	AgentID AgentID
	Type    string
	At      time.Time
}

// The event types.
const (
	EventAgentCreated = "agent.created"
	EventAgentStatus  = "agent.status_changed"
	EventAgentUpdated = "agent.updated"
	EventAgentDeleted = "agent.deleted"
	EventRunChanged   = "agent.run_changed"
	EventAlertChanged = "alert.changed"
	EventTaskChanged  = "task.changed"
	EventMessage      = "message.changed"
	EventLog          = "log.added"
	EventUsage        = "usage.changed"
	EventKeyChanged   = "key.changed"
	// EventResourceChanged is about a row of the ledger.
	EventResourceChanged = "resource.changed"
	// EventProxyChanged and EventVendorChanged are about what all agents share.
	EventProxyChanged  = "proxy.changed"
	EventVendorChanged = "vendor.changed"
	// EventTeamChanged is about the team itself: it was paused or resumed.
	EventTeamChanged = "team.changed"
	// EventBulkChanged is about a bulk: its counts or state moved.
	EventBulkChanged = "bulk.changed"
	// EventSessionChanged makes streams ask again whether they may go on.
	EventSessionChanged = "session.changed"
)
