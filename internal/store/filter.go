package store

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"agentry/internal/fleet"
)

// AgentFilter narrows a list of agents; zero fields do not.
type AgentFilter struct {
	Status                []fleet.Status
	Q, Tag, Country, Kind string
	OpenAlerts            bool
	Attention             bool
	HideEnded             bool
}

// onlyStatus tells whether nothing but the status narrows the list.
func (f AgentFilter) onlyStatus() bool {
	return f.Q == "" && f.Tag == "" && f.Country == "" && f.Kind == "" && !f.OpenAlerts && !f.Attention
}

// has tells whether the filter lets agents of the status pass.
func (f AgentFilter) has(s fleet.Status) bool {
	if len(f.Status) > 0 {
		return slices.Contains(f.Status, s)
	}
	return !f.HideEnded || s != fleet.Ended
}

// mostFew is how many agents a filter may find to be looked at one by one. One
// that finds more is met soon enough by walking the order of the list.
const mostFew = 1000

// fewOf returns the agents that one of the filters finds, statuses aside, if it
// finds few, else nil. Each filter's own index answers, the search last: it
// reads every text of the team. What was found is kept for the transaction.
func (tx *Tx) fewOf(team fleet.TeamID, f AgentFilter) ([]fleet.AgentID, error) {
	f.Status, f.HideEnded = nil, false
	key := fmt.Sprintf("%s %+v", team, f)
	if found, ok := tx.few[key]; ok {
		return found, nil
	}
	found, err := tx.findFew(team, f)
	if tx.few == nil {
		tx.few = map[string][]fleet.AgentID{}
	}
	tx.few[key] = found
	return found, err
}

func (tx *Tx) findFew(team fleet.TeamID, f AgentFilter) ([]fleet.AgentID, error) {
	for _, one := range f.finders() {
		ids := make([]fleet.AgentID, 0, 64)
		err := tx.each(func(rows *sql.Rows) error {
			var id fleet.AgentID
			err := rows.Scan(&id)
			ids = append(ids, id)
			return err
		}, one.query+` LIMIT `+fmt.Sprint(mostFew+1), append([]any{team}, one.values...)...)
		if err != nil || len(ids) <= mostFew {
			return ids, err
		}
	}
	return nil, nil
}

// finder asks one filter's index for ids.
type finder struct {
	query  string // of the team and values
	values []any
}

func (f AgentFilter) finders() (list []finder) {
	add := func(asked bool, query string, values ...any) {
		if asked {
			list = append(list, finder{query, values})
		}
	}
	add(f.Tag != "", `SELECT agent_id FROM agent_tags WHERE team_id = $1 AND tag = $2`, f.Tag)
	add(f.Country != "", `SELECT id FROM agents WHERE team_id = $1 AND country = $2`, f.Country)
	add(f.Kind != "", `SELECT id FROM agents WHERE team_id = $1 AND kind = $2`, f.Kind)
	add(f.OpenAlerts, `SELECT id FROM agents WHERE team_id = $1 AND open_alerts > 0`)
	add(f.Attention, `SELECT id FROM agents WHERE team_id = $1 AND attention = 1`)
	add(f.Q != "", `SELECT id FROM agents WHERE team_id = $1 AND search LIKE $2 ESCAPE '\'`, likeContains(f.Q))
	return list
}

// CountAgents returns how many of the team's agents pass the filter, and how
// many ended ones would if the filter did not hide them.
func (tx *Tx) CountAgents(team fleet.TeamID, f AgentFilter) (n, hidden int64, err error) {
	hides := f.HideEnded && len(f.Status) == 0
	rest := f
	rest.Attention = false
	switch {
	case f.onlyStatus():
		return tx.countByStatus(team, f, hides)
	case rest.onlyStatus() && len(f.Status) == 0: // of the ended none needs attention
		n, err = tx.teamCount(team, "attention")
		return n, 0, err
	}
	few, err := tx.fewOf(team, f)
	if err != nil {
		return 0, 0, err
	}
	f.HideEnded = false // one look counts both
	query, values := countQuery(team, f, few)
	_, err = tx.one([]any{&n, &hidden}, query, values...)
	if !hides {
		return n, 0, err
	}
	return n - hidden, hidden, err
}

// countQuery counts those that pass, and the ended among them. Of a filter that
// finds many its index answers, alone where it can.
func countQuery(team fleet.TeamID, f AgentFilter, few []fleet.AgentID) (string, []any) {
	w, tables := &where{}, `agents a`
	switch {
	case few != nil:
		w = w.among(few, team, f)
	case f.Tag != "":
		tables = `agent_tags g JOIN agents a ON a.id = g.agent_id`
		w.add(`g.team_id = ` + w.arg(team) + ` AND g.tag = ` + w.arg(f.Tag) + ` AND a.team_id || '' = ` + w.arg(team))
		f.Tag = ""
		w.exactly(team, f)
	default:
		w.add(`a.team_id = ` + w.arg(team))
		w.exactly(team, f)
	}
	return `SELECT COUNT(*), COALESCE(SUM(CASE WHEN a.status = 'ended' THEN 1 ELSE 0 END), 0) FROM ` + tables + ` WHERE ` + w.text(), w.args
}

