package web

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/web/stream"
)

func (w *world) many(n int) {
	w.t.Helper()
	for i := range n {
		_, err := w.app.Create(w.t.Context(), w.actor(), app.CreateInput{Name: fmt.Sprintf("agent %03d", i), Kind: "assistant"})
		must(w.t, err)
	}
}

func names(t *testing.T, body string) (list []string) {
	t.Helper()
	var agents []struct{ Name string }
	if err := json.Unmarshal([]byte(body), &agents); err != nil {
		t.Fatalf("%v: %.200s", err, body)
	}
	for _, a := range agents {
		list = append(list, a.Name)
	}
	return list
}

func TestListWithoutLimitIsWhole(t *testing.T) {
	w := newWorld(t)
	key := w.keys[fleet.ScopeRead]
	if a := w.do("GET", "/v1/agents", key, ""); a.body != "[]" || a.status != 200 {
		t.Errorf("an empty fleet: %d %s", a.status, a.body)
	}
	w.many(450)
	a := w.do("GET", "/v1/agents", key, "")
	list := names(t, a.body)
	if len(list) != 450 || list[0] != "agent 000" || list[449] != "agent 449" || a.header.Get("Link") != "" {
		t.Errorf("%d agents, %v", len(list), a.header)
	}
	if a.header.Get("Content-Type") != "application/json; charset=utf-8" {
		t.Errorf("type %s", a.header.Get("Content-Type"))
	}
	if a := w.do("HEAD", "/v1/agents", key, ""); a.status != 200 || a.body != "" {
		t.Errorf("HEAD: %d %s", a.status, a.body)
	}
	if list := names(t, w.do("GET", "/v1/agents?sort=-name&q=agent%2044", key, "").body); len(list) != 10 || list[0] != "agent 449" {
		t.Errorf("narrowed and turned round: %v", list)
	}
}

// The whole list comes as CSV too, with the same filters, in cells that no
// spreadsheet runs.
func TestListAsCSV(t *testing.T) {
	w := newWorld(t)
	w.many(210)
	must(t, w.rename("agent 007", "=HYPERLINK(\"x\"), \"quoted\"", []string{"+1", "vip"}))
	key := w.keys[fleet.ScopeRead]
	a := w.do("GET", "/v1/agents?format=csv", key, "")
	rows, err := csv.NewReader(strings.NewReader(a.body)).ReadAll()
	must(t, err)
	if a.status != 200 || len(rows) != 211 || a.header.Get("Content-Type") != "text/csv; charset=utf-8; header=present" || a.header.Get("Content-Disposition") != `attachment; filename="agents.csv"` {
		t.Fatalf("%d, %d rows, %v", a.status, len(rows), a.header)
	}
	cell := func(row []string, name string) string { return row[slices.Index(rows[0], name)] }
	if got := cell(rows[1], "name"); got != `'=HYPERLINK("x"), "quoted"` || cell(rows[1], "tags") != "'+1; vip" || cell(rows[1], "status") != "setup_needed" {
		t.Errorf("first row %q", rows[1])
	}
	if at, err := time.Parse(time.RFC3339, cell(rows[210], "createdAt")); err != nil || at.IsZero() || cell(rows[210], "endedAt") != "" || cell(rows[210], "name") != "agent 209" {
		t.Errorf("last row %q (%v)", rows[210], err)
	}
	b := w.do("GET", "/v1/agents?q=agent%2020&sort=-name", key, "", "Accept: text/csv")
	if rows, err := csv.NewReader(strings.NewReader(b.body)).ReadAll(); err != nil || len(rows) != 11 || rows[1][1] != "agent 209" || b.header.Get("Vary") != "Accept" {
		t.Errorf("narrowed: %v %v %v", rows, err, b.header)
	}
	for query, field := range map[string]string{"format=csv&limit=5": "limit", "format=xml": "format", "format=csv&status=gone": "status"} {
		if a := w.do("GET", "/v1/agents?"+query, key, ""); a.status != 400 || !strings.Contains(a.body, `"`+field+`":`) || a.header.Get("Content-Disposition") != "" {
			t.Errorf("%s: %d %s %v", query, a.status, a.body, a.header)
		}
	}
}

