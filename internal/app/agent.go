package app

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"agentry/internal/fleet"
	"agentry/internal/store"
)

// AgentView is an agent as it is shown: with its unresolved alerts, usage and
// the sentence that says why it is not working.
type AgentView struct {
	fleet.Agent
	Alerts []fleet.Alert
	Why    string
	Usage  UsageView
	// NextTask is when the next pending task can be handed out, of the type
	// NextType ("" is a custom one); zero is none, or nobody can tell, as while
	// the agent does not run.
	NextTask time.Time
	NextType string
	// Today is what the gate was asked with.
	Today fleet.Today
	// Spark has the sums of messages and invitations of the last 14 days of
	// the agent's zone, oldest first.
	Spark []int64
}

// UsageView are an agent's counters: of all time and of the present day in its
// zone, and when the next of a kind may be done (zero: unknown, as while the
// agent does not run).
type UsageView struct {
	Invitations, InvitationsDaily int64
	Messages, MessagesDaily       int64
	NextInvitation, NextMessage   time.Time
}

// sparkDays is how many days a sparkline shows.
const sparkDays = 14

// Agent returns one of the team's agents.
func (a *App) Agent(ctx context.Context, by fleet.Actor, id fleet.AgentID) (v AgentView, err error) {
	if err := by.May(fleet.ScopeRead); err != nil {
		return v, err
	}
	err = a.store.Read(ctx, func(tx *store.Tx) error {
		row, err := tx.Agent(by.TeamID, id)
		if err != nil {
			return err
		}
		views, err := a.views(tx, by.TeamID, []store.AgentRow{row})
		if err == nil {
			v = views[0]
		}
		return err
	})
	return v, err
}

// AgentNames returns the names of those of the ids that are the team's agents;
// those that are gone are not among them.
func (a *App) AgentNames(ctx context.Context, by fleet.Actor, ids []fleet.AgentID) (names map[fleet.AgentID]string, err error) {
	if err := by.May(fleet.ScopeRead); err != nil {
		return nil, err
	}
	err = a.store.Read(ctx, func(tx *store.Tx) error {
		names, err = tx.AgentNames(by.TeamID, ids)
		return err
	})
	return names, err
}

func (a *App) views(tx *store.Tx, team fleet.TeamID, rows []store.AgentRow) ([]AgentView, error) {
	ids := make([]fleet.AgentID, len(rows))
	for i, r := range rows {
		ids[i] = r.ID
	}
	alerts, err := tx.LiveAlerts(team, ids)
	if err != nil {
		return nil, err
	}
	preparing, err := preparing(tx, team, rows)
	if err != nil {
		return nil, err
	}
	now := a.Now()
	views := make([]AgentView, len(rows))
	for i, r := range rows {
		today := a.today(r, alerts[r.ID], now)
		today.Preparing = preparing[r.ID]
		views[i] = view(r, today, now)
	}
	return views, nil
}

// preparing returns what those of the agents wait for that are signing in.
func preparing(tx *store.Tx, team fleet.TeamID, rows []store.AgentRow) (map[fleet.AgentID][]fleet.Resource, error) {
	var ids []fleet.AgentID
	for _, r := range rows {
		if r.Status == fleet.AuthInProgress {
			ids = append(ids, r.ID)
		}
	}
	all, err := tx.ResourcesInTransit(team, ids)
	for id, list := range all {
		all[id] = slices.DeleteFunc(list, func(r fleet.Resource) bool { return !r.Pending() })
	}
	return all, err
}

// view makes the view of an agent from what the gate asks, so that it never
// promises what a claim would refuse.
func view(r store.AgentRow, today fleet.Today, now time.Time) AgentView {
	v := AgentView{Agent: r.Agent, Alerts: today.Alerts, Today: today, Spark: spark(r, now)}
	v.Usage = UsageView{
		Invitations: r.TotalInvitations, InvitationsDaily: today.Invitations.Reported,
		Messages: r.TotalMessages, MessagesDaily: today.Messages.Reported,
	}
	gate := fleet.GateFor(r.Agent, today, now)
	v.Why = fleet.Why(r.Agent, today, gate, now)
	v.NextTask, v.NextType = gate.NextTask, gate.NextType
	v.Usage.NextInvitation, v.Usage.NextMessage = gate.NextInvitation, gate.NextMessage
	return v
}

// CreateInput describes a new agent; everything may be left out.
type CreateInput struct {
	// ID is chosen by the caller where it has to be; "" makes one.
	ID       fleet.AgentID
	Name     string
	Kind     string
	Country  string
	Tags     []string
	Hours    *fleet.HoursChange
	Limits   *fleet.LimitsChange
	Settings []fleet.Setting
	// Once: a repeat returns the agent that is there, as it is.
	Once bool
}

