package pages_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"agentry/internal/fleet"
	"agentry/internal/store"
)

// alerted opens an alert of an agent ("": of the team) and returns its id.
func (w *world) alerted(id fleet.AgentID, typ, sub, message string) string {
	w.t.Helper()
	now := w.app.Now()
	al := fleet.Alert{ID: fleet.NewID(now), AgentID: id, Type: typ, SubType: sub, Message: message, Severity: fleet.SeverityWarning, State: fleet.AlertOpen, Count: 3, CreatedAt: now.Add(-time.Hour), UpdatedAt: now}
	must(w.t, w.store.Write(w.t.Context(), func(tx *store.Tx) error { return tx.InsertAlert(w.team, al) }))
	return al.ID
}

// What waits for a code stands first with its box; the rest is narrowed, grouped
// and acknowledged together, without a script; a viewer only looks.
func TestAlertsAreGroupedAndAcknowledged(t *testing.T) {
	w := newWorld(t)
	ada, grace := w.agent("Ada & <b>", "assistant"), w.agent("Grace", "assistant")
	code := w.alerted(ada, "auth", "2fa_required", "A code from the app")
	w.alerted(ada, "odd", "a", "first")
	w.alerted(grace, "odd", "a", "second")
	w.alerted(grace, "odd", "b", "third")
	w.alerted("", "vendor", "stopped", "The token is gone")
	operator, viewer := w.as(fleet.RoleOperator), w.as(fleet.RoleViewer)
	if a := operator.get("/alerts?group=country"); a.status != http.StatusBadRequest || !strings.Contains(a.body, "must be agent or type") {
		t.Errorf("an unknown group: %d", a.status)
	}
	page := operator.get("/alerts")
	if page.Find("[data-testid=challenges] #alert-"+code+" form[action='/fleet/"+string(ada)+"/verify'] [name=code]").Length() != 1 || page.Find("#alert-"+code).Length() != 1 {
		t.Errorf("the code box: %s", page.words("[data-testid=challenges]"))
	}
	if got := page.Find("[data-testid=alert]").Length(); got != 5 || !strings.Contains(page.words("main"), "3 times since 1 h ago, last now") {
		t.Errorf("%d alerts: %s", got, page.words("main"))
	}
	for path, want := range map[string]string{
		"/alerts?group=type":            "vendor / stopped 1, odd / b 1, odd / a 2",
		"/alerts?group=agent":           "Team 1, Grace 2, Ada & <b> 1",
		"/alerts?group=agent&type=odd":  "Grace 2, Ada & <b> 1",
		"/alerts?group=type&state=open": "vendor / stopped 1, odd / b 1, odd / a 2",
	} {
		a := operator.get(path)
		var got []string
		for i := range a.Find("[data-testid=alert-group]").Length() {
			one := a.Find("[data-testid=alert-group]").Eq(i)
			n, _, _ := strings.Cut(strings.TrimSpace(one.Find(".num").First().Text()), " ")
			got = append(got, one.Find(".name").Text()+" "+n)
			if to := operator.get(one.Find(".name").AttrOr("href", "")); fmt.Sprint(to.Find("[data-testid=alert]").Length()) != n && got[i] != "Ada & <b> 1" {
				t.Errorf("%s: %s leads to %d alerts", path, got[i], to.Find("[data-testid=alert]").Length())
			}
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%s: %q", path, got)
		}
	}
	if a := viewer.get("/alerts?group=type"); a.Find("[data-testid=ack-all]").Length() != 0 || a.Find("[data-testid=alert-group]").Length() != 3 {
		t.Errorf("a viewer: %s", a.words("main"))
	}
	if a := operator.post("/alerts/ack", "type", "odd", "sub", "a"); a.status != http.StatusSeeOther || a.header.Get("Location") != "/alerts" {
		t.Errorf("ack: %d", a.status)
	}
	if a := operator.get("/alerts?state=acknowledged"); a.Find("[data-testid=alert]").Length() != 2 || strings.Contains(a.words("main"), "third") {
		t.Errorf("acknowledged: %s", a.words("main"))
	}
	if a := operator.post("/alerts/ack", "type", "", "agent", "team"); a.status != http.StatusSeeOther || operator.get("/alerts?agent=team").Find("[data-testid=alert]").Length() != 0 {
		t.Errorf("ack of the team's: %d", a.status)
	}
	if a := operator.post("/alerts/ack"); a.status != http.StatusBadRequest && a.status != http.StatusUnprocessableEntity {
		t.Errorf("ack of everything: %d", a.status)
	}
	if a := viewer.post("/alerts/ack", "type", "odd"); a.status != http.StatusForbidden {
		t.Errorf("a viewer acknowledges: %d", a.status)
	}
}

// A group acknowledges what it counts: the sign-in that stands above it with its
// box stays open.
func TestGroupLeavesTheCode(t *testing.T) {
	w := newWorld(t)
	ada := w.agent("Ada", "assistant")
	code := w.alerted(ada, "auth", "2fa_required", "A code from the app")
	w.alerted(ada, "odd", "a", "first")
	operator := w.as(fleet.RoleOperator)
	form := operator.get("/alerts?group=agent").Find("[data-testid=alert-group] form")
	var fields []string
	form.Find("input").Each(func(_ int, in *goquery.Selection) {
		fields = append(fields, in.AttrOr("name", ""), in.AttrOr("value", ""))
	})
	operator.post(form.AttrOr("action", ""), fields...)
	if page := operator.get("/alerts"); page.Find("[data-testid=alert]").Length() != 1 || page.Find("[data-testid=challenges] #alert-"+code).Length() != 1 {
		t.Errorf("open: %s", page.words("main"))
	}
}

// A snooze ends at the date and time of the zone that the form named.
func TestSnoozeUntil(t *testing.T) {
	w := newWorld(t)
	id := w.alerted(w.agent("Ada", "assistant"), "odd", "a", "m")
	operator := w.as(fleet.RoleOperator)
	page := operator.in("Asia/Tokyo").get("/alerts")
	zone := page.Find("#alert-"+id+" [name=zone]").AttrOr("value", "")
	if got := page.words("#alert-" + id + " .until label"); got != "Until, time in Asia/Tokyo" || zone != "Asia/Tokyo" {
		t.Errorf("%q, %q", got, zone)
	}
	if a := operator.post("/alerts/"+id+"/snooze", "until", "2040-01-01T00:00", "zone", zone); a.status != http.StatusSeeOther {
		t.Fatalf("%d %s", a.status, a.words("main"))
	}
	if got := operator.get("/alerts?state=snoozed").Find("#alert-"+id+" .fine time").AttrOr("datetime", ""); got != "2039-12-31T15:00:00Z" {
		t.Errorf("until %s", got)
	}
	for _, fields := range [][]string{{}, {"until", "x"}, {"for", "x"}, {"until", "2001-01-01T00:00"}} {
		if a := operator.post("/alerts/"+id+"/snooze", fields...); a.status/100 != 4 {
			t.Errorf("%q: %d", fields, a.status)
		}
	}
}
