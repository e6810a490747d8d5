package store

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"agentry/internal/fleet"
)

// wealth gives an agent a row in every table that can hold one of an agent.
func wealth(t *testing.T, s *Store, a fleet.Agent, text string) {
	t.Helper()
	run := fleet.Run{TeamID: a.TeamID, AgentID: a.ID, Epoch: 1}
	mustWrite(t, s, func(tx *Tx) error {
		steps := []error{
			tx.InsertAgent(a, []byte("sealed data key")),
			tx.SetCredential(a.ID, "password", []byte("sealed"), t0),
			tx.WantRun(a.ID, true, true, fleet.Settings{"temperature": text}),
			tx.BeginRun(a.ID, 1, []byte("hash of "+string(a.ID)), "process", t0),
			tx.SetHandle(run, "pid:1"),
			tx.AddCommand(a.ID, fleet.Command{ID: fleet.NewID(t0), Type: "message", Body: map[string]any{"text": text}, CreatedAt: t0}),
			tx.InsertTask(fleet.Task{ID: "task " + string(a.ID), AgentID: a.ID, Type: "message", Payload: []byte(`"` + text + `"`), DueAt: t0, State: fleet.TaskPending, Incarnation: 1, CreatedAt: t0, UpdatedAt: t0}),
			tx.InsertMessage(fleet.Message{ID: "message " + string(a.ID), AgentID: a.ID, Conversation: "c", From: "me", Text: text, Reply: text, State: fleet.MessagePending, CreatedAt: t0}),
			tx.SetMessageMetadata("message "+string(a.ID), []byte(`{"t":"`+text+`"}`)),
			tx.InsertChat(fleet.Chat{ID: "chat " + string(a.ID), TeamID: a.TeamID, AgentID: a.ID, UserID: "u", Conversation: "c", Metadata: []byte(`{"t":"` + text + `"}`), CreatedAt: t0, ActiveAt: t0, ExpiresAt: t0.Add(time.Hour)}),
			tx.AddUsage(a.ID, "2026-01-14", fleet.UsageMessages, 1, 3),
			tx.AddLogs(a.ID, []fleet.LogLine{{At: t0, Epoch: 1, Level: "info", Text: text}}),
			tx.AddAudit(fleet.AuditEntry{TeamID: a.TeamID, At: t0, ActorKind: fleet.ActorMember, ActorID: "u", ActorName: "Ann", Action: "end", AgentID: a.ID, Outcome: "done", Note: text}),
			tx.AddAudit(fleet.AuditEntry{TeamID: a.TeamID, At: t0, ActorKind: fleet.ActorMember, ActorID: "u", ActorName: "Ann", Action: "relaunch", AgentID: a.ID, Outcome: "done", Detail: map[string]any{"endReason": fleet.EndCrashLoop, "tasks": 1}}),
			tx.AddEvent(fleet.Event{TeamID: a.TeamID, AgentID: a.ID, Type: fleet.EventAgentCreated, At: t0}),
			tx.InsertResource(resourceOf(a, "resource "+string(a.ID))),
			tx.InsertBulk(bulkOf(a)),
			tx.InsertBulkItems([]fleet.BulkItem{{BulkID: bulkOf(a).ID, N: 1, AgentID: a.ID, Outcome: fleet.BulkFailed, Code: "conflict", Message: "It was overtaken", At: t0}}),
			tx.NoteExport(a.TeamID, a.ID, TakenExport{SHA256: "hash", Size: 3, State: "state"}, t0),
		}
		for _, err := range steps {
			if err != nil {
				return err
			}
		}
		if _, err := tx.NewRunEvent(a.ID, "event 1", t0); err != nil {
			return err
		}
		if err := tx.RunFailed(a.ID, fleet.Runtime{LastError: text}, nil, []string{text}); err != nil {
			return err
		}
		return tx.InsertAlert(a.TeamID, fleet.Alert{
			ID: "alert " + string(a.ID), AgentID: a.ID, Type: "auth", SubType: "rejected", Message: text, Severity: fleet.SeverityError,
			State: fleet.AlertOpen, Count: 1, CreatedAt: t0, UpdatedAt: t0,
		})
	})
}

// look counts what a team sees; code is what another is told if it asks by id.
type look struct {
	see  func(tx *Tx, team fleet.TeamID) (int, error)
	code fleet.Code
	own  int
}