// rename finds the agent of a name and gives it another, and tags.
func (w *world) rename(from, to string, tags []string) error {
	p, err := w.app.Agents(w.t.Context(), w.actor(), app.ListInput{Q: from})
	if err != nil {
		return err
	}
	_, err = w.app.Update(w.t.Context(), w.actor(), p.Agents[0].ID, app.UpdateInput{Name: &to, Tags: &tags})
	return err
}

func TestPagesLeadOn(t *testing.T) {
	w := newWorld(t)
	w.many(25)
	key := w.keys[fleet.ScopeRead]
	path, all := "/v1/agents?limit=10&status=setup_needed&q=agent", []string{}
	next := regexp.MustCompile(`<([^>]+)>; rel="next"`)
	prev := regexp.MustCompile(`<([^>]+)>; rel="prev"`)
	var back string
	for pages := 0; path != "" && pages < 5; pages++ {
		a := w.do("GET", path, key, "")
		if a.status != 200 || a.header.Get("X-Total-Count") != "25" {
			t.Fatalf("%s: %d %s", path, a.status, a.body)
		}
		all = append(all, names(t, a.body)...)
		path = ""
		link := a.header.Get("Link")
		if m := next.FindStringSubmatch(link); m != nil {
			path = m[1]
		}
		if m := prev.FindStringSubmatch(link); m != nil {
			back = m[1]
		}
	}
	if len(all) != 25 || all[0] != "agent 000" || all[24] != "agent 024" {
		t.Errorf("pages gave %d: %v", len(all), all)
	}
	if list := names(t, w.do("GET", back, key, "").body); len(list) != 10 || list[0] != "agent 010" {
		t.Errorf("the page before the last: %v", list)
	}
	for _, query := range []string{"limit=0", "limit=201", "limit=x", "limit=5&cursor=x", "sort=login", "status=gone", "alerts=all", "cursor=abc"} {
		a := w.do("GET", "/v1/agents?"+query, key, "")
		field, _, _ := strings.Cut(query[strings.LastIndex(query, "&")+1:], "=")
		if a.status != 400 || !strings.Contains(a.body, `"fields":{"`+field+`"`) {
			t.Errorf("%s: %d %s", query, a.status, a.body)
		}
	}
}

// An error in the middle of a list must not look like a shorter list.
func TestBrokenListDoesNotLookWhole(t *testing.T) {
	w := newWorld(t)
	s := New(Config{App: w.app, Addr: "127.0.0.1:0", Log: w.server.log})
	list := func(n int, end func() error) handler {
		return func(c *fiber.Ctx, _ *caller) error {
			return stream.List(s.streams, c, func(_ context.Context, yield func(int) error) error {
				for i := range n {
					if err := yield(i); err != nil {
						return err
					}
				}
				return end()
			}, func(w *bufio.Writer, i int) error { _, err := fmt.Fprintf(w, `"%09d"`, i); return err })
		}
	}
	withRoute(s, route{method: "GET", path: "/v1/broken", access: public(), handle: list(50_000, func() error { return errors.New("lost") })})
	withRoute(s, route{method: "GET", path: "/v1/panics", access: public(), handle: list(50_000, func() error { panic("lost") })})
	withRoute(s, route{method: "GET", path: "/v1/early", access: public(), handle: list(0, func() error { return fleet.Invalid("x", "is wrong") })})
	withRoute(s, route{method: "GET", path: "/v1/whole", access: public(), handle: list(50_000, func() error { return nil })})
	must(t, s.Start(t.Context()))
	defer s.Stop(context.Background())
	w.url = "http://" + s.Addr()
	for _, path := range []string{"/v1/broken", "/v1/panics"} {
		res, err := w.client.Get(w.url + path)
		must(t, err)
		raw, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err == nil || json.Valid(raw) {
			t.Errorf("%s looks whole: %v, %d bytes", path, err, len(raw))
		}
	}
	if n := strings.Count(w.logs.String(), "list broken off"); n != 2 {
		t.Errorf("%d of 2 causes are in the log", n)
	}
	if a := w.do("GET", "/v1/early", "", ""); a.status != 400 {
		t.Errorf("an error before the first: %d %s", a.status, a.body)
	}
	if a := w.do("GET", "/v1/whole", "", ""); !json.Valid([]byte(a.body)) || strings.Count(a.body, ",") != 49_999 {
		t.Errorf("the whole: %d bytes", len(a.body))
	}
}
