package store

import (
	"database/sql"
	"slices"
	"strings"
	"time"

	"agentry/internal/fleet"
)

const alertColumns = `al.id, al.agent_id, a.name, al.type, al.sub_type, al.message, al.severity, al.state, al.n, al.by_name, al.until, al.created_at, al.updated_at`
const alertTables = ` FROM alerts al JOIN agents a ON a.id = al.agent_id `

func (tx *Tx) alerts(query string, values ...any) (list []fleet.Alert, err error) {
	err = tx.each(func(rows *sql.Rows) error {
		var al fleet.Alert
		err := rows.Scan(&al.ID, &al.AgentID, &al.AgentName, &al.Type, &al.SubType, &al.Message, &al.Severity, &al.State,
			&al.Count, &al.By, stamp{&al.Until}, stamp{&al.CreatedAt}, stamp{&al.UpdatedAt})
		list = append(list, al)
		return err
	}, `SELECT `+alertColumns+alertTables+query, values...)
	return list, err
}

// RaiseAlert opens an alert, or counts it again when one of the same type and
// subtype is not resolved. It tells whether a new one was opened.
func (tx *Tx) RaiseAlert(team fleet.TeamID, al fleet.Alert) (opened bool, err error) {
	n, err := tx.exec(`UPDATE alerts SET n = n + 1, message = $1, severity = $2, updated_at = $3
		WHERE agent_id = $4 AND type = $5 AND sub_type = $6 AND state <> 'resolved'`,
		al.Message, al.Severity, micros(al.UpdatedAt), al.AgentID, al.Type, al.SubType)
	if err != nil || n > 0 {
		return false, err
	}
	if err := tx.run(`INSERT INTO alerts (id, team_id, agent_id, type, sub_type, message, severity, state, n, by_name, until, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, 'open', 1, '', 0, $8, $8)`,
		al.ID, team, al.AgentID, al.Type, al.SubType, al.Message, al.Severity, micros(al.CreatedAt)); err != nil {
		return false, err
	}
	if err := tx.run(`DELETE FROM alerts WHERE agent_id = $1 AND state = 'resolved' AND id <= (
			SELECT id FROM alerts WHERE agent_id = $1 ORDER BY id DESC LIMIT 1 OFFSET $2)`, al.AgentID, MaxAlerts); err != nil {
		return false, err
	}
	return true, tx.recountAlerts(al.AgentID)
}

// MaxAlerts is how many of an agent's newest alerts are kept once resolved.
const MaxAlerts = 200

// CountLiveAlerts counts the agent's unresolved alerts beside the one of the
// type and subtype.
func (tx *Tx) CountLiveAlerts(id fleet.AgentID, typ, subType string) (n int, err error) {
	_, err = tx.one([]any{&n}, `SELECT COUNT(*) FROM alerts WHERE agent_id = $1 AND state <> 'resolved' AND NOT (type = $2 AND sub_type = $3)`, id, typ, subType)
	return n, err
}

// recountAlerts keeps the agent's number of open alerts. That they are not
// resolved is said twice, so that the index of the unresolved answers.
func (tx *Tx) recountAlerts(id fleet.AgentID) error {
	return tx.run(`UPDATE agents SET open_alerts = (SELECT COUNT(*) FROM alerts WHERE agent_id = $1 AND state = 'open' AND state <> 'resolved') WHERE id = $1`, id)
}

// Alert returns one of the team's alerts.
func (tx *Tx) Alert(team fleet.TeamID, alertID string) (fleet.Alert, error) {
	list, err := tx.alerts(`WHERE al.team_id = $1 AND al.id = $2`, team, alertID)
	if err == nil && len(list) == 0 {
		return fleet.Alert{}, fleet.Errorf(fleet.CodeNotFound, "Alert not found")
	}
	if err != nil {
		return fleet.Alert{}, err
	}
	return list[0], nil
}