func looksOf(a fleet.Agent) map[string]look {
	looks := map[string]look{
		"Agent": {func(tx *Tx, team fleet.TeamID) (int, error) { r, err := tx.Agent(team, a.ID); return len(r.Name), err }, fleet.CodeForbidden, 11},
		"Agents": {func(tx *Tx, team fleet.TeamID) (int, error) {
			l, err := tx.Agents(team, AgentFilter{}, AgentOrder{}, nil, 10)
			return len(l), err
		}, "", 1},
		"AgentNamed": {func(tx *Tx, team fleet.TeamID) (int, error) {
			_, ok, err := tx.AgentNamed(team, a.Name, a.Kind)
			if ok {
				return 1, err
			}
			return 0, err
		}, "", 1},
		"AgentNames": {func(tx *Tx, team fleet.TeamID) (int, error) {
			names, err := tx.AgentNames(team, []fleet.AgentID{a.ID, "nobody"})
			return len(names), err
		}, "", 1},
		"CountAgents": {func(tx *Tx, team fleet.TeamID) (int, error) {
			n, _, err := tx.CountAgents(team, AgentFilter{Country: "FR", Tag: "tag"})
			return int(n), err
		}, "", 1},
		"StatusCounts": {func(tx *Tx, team fleet.TeamID) (int, error) {
			m, err := tx.StatusCounts(team)
			return int(m[fleet.Paused]), err
		}, "", 1},
		"TeamCountries": {func(tx *Tx, team fleet.TeamID) (int, error) { l, err := tx.TeamCountries(team); return len(l), err }, "", 1},
		"TeamTags":      {func(tx *Tx, team fleet.TeamID) (int, error) { l, err := tx.TeamTags(team); return len(l), err }, "", 1},
		"CountActions": {func(tx *Tx, team fleet.TeamID) (int, error) {
			return tx.CountActions(team, a.ID, "end", t0.Add(-time.Hour))
		}, "", 1},
		"EventsAfter": {func(tx *Tx, team fleet.TeamID) (int, error) {
			l, err := tx.EventsAfter(team, 0, 10)
			return len(l), err
		}, "", 1},
		"Tasks": {func(tx *Tx, team fleet.TeamID) (int, error) {
			l, err := tx.Tasks(team, a.ID, "", "", 10)
			return len(l), err
		}, "", 1},
		"Task": {func(tx *Tx, team fleet.TeamID) (int, error) {
			task, err := tx.Task(team, a.ID, "task "+string(a.ID))
			return task.Incarnation, err
		}, fleet.CodeNotFound, 1},
		"DueTasks": {func(tx *Tx, team fleet.TeamID) (int, error) {
			l, err := tx.DueTasks(team, a.ID, fleet.UsageMessages, t0, 10)
			return len(l), err
		}, "", 1},
		"CountOpenTasks": {func(tx *Tx, team fleet.TeamID) (int, error) { return tx.CountOpenTasks(team, a.ID) }, "", 1},
		"CountTeamPaused": {func(tx *Tx, team fleet.TeamID) (int, error) {
			n, _, err := tx.CountTeamPaused(team)
			return int(n), err
		}, "", 1},
		"Keys": {func(tx *Tx, team fleet.TeamID) (int, error) { l, err := tx.Keys(team); return len(l), err }, "", 1},
		"Key": {func(tx *Tx, team fleet.TeamID) (int, error) {
			k, _, err := tx.Key(team, "key a")
			return len(k.Name), err
		}, "", 1},
		"Member": {func(tx *Tx, team fleet.TeamID) (int, error) {
			m, _, err := tx.Member(team, "u")
			return len(m.Role), err
		}, "", 5},
		"Deletion": {func(tx *Tx, team fleet.TeamID) (int, error) {
			d, err := tx.Deletion(team, "deletion a")
			return len(d.ID), err
		}, fleet.CodeNotFound, 10},
		"Deletions": {func(tx *Tx, team fleet.TeamID) (int, error) { l, err := tx.Deletions(team, "", 10); return len(l), err }, "", 1},
		"Team":      {func(tx *Tx, team fleet.TeamID) (int, error) { tm, err := tx.Team(team); return len(tm.Name), err }, "", 1}, // a team's own name
	}
	maps.Copy(looks, looksAtRuns(a))
	return looks
}

