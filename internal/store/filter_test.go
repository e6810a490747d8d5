package store

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"agentry/internal/fleet"
)

// walking makes the lists of this transaction walk their order's index, as they
// do where a filter finds many.
func (tx *Tx) walking(team fleet.TeamID, f AgentFilter) {
	f.Status, f.HideEnded = nil, false
	tx.few = map[string][]fleet.AgentID{fmt.Sprintf("%s %+v", team, f): nil}
}

// Each filter finds its agents in an index of its own, without reading them;
// what few it found is looked up by id; and where it counts alone the index has
// the statuses too.
func TestFiltersUseTheirIndex(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{})
	manyAgents(t, s, 5000)
	for name, c := range map[string]struct {
		filter        AgentFilter
		index, counts string
	}{
		"tag":       {AgentFilter{Tag: "x"}, "COVERING INDEX sqlite_autoindex_agent_tags_1 (team_id=? AND tag=?)", "SEARCH a USING INDEX sqlite_autoindex_agents_1 (id=?)"},
		"country":   {AgentFilter{Country: "FR"}, "COVERING INDEX agents_country (team_id=? AND country=?)", "COVERING INDEX agents_country (team_id=? AND country=?)"},
		"kind":      {AgentFilter{Kind: "rehearsal"}, "COVERING INDEX agents_kind (team_id=? AND kind=?)", "COVERING INDEX agents_kind (team_id=? AND kind=?)"},
		"alerts":    {AgentFilter{OpenAlerts: true}, "INDEX agents_alerting (team_id=?)", "INDEX agents_alerting (team_id=?)"},
		"attention": {AgentFilter{Attention: true}, "INDEX agents_attention (team_id=? AND attention=?)", ""},
		"text":      {AgentFilter{Q: "agent 1"}, "COVERING INDEX agents_search (team_id=?)", "COVERING INDEX agents_search (team_id=?)"},
	} {
		for _, f := range []AgentFilter{c.filter, hidingEnded(c.filter)} {
			mustRead(t, s, func(tx *Tx) error {
				found := c.filter.finders()
				plan, err := explain(tx, found[0].query, append([]any{teamA}, found[0].values...))
				if len(found) != 1 || !strings.Contains(plan, c.index) || err != nil {
					t.Errorf("%s is found by\n%s\n%v", name, plan, err)
				}
				query, values := countQuery(teamA, f, nil)
				if plan, err = explain(tx, query, values); c.counts != "" && !strings.Contains(plan, c.counts) || err != nil {
					t.Errorf("%s is counted by\n%s\n%v", name, plan, err)
				}
				return err
			})
		}
	}
}

func hidingEnded(f AgentFilter) AgentFilter {
	f.HideEnded = true
	return f
}

// What a filter found few of is looked up by id, in every order and from every
// place, and a whole team is never read for it.
func TestFewAreLookedUp(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{})
	manyAgents(t, s, 5000)
	ids := slices.Repeat([]fleet.AgentID{"x"}, 300)
	for _, f := range []AgentFilter{{}, {Status: []fleet.Status{fleet.Paused}}, {HideEnded: true, Country: "FR", Kind: "k", Tag: "x", Q: "agent", OpenAlerts: true, Attention: true}} {
		for _, o := range orders() {
			for _, from := range []*Place{nil, {Attention: 1, Name: "Agent 2", Time: micros(t0), ID: "x"}} {
				query, values := agentsQuery(teamA, f, ids, o, from, 51)
				mustRead(t, s, func(tx *Tx) error {
					plan, err := explain(tx, query, values)
					if strings.Count(plan, "SEARCH a USING INDEX sqlite_autoindex_agents_1 (id=?)") != 2 || strings.Contains(plan, "SCAN") || strings.Contains(plan, "INDEX agents_") {
						t.Errorf("%+v by %+v:\n%s", f, o, plan)
					}
					return err
				})
			}
		}
	}
}
