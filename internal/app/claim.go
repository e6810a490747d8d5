package app

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"agentry/internal/fault"
	"agentry/internal/fleet"
	"agentry/internal/store"
)

// This file is the one way by which tasks are handed out.

// maxClaim is how many tasks one claim may take.
const maxClaim = 50

// maxSkipped bounds how many tasks one claim looks through and cancels.
const maxSkipped = 500

// skipped is why an invitation was not handed out.
const skipped = "Not sent: already in the network (the setting skipInNetwork)"

// ClaimTasks hands out tasks that may be done now. When there are none, why
// and askAgainAt (zero: unknown) say what to wait for.
func (a *App) ClaimTasks(ctx context.Context, run fleet.Run, most int) (tasks []fleet.Task, why string, askAgainAt time.Time, err error) {
	if most < 1 || most > maxClaim {
		return nil, "", time.Time{}, fleet.Invalid("max", "must be between 1 and %d", maxClaim)
	}
	c := claim{run: run, now: a.Now()}
	err = a.store.Write(ctx, func(tx *store.Tx) error {
		c.tx, c.tasks, c.cancelled = tx, nil, 0
		row, err := c.row()
		if err != nil {
			return err
		}
		gate := a.gate(row, c.now)
		if err := c.take(row, gate, most); err != nil {
			return err
		}
		if c.cancelled > 0 && len(c.tasks) == 0 {
			if row, err = c.row(); err != nil {
				return err
			}
			gate = a.gate(row, c.now)
		}
		why, askAgainAt = answer(gate, len(c.tasks))
		if len(c.tasks)+c.cancelled == 0 {
			return nil
		}
		return tx.AddEvent(fleet.Event{TeamID: run.TeamID, AgentID: run.AgentID, Type: fleet.EventTaskChanged, At: c.now})
	})
	return c.tasks, why, askAgainAt, err
}

// answer says what to wait for when nothing was handed out.
func answer(gate fleet.Gate, n int) (why string, again time.Time) {
	switch {
	case n > 0:
		return "", time.Time{}
	case gate.Reason != "":
		return gate.Reason, wholeMilli(gate.OpensAt)
	}
	return "No task is due", wholeMilli(gate.NextTask)
}

// wholeMilli is the first whole millisecond that is not before the instant:
// programs are told times in milliseconds, and must not ask too early.
func wholeMilli(at time.Time) time.Time {
	if whole := at.Truncate(time.Millisecond); !whole.Equal(at) {
		return whole.Add(time.Millisecond)
	}
	return at
}

// claim is one call inside its transaction.
type claim struct {
	tx        *store.Tx
	run       fleet.Run
	now       time.Time
	tasks     []fleet.Task
	cancelled int
}

// row is the run's agent, with what was handed out and reported counted on its
// present day.
func (c *claim) row() (store.AgentRow, error) {
	row, err := liveRow(c.tx, c.run)
	if err != nil || row.DaySince.Equal(row.Hours.DayStart(c.now)) && row.Today == row.Hours.Day(c.now) {
		return row, err
	}
	if err := beginDay(c.tx, row.Agent, c.now); err != nil {
		return row, err
	}
	return c.tx.Agent(c.run.TeamID, c.run.AgentID)
}

func beginDay(tx *store.Tx, a fleet.Agent, now time.Time) error {
	return tx.BeginDay(a.TeamID, a.ID, a.Hours.Day(now), a.Hours.DayStart(now))
}

// take hands out up to most of what is due and may be done, earliest first.
func (c *claim) take(row store.AgentRow, gate fleet.Gate, most int) error {
	skip := row.Settings.On(fleet.SettingSkipInNetwork)
	for more := !gate.Shut; more && len(c.tasks) < most && c.cancelled < maxSkipped; {
		due, err := c.due(gate, most-len(c.tasks))
		if err != nil {
			return err
		}
		more = false
		for _, t := range due {
			cancel := skip && t.Type == fleet.TaskInvitation && t.InNetwork()
			more = more || cancel
			if err := c.one(t, cancel, gate); err != nil {
				return err
			}
		}
	}
	return nil
}

// due are up to most due tasks that may be done, of each counter no more than
// may be: what may not be done now must not hide what may.
func (c *claim) due(gate fleet.Gate, most int) (list []fleet.Task, err error) {
	for _, counter := range []string{"", fleet.UsageMessages, fleet.UsageInvitations} {
		limit := int64(most)
		if counter != "" {
			limit = min(limit, gate.Left[counter])
		}
		if limit <= 0 {
			continue
		}
		some, err := c.tx.DueTasks(c.run.TeamID, c.run.AgentID, counter, c.now, limit)
		if err != nil {
			return nil, err
		}
		list = append(list, some...)
	}
	slices.SortFunc(list, func(a, b fleet.Task) int {
		return cmp.Or(a.DueAt.Compare(b.DueAt), strings.Compare(a.ID, b.ID))
	})
	return list[:min(most, len(list))], nil
}

// one hands a task out, or cancels it.
func (c *claim) one(t fleet.Task, cancel bool, gate fleet.Gate) error {
	to, message := fleet.TaskClaimed, ""
	if cancel {
		to, message = fleet.TaskCancelled, skipped
	}
	ok, err := c.tx.SetTaskState(c.run.TeamID, t, to, message, t.DueAt, c.now)
	switch {
	case err != nil || !ok:
		return err
	case cancel:
		c.cancelled++
		return nil
	}
	gate.Left[t.Counter()]--
	t.State, t.ClaimedAt = to, c.now
	c.tasks = append(c.tasks, t)
	return nil
}

// gate is what an agent may do now.
func (a *App) gate(row store.AgentRow, now time.Time) fleet.Gate {
	if fault.On(fault.StuckClock) {
		now = time.Now()
	}
	return fleet.GateFor(row.Agent, a.today(row, nil, now), now)
}

// today is what the gate asks about an agent.
func (a *App) today(r store.AgentRow, alerts []fleet.Alert, now time.Time) fleet.Today {
	t := fleet.Today{Work: r.Work, Alerts: alerts, NeedsSetup: a.kinds[r.Kind].NeedsSetup(), GiveUpAfter: a.kinds[r.Kind].Restart.GiveUpAfter, TeamPause: r.TeamPause}
	handed := !r.Work.Messages.LastHanded.IsZero() || !r.Work.Invitations.LastHanded.IsZero()
	if handed && !r.DaySince.Equal(r.Hours.DayStart(now)) {
		// A claim would have begun the day: nothing was handed out on it.
		t.Messages.Handed, t.Messages.LastHanded = 0, time.Time{}
		t.Invitations.Handed, t.Invitations.LastHanded = 0, time.Time{}
	}
	if r.Today == r.Hours.Day(now) {
		t.Invitations.Reported, t.Messages.Reported = r.TodayInvitations, r.TodayMessages
	}
	return t
}
