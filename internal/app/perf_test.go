package app_test

import (
	"context"
	"database/sql"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"agentry/internal/app"
	"agentry/internal/fleet"
)

// fill puts n agents of a status into the team by SQL alone.
func (b *bench) fill(n int, status fleet.Status) *sql.DB {
	b.t.Helper()
	db, err := sql.Open("sqlite", "file:"+b.path+"?_txlock=immediate&_pragma=busy_timeout(5000)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)&_pragma=secure_delete(1)")
	b.ok(err)
	db.SetMaxOpenConns(1)
	b.t.Cleanup(func() { db.Close() })
	for _, query := range []string{
		`WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < $1 - 1)
		INSERT INTO agents (id, team_id, name, kind, status, observed, login, country, avatar, tags,
			days, starts, stops, timezone, invitations_min, invitations_max, messages_min, messages_max, settings,
			incarnation, version, set_up, protected, end_reason, ended_at, pause_note, paused_by, resume_at, status_at,
			open_alerts, draft, search, created_at, updated_at)
		SELECT printf('00000000-0000-7000-8000-%012x', i), $2, printf('Agent %d', (i * 7919) % $1), 'rehearsal', $3, 'up', '', 'FR', '', '[]',
			'1:1:1:1:1:0:0', '09:00', '17:00', CASE i % 2 WHEN 0 THEN 'Europe/Paris' ELSE 'America/New_York' END, 5, 20, 10, 25, '{}',
			1, 1, 1, '', '', 0, '', '', 0, $4, 0, '', printf('agent %d', (i * 7919) % $1), $4 + i, $4 + (i * 104729) % $1 FROM n`,
		`INSERT INTO agent_counts (team_id, status, n) VALUES ($2, $3, $1) ON CONFLICT DO UPDATE SET n = n + excluded.n`,
		`INSERT INTO agent_keys (agent_id, sealed) SELECT id, randomblob(61) FROM agents WHERE team_id = $2`,
		`INSERT INTO runtimes (agent_id, team_id, wanted, fresh, epoch, driver, handle, autonomy, settings,
			started_at, last_heard_at, restarts, failures, next_try, last_error,
			total_invitations, total_messages, today, today_invitations, today_messages)
		SELECT id, $2, status = 'running', 0, 1, '', '', 0, '{}', $4, $4, 0, 0, 0, '', 9, 9, '2026-01-14', 3, 4 FROM agents WHERE team_id = $2`,
	} {
		_, err := db.Exec(query, n, b.team, status, t0.UnixMicro())
		b.ok(err)
	}
	return db
}

func idOf(i int64) fleet.AgentID {
	return fleet.AgentID(fmt.Sprintf("00000000-0000-7000-8000-%012x", i))
}

