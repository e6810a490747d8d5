package store

import (
	"database/sql"
	"slices"
	"strings"
	"time"

	"agentry/internal/fleet"
)

const resourceColumns = `id, team_id, agent_id, incarnation, type, vendor, state, external_id, country, proxy_id, session, label,
	tries, next_try, last_error, asked_at, turn, forgotten, created_at, state_at, held_at, released_at, updated_at`

func (tx *Tx) resources(query string, values ...any) (list []fleet.Resource, err error) {
	err = tx.each(func(rows *sql.Rows) error {
		var r fleet.Resource
		err := rows.Scan(&r.ID, &r.TeamID, &r.AgentID, &r.Incarnation, &r.Type, &r.Vendor, &r.State, &r.ExternalID, &r.Country,
			&r.ProxyID, &r.Session, &r.Label, &r.Tries, stamp{&r.NextTry}, &r.LastError, stamp{&r.AskedAt}, &r.Turn,
			jsonText{&r.Forgotten}, stamp{&r.CreatedAt}, stamp{&r.StateAt}, stamp{&r.HeldAt}, stamp{&r.ReleasedAt}, stamp{&r.UpdatedAt})
		list = append(list, r)
		return err
	}, `SELECT `+resourceColumns+` FROM resources `+query, values...)
	return list, err
}

