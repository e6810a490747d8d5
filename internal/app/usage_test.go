package app_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"agentry/internal/app"
	"agentry/internal/fleet"
)

func (b *bench) usage(id fleet.AgentID, in app.UsageInput) (list []fleet.Usage) {
	b.t.Helper()
	b.ok(b.EachUsage(context.Background(), b.viewer, id, in, func(u fleet.Usage) error {
		list = append(list, u)
		return nil
	}))
	return list
}

func (b *bench) use(run fleet.Run, event, kind string, n int) {
	b.t.Helper()
	b.tell(run, app.RunEvent{ID: event, Type: "usage", Body: body{"kind": kind, "count": float64(n)}})
}

// What an agent did is kept over a relaunch, by incarnation, and goes with it.
func TestUsageOutlivesARelaunchAndNotADelete(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id, spec := b.running("rehearsal")
	other, foreign := b.running("rehearsal")
	b.use(foreign.Run, "o", "messages", 8)
	b.use(spec.Run, "a", "messages", 4)
	b.use(spec.Run, "b", "tokens", 900)
	b.clock.step(24 * time.Hour)
	b.use(spec.Run, "c", "invitations", 2)
	b.ok(second(b.End(t.Context(), b.operator, id, app.ReasonInput{})))
	b.ok(second(b.Relaunch(t.Context(), b.operator, id, app.ReasonInput{Reason: "again"})))
	next := b.start(id)
	b.use(next.Run, "a", "invitations", 3)
	want := "[{2026-01-14 messages 1 4} {2026-01-14 tokens 1 900} {2026-01-15 invitations 1 2} {2026-01-15 invitations 2 3}]"
	if got := fmt.Sprint(b.usage(id, app.UsageInput{})); got != want {
		t.Errorf("after the relaunch:\n%s\n%s", got, want)
	}
	if got := fmt.Sprint(b.usage(id, app.UsageInput{From: "2026-01-15", Incarnation: 1})); got != "[{2026-01-15 invitations 1 2}]" {
		t.Error(got)
	}
	h := must[app.UsageHistory](t)(b.UsageHistory(t.Context(), b.viewer, id, app.UsageHistoryInput{Days: 30}))
	if got := fmt.Sprintln(h.Counters, h.Kinds, h.Starts, len(h.Usage), h.Days[0], h.Days[29], h.Born); got !=
		"[{messages 4} {invitations 5} {tokens 900}] [messages invitations] [{2 2026-01-15}] 3 2025-12-17 2026-01-15 2026-01-14\n" {
		t.Error(got)
	}
	if got := b.get(id).Spark; len(got) != 14 || got[13] != 5 || got[12] != 4 || got[11] != 0 {
		t.Error(got)
	}
	b.ok(second(b.End(t.Context(), b.operator, id, app.ReasonInput{})))
	b.ok(second(b.Delete(t.Context(), b.deleter, id, app.DeleteInput{})))
	if n := b.number(`SELECT COUNT(*) FROM usage_days`); n != 1 {
		t.Errorf("%d counters are left, not the other agent's alone", n)
	}
	if got := fmt.Sprint(b.usage(other, app.UsageInput{})); got != "[{2026-01-14 messages 1 8}]" {
		t.Error(got)
	}
}

func TestUsageIsReadInParts(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id, spec := b.running("rehearsal")
	const kinds, days = 48, 45 // more than two parts
	for day := range days {
		events := make([]app.RunEvent, kinds)
		for k := range events {
			events[k] = app.RunEvent{ID: fmt.Sprint(day, ".", k), Type: "usage", Body: body{"kind": fmt.Sprintf("kind %02d", k), "count": 1.0}}
		}
		b.tell(spec.Run, events...)
		b.clock.step(24 * time.Hour)
	}
	list := b.usage(id, app.UsageInput{})
	ordered := slices.IsSortedFunc(list, func(x, y fleet.Usage) int { return strings.Compare(x.Day+x.Kind, y.Day+y.Kind) })
	if len(list) != kinds*days || !ordered || list[0] == list[1] {
		t.Errorf("%d counters, ordered: %t", len(list), ordered)
	}
	stop := errors.New("enough")
	seen := 0
	err := b.EachUsage(t.Context(), b.viewer, id, app.UsageInput{}, func(fleet.Usage) error { seen++; return stop })
	if !errors.Is(err, stop) || seen != 1 {
		t.Errorf("%d after %v", seen, err)
	}
	h := must[app.UsageHistory](t)(b.UsageHistory(t.Context(), b.viewer, id, app.UsageHistoryInput{Days: 30}))
	if len(h.Counters) != kinds || len(h.Kinds) != 2 || len(h.Usage) != 2*29 {
		t.Errorf("%d counters, %v, %d figures", len(h.Counters), h.Kinds, len(h.Usage))
	}
	for what, in := range map[string]app.UsageHistoryInput{
		"days": {Days: 400}, "no days": {}, "incarnation": {Days: 30, Incarnation: -1}, "counter": {Days: 30, Kinds: make([]string, 7)},
	} {
		_, err := b.UsageHistory(t.Context(), b.viewer, id, in)
		wantErr(t, what, err, fleet.CodeValidation, "")
	}
}

