package app

import (
	"context"
	"encoding/json"
	"time"

	"agentry/internal/fleet"
	"agentry/internal/store"
)

// TaskInput describes a task; a zero DueAt is now.
type TaskInput struct {
	Type    string
	Payload json.RawMessage
	DueAt   time.Time
}

// maxPayload bounds a task's payload, in bytes of JSON.
const maxPayload = 32 << 10

// Tasks returns an agent's tasks in a state ("" is any), newest first.
func (a *App) Tasks(ctx context.Context, by fleet.Actor, id fleet.AgentID, state string, p PageInput) ([]fleet.Task, string, error) {
	switch s := fleet.TaskState(state); s {
	case "", fleet.TaskPending, fleet.TaskClaimed, fleet.TaskDone, fleet.TaskFailed, fleet.TaskCancelled:
	default:
		return nil, "", fleet.Invalid("state", "must be pending, claimed, done, failed or cancelled")
	}
	return page(ctx, a, by, p, ofAgent(by, id, func(tx *store.Tx, before string, limit int) ([]fleet.Task, error) {
		return tx.Tasks(by.TeamID, id, fleet.TaskState(state), before, limit)
	}), func(t fleet.Task) string { return t.ID })
}

// Task returns one of an agent's tasks.
func (a *App) Task(ctx context.Context, by fleet.Actor, id fleet.AgentID, taskID string) (t fleet.Task, err error) {
	if err := by.May(fleet.ScopeRead); err != nil {
		return t, err
	}
	err = a.store.Read(ctx, func(tx *store.Tx) error {
		if _, err := tx.Agent(by.TeamID, id); err != nil {
			return err
		}
		t, err = tx.Task(by.TeamID, id, taskID)
		return err
	})
	return t, err
}

// OpenTasks counts an agent's tasks that are pending or in hand.
func (a *App) OpenTasks(ctx context.Context, by fleet.Actor, id fleet.AgentID) (n int, err error) {
	if err := by.May(fleet.ScopeRead); err != nil {
		return 0, err
	}
	err = a.store.Read(ctx, func(tx *store.Tx) error {
		if _, err := tx.Agent(by.TeamID, id); err != nil {
			return err
		}
		n, err = tx.CountOpenTasks(by.TeamID, id)
		return err
	})
	return n, err
}

// AddTask gives an agent something to do.
func (a *App) AddTask(ctx context.Context, by fleet.Actor, id fleet.AgentID, in TaskInput) (t fleet.Task, err error) {
	if err := fleet.CheckText("type", in.Type, 1, 40); err != nil {
		return t, err
	}
	if len(in.Payload) == 0 {
		in.Payload = json.RawMessage(`{}`)
	}
	if len(in.Payload) > maxPayload || !json.Valid(in.Payload) {
		return t, fleet.Invalid("payload", "must be JSON of at most %d bytes", maxPayload)
	}
	_, err = a.onAgent(ctx, act{by: by, need: fleet.ScopeOperate, action: "task.add", id: id}, func(c *change) error {
		if c.agent.Status == fleet.Ended {
			e := fleet.Errorf(fleet.CodeInvalidStatus, "Agent cannot be given tasks when status is ended")
			e.CurrentStatus = c.agent.Status
			return e
		}
		if in.DueAt.IsZero() {
			in.DueAt = c.now
		}
		t = fleet.Task{
			ID: c.tx.NewID(c.now), AgentID: id, Type: in.Type, Payload: in.Payload, DueAt: in.DueAt.UTC(), State: fleet.TaskPending,
			Incarnation: c.agent.Incarnation, CreatedAt: c.now, UpdatedAt: c.now,
		}
		c.detail("taskId", t.ID)
		next := a.gate(c.agent, c.now).NextTask
		if err := c.tx.InsertTask(t); err != nil {
			return err
		}
		if c.agent.Runtime.Wanted && (next.IsZero() || t.DueAt.Before(next)) {
			// The program may have been told to ask much later.
			if err := c.lookAgain(); err != nil {
				return err
			}
		}
		return c.event(fleet.EventTaskChanged)
	})
	return t, err
}

// CancelTask takes back a task that nobody has begun.
func (a *App) CancelTask(ctx context.Context, by fleet.Actor, id fleet.AgentID, taskID string) (t fleet.Task, err error) {
	_, err = a.onAgent(ctx, act{by: by, need: fleet.ScopeOperate, action: "task.cancel", id: id}, func(c *change) error {
		if t, err = c.tx.Task(by.TeamID, id, taskID); err != nil {
			return err
		}
		if t.State != fleet.TaskPending {
			return fleet.Errorf(fleet.CodeConflict, "The task is %s; only a pending task can be cancelled", t.State)
		}
		if _, err := c.tx.SetTaskState(by.TeamID, t, fleet.TaskCancelled, "", t.DueAt, c.now); err != nil {
			return err
		}
		t.State, t.UpdatedAt = fleet.TaskCancelled, c.now
		c.detail("taskId", t.ID)
		return c.event(fleet.EventTaskChanged)
	})
	return t, err
}
