package store

import (
	"database/sql"
	"time"

	"agentry/internal/fleet"
)

const taskColumns = `id, agent_id, type, payload, due_at, claimed_at, state, incarnation, error, created_at, updated_at`

// ofTeam is the condition that the agent with the first placeholder's id
// belongs to the team with the second's.
func ofTeam(agent, team string) string {
	return ` AND (SELECT team_id FROM agents WHERE id = ` + agent + `) = ` + team
}

func scanTask(rows *sql.Rows) (t fleet.Task, err error) {
	var payload string
	err = rows.Scan(&t.ID, &t.AgentID, &t.Type, &payload, stamp{&t.DueAt}, stamp{&t.ClaimedAt}, &t.State, &t.Incarnation, &t.Error,
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
	tx.touched(t.AgentID)
	return tx.run(`INSERT INTO tasks (`+taskColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		t.ID, t.AgentID, t.Type, string(t.Payload), micros(t.DueAt), micros(t.ClaimedAt), t.State, t.Incarnation, t.Error, micros(t.CreatedAt), micros(t.UpdatedAt))
}

// Tasks returns the agent's tasks before an id ("" is the newest), newest
// first; state "" is any.
func (tx *Tx) Tasks(team fleet.TeamID, id fleet.AgentID, state fleet.TaskState, before string, limit int) ([]fleet.Task, error) {
	return tx.tasks(`SELECT `+taskColumns+` FROM tasks WHERE agent_id = $1`+ofTeam("$1", "$2")+` AND ($3 = '' OR state = $3) AND ($4 = '' OR id < $4)
		ORDER BY id DESC LIMIT $5 + 0`, id, team, state, before, limit)
}

// DueTasks returns the agent's pending tasks of a counter ("" is of none) that
// are due, earliest first.
func (tx *Tx) DueTasks(team fleet.TeamID, id fleet.AgentID, counter string, at time.Time, limit int64) ([]fleet.Task, error) {
	return tx.tasks(`SELECT `+taskColumns+` FROM tasks WHERE agent_id = $1`+ofTeam("$1", "$2")+` AND state = 'pending' AND counter = $3 AND due_at <= $4
		ORDER BY due_at, id LIMIT $5 + 0`, id, team, counter, micros(at), limit)
}

// Task returns one of the agent's tasks.
func (tx *Tx) Task(team fleet.TeamID, id fleet.AgentID, taskID string) (fleet.Task, error) {
	list, err := tx.tasks(`SELECT `+taskColumns+` FROM tasks WHERE agent_id = $1`+ofTeam("$1", "$2")+` AND id = $3`, id, team, taskID)
	if err == nil && len(list) == 0 {
		return fleet.Task{}, fleet.Errorf(fleet.CodeNotFound, "Task not found")
	}
	if err != nil {
		return fleet.Task{}, err
	}
	return list[0], nil
}

// SetTaskState moves a task out of the state it was read in; false when it has
// left that state. Claimed is since the instant at.
func (tx *Tx) SetTaskState(team fleet.TeamID, t fleet.Task, to fleet.TaskState, message string, due, at time.Time) (bool, error) {
	tx.touched(t.AgentID)
	n, err := tx.exec(`UPDATE tasks SET state = $1, error = $2, due_at = $3, updated_at = $4,
			claimed_at = CASE WHEN $1 = 'claimed' THEN $4 ELSE claimed_at END
		WHERE agent_id = $5`+ofTeam("$5", "$6")+` AND id = $7 AND state = $8`,
		to, message, micros(due), micros(at), t.AgentID, team, t.ID, t.State)
	return n == 1, err
}

// DeleteOpenTasks removes the agent's pending and claimed tasks.
func (tx *Tx) DeleteOpenTasks(team fleet.TeamID, id fleet.AgentID) (int64, error) {
	tx.touched(id)
	// Two statements, each with an index of its own.
	n, err := tx.exec(`DELETE FROM tasks WHERE agent_id = $1`+ofTeam("$1", "$2")+` AND state = 'pending'`, id, team)
	if err != nil {
		return n, err
	}
	held, err := tx.exec(`DELETE FROM tasks WHERE agent_id = $1`+ofTeam("$1", "$2")+` AND state = 'claimed'`, id, team)
	return n + held, err
}

// CountOpenTasks counts pending and claimed tasks.
func (tx *Tx) CountOpenTasks(team fleet.TeamID, id fleet.AgentID) (n int, err error) {
	_, err = tx.one([]any{&n}, `SELECT (SELECT COUNT(*) FROM tasks WHERE agent_id = $1`+ofTeam("$1", "$2")+` AND state = 'pending')
		+ (SELECT COUNT(*) FROM tasks WHERE agent_id = $1`+ofTeam("$1", "$2")+` AND state = 'claimed')`, id, team)
	return n, err
}

// ReleaseClaims gives back what a former run had claimed.
func (tx *Tx) ReleaseClaims(team fleet.TeamID, id fleet.AgentID, at time.Time) error {
	tx.touched(id)
	return tx.run(`UPDATE tasks SET state = 'pending', updated_at = $1 WHERE agent_id = $2`+ofTeam("$2", "$3")+` AND state = 'claimed'`, micros(at), id, team)
}
