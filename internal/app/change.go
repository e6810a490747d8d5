package app

import (
	"context"
	"errors"
	"slices"
	"time"

	"agentry/internal/fleet"
	"agentry/internal/store"
)

// change is one act on one agent inside its transaction.
type change struct {
	tx    *store.Tx
	by    fleet.Actor
	now   time.Time
	news  time.Time // when its events are written, where that is not now; see Seed
	agent store.AgentRow
	kind  fleet.Kind
	known bool // the agent's kind is configured
	audit fleet.AuditEntry
	moved bool     // the status changed
	said  []string // types of event that the transaction has
}

// act describes who does what to which agent.
type act struct {
	by        fleet.Actor
	need      fleet.Scope
	action    string
	id        fleet.AgentID
	ifVersion int64  // 0 is any
	note      string // kept with the audit entry while the agent lives
}

// onAgent runs f on the agent in one transaction with its audit entry. What
// is refused is recorded too. The runner is woken afterwards.
func (a *App) onAgent(ctx context.Context, what act, f func(c *change) error) (fleet.Agent, error) {
	agent, err := a.tryOnAgent(ctx, what, f)
	if err != nil {
		return fleet.Agent{}, a.refused(ctx, what, err)
	}
	a.wakeRunner(agent.ID)
	// A program that waits for something may have to hear that its run is over.
	a.hub.Notify(inboxKey(agent.ID))
	return agent, nil
}

func (a *App) tryOnAgent(ctx context.Context, what act, f func(c *change) error) (fleet.Agent, error) {
	if err := a.allowed(what); err != nil {
		return fleet.Agent{}, err
	}
	c := &change{by: what.by, now: a.Now()}
	err := a.write(ctx, what.by, func(tx *store.Tx) error {
		row, err := tx.Agent(what.by.TeamID, what.id)
		if err != nil {
			return err
		}
		if what.ifVersion != 0 && what.ifVersion != row.Version {
			return fleet.Errorf(fleet.CodeVersion, "The agent was changed meanwhile: it is at version %d, not %d", row.Version, what.ifVersion)
		}
		c.tx, c.agent = tx, row
		c.kind, c.known = a.kinds[row.Kind]
		c.audit = entry(what, c.now, "done")
		if err := a.beginItem(c, what.need); err != nil {
			return err
		}
		if err := f(c); err != nil {
			return err
		}
		if err := tx.AddAudit(c.audit); err != nil {
			return err
		}
		return a.endItem(c)
	})
	if err == nil && c.moved {
		// Who waits for a start or for a reply has to look again.
		a.hub.Notify(runKey(what.id))
	}
	return c.agent.Agent, err
}

func (a *App) allowed(what act) error {
	if err := what.by.May(what.need); err != nil {
		return err
	}
	if what.by.Kind != fleet.ActorSystem && slices.Contains(a.disabled, what.action) {
		return fleet.Errorf(fleet.CodeForbidden, "The host of this server has switched %s off", what.action)
	}
	return nil
}

func entry(what act, at time.Time, outcome string) fleet.AuditEntry {
	e := fleet.AuditEntry{
		TeamID: what.by.TeamID, At: at, ActorKind: what.by.Kind, ActorID: what.by.ID, ActorName: what.by.Name,
		Action: what.action, AgentID: what.id, Outcome: outcome, Note: what.note, RequestID: what.by.RequestID,
	}
	if ref := what.by.Bulk; ref != nil {
		e.Detail = map[string]any{"bulkId": ref.ID}
	}
	return e
}

// refused records a refusal and returns it.
func (a *App) refused(ctx context.Context, what act, cause error) error {
	return errors.Join(cause, a.recordRefusal(ctx, what, cause))
}

