package fleet_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"agentry/internal/fleet"
)

// Every state of an alert by everything that can happen to it: the state after,
// its count and the end of its snooze (in minutes from now), and whether it is
// news. "new" is an alert of its own, "–" nothing, "409" a refusal.
func TestAlertStates(t *testing.T) {
	now := time.Date(2026, 1, 14, 10, 0, 0, 0, time.UTC)
	at := func(minutes int) time.Time { return now.Add(time.Duration(minutes) * time.Minute) }
	states := []struct {
		name string
		al   fleet.Alert
	}{
		{"open", fleet.Alert{State: fleet.AlertOpen}},
		{"acknowledged", fleet.Alert{State: fleet.AlertAcknowledged, By: "Ann"}},
		{"snoozed", fleet.Alert{State: fleet.AlertSnoozed, By: "Ann", Until: at(30)}},
		{"snooze over", fleet.Alert{State: fleet.AlertSnoozed, By: "Ann", Until: at(0)}},
		{"resolved", fleet.Alert{State: fleet.AlertResolved, By: "Ann"}},
		{"recovered", fleet.Alert{State: fleet.AlertResolved, By: fleet.ByAgentry, Recovered: true}},
		{"recovered long ago", fleet.Alert{State: fleet.AlertResolved, By: fleet.ByAgentry, Recovered: true, UpdatedAt: at(-61)}},
		{"recovered in snooze", fleet.Alert{State: fleet.AlertResolved, By: fleet.ByAgentry, Recovered: true, Until: at(30), UpdatedAt: at(-90)}},
		{"recovered, snooze over", fleet.Alert{State: fleet.AlertResolved, By: fleet.ByAgentry, Recovered: true, Until: at(-10), UpdatedAt: at(-20)}},
	}
	happens := []struct {
		name string
		do   func(al fleet.Alert) string
	}{
		{"raise", func(al fleet.Alert) string {
			next, news, ok := al.Raised(fleet.Alert{Message: "again", Severity: fleet.SeverityError}, now)
			if !ok {
				return "new"
			}
			if next.Message != "again" || next.Severity != fleet.SeverityError || !next.UpdatedAt.Equal(now) {
				t.Errorf("raised: %+v", next)
			}
			return said(next, news, now)
		}},
		{"recover", func(al fleet.Alert) string {
			next, news := al.Recover(now)
			if next == al {
				return "–"
			}
			return said(next, news, now)
		}},
		{"ack", set(fleet.AlertAcknowledged, time.Time{}, now)},
		{"snooze", set(fleet.AlertSnoozed, at(60), now)},
		{"resolve", set(fleet.AlertResolved, time.Time{}, now)},
		{"wake", func(al fleet.Alert) string {
			next, ok := al.Wake(now)
			if !ok {
				return "–"
			}
			return said(next, true, now)
		}},
	}
	got := ""
	for _, s := range states {
		if s.al.Count = 1; s.al.UpdatedAt.IsZero() {
			s.al.UpdatedAt = at(-5)
		}
		got += fmt.Sprintf("%s:", s.name)
		for _, h := range happens {
			got += fmt.Sprintf(" %s %s;", h.name, h.do(s.al))
		}
		got += "\n"
	}
	want := `open: raise open 2 news; recover recovered 1 news by agentry; ack acknowledged 1 news by Mia; snooze snoozed 1 until 60 news by Mia; resolve resolved 1 news by Mia; wake –;
acknowledged: raise acknowledged 2 news by Ann; recover recovered 1 news by agentry; ack acknowledged 1 news by Mia; snooze snoozed 1 until 60 news by Mia; resolve resolved 1 news by Mia; wake –;
snoozed: raise snoozed 2 until 30 by Ann; recover recovered 1 until 30 by agentry; ack acknowledged 1 news by Mia; snooze snoozed 1 until 60 news by Mia; resolve resolved 1 news by Mia; wake –;
snooze over: raise open 2 news by Ann; recover recovered 1 news by agentry; ack acknowledged 1 news by Mia; snooze snoozed 1 until 60 news by Mia; resolve resolved 1 news by Mia; wake open 1 news by Ann;
resolved: raise new; recover –; ack 409; snooze 409; resolve resolved 1 news by Mia; wake –;
recovered: raise open 2 news; recover –; ack 409; snooze 409; resolve resolved 1 news by Mia; wake –;
recovered long ago: raise new; recover –; ack 409; snooze 409; resolve resolved 1 news by Mia; wake –;
recovered in snooze: raise snoozed 2 until 30; recover –; ack 409; snooze 409; resolve resolved 1 news by Mia; wake –;
recovered, snooze over: raise open 2 news; recover –; ack 409; snooze 409; resolve resolved 1 news by Mia; wake –;
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func set(to fleet.AlertState, until, now time.Time) func(al fleet.Alert) string {
	return func(al fleet.Alert) string {
		next, err := al.Set(to, "Mia", until, now)
		if err != nil {
			if fleet.CodeOf(err) != fleet.CodeConflict {
				return err.Error()
			}
			return "409"
		}
		return said(next, true, now)
	}
}

func said(al fleet.Alert, news bool, now time.Time) string {
	s := string(al.State)
	if al.Recovered {
		s = "recovered"
	}
	s += fmt.Sprint(" ", al.Count)
	if !al.Until.IsZero() {
		s += fmt.Sprint(" until ", int(al.Until.Sub(now).Minutes()))
	}
	if news {
		s += " news"
	}
	if al.By != "" {
		s += " by " + al.By
	}
	return s
}

func TestRelaunchHold(t *testing.T) {
	for _, c := range []struct {
		reason string
		before int
		held   bool
	}{{fleet.EndCrashLoop, 1, false}, {fleet.EndCrashLoop, 2, true}, {fleet.EndCrashLoop, 9, true}, {"", 9, false}, {"campaign over", 9, false}} {
		if got := fleet.RelaunchHold(c.reason, c.before) != ""; got != c.held {
			t.Errorf("%q after %d: held %v", c.reason, c.before, got)
		}
	}
}
