package store

import (
	"database/sql"
	"fmt"
	"time"

	"agentry/internal/fleet"
)

const bulkColumns = `id, team_id, action, state, why, by_kind, by_id, by_name, reason, add_tags, remove_tags, per_minute, first_n,
	stop_after, total, done, failed, skipped, waiting, retry_of, stopped_by, created_at, started_at, ended_at`

func bulkTargets(b *fleet.Bulk) []any {
	return []any{&b.ID, &b.TeamID, &b.Action, &b.State, &b.Why, &b.ByKind, &b.ByID, &b.By, &b.Reason, jsonText{&b.AddTags},
		jsonText{&b.RemoveTags}, &b.PerMinute, &b.Canary, &b.StopAfterFailures, &b.Total, &b.Done, &b.Failed, &b.Skipped, &b.Waiting,
		&b.RetryOf, &b.StoppedBy, stamp{&b.CreatedAt}, stamp{&b.StartedAt}, stamp{&b.EndedAt}}
}

func (tx *Tx) bulks(query string, values ...any) (list []fleet.Bulk, err error) {
	err = tx.each(func(rows *sql.Rows) error {
		var b fleet.Bulk
		err := rows.Scan(bulkTargets(&b)...)
		list = append(list, b)
		return err
	}, `SELECT `+bulkColumns+` FROM bulks `+query, values...)
	return list, err
}