func BenchmarkFleet(b *testing.B) {
	for _, n := range []int{100, 100_000} {
		b.Run(fmt.Sprint("of=", n), func(b *testing.B) {
			k := newBench(b, nil)
			k.fill(n, fleet.Running)
			ctx := context.Background()
			for name, in := range map[string]app.ListInput{
				"list50": {Limit: 50}, "page": {Limit: 50, Sort: "attention", HideEnded: true},
			} {
				b.Run(name, func(b *testing.B) {
					for b.Loop() {
						k.clock.step(time.Second) // an answer is kept no longer
						if p, err := k.Agents(ctx, k.viewer, in); err != nil || len(p.Agents) != 50 || p.Total != int64(n) {
							b.Fatal(len(p.Agents), p.Total, err)
						}
					}
				})
			}
			b.Run("get", func(b *testing.B) {
				for i := int64(0); b.Loop(); i++ {
					if _, err := k.Agent(ctx, k.viewer, idOf(i%int64(n))); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

// The promise is a ratio: relaunches against a bare transaction that writes the
// same rows to the same file.
func BenchmarkRelaunch(b *testing.B) {
	const n = 100_000
	k := newBench(b, nil)
	raw := k.fill(n, fleet.Ended)
	var next atomic.Int64
	relaunch := func(b *testing.B) {
		i := next.Add(1) - 1
		if i >= n {
			b.Skip("out of ended agents: use a shorter -benchtime")
		}
		if _, err := k.Relaunch(context.Background(), k.operator, idOf(i), app.ReasonInput{Reason: "again"}); err != nil {
			b.Error(err)
		}
	}
	b.Run("bare", func(b *testing.B) {
		for b.Loop() {
			if err := bareRelaunch(raw, next.Add(1)-1, k.team); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("callers=1", func(b *testing.B) {
		for b.Loop() {
			relaunch(b)
		}
	})
	b.Run("callers=16", func(b *testing.B) {
		b.SetParallelism(8) // of two processors
		b.RunParallel(func(p *testing.PB) {
			for p.Next() {
				relaunch(b)
			}
		})
	})
}

func bareRelaunch(db *sql.DB, i int64, team fleet.TeamID) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	id, at := string(idOf(i)), t0.UnixMicro()
	var version int64
	if err := tx.QueryRow(`SELECT a.version FROM agents a JOIN runtimes r ON r.agent_id = a.id WHERE a.id = $1 AND a.team_id = $2`, id, team).Scan(&version); err != nil {
		return err
	}
	for _, s := range []struct {
		query string
		args  []any
	}{
		{`DELETE FROM credentials WHERE agent_id = $1`, []any{id}},
		{`UPDATE agent_keys SET sealed = randomblob(61) WHERE agent_id = $1`, []any{id}},
		{`DELETE FROM alerts WHERE agent_id = $1`, []any{id}},
		{`DELETE FROM tasks WHERE agent_id = $1 AND state IN ('pending', 'claimed')`, []any{id}},
		{`DELETE FROM commands WHERE agent_id = $1`, []any{id}},
		{`DELETE FROM run_events WHERE agent_id = $1`, []any{id}},
		{`UPDATE messages SET state = 'failed' WHERE agent_id = $1 AND state = 'pending'`, []any{id}},
		{`UPDATE runtimes SET wanted = 0, fresh = 0, token_hash = NULL, next_try = 0, started_at = 0, last_heard_at = 0 WHERE agent_id = $1`, []any{id}},
		{moved, []any{version + 1, at, id, version}},
		{`UPDATE agent_counts SET n = n - 1 WHERE team_id = $1 AND status = 'ended'`, []any{team}},
		{`INSERT INTO agent_counts (team_id, status, n) VALUES ($1, 'setup_needed', 1) ON CONFLICT DO UPDATE SET n = n + 1`, []any{team}},
		{`INSERT INTO events (team_id, agent_id, type, at) VALUES ($1, $2, 'agent.status_changed', $3)`, []any{team, id, at}},
		{`INSERT INTO audit (team_id, at, actor_kind, actor_id, actor_name, action, agent_id, outcome, detail, request_id)
			VALUES ($1, $2, 'member', 'u', 'Ann', 'relaunch', $3, 'done', '{"from":"ended","to":"setup_needed"}', 'r')`, []any{team, at, id}},
		{`INSERT INTO audit_notes (audit_id, agent_id, text) VALUES (last_insert_rowid(), $1, 'again')`, []any{id}},
	} {
		if _, err := tx.Exec(s.query, s.args...); err != nil {
			return fmt.Errorf("%s: %w", s.query, err)
		}
	}
	return tx.Commit()
}

// moved stands for the one statement that changes a status; the tests of this
// package may not have one, so it writes everything but that.
const moved = `UPDATE agents SET version = $1, status_at = $2, updated_at = $2, login = '', country = '', timezone = 'UTC', incarnation = 2, set_up = 0,
	end_reason = '', ended_at = 0, draft = '{"incarnation":1}', search = 'agent', observed = 'none' WHERE id = $3 AND version = $4`

func BenchmarkRunEvents(b *testing.B) {
	for _, batch := range []int{1, 50} {
		b.Run(fmt.Sprint("callers=64/batch=", batch), func(b *testing.B) {
			k := newBench(b, nil)
			k.fill(64, fleet.Running)
			var caller, events atomic.Int64
			began := time.Now()
			b.SetParallelism(32)
			b.RunParallel(func(p *testing.PB) {
				run := fleet.Run{TeamID: k.team, AgentID: idOf(caller.Add(1) % 64), Epoch: 1}
				for i := 0; p.Next(); i++ {
					list := make([]app.RunEvent, batch)
					for j := range list {
						list[j] = app.RunEvent{ID: fmt.Sprintf("%d.%d.%p", i, j, p), Type: "usage", Body: body{"kind": "messages", "count": 1.0}}
					}
					if _, err := k.RunEvents(context.Background(), run, list); err != nil {
						b.Error(err)
						return
					}
					events.Add(int64(batch))
				}
			})
			b.ReportMetric(float64(events.Load())/time.Since(began).Seconds(), "events/s")
		})
	}
}
