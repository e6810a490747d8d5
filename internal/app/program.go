package app

import (
	"context"
	"slices"
	"time"

	"agentry/internal/fleet"
	"agentry/internal/secret"
	"agentry/internal/store"
)

// This file has what agents' own programs ask; events they tell are in report.go.

// heardEvery is how precisely last heard is kept, so that a chatty program
// does not cost a write per call.
const heardEvery = 5 * time.Second

// RunForToken says which run a token belongs to, and counts as hearing of it.
func (a *App) RunForToken(ctx context.Context, token string) (run fleet.Run, err error) {
	var heard time.Time
	var state fleet.Observed
	err = a.store.Read(ctx, func(tx *store.Tx) error {
		var ok bool
		run, heard, state, ok, err = tx.RunOfToken(secret.HashToken(token))
		if err == nil && !ok {
			err = fleet.Errorf(fleet.CodeRunOver, "This run is over: a newer one exists, or the agent is paused, ended or deleted")
		}
		return err
	})
	if err != nil {
		return run, err
	}
	if state == fleet.ObservedUp && a.Now().Sub(heard) < heardEvery {
		return run, nil
	}
	return run, a.heard(ctx, run)
}

func (a *App) heard(ctx context.Context, run fleet.Run) error {
	now := a.Now()
	err := a.store.Write(ctx, func(tx *store.Tx) error {
		// It may have been stopped since its token was looked up.
		row, err := liveRow(tx, run)
		if err != nil {
			return err
		}
		if err := tx.Heard(run, now); err != nil || row.Runtime.State == fleet.ObservedUp {
			return err
		}
		c := change{tx: tx, now: now, agent: row}
		if err := c.resolve("runtime", "lost"); err != nil {
			return err
		}
		return observed(tx, run, fleet.ObservedUp, now)
	})
	a.hub.Notify(runKey(run.AgentID))
	return err
}

// ofRun reads the agent of a run, or says that the run is over.
func (a *App) ofRun(ctx context.Context, run fleet.Run, f func(tx *store.Tx, row store.AgentRow) error) error {
	return a.store.Read(ctx, func(tx *store.Tx) error {
		row, err := liveRow(tx, run)
		if err != nil {
			return err
		}
		return f(tx, row)
	})
}

func liveRow(tx *store.Tx, run fleet.Run) (store.AgentRow, error) {
	if err := checkLive(tx, run); err != nil {
		return store.AgentRow{}, err
	}
	return tx.AgentOfRun(run.AgentID)
}

// checkLive says when the run is over.
func checkLive(tx *store.Tx, run fleet.Run) error {
	live, err := tx.RunLive(run)
	if err == nil && !live {
		err = fleet.Errorf(fleet.CodeRunOver, "This run is over")
	}
	return err
}

// RunSelf is what a program may know of its agent.
type RunSelf struct {
	Agent          fleet.Agent
	EnableAutonomy bool
	// Settings are the agent's with the start's over them.
	Settings   fleet.Settings
	MayWork    bool
	Why        string
	AskAgainAt time.Time // zero: unknown
}

// RunSelf returns the agent of a run.
func (a *App) RunSelf(ctx context.Context, run fleet.Run) (self RunSelf, err error) {
	err = a.ofRun(ctx, run, func(tx *store.Tx, row store.AgentRow) error {
		self = RunSelf{Agent: row.Agent, EnableAutonomy: row.Runtime.EnableAutonomy, Settings: fleet.Settings{}}
		for _, part := range []fleet.Settings{row.Settings, row.Runtime.Settings} {
			for k, v := range part {
				self.Settings[k] = v
			}
		}
		gate := fleet.GateFor(row.Agent, a.today(row, nil, a.Now()), a.Now())
		self.MayWork, self.Why, self.AskAgainAt = gate.Reason == "", gate.Reason, gate.OpensAt
		return nil
	})
	return self, err
}

