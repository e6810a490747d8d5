package pages_test

import (
	"context"
	"encoding/csv"
	"fmt"
	"strings"
	"testing"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/internal/store"
)

// write changes the file beneath the application.
func (w *world) write(f func(tx *store.Tx) error) {
	w.t.Helper()
	must(w.t, w.store.Write(context.Background(), f))
}

// used counts for an agent, days back from its today.
func (w *world) used(id fleet.AgentID, back int, kind string, incarnation int, n int64) {
	w.t.Helper()
	v, err := w.app.Agent(w.t.Context(), fleet.System(w.team, "test"), id)
	must(w.t, err)
	w.write(func(tx *store.Tx) error {
		return tx.AddUsage(id, v.Hours.Day(w.app.Now().AddDate(0, 0, -back)), kind, incarnation, n)
	})
}

// cells are the texts of the cells of a row, with a bar between them.
func (a answer) cells(row string) string {
	var texts []string
	for _, cell := range a.Find(row).Find("th, td").EachIter() {
		texts = append(texts, strings.TrimSpace(cell.Text()))
	}
	return strings.Join(texts, "|")
}

func usageEvent(w *world, id fleet.AgentID) func(tx *store.Tx) error {
	return func(tx *store.Tx) error {
		return tx.AddEvent(fleet.Event{TeamID: w.team, AgentID: id, Type: fleet.EventUsage, At: w.app.Now()})
	}
}

func TestUsageTab(t *testing.T) {
	w := newWorld(t)
	id := w.agent("Ada", "assistant")
	path := "/fleet/" + string(id) + "?tab=usage"
	if a := w.as(fleet.RoleViewer).get(path); a.status != 200 || a.words("[data-testid=empty] b") == "" || a.Find("[data-plot]").Length() != 0 {
		t.Fatalf("nothing was counted: %d %s", a.status, a.words("main"))
	}
	w.end(id)
	_, err := w.app.Relaunch(t.Context(), fleet.System(w.team, "test"), id, app.ReasonInput{Reason: "again"})
	must(t, err)
	w.used(id, 40, "messages", 1, 7)
	w.used(id, 3, "messages", 1, 1000)
	w.used(id, 0, "messages", 1, 2)
	w.used(id, 0, "messages", 2, 3)
	w.used(id, 0, "<script>alert(1)</script>", 2, 4)

	a := w.as(fleet.RoleViewer).get(path)
	plot := a.Find("[data-plot]")
	if plot.Find("svg[role=img] path.l1").Length() != 1 || plot.Find("svg path.l2").Length() != 1 || plot.Find("path.mark").Length() == 0 {
		t.Errorf("without a script: %s", a.body)
	}
	if label, _ := plot.Find("svg[role=img]").Attr("aria-label"); !strings.Contains(label, "messages 1,005 in all, at most 1,000 a day; invitations 0 in all") {
		t.Error(label)
	}
	if got := a.cells("[data-testid=usage-day]:nth-child(2)"); !strings.HasSuffix(got, "|1|2|0") {
		t.Errorf("today's first incarnation is %q", got)
	}
	if got := a.cells("[data-testid=usage-day]:first-child"); !strings.HasSuffix(got, "|2|3|0") {
		t.Errorf("today's second incarnation is %q", got)
	}
	if got := a.cells("tfoot"); got != "In all||1,005|0" {
		t.Errorf("in all %q", got)
	}
	if got := a.words("figcaption"); !strings.HasPrefix(got, "Incarnation 2 from ") {
		t.Errorf("marks %q", got)
	}
	if strings.Contains(a.body, "<script>alert") || a.Find("[data-testid=counter]").Length() != 3 {
		t.Errorf("a counter's name is not harmless, or not offered: %s", a.words(".legend"))
	}
	if long := w.as(fleet.RoleViewer).get(path + "&days=90"); long.cells("tfoot") != "In all||1,012|0" || long.Find(".chip[aria-current]").First().Text() != "90 days" {
		t.Errorf("90 days: %s", long.cells("tfoot"))
	}
	if one := w.as(fleet.RoleViewer).get(path + "&incarnation=2&counter=messages&counter=tokens"); one.cells("tfoot") != "In all||3|0" || one.cells("thead") != "Day|Incarnation|messages|tokens" {
		t.Errorf("of one incarnation: %s %s", one.cells("thead"), one.cells("tfoot"))
	}
	if many := w.as(fleet.RoleViewer).get(path + "&counter=a&counter=b&counter=c&counter=d&counter=e&counter=f&counter=g&days=x&incarnation=-1"); many.status != 200 || many.Find("thead th").Length() != 8 {
		t.Errorf("more counters than lines: %d, %s", many.status, many.cells("thead"))
	}
	if part := w.as(fleet.RoleViewer).script("tab-live").get(path); part.Find("#tab-live").Length() != 1 || part.Find("header.top").Length() != 0 {
		t.Error("the live region is not answered alone")
	}
}

