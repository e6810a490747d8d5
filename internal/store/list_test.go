package store

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"agentry/internal/fleet"
)

func orders() []AgentOrder {
	return []AgentOrder{
		{By: "name"}, {By: "name", Desc: true}, {By: "createdAt"}, {By: "createdAt", Desc: true}, {By: "updatedAt"}, {By: "updatedAt", Desc: true},
		{By: "attention"},
	}
}

// Pages of any size, forward and backward, in every order and through every
// filter, are the whole list once, in the order that a person expects.
func TestPagesAreTheWholeList(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{})
	teams := 0
	rapid.Check(t, func(rt *rapid.T) {
		teams++
		team := fleet.TeamID(fmt.Sprint("team ", teams))
		all := drawFleet(rt, team)
		mustWrite(t, s, func(tx *Tx) error { return fill(tx, team, all) })
		f := drawFilter(rt)
		order := rapid.SampledFrom(orders()).Draw(rt, "order")
		limit := rapid.IntRange(1, 7).Draw(rt, "limit")
		want := expected(all, f, order)
		var forward, backward []fleet.AgentID
		walks := rapid.Bool().Draw(rt, "walks")
		mustRead(t, s, func(tx *Tx) error {
			if walks {
				tx.walking(team, f)
			}
			var last *Place
			for from := (*Place)(nil); ; {
				list, err := tx.Agents(team, f, order, from, limit)
				if err != nil || len(list) > limit {
					rt.Fatalf("%d agents, %v", len(list), err)
				}
				for _, a := range list {
					forward = append(forward, a.ID)
				}
				if len(list) == 0 || len(forward) > len(all) {
					break
				}
				p := PlaceOf(list[len(list)-1], order)
				from, last = &p, &p
			}
			for from := last; from != nil; {
				from.Back = true
				list, err := tx.Agents(team, f, order, from, limit)
				if err != nil || len(list) > limit {
					rt.Fatalf("%d agents, %v", len(list), err)
				}
				for _, a := range slices.Backward(list) {
					backward = append(backward, a.ID)
				}
				if len(list) == 0 || len(backward) > len(all) {
					break
				}
				p := PlaceOf(list[0], order)
				from = &p
			}
			n, hidden, err := tx.CountAgents(team, f)
			wantHidden := 0
			if f.HideEnded && len(f.Status) == 0 {
				ended := f
				ended.Status, ended.HideEnded = []fleet.Status{fleet.Ended}, false
				wantHidden = len(expected(all, ended, order))
			}
			if err != nil || int(n) != len(want) || int(hidden) != wantHidden {
				rt.Fatalf("counted %d and %d hidden, want %d and %d, %v", n, hidden, len(want), wantHidden, err)
			}
			return nil
		})
		slices.Reverse(backward)
		if len(want) > 0 {
			backward = append(backward, want[len(want)-1])
		}
		if !slices.Equal(forward, want) {
			rt.Fatalf("forward %q, want %q", forward, want)
		}
		if !slices.Equal(backward, want) {
			rt.Fatalf("backward %q, want %q", backward, want)
		}
	})
}

type drawn struct {
	fleet.Agent
	observed fleet.Observed
}

func drawFleet(t *rapid.T, team fleet.TeamID) (list []drawn) {
	for i := range rapid.IntRange(0, 25).Draw(t, "agents") {
		a := newAgent(team, rapid.SampledFrom([]string{"a", "a", "A", "ä", "b", "a b", "日本", "'"}).Draw(t, "name"))
		a.ID = fleet.AgentID(fmt.Sprintf("%s %02d", team, (i*7)%25))
		a.Status = rapid.SampledFrom(fleet.Statuses()).Draw(t, "status")
		a.Country = rapid.SampledFrom([]string{"", "FR", "DE"}).Draw(t, "country")
		a.Kind = rapid.SampledFrom([]string{"rehearsal", "other"}).Draw(t, "kind")
		a.Tags = rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"x", "y"}), 0, 2, rapid.ID[string]).Draw(t, "tags")
		a.CreatedAt = t0.Add(time.Duration(rapid.IntRange(0, 3).Draw(t, "created")) * time.Microsecond)
		a.UpdatedAt = t0.Add(time.Duration(rapid.IntRange(0, 3).Draw(t, "updated")) * time.Microsecond)
		a.OpenAlerts = rapid.SampledFrom([]int{0, 0, 0, 1, 2}).Draw(t, "alerts")
		observed := rapid.SampledFrom([]fleet.Observed{fleet.ObservedNone, fleet.ObservedUp, fleet.ObservedLost, fleet.ObservedBackoff}).Draw(t, "observed")
		list = append(list, drawn{a, observed})
	}
	return list
}

