package store

import (
	"strconv"
	"strings"
	"time"

	"agentry/internal/fleet"
)

// This file keeps beside each agent's run what the gate asks of its tasks, and
// what was counted of late, so that a list of agents reads neither tasks nor
// counters. Whatever changes tasks says so with touched, and AddUsage for
// counters; what is kept is counted again before the transaction ends.

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

// settle counts anew what is kept of the agents that were touched.
func (tx *Tx) settle() error {
	for id := range tx.changed {
		if err := tx.run(recount, id); err != nil {
			return err
		}
	}
	for id, day := range tx.counted {
		if err := tx.run(recountRecent, id, shift(day, -recentDays), shift(day, recentDays)); err != nil {
			return err
		}
	}
	tx.changed, tx.counted = nil, nil
	return nil
}

// recentDays is how many days before one of which something was counted are
// kept beside the run. Those behind it are too, as many: of a clock, or a zone,
// that was ahead.
const recentDays = 15

const recountRecent = `UPDATE runtimes SET recent = COALESCE((SELECT string_agg(day || ':' || n, ' ') FROM (
		SELECT day, SUM(n) AS n FROM usage_days WHERE agent_id = $1 AND day BETWEEN $2 AND $3 AND kind IN ('messages', 'invitations') GROUP BY day) AS c), '')
	WHERE agent_id = $1`

// shift is the day that many days from a day "2006-01-02"; of what is none, the
// same.
func shift(day string, days int) string {
	at, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return day
	}
	return at.AddDate(0, 0, days).Format(time.DateOnly)
}

// CountedOn is how many messages and invitations were counted on a day,
// "2006-01-02", no longer than recentDays before the last one.
func (r AgentRow) CountedOn(day string) (n int64) {
	if _, rest, ok := strings.Cut(r.recent, day+":"); ok {
		sum, _, _ := strings.Cut(rest, " ")
		n, _ = strconv.ParseInt(sum, 10, 64)
	}
	return n
}

// The first two conditions on handed tasks are those of their index. What was
// handed out more than 50 hours behind the day's begin, longer than any day
// lasts, was so by a clock that was set back since: it must not count on every
// day until that time comes. A handed task that is pending waits to be tried
// again, and counts then.
const recount = `UPDATE runtimes SET
	due_messages = COALESCE((SELECT MIN(due_at) FROM tasks WHERE agent_id = $1 AND state = 'pending' AND counter = 'messages'), 0),
	due_invitations = COALESCE((SELECT MIN(due_at) FROM tasks WHERE agent_id = $1 AND state = 'pending' AND counter = 'invitations'), 0),
	due_other = COALESCE((SELECT MIN(due_at) FROM tasks WHERE agent_id = $1 AND state = 'pending' AND counter = ''), 0),
	held_messages = (SELECT COUNT(*) FROM tasks WHERE agent_id = $1 AND state = 'claimed' AND counter = 'messages'),
	held_invitations = (SELECT COUNT(*) FROM tasks WHERE agent_id = $1 AND state = 'claimed' AND counter = 'invitations'),
	handed_messages = (SELECT COUNT(*) FROM tasks WHERE agent_id = $1 AND claimed_at > 0 AND counter <> '' AND counter = 'messages'
		AND claimed_at BETWEEN day_since AND day_since + 180000000000 AND state <> 'pending'),
	handed_invitations = (SELECT COUNT(*) FROM tasks WHERE agent_id = $1 AND claimed_at > 0 AND counter <> '' AND counter = 'invitations'
		AND claimed_at BETWEEN day_since AND day_since + 180000000000 AND state <> 'pending'),
	last_message = COALESCE((SELECT MAX(claimed_at) FROM tasks WHERE agent_id = $1 AND claimed_at > 0 AND counter <> '' AND counter = 'messages'
		AND claimed_at BETWEEN day_since AND day_since + 180000000000), 0),
	last_invitation = COALESCE((SELECT MAX(claimed_at) FROM tasks WHERE agent_id = $1 AND claimed_at > 0 AND counter <> '' AND counter = 'invitations'
		AND claimed_at BETWEEN day_since AND day_since + 180000000000), 0)
	WHERE agent_id = $1`

// BeginDay says which the agent's present day is, "2006-01-02" in its zone, and
// since when; what was handed out is counted from there. It may be a former
// day, where the clock or the zone was changed: what was done on it counts
// again. The agent is of the team.
func (tx *Tx) BeginDay(team fleet.TeamID, id fleet.AgentID, day string, since time.Time) error {
	n, err := tx.exec(`UPDATE runtimes SET day_since = $1, today = $2, today_invitations = `+usedOn("invitations")+`, today_messages = `+usedOn("messages")+`
		WHERE agent_id = $3 AND team_id = $4 AND (day_since <> $1 OR today <> $2)`, micros(since), day, id, team)
	if n > 0 {
		tx.touched(id)
	}
	return err
}

// usedOn is what the agent with the third placeholder's id used of a kind on
// the day of the second's.
func usedOn(kind string) string {
	return `COALESCE((SELECT SUM(n) FROM usage_days WHERE agent_id = $3 AND day = $2 AND kind = '` + kind + `'), 0)`
}
