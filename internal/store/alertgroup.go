package store

import (
	"database/sql"

	"agentry/internal/fleet"
)

// AlertFilter narrows a team's alerts; zero fields but State do not.
type AlertFilter struct {
	State fleet.AlertState
	Type  string
	// SubType is exact, "" too; nil is any. AgentID "" is the team alone; nil is
	// anybody.
	SubType *string
	AgentID *fleet.AgentID
	// NoCodes leaves out the sign-ins that wait for a code, Codes all others.
	NoCodes, Codes bool
}

// asksCode is fleet.Alert.AsksCode but for the state.
const asksCode = `(al.type = 'auth' AND al.sub_type NOT IN ('rejected', 'timeout'))`

func (f AlertFilter) where(team fleet.TeamID) *where {
	w := &where{}
	w.add(`al.team_id = ` + w.arg(team))
	w.add(`al.state = ` + w.arg(f.State))
	if f.Type != "" {
		w.add(`al.type = ` + w.arg(f.Type))
	}
	if f.SubType != nil {
		w.add(`al.sub_type = ` + w.arg(*f.SubType))
	}
	if f.AgentID != nil && *f.AgentID == "" {
		w.add(`al.agent_id IS NULL`)
	} else if f.AgentID != nil {
		w.add(`al.agent_id = ` + w.arg(*f.AgentID))
	}
	if f.NoCodes {
		w.add(`NOT ` + asksCode)
	}
	if f.Codes {
		w.add(asksCode)
	}
	return w
}

// TeamAlerts returns the team's alerts that pass the filter before an id, newest
// first.
func (tx *Tx) TeamAlerts(team fleet.TeamID, f AlertFilter, before string, limit int) ([]fleet.Alert, error) {
	w := f.where(team)
	if before != "" {
		w.add(`al.id < ` + w.arg(before))
	}
	return tx.alerts(`WHERE `+w.text()+` ORDER BY al.id DESC`+w.limit(limit), w.args...)
}

// CountTeamAlerts counts the team's alerts that pass the filter.
func (tx *Tx) CountTeamAlerts(team fleet.TeamID, f AlertFilter) (n int64, err error) {
	w := f.where(team)
	_, err = tx.one([]any{&n}, `SELECT COUNT(*) FROM alerts al WHERE `+w.text(), w.args...)
	return n, err
}

// AlertTypes returns the types of the team's alerts in a state, at most 200.
func (tx *Tx) AlertTypes(team fleet.TeamID, state fleet.AlertState) (list []string, err error) {
	err = tx.each(func(rows *sql.Rows) error {
		var v string
		err := rows.Scan(&v)
		list = append(list, v)
		return err
	}, `WITH RECURSIVE c (v) AS (
			SELECT MIN(type) FROM alerts WHERE team_id = $1 AND state = $2
			UNION ALL SELECT (SELECT MIN(type) FROM alerts WHERE team_id = $1 AND state = $2 AND type > c.v) FROM c WHERE c.v IS NOT NULL)
		SELECT v FROM c WHERE v IS NOT NULL LIMIT 200`, team, state)
	return list, err
}

// AlertGroups returns the team's alerts that pass the filter by type and subtype,
// or by agent, each with its newest alert, before the id of one, newest first.
func (tx *Tx) AlertGroups(team fleet.TeamID, f AlertFilter, byAgent bool, before string, limit int) (list []fleet.AlertGroup, err error) {
	w := f.where(team)
	key := `al.type, al.sub_type`
	if byAgent {
		key = `al.agent_id`
	}
	query := `SELECT COUNT(*), MAX(al.id) FROM alerts al WHERE ` + w.text() + ` GROUP BY ` + key
	if before != "" {
		query += ` HAVING MAX(al.id) < ` + w.arg(before)
	}
	var ids []string
	err = tx.each(func(rows *sql.Rows) error {
		var g fleet.AlertGroup
		err := rows.Scan(&g.Alerts, &g.Newest.ID)
		list, ids = append(list, g), append(ids, g.Newest.ID)
		return err
	}, query+` ORDER BY MAX(al.id) DESC`+w.limit(limit), w.args...)
	if err != nil || len(ids) == 0 {
		return list, err
	}
	in := &where{}
	newest, err := tx.alerts(`WHERE al.team_id = `+in.arg(team)+` AND al.id IN (`+args(in, ids)+`)`, in.args...)
	for i := range list {
		for _, al := range newest {
			if al.ID == list[i].Newest.ID {
				list[i].Newest = al
			}
		}
	}
	return list, err
}
