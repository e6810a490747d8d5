package store

import (
	"database/sql"
	"strings"
	"time"

	"agentry/internal/fleet"
)

// AuditFilter narrows the audit; zero fields do not.
type AuditFilter struct {
	Agents  []fleet.AgentID
	Actors  []string // ids
	Actions []string
	Kind    fleet.ActorKind
	// Outcome is "done", "refused" (all that is not done) or "".
	Outcome string
	// From is included, To is not.
	From, To time.Time
	// Back is the oldest place that is looked at, nil is the first entry.
	Back *AuditPlace
}

// AuditPlace is where a page of the audit starts: behind the entry with these
// values.
type AuditPlace struct {
	At int64 `json:"t"` // microseconds
	ID int64 `json:"i"`
}

// AuditPlaceOf is the place of an entry.
func AuditPlaceOf(e fleet.AuditEntry) AuditPlace { return AuditPlace{At: micros(e.At), ID: e.ID} }

const auditColumns = `au.id, au.at, au.actor_kind, au.actor_id, au.actor_name, au.action, au.agent_id, au.outcome, au.detail, au.request_id`

// Audit returns up to limit of the team's entries behind a place (nil is the
// start), newest first, with the names of agents that are still there.
func (tx *Tx) Audit(team fleet.TeamID, f AuditFilter, from *AuditPlace, limit int) (list []fleet.AuditEntry, err error) {
	query, values := auditQuery(team, f, from, limit)
	err = tx.each(func(rows *sql.Rows) error {
		e, err := scanAudit(rows)
		e.TeamID = team
		list = append(list, e)
		return err
	}, query, values...)
	return list, err
}

func scanAudit(rows *sql.Rows) (e fleet.AuditEntry, err error) {
	err = rows.Scan(&e.ID, stamp{&e.At}, &e.ActorKind, &e.ActorID, &e.ActorName, &e.Action, &e.AgentID, &e.Outcome, jsonText{&e.Detail}, &e.RequestID, &e.Note, &e.AgentName)
	return e, err
}

// auditQuery reads each value of the narrowest filter from its own place of an
// index, in order, and merges them.
func auditQuery(team fleet.TeamID, f AuditFilter, from *AuditPlace, limit int) (string, []any) {
	w := &where{}
	index, firsts := f.narrowest(w)
	var parts []string
	for _, first := range firsts {
		w.auditPart(team, first, f, from)
		parts = append(parts, `SELECT * FROM (SELECT `+auditColumns+` FROM audit au`+indexed(index)+` WHERE `+w.text()+` ORDER BY au.at DESC, au.id DESC`+w.limit(limit)+`)`)
	}
	query := `SELECT ` + auditColumns + `, COALESCE(n.text, ''), COALESCE(a.name, '')
		FROM (` + strings.Join(parts, ` UNION ALL `) + `) au
		LEFT JOIN audit_notes n ON n.audit_id = au.id
		LEFT JOIN agents a ON a.id = au.agent_id AND a.team_id || '' = ` + w.arg(team) + `
		ORDER BY au.at DESC, au.id DESC` + w.limit(limit)
	return query, w.args
}

// auditPart begins anew with what one part of a search passes: the entries of
// one value of the narrowest filter ("" is the whole team), behind a place.
func (w *where) auditPart(team fleet.TeamID, first string, f AuditFilter, from *AuditPlace) {
	w.parts = nil
	w.add(`au.team_id = ` + w.arg(team))
	if first != "" {
		w.add(first)
	}
	f.conditions(w)
	if from != nil {
		w.add(`(au.at, au.id) < (` + w.arg(from.At) + `, ` + w.arg(from.ID) + `)`)
	}
}

// AuditBack is how far back from a place (nil is the start) a search goes that
// looks at most entries; nil is to the first one. A filter that its index
// answers alone looks at no entry in vain, and needs no end.
func (tx *Tx) AuditBack(team fleet.TeamID, f AuditFilter, from *AuditPlace, most int) (back *AuditPlace, err error) {
	if f.alone() {
		return nil, nil
	}
	w := &where{}
	index, firsts := f.narrowest(w)
	var parts []string
	for _, first := range firsts {
		w.auditPart(team, first, AuditFilter{From: f.From, To: f.To}, from)
		if index == "audit_refused" {
			w.add(`au.outcome <> 'done'`)
		}
		parts = append(parts, `SELECT * FROM (SELECT au.at, au.id FROM audit au`+indexed(index)+` WHERE `+w.text()+
			` ORDER BY au.at DESC, au.id DESC LIMIT 1 OFFSET `+w.arg(max(most/len(firsts)-1, 0))+`)`)
	}
	var at AuditPlace
	ok, err := tx.one([]any{&at.At, &at.ID}, `SELECT at, id FROM (`+strings.Join(parts, ` UNION ALL `)+`) ORDER BY at DESC, id DESC LIMIT 1`, w.args...)
	if err != nil || !ok {
		return nil, err
	}
	return &at, nil
}

