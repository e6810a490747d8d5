package store

import (
	"database/sql"

	"agentry/internal/fleet"
)

const viewColumns = `id, team_id, COALESCE(owner_id, ''), by_name, name, query, shared, created_at, updated_at`

func (tx *Tx) views(query string, values ...any) (list []fleet.View, err error) {
	err = tx.each(func(rows *sql.Rows) error {
		var v fleet.View
		err := rows.Scan(&v.ID, &v.TeamID, &v.OwnerID, &v.By, &v.Name, &v.Query, &v.Shared, stamp{&v.CreatedAt}, stamp{&v.UpdatedAt})
		list = append(list, v)
		return err
	}, `SELECT `+viewColumns+` FROM views `+query, values...)
	return list, err
}

// Views returns up to limit of the team's views that the owner ("" is none) has
// or that are shared, by name.
func (tx *Tx) Views(team fleet.TeamID, owner fleet.UserID, limit int) ([]fleet.View, error) {
	return tx.views(`WHERE id IN (
			SELECT id FROM views WHERE team_id = $1 AND COALESCE(owner_id, '') = $2 AND $2 <> ''
			UNION SELECT id FROM views WHERE team_id = $1 AND shared = 1)
		ORDER BY name, id LIMIT $3 + 0`, team, owner, limit)
}

// View returns one of the team's views.
func (tx *Tx) View(team fleet.TeamID, id string) (fleet.View, error) {
	list, err := tx.views(`WHERE team_id = $1 AND id = $2`, team, id)
	if err == nil && len(list) == 0 {
		err = fleet.Errorf(fleet.CodeNotFound, "View not found")
	}
	if err != nil {
		return fleet.View{}, err
	}
	return list[0], nil
}

// ViewNamed returns the view of a name that the owner ("" is nobody) has; ok is
// false where there is none.
func (tx *Tx) ViewNamed(team fleet.TeamID, owner fleet.UserID, name string) (v fleet.View, ok bool, err error) {
	list, err := tx.views(`WHERE team_id = $1 AND COALESCE(owner_id, '') = $2 AND name = $3`, team, owner, name)
	if err != nil || len(list) == 0 {
		return v, false, err
	}
	return list[0], true, nil
}

// CountViews counts the views that the owner ("" is nobody) has.
func (tx *Tx) CountViews(team fleet.TeamID, owner fleet.UserID) (n int, err error) {
	_, err = tx.one([]any{&n}, `SELECT COUNT(*) FROM views WHERE team_id = $1 AND COALESCE(owner_id, '') = $2`, team, owner)
	return n, err
}

// InsertView stores a new view.
func (tx *Tx) InsertView(v fleet.View) error {
	return tx.run(`INSERT INTO views (id, team_id, owner_id, by_name, name, query, shared, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		v.ID, v.TeamID, sql.NullString{String: string(v.OwnerID), Valid: v.OwnerID != ""}, v.By, v.Name, v.Query, v.Shared, micros(v.CreatedAt), micros(v.UpdatedAt))
}

// SaveView stores what became of one of the team's views.
func (tx *Tx) SaveView(v fleet.View) error {
	return tx.run(`UPDATE views SET name = $1, query = $2, shared = $3, updated_at = $4 WHERE team_id = $5 AND id = $6`,
		v.Name, v.Query, v.Shared, micros(v.UpdatedAt), v.TeamID, v.ID)
}

// LeaveViews makes the views that a member shares nobody's, before the member
// goes and takes the others along. One whose name nobody's has already goes too.
func (tx *Tx) LeaveViews(team fleet.TeamID, user fleet.UserID) error {
	return tx.run(`UPDATE views SET owner_id = NULL WHERE team_id = $1 AND owner_id = $2 AND shared = 1
		AND NOT EXISTS (SELECT 1 FROM views o WHERE o.team_id = $1 AND o.owner_id IS NULL AND o.name = views.name)`, team, user)
}

// DeleteView removes one of the team's views.
func (tx *Tx) DeleteView(team fleet.TeamID, id string) error {
	return tx.run(`DELETE FROM views WHERE team_id = $1 AND id = $2`, team, id)
}