// SetAlert moves an alert to a state.
func (tx *Tx) SetAlert(al fleet.Alert) error {
	if err := tx.run(`UPDATE alerts SET state = $1, by_name = $2, until = $3, updated_at = $4 WHERE id = $5`,
		al.State, al.By, micros(al.Until), micros(al.UpdatedAt), al.ID); err != nil {
		return err
	}
	return tx.recountAlerts(al.AgentID)
}

// ResolveAlerts resolves the agent's alerts of a type and subtype ("" is any)
// and tells how many there were.
func (tx *Tx) ResolveAlerts(id fleet.AgentID, typ, subType, by string, at time.Time) (int64, error) {
	n, err := tx.exec(`UPDATE alerts SET state = 'resolved', by_name = $1, updated_at = $2
		WHERE agent_id = $3 AND type = $4 AND ($5 = '' OR sub_type = $5) AND state <> 'resolved'`, by, micros(at), id, typ, subType)
	if err != nil || n == 0 {
		return n, err
	}
	return n, tx.recountAlerts(id)
}

// DeleteAlerts removes all alerts of an agent.
func (tx *Tx) DeleteAlerts(id fleet.AgentID) error {
	if err := tx.run(`DELETE FROM alerts WHERE agent_id = $1`, id); err != nil {
		return err
	}
	return tx.recountAlerts(id)
}

// AgentAlerts returns an agent's alerts before an id, newest first.
func (tx *Tx) AgentAlerts(id fleet.AgentID, before string, limit int) ([]fleet.Alert, error) {
	return tx.alerts(`WHERE al.agent_id = $1 AND ($2 = '' OR al.id < $2) ORDER BY al.id DESC LIMIT $3`, id, before, limit)
}

// LiveAlerts returns the unresolved alerts of the agents, newest first.
func (tx *Tx) LiveAlerts(ids []fleet.AgentID) (map[fleet.AgentID][]fleet.Alert, error) {
	out := map[fleet.AgentID][]fleet.Alert{}
	if len(ids) == 0 {
		return out, nil
	}
	w := &where{}
	list, err := tx.alerts(`WHERE al.agent_id IN (`+args(w, ids)+`) AND al.state <> 'resolved'`, w.args...)
	// An order in SQL would make it read the resolved ones too.
	slices.SortFunc(list, func(a, b fleet.Alert) int { return strings.Compare(b.ID, a.ID) })
	for _, al := range list {
		out[al.AgentID] = append(out[al.AgentID], al)
	}
	return out, err
}

// TeamAlerts returns the team's alerts in a state before an id, newest first.
func (tx *Tx) TeamAlerts(team fleet.TeamID, state fleet.AlertState, before string, limit int) ([]fleet.Alert, error) {
	return tx.alerts(`WHERE al.team_id = $1 AND al.state = $2 AND ($3 = '' OR al.id < $3) ORDER BY al.id DESC LIMIT $4`, team, state, before, limit)
}

// CountOpenAlerts counts the team's open alerts.
func (tx *Tx) CountOpenAlerts(team fleet.TeamID) (n int64, err error) {
	_, err = tx.one([]any{&n}, `SELECT COUNT(*) FROM alerts WHERE team_id = $1 AND state = 'open'`, team)
	return n, err
}

// DueSnoozes returns snoozed alerts whose time is over, of all teams.
func (tx *Tx) DueSnoozes(at time.Time, limit int) (list []fleet.Alert, teams []fleet.TeamID, err error) {
	err = tx.each(func(rows *sql.Rows) error {
		var al fleet.Alert
		var team fleet.TeamID
		err := rows.Scan(&team, &al.ID, &al.AgentID, &al.By)
		list, teams = append(list, al), append(teams, team)
		return err
	}, `SELECT team_id, id, agent_id, by_name FROM alerts WHERE state = 'snoozed' AND until <= $1 ORDER BY until LIMIT $2`, micros(at), limit)
	return list, teams, err
}
