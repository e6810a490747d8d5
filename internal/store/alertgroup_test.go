package store

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"agentry/internal/fleet"
)

func alertGroupLooks(id fleet.AgentID) map[string]look {
	return map[string]look{
		"CountTeamAlerts": {func(tx *Tx, team fleet.TeamID) (int, error) {
			n, err := tx.CountTeamAlerts(team, AlertFilter{State: fleet.AlertOpen, AgentID: &id})
			return int(n), err
		}, "", 1},
		"AlertTypes": {func(tx *Tx, team fleet.TeamID) (int, error) {
			l, err := tx.AlertTypes(team, fleet.AlertOpen)
			return len(l), err
		}, "", 1},
		"AlertGroups": {func(tx *Tx, team fleet.TeamID) (int, error) {
			l, err := tx.AlertGroups(team, AlertFilter{State: fleet.AlertOpen}, true, "", 10)
			return len(l), err
		}, "", 1},
	}
}

// Alerts are narrowed by type, subtype and agent, the team alone among them,
// and grouped by type or agent with the newest of each.
func TestAlertFiltersAndGroups(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{})
	a, b := newAgent(teamA, "a"), newAgent(teamA, "b")
	insert(t, s, a)
	insert(t, s, b)
	n := 0
	mustWrite(t, s, func(tx *Tx) error {
		for _, row := range []struct {
			agent    fleet.AgentID
			typ, sub string
		}{{a.ID, "auth", "2fa"}, {b.ID, "auth", "2fa"}, {a.ID, "auth", "rejected"}, {a.ID, "runtime", ""}, {"", "vendor", "stopped"}, {b.ID, "runtime", ""}} {
			n++
			if err := tx.InsertAlert(teamA, fleet.Alert{ID: fmt.Sprint(n), AgentID: row.agent, Type: row.typ, SubType: row.sub, Severity: fleet.SeverityError, State: fleet.AlertOpen, Count: 1, CreatedAt: t0, UpdatedAt: t0}); err != nil {
				return err
			}
		}
		return nil
	})
	none, rejected, team := "", "rejected", fleet.AgentID("")
	open := AlertFilter{State: fleet.AlertOpen}
	for _, c := range []struct {
		f                   AlertFilter
		want, types, agents string
	}{
		{open, "654321", "6:2 5:1 3:1 2:2", "6:2 5:1 4:3"},
		{AlertFilter{State: fleet.AlertOpen, Type: "auth"}, "321", "3:1 2:2", "3:2 2:1"},
		{AlertFilter{State: fleet.AlertOpen, Type: "auth", SubType: &rejected}, "3", "3:1", "3:1"},
		{AlertFilter{State: fleet.AlertOpen, SubType: &none}, "64", "6:2", "6:1 4:1"},
		{AlertFilter{State: fleet.AlertOpen, AgentID: &a.ID}, "431", "4:1 3:1 1:1", "4:3"},
		{AlertFilter{State: fleet.AlertOpen, AgentID: &team}, "5", "5:1", "5:1"},
		{AlertFilter{State: fleet.AlertOpen, NoCodes: true}, "6543", "6:2 5:1 3:1", "6:1 5:1 4:2"},
		{AlertFilter{State: fleet.AlertOpen, Codes: true}, "21", "2:2", "2:1 1:1"},
		{AlertFilter{State: fleet.AlertResolved}, "", "", ""},
	} {
		mustRead(t, s, func(tx *Tx) error {
			list, err := tx.TeamAlerts(teamA, c.f, "", 10)
			if err != nil {
				return err
			}
			var ids string
			for _, al := range list {
				ids += al.ID
			}
			count, err := tx.CountTeamAlerts(teamA, c.f)
			if ids != c.want || int(count) != len(c.want) || err != nil {
				t.Errorf("%+v: %s of %d, want %s (%v)", c.f, ids, count, c.want, err)
			}
			for byAgent, want := range map[bool]string{false: c.types, true: c.agents} {
				groups, err := tx.AlertGroups(teamA, c.f, byAgent, "", 10)
				if err != nil {
					return err
				}
				var got []string
				for _, g := range groups {
					got = append(got, fmt.Sprint(g.Newest.ID, ":", g.Alerts))
				}
				if strings.Join(got, " ") != want {
					t.Errorf("%+v by agent %t: %q, want %s", c.f, byAgent, got, want)
				}
			}
			return nil
		})
	}
	mustRead(t, s, func(tx *Tx) error {
		page, err := tx.AlertGroups(teamA, open, true, "5", 1)
		if err != nil || len(page) != 1 || page[0].Newest.ID != "4" || page[0].Newest.AgentName != a.Name {
			t.Errorf("behind 5: %+v %v", page, err)
		}
		types, err := tx.AlertTypes(teamA, fleet.AlertOpen)
		if !slices.Equal(types, []string{"auth", "runtime", "vendor"}) {
			t.Errorf("types %q", types)
		}
		return err
	})
}

// Lists, counts and groups of many alerts read an index of the team's alerts in
// the state, not the table.
func TestAlertQueriesUseTheirIndexes(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{})
	id := fleet.AgentID("x")
	for what, c := range map[string]struct {
		f     AlertFilter
		query string
		index string
	}{
		"all":           {AlertFilter{State: fleet.AlertOpen}, `SELECT al.id FROM alerts al WHERE %s ORDER BY al.id DESC LIMIT 50`, "alerts_team (team_id=? AND state=?)"},
		"a type":        {AlertFilter{State: fleet.AlertOpen, Type: "auth"}, `SELECT COUNT(*) FROM alerts al WHERE %s`, "COVERING INDEX alerts_team_type (team_id=? AND state=? AND type=?)"},
		"an agent":      {AlertFilter{State: fleet.AlertOpen, AgentID: &id}, `SELECT al.id FROM alerts al WHERE %s ORDER BY al.id DESC LIMIT 50`, "alerts_team_agent (team_id=? AND state=? AND agent_id=?)"},
		"types grouped": {AlertFilter{State: fleet.AlertOpen}, `SELECT COUNT(*), MAX(al.id) FROM alerts al WHERE %s GROUP BY al.type, al.sub_type`, "COVERING INDEX alerts_team_type"},
		"by agent":      {AlertFilter{State: fleet.AlertOpen}, `SELECT COUNT(*), MAX(al.id) FROM alerts al WHERE %s GROUP BY al.agent_id`, "COVERING INDEX alerts_team_agent"},
	} {
		w := c.f.where(teamA)
		var plan string
		mustRead(t, s, func(tx *Tx) (err error) {
			plan, err = explain(tx, fmt.Sprintf(c.query, w.text()), w.args)
			return err
		})
		if !strings.Contains(plan, c.index) || strings.Contains(plan, "TEMP B-TREE") {
			t.Errorf("%s: %s", what, plan)
		}
	}
}
