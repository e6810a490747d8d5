package store

import (
	"database/sql"
	"slices"
	"strings"
	"time"

	"agentry/internal/fleet"
)

const alertColumns = `al.id, COALESCE(al.agent_id, ''), COALESCE(a.name, ''), COALESCE(a.timezone, ''), al.type, al.sub_type, al.message, al.severity, al.state, al.n, al.by_name, al.until, al.recovered, al.created_at, al.updated_at`
const alertTables = ` FROM alerts al LEFT JOIN agents a ON a.id = al.agent_id `

func (tx *Tx) alerts(query string, values ...any) (list []fleet.Alert, err error) {
	err = tx.each(func(rows *sql.Rows) error {
		al, err := scanAlert(rows)
		list = append(list, al)
		return err
	}, `SELECT `+alertColumns+alertTables+query, values...)
	return list, err
}

func scanAlert(rows *sql.Rows) (al fleet.Alert, err error) {
	err = rows.Scan(&al.ID, &al.AgentID, &al.AgentName, &al.AgentZone, &al.Type, &al.SubType, &al.Message, &al.Severity, &al.State,
		&al.Count, &al.By, stamp{&al.Until}, &al.Recovered, stamp{&al.CreatedAt}, stamp{&al.UpdatedAt})
	return al, err
}

// alertsOf begins the condition of an agent's alerts; with "" for the agent, of
// the alerts that the team has beside its agents'.
func alertsOf(team fleet.TeamID, id fleet.AgentID) *where {
	w := &where{}
	w.add(`al.team_id = ` + w.arg(team))
	if id == "" {
		w.add(`al.agent_id IS NULL`)
	} else {
		w.add(`al.agent_id = ` + w.arg(id))
	}
	return w
}

// NewestAlert returns the unresolved alert of a type and subtype that the agent
// ("": the team alone) has, else the newest resolved one; ok is false when there
// was never any.
func (tx *Tx) NewestAlert(team fleet.TeamID, id fleet.AgentID, typ, subType string) (al fleet.Alert, ok bool, err error) {
	w := alertsOf(team, id)
	w.add(`al.type = ` + w.arg(typ))
	w.add(`al.sub_type = ` + w.arg(subType))
	list, err := tx.alerts(`WHERE `+w.text()+` ORDER BY (al.state <> 'resolved') DESC, al.id DESC LIMIT 1`, w.args...)
	if err != nil || len(list) == 0 {
		return al, false, err
	}
	return list[0], true, nil
}