func fill(tx *Tx, team fleet.TeamID, list []drawn) error {
	if err := tx.InsertTeam(fleet.Team{ID: team, Name: string(team), CreatedAt: t0}); err != nil {
		return err
	}
	for _, a := range list {
		if err := tx.InsertAgent(a.Agent, []byte("k")); err != nil {
			return err
		}
		if err := tx.SetObserved(a.ID, a.observed); err != nil {
			return err
		}
		for n := range a.OpenAlerts {
			al := fleet.Alert{ID: fleet.NewID(t0), AgentID: a.ID, Type: "t", SubType: fmt.Sprint(n), Message: "m", Severity: fleet.SeverityInfo, State: fleet.AlertOpen, Count: 1, CreatedAt: t0, UpdatedAt: t0}
			if err := tx.InsertAlert(team, al); err != nil {
				return err
			}
		}
	}
	return nil
}

func drawFilter(t *rapid.T) (f AgentFilter) {
	maybe := func(label string) bool { return rapid.IntRange(0, 3).Draw(t, label) == 0 }
	if maybe("by status") {
		f.Status = rapid.SliceOfNDistinct(rapid.SampledFrom(fleet.Statuses()), 1, 3, rapid.ID[fleet.Status]).Draw(t, "statuses")
	}
	f.HideEnded, f.OpenAlerts, f.Attention = maybe("hide ended"), maybe("open alerts"), maybe("attention")
	if maybe("by tag") {
		f.Tag = "x"
	}
	if maybe("by country") {
		f.Country = "FR"
	}
	if maybe("by kind") {
		f.Kind = "other"
	}
	if maybe("by text") {
		f.Q = rapid.SampledFrom([]string{"A", "Ä", "%", "'", "x"}).Draw(t, "q")
	}
	return f
}

// expected is what a person would write on a sheet of paper.
func expected(all []drawn, f AgentFilter, o AgentOrder) (ids []fleet.AgentID) {
	attention := func(a drawn) int {
		switch {
		case a.Status == fleet.AuthNeeded, a.Status != fleet.Ended && a.OpenAlerts > 0,
			a.Status == fleet.Running && (a.observed == fleet.ObservedLost || a.observed == fleet.ObservedBackoff):
			return 1
		}
		return 0
	}
	var list []drawn
	for _, a := range all {
		text := strings.ToLower(a.Name + "\n" + string(a.ID) + "\n" + strings.Join(a.Tags, "\n"))
		if len(f.Status) > 0 && !slices.Contains(f.Status, a.Status) || f.HideEnded && len(f.Status) == 0 && a.Status == fleet.Ended ||
			f.OpenAlerts && a.OpenAlerts == 0 || f.Attention && attention(a) == 0 || f.Tag != "" && !slices.Contains(a.Tags, f.Tag) ||
			f.Country != "" && a.Country != f.Country || f.Kind != "" && a.Kind != f.Kind || !strings.Contains(text, strings.ToLower(f.Q)) {
			continue
		}
		list = append(list, a)
	}
	slices.SortFunc(list, func(a, b drawn) int {
		id := strings.Compare(string(a.ID), string(b.ID))
		var n int
		switch o.By {
		case "name":
			n = cmp.Or(strings.Compare(a.Name, b.Name), id)
		case "createdAt":
			n = cmp.Or(a.CreatedAt.Compare(b.CreatedAt), id)
		case "updatedAt":
			n = cmp.Or(a.UpdatedAt.Compare(b.UpdatedAt), id)
		case "attention":
			n = cmp.Or(attention(b)-attention(a), strings.Compare(a.Name, b.Name), id)
		}
		if o.Desc {
			n = -n
		}
		return n
	})
	for _, a := range list {
		ids = append(ids, a.ID)
	}
	return ids
}

