package store

import (
	"database/sql"
	"time"

	"agentry/internal/fleet"
)

const taskColumns = `id, agent_id, type, payload, due_at, state, incarnation, error, created_at, updated_at`

func scanTask(rows *sql.Rows) (t fleet.Task, err error) {
	var payload string
	err = rows.Scan(&t.ID, &t.AgentID, &t.Type, &payload, stamp{&t.DueAt}, &t.State, &t.Incarnation, &t.Error,
		stamp{&t.CreatedAt}, stamp{&t.UpdatedAt})
	t.Payload = []byte(payload)
	return t, err
}

func (tx *Tx) tasks(query string, values ...any) (list []fleet.Task, err error) {
	err = tx.each(func(rows *sql.Rows) error {
		t, err := scanTask(rows)
		list = append(list, t)
		return err
	}, query, values...)
	return list, err
}

// InsertTask stores a new task.
func (tx *Tx) InsertTask(t fleet.Task) error {
	return tx.run(`INSERT INTO tasks (`+taskColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		t.ID, t.AgentID, t.Type, string(t.Payload), micros(t.DueAt), t.State, t.Incarnation, t.Error, micros(t.CreatedAt), micros(t.UpdatedAt))
}

// Tasks returns the agent's tasks before an id ("" is the newest), newest
// first; state "" is any.
func (tx *Tx) Tasks(id fleet.AgentID, state fleet.TaskState, before string, limit int) ([]fleet.Task, error) {
	return tx.tasks(`SELECT `+taskColumns+` FROM tasks WHERE agent_id = $1 AND ($2 = '' OR state = $2) AND ($3 = '' OR id < $3)
		ORDER BY id DESC LIMIT $4`, id, state, before, limit)
}

// DueTasks returns the agent's pending tasks that are due, earliest first, but
// not those of the types without.
func (tx *Tx) DueTasks(id fleet.AgentID, at time.Time, limit int, without ...string) ([]fleet.Task, error) {
	w := &where{}
	cond := `agent_id = ` + w.arg(id) + ` AND state = 'pending' AND due_at <= ` + w.arg(micros(at))
	if len(without) > 0 {
		cond += ` AND type NOT IN (` + args(w, without) + `)`
	}
	return tx.tasks(`SELECT `+taskColumns+` FROM tasks WHERE `+cond+` ORDER BY due_at, id LIMIT `+w.arg(limit), w.args...)
}

// Task returns one of the agent's tasks.
func (tx *Tx) Task(id fleet.AgentID, taskID string) (fleet.Task, error) {
	list, err := tx.tasks(`SELECT `+taskColumns+` FROM tasks WHERE agent_id = $1 AND id = $2`, id, taskID)
	if err == nil && len(list) == 0 {
		return fleet.Task{}, fleet.Errorf(fleet.CodeNotFound, "Task not found")
	}
	if err != nil {
		return fleet.Task{}, err
	}
	return list[0], nil
}

// SetTaskState moves a task out of the state it was read in; false when it has left that state.
func (tx *Tx) SetTaskState(t fleet.Task, to fleet.TaskState, message string, due, at time.Time) (bool, error) {
	n, err := tx.exec(`UPDATE tasks SET state = $1, error = $2, due_at = $3, updated_at = $4 WHERE agent_id = $5 AND id = $6 AND state = $7`,
		to, message, micros(due), micros(at), t.AgentID, t.ID, t.State)
	return n == 1, err
}

// DeleteOpenTasks removes the agent's pending and claimed tasks.
func (tx *Tx) DeleteOpenTasks(id fleet.AgentID) (int64, error) {
	return tx.exec(`DELETE FROM tasks WHERE agent_id = $1 AND state IN ('pending', 'claimed')`, id)
}

// CountOpenTasks counts pending and claimed tasks.
func (tx *Tx) CountOpenTasks(id fleet.AgentID) (n int, err error) {
	_, err = tx.one([]any{&n}, `SELECT COUNT(*) FROM tasks WHERE agent_id = $1 AND state IN ('pending', 'claimed')`, id)
	return n, err
}

// ReleaseClaims gives back what a former run had claimed.
func (tx *Tx) ReleaseClaims(id fleet.AgentID, at time.Time) error {
	return tx.run(`UPDATE tasks SET state = 'pending', updated_at = $1 WHERE agent_id = $2 AND state = 'claimed'`, micros(at), id)
}

// CountClaimed counts the agent's claimed tasks of a type.
func (tx *Tx) CountClaimed(id fleet.AgentID, typ string) (n int64, err error) {
	_, err = tx.one([]any{&n}, `SELECT COUNT(*) FROM tasks WHERE agent_id = $1 AND state = 'claimed' AND type = $2`, id, typ)
	return n, err
}
