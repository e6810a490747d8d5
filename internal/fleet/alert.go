package fleet

import "time"

// ByAgentry is who resolves an alert whose cause went by itself.
const ByAgentry = "agentry"

// flapWindow is how soon after its recovery a cause that comes back opens the
// same alert again instead of another.
const flapWindow = time.Hour

// AlertGroup are alerts of one type and subtype, or of one agent.
type AlertGroup struct {
	Newest Alert
	// Alerts is how many they are.
	Alerts int
}

// AsksCode tells whether the alert is about a code that somebody has to enter:
// every open question of a sign-in but its failures.
func (al Alert) AsksCode() bool {
	return al.Type == "auth" && al.State != AlertResolved && al.SubType != "rejected" && al.SubType != "timeout"
}

// Raised is the alert when its cause shows again as told. news is false where
// nobody is to be bothered: the alert is snoozed, or recovered in the middle
// of a snooze that still runs and comes back as it was. ok is false where the
// cause is another story and deserves an alert of its own.
func (al Alert) Raised(told Alert, now time.Time) (next Alert, news, ok bool) {
	silent := al.Until.After(now)
	switch al.State {
	case AlertResolved:
		age := now.Sub(al.UpdatedAt)
		if !al.Recovered || !silent && age > flapWindow {
			return al, false, false
		}
		al.State, al.By = AlertOpen, ""
		if silent {
			al.State = AlertSnoozed
		}
	case AlertSnoozed:
		if !silent {
			al.State = AlertOpen
		}
	}
	if !silent {
		al.Until = time.Time{}
	}
	al.Count++
	al.Recovered = false
	al.Message, al.Severity, al.UpdatedAt = told.Message, told.Severity, now
	return al, !silent, true
}

// Recover is the alert when its cause went by itself. A snooze that still runs
// goes on, so that neither the recovery nor a relapse within it is news.
func (al Alert) Recover(now time.Time) (next Alert, news bool) {
	if al.State == AlertResolved {
		return al, false
	}
	silent := al.State == AlertSnoozed && al.Until.After(now)
	if !silent {
		al.Until = time.Time{}
	}
	al.State, al.By, al.Recovered, al.UpdatedAt = AlertResolved, ByAgentry, true, now
	return al, !silent
}

// Set is the alert when a person acknowledges, snoozes (until an instant) or
// resolves it. What is resolved can only be resolved again, which ends a snooze
// that outlived the cause.
func (al Alert) Set(to AlertState, by string, until, now time.Time) (Alert, error) {
	if al.State == AlertResolved && to != AlertResolved {
		return al, Errorf(CodeConflict, "The alert was resolved by %s", al.By)
	}
	al.State, al.By, al.Until, al.Recovered, al.UpdatedAt = to, by, until, false, now
	return al, nil
}

// Wake is the alert at the end of its snooze; ok is false before.
func (al Alert) Wake(now time.Time) (next Alert, ok bool) {
	if al.State != AlertSnoozed || al.Until.After(now) {
		return al, false
	}
	al.State, al.Until, al.UpdatedAt = AlertOpen, time.Time{}, now
	return al, true
}
