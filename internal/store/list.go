package store

import (
	"database/sql"
	"slices"
	"strings"
	"time"

	"agentry/internal/fault"
	"agentry/internal/fleet"
)

// AgentOrder is how a list of agents is sorted; every order ends in the id.
type AgentOrder struct {
	// By is "name", "createdAt", "updatedAt" or "attention".
	By   string
	Desc bool
}

// Place is where a page starts: behind the agent with these sort values.
// Backward pages end before it.
type Place struct {
	Attention int    `json:"a,omitempty"`
	Name      string `json:"n,omitempty"`
	Time      int64  `json:"t,omitempty"` // microseconds
	ID        string `json:"i"`
	Back      bool   `json:"b,omitempty"`
}

// sortKey is one column of an order.
type sortKey struct {
	column string
	desc   bool
	value  func(p Place) any
}

func sortKeys(o AgentOrder) []sortKey {
	name := sortKey{"a.name", o.Desc, func(p Place) any { return p.Name }}
	id := sortKey{"a.id", o.Desc, func(p Place) any { return p.ID }}
	at := func(column string) []sortKey {
		return []sortKey{{column, o.Desc, func(p Place) any { return p.Time }}, id}
	}
	switch o.By {
	case "createdAt":
		return at("a.created_at")
	case "updatedAt":
		return at("a.updated_at")
	case "attention":
		name.desc, id.desc = false, false
		return []sortKey{{"a.attention", true, func(p Place) any { return p.Attention }}, name, id}
	}
	return []sortKey{name, id}
}

// PlaceOf is the place of an agent in an order.
func PlaceOf(a AgentRow, o AgentOrder) Place {
	p := Place{ID: string(a.ID)}
	switch o.By {
	case "createdAt":
		p.Time = micros(a.CreatedAt)
	case "updatedAt":
		p.Time = micros(a.UpdatedAt)
	case "attention":
		p.Name = a.Name
		if needsAttention(a.Agent) {
			p.Attention = 1
		}
	default:
		p.Name = a.Name
	}
	return p
}

// needsAttention is the rule of the column of that name.
func needsAttention(a fleet.Agent) bool {
	return a.Status == fleet.AuthNeeded || a.OpenAlerts > 0 && a.Status != fleet.Ended ||
		a.Status == fleet.Running && (a.Runtime.State == fleet.ObservedLost || a.Runtime.State == fleet.ObservedBackoff)
}

// Agents returns up to limit of the team's agents behind a place (nil is the
// start), in order. For a backward place it returns those right before it, in
// the same order.
func (tx *Tx) Agents(team fleet.TeamID, f AgentFilter, o AgentOrder, from *Place, limit int) ([]AgentRow, error) {
	if err := tx.settle(); err != nil {
		return nil, err
	}
	t, err := tx.Team(team)
	if err != nil {
		return nil, err
	}
	few, err := tx.fewOf(team, f)
	if err != nil {
		return nil, err
	}
	query, args := agentsQuery(team, f, few, o, from, limit)
	var list []AgentRow
	err = tx.each(func(rows *sql.Rows) error {
		list = append(list, AgentRow{TeamPause: t.Pause})
		a := &list[len(list)-1]
		return rows.Scan(agentTargets(a)...)
	}, query, args...)
	if from != nil && from.Back {
		slices.Reverse(list)
	}
	return list, err
}

// agentsQuery walks the index of the order and looks at each agent in turn, or,
// where a filter has found few (not nil), sorts those.
func agentsQuery(team fleet.TeamID, f AgentFilter, few []fleet.AgentID, o AgentOrder, from *Place, limit int) (string, []any) {
	w := newWhere(team, f)
	if few != nil {
		w = w.among(few, team, f)
	}
	keys := sortKeys(o)
	back := from != nil && from.Back
	if from != nil {
		w.behind(keys, *from)
	}
	var order []string
	for _, k := range keys {
		dir := ""
		if k.desc != back {
			dir = " DESC"
		}
		order = append(order, k.column+dir)
	}
	if fault.On(fault.FullSort) {
		order[0] = "+" + order[0]
	}
	by := ` ORDER BY ` + strings.Join(order, ", ")
	if few == nil {
		return `SELECT ` + agentColumns + agentTables + `WHERE ` + w.text() + by + w.limit(limit), w.args
	}
	// What is sorted is short; what is shown is read for those that are shown.
	return `SELECT ` + agentColumns + agentTables + `WHERE a.id IN (SELECT a.id FROM agents a WHERE ` + w.text() + by + w.limit(limit) + `)` + by, w.args
}

