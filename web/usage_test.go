package web

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"agentry/internal/fleet"
)

// Usage comes as JSON or, where asked for, as CSV that a spreadsheet does not
// run; logs come behind or before a line.
func TestUsageAndLogsOfPrograms(t *testing.T) {
	w := newWorld(t)
	id := w.agent("assistant", fleet.Running)
	var events []string
	for i := range 5 {
		events = append(events, fmt.Sprintf(`{"id":"l%d","type":"log","level":"info","text":"line %d"}`, i, i))
	}
	events = append(events, `{"id":"u1","type":"usage","kind":"messages","count":2}`, `{"id":"u2","type":"usage","kind":"=1+1","count":3}`)
	if told := w.do("POST", "/runtime/v1/events", w.runner.tokenOf(id), `{"events":[`+strings.Join(events, ",")+`]}`); told.status != 200 || strings.Contains(told.body, `"error"`) {
		t.Fatal(told.body)
	}
	key, path := w.keys[fleet.ScopeRead], "/v1/agents/"+string(id)
	day := w.app.Now().Format("2006-01-02")
	asJSON := fmt.Sprintf(`[{"day":%[1]q,"kind":"=1+1","incarnation":1,"count":3},{"day":%[1]q,"kind":"messages","incarnation":1,"count":2}]`, day)
	asCSV := fmt.Sprintf("day,kind,incarnation,count\r\n%[1]s,'=1+1,1,3\r\n%[1]s,messages,1,2\r\n", day)
	for _, c := range []struct{ query, accept, body, media string }{
		{"", "", asJSON, "application/json; charset=utf-8"},
		{"", "*/*", asJSON, "application/json; charset=utf-8"},
		{"", "text/html", asJSON, "application/json; charset=utf-8"},
		{"", "text/csv", asCSV, "text/csv; charset=utf-8; header=present"},
		{"", "application/json;q=0.1, text/csv", asCSV, "text/csv; charset=utf-8; header=present"},
		{"?format=csv", "application/json", asCSV, "text/csv; charset=utf-8; header=present"},
		{"?format=json", "text/csv", asJSON, "application/json; charset=utf-8"},
		{"?format=csv&from=2999-01-01", "", "day,kind,incarnation,count\r\n", "text/csv; charset=utf-8; header=present"},
	} {
		a := w.do("GET", path+"/usage"+c.query, key, "", "Accept: "+c.accept)
		if a.status != 200 || a.body != c.body || a.header.Get("Content-Type") != c.media || a.header.Get("Vary") != "Accept" {
			t.Errorf("%+v: %d %s %q", c, a.status, a.header.Get("Content-Type"), a.body)
		}
	}
	if a := w.do("GET", path+"/usage?format=xml", key, ""); a.status != 400 || !strings.Contains(a.body, `"format":"must be one of json, csv"`) {
		t.Errorf("%d %s", a.status, a.body)
	}

	lines := func(query string) (ids []int64, texts string) {
		t.Helper()
		a := w.do("GET", path+"/logs"+query, key, "")
		var list []struct {
			ID   int64
			Text string
		}
		if err := json.Unmarshal([]byte(a.body), &list); err != nil {
			t.Fatalf("%s: %d %s", query, a.status, a.body)
		}
		for _, l := range list {
			ids, texts = append(ids, l.ID), texts+strings.TrimPrefix(l.Text, "line ")
		}
		return ids, texts
	}
	ids, all := lines("")
	if all != "01234" {
		t.Fatal(all)
	}
	for query, want := range map[string]string{
		fmt.Sprintf("?before=%d&limit=2", ids[3]): "12", fmt.Sprintf("?after=%d&limit=2", ids[1]): "23", fmt.Sprintf("?after=%d&before=%d", ids[0], ids[4]): "123",
		"?limit=1": "4", "?level=error": "", fmt.Sprintf("?before=%d", ids[0]): "",
	} {
		if _, got := lines(query); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
	if a := w.do("GET", path+"/logs?before=-1", key, ""); a.status != 400 {
		t.Errorf("%d %s", a.status, a.body)
	}
}