// InsertAlert stores a new alert of an agent, or of the team alone; of the
// resolved ones the oldest above MaxAlerts go.
func (tx *Tx) InsertAlert(team fleet.TeamID, al fleet.Alert) error {
	if err := tx.run(`INSERT INTO alerts (id, team_id, agent_id, type, sub_type, message, severity, state, n, by_name, until, recovered, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
		al.ID, team, sql.NullString{String: string(al.AgentID), Valid: al.AgentID != ""}, al.Type, al.SubType, al.Message, al.Severity, al.State, al.Count, al.By, micros(al.Until),
		al.Recovered, micros(al.CreatedAt), micros(al.UpdatedAt)); err != nil {
		return err
	}
	w := alertsOf(team, al.AgentID)
	if err := tx.run(`DELETE FROM alerts AS al WHERE `+w.text()+` AND al.state = 'resolved' AND al.id <= (
			SELECT al.id FROM alerts AS al WHERE `+w.text()+` ORDER BY al.id DESC LIMIT 1 OFFSET `+w.arg(MaxAlerts)+`)`, w.args...); err != nil {
		return err
	}
	return tx.recountAlerts(team, al.AgentID)
}

// MaxAlerts is how many of the newest alerts of an agent, or of the team alone,
// are kept once resolved.
const MaxAlerts = 200

// CountLiveAlerts counts the agent's unresolved alerts beside the one of the
// type and subtype.
func (tx *Tx) CountLiveAlerts(team fleet.TeamID, id fleet.AgentID, typ, subType string) (n int, err error) {
	_, err = tx.one([]any{&n}, `SELECT COUNT(*) FROM alerts WHERE agent_id = $1 AND team_id = $2 AND state <> 'resolved' AND NOT (type = $3 AND sub_type = $4)`,
		id, team, typ, subType)
	return n, err
}

// recountAlerts keeps the agent's number of open alerts. That they are not
// resolved is said twice, so that the index of the unresolved answers.
func (tx *Tx) recountAlerts(team fleet.TeamID, id fleet.AgentID) error {
	if id == "" {
		return nil
	}
	return tx.run(`UPDATE agents SET open_alerts = (SELECT COUNT(*) FROM alerts WHERE agent_id = $1 AND state = 'open' AND state <> 'resolved')
		WHERE id = $1 AND team_id = $2`, id, team)
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

// SaveAlert stores what became of one of the team's alerts.
func (tx *Tx) SaveAlert(team fleet.TeamID, al fleet.Alert) error {
	if err := tx.run(`UPDATE alerts SET message = $1, severity = $2, state = $3, n = $4, by_name = $5, until = $6, recovered = $7, updated_at = $8
		WHERE id = $9 AND team_id = $10`, al.Message, al.Severity, al.State, al.Count, al.By, micros(al.Until), al.Recovered,
		micros(al.UpdatedAt), al.ID, team); err != nil {
		return err
	}
	return tx.recountAlerts(team, al.AgentID)
}

// LiveAlertsOf returns the unresolved alerts of a type and subtype ("" is any)
// that the agent ("": the team alone) has.
func (tx *Tx) LiveAlertsOf(team fleet.TeamID, id fleet.AgentID, typ, subType string) ([]fleet.Alert, error) {
	w := alertsOf(team, id)
	w.add(`al.type = ` + w.arg(typ))
	if subType != "" {
		w.add(`al.sub_type = ` + w.arg(subType))
	}
	w.add(`al.state <> 'resolved'`)
	return tx.alerts(`WHERE `+w.text()+` ORDER BY al.type, al.sub_type`, w.args...)
}

// TeamsAlerted returns the teams that have, themselves and not for an agent, an
// unresolved alert of a type and subtype.
func (tx *Tx) TeamsAlerted(typ, subType string) (ids []fleet.TeamID, err error) {
	err = tx.each(func(rows *sql.Rows) error {
		var id fleet.TeamID
		err := rows.Scan(&id)
		ids = append(ids, id)
		return err
	}, `SELECT team_id FROM alerts WHERE agent_id IS NULL AND type = $1 AND sub_type = $2 AND state <> 'resolved' ORDER BY team_id`, typ, subType)
	return ids, err
}

// DeleteAlerts removes all alerts of one of the team's agents.
func (tx *Tx) DeleteAlerts(team fleet.TeamID, id fleet.AgentID) error {
	if err := tx.run(`DELETE FROM alerts WHERE agent_id = $1 AND team_id = $2`, id, team); err != nil {
		return err
	}
	return tx.recountAlerts(team, id)
}

// AgentAlerts returns the alerts of one of the team's agents before an id,
// newest first.
func (tx *Tx) AgentAlerts(team fleet.TeamID, id fleet.AgentID, before string, limit int) ([]fleet.Alert, error) {
	return tx.alerts(`WHERE al.agent_id = $1 AND al.team_id = $2 AND ($3 = '' OR al.id < $3) ORDER BY al.id DESC LIMIT $4 + 0`, id, team, before, limit)
}

// LiveAlerts returns the unresolved alerts of the team's agents, newest first.
func (tx *Tx) LiveAlerts(team fleet.TeamID, ids []fleet.AgentID) (map[fleet.AgentID][]fleet.Alert, error) {
	out := map[fleet.AgentID][]fleet.Alert{}
	if len(ids) == 0 {
		return out, nil
	}
	w := &where{}
	list, err := tx.alerts(`WHERE al.agent_id IN (`+args(w, ids)+`) AND al.team_id = `+w.arg(team)+` AND al.state <> 'resolved'`, w.args...)
	// An order in SQL would make it read the resolved ones too.
	slices.SortFunc(list, func(a, b fleet.Alert) int { return strings.Compare(b.ID, a.ID) })
	for _, al := range list {
		out[al.AgentID] = append(out[al.AgentID], al)
	}
	return out, err
}

// CountOpenAlerts counts the team's open alerts.
func (tx *Tx) CountOpenAlerts(team fleet.TeamID) (int64, error) {
	return tx.teamCount(team, "open_alerts")
}

// DueSnoozes returns snoozed alerts whose time is over, of all teams.
func (tx *Tx) DueSnoozes(at time.Time, limit int) (list []DueAlert, err error) {
	err = tx.each(func(rows *sql.Rows) error {
		var due DueAlert
		err := rows.Scan(&due.Team, &due.AlertID)
		list = append(list, due)
		return err
	}, `SELECT team_id, id FROM alerts WHERE state = 'snoozed' AND until <= $1 ORDER BY until LIMIT $2 + 0`, micros(at), limit)
	return list, err
}

// DueAlert names an alert whose snooze is over.
type DueAlert struct {
	Team    fleet.TeamID
	AlertID string
}
