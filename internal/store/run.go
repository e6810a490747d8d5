package store

import (
	"database/sql"
	"slices"
	"time"

	"agentry/internal/fleet"
)

// Late says which instants are too long ago. Instants behind After are of a
// clock that was set back since; the zero value of either is no instant.
type Late struct {
	Before, After time.Time
}

// Is tells whether the instant is too long ago.
func (l Late) Is(at time.Time) bool {
	return !l.Before.IsZero() && at.Before(l.Before) || !l.After.IsZero() && at.After(l.After)
}

// sql is a condition on a column, with its arguments numbered $1 and $2.
func (l Late) sql(column string) string {
	return `(` + column + ` < $1 OR ` + column + ` > $2)`
}

func (l Late) args(more ...any) []any {
	after := int64(1<<63 - 1)
	if !l.After.IsZero() {
		after = micros(l.After)
	}
	return append([]any{micros(l.Before), after}, more...)
}

// WantRun records that a program is wanted for the agent. fresh asks for a new
// run whatever runs now, with the autonomy and settings of this start, and
// forgets former failures.
func (tx *Tx) WantRun(id fleet.AgentID, fresh, autonomy bool, settings fleet.Settings) error {
	if !fresh {
		return tx.run(`UPDATE runtimes SET wanted = 1 WHERE agent_id = $1`, id)
	}
	return tx.run(`UPDATE runtimes SET wanted = 1, fresh = 1, autonomy = $1, settings = $2, restarts = 0, failures = 0,
			exits = '[]', last_output = '[]', overdue = '', next_try = 0, last_error = '' WHERE agent_id = $3`, autonomy, settingsJSON(settings), id)
}

// UnwantRun records that no program is wanted; its token is void at once.
func (tx *Tx) UnwantRun(id fleet.AgentID) error {
	return tx.run(`UPDATE runtimes SET wanted = 0, fresh = 0, token_hash = NULL, overdue = '', next_try = 0 WHERE agent_id = $1`, id)
}

// ResetRun forgets the starts and failures of a former incarnation; the epoch
// and what is known of a program that still runs stay.
func (tx *Tx) ResetRun(id fleet.AgentID) error {
	return tx.run(`UPDATE runtimes SET autonomy = 0, settings = '{}', started_at = 0, last_heard_at = 0, restarts = 0, failures = 0,
			exits = '[]', last_output = '[]', sign_in_at = 0, next_try = 0, last_error = '' WHERE agent_id = $1`, id)
}

// BeginRun records a new run: the next epoch, with a token. A run that nobody
// asked for afresh is a restart.
func (tx *Tx) BeginRun(id fleet.AgentID, epoch int64, tokenHash []byte, driver string, at time.Time) error {
	return tx.run(`UPDATE runtimes SET epoch = $1, token_hash = $2, driver = $3, handle = '', started_at = $4, last_heard_at = 0, overdue = '',
			stopping_at = 0, next_try = 0, restarts = CASE WHEN fresh = 0 AND restarts = 0 THEN 1 ELSE restarts END, fresh = 0 WHERE agent_id = $5`,
		epoch, tokenHash, driver, micros(at), id)
}

// RunGone records that the run's program is gone; its token is void.
func (tx *Tx) RunGone(run fleet.Run) error {
	return tx.run(`UPDATE runtimes SET handle = '', token_hash = NULL WHERE agent_id = $1 AND epoch = $2`, run.AgentID, run.Epoch)
}

// SetHandle records how the driver calls the run's program.
func (tx *Tx) SetHandle(run fleet.Run, handle string) error {
	return tx.run(`UPDATE runtimes SET handle = $1 WHERE agent_id = $2 AND epoch = $3`, handle, run.AgentID, run.Epoch)
}

// RunMarks is what decides about a run that ended.
type RunMarks struct {
	// Fresh: a new run is asked for, whatever runs.
	Fresh bool
	// Overdue says why the run is being ended by rule; "" when it is not.
	Overdue string
	// Exits are the times of the newest exits, oldest first.
	Exits []time.Time
}

// RunMarks returns the marks of the agent's present run.
func (tx *Tx) RunMarks(id fleet.AgentID) (m RunMarks, err error) {
	var exits []int64
	_, err = tx.one([]any{&m.Fresh, &m.Overdue, jsonText{&exits}}, `SELECT fresh, overdue, exits FROM runtimes WHERE agent_id = $1`, id)
	for _, n := range exits {
		m.Exits = append(m.Exits, fromMicros(n))
	}
	return m, err
}