// Create makes an agent that waits for its setup or start.
func (a *App) Create(ctx context.Context, by fleet.Actor, in CreateInput) (AgentView, error) {
	what := act{by: by, need: fleet.ScopeOperate, action: string(fleet.MoveCreate)}
	if err := a.allowed(what); err != nil {
		return AgentView{}, a.refused(ctx, what, err)
	}
	now := a.Now()
	agent, err := a.newAgent(by, in, now)
	if err != nil {
		return AgentView{}, err
	}
	sealed, _, err := a.sealer.NewDataKey(string(agent.ID))
	if err != nil {
		return AgentView{}, err
	}
	var there []AgentView
	err = a.write(ctx, by, func(tx *store.Tx) error {
		there = nil
		if in.Once {
			row, found, err := in.again(tx, agent)
			if err == nil && found {
				there, err = a.views(tx, by.TeamID, []store.AgentRow{row})
			}
			if err != nil || found {
				return err
			}
		}
		if err := tx.InsertAgent(agent, sealed); err != nil {
			return err
		}
		e := entry(act{by: by, action: string(fleet.MoveCreate), id: agent.ID}, now, "done")
		e.Detail = map[string]any{"kind": agent.Kind, "to": agent.Status}
		if err := tx.AddAudit(e); err != nil {
			return err
		}
		return tx.AddEvent(fleet.Event{TeamID: by.TeamID, AgentID: agent.ID, Type: fleet.EventAgentCreated, At: now})
	})
	if len(there) > 0 {
		return there[0], err
	}
	row := store.AgentRow{Agent: agent}
	return view(row, a.today(row, nil, now), now), err
}

func (a *App) newAgent(by fleet.Actor, in CreateInput, now time.Time) (agent fleet.Agent, err error) {
	agent = fleet.Agent{
		ID: in.ID, TeamID: by.TeamID, Kind: in.Kind, Status: fleet.SetupNeeded, Hours: fleet.DefaultHours(), Limits: fleet.DefaultLimits(),
		Incarnation: 1, Version: 1, StatusAt: now, CreatedAt: now, UpdatedAt: now,
		Runtime: fleet.Runtime{State: fleet.ObservedNone},
	}
	if agent.ID == "" {
		agent.ID = fleet.AgentID(a.store.NewID(now))
	}
	id, ok := fleet.ParseID(string(agent.ID))
	if !ok {
		return agent, fleet.Invalid("id", "must be a UUID")
	}
	agent.ID = fleet.AgentID(id)
	if agent.Kind == "" {
		agent.Kind = a.defaultKind
	}
	if _, ok := a.kinds[agent.Kind]; !ok {
		return agent, fleet.Invalid("kind", "must be one of %s", strings.Join(a.kindNames(), ", "))
	}
	if in.Name == "" {
		in.Name = fmt.Sprintf("Agent %s", id[len(id)-6:])
	}
	return applyUpdate(agent, UpdateInput{
		Name: &in.Name, Country: &in.Country, Tags: &in.Tags, Hours: in.Hours, Limits: in.Limits, Settings: in.Settings,
	})
}

func (a *App) kindNames() (names []string) {
	for _, k := range a.Kinds() {
		names = append(names, k.Name)
	}
	return names
}

// UpdateInput changes what is not nil.
type UpdateInput struct {
	Name, Country, Avatar *string
	Tags                  *[]string
	Hours                 *fleet.HoursChange
	Limits                *fleet.LimitsChange
	Settings              []fleet.Setting
	IfVersion             int64
	// plus and minus are tags that a bulk adds and removes.
	plus, minus []string
}

// Update changes what people may edit; a running program is told at once.
func (a *App) Update(ctx context.Context, by fleet.Actor, id fleet.AgentID, in UpdateInput) (AgentView, error) {
	var v AgentView
	_, err := a.onAgent(ctx, act{by: by, need: fleet.ScopeOperate, action: "update", id: id, ifVersion: in.IfVersion}, func(c *change) (err error) {
		if len(in.plus)+len(in.minus) > 0 {
			tags, changed := fleet.WithTags(c.agent.Tags, in.plus, in.minus)
			if !changed {
				return fleet.ErrUnchanged()
			}
			in.Tags = &tags
		}
		if c.agent.Agent, err = applyUpdate(c.agent.Agent, in); err != nil {
			return err
		}
		if err := c.save(); err != nil {
			return err
		}
		if in.Hours != nil {
			// In another zone the present day is another, or began at another time.
			if err := beginDay(c.tx, c.agent.Agent, c.now); err != nil {
				return err
			}
			if c.agent, err = c.tx.Agent(by.TeamID, id); err != nil {
				return err
			}
		}
		if c.agent.Runtime.Wanted {
			if err := c.lookAgain(); err != nil {
				return err
			}
		}
		views, err := a.views(c.tx, by.TeamID, []store.AgentRow{c.agent})
		if err == nil {
			v = views[0]
		}
		return err
	})
	a.hub.Notify(inboxKey(id))
	return v, err
}

func applyUpdate(agent fleet.Agent, in UpdateInput) (fleet.Agent, error) {
	var err error
	if in.Name != nil {
		if agent.Name, err = fleet.CheckName("name", *in.Name); err != nil {
			return agent, err
		}
	}
	if in.Country != nil {
		if agent.Country, err = fleet.CheckCountry(*in.Country); err != nil {
			return agent, err
		}
	}
	if in.Avatar != nil {
		if agent.Avatar = *in.Avatar; fleet.CheckAvatar(agent.Avatar) != nil {
			return agent, fleet.CheckAvatar(agent.Avatar)
		}
	}
	if in.Tags != nil {
		if agent.Tags, err = fleet.CheckTags(*in.Tags); err != nil {
			return agent, err
		}
	}
	if in.Hours != nil {
		if agent.Hours, err = agent.Hours.Apply(*in.Hours); err != nil {
			return agent, err
		}
	}
	if in.Limits != nil {
		if agent.Limits, err = agent.Limits.Apply(*in.Limits); err != nil {
			return agent, err
		}
	}
	agent.Settings, err = agent.Settings.Merge(in.Settings)
	return agent, err
}