// manyAgents fills a team by SQL alone, as fast as the engine goes.
func manyAgents(t testing.TB, s *Store, n int) {
	t.Helper()
	mustWrite(t, s, func(tx *Tx) error {
		if err := tx.run(`WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < $1 - 1)
			INSERT INTO agents (id, team_id, name, kind, status, observed, login, country, avatar, tags,
				days, starts, stops, timezone, invitations_min, invitations_max, messages_min, messages_max, settings,
				incarnation, version, set_up, protected, end_reason, ended_at, pause_note, paused_by, resume_at, status_at,
				open_alerts, draft, search, created_at, updated_at)
			SELECT printf('00000000-0000-7000-8000-%012x', i), CASE WHEN i % 10 = 0 THEN 'team-b' ELSE 'team-a' END, printf('Agent %d', (i * 7919) % $1), 'rehearsal',
				CASE i % 20 WHEN 1 THEN 'auth_needed' WHEN 2 THEN 'auth_in_progress' WHEN 3 THEN 'disabled' WHEN 4 THEN 'setup_needed'
					WHEN 5 THEN 'paused' WHEN 6 THEN 'paused' WHEN 7 THEN 'ended' WHEN 8 THEN 'ended' WHEN 9 THEN 'ended' WHEN 11 THEN 'ended' ELSE 'running' END,
				CASE i % 50 WHEN 12 THEN 'lost' ELSE 'up' END, '', CASE i % 3 WHEN 0 THEN 'FR' ELSE 'DE' END, '', '[]', '1:1:1:1:1:0:0', '09:00', '17:00', 'Europe/Paris', 5, 20, 10, 25, '{}',
				1, 1, 1, '', '', 0, '', '', 0, $2, 0, '', printf('agent %d', (i * 7919) % $1), $2 + i, $2 + (i * 104729) % $1 FROM n`, n, micros(t0)); err != nil {
			return err
		}
		if err := tx.run(`INSERT INTO agent_counts (team_id, status, n) SELECT team_id, status, COUNT(*) FROM agents GROUP BY team_id, status`); err != nil {
			return err
		}
		return tx.run(`INSERT INTO runtimes (agent_id, team_id, wanted, fresh, epoch, driver, handle, autonomy, settings,
				started_at, last_heard_at, restarts, failures, next_try, last_error,
				total_invitations, total_messages, today, today_invitations, today_messages)
			SELECT id, team_id, status = 'running', 0, 1, '', '', 0, '{}', $1, $1, 0, 0, 0, '', 0, 0, '', 0, 0 FROM agents`, micros(t0))
	})
}

