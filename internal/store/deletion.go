package store

import (
	"database/sql"

	"agentry/internal/fleet"
)

const deletionColumns = `id, team_id, agent_id, at, by_kind, by_name, reason, removed, incarnation, export_sha256`

// deletionQuery reads certificates with what is still to be deleted outside;
// what the ledger says is read with each.
const deletionQuery = `SELECT d.id, d.team_id, d.agent_id, d.at, d.by_kind, d.by_name, d.reason, d.removed, d.incarnation, d.export_sha256,
	r.agent_id IS NOT NULL, COALESCE(r.kind, ''), COALESCE(r.created_at, 0), COALESCE(r.tries, 0), COALESCE(r.next_try, 0), COALESCE(r.last_error, '')
	FROM deletions d LEFT JOIN removals r ON r.agent_id = d.agent_id AND r.team_id = d.team_id `

func (tx *Tx) deletions(query string, values ...any) (list []fleet.Deletion, err error) {
	err = tx.each(func(rows *sql.Rows) error {
		var d fleet.Deletion
		var r fleet.Removal
		var pending bool
		err := rows.Scan(&d.ID, &d.TeamID, &d.AgentID, stamp{&d.At}, &d.ByKind, &d.By, &d.Reason, jsonText{&d.Removed}, &d.Incarnation, &d.ExportSHA256,
			&pending, &r.Kind, stamp{&r.CreatedAt}, &r.Tries, stamp{&r.NextTry}, &r.LastError)
		if pending {
			r.TeamID, r.AgentID = d.TeamID, d.AgentID
			d.Outside = &r
		}
		list = append(list, d)
		return err
	}, deletionQuery+query, values...)
	for i := range list {
		d := &list[i]
		if err == nil {
			d.Resources, d.MoreResources, err = tx.NamedResources(d.TeamID, d.AgentID)
		}
	}
	return list, err
}

// InsertDeletion stores a certificate.
func (tx *Tx) InsertDeletion(d fleet.Deletion) error {
	return tx.run(`INSERT INTO deletions (`+deletionColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		d.ID, d.TeamID, d.AgentID, micros(d.At), d.ByKind, d.By, d.Reason, toJSON(d.Removed), d.Incarnation, d.ExportSHA256)
}

// Deletion returns one of the team's certificates by its own or its agent's id.
func (tx *Tx) Deletion(team fleet.TeamID, id string) (fleet.Deletion, error) {
	list, err := tx.deletions(`WHERE d.team_id = $1 AND (d.id = $2 OR d.agent_id = $2)`, team, id)
	if err == nil && len(list) == 0 {
		return fleet.Deletion{}, fleet.Errorf(fleet.CodeNotFound, "Deletion not found")
	}
	if err != nil {
		return fleet.Deletion{}, err
	}
	return list[0], nil
}

// Deletions returns the team's certificates before an id, newest first.
func (tx *Tx) Deletions(team fleet.TeamID, before string, limit int) ([]fleet.Deletion, error) {
	return tx.deletions(`WHERE d.team_id = $1 AND ($2 = '' OR d.id < $2) ORDER BY d.id DESC LIMIT $3`, team, before, limit)
}
