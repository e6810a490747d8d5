package fleet

import (
	"strconv"
	"strings"
	"time"
)

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

// Mark is the event's place in the stream.
func (e Event) Mark() EventMark { return EventMark{Seq: e.Seq, At: e.At} }

// EventMark is a place in the stream of events: behind the event of that
// number. At says which event that was, so that a number is not taken for
// another history's, as after the restore of an older copy; zero is not known.
// The zero mark is before all events.
type EventMark struct {
	Seq int64
	At  time.Time
}

// String is the mark as readers of the stream get and return it.
func (m EventMark) String() string {
	text := strconv.FormatInt(m.Seq, 10)
	if m.At.IsZero() {
		return text
	}
	return text + "-" + strconv.FormatInt(m.At.UnixMicro(), 36)
}

// ParseEventMark reads what String wrote, and a number alone.
func ParseEventMark(text string) (m EventMark, ok bool) {
	seq, at, dated := strings.Cut(text, "-")
	var err error
	if m.Seq, err = strconv.ParseInt(seq, 10, 64); err != nil || m.Seq < 0 {
		return EventMark{}, false
	}
	if dated {
		micros, err := strconv.ParseInt(at, 36, 64)
		if err != nil || micros <= 0 {
			return EventMark{}, false
		}
		m.At = time.UnixMicro(micros).UTC()
	}
	return m, true
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
	// EventViewChanged is about a saved view that the team shares.
	EventViewChanged = "view.changed"
	// EventMemberChanged is about who is in the team, as what, and who is
	// invited; streams ask again whether they may go on.
	EventMemberChanged = "member.changed"
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
	// EventAudit is about an audit entry that no other event tells of, such as
	// a refusal.
	EventAudit = "audit.added"
)
