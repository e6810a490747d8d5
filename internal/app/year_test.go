package app_test

import (
	"strings"
	"testing"
	"time"

	"agentry/internal/app"
	"agentry/internal/fleet"
)

// A whole year of claims at the edges of the hours, through the store: never a
// task outside them, never a refusal inside, also on the two nights on which
// the clocks change. Saturdays are off; the changes are on Sundays.
func TestYearOfClaims(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	paris := must[*time.Location](t)(time.LoadLocation("Europe/Paris"))
	id := b.create("rehearsal")
	zone, days := "Europe/Paris", "1:1:1:1:1:0:1"
	b.set(id, app.UpdateInput{Hours: &fleet.HoursChange{Timezone: &zone, Days: &days}, Limits: limits(100, 3)})
	b.clock.step(time.Date(2026, 1, 1, 0, 0, 0, 0, paris).Sub(b.Now()))
	spec := b.start(id)
	b.add(id, "message", 5)
	given, offsets := 0, map[int]bool{}
	for day := time.Date(2026, 1, 1, 0, 0, 0, 0, paris); day.Year() == 2026; day = day.AddDate(0, 0, 1) {
		_, offset := day.Add(12 * time.Hour).Zone()
		offsets[offset] = true
		b.add(id, "message", 2)
		for _, clock := range []string{"02:30:00", "08:59:59", "09:00:00", "16:59:59", "17:00:00", "17:00:01"} {
			at := must[time.Time](t)(time.ParseInLocation("2006-01-02 15:04:05", day.Format(time.DateOnly)+" "+clock, paris))
			b.clock.step(at.Sub(b.Now()))
			tasks, why, again, err := b.ClaimTasks(t.Context(), spec.Run, 1)
			b.ok(err)
			may := "09:00:00" <= clock && clock < "17:00:00" && day.Weekday() != time.Saturday
			if may != (len(tasks) == 1) {
				t.Fatalf("%s: %d tasks, %q until %s", at, len(tasks), why, again)
			}
			if given += len(tasks); may {
				continue
			}
			opens := time.Date(day.Year(), day.Month(), day.Day(), 9, 0, 0, 0, paris)
			for !opens.After(at) || opens.Weekday() == time.Saturday {
				opens = opens.AddDate(0, 0, 1)
			}
			v := b.get(id)
			if !again.Equal(opens) || !v.NextTask.Equal(opens) || !v.Usage.NextMessage.Equal(opens) || v.Why != why || !strings.HasPrefix(why, "Outside working hours: starts ") {
				t.Fatalf("%s: %q until %s; the agent says %q until %s, want %s", at, why, again.In(paris), v.Why, v.NextTask.In(paris), opens)
			}
		}
		b.endTasks(spec.Run, "task_done", nil)
	}
	if given != 2*313 || len(offsets) != 2 {
		t.Errorf("%d tasks on 313 days, offsets %v", given, offsets)
	}
}
