package pages_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/internal/store"
)

// in is the same person with a choice of zone.
func (p person) in(zone string) person {
	p.cookie += "; zone=" + zone
	return p
}

func (w *world) livesIn(id fleet.AgentID, zone string) {
	w.t.Helper()
	_, err := w.app.Update(w.t.Context(), fleet.System(w.team, "test"), id, app.UpdateInput{Hours: &fleet.HoursChange{Timezone: &zone}})
	must(w.t, err)
}

// title is the exact time beside the first time of the selector.
func (a answer) title(selector string) string { return a.Find(selector).First().AttrOr("title", "") }

// Times follow the viewer's choice, with the zone named, on pages and in the
// parts of them that are fetched again; what is no zone is ignored.
func TestTimesFollowTheZone(t *testing.T) {
	w := newWorld(t)
	id := w.agent("Ada", "rehearsal")
	w.livesIn(id, "Asia/Kolkata")
	w.end(id)
	for zone, want := range map[string]string{
		"": "UTC", "utc": "UTC", "agent": "+05:30 Asia/Kolkata", "Asia/Tokyo": "+09:00 Asia/Tokyo", "Nowhere/Else": "UTC", "Local": "UTC",
		"..%2F..%2Fetc%2Fpasswd": "UTC",
	} {
		t.Run(zone, func(t *testing.T) {
			viewer := w.as(fleet.RoleViewer).in(zone)
			page := "/fleet/" + string(id)
			for name, a := range map[string]answer{"list": viewer.get("/fleet?status=ended"), "agent": viewer.get(page), "history": viewer.get(page + "?tab=history"), "row": viewer.row(id)} {
				if got := a.title("#list time, #tab-live time, [data-testid=status] time, .flags time, tr time"); !strings.HasSuffix(got, " "+want) {
					t.Errorf("%s: %q, not in %s", name, got, want)
				}
			}
			if got := viewer.script("agent-top").get(page).title("time"); !strings.HasSuffix(got, " "+want) {
				t.Errorf("the part fetched again: %q, not in %s", got, want)
			}
		})
	}
}

// In the night when the clocks go back the repeated hour is told apart, and in
// the one when they go forward the hour that is left out is never shown.
func TestLogTimesInANightThatChangesTheClocks(t *testing.T) {
	w := newWorld(t)
	id := w.agent("Ada", "assistant")
	at := func(text string) time.Time {
		got, err := time.Parse(time.RFC3339, text)
		must(t, err)
		return got
	}
	var lines []fleet.LogLine
	for _, text := range []string{"2026-03-29T00:59:59Z", "2026-03-29T01:00:00Z", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"} {
		lines = append(lines, fleet.LogLine{At: at(text), Epoch: 1, Level: "info", Text: text})
	}
	must(t, w.store.Write(t.Context(), func(tx *store.Tx) error { return tx.AddLogs(id, lines) }))
	viewer := w.as(fleet.RoleViewer).in("Europe/Paris")
	want := []string{
		"03-29 01:59:59 | 2026-03-29 01:59:59 +01:00 Europe/Paris, run 1", "03-29 03:00:00 | 2026-03-29 03:00:00 +02:00 Europe/Paris, run 1",
		"10-25 02:30:00 | 2026-10-25 02:30:00 +02:00 Europe/Paris, run 1", "10-25 02:30:00 | 2026-10-25 02:30:00 +01:00 Europe/Paris, run 1",
	}
	for name, a := range map[string]answer{"tab": viewer.get("/fleet/" + string(id) + "?tab=logs"), "lines": viewer.script("").get("/fleet/" + string(id) + "/logs?after=0")} {
		times := a.Find("[data-testid=log-line] time")
		for i, line := range want {
			one := times.Eq(i)
			if got := one.Text() + " | " + one.AttrOr("title", ""); got != line {
				t.Errorf("%s: %q, not %q", name, got, line)
			}
		}
	}
	if got := viewer.get("/fleet/" + string(id) + "?tab=logs").words("[data-zone]"); !strings.Contains(got, "Europe/Paris") {
		t.Errorf("the zone of the log is %q", got)
	}
	if body := viewer.get("/fleet/" + string(id) + "/logs.txt").body; !strings.Contains(body, "2026-10-25T02:30:00.000+01:00") {
		t.Errorf("the download: %s", body)
	}
	if body := w.as(fleet.RoleViewer).get("/fleet/" + string(id) + "/logs.txt").body; !strings.Contains(body, "2026-10-25T01:30:00.000Z") {
		t.Errorf("the download in UTC: %s", body)
	}
}