// auditLooks are looks at what the audit has of an agent.
func auditLooks(a fleet.Agent) map[string]look {
	return map[string]look{
		"Audit": {func(tx *Tx, team fleet.TeamID) (int, error) {
			l, err := tx.Audit(team, AuditFilter{}, nil, 10)
			return len(l), err
		}, "", 2},
		"Audit of it": {func(tx *Tx, team fleet.TeamID) (int, error) {
			l, err := tx.Audit(team, AuditFilter{Agents: []fleet.AgentID{a.ID}}, nil, 10)
			return len(l), err
		}, "", 2},
		"AuditBack": {func(tx *Tx, team fleet.TeamID) (int, error) {
			back, err := tx.AuditBack(team, AuditFilter{Outcome: "done"}, nil, 1)
			if back == nil {
				return 0, err
			}
			return 1, err
		}, "", 1},
		"CountAuditAfter": {func(tx *Tx, team fleet.TeamID) (int, error) { return tx.CountAuditAfter(team, AuditFilter{}, 0, 10) }, "", 2},
		"AuditActions": {func(tx *Tx, team fleet.TeamID) (int, error) {
			l, err := tx.AuditActions(team)
			return len(l), err
		}, "", 2},
		"ActorsNamed": {func(tx *Tx, team fleet.TeamID) (int, error) {
			l, err := tx.ActorsNamed(team, "ANN")
			return len(l), err
		}, "", 1},
		"AgentsNamed": {func(tx *Tx, team fleet.TeamID) (int, error) {
			l, err := tx.AgentsNamed(team, a.Name)
			return len(l), err
		}, "", 1},
		"LastExport": {func(tx *Tx, team fleet.TeamID) (int, error) {
			e, err := tx.LastExport(team, a.ID)
			return len(e.SHA256), err
		}, "", 4},
		"ExportMark": {func(tx *Tx, team fleet.TeamID) (int, error) {
			mark, err := tx.ExportMark(team, a.ID)
			return min(len(mark), 1), err
		}, fleet.CodeNotFound, 1},
		"EachTask":    {rowsOf(a.ID, (*Tx).EachTask), "", 1},
		"EachAlert":   {rowsOf(a.ID, (*Tx).EachAlert), "", 1},
		"EachMessage": {rowsOf(a.ID, (*Tx).EachMessage), "", 1},
		"EachUsage":   {rowsOf(a.ID, (*Tx).EachUsage), "", 1},
		"EachLog":     {rowsOf(a.ID, (*Tx).EachLog), "", 1},
		"EachAudit":   {rowsOf(a.ID, (*Tx).EachAudit), "", 2},
		"Relaunches": {func(tx *Tx, team fleet.TeamID) (int, error) {
			l, err := tx.Relaunches(team, a.ID, t0, 10)
			return len(l), err
		}, "", 1},
	}
}

// rowsOf counts what an iterator of an agent's rows yields.
func rowsOf[T any](id fleet.AgentID, each func(*Tx, fleet.TeamID, fleet.AgentID, func(T) error) error) func(*Tx, fleet.TeamID) (int, error) {
	return func(tx *Tx, team fleet.TeamID) (n int, err error) {
		err = each(tx, team, id, func(T) error { n++; return nil })
		return n, err
	}
}

// chatLooksOf is looksOf for chats.
func chatLooksOf(a fleet.Agent) map[string]look {
	return map[string]look{
		"Chat": {func(tx *Tx, team fleet.TeamID) (int, error) {
			c, ok, err := tx.Chat(team, "chat "+string(a.ID))
			if !ok {
				return len(c.ID), err
			}
			return len(c.UserID), err
		}, fleet.CodeForbidden, 1},
		"ChatTexts": {func(tx *Tx, team fleet.TeamID) (int, error) {
			l, err := tx.ChatTexts(team, a.ID, "c", time.Time{}, time.Time{}, false, 10)
			return len(l), err
		}, "", 1},
		"CountOpenChats": {func(tx *Tx, team fleet.TeamID) (int, error) { return tx.CountOpenChats(team, a.ID, t0) }, "", 1},
		"OpenChats":      {func(tx *Tx, team fleet.TeamID) (int, error) { l, err := tx.OpenChats(team, t0, 10); return len(l), err }, "", 1},
		"CountChats": {func(tx *Tx, team fleet.TeamID) (int, error) {
			all, open, err := tx.CountChats(team, t0)
			return int(all*10 + open), err
		}, "", 11},
	}
}