// Each list that a page or the API shows walks an index and stops at its
// limit, however large the fleet.
func TestListsWalkAnIndex(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{})
	manyAgents(t, s, 5000)
	filters := map[string]AgentFilter{
		"all":             {},
		"running":         {Status: []fleet.Status{fleet.Running}},
		"ended":           {Status: []fleet.Status{fleet.Ended}},
		"two statuses":    {Status: []fleet.Status{fleet.Paused, fleet.Ended}},
		"hide ended":      {HideEnded: true},
		"attention":       {Attention: true},
		"attention alive": {Attention: true, HideEnded: true},
		"open alerts":     {OpenAlerts: true},
		"country":         {Country: "FR"},
		"kind":            {Kind: "rehearsal"},
		"text":            {Q: "agent 1"},
		"tag":             {Tag: "x"},
		"many":            {HideEnded: true, Country: "FR", Kind: "rehearsal", Tag: "x", Q: "agent"},
	}
	for name, f := range filters {
		for _, o := range orders() {
			for place, from := range map[string]*Place{
				"start": nil, "behind": {Attention: 1, Name: "Agent 2", Time: micros(t0), ID: "x"},
				"before": {Attention: 0, Name: "Agent 2", Time: micros(t0), ID: "x", Back: true},
			} {
				query, values := agentsQuery(teamA, f, nil, o, from, 51)
				mustRead(t, s, func(tx *Tx) error {
					plan, err := explain(tx, query, values)
					what := fmt.Sprintf("%s by %+v from %s", name, o, place)
					if !strings.Contains(plan, "SEARCH a USING INDEX agents_") || strings.Contains(plan, "TEMP B-TREE") || strings.Contains(plan, "SCAN") {
						t.Errorf("%s:\n%s", what, plan)
					}
					if !strings.Contains(plan, "SEARCH r USING INDEX sqlite_autoindex_runtimes_1") {
						t.Errorf("%s: runtimes are not looked up:\n%s", what, plan)
					}
					return err
				})
			}
		}
	}
}

func placeholders(query string) (most int) {
	for _, m := range regexp.MustCompile(`\$(\d+)`).FindAllStringSubmatch(query, -1) {
		n, _ := strconv.Atoi(m[1])
		most = max(most, n)
	}
	return most
}