// A date and time that is typed is in the zone that its hint names, also when
// another one is chosen before the form is sent.
func TestTypedTimesAreInTheZoneOfTheHint(t *testing.T) {
	w := newWorld(t)
	id := w.agent("Ada", "assistant")
	w.livesIn(id, "Asia/Tokyo")
	for zone, want := range map[string]struct{ name, due string }{
		"": {"Asia/Tokyo", "2030-07-01T03:00:00Z"}, "agent": {"Asia/Tokyo", "2030-07-01T03:00:00Z"},
		"utc": {"UTC", "2030-07-01T12:00:00Z"}, "Europe/Paris": {"Europe/Paris", "2030-07-01T10:00:00Z"},
	} {
		t.Run(zone, func(t *testing.T) {
			form := w.as(fleet.RoleOperator).in(zone).get("/fleet/" + string(id) + "?tab=tasks")
			if got := form.words("#f-dueAt-hint"); !strings.Contains(got, "Time in "+want.name+".") {
				t.Errorf("hint %q", got)
			}
			sent := form.Find("form:has([name=dueAt]) [name=zone]").AttrOr("value", "none")
			a := w.as(fleet.RoleOperator).in("Pacific/Auckland").post("/fleet/"+string(id)+"/tasks", "type", "custom", "dueAt", "2030-07-01T12:00", "zone", sent)
			if a.status != http.StatusSeeOther {
				t.Fatalf("%d %s", a.status, a.words("main"))
			}
			tasks, _, err := w.app.Tasks(t.Context(), fleet.System(w.team, "test"), id, "", app.PageInput{Limit: 1})
			must(t, err)
			if got := tasks[0].DueAt.UTC().Format(time.RFC3339); got != want.due {
				t.Errorf("due %s, not %s", got, want.due)
			}
		})
	}
}

func TestZoneIsChosenWithoutAScript(t *testing.T) {
	w := newWorld(t)
	viewer := w.as(fleet.RoleViewer)
	from := []string{"Referer", w.url + "/alerts?state=resolved", "Content-Type", "application/x-www-form-urlencoded"}
	a := viewer.do("POST", "/zone", url.Values{"zone": {"utc"}}.Encode(), from...)
	if a.status != http.StatusSeeOther || a.header.Get("Location") != "/alerts?state=resolved" || a.cookie != "zone=utc" {
		t.Errorf("%d to %q with %q", a.status, a.header.Get("Location"), a.cookie)
	}
	if a := viewer.post("/zone", "zone", "utc", "name", "Europe/Kyiv", "from", "//elsewhere.example/"); a.cookie != "zone=Europe/Kyiv" || a.header.Get("Location") != "/fleet" {
		t.Errorf("to %q with %q", a.header.Get("Location"), a.cookie)
	}
	if a := viewer.post("/zone", "name", "Middle/Earth"); a.status != http.StatusUnprocessableEntity || a.cookie != "" || a.words("#f-name-error") == "" {
		t.Errorf("a zone that is not: %d %q", a.status, a.cookie)
	}
	page := viewer.in("Europe/Kyiv").get("/zone")
	if got := page.Find("#f-zone [selected]").AttrOr("value", ""); got != "Europe/Kyiv" {
		t.Errorf("the form has %q", got)
	}
	if got := viewer.in("agent").get("/fleet").Find("#zone-menu [selected]").AttrOr("value", ""); got != "agent" {
		t.Errorf("the menu has %q", got)
	}
}