// StatusCounts returns the number of the team's agents in each status, every
// status included.
func (tx *Tx) StatusCounts(team fleet.TeamID) (map[fleet.Status]int64, error) {
	counts := map[fleet.Status]int64{}
	for _, s := range fleet.Statuses() {
		counts[s] = 0
	}
	err := tx.each(func(rows *sql.Rows) error {
		var s fleet.Status
		var n int64
		err := rows.Scan(&s, &n)
		counts[s] = n
		return err
	}, `SELECT status, n FROM agent_counts WHERE team_id = $1`, team)
	return counts, err
}

// TeamCountries and TeamTags return what a team's agents use, for filters;
// at most 200 each.
func (tx *Tx) TeamCountries(team fleet.TeamID) ([]string, error) {
	return tx.distinct(`WITH RECURSIVE c (v) AS (
			SELECT MIN(country) FROM agents WHERE team_id = $1 AND country > ''
			UNION ALL SELECT (SELECT MIN(country) FROM agents WHERE team_id = $1 AND country > c.v) FROM c WHERE c.v IS NOT NULL)
		SELECT v FROM c WHERE v IS NOT NULL LIMIT 200`, team)
}

// TeamTags returns the tags in use; see TeamCountries.
func (tx *Tx) TeamTags(team fleet.TeamID) ([]string, error) {
	return tx.distinct(`WITH RECURSIVE c (v) AS (
			SELECT MIN(tag) FROM agent_tags WHERE team_id = $1
			UNION ALL SELECT (SELECT MIN(tag) FROM agent_tags WHERE team_id = $1 AND tag > c.v) FROM c WHERE c.v IS NOT NULL)
		SELECT v FROM c WHERE v IS NOT NULL LIMIT 200`, team)
}

func (tx *Tx) distinct(query string, team fleet.TeamID) (list []string, err error) {
	err = tx.each(func(rows *sql.Rows) error {
		var v string
		err := rows.Scan(&v)
		list = append(list, v)
		return err
	}, query, team)
	return list, err
}

// DueResumes returns agents whose automatic resume is due, but not those of
// paused teams.
func (tx *Tx) DueResumes(at time.Time, limit int) ([]fleet.Run, error) {
	return tx.agentRefs(`SELECT team_id, id FROM agents WHERE resume_at > 0 AND resume_at <= $1
		AND team_id NOT IN (SELECT id FROM teams WHERE paused_at > 0) ORDER BY resume_at, team_id, id LIMIT $2 + 0`, micros(at), limit)
}

// LateSignIns returns agents whose sign-in began, and was last heard of, too
// long ago, or began before the instant.
func (tx *Tx) LateSignIns(late Late, before time.Time, limit int) ([]fleet.Run, error) {
	return tx.agentRefs(`SELECT a.team_id, a.id FROM agents a JOIN runtimes r ON r.agent_id = a.id
		WHERE a.status = 'auth_in_progress' AND `+late.sql("a.status_at")+` AND (`+late.sql("r.sign_in_at")+` OR a.status_at < $3)
		ORDER BY a.status_at LIMIT $4 + 0`, late.args(micros(before), limit)...)
}

func (tx *Tx) agentRefs(query string, values ...any) (list []fleet.Run, err error) {
	err = tx.each(func(rows *sql.Rows) error {
		var r fleet.Run
		err := rows.Scan(&r.TeamID, &r.AgentID)
		list = append(list, r)
		return err
	}, query, values...)
	return list, err
}
