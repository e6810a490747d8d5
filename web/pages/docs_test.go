package pages_test

import (
	"net/http"
	"strings"
	"testing"

	"agentry/static"
)

func TestDocsShowTheExamplesAsTheyAre(t *testing.T) {
	w := newWorld(t)
	page := w.as("viewer").get("/docs")
	if page.status != http.StatusOK || page.Find("#calls dt").Length() != 5 || page.Find("#events dt").Length() < 10 {
		t.Fatalf("%d: %s", page.status, page.Text())
	}
	shown := page.Text()
	for _, e := range static.Examples() {
		if len(e.Text) < 1000 || !strings.Contains(shown, e.Text) {
			t.Errorf("%s is not on the page", e.Name)
		}
		if command := `command = ["` + strings.Join(e.Command, `", "`) + `"]`; !strings.Contains(shown, command) {
			t.Errorf("%s has no kind", e.Name)
		}
		href, _ := page.Find("a[download='" + e.Name + "']").Attr("href")
		raw := w.as("viewer").get(href)
		if raw.status != http.StatusOK || raw.body != e.Text || raw.header.Get("Content-Type") != "text/plain; charset=utf-8" {
			t.Errorf("%s at %q: %d %s", e.Name, href, raw.status, raw.header.Get("Content-Type"))
		}
	}
	for _, name := range []string{"main.go", "agent", "..%2fstatic.go", "x"} {
		if a := w.as("viewer").get("/docs/examples/" + name); a.status != http.StatusNotFound {
			t.Errorf("%s: %d", name, a.status)
		}
	}
	for _, path := range []string{"/docs", "/docs/examples/agent.py"} {
		if a := w.as("").get(path); a.status != http.StatusSeeOther {
			t.Errorf("a guest gets %s: %d", path, a.status)
		}
	}
	if w.as("viewer").get("/fleet").Find("a[href='/docs']").Length() == 0 {
		t.Error("no page leads there")
	}
}
