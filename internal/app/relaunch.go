package app

import (
	"context"
	"strings"
	"time"

	"agentry/internal/fleet"
	"agentry/internal/store"
)

// Relaunch resets an ended agent: credentials, alerts, open tasks, settings
// and current actions go; the agent, its id, name, tags, usage and audit stay.
// Country, hours and limits come back as a draft of the next setup. One that is
// held, because the agent keeps ending by itself, needs a reason.
func (a *App) Relaunch(ctx context.Context, by fleet.Actor, id fleet.AgentID, in ReasonInput) (fleet.Agent, error) {
	agent, err := a.reasoned(ctx, by, fleet.ScopeOperate, fleet.MoveRelaunch, id, in, func(c *change) error {
		if _, err := fleet.Next(c.agent.Status, fleet.MoveRelaunch, c.agent.Facts(c.kind)); err != nil {
			return err
		}
		hold, err := relaunchHold(c.tx, c.agent.Agent, c.now)
		if err != nil {
			return err
		}
		if hold != "" && strings.TrimSpace(in.Reason) == "" {
			return fleet.Errorf(fleet.CodeConflict, "%s", hold)
		}
		counts, err := c.tx.Counts(id)
		if err != nil {
			return err
		}
		c.detail("incarnation", c.agent.Incarnation+1)
		c.detail("endReason", endCode(c.agent.EndReason))
		c.detail("credentials", counts.Credentials)
		c.detail("alerts", counts.Alerts)
		if err := a.clear(c); err != nil {
			return err
		}
		return c.move(fleet.MoveRelaunch)
	})
	a.store.Erased()
	return agent, err
}

// relaunchHold counts, in the audit, the relaunches out of the same end.
func relaunchHold(tx *store.Tx, agent fleet.Agent, now time.Time) (string, error) {
	code := endCode(agent.EndReason)
	if code == "" {
		return "", nil
	}
	n, err := tx.CountRelaunches(agent.TeamID, agent.ID, code, now.Add(-fleet.RelaunchWindow))
	return fleet.RelaunchHold(code, n), err
}

// endCode is what of an end reason may stay in the audit: the program's own
// codes, never a person's text.
func endCode(reason string) string {
	if reason == fleet.EndCrashLoop {
		return reason
	}
	return ""
}

// clear removes what belongs to an incarnation. The data key is replaced, so
// that older backups of the credentials are unreadable too.
func (a *App) clear(c *change) error {
	sealed, _, err := a.sealer.NewDataKey(string(c.agent.ID))
	if err != nil {
		return err
	}
	id := c.agent.ID
	for _, step := range []func() error{
		func() error { return c.tx.DeleteCredentials(id) },
		func() error { return c.tx.ReplaceDataKey(id, sealed) },
		func() error { return c.tx.DeleteAlerts(c.agent.TeamID, id) },
		func() error { n, err := c.tx.DeleteOpenTasks(c.agent.TeamID, id); c.detail("tasks", n); return err },
		func() error { return c.tx.DeleteCommands(id, "") },
		func() error { return c.tx.FailPendingMessages(id) },
		func() error { return c.tx.DeleteChats(c.agent.TeamID, id) },
		func() error { return c.tx.ForgetRunEvents(id) },
		func() error { return a.dropResources(c, fleet.MoveRelaunch) },
		c.flushAllReads,
		func() error { return c.tx.ResetRun(id) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	c.agent.Draft = &fleet.Draft{Incarnation: c.agent.Incarnation, Country: c.agent.Country, Hours: c.agent.Hours, Limits: c.agent.Limits}
	c.agent.Login, c.agent.Country, c.agent.Avatar = "", "", ""
	c.agent.Hours, c.agent.Limits, c.agent.Settings = fleet.DefaultHours(), fleet.DefaultLimits(), nil
	c.agent.Incarnation++
	c.agent.IsSetUp = false
	c.agent.OpenAlerts = 0
	rt := c.agent.Runtime
	c.agent.Runtime = fleet.Runtime{State: rt.State, Epoch: rt.Epoch, Handle: rt.Handle}
	return nil
}

// Preview says what a relaunch or a delete would do, with counts from the code
// that does it, bound to the agent's version. A hold blocks nothing: it asks for
// a reason.
func (a *App) Preview(ctx context.Context, by fleet.Actor, id fleet.AgentID, action fleet.Move) (fleet.Preview, error) {
	if err := by.May(fleet.ScopeRead); err != nil {
		return fleet.Preview{}, err
	}
	if action != fleet.MoveRelaunch && action != fleet.MoveDelete {
		return fleet.Preview{}, fleet.Invalid("action", "must be relaunch or delete")
	}
	p, now := fleet.Preview{Action: action, BlockedBy: []string{}}, a.Now()
	err := a.store.Read(ctx, func(tx *store.Tx) error {
		row, err := tx.Agent(by.TeamID, id)
		if err != nil {
			return err
		}
		counts, err := tx.Counts(id)
		if err != nil {
			return err
		}
		counts.Settings = len(row.Settings)
		p.Agent, p.Version, p.Removes = row.Agent, row.Version, counts
		if err := nameResources(tx, &p); err != nil {
			return err
		}
		if p.RecentRelaunches, err = tx.CountActions(by.TeamID, id, string(fleet.MoveRelaunch), now.Add(-fleet.RelaunchWindow)); err != nil {
			return err
		}
		if action == fleet.MoveDelete {
			return nil
		}
		if p.Hold, err = relaunchHold(tx, p.Agent, now); err != nil {
			return err
		}
		return keepOfRelaunch(tx, &p)
	})
	p.BlockedBy = append(p.BlockedBy, a.blockers(by, p)...)
	p.Allowed = len(p.BlockedBy) == 0
	return p, err
}

func (a *App) blockers(by fleet.Actor, p fleet.Preview) (list []string) {
	need := fleet.ScopeOperate
	if p.Action == fleet.MoveDelete {
		need = fleet.ScopeDelete
		if pr := p.Agent.Protected; pr != nil {
			list = append(list, protectedText(*pr))
		}
	}
	for _, err := range []error{
		a.allowed(act{by: by, need: need, action: string(p.Action), id: p.Agent.ID}),
		func() error { _, err := fleet.Next(p.Agent.Status, p.Action, fleet.Facts{}); return err }(),
	} {
		if known, ok := err.(*fleet.Error); ok {
			list = append(list, known.Message)
		}
	}
	return list
}

// keepOfRelaunch moves what a relaunch leaves from Removes to Keeps.
func keepOfRelaunch(tx *store.Tx, p *fleet.Preview) error {
	open, err := tx.CountOpenTasks(p.Agent.TeamID, p.Agent.ID)
	r := &p.Removes
	p.Keeps = fleet.Counts{Tasks: r.Tasks - open, UsageDays: r.UsageDays, Messages: r.Messages, Logs: r.Logs}
	*r = fleet.Counts{Credentials: r.Credentials, Tasks: open, Alerts: r.Alerts, Settings: r.Settings}
	return err
}
