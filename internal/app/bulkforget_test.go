package app_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/internal/store"
)

// listed writes down a bulk that listed so many agents and ended long ago; it
// has two items of them.
func (b *bulkBench) listed(id string, team fleet.TeamID, total int, ago time.Duration) {
	b.t.Helper()
	at := b.Now().Add(-ago)
	bulk := fleet.Bulk{ID: id, TeamID: team, Action: fleet.BulkPause, State: fleet.BulkDone, PerMinute: 600, Total: total, CreatedAt: at, StartedAt: at, EndedAt: at}
	b.ok(b.store.Write(b.t.Context(), func(tx *store.Tx) error {
		return errors.Join(tx.InsertBulk(bulk), tx.InsertBulkItems([]fleet.BulkItem{{BulkID: id, N: 1, AgentID: "a", Outcome: fleet.BulkSkipped}, {BulkID: id, N: 2, AgentID: "b", Outcome: fleet.BulkSkipped}}))
	}))
}

// What the bulks of a team list within an hour is bounded, however small they
// are and whether anything is done; another team's do not count.
func TestBulksOfAnHourAreBounded(t *testing.T) {
	t.Parallel()
	b := newBulkBench(t)
	list := ids(b, 1, fleet.Paused)
	in := app.BulkInput{Action: fleet.BulkPause, IDs: list}
	b.listed("0 theirs", b.stranger.TeamID, fleet.MaxBulkHour, time.Minute)
	b.listed("1 before", b.team, fleet.MaxBulkHour, time.Hour)
	for i := range 5 {
		b.listed(string(rune('2'+i)), b.team, 1, 40*time.Minute)
	}
	b.listed("9 large", b.team, fleet.MaxBulkHour-6*fleet.BulkWeight, 30*time.Minute)
	b.ok(second(b.StartBulk(t.Context(), b.keys[fleet.ScopeOperate], in)))
	_, err := b.StartBulk(t.Context(), b.keys[fleet.ScopeOperate], in)
	wantErr(t, "one too many", err, fleet.CodeRateLimited, "The bulks of this team listed 1000000 agents within an hour, of at most 1000000; try again in 20 minutes")
	var known *fleet.Error
	if !errors.As(err, &known) || known.RetryAfter != 20*time.Minute {
		t.Errorf("try again in %s", known.RetryAfter)
	}
	if n := b.number(`SELECT COUNT(*) FROM bulks WHERE created_at = ?`, b.Now().UnixMicro()); n != 1 {
		t.Errorf("%d bulks were written down", n)
	}
	b.clock.step(20*time.Minute + time.Second)
	b.ok(second(b.StartBulk(t.Context(), b.keys[fleet.ScopeOperate], in)))
}

// Bulks that are over are forgotten with their items: the old ones, and beyond
// what is kept of a team the oldest; one that goes on never is.
func TestOldBulksAreForgotten(t *testing.T) {
	t.Parallel()
	b := newBulkBench(t)
	b.listed("0 open", b.team, 2, fleet.BulkAge+time.Hour)
	b.ok(b.store.Write(t.Context(), func(tx *store.Tx) error {
		open, err := tx.Bulk(b.team, "0 open")
		open.State, open.EndedAt = fleet.BulkRunning, time.Time{}
		return errors.Join(err, tx.SaveBulk(open))
	}))
	b.listed("0 old", b.team, 2, fleet.BulkAge+time.Minute)
	b.listed("0 older", b.stranger.TeamID, 2, fleet.BulkAge+time.Hour)
	b.listed("0 young", b.stranger.TeamID, fleet.BulkKept, fleet.BulkAge-time.Minute)
	b.listed("1 too many", b.team, 2, time.Hour)
	b.listed("z newest", b.team, fleet.BulkKept-fleet.BulkWeight+1, time.Hour)
	b.ok(b.Tick(t.Context()))
	if got, want := b.column(`SELECT id FROM bulks ORDER BY id`), []string{"0 open", "0 young", "z newest"}; !slices.Equal(got, want) {
		t.Errorf("left are %q, want %q", got, want)
	}
	if got := b.column(`SELECT DISTINCT bulk_id FROM bulk_items ORDER BY bulk_id`); !slices.Equal(got, []string{"0 open", "0 young", "z newest"}) {
		t.Errorf("items are left of %q", got)
	}
}