// EndOverdue has the agent's present run ended by rule: from now on it is over
// for its program, and its end is a failure with the reason as its text.
func (tx *Tx) EndOverdue(id fleet.AgentID, reason string) error {
	return tx.run(`UPDATE runtimes SET overdue = $1 WHERE agent_id = $2`, reason, id)
}

// Stopping records when the run's program was told to stop.
func (tx *Tx) Stopping(run fleet.Run, at time.Time) error {
	return tx.run(`UPDATE runtimes SET stopping_at = $1 WHERE agent_id = $2 AND epoch = $3`, micros(at), run.AgentID, run.Epoch)
}

// SetObserved records what is known of the agent's program.
func (tx *Tx) SetObserved(id fleet.AgentID, state fleet.Observed) error {
	return tx.run(`UPDATE agents SET observed = $1 WHERE id = $2 AND observed <> $1`, state, id)
}

// Heard records that the run said something. The time may go back with the
// clock: what was heard last is the truth.
func (tx *Tx) Heard(run fleet.Run, at time.Time) error {
	return tx.run(`UPDATE runtimes SET last_heard_at = $1 WHERE agent_id = $2 AND epoch = $3`, micros(at), run.AgentID, run.Epoch)
}

// SignInHeard records that something was heard about the agent's sign-in.
func (tx *Tx) SignInHeard(id fleet.AgentID, at time.Time) error {
	return tx.run(`UPDATE runtimes SET sign_in_at = $1 WHERE agent_id = $2`, micros(at), id)
}

// SignInHeardAt is when something was last heard about the agent's sign-in.
func (tx *Tx) SignInHeardAt(id fleet.AgentID) (at time.Time, err error) {
	_, err = tx.one([]any{stamp{&at}}, `SELECT sign_in_at FROM runtimes WHERE agent_id = $1`, id)
	return at, err
}

// RunFailed records that a run ended by itself, with the times of the exits
// that still count and the last lines of its output.
func (tx *Tx) RunFailed(id fleet.AgentID, rt fleet.Runtime, exits []time.Time, output []string) error {
	times := make([]int64, len(exits))
	for i, at := range exits {
		times[i] = micros(at)
	}
	if output == nil {
		output = []string{}
	}
	return tx.run(`UPDATE runtimes SET restarts = $1, failures = $2, exits = $3, next_try = $4, last_error = $5, last_output = $6,
			token_hash = NULL, handle = '', overdue = '' WHERE agent_id = $7`,
		rt.Restarts, rt.Failures, toJSON(times), micros(rt.NextTry), rt.LastError, toJSON(output), id)
}

// LastOutput returns the last lines of the agent's run that failed last.
func (tx *Tx) LastOutput(team fleet.TeamID, id fleet.AgentID) (lines []string, err error) {
	_, err = tx.one([]any{jsonText{&lines}}, `SELECT last_output FROM runtimes WHERE agent_id = $1 AND team_id = $2`, id, team)
	return lines, err
}

// RunOfToken returns the run that a token belongs to, when it was last heard
// and what is known of it; ok is false when the token is of no wanted run.
func (tx *Tx) RunOfToken(tokenHash []byte) (run fleet.Run, heard time.Time, state fleet.Observed, ok bool, err error) {
	ok, err = tx.one([]any{&run.TeamID, &run.AgentID, &run.Epoch, stamp{&heard}, &state},
		`SELECT r.team_id, r.agent_id, r.epoch, r.last_heard_at, a.observed FROM runtimes r JOIN agents a ON a.id = r.agent_id
		WHERE r.token_hash = $1 AND r.wanted = 1 AND r.fresh = 0 AND r.overdue = ''`, tokenHash)
	return run, heard, state, ok, err
}

// RunLive tells whether the run is the newest of its agent and still wanted.
func (tx *Tx) RunLive(run fleet.Run) (bool, error) {
	var n int
	return tx.one([]any{&n}, `SELECT 1 FROM runtimes WHERE agent_id = $1 AND epoch = $2 AND wanted = 1 AND fresh = 0 AND overdue = ''`, run.AgentID, run.Epoch)
}

// WantedRuns returns the agents whose program is wanted, of all teams.
func (tx *Tx) WantedRuns() ([]fleet.AgentID, error) {
	ids := []fleet.AgentID{}
	err := tx.each(func(rows *sql.Rows) error {
		var id fleet.AgentID
		err := rows.Scan(&id)
		ids = append(ids, id)
		return err
	}, `SELECT agent_id FROM runtimes WHERE wanted = 1`)
	slices.Sort(ids) // an order in SQL would make it read those that are not wanted
	return ids, err
}

