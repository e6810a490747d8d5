package store

import (
	"time"

	"agentry/internal/fleet"
)

// This file keeps beside each agent's run what the gate asks of its tasks, so
// that a list of agents reads no tasks. Whatever changes tasks says so with
// touched; what is kept is counted again before the transaction ends.

// workColumns are read into AgentRow.Work and DaySince by agentTargets.
const workColumns = `, r.day_since, r.due_messages, r.due_invitations, r.due_other, r.held_messages, r.held_invitations,
	r.handed_messages, r.handed_invitations, r.last_message, r.last_invitation`

// touched says that an agent's tasks were changed.
func (tx *Tx) touched(id fleet.AgentID) {
	if tx.changed == nil {
		tx.changed = map[fleet.AgentID]bool{}
	}
	tx.changed[id] = true
}

// settle counts the tasks of the agents that were touched.
func (tx *Tx) settle() error {
	for id := range tx.changed {
		if err := tx.run(recount, id); err != nil {
			return err
		}
	}
	tx.changed = nil
	return nil
}

// The first two conditions on handed tasks are those of their index.
const recount = `UPDATE runtimes SET
	due_messages = COALESCE((SELECT MIN(due_at) FROM tasks WHERE agent_id = $1 AND state = 'pending' AND counter = 'messages'), 0),
	due_invitations = COALESCE((SELECT MIN(due_at) FROM tasks WHERE agent_id = $1 AND state = 'pending' AND counter = 'invitations'), 0),
	due_other = COALESCE((SELECT MIN(due_at) FROM tasks WHERE agent_id = $1 AND state = 'pending' AND counter = ''), 0),
	held_messages = (SELECT COUNT(*) FROM tasks WHERE agent_id = $1 AND state = 'claimed' AND counter = 'messages'),
	held_invitations = (SELECT COUNT(*) FROM tasks WHERE agent_id = $1 AND state = 'claimed' AND counter = 'invitations'),
	handed_messages = (SELECT COUNT(*) FROM tasks WHERE agent_id = $1 AND claimed_at > 0 AND counter <> '' AND counter = 'messages'
		AND claimed_at >= day_since AND state IN ('claimed', 'done')),
	handed_invitations = (SELECT COUNT(*) FROM tasks WHERE agent_id = $1 AND claimed_at > 0 AND counter <> '' AND counter = 'invitations'
		AND claimed_at >= day_since AND state IN ('claimed', 'done')),
	last_message = COALESCE((SELECT MAX(claimed_at) FROM tasks WHERE agent_id = $1 AND claimed_at > 0 AND counter <> '' AND counter = 'messages'
		AND claimed_at >= day_since), 0),
	last_invitation = COALESCE((SELECT MAX(claimed_at) FROM tasks WHERE agent_id = $1 AND claimed_at > 0 AND counter <> '' AND counter = 'invitations'
		AND claimed_at >= day_since), 0)
	WHERE agent_id = $1`

// BeginDay says since when the agent's present day is; what was handed out is
// counted from there. The agent is of the team.
func (tx *Tx) BeginDay(team fleet.TeamID, id fleet.AgentID, since time.Time) error {
	n, err := tx.exec(`UPDATE runtimes SET day_since = $1 WHERE agent_id = $2 AND team_id = $3 AND day_since <> $1`, micros(since), id, team)
	if n > 0 {
		tx.touched(id)
	}
	return err
}
