package app_test

import (
	"testing"
	"time"

	"agentry/internal/app"
	"agentry/internal/fleet"
)

// Every read of the credentials is counted in the audit, which grows by at most
// an entry a minute.
func TestReadsOfCredentialsAreCounted(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id := b.in(fleet.AuthInProgress, "linkedin")
	spec := b.begin(id, true)
	entries := func() []string {
		return b.column(`SELECT json_extract(detail, '$.epoch') || ':' || json_extract(detail, '$.reads') FROM audit WHERE action = 'credentials.read' ORDER BY id`)
	}
	expect := func(what string, want ...string) {
		t.Helper()
		if got := entries(); len(got) != len(want) || len(want) > 0 && got[len(got)-1] != want[len(want)-1] {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}
	read := func(times int) {
		for range times {
			b.ok(second(b.RunCredentials(t.Context(), spec.Run)))
		}
	}
	read(1)
	expect("the first", "1:1")
	read(20)
	expect("more within the minute", "1:1")
	b.clock.step(time.Minute)
	read(1)
	expect("one after a minute", "1:1", "1:21")
	read(3)
	b.clock.jump(-day)
	read(1)
	expect("one, the clock back", "1:1", "1:21", "1:4")
	read(3)
	b.clock.jump(-day)
	b.ok(b.Tick(t.Context()))
	expect("the tick, the clock back", "1:1", "1:21", "1:4", "1:3")
	read(2)
	b.ok(b.RunExited(t.Context(), spec.Run, app.RunExit{Text: "exit 1"}))
	b.clock.step(8 * time.Second)
	spec = b.begin(id, true)
	read(5)
	expect("the next run", "1:1", "1:21", "1:4", "1:3", "1:2", "2:1")
	b.ok(second(b.End(t.Context(), b.operator, id, app.ReasonInput{})))
	b.ok(second(b.Delete(t.Context(), b.deleter, id, app.DeleteInput{})))
	expect("deleted", "1:1", "1:21", "1:4", "1:3", "1:2", "2:1", "2:4")
}
