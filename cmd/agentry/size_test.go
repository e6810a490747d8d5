package main_test

import (
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// manyAgents is a large fleet that can be made in the time of a test.
const manyAgents = 20_000

// TestLargeFleet: the server starts on a large fleet, counts it, and pages
// through all of it without a gap or a repeat.
func TestLargeFleet(t *testing.T) {
	t.Parallel()
	w := makeWorld(t, plainBinary(), "")
	w.admin("admin", "seed", "--team", w.team, "--agents", strconv.Itoa(manyAgents))
	w.serve()

	var all []agent
	a := w.client.want(200, "-", "GET", "/v1/agents", "")
	a.into(t, &all)
	statuses := map[string]int{}
	for _, a := range all {
		statuses[a.Status]++
	}
	if len(all) != manyAgents || len(statuses) != 5 {
		t.Fatalf("%d agents in %v, want %d in five", len(all), statuses, manyAgents)
	}
	for status, n := range statuses {
		if got := w.total("status=" + status); got != n {
			t.Errorf("%d agents are %s by count, %d by list", got, status, n)
		}
	}
	if got := w.total("status=paused,ended"); got != statuses["paused"]+statuses["ended"] {
		t.Errorf("%d are paused or ended, want %d", got, statuses["paused"]+statuses["ended"])
	}
	for _, order := range []string{"", "name", "-updatedAt"} {
		w.pagesThrough("sort="+order, manyAgents)
	}
	w.pagesThrough("status=ended", statuses["ended"])
	w.searches(all)
}

// total is the count of a filter.
func (w *world) total(query string) int {
	w.t.Helper()
	a := w.client.want(200, "-", "GET", "/v1/agents?limit=1&"+query, "")
	n, err := strconv.Atoi(a.header.Get("X-Total-Count"))
	must(w.t, err)
	return n
}

// pagesThrough follows the links from the first page to the last.
func (w *world) pagesThrough(query string, want int) {
	w.t.Helper()
	seen, last := map[string]bool{}, ""
	path := "/v1/agents?limit=200&" + strings.TrimPrefix(query, "sort=&")
	if query == "sort=" {
		path = "/v1/agents?limit=200"
	}
	for path != "" {
		a := w.client.want(200, "-", "GET", path, "")
		var page []agent
		a.into(w.t, &page)
		if got := a.header.Get("X-Total-Count"); got != strconv.Itoa(want) {
			w.t.Fatalf("%s: the total is %s, want %d", path, got, want)
		}
		for _, a := range page {
			if seen[a.ID] {
				w.t.Fatalf("%s: agent %s comes twice", path, a.ID)
			}
			seen[a.ID] = true
			if query == "sort=name" && strings.ToLower(a.Name) < last {
				w.t.Fatalf("%s: %q comes after %q", path, a.Name, last)
			}
			last = strings.ToLower(a.Name)
		}
		path = next(a)
	}
	if len(seen) != want {
		w.t.Errorf("%s: the pages have %d agents, want %d", query, len(seen), want)
	}
}

// next is where the next page is, "" for nowhere.
func next(a answer) string {
	for _, link := range a.header.Values("Link") {
		if m := regexp.MustCompile(`<([^>]+)>; rel="next"`).FindStringSubmatch(link); m != nil {
			return m[1]
		}
	}
	return ""
}

// searches looks for names as a person does.
func (w *world) searches(all []agent) {
	w.t.Helper()
	word := strings.Fields(all[len(all)/2].Name)[0]
	want := 0
	for _, a := range all {
		if strings.Contains(strings.ToLower(a.Name), strings.ToLower(word)) || a.Login != nil && strings.Contains(*a.Login, strings.ToLower(word)) {
			want++
		}
	}
	if got := w.total("q=" + url.QueryEscape(word)); got != want || want == 0 {
		w.t.Errorf("%d agents are found by %q, want %d", got, word, want)
	}
}

// BenchmarkFirstPage compares fleets of several sizes: the cost must not grow
// with the fleet.
func BenchmarkFirstPage(b *testing.B) {
	for _, size := range []int{100, 10_000, 100_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			w := makeWorld(b, plainBinary(), "")
			w.admin("admin", "seed", "--team", w.team, "--agents", strconv.Itoa(size))
			began := time.Now()
			w.serve()
			b.ReportMetric(float64(time.Since(began).Milliseconds()), "start-ms")
			for b.Loop() {
				w.client.want(200, "-", "GET", "/v1/agents?limit=50", "")
			}
		})
	}
}