// InsertBulk stores a new bulk.
func (tx *Tx) InsertBulk(b fleet.Bulk) error {
	return tx.run(`INSERT INTO bulks (`+bulkColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,
			$17, $18, $19, $20, $21, $22, $23, $24)`,
		b.ID, b.TeamID, b.Action, b.State, b.Why, b.ByKind, b.ByID, b.By, b.Reason, toJSON(orEmpty(b.AddTags)), toJSON(orEmpty(b.RemoveTags)),
		b.PerMinute, b.Canary, b.StopAfterFailures, b.Total, b.Done, b.Failed, b.Skipped, b.Waiting, b.RetryOf, b.StoppedBy,
		micros(b.CreatedAt), micros(b.StartedAt), micros(b.EndedAt))
}

// SaveBulk stores what changes of a bulk but its counts; the caller has read it
// in the same transaction.
func (tx *Tx) SaveBulk(b fleet.Bulk) error {
	return tx.run(`UPDATE bulks SET state = $1, why = $2, stopped_by = $3, started_at = $4, ended_at = $5
		WHERE id = $6 AND team_id = $7`, b.State, b.Why, b.StoppedBy, micros(b.StartedAt), micros(b.EndedAt), b.ID, b.TeamID)
}

// Bulk returns one of the team's bulks.
func (tx *Tx) Bulk(team fleet.TeamID, id string) (b fleet.Bulk, err error) {
	list, err := tx.bulks(`WHERE id = $1 AND team_id = $2`, id, team)
	if err == nil && len(list) == 0 {
		return b, fleet.Errorf(fleet.CodeNotFound, "Bulk not found")
	}
	if err != nil {
		return b, err
	}
	return list[0], nil
}

// BulkOfJob returns a bulk of any team, for the worker; ok is false when there
// is none.
func (tx *Tx) BulkOfJob(id string) (b fleet.Bulk, ok bool, err error) {
	list, err := tx.bulks(`WHERE id = $1`, id)
	if err != nil || len(list) == 0 {
		return b, false, err
	}
	return list[0], true, nil
}

// Bulks returns the team's bulks before an id, newest first.
func (tx *Tx) Bulks(team fleet.TeamID, before string, limit int) ([]fleet.Bulk, error) {
	return tx.bulks(`WHERE team_id = $1 AND ($2 = '' OR id < $2) ORDER BY id DESC LIMIT $3 + 0`, team, before, limit)
}

// OpenBulks returns bulks of any team that are not over, behind an id.
func (tx *Tx) OpenBulks(after string, limit int) ([]fleet.Bulk, error) {
	return tx.bulks(`WHERE ended_at = 0 AND id > $1 ORDER BY id LIMIT $2 + 0`, after, limit)
}

// CountOpenBulks counts the team's bulks that are not over; with retryOf, only
// those that retry that one.
func (tx *Tx) CountOpenBulks(team fleet.TeamID, retryOf string) (n int, err error) {
	_, err = tx.one([]any{&n}, `SELECT COUNT(*) FROM bulks WHERE ended_at = 0 AND team_id = $1 AND ($2 = '' OR retry_of = $2)`, team, retryOf)
	return n, err
}

// listedAgents is what a bulk counts for where bulks are bounded.
var listedAgents = fmt.Sprintf(`CASE WHEN total > %[1]d THEN total ELSE %[1]d END`, fleet.BulkWeight)

// BulkLoad is how many agents the team's bulks of a time listed, each counted
// as fleet.BulkWeight at least, and when the first of them was made.
func (tx *Tx) BulkLoad(team fleet.TeamID, after, until time.Time) (n int, first time.Time, err error) {
	_, err = tx.one([]any{&n, stamp{&first}}, `SELECT COALESCE(SUM(`+listedAgents+`), 0), COALESCE(MIN(created_at), 0)
		FROM (SELECT total, created_at FROM bulks WHERE team_id = $1 ORDER BY id DESC LIMIT $2 + 0) AS newest WHERE created_at > $3 AND created_at <= $4`,
		team, fleet.MaxBulkHour/fleet.BulkWeight, micros(after), micros(until))
	return n, first, err
}

// OldBulks returns some bulks of any team that are over and to be forgotten:
// those that ended too long ago, and those behind the newest of their team that
// listed kept agents, each counted as fleet.BulkWeight at least.
func (tx *Tx) OldBulks(late Late, kept, limit int) ([]fleet.Bulk, error) {
	return tx.bulks(`WHERE id IN (SELECT id FROM (SELECT id, ended_at, SUM(`+listedAgents+`) OVER (PARTITION BY team_id ORDER BY id DESC) AS listed FROM bulks) AS b
		WHERE ended_at > 0 AND (`+late.sql("ended_at")+` OR listed > $3) ORDER BY id LIMIT $4 + 0)`, late.args(kept, limit)...)
}

// DropBulk forgets a bulk of the team that is over and whose items are gone.
func (tx *Tx) DropBulk(team fleet.TeamID, id string) error {
	return tx.run(`DELETE FROM bulks WHERE id = $1 AND team_id = $2 AND ended_at > 0 AND NOT EXISTS (SELECT 1 FROM bulk_items WHERE bulk_id = $1)`, id, team)
}

// InsertBulkItems writes down a part of a bulk's list.
func (tx *Tx) InsertBulkItems(items []fleet.BulkItem) error {
	for _, i := range items {
		if err := tx.run(`INSERT INTO bulk_items (bulk_id, n, agent_id, outcome, code, message, version, epoch, at)
			VALUES ($1, $2, $3, $4, $5, $6, 0, 0, $7)`, i.BulkID, i.N, i.AgentID, i.Outcome, i.Code, i.Message, micros(i.At)); err != nil {
			return err
		}
	}
	return nil
}

// EmptyBulk takes the counts of a bulk back whose list is dropped.
func (tx *Tx) EmptyBulk(team fleet.TeamID, id string) error {
	return tx.run(`UPDATE bulks SET total = 0, skipped = 0 WHERE id = $1 AND team_id = $2`, id, team)
}

// DropBulkItems removes up to limit of a bulk's items and returns how many.
func (tx *Tx) DropBulkItems(team fleet.TeamID, id string, limit int) (int64, error) {
	return tx.exec(`DELETE FROM bulk_items WHERE bulk_id = (SELECT id FROM bulks WHERE id = $1 AND team_id = $2)
		AND n IN (SELECT n FROM bulk_items WHERE bulk_id = $1 ORDER BY n LIMIT $3 + 0)`, id, team, limit)
}

// BulkItems returns a bulk's items behind a place in its list, with the names
// of agents that are there; an outcome of "" is any.
func (tx *Tx) BulkItems(team fleet.TeamID, id string, o fleet.BulkOutcome, after, limit int) (list []fleet.BulkItem, err error) {
	query := `SELECT i.bulk_id, i.n, i.agent_id, COALESCE(a.name, ''), i.outcome, i.code, i.message, i.at
		FROM bulk_items i JOIN bulks b ON b.id = i.bulk_id LEFT JOIN agents a ON a.id = i.agent_id AND a.team_id = b.team_id
		WHERE i.bulk_id = $1 AND b.team_id = $2 AND i.n > $3 `
	values := []any{id, team, after, limit}
	if o != "" {
		query += `AND i.outcome = $5 `
		values = append(values, o)
	}
	err = tx.each(func(rows *sql.Rows) error {
		var i fleet.BulkItem
		err := rows.Scan(&i.BulkID, &i.N, &i.AgentID, &i.Name, &i.Outcome, &i.Code, &i.Message, stamp{&i.At})
		list = append(list, i)
		return err
	}, query+`ORDER BY i.n LIMIT $4 + 0`, values...)
	return list, err
}

// BulkAct is an item that has no outcome yet. Version and Epoch are those of
// an act that is not observed yet, Version 0 is none.
type BulkAct struct {
	N       int
	AgentID fleet.AgentID
	Version int64
	Epoch   int64
}

// ofTeamsBulk is a bulk's id as a value, which is none where the bulk is
// another team's.
const ofTeamsBulk = `(SELECT id FROM bulks WHERE id = $1 AND team_id = $2)`

// BulkActs returns a bulk's items without an outcome behind a place in its
// list: those that were acted on, or those that were not.
func (tx *Tx) BulkActs(team fleet.TeamID, id string, acted bool, after, limit int) (list []BulkAct, err error) {
	err = tx.each(func(rows *sql.Rows) error {
		var i BulkAct
		err := rows.Scan(&i.N, &i.AgentID, &i.Version, &i.Epoch)
		list = append(list, i)
		return err
	}, `SELECT n, agent_id, version, epoch FROM bulk_items WHERE bulk_id = `+ofTeamsBulk+` AND outcome = 'pending' AND n > $3 AND (version > 0) = $4
		ORDER BY n LIMIT $5 + 0`, id, team, after, acted, limit)
	return list, err
}

// BulkActAt returns an item that has no outcome yet; ok is false when it has one.
func (tx *Tx) BulkActAt(team fleet.TeamID, id string, n int) (i BulkAct, ok bool, err error) {
	i.N = n
	ok, err = tx.one([]any{&i.AgentID, &i.Version, &i.Epoch}, `SELECT agent_id, version, epoch FROM bulk_items
		WHERE bulk_id = `+ofTeamsBulk+` AND n = $3 AND outcome = 'pending'`, id, team, n)
	return i, ok, err
}

// MarkBulkActed notes that an item was acted on and is to be observed.
func (tx *Tx) MarkBulkActed(team fleet.TeamID, id string, i BulkAct) error {
	if err := tx.run(`UPDATE bulk_items SET version = $3, epoch = $4 WHERE bulk_id = `+ofTeamsBulk+` AND n = $5`, id, team, i.Version, i.Epoch, i.N); err != nil {
		return err
	}
	return tx.run(`UPDATE bulks SET waiting = waiting + 1 WHERE id = $1 AND team_id = $2`, id, team)
}

// SettleBulkItem gives an item its outcome, once; false is that it has one.
func (tx *Tx) SettleBulkItem(team fleet.TeamID, i fleet.BulkItem) (bool, error) {
	act, ok, err := tx.BulkActAt(team, i.BulkID, i.N)
	if err != nil || !ok {
		return false, err
	}
	if err := tx.run(`UPDATE bulk_items SET outcome = $3, code = $4, message = $5, at = $6 WHERE bulk_id = `+ofTeamsBulk+` AND n = $7`,
		i.BulkID, team, i.Outcome, i.Code, i.Message, micros(i.At), i.N); err != nil {
		return false, err
	}
	one := func(yes bool) int {
		if yes {
			return 1
		}
		return 0
	}
	return true, tx.run(`UPDATE bulks SET done = done + $3, failed = failed + $4, skipped = skipped + $5, waiting = waiting - $6
		WHERE id = $1 AND team_id = $2`, i.BulkID, team,
		one(i.Outcome == fleet.BulkSuccessful), one(i.Outcome == fleet.BulkFailed), one(i.Outcome == fleet.BulkSkipped), one(act.Version > 0))
}

const candidateColumns = `a.id, a.name, a.kind, a.status, a.set_up, a.protected <> '', `

func candidateTargets(c *fleet.BulkCandidate) []any {
	return []any{&c.ID, &c.Name, &c.Kind, &c.Status, &c.IsSetUp, &c.Protected, jsonText{&c.Tags}}
}

func tagsColumn(with bool) string {
	if with {
		return `a.tags`
	}
	return `''`
}

// BulkCandidates returns up to limit of the team's agents that pass a filter,
// in order; withTags fills their Tags.
func (tx *Tx) BulkCandidates(team fleet.TeamID, f AgentFilter, o AgentOrder, limit int, withTags bool) (list []fleet.BulkCandidate, err error) {
	w := newWhere(team, f)
	order := ``
	for _, k := range sortKeys(o) {
		if order != `` {
			order += `, `
		}
		order += k.column
		if k.desc {
			order += ` DESC`
		}
	}
	err = tx.each(func(rows *sql.Rows) error {
		var c fleet.BulkCandidate
		err := rows.Scan(candidateTargets(&c)...)
		list = append(list, c)
		return err
	}, `SELECT `+candidateColumns+tagsColumn(withTags)+` FROM agents a WHERE `+w.text()+` ORDER BY `+order+w.limit(limit), w.args...)
	return list, err
}

// candidateBatch is how many ids one statement asks for.
const candidateBatch = 200

// BulkCandidatesOf returns the agents with the ids, in the order of the ids;
// those that the team does not have are Unknown.
func (tx *Tx) BulkCandidatesOf(team fleet.TeamID, ids []fleet.AgentID, withTags bool) ([]fleet.BulkCandidate, error) {
	list := make([]fleet.BulkCandidate, 0, len(ids))
	for len(ids) > 0 {
		part := ids[:min(len(ids), candidateBatch)]
		ids = ids[len(part):]
		found := map[fleet.AgentID]fleet.BulkCandidate{}
		w := &where{}
		err := tx.each(func(rows *sql.Rows) error {
			var c fleet.BulkCandidate
			err := rows.Scan(candidateTargets(&c)...)
			found[c.ID] = c
			return err
		}, `SELECT `+candidateColumns+tagsColumn(withTags)+` FROM agents a WHERE a.id IN (`+args(w, part)+`) AND a.team_id || '' = `+w.arg(team), w.args...)
		if err != nil {
			return nil, err
		}
		for _, id := range part {
			c, ok := found[id]
			if !ok {
				c = fleet.BulkCandidate{ID: id, Unknown: true}
			}
			list = append(list, c)
		}
	}
	return list, nil
}

// FailedOfBulk returns the agents that failed in one of the team's bulks.
func (tx *Tx) FailedOfBulk(team fleet.TeamID, id string) (ids []fleet.AgentID, err error) {
	err = tx.each(func(rows *sql.Rows) error {
		var agent fleet.AgentID
		err := rows.Scan(&agent)
		ids = append(ids, agent)
		return err
	}, `SELECT i.agent_id FROM bulk_items i JOIN bulks b ON b.id = i.bulk_id
		WHERE i.bulk_id = $1 AND b.team_id = $2 AND i.outcome = 'failed' ORDER BY i.n LIMIT $3 + 0`, id, team, fleet.MaxBulk)
	return ids, err
}
