package store

import (
	"database/sql"

	"agentry/internal/fleet"
)

const deletionColumns = `id, team_id, agent_id, at, by_kind, by_name, reason, removed, incarnation, export_sha256`

// deletions reads certificates, each with what the ledger says now.
func (tx *Tx) deletions(query string, values ...any) (list []fleet.Deletion, err error) {
	err = tx.each(func(rows *sql.Rows) error {
		var d fleet.Deletion
		err := rows.Scan(&d.ID, &d.TeamID, &d.AgentID, stamp{&d.At}, &d.ByKind, &d.By, &d.Reason, jsonText{&d.Removed}, &d.Incarnation, &d.ExportSHA256)
		list = append(list, d)
		return err
	}, `SELECT `+deletionColumns+` FROM deletions `+query, values...)
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
	list, err := tx.deletions(`WHERE team_id = $1 AND (id = $2 OR agent_id = $2)`, team, id)
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
	return tx.deletions(`WHERE team_id = $1 AND ($2 = '' OR id < $2) ORDER BY id DESC LIMIT $3 + 0`, team, before, limit)
}
