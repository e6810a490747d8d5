package web

import (
	"slices"
	"strings"
	"testing"

	"agentry/web/pages"
)

// What the pages name as their calls are routes, and every page of a member
// either has one or is known to show nothing that /v1 has.
func TestPagesAndTheirCalls(t *testing.T) {
	w := newWorld(t)
	byPath := map[string]route{}
	for _, r := range w.server.routes() {
		if r.method == "GET" {
			byPath[r.path] = r
		}
	}
	for _, call := range pages.Calls() {
		if byPath[call.Page].access.kind != bySession || byPath[call.Route].access.kind != byKey {
			t.Errorf("%s is no page, or %s no call", call.Page, call.Route)
		}
	}
	// Forms, parts of pages and what is of the browser alone.
	none := []string{"/", "/events", "/docs", "/docs/examples/:name", "/fleet/new", "/palette", "/storybook", "/zone", "/settings/security", "/audit/new"}
	for path, r := range byPath {
		last := path[strings.LastIndex(path, "/")+1:]
		form := slices.Contains([]string{"disable", "edit", "end", "forget", "new", "paste", "pause", "protect", "remove", "retry", "role", "row", "unprotect", "verify", "delete"}, last)
		file := strings.Contains(last, ".") || slices.Contains([]string{"export", "logs"}, last)
		if r.access.kind == bySession && !form && !file && !slices.Contains(none, path) && !slices.ContainsFunc(pages.Calls(), func(call pages.Call) bool { return call.Page == path }) {
			t.Errorf("%s shows no call: add it to pages.Calls", path)
		}
	}
}