// RunCredentials opens the agent's credentials for its program; every read is
// in the audit.
func (a *App) RunCredentials(ctx context.Context, run fleet.Run) (map[string]string, error) {
	var sealedKey []byte
	var sealed map[string][]byte
	now := a.Now()
	err := a.store.Write(ctx, func(tx *store.Tx) error {
		row, err := liveRow(tx, run)
		if err != nil {
			return err
		}
		if sealedKey, err = tx.DataKey(run.AgentID); err != nil {
			return err
		}
		if sealed, err = tx.Credentials(run.AgentID); err != nil {
			return err
		}
		by := fleet.Actor{Kind: fleet.ActorRun, ID: string(run.AgentID), Name: "program", TeamID: run.TeamID}
		e := entry(act{by: by, action: "credentials.read", id: run.AgentID}, now, "done")
		e.Detail = map[string]any{"epoch": row.Runtime.Epoch}
		return tx.AddAudit(e)
	})
	if err != nil {
		return nil, err
	}
	key, err := a.sealer.OpenDataKey(string(run.AgentID), sealedKey)
	if err != nil {
		return nil, err
	}
	open := map[string]string{}
	for field, box := range sealed {
		text, err := key.Open(box, "credentials", string(run.AgentID), field)
		if err != nil {
			return nil, err
		}
		open[field] = string(text)
	}
	return open, nil
}

// maxClaim is how many tasks one claim may take.
const maxClaim = 50

// ClaimTasks hands out tasks that may be done now. When there are none, why
// and askAgainAt (zero: unknown) say what to wait for.
func (a *App) ClaimTasks(ctx context.Context, run fleet.Run, most int) (tasks []fleet.Task, why string, askAgainAt time.Time, err error) {
	if most < 1 || most > maxClaim {
		return nil, "", time.Time{}, fleet.Invalid("max", "must be between 1 and %d", maxClaim)
	}
	now := a.Now()
	err = a.store.Write(ctx, func(tx *store.Tx) error {
		row, err := liveRow(tx, run)
		if err != nil {
			return err
		}
		today := a.today(row, nil, now)
		if gate := fleet.GateFor(row.Agent, today, now); gate.Reason != "" {
			why, askAgainAt = gate.Reason, gate.OpensAt
			return nil
		}
		left, err := leftToday(tx, row, today)
		if err != nil {
			return err
		}
		// What may not be done today must not hide what may.
		due, err := tx.DueTasks(run.AgentID, now, maxClaim, usedUp(left)...)
		if err != nil {
			return err
		}
		if tasks, err = claim(tx, due, left, most, now); err != nil {
			return err
		}
		switch {
		case len(tasks) > 0:
			return tx.AddEvent(fleet.Event{TeamID: run.TeamID, AgentID: run.AgentID, Type: fleet.EventTaskChanged, At: now})
		case row.NextDue.IsZero() || row.NextDue.After(now):
			why, askAgainAt = "No task is due", row.NextDue
		default:
			why, askAgainAt = "Daily limit reached for what is due", fleet.NextDayOpen(row.Agent, now)
		}
		return nil
	})
	return tasks, why, askAgainAt, err
}

// usedUp are the types of which nothing is left.
func usedUp(left map[string]int64) (types []string) {
	for typ, n := range left {
		if n <= 0 {
			types = append(types, typ)
		}
	}
	slices.Sort(types)
	return types
}

// leftToday is how many tasks of each counted type may still begin today.
func leftToday(tx *store.Tx, row store.AgentRow, today fleet.Today) (map[string]int64, error) {
	left := map[string]int64{
		"message":    int64(row.Limits.MessagesMax) - today.Messages,
		"invitation": int64(row.Limits.InvitationsMax) - today.Invitations,
	}
	for typ := range left {
		n, err := tx.CountClaimed(row.ID, typ)
		if err != nil {
			return nil, err
		}
		left[typ] -= n
	}
	return left, nil
}

func claim(tx *store.Tx, due []fleet.Task, left map[string]int64, most int, now time.Time) (tasks []fleet.Task, err error) {
	for _, t := range due {
		n, counted := left[t.Type]
		if len(tasks) == most || counted && n <= 0 {
			continue
		}
		ok, err := tx.SetTaskState(t, fleet.TaskClaimed, "", t.DueAt, now)
		if err != nil {
			return nil, err
		}
		if ok {
			if counted {
				left[t.Type] = n - 1
			}
			t.State = fleet.TaskClaimed
			tasks = append(tasks, t)
		}
	}
	return tasks, nil
}
