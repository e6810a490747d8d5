package store

import (
	"database/sql"
	"fmt"
	"time"

	"agentry/internal/fleet"
)

// What follows yields the rows of one agent that an export has, one at a time
// and in an order that stays, and returns the first error of yield.

// EachTask yields an agent's tasks, oldest first.
func (tx *Tx) EachTask(team fleet.TeamID, id fleet.AgentID, yield func(fleet.Task) error) error {
	return each(tx, scanTask, yield, `SELECT `+taskColumns+` FROM tasks WHERE agent_id = $1`+ofTeam("$1", "$2")+` ORDER BY id`, id, team)
}

// EachAlert yields an agent's alerts, oldest first.
func (tx *Tx) EachAlert(team fleet.TeamID, id fleet.AgentID, yield func(fleet.Alert) error) error {
	return each(tx, scanAlert, yield, `SELECT `+alertColumns+alertTables+`WHERE al.agent_id = $1 AND al.team_id = $2 ORDER BY al.id`, id, team)
}

// EachMessage yields an agent's messages with their metadata, oldest first.
func (tx *Tx) EachMessage(team fleet.TeamID, id fleet.AgentID, yield func(fleet.Message) error) error {
	scan := func(rows *sql.Rows) (m fleet.Message, err error) {
		var metadata string
		err = rows.Scan(append(messageTargets(&m), &metadata)...)
		if metadata != "" {
			m.Metadata = []byte(metadata)
		}
		return m, err
	}
	return each(tx, scan, yield, `SELECT `+messageColumns+`, COALESCE((SELECT d.metadata FROM message_metadata d WHERE d.message_id = messages.id), '')
		FROM messages WHERE agent_id = $1`+ofTeam("$1", "$2")+` ORDER BY id`, id, team)
}

// EachUsage yields an agent's counters by day.
func (tx *Tx) EachUsage(team fleet.TeamID, id fleet.AgentID, yield func(fleet.Usage) error) error {
	return each(tx, scanUsage, yield, `SELECT day, kind, incarnation, n FROM usage_days WHERE agent_id = $1`+ofTeam("$1", "$2")+` ORDER BY day, kind, incarnation`, id, team)
}

// EachLog yields an agent's log lines, oldest first.
func (tx *Tx) EachLog(team fleet.TeamID, id fleet.AgentID, yield func(fleet.LogLine) error) error {
	return each(tx, scanLog, yield, `SELECT id, at, epoch, level, text FROM logs WHERE agent_id = $1`+ofTeam("$1", "$2")+` ORDER BY id`, id, team)
}

// EachAudit yields an agent's audit but for the taking of exports, oldest first.
func (tx *Tx) EachAudit(team fleet.TeamID, id fleet.AgentID, yield func(fleet.AuditEntry) error) error {
	return each(tx, scanAudit, yield, `SELECT `+auditColumns+`, COALESCE(n.text, ''), ''
		FROM audit au LEFT JOIN audit_notes n ON n.audit_id = au.id
		WHERE au.agent_id = $1 AND au.team_id = $2 AND au.action <> 'export' ORDER BY au.at, au.id`, id, team)
}

func each[T any](tx *Tx, scan func(*sql.Rows) (T, error), yield func(T) error, query string, values ...any) error {
	return tx.each(func(rows *sql.Rows) error {
		v, err := scan(rows)
		if err != nil {
			return err
		}
		return yield(v)
	}, query, values...)
}

// ExportMark is a text that changes when a row of an export is added, changed or
// removed.
func (tx *Tx) ExportMark(team fleet.TeamID, id fleet.AgentID) (string, error) {
	const tasks = `SELECT COUNT(*) || ' ' || COALESCE(MAX(id), '') || ' ' || COALESCE(MAX(updated_at), 0) || ' ' || COALESCE(SUM(updated_at % 1000003), 0) FROM tasks WHERE agent_id = $1`
	const alerts = `SELECT COUNT(*) || ' ' || COALESCE(MAX(id), '') || ' ' || COALESCE(MAX(updated_at), 0) || ' ' || COALESCE(SUM(updated_at % 1000003 + n), 0) FROM alerts WHERE agent_id = $1`
	const messages = `SELECT COUNT(*) || ' ' || COALESCE(MAX(id), '') || ' ' || COALESCE(MAX(replied_at), 0) || ' ' || COALESCE(SUM(replied_at % 1000003), 0) || ' ' ||
		COALESCE(SUM(CASE state WHEN 'failed' THEN 1 ELSE 0 END), 0) FROM messages WHERE agent_id = $1`
	const usage = `SELECT COUNT(*) || ' ' || COALESCE(SUM(n), 0) FROM usage_days WHERE agent_id = $1`
	const logs = `SELECT COUNT(*) || ' ' || COALESCE(MAX(id), 0) FROM logs WHERE agent_id = $1`
	const audit = `SELECT COUNT(*) || ' ' || COALESCE(MAX(id), 0) FROM audit WHERE agent_id = $1 AND team_id = $2 AND action <> 'export'`
	var parts [6]string
	ok, err := tx.one([]any{&parts[0], &parts[1], &parts[2], &parts[3], &parts[4], &parts[5]},
		`SELECT (`+tasks+`), (`+alerts+`), (`+messages+`), (`+usage+`), (`+logs+`), (`+audit+`) FROM agents WHERE id = $1 AND team_id = $2`, id, team)
	if err != nil {
		return "", err
	}
	if !ok {
		return "", fleet.ErrAgentNotFound()
	}
	return fmt.Sprintf("%q", parts), nil
}

// TakenExport is the export of an agent that was taken last.
type TakenExport struct {
	SHA256 string // "" is that none was
	Size   int64  // bytes
	// State is a text that changes with what an export has.
	State string
}

// NoteExport keeps which export of one of the team's agents was taken last.
func (tx *Tx) NoteExport(team fleet.TeamID, id fleet.AgentID, e TakenExport, at time.Time) error {
	return tx.run(`INSERT INTO exports (agent_id, sha256, size, state, taken_at)
		SELECT id, $3, $4, $5, $6 FROM agents WHERE id = $1 AND team_id = $2
		ON CONFLICT (agent_id) DO UPDATE SET sha256 = excluded.sha256, size = excluded.size, state = excluded.state, taken_at = excluded.taken_at`,
		id, team, e.SHA256, e.Size, e.State, micros(at))
}

// LastExport is what NoteExport kept of one of the team's agents.
func (tx *Tx) LastExport(team fleet.TeamID, id fleet.AgentID) (e TakenExport, err error) {
	_, err = tx.one([]any{&e.SHA256, &e.Size, &e.State}, `SELECT sha256, size, state FROM exports WHERE agent_id = $1`+ofTeam("$1", "$2"), id, team)
	return e, err
}