// The days of a spark are the agent's: also in the hour before midnight of the
// day after the clocks were set back.
func TestSparkEndsTodayInTheAgentsZone(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.clock.step(time.Date(2026, 10, 25, 12, 0, 0, 0, time.UTC).Sub(b.Now()))
	id, spec := b.running("rehearsal")
	zone := "Europe/Paris"
	b.ok(second(b.Update(t.Context(), b.operator, id, app.UpdateInput{Hours: &fleet.HoursChange{Timezone: &zone}})))
	b.use(spec.Run, "a", "messages", 1)
	b.use(spec.Run, "t", "tokens", 99)
	b.clock.step(time.Date(2026, 10, 26, 22, 30, 0, 0, time.UTC).Sub(b.Now()))
	b.use(spec.Run, "b", "invitations", 2)
	b.clock.step(time.Hour) // the 27th has begun in Paris
	b.use(spec.Run, "c", "messages", 3)
	if got := fmt.Sprint(b.get(id).Spark); got != "[0 0 0 0 0 0 0 0 0 0 0 1 2 3]" {
		t.Error(got)
	}
	b.clock.step(12 * day)
	b.use(spec.Run, "d", "messages", 4)
	if got := fmt.Sprint(b.get(id).Spark); got != "[2 3 0 0 0 0 0 0 0 0 0 0 0 4]" {
		t.Error("12 days later:", got)
	}
	b.clock.step(20 * day)
	if got := fmt.Sprint(b.get(id).Spark); got != "[0 0 0 0 0 0 0 0 0 0 0 0 0 0]" {
		t.Error("after a rest:", got)
	}
}

func TestLogIsReadInParts(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id, spec := b.running("rehearsal")
	var lines []fleet.LogLine
	for i := range 1203 {
		lines = append(lines, fleet.LogLine{At: t0, Level: []string{"info", "error"}[i%2], Text: fmt.Sprint(i)})
	}
	b.ok(b.AppendLogs(t.Context(), spec.Run, lines))
	for _, c := range []struct {
		level string
		want  int
	}{{"", 1203}, {"error", 602}} { // one late line is of the first time
		var got []fleet.LogLine
		b.ok(b.EachLog(t.Context(), b.viewer, id, c.level, func(l fleet.LogLine) error {
			if got = append(got, l); len(got) == 1 { // what is written meanwhile is not waited for
				b.ok(b.AppendLogs(t.Context(), spec.Run, []fleet.LogLine{{At: t0, Level: "error", Text: "late"}}))
			}
			return nil
		}))
		if len(got) != c.want || got[0].Text > "1" || !slices.IsSortedFunc(got, func(x, y fleet.LogLine) int { return int(x.ID - y.ID) }) {
			t.Errorf("%q: %d lines, first %q", c.level, len(got), got[0].Text)
		}
	}
	_, err := b.Logs(t.Context(), b.viewer, id, app.LogInput{Level: "loud"})
	wantErr(t, "level", err, fleet.CodeValidation, "")
	page := must[[]fleet.LogLine](t)(b.Logs(t.Context(), b.viewer, id, app.LogInput{Limit: 2}))
	older := must[[]fleet.LogLine](t)(b.Logs(t.Context(), b.viewer, id, app.LogInput{Limit: 2, Before: page[0].ID}))
	if len(older) != 2 || older[1].ID != page[0].ID-1 || older[0].ID != page[0].ID-2 {
		t.Errorf("before %d: %+v", page[0].ID, older)
	}
	between := must[[]fleet.LogLine](t)(b.Logs(t.Context(), b.viewer, id, app.LogInput{After: older[0].ID, Before: page[1].ID}))
	if len(between) != 2 || between[0].ID != older[1].ID {
		t.Errorf("between: %+v", between)
	}
}

// A program's own words are as harmless in the log as its output.
func TestLogLinesAreHarmless(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id, spec := b.running("rehearsal")
	b.tell(spec.Run,
		app.RunEvent{ID: "1", Type: "log", Body: body{"text": "\x1b[31mred\x1b[0m \u202etxt.exe\x00 <script>"}},
		app.RunEvent{ID: "2", Type: "log", Body: body{"text": "panic: no\n\tat main.go:3\n"}},
		app.RunEvent{ID: "3", Type: "log", Body: body{"text": strings.Repeat("é", 4096)}})
	got := must[[]fleet.LogLine](t)(b.Logs(t.Context(), b.viewer, id, app.LogInput{}))
	if got[0].Text != "red txt.exe  <script>" || got[1].Text != "panic: no\n at main.go:3" || len(got[2].Text) != 4096 {
		t.Errorf("%q, %q, %d bytes", got[0].Text, got[1].Text, len(got[2].Text))
	}
}