// UnwantedRuns returns those of the agents that are known and whose program is
// not wanted, of all teams.
func (tx *Tx) UnwantedRuns(ids []fleet.AgentID) (list []fleet.AgentID, err error) {
	if len(ids) == 0 {
		return nil, nil
	}
	w := &where{}
	err = tx.each(func(rows *sql.Rows) error {
		var id fleet.AgentID
		err := rows.Scan(&id)
		list = append(list, id)
		return err
	}, `SELECT agent_id FROM runtimes WHERE wanted = 0 AND agent_id IN (`+args(w, ids)+`) ORDER BY agent_id`, w.args...)
	return list, err
}

// RunHandle is a program that was running when the server last wrote of it.
type RunHandle struct {
	Run            fleet.Run
	Driver, Handle string
}

// Handles returns the programs that may still be there, of all teams.
func (tx *Tx) Handles() (list []RunHandle, err error) {
	err = tx.each(func(rows *sql.Rows) error {
		var h RunHandle
		err := rows.Scan(&h.Run.TeamID, &h.Run.AgentID, &h.Run.Epoch, &h.Driver, &h.Handle)
		list = append(list, h)
		return err
	}, `SELECT team_id, agent_id, epoch, driver, handle FROM runtimes WHERE handle <> '' ORDER BY agent_id`)
	return list, err
}

// SilentRuns returns runs that are wanted, began and were last heard too long
// ago, and are not yet known to be lost.
func (tx *Tx) SilentRuns(late Late, limit int) ([]fleet.Run, error) {
	return tx.agentRefs(`SELECT r.team_id, r.agent_id FROM runtimes r JOIN agents a ON a.id = r.agent_id
		WHERE r.wanted = 1 AND `+late.sql("r.last_heard_at")+` AND `+late.sql("r.started_at")+` AND `+late.sql("a.status_at")+`
			AND a.observed IN ('up', 'starting') ORDER BY r.last_heard_at, r.agent_id LIMIT $3 + 0`, late.args(limit)...)
}

// MuteRuns returns wanted runs of a driver that began too long ago, never said
// a word and are not yet being ended for it.
func (tx *Tx) MuteRuns(late Late, driver string, limit int) ([]fleet.Run, error) {
	return tx.agentRefs(`SELECT r.team_id, r.agent_id FROM runtimes r JOIN agents a ON a.id = r.agent_id
		WHERE r.wanted = 1 AND r.last_heard_at = 0 AND r.started_at > 0 AND r.fresh = 0 AND r.overdue = '' AND r.token_hash IS NOT NULL
			AND `+late.sql("r.started_at")+` AND r.driver = $3 AND a.observed IN ('starting', 'lost') ORDER BY r.agent_id LIMIT $4 + 0`, late.args(driver, limit)...)
}

// UnstoppedRuns returns runs whose program was to stop too long ago and is
// still there.
func (tx *Tx) UnstoppedRuns(late Late, limit int) ([]fleet.Run, error) {
	return tx.agentRefs(`SELECT r.team_id, r.agent_id FROM runtimes r JOIN agents a ON a.id = r.agent_id
		WHERE r.handle <> '' AND `+late.sql("r.stopping_at")+` AND `+late.sql("a.status_at")+` AND a.observed = 'stopping'
		ORDER BY r.agent_id LIMIT $3 + 0`, late.args(limit)...)
}

// AddCommand queues something for the agent's program.
func (tx *Tx) AddCommand(id fleet.AgentID, c fleet.Command) error {
	return tx.run(`INSERT INTO commands (id, agent_id, type, body, created_at) VALUES ($1, $2, $3, $4, $5)`,
		c.ID, id, c.Type, toJSON(c.Body), micros(c.CreatedAt))
}

// Commands returns what the agent's program has not acknowledged, oldest
// first, but for the known ids.
func (tx *Tx) Commands(id fleet.AgentID, limit int, known []string) (list []fleet.Command, err error) {
	w := &where{}
	query := `SELECT id, type, body, created_at FROM commands WHERE agent_id = ` + w.arg(id)
	if len(known) > 0 {
		// Few lengths, so that few statements are kept.
		for known = slices.Clone(known); len(known)%8 != 0; {
			known = append(known, "")
		}
		query += ` AND id NOT IN (` + args(w, known) + `)`
	}
	query += ` ORDER BY id` + w.limit(limit)
	err = tx.each(func(rows *sql.Rows) error {
		var c fleet.Command
		err := rows.Scan(&c.ID, &c.Type, jsonText{&c.Body}, stamp{&c.CreatedAt})
		list = append(list, c)
		return err
	}, query, w.args...)
	return list, err
}