func explain(tx *Tx, query string, values []any) (string, error) {
	rows, err := tx.query(`EXPLAIN QUERY PLAN `+query, values...)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	var lines []string
	for rows.Next() {
		var id, parent, unused int
		var line string
		if err := rows.Scan(&id, &parent, &unused, &line); err != nil {
			return "", err
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n"), rows.Err()
}

// What runs at every start, tick or connection must not read what grows.
func TestPlansOfWhatRunsOften(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{})
	insert(t, s, newAgent(teamA, "x"))
	plans := map[string]func(tx *Tx) error{
		"LastEvent":          func(tx *Tx) error { _, _, err := tx.LastEvent(); return err },
		"WasEvent":           func(tx *Tx) error { _, err := tx.WasEvent(fleet.EventMark{Seq: 5, At: t0}); return err },
		"EventsAfter":        func(tx *Tx) error { _, err := tx.EventsAfter(teamA, 5, 10); return err },
		"DueResumes":         func(tx *Tx) error { _, err := tx.DueResumes(t0, 10); return err },
		"KeyByHash":          func(tx *Tx) error { _, _, err := tx.KeyByHash([]byte("x")); return err },
		"Session":            func(tx *Tx) error { _, _, err := tx.SessionByToken([]byte("x")); return err },
		"DueTasks":           func(tx *Tx) error { _, err := tx.DueTasks(teamA, "a", "messages", t0, 10); return err },
		"Tasks of a counter": func(tx *Tx) error { _, err := tx.DueTasks(teamA, "a", "", t0, 10); return err },
		"Recount":            func(tx *Tx) error { return tx.run(recount, "a") },
		"Recount recent":     func(tx *Tx) error { return tx.run(recountRecent, "a", "2026-01-01", "2026-01-31") },
		"Open tasks":         func(tx *Tx) error { _, err := tx.CountOpenTasks(teamA, "a"); return err },
		"RunningInPause":     func(tx *Tx) error { _, err := tx.RunningInPause(10); return err },
		"LeftPaused":         func(tx *Tx) error { _, err := tx.LeftPaused(10); return err },
		"Team":               func(tx *Tx) error { _, err := tx.Team(teamA); return err },
		"Attention":          func(tx *Tx) error { _, _, err := tx.CountAgents(teamA, AgentFilter{Attention: true}); return err },
		"Agent":              func(tx *Tx) error { _, err := tx.Agent(teamA, "a"); return err },
		"TeamCountries":      func(tx *Tx) error { _, err := tx.TeamCountries(teamA); return err },
		"TeamTags":           func(tx *Tx) error { _, err := tx.TeamTags(teamA); return err },
		"ChatTexts":          func(tx *Tx) error { _, err := tx.ChatTexts(teamA, "a", "c", t0, t0, false, 10); return err },
		"OpenChats":          func(tx *Tx) error { _, err := tx.OpenChats(teamA, t0, 10); return err },
		"open chats":         func(tx *Tx) error { _, err := tx.CountOpenChats(teamA, "a", t0); return err },
		"Chat":               func(tx *Tx) error { _, _, err := tx.Chat(teamA, "c"); return err },
		"AgentNamed":         func(tx *Tx) error { _, _, err := tx.AgentNamed(teamA, "n", "k"); return err },
	}
	maps.Copy(plans, plansOfRuns())
	maps.Copy(plans, plansOfAudit())
	index := map[string]string{
		"LiveAlerts": "alerts_live", "WantedRuns": "runtimes_wanted", "Handles": "runtimes_handle", "SilentRuns": "runtimes_wanted",
		"DueSnoozes": "alerts_snoozed", "Live alerts": "alerts_live", "DueResumes": "teams_paused", "DueTasks": "tasks_waiting",
		"Tasks of a counter": "tasks_waiting", "Open tasks": "tasks_held", "Recount": "tasks_handed", "RunningInPause": "teams_paused", "LeftPaused": "agents_team_paused",
		"LiveAlertsOf": "alerts_live", "team's newest": "alerts_team_alone", "team's live": "alerts_live", "MuteRuns": "runtimes_wanted",
		"UnstoppedRuns": "runtimes_handle", "Late claims": "tasks_claimed", "Reads": "runtimes_reads", "LateSignIns": "agents_signing_in", "Expired": "api_keys_expiry",
	}
	ledger, ledgerIndex := plansOfLedger()
	maps.Copy(plans, ledger)
	maps.Copy(index, ledgerIndex)
	pool, poolIndex := plansOfPool()
	maps.Copy(plans, pool)
	maps.Copy(index, poolIndex)
	ofTeam := []string{"TeamCountries", "Attention", "LeftPaused"}
	for name, look := range plans {
		mustRead(t, s, func(tx *Tx) error {
			kept := tx.stmts
			tx.stmts = &statements{db: s.reader}
			_ = look(tx)
			said := tx.stmts.seen
			tx.stmts = kept
			if len(said) == 0 {
				t.Errorf("%s asked nothing", name)
			}
			for query := range said {
				plan, err := explain(tx, query, make([]any, placeholders(query)))
				if err != nil {
					return err
				}
				for line := range strings.SplitSeq(plan, "\n") {
					// The smallest of an index is found without reading the rest of it.
					if strings.HasPrefix(line, "SCAN") && !strings.HasSuffix(line, "CONSTANT ROW") && !strings.HasSuffix(line, "CONSTANT ROWS") && line != "SCAN c" && line != "SCAN asked" && !strings.HasPrefix(line, "SCAN (subquery") && (index[name] == "" || !strings.Contains(line, index[name])) {
						t.Errorf("%s reads everything:\n%s", name, plan)
					}
					if strings.Contains(line, "INDEX agents_") && strings.Contains(line, "(team_id=?)") && !slices.Contains(ofTeam, name) {
						t.Errorf("%s reads all agents of the team:\n%s", name, plan)
					}
				}
				if !strings.Contains(plan, index[name]) {
					t.Errorf("%s does not use %s:\n%s", name, index[name], plan)
				}
			}
			return nil
		})
	}
}

// A bare parameter behind LIMIT is compiled anew each time; see where.limit.
func TestNoLimitIsABareParameter(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	bare := regexp.MustCompile("LIMIT (\\$\\d+([^ \\d]|$| [^+])|` *\\+ *w\\.arg)")
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if found := bare.Find(text); found != nil && !strings.HasSuffix(name, "_test.go") {
			t.Errorf("%s: %s: write w.limit, or + 0 behind it", name, found)
		}
	}
}
