package store

import (
	"database/sql"
	"time"

	"agentry/internal/fleet"
)

// AddAudit records who did what. The note, if any, is kept beside the entry
// and goes with the agent.
func (tx *Tx) AddAudit(e fleet.AuditEntry) error {
	var id int64
	_, err := tx.one([]any{&id}, `INSERT INTO audit (team_id, at, actor_kind, actor_id, actor_name, action, agent_id, outcome, detail, request_id)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING id`,
		e.TeamID, micros(e.At), e.ActorKind, e.ActorID, e.ActorName, e.Action, e.AgentID, e.Outcome, detailJSON(e.Detail), e.RequestID)
	if err != nil || e.Note == "" || e.AgentID == "" {
		return err
	}
	return tx.run(`INSERT INTO audit_notes (audit_id, agent_id, text) VALUES ($1, $2, $3)`, id, e.AgentID, e.Note)
}

func detailJSON(d map[string]any) string {
	if len(d) == 0 {
		return "{}"
	}
	return toJSON(d)
}

// CountRelaunches counts the relaunches of one of the team's agents out of an
// end reason since an instant.
func (tx *Tx) CountRelaunches(team fleet.TeamID, id fleet.AgentID, endReason string, since time.Time) (n int, err error) {
	part := `%"endReason":` + toJSON(endReason) + `%`
	_, err = tx.one([]any{&n}, `SELECT COUNT(*) FROM audit`+indexed("audit_relaunches")+` WHERE agent_id = $1 AND team_id = $2 AND action = 'relaunch' AND outcome = 'done' AND at >= $3
		AND detail LIKE $4`, id, team, micros(since), part)
	return n, err
}

// CountActions counts the team's done actions of a kind on an agent since an instant.
func (tx *Tx) CountActions(team fleet.TeamID, id fleet.AgentID, action string, since time.Time) (n int, err error) {
	_, err = tx.one([]any{&n}, `SELECT COUNT(*) FROM audit WHERE agent_id = $1 AND team_id = $2 AND action = $3 AND outcome = 'done' AND at >= $4`,
		id, team, action, micros(since))
	return n, err
}

// Relaunches returns the agent's newest relaunches since an instant, newest
// first, without their notes.
func (tx *Tx) Relaunches(team fleet.TeamID, id fleet.AgentID, since time.Time, limit int) (list []fleet.AuditEntry, err error) {
	err = tx.each(func(rows *sql.Rows) error {
		e := fleet.AuditEntry{TeamID: team, AgentID: id, Action: string(fleet.MoveRelaunch), Outcome: "done"}
		err := rows.Scan(&e.ID, stamp{&e.At}, jsonText{&e.Detail})
		list = append(list, e)
		return err
	}, `SELECT id, at, detail FROM audit`+indexed("audit_relaunches")+` WHERE agent_id = $1 AND team_id = $2 AND action = 'relaunch' AND outcome = 'done' AND at >= $3
		ORDER BY id DESC LIMIT $4 + 0`, id, team, micros(since), limit)
	return list, err
}