// Every query that takes a team gives another team nothing. A query without a
// row here fails the test.
func TestAnotherTeamGetsNothing(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{})
	a := newAgent(teamA, "Secret name")
	a.Tags, a.Country, a.Status = []string{"tag"}, "FR", fleet.Paused
	wealth(t, s, a, "text")
	mustWrite(t, s, func(tx *Tx) (err error) {
		a.TeamPaused = true
		a, err = tx.MoveStatus(a, fleet.Paused, t0)
		return err
	})
	key := fleet.Key{ID: "key a", TeamID: teamA, Name: "k", Prefix: "agy_12345678", Scope: fleet.ScopeRead, CreatorID: "u", CreatedAt: t0}
	mustWrite(t, s, func(tx *Tx) error {
		if err := errors.Join(
			tx.InsertInvitation(invitationTo(teamA, "invitation a", "jo@b"), []byte("hash")), tx.InsertKey(key, []byte("hash")),
			tx.InsertUser(fleet.User{ID: "u", Email: "a@b", Name: "Ann", PasswordHash: "h"}, t0), tx.InsertMember(teamA, "u", fleet.RoleOwner, t0),
		); err != nil {
			return err
		}
		return tx.InsertDeletion(fleet.Deletion{ID: "deletion a", TeamID: teamA, AgentID: "gone", At: t0})
	})
	looks := looksOf(a)
	maps.Copy(looks, chatLooksOf(a))
	maps.Copy(looks, auditLooks(a))
	maps.Copy(looks, resourceLooks(a))
	maps.Copy(looks, alertGroupLooks(a.ID))
	maps.Copy(looks, bulkLooks(a))
	maps.Copy(looks, memberLooks())
	// Those that write are tried in TestAnotherTeamChangesNothing, TestAnotherTeamChangesNoAlert, TestAnotherTeamChangesNoResource,
	// TestAnotherTeamChangesNoBulk, TestAnotherTeamSettlesNoItem, TestAnotherTeamNotesNoExport, TestAnotherTeamChangesNoProxy and TestAnotherTeamChangesNoMember.
	writes := []string{"InsertMember", "InsertAlert", "SaveAlert", "DeleteAlerts", "RevokeKey", "SetTaskState", "DeleteOpenTasks", "DeleteChats", "ReleaseClaims", "SetTeamPause", "BeginDay", "NoteExternal", "DeleteProxy", "SetProxyPassword", "WantProxyCheck", "DropBulkItems", "DropBulk", "EmptyBulk", "BulkActs", "BulkActAt", "MarkBulkActed", "SettleBulkItem", "NoteExport", "DeleteView"}
	writes = append(writes, memberWrites()...)
	elsewhere := slices.Collect(maps.Keys(proxyLooks(fleet.Proxy{}))) // tried in TestAnotherTeamSeesNoProxy
	elsewhere = slices.AppendSeq(elsewhere, maps.Keys(viewLooks()))   // tried in TestAnotherTeamSeesNoView
	tx := reflect.TypeFor[*Tx]()
	for i := range tx.NumMethod() {
		m := tx.Method(i)
		takesTeam := m.Type.NumIn() > 1 && m.Type.In(1) == reflect.TypeFor[fleet.TeamID]()
		if _, listed := looks[m.Name]; takesTeam && !listed && !slices.Contains(append(writes, elsewhere...), m.Name) {
			t.Errorf("%s takes a team and is not tried with another's", m.Name)
		}
	}
	for name, look := range looks {
		mustRead(t, s, func(tx *Tx) error {
			if n, err := look.see(tx, teamA); n != look.own || err != nil {
				t.Errorf("%s: the own team sees %d, want %d, %v", name, n, look.own, err)
			}
			if name == "Team" {
				return nil
			}
			if n, err := look.see(tx, teamB); n != 0 || fleet.CodeOf(err) != look.code {
				t.Errorf("%s: another team sees %d, %v", name, n, err)
			}
			return nil
		})
	}
	mustWrite(t, s, func(tx *Tx) error {
		if ok, err := tx.RevokeKey(teamB, key.ID, t0); ok || err != nil {
			t.Error("another team revoked a key", err)
		}
		foreign, err := tx.Agent(teamA, a.ID)
		if err != nil {
			return err
		}
		foreign.TeamID, foreign.Name = teamB, "Mine"
		if _, err := tx.MoveStatus(foreign.Agent, fleet.Running, t0); fleet.CodeOf(err) != fleet.CodeConflict {
			t.Error("another team moved an agent", err)
		}
		if _, err := tx.UpdateAgent(foreign.Agent, t0); err != nil {
			return err
		}
		own, err := tx.Agent(teamA, a.ID)
		if own.Name != a.Name || own.Status != a.Status {
			t.Errorf("another team changed it to %q, %s", own.Name, own.Status)
		}
		return err
	})
}