// alone tells whether every entry that the narrowest index and the times leave
// passes.
func (f AuditFilter) alone() bool {
	set := 0
	for _, is := range []bool{len(f.Agents) > 0, len(f.Actors) > 0, len(f.Actions) > 0, f.Kind != "", f.Outcome != ""} {
		if is {
			set++
		}
	}
	return set == 0 || set == 1 && f.Outcome != "done"
}

// narrowest is the index of the filter that leaves least, with a condition for
// each of its values; "" is the whole team.
func (f AuditFilter) narrowest(w *where) (index string, conditions []string) {
	switch {
	case len(f.Agents) > 0:
		return "audit_agent", equals(w, `au.agent_id`, f.Agents)
	case len(f.Actors) > 0:
		return "audit_actor", equals(w, `au.actor_id`, f.Actors)
	case len(f.Actions) > 0:
		return "audit_action", equals(w, `au.action`, f.Actions)
	case f.Outcome == "refused":
		return "audit_refused", []string{""}
	case f.Kind != "":
		return "audit_kind", equals(w, `au.actor_kind`, []fleet.ActorKind{f.Kind})
	}
	return "audit_team", []string{""}
}

func equals[T ~string](w *where, column string, values []T) (list []string) {
	for _, v := range values {
		list = append(list, column+` = `+w.arg(string(v)))
	}
	return list
}

// conditions adds every filter.
func (f AuditFilter) conditions(w *where) {
	if len(f.Agents) > 0 {
		w.add(`au.agent_id IN (` + args(w, f.Agents) + `)`)
	}
	if len(f.Actors) > 0 {
		w.add(`au.actor_id IN (` + args(w, f.Actors) + `)`)
	}
	if len(f.Actions) > 0 {
		w.add(`au.action IN (` + args(w, f.Actions) + `)`)
	}
	if f.Kind != "" {
		w.add(`au.actor_kind = ` + w.arg(f.Kind))
	}
	switch f.Outcome {
	case "done":
		w.add(`au.outcome = 'done'`)
	case "refused":
		w.add(`au.outcome <> 'done'`)
	}
	if !f.From.IsZero() {
		w.add(`au.at >= ` + w.arg(micros(f.From)))
	}
	if !f.To.IsZero() {
		w.add(`au.at < ` + w.arg(micros(f.To)))
	}
	if f.Back != nil {
		w.add(`(au.at, au.id) >= (` + w.arg(f.Back.At) + `, ` + w.arg(f.Back.ID) + `)`)
	}
}

// CountAuditAfter counts, up to limit, the team's entries that pass the filter
// and were written after the one with the id, whichever team's that is.
func (tx *Tx) CountAuditAfter(team fleet.TeamID, f AuditFilter, id int64, limit int) (n int, err error) {
	w := &where{}
	w.add(`au.id > ` + w.arg(id))
	w.add(`au.team_id = ` + w.arg(team))
	f.conditions(w)
	_, err = tx.one([]any{&n}, `SELECT COUNT(*) FROM (SELECT au.id FROM audit au`+unindexed+` WHERE `+w.text()+w.limit(limit)+`)`, w.args...)
	return n, err
}

// LastAudit is the id of the newest entry of all teams, 0 when there is none.
func (tx *Tx) LastAudit() (id int64, err error) {
	_, err = tx.one([]any{&id}, `SELECT COALESCE(MAX(id), 0) FROM audit`)
	return id, err
}

// AuditActions returns what was ever done in a team, in alphabetical order; at
// most 200.
func (tx *Tx) AuditActions(team fleet.TeamID) ([]string, error) {
	return tx.distinct(`WITH RECURSIVE c (v) AS (
			SELECT MIN(action) FROM audit WHERE team_id = $1
			UNION ALL SELECT (SELECT MIN(action) FROM audit WHERE team_id = $1 AND action > c.v) FROM c WHERE c.v IS NOT NULL)
		SELECT v FROM c WHERE v IS NOT NULL LIMIT 200`, team)
}

// ActorsNamed returns the ids of the team's members and keys with a name, in
// any case, or with an e-mail address; at most 20.
func (tx *Tx) ActorsNamed(team fleet.TeamID, name string) (ids []string, err error) {
	err = tx.each(func(rows *sql.Rows) error {
		var id string
		err := rows.Scan(&id)
		ids = append(ids, id)
		return err
	}, `SELECT id FROM (
			SELECT u.id FROM members m JOIN users u ON u.id = m.user_id WHERE m.team_id = $1 AND (LOWER(u.name) = LOWER($2) OR u.email = LOWER($2))
			UNION SELECT id FROM api_keys WHERE team_id = $1 AND LOWER(name) = LOWER($2)
		) ORDER BY id LIMIT 20`, team, name)
	return ids, err
}

// AgentsNamed returns the ids of the team's agents with exactly a name; at
// most 20.
func (tx *Tx) AgentsNamed(team fleet.TeamID, name string) (ids []fleet.AgentID, err error) {
	err = tx.each(func(rows *sql.Rows) error {
		var id fleet.AgentID
		err := rows.Scan(&id)
		ids = append(ids, id)
		return err
	}, `SELECT id FROM agents WHERE team_id = $1 AND name = $2 ORDER BY id LIMIT 20`, team, name)
	return ids, err
}