// AckCommand removes a command that the program has taken and returns its
// type, "" when there is none.
func (tx *Tx) AckCommand(id fleet.AgentID, commandID string) (typ string, err error) {
	_, err = tx.one([]any{&typ}, `DELETE FROM commands WHERE agent_id = $1 AND id = $2 RETURNING type`, id, commandID)
	return typ, err
}

// DeleteCommands drops what the program was not told yet; typ "" is all.
func (tx *Tx) DeleteCommands(id fleet.AgentID, typ string) error {
	return tx.run(`DELETE FROM commands WHERE agent_id = $1 AND ($2 = '' OR type = $2)`, id, typ)
}

// NewRunEvent records the id of a program's event; false when it was told before.
func (tx *Tx) NewRunEvent(id fleet.AgentID, eventID string, at time.Time) (bool, error) {
	n, err := tx.exec(`INSERT INTO run_events (agent_id, id, at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, id, eventID, micros(at))
	return n == 1, err
}

// ForgetRunEvent lets an event that had no effect be told again.
func (tx *Tx) ForgetRunEvent(id fleet.AgentID, eventID string) error {
	return tx.run(`DELETE FROM run_events WHERE agent_id = $1 AND id = $2`, id, eventID)
}

// ForgetRunEvents lets the programs of a new incarnation begin anew.
func (tx *Tx) ForgetRunEvents(id fleet.AgentID) error {
	return tx.run(`DELETE FROM run_events WHERE agent_id = $1`, id)
}

// ForgetRunEventsUpTo forgets the ids of an agent's events that were told up
// to the instant.
func (tx *Tx) ForgetRunEventsUpTo(id fleet.AgentID, at time.Time) error {
	return tx.run(`DELETE FROM run_events WHERE agent_id = $1 AND at <= $2`, id, micros(at))
}

// HasOldRunEvents tells whether there is something for DropOldRunEvents.
func (tx *Tx) HasOldRunEvents(late Late) (bool, error) {
	var n int
	return tx.one([]any{&n}, `SELECT 1 FROM run_events WHERE `+late.sql("at")+` LIMIT 1`, late.args()...)
}

// DropOldRunEvents forgets event ids that no program repeats any more.
func (tx *Tx) DropOldRunEvents(late Late, limit int) error {
	return tx.run(`DELETE FROM run_events WHERE (agent_id, id) IN (SELECT agent_id, id FROM run_events WHERE `+late.sql("at")+` LIMIT $3 + 0)`, late.args(limit)...)
}

// RunsWithLateClaims returns wanted runs that hold tasks claimed too long ago.
func (tx *Tx) RunsWithLateClaims(late Late, limit int) ([]fleet.Run, error) {
	return tx.agentRefs(`SELECT DISTINCT r.team_id, r.agent_id FROM tasks t JOIN runtimes r ON r.agent_id = t.agent_id
		WHERE t.state = 'claimed' AND `+late.sql("t.updated_at")+` AND r.wanted = 1 ORDER BY r.agent_id LIMIT $3 + 0`, late.args(limit)...)
}

// StoppingAt is when the program of the agent's present run was told to stop.
func (tx *Tx) StoppingAt(id fleet.AgentID) (at time.Time, err error) {
	_, err = tx.one([]any{stamp{&at}}, `SELECT stopping_at FROM runtimes WHERE agent_id = $1`, id)
	return at, err
}

// Reads are reads of an agent's credentials by a run.
type Reads struct {
	Epoch int64
	N     int64     // that no audit entry counts yet
	At    time.Time // of the last audit entry
}

// Reads returns the agent's reads.
func (tx *Tx) Reads(id fleet.AgentID) (r Reads, err error) {
	_, err = tx.one([]any{&r.Epoch, &r.N, stamp{&r.At}}, `SELECT reads_epoch, reads, reads_at FROM runtimes WHERE agent_id = $1`, id)
	return r, err
}

// SetReads stores the agent's reads.
func (tx *Tx) SetReads(id fleet.AgentID, r Reads) error {
	return tx.run(`UPDATE runtimes SET reads_epoch = $1, reads = $2, reads_at = $3 WHERE agent_id = $4`, r.Epoch, r.N, micros(r.At), id)
}

// RunsWithReads returns agents with reads that no audit entry counts yet and
// whose last entry is of before the first instant, or behind the second.
func (tx *Tx) RunsWithReads(before, after time.Time, limit int) ([]fleet.Run, error) {
	return tx.agentRefs(`SELECT team_id, agent_id FROM runtimes WHERE reads > 0 AND (reads_at <= $1 OR reads_at > $2) ORDER BY reads_at, agent_id LIMIT $3 + 0`,
		micros(before), micros(after), limit)
}