func TestUnknownAndForeignAgents(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{})
	a := newAgent(teamA, "x")
	insert(t, s, a)
	mustRead(t, s, func(tx *Tx) error {
		if _, err := tx.Agent(teamB, a.ID); err == nil || err.(*fleet.Error).Message != "You do not have access to this agent" {
			t.Error(err)
		}
		if _, err := tx.Agent(teamA, "nobody"); err == nil || err.(*fleet.Error).Message != "Agent not found" {
			t.Error(err)
		}
		if row, err := tx.AgentOfRun(a.ID); err != nil || row.TeamID != teamA {
			t.Error(err)
		}
		if _, err := tx.AgentOfRun("nobody"); fleet.CodeOf(err) != fleet.CodeNotFound {
			t.Error(err)
		}
		return nil
	})
	dup := newAgent(teamB, "y")
	dup.ID = a.ID
	if err := s.Write(t.Context(), func(tx *Tx) error { return tx.InsertAgent(dup, nil) }); fleet.CodeOf(err) != fleet.CodeConflict {
		t.Error(err)
	}
}

// Compare and set: of two moves from the same facts one wins, and the counts
// follow the winner alone.
func TestMoveStatusComparesAndSets(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{})
	a := newAgent(teamA, "x")
	insert(t, s, a, newAgent(teamA, "y"))
	counts := func() (m map[fleet.Status]int64) {
		mustRead(t, s, func(tx *Tx) (err error) { m, err = tx.StatusCounts(teamA); return err })
		return m
	}
	mustWrite(t, s, func(tx *Tx) error {
		a.Login, a.EndReason = "me@example.com", "done"
		moved, err := tx.MoveStatus(a, fleet.Ended, t0.Add(time.Second))
		if moved.Version != 2 || moved.Status != fleet.Ended || !moved.StatusAt.Equal(t0.Add(time.Second)) {
			t.Errorf("%+v", moved)
		}
		return err
	})
	for _, stale := range []func(a *fleet.Agent){func(*fleet.Agent) {}, func(a *fleet.Agent) { a.Version = 2 }, func(a *fleet.Agent) { a.Status = fleet.Ended }} {
		b := a
		stale(&b)
		err := s.Write(t.Context(), func(tx *Tx) error { _, err := tx.MoveStatus(b, fleet.Running, t0); return err })
		if fleet.CodeOf(err) != fleet.CodeConflict {
			t.Errorf("%s at %d: %v", b.Status, b.Version, err)
		}
	}
	if got := counts(); got[fleet.Ended] != 1 || got[fleet.SetupNeeded] != 1 || got[fleet.Running] != 0 || len(got) != 7 {
		t.Error(got)
	}
	mustWrite(t, s, func(tx *Tx) error {
		row, err := tx.Agent(teamA, a.ID)
		if err != nil {
			return err
		}
		if row.Login != "me@example.com" || row.EndReason != "done" {
			t.Errorf("%+v", row)
		}
		list, err := tx.Agents(teamA, AgentFilter{Q: "ME@EXAMPLE"}, AgentOrder{}, nil, 10)
		if len(list) != 1 || err != nil {
			t.Error("the new login is not found", err)
		}
		return tx.DeleteAgent(row.Agent)
	})
	if got := counts(); got[fleet.Ended] != 0 || got[fleet.SetupNeeded] != 1 {
		t.Error(got)
	}
}

