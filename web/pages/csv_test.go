package pages_test

import (
	"encoding/csv"
	"strings"
	"testing"

	"agentry/internal/fleet"
)

// The list's CSV has what the list shows, with its filters and its order, on
// all of its pages.
func TestFleetAsCSV(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"Ada", "Bruno", "Chiyo"} {
		w.agent(name, "assistant")
	}
	w.end(w.agent("Grace", "assistant"))
	names := func(path string) string {
		t.Helper()
		a := w.as(fleet.RoleViewer).get(path)
		rows, err := csv.NewReader(strings.NewReader(a.body)).ReadAll()
		if err != nil || a.status != 200 || rows[0][1] != "name" {
			t.Fatalf("%s: %d %v %.200s", path, a.status, err, a.body)
		}
		var list []string
		for _, row := range rows[1:] {
			list = append(list, row[1])
		}
		return strings.Join(list, " ")
	}
	for query, want := range map[string]string{"?sort=name": "Ada Bruno Chiyo", "?status=ended": "Grace", "?q=chi": "Chiyo", "?sort=-createdAt&status=setup_needed": "Chiyo Bruno Ada", "?q=nobody": ""} {
		page := w.as(fleet.RoleViewer).get("/fleet" + query)
		href := page.Find("[data-testid=csv]").AttrOr("href", "")
		if got := names(href); got != want {
			t.Errorf("%s leads to %s with %q, want %q", query, href, got, want)
		}
	}
	for _, query := range []string{"status=gone", "sort=login"} {
		if a := w.as(fleet.RoleViewer).get("/fleet.csv?" + query); a.status != 400 || a.header.Get("Content-Disposition") != "" {
			t.Errorf("%s: %d %v", query, a.status, a.header)
		}
	}
}
