package app_test

import (
	"testing"

	"agentry/internal/app"
)

// Agents that are seeded have a past, and yet they are news: who follows the
// stream hears of each, and what he has not heard yet is kept for him.
func TestSeededAgentsAreNews(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(c *app.Config) {
		withLedger(c)
		c.DefaultKind = "maybe"
	})
	const agents = 400
	b.ok(second(b.Seed(t.Context(), b.team, app.SeedInput{Agents: agents, Running: 10, Seed: 1, Outside: true})))
	if n := b.number(`SELECT COUNT(*) FROM agents WHERE created_at < ?`, t0.Add(-100*day).UnixMicro()); n < agents/2 {
		t.Errorf("only %d agents have a past", n)
	}
	if n := b.number(`SELECT COUNT(*) FROM agents WHERE created_at > ? OR status_at > ?`, t0.UnixMicro(), t0.UnixMicro()); n > 0 {
		t.Errorf("%d agents are of the future", n)
	}
	if n := b.number(`SELECT COUNT(*) FROM events WHERE type = 'agent.created'`); n != agents {
		t.Errorf("%d events of new agents", n)
	}
	if n := b.number(`SELECT COUNT(*) FROM events WHERE type = 'resource.changed'`); n < agents/2 {
		t.Errorf("%d events of resources", n)
	}
	if old := b.column(`SELECT DISTINCT type FROM events WHERE at <> ?`, t0.UnixMicro()); len(old) > 0 {
		t.Errorf("events of another time than now: %v", old)
	}
	kept := b.number(`SELECT COUNT(*) FROM events`)
	b.ticks(61)
	if now := b.number(`SELECT COUNT(*) FROM events`); now < kept {
		t.Errorf("%d of %d events are forgotten", kept-now, kept)
	}
}