// teamCount is one of the numbers that are kept of a team.
func (tx *Tx) teamCount(team fleet.TeamID, name string) (n int64, err error) {
	_, err = tx.one([]any{&n}, `SELECT n FROM team_counts WHERE team_id = $1 AND name = $2`, team, name)
	return n, err
}

func (tx *Tx) countByStatus(team fleet.TeamID, f AgentFilter, hides bool) (n, hidden int64, err error) {
	counts, err := tx.StatusCounts(team)
	for status, count := range counts {
		if f.has(status) {
			n += count
		}
	}
	if hides {
		hidden = counts[fleet.Ended]
	}
	return n, hidden, err
}

// where collects conditions and their arguments.
type where struct {
	parts []string
	args  []any
}

// newWhere is for walking the team's agents in an order: nothing but the
// status, the attention and the alerts, which orders have indexes for, may take
// the walk to another index.
func newWhere(team fleet.TeamID, f AgentFilter) *where {
	w := &where{}
	w.add(`a.team_id = ` + w.arg(team))
	w.statuses(f)
	w.marks(f)
	if f.Country != "" {
		w.add(`a.country || '' = ` + w.arg(f.Country))
	}
	if f.Kind != "" {
		w.add(`a.kind || '' = ` + w.arg(f.Kind))
	}
	if f.Q != "" {
		w.add(`a.search || '' LIKE ` + w.arg(likeContains(f.Q)) + ` ESCAPE '\'`)
	}
	w.tagged(team, f)
	return w
}

// among is for those of the ids that pass.
func (w *where) among(ids []fleet.AgentID, team fleet.TeamID, f AgentFilter) *where {
	out := &where{}
	// As few texts as may be: each is prepared once.
	size := 1
	for size < len(ids) {
		size *= 4
	}
	padded := slices.Clone(ids)
	for len(padded) < size {
		padded = append(padded, "")
	}
	out.add(`a.id IN (` + args(out, padded) + `)`)
	// The team is checked, not searched by: it has more agents than these.
	out.add(`a.team_id || '' = ` + out.arg(team))
	out.exactly(team, f)
	return out
}

func (w *where) exactly(team fleet.TeamID, f AgentFilter) {
	w.statuses(f)
	w.marks(f)
	if f.Country != "" {
		w.add(`a.country = ` + w.arg(f.Country))
	}
	if f.Kind != "" {
		w.add(`a.kind = ` + w.arg(f.Kind))
	}
	if f.Q != "" {
		w.add(`a.search LIKE ` + w.arg(likeContains(f.Q)) + ` ESCAPE '\'`)
	}
	w.tagged(team, f)
}

func (w *where) statuses(f AgentFilter) {
	if len(f.Status) > 0 {
		w.add(`a.status IN (` + args(w, f.Status) + `)`)
	}
	if f.HideEnded && len(f.Status) == 0 {
		w.add(`a.status <> 'ended'`)
	}
}

func (w *where) marks(f AgentFilter) {
	if f.Attention {
		w.add(`a.attention = 1`)
	}
	if f.OpenAlerts {
		w.add(`a.open_alerts > 0`)
	}
}

func (w *where) tagged(team fleet.TeamID, f AgentFilter) {
	if f.Tag != "" {
		w.add(`EXISTS (SELECT 1 FROM agent_tags g WHERE g.team_id = ` + w.arg(team) + ` AND g.tag = ` + w.arg(f.Tag) + ` AND g.agent_id = a.id)`)
	}
}

func (w *where) add(condition string) { w.parts = append(w.parts, condition) }
func (w *where) text() string         { return strings.Join(w.parts, " AND ") }

func (w *where) arg(v any) string {
	w.args = append(w.args, v)
	return fmt.Sprintf("$%d", len(w.args))
}

// limit is the end of a query. Like every LIMIT here it adds nothing to its
// parameter: SQLite looks into a bare one to plan by it, and so compiles the
// statement anew each time it runs.
func (w *where) limit(n any) string { return ` LIMIT 0 + ` + w.arg(n) }

func args[T any](w *where, list []T) string {
	var names []string
	for _, v := range list {
		names = append(names, w.arg(v))
	}
	return strings.Join(names, ", ")
}

// behind adds "comes after the place in this order". Where all columns run the
// same way it is one row comparison, which an index answers; else the same
// spelled out.
func (w *where) behind(keys []sortKey, p Place) {
	uniform := true
	for _, k := range keys {
		uniform = uniform && k.desc == keys[0].desc
	}
	op := func(desc bool) string {
		if desc != p.Back {
			return " < "
		}
		return " > "
	}
	if uniform {
		var columns, values []string
		for _, k := range keys {
			columns, values = append(columns, k.column), append(values, w.arg(k.value(p)))
		}
		w.add(`(` + strings.Join(columns, ", ") + `)` + op(keys[0].desc) + `(` + strings.Join(values, ", ") + `)`)
		return
	}
	var either []string
	var equal string
	for _, k := range keys {
		either = append(either, equal+k.column+op(k.desc)+w.arg(k.value(p)))
		equal += k.column + ` = ` + w.arg(k.value(p)) + ` AND `
	}
	w.add(`(` + strings.Join(either, " OR ") + `)`)
	// The bound that lets the index start at the place.
	first := keys[0]
	w.add(first.column + strings.TrimSuffix(op(first.desc), " ") + `= ` + w.arg(first.value(p)))
}