func TestUsageCSV(t *testing.T) {
	w := newWorld(t)
	id := w.agent("Ada “=1+1” Lindqvist", "assistant")
	for i, kind := range []string{"=1+1", "+1", "-1", "@SUM(A1)", "a,\"b\"", "messages"} {
		w.used(id, i, kind, 1, int64(i+1))
	}
	a := w.as(fleet.RoleViewer).get("/fleet/" + string(id) + "/usage.csv")
	if got := a.header.Get("Content-Type") + " " + a.header.Get("Content-Disposition"); a.status != 200 || got !=
		`text/csv; charset=utf-8; header=present attachment; filename="Ada-1-1-Lindqvist-`+string(id)[28:]+`-usage.csv"` {
		t.Errorf("%d %s", a.status, got)
	}
	rows, err := csv.NewReader(strings.NewReader(a.body)).ReadAll()
	must(t, err)
	if fmt.Sprint(rows[0]) != "[day kind incarnation count]" || len(rows) != 7 || !strings.Contains(a.body, "\r\n") {
		t.Fatalf("%q", a.body)
	}
	for i, kind := range []string{"messages", "a,\"b\"", "'@SUM(A1)", "'-1", "'+1", "'=1+1"} {
		if row := rows[i+1]; row[1] != kind || row[2] != "1" || row[3] != fmt.Sprint(6-i) {
			t.Errorf("row %d is %q", i, row)
		}
	}
	if bad := w.as(fleet.RoleViewer).get("/fleet/" + string(id) + "/usage.csv?from=yesterday"); bad.status != 400 || bad.header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("no day: %d %s", bad.status, bad.header.Get("Content-Type"))
	}
}

func TestSparkOfTheFleet(t *testing.T) {
	w := newWorld(t)
	id := w.agent("Ada", "assistant")
	viewer := w.as(fleet.RoleViewer)
	for path, a := range map[string]answer{"list": viewer.get("/fleet"), "row": viewer.row(id)} {
		if !strings.Contains(a.body, "M0 20H13") || !strings.Contains(a.body, "<title>Messages and invitations: none in 14 days</title>") {
			t.Errorf("%s without use: %s", path, a.body)
		}
	}
	w.used(id, 13, "invitations", 1, 10)
	w.used(id, 14, "messages", 1, 99)
	w.used(id, 1, "tokens", 1, 99)
	w.used(id, 0, "messages", 1, 5)
	for path, a := range map[string]answer{"list": viewer.get("/fleet"), "row": viewer.row(id)} {
		if want := "Messages and invitations: 15 in 14 days, at most 10 a day, 5 today"; !strings.Contains(a.body, want) || !strings.Contains(a.body, "M0 0 1 20 2 20") {
			t.Errorf("%s: %s", path, a.body)
		}
		// The bar: 5 of 25 messages, of which 10 are the least.
		if !strings.Contains(a.body, `<rect width="200"`) || !strings.Contains(a.body, "M400 0v10") || !strings.Contains(a.body, "The mark is the least: 10") {
			t.Errorf("%s: the bar is not right: %s", path, a.body)
		}
	}
}
