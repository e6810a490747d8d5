package brain

import (
	"time"

	"agentry/internal/brain/llm"
	"agentry/internal/runtime/protocol"
)

// alertType is the type of the alerts about the model; a kind of trouble is
// the subtype.
const alertType = "model"

// noWait is how long messages may wait without a word.
const noWait = 10 * time.Second

// remindEvery is how often trouble that stays is told again: somebody may have
// resolved the alert meanwhile.
const remindEvery = 10 * time.Minute

// alarm decides what the team is told about trouble. It is not safe for
// concurrent use: what it returns has to be told in its order.
type alarm struct {
	raised llm.Kind // of the endpoint; "" is none
	at     time.Time
	// stuck are the commands that wait for each kind of their own trouble.
	stuck   map[llm.Kind]map[string]bool
	told    map[llm.Kind]time.Time // when each of those kinds was told of
	settled bool                   // what a former run raised is cleared
}

// failed is called with the nth failure of the endpoint in a row, or a
// message's own trouble. One failure that passes by itself is nobody's matter
// yet, unless it took its whole time.
func (a *alarm) failed(t *llm.Trouble, nth int, commandID string, now time.Time) []protocol.Event {
	if t.Kind.OfMessage() {
		return a.failedItself(t, commandID, now)
	}
	switch {
	case nth == 0, nth == 1 && t.Kind.Passing() && t.Kind != llm.Timeout && t.After < noWait && a.raised == "":
		return nil
	case t.Kind == a.raised && now.Sub(a.at) < remindEvery:
		return nil
	}
	var events []protocol.Event
	if a.raised != "" && a.raised != t.Kind {
		events = append(events, cleared(a.raised))
	}
	a.raised, a.at = t.Kind, now
	severity := "error"
	if t.Kind.Passing() {
		severity = "warning"
	}
	return append(events, raise(t, severity, " Messages wait and are tried again."))
}

// failedItself is called with a message's own trouble: what it had before is
// over, and the first of a kind is told.
func (a *alarm) failedItself(t *llm.Trouble, commandID string, now time.Time) []protocol.Event {
	known := len(a.stuck[t.Kind]) > 0 && now.Sub(a.told[t.Kind]) < remindEvery
	gone := a.unstick(commandID)
	if a.stuck == nil {
		a.stuck, a.told = map[llm.Kind]map[string]bool{}, map[llm.Kind]time.Time{}
	}
	if a.stuck[t.Kind] == nil {
		a.stuck[t.Kind] = map[string]bool{}
	}
	a.stuck[t.Kind][commandID] = true
	events := a.works()
	for _, kind := range gone {
		if kind != t.Kind {
			events = append(events, cleared(kind))
		}
	}
	if known {
		return events
	}
	a.told[t.Kind] = now
	return append(events, raise(t, "warning", " The message waits and is tried again now and then."))
}

// worked is called when the model answered a message.
func (a *alarm) worked(commandID string) []protocol.Event {
	events := a.works()
	for _, kind := range a.unstick(commandID) {
		events = append(events, cleared(kind))
	}
	return events
}

// works clears what was raised about the endpoint, the first time also what a
// former run raised.
func (a *alarm) works() []protocol.Event {
	raised := a.raised
	a.raised = ""
	switch {
	case a.settled && raised == "":
		return nil
	case a.settled:
		return []protocol.Event{cleared(raised)}
	}
	a.settled = true
	if len(a.stuck) == 0 {
		return []protocol.Event{cleared("")}
	}
	var events []protocol.Event
	for _, kind := range llm.Kinds() {
		if a.stuck[kind] == nil {
			events = append(events, cleared(kind))
		}
	}
	return events
}

// unstick forgets a command's own trouble and returns the kinds that nobody
// has any more.
func (a *alarm) unstick(commandID string) (gone []llm.Kind) {
	for kind, ids := range a.stuck {
		if delete(ids, commandID); len(ids) == 0 {
			delete(a.stuck, kind)
			gone = append(gone, kind)
		}
	}
	return gone
}

func raise(t *llm.Trouble, severity, then string) protocol.Event {
	return protocol.NewEvent("alert", "alertType", alertType, "subType", string(t.Kind), "severity", severity, "message", t.Text+then)
}

// cleared takes back a kind's alert; "" is all of them.
func cleared(kind llm.Kind) protocol.Event {
	return protocol.NewEvent("alert_cleared", "alertType", alertType, "subType", string(kind))
}