func TestUsageTotals(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{})
	a := newAgent(teamA, "x")
	insert(t, s, a)
	for i, c := range []struct {
		day, kind                            string
		n                                    int64
		total, today, totalInv, todayInvites int64
	}{
		{"2026-01-14", "messages", 3, 3, 3, 0, 0},
		{"2026-01-14", "messages", 2, 5, 5, 0, 0},
		{"2026-01-14", "invitations", 4, 5, 5, 4, 4},
		{"2026-01-15", "messages", 1, 6, 1, 4, 0},
		{"2026-01-14", "messages", 7, 13, 12, 4, 4}, // the clock went back
		{"2026-01-15", "tokens", 900, 13, 12, 4, 4}, // has no limit
	} {
		mustWrite(t, s, func(tx *Tx) error { return tx.AddUsage(a.ID, c.day, c.kind, 1+i/4, c.n) })
		mustRead(t, s, func(tx *Tx) error {
			r, err := tx.Agent(teamA, a.ID)
			if r.TotalMessages != c.total || r.TodayMessages != c.today || r.TotalInvitations != c.totalInv || r.TodayInvitations != c.todayInvites {
				t.Errorf("after %+v: %d/%d messages, %d/%d invitations", c, r.TotalMessages, r.TodayMessages, r.TotalInvitations, r.TodayInvitations)
			}
			return err
		})
	}
	for _, c := range []struct {
		from, to    string
		incarnation int
		want        string
	}{
		{"", "", 0, "[{2026-01-14 invitations 1 4} {2026-01-14 messages 1 5} {2026-01-14 messages 2 7} {2026-01-15 messages 1 1} {2026-01-15 tokens 2 900}]"},
		{"2026-01-15", "", 0, "[{2026-01-15 messages 1 1} {2026-01-15 tokens 2 900}]"},
		{"", "2026-01-14", 2, "[{2026-01-14 messages 2 7}]"},
		{"2026-02-01", "", 0, "[]"},
	} {
		mustRead(t, s, func(tx *Tx) error {
			list, err := tx.Usage(a.ID, UsageRange{From: c.from, To: c.to, Incarnation: c.incarnation, Limit: 100})
			if got := fmt.Sprint(list); got != c.want {
				t.Errorf("%+v: %s", c, got)
			}
			return err
		})
	}
}

// What a program can make grow is bounded.
func TestLogsAndResolvedAlertsAreBounded(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{})
	a, b := newAgent(teamA, "x"), newAgent(teamA, "y")
	insert(t, s, a, b)
	mustWrite(t, s, func(tx *Tx) error {
		if err := tx.AddLogs(b.ID, []fleet.LogLine{{At: t0, Level: "info", Text: "other"}}); err != nil {
			return err
		}
		lines := make([]fleet.LogLine, 500)
		for i := range 11 {
			for j := range lines {
				lines[j] = fleet.LogLine{At: t0, Level: "info", Text: fmt.Sprint(i*500 + j)}
			}
			if err := tx.AddLogs(a.ID, lines); err != nil {
				return err
			}
		}
		for i := range MaxAlerts + 5 {
			al := fleet.Alert{ID: fleet.NewID(t0.Add(time.Duration(i) * time.Microsecond)), AgentID: a.ID, Type: "t", SubType: fmt.Sprint(i % 3), Message: "m", State: fleet.AlertResolved, CreatedAt: t0, UpdatedAt: t0}
			if i == 0 {
				al.State = fleet.AlertOpen
			}
			if err := tx.InsertAlert(teamA, al); err != nil {
				return err
			}
		}
		return nil
	})
	mustRead(t, s, func(tx *Tx) error {
		c, err := tx.Counts(a.ID)
		if c.Logs < MaxLogLines || c.Logs > MaxLogLines+500 || c.Alerts > MaxAlerts+1 || c.Alerts < MaxAlerts/2 {
			t.Errorf("%+v", c)
		}
		if err != nil {
			return err
		}
		lines, err := tx.Logs(a.ID, LogRange{Limit: 2})
		if len(lines) != 2 || lines[1].Text != "5499" || lines[0].Text != "5498" {
			t.Errorf("%+v", lines)
		}
		if other, err := tx.Logs(b.ID, LogRange{Limit: 2}); len(other) != 1 || err != nil {
			t.Error("another agent's lines went too", err)
		}
		return err
	})
}