// InsertResource writes a new row of the ledger.
func (tx *Tx) InsertResource(r fleet.Resource) error {
	return tx.run(`INSERT INTO resources (`+resourceColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)`,
		r.ID, r.TeamID, r.AgentID, r.Incarnation, r.Type, r.Vendor, r.State, r.ExternalID, r.Country, r.ProxyID, r.Session, r.Label,
		r.Tries, micros(r.NextTry), r.LastError, micros(r.AskedAt), r.Turn, forgottenJSON(r.Forgotten), micros(r.CreatedAt),
		micros(r.StateAt), micros(r.HeldAt), micros(r.ReleasedAt), micros(r.UpdatedAt))
}

func forgottenJSON(f *fleet.Forgotten) string {
	if f == nil {
		return ""
	}
	return toJSON(f)
}

// SaveResource stores what became of a row since it was read at the turn; false
// is that somebody else changed it meanwhile. What the row is for stays.
func (tx *Tx) SaveResource(r fleet.Resource, turn int64) (bool, error) {
	n, err := tx.exec(`UPDATE resources SET state = $1, external_id = $2, tries = $3, next_try = $4, last_error = $5, asked_at = $6,
			turn = $7, forgotten = $8, state_at = $9, held_at = $10, released_at = $11, updated_at = $12
		WHERE id = $13 AND team_id = $14 AND turn = $15`,
		r.State, r.ExternalID, r.Tries, micros(r.NextTry), r.LastError, micros(r.AskedAt), r.Turn, forgottenJSON(r.Forgotten),
		micros(r.StateAt), micros(r.HeldAt), micros(r.ReleasedAt), micros(r.UpdatedAt), r.ID, r.TeamID, turn)
	return n == 1, err
}

// NoteExternal stores the vendor's id of a thing whose row was changed while
// the vendor was asked.
func (tx *Tx) NoteExternal(team fleet.TeamID, id, external string) error {
	return tx.run(`UPDATE resources SET external_id = $1, asked_at = 0 WHERE id = $2 AND team_id = $3 AND external_id = ''`, external, id, team)
}

// ExternalOfAnother tells whether a row other than id, of any team, has or had
// the vendor's thing.
func (tx *Tx) ExternalOfAnother(vendor, external, id string) (bool, error) {
	var other string
	return tx.one([]any{&other}, `SELECT id FROM resources WHERE external_id = $1 AND external_id <> '' AND vendor = $2 AND id <> $3 LIMIT 1`, external, vendor, id)
}

// Resource returns one of the team's rows.
func (tx *Tx) Resource(team fleet.TeamID, id string) (fleet.Resource, error) {
	list, err := tx.resources(`WHERE id = $1 AND team_id = $2`, id, team)
	if err == nil && len(list) == 0 {
		return fleet.Resource{}, fleet.Errorf(fleet.CodeNotFound, "Resource not found")
	}
	if err != nil {
		return fleet.Resource{}, err
	}
	return list[0], nil
}

// ResourceOfJob returns a row of any team, for the worker; ok is false when
// there is none.
func (tx *Tx) ResourceOfJob(id string) (r fleet.Resource, ok bool, err error) {
	list, err := tx.resources(`WHERE id = $1`, id)
	if err != nil || len(list) == 0 {
		return r, false, err
	}
	return list[0], true, nil
}

// AgentResources returns the rows of one of the team's agents, newest first.
func (tx *Tx) AgentResources(team fleet.TeamID, id fleet.AgentID, limit int) ([]fleet.Resource, error) {
	return tx.resources(`WHERE agent_id = $1 AND team_id = $2 ORDER BY id DESC LIMIT $3 + 0`, id, team, limit)
}

// NamedResources returns the newest rows that one of the team's agents ever had,
// also one that is gone, newest first: at most fleet.MaxNamedResources, and how
// many there are beyond.
func (tx *Tx) NamedResources(team fleet.TeamID, id fleet.AgentID) (list []fleet.Resource, more int, err error) {
	list, err = tx.AgentResources(team, id, fleet.MaxNamedResources)
	if err != nil || len(list) < fleet.MaxNamedResources {
		return list, 0, err
	}
	_, err = tx.one([]any{&more}, `SELECT COUNT(*) FROM resources WHERE agent_id = $1 AND team_id = $2`, id, team)
	return list, more - len(list), err
}

// LiveResources returns what one of the team's agents has, or is getting.
func (tx *Tx) LiveResources(team fleet.TeamID, id fleet.AgentID) ([]fleet.Resource, error) {
	return tx.resources(`WHERE agent_id = $1 AND team_id = $2 AND state IN ('wanted', 'acquiring', 'held') ORDER BY id`, id, team)
}

// ResourcesInTransit returns what the team's agents wait for, and what is
// still to be released of them.
func (tx *Tx) ResourcesInTransit(team fleet.TeamID, ids []fleet.AgentID) (map[fleet.AgentID][]fleet.Resource, error) {
	out := map[fleet.AgentID][]fleet.Resource{}
	if len(ids) == 0 {
		return out, nil
	}
	w := &where{}
	list, err := tx.resources(`WHERE agent_id IN (`+args(w, ids)+`) AND team_id = `+w.arg(team)+` AND open = 1`, w.args...)
	slices.SortFunc(list, func(a, b fleet.Resource) int { return strings.Compare(a.ID, b.ID) })
	for _, r := range list {
		out[r.AgentID] = append(out[r.AgentID], r)
	}
	return out, err
}

// ResourceFilter narrows a list of the ledger; zero is everything.
type ResourceFilter struct {
	AgentID fleet.AgentID
	Type    fleet.ResourceType
	States  []fleet.ResourceState
	// Stuck: only what people should look at. Calm: only what did not fail.
	// Forgotten: only what people gave up.
	Stuck, Calm, Forgotten bool
}

func resourceWhere(team fleet.TeamID, f ResourceFilter) *where {
	w := &where{}
	w.add(`team_id = ` + w.arg(team))
	if f.AgentID != "" {
		w.add(`agent_id = ` + w.arg(f.AgentID))
	}
	if f.Type != "" {
		w.add(`type = ` + w.arg(f.Type))
	}
	if len(f.States) > 0 {
		w.add(`state IN (` + args(w, f.States) + `)`)
	}
	if f.Stuck {
		w.add(`open = 1 AND (last_error <> '' OR state = 'leaked')`)
	}
	if f.Calm {
		w.add(`last_error = ''`)
	}
	if f.Forgotten {
		w.add(`state = 'leaked' AND forgotten <> ''`)
	}
	return w
}

// TotalResources counts the team's rows that pass the filter.
func (tx *Tx) TotalResources(team fleet.TeamID, f ResourceFilter) (n int64, err error) {
	w := resourceWhere(team, f)
	_, err = tx.one([]any{&n}, `SELECT COUNT(*) FROM resources WHERE `+w.text(), w.args...)
	return n, err
}

// Resources returns the team's rows before an id, newest first.
func (tx *Tx) Resources(team fleet.TeamID, f ResourceFilter, before string, limit int) ([]fleet.Resource, error) {
	w := resourceWhere(team, f)
	if before != "" {
		w.add(`id < ` + w.arg(before))
	}
	return tx.resources(`WHERE `+w.text()+` ORDER BY id DESC`+w.limit(limit), w.args...)
}

// CountResources counts the team's rows by state, and the stuck ones.
func (tx *Tx) CountResources(team fleet.TeamID) (byState map[fleet.ResourceState]int, stuck int, err error) {
	byState = map[fleet.ResourceState]int{}
	err = tx.each(func(rows *sql.Rows) error {
		var state fleet.ResourceState
		var n int
		err := rows.Scan(&state, &n)
		byState[state] = n
		return err
	}, `SELECT state, COUNT(*) FROM resources WHERE team_id = $1 GROUP BY state`, team)
	if err != nil {
		return nil, 0, err
	}
	_, err = tx.one([]any{&stuck}, `SELECT COUNT(*) FROM resources WHERE team_id = $1 AND open = 1 AND (last_error <> '' OR state = 'leaked')`, team)
	return byState, stuck, err
}

// DueResources returns open rows of all teams that may be tried now, the
// longest due first. A next try later than after is of a clock that was set
// back since.
func (tx *Tx) DueResources(now, after time.Time, limit int) ([]fleet.Resource, error) {
	return tx.resources(`WHERE open = 1 AND (next_try > 0 AND next_try <= $1 OR next_try > $2) ORDER BY next_try, id LIMIT $3 + 0`,
		micros(now), micros(after), limit)
}

// OpenResources returns the open rows of all teams behind an id, by id.
func (tx *Tx) OpenResources(after string, limit int) ([]fleet.Resource, error) {
	return tx.resources(`WHERE open = 1 AND id > $1 ORDER BY id LIMIT $2 + 0`, after, limit)
}

// TeamsOfVendor returns the teams that have anything at the vendor which is not
// confirmed gone.
func (tx *Tx) TeamsOfVendor(vendor string) (ids []fleet.TeamID, err error) {
	err = tx.each(func(rows *sql.Rows) error {
		var id fleet.TeamID
		err := rows.Scan(&id)
		ids = append(ids, id)
		return err
	}, `SELECT t.id FROM teams t WHERE EXISTS (SELECT 1 FROM resources r WHERE r.team_id = t.id
		AND r.vendor = $1 AND r.state IN ('wanted', 'acquiring', 'held', 'releasing', 'leaked') AND r.forgotten = '') ORDER BY t.id`, vendor)
	return ids, err
}

// VendorStop is why and since when a vendor must not be asked.
type VendorStop struct {
	Mark, Message string
	At            time.Time
}

// VendorStopped returns the vendor's stop; ok is false when there is none.
func (tx *Tx) VendorStopped(name string) (v VendorStop, ok bool, err error) {
	ok, err = tx.one([]any{&v.Mark, &v.Message, stamp{&v.At}}, `SELECT mark, message, stopped_at FROM vendors WHERE name = $1`, name)
	return v, ok, err
}

// StopVendor records that a vendor must not be asked.
func (tx *Tx) StopVendor(name string, v VendorStop) error {
	return tx.run(`INSERT INTO vendors (name, mark, message, stopped_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (name) DO UPDATE SET mark = excluded.mark, message = excluded.message, stopped_at = excluded.stopped_at`,
		name, v.Mark, v.Message, micros(v.At))
}

// AllowVendor ends a stop.
func (tx *Tx) AllowVendor(name string) error {
	return tx.run(`DELETE FROM vendors WHERE name = $1`, name)
}