// recordRefusal keeps that an act was refused, for refusals that a caller
// could mean harm by. What is not known is not an agent's history.
func (a *App) recordRefusal(ctx context.Context, what act, cause error) error {
	code := fleet.CodeOf(cause)
	switch code {
	case fleet.CodeForbidden, fleet.CodeProtected, fleet.CodeInvalidStatus, fleet.CodeVersion, fleet.CodeConflict:
	default:
		return nil
	}
	e := entry(what, a.Now(), string(code))
	e.Note = ""
	return a.store.Write(ctx, func(tx *store.Tx) error { return addAudit(tx, e) })
}

// move makes a lifecycle move and what it means for the agent's program.
// Fields of the agent that the move stores are set on c.agent before.
func (c *change) move(m fleet.Move) error {
	rule, err := fleet.Next(c.agent.Status, m, c.agent.Facts(c.kind))
	if err != nil {
		return err
	}
	from := c.agent.Status
	if from == fleet.Running && m != fleet.MoveStartFailed {
		// It ran: a kind that asks for nothing is now as good as set up.
		c.agent.IsSetUp = true
	}
	if rule.To != fleet.Paused {
		c.agent.PauseNote, c.agent.PausedBy, c.agent.ResumeAt, c.agent.TeamPaused = "", "", time.Time{}, false
	}
	if rule.To != fleet.Ended {
		c.agent.EndReason, c.agent.EndedAt = "", time.Time{}
	}
	if c.agent.Agent, err = c.tx.MoveStatus(c.agent.Agent, rule.To, c.now); err != nil {
		return err
	}
	c.moved = true
	c.detail("from", from)
	c.detail("to", rule.To)
	if err := c.applyRun(rule.Run); err != nil {
		return err
	}
	return c.event(fleet.EventAgentStatus)
}

func (c *change) applyRun(effect fleet.RunEffect) error {
	rt := &c.agent.Runtime
	switch {
	case effect == fleet.RunStop:
		if err := c.tx.UnwantRun(c.agent.ID); err != nil {
			return err
		}
		// Nobody waits for a program to speak that is not wanted.
		if err := c.resolve("runtime", alertLost); err != nil {
			return err
		}
		state := fleet.ObservedStopping
		if rt.Handle == "" {
			state = fleet.ObservedNone
		}
		return c.observe(state)
	case effect == fleet.RunStart, effect == fleet.RunEnsure && !rt.Wanted:
		if err := c.tx.WantRun(c.agent.ID, true, rt.EnableAutonomy, rt.Settings); err != nil {
			return err
		}
		return c.observe(fleet.ObservedStarting)
	}
	return nil
}

func (c *change) observe(state fleet.Observed) error {
	c.agent.Runtime.State = state
	return c.tx.SetObserved(c.agent.ID, state)
}

// event announces a type once: it says of which agent, not what, and whoever
// hears it looks after the commit.
func (c *change) event(typ string) error {
	if slices.Contains(c.said, typ) {
		return nil
	}
	c.said = append(c.said, typ)
	at := c.now
	if !c.news.IsZero() {
		at = c.news
	}
	return c.tx.AddEvent(fleet.Event{TeamID: c.agent.TeamID, AgentID: c.agent.ID, Type: typ, At: at})
}

// detail adds a code, id or count to the audit entry; never a text of people.
func (c *change) detail(name string, value any) {
	if c.audit.Detail == nil {
		c.audit.Detail = map[string]any{}
	}
	c.audit.Detail[name] = value
}

// command queues something for the agent's program, which is told after the
// commit by whoever calls notifyInbox.
func (c *change) command(typ string, body map[string]any) error {
	return c.tx.AddCommand(c.agent.ID, fleet.Command{ID: c.tx.NewID(c.now), Type: typ, Body: body, CreatedAt: c.now})
}

// lookAgain tells the agent's program, once, that something it reads has
// changed: it reads its settings again and asks for tasks.
func (c *change) lookAgain() error {
	if err := c.tx.DeleteCommands(c.agent.ID, fleet.CommandSettingsChanged); err != nil {
		return err
	}
	return c.command(fleet.CommandSettingsChanged, nil)
}
