package pages_test

import (
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"agentry/internal/fleet"
)

// turner is a name that turns the text behind it around where nothing holds it.
const turner = "Ada \u202Egnp.exe\u2067"

// loose are the texts of a page that have the name in them and stand in no
// element that holds its direction: bdi, or dir=auto. Titles, options and what
// is written in fields have a direction of their own.
func loose(s *goquery.Selection) []string {
	switch goquery.NodeName(s) {
	case "#text":
		if strings.Contains(s.Text(), "\u202E") {
			return []string{strings.TrimSpace(s.Text())}
		}
		return nil
	case "title", "script", "textarea", "option", "bdi":
		return nil
	}
	if s.AttrOr("dir", "") == "auto" {
		return nil
	}
	var out []string
	s.Contents().Each(func(_ int, child *goquery.Selection) { out = append(out, loose(child)...) })
	return out
}

// A name that turns the direction of writing turns nothing but itself, on every
// page that shows it.
func TestNamesHoldTheirDirection(t *testing.T) {
	w := newWorld(t)
	id := w.agent(turner, "rehearsal")
	gone := w.agent(turner, "assistant")
	w.resource(id, fleet.ResourceProxy, fleet.ResourceHeld, func(*fleet.Resource) {})
	owner := w.as(fleet.RoleOwner)
	seen := 0
	look := func(path string) {
		t.Helper()
		a := owner.get(path)
		if a.status >= 500 {
			t.Errorf("%s: %d", path, a.status)
		}
		seen += strings.Count(a.body, "\u202E")
		for _, text := range loose(a.Selection) {
			t.Errorf("%s: %q turns what stands behind it: dir=\"auto\" or <bdi>", path, text)
		}
	}
	agent := "/fleet/" + string(id)
	for _, path := range []string{"/fleet", "/fleet?q=Ada", "/alerts", "/resources", agent, agent + "/setup", agent + "/end", agent + "/disable", agent + "/protect", agent + "/delete", agent + "/relaunch"} {
		look(path)
	}
	for _, tab := range []string{"usage", "tasks", "alerts", "messages", "resources", "history", "logs"} {
		look(agent + "?tab=" + tab)
	}
	w.end(gone)
	for _, path := range []string{"/fleet?status=ended", "/fleet/" + string(gone), "/fleet/" + string(gone) + "/delete", "/fleet/" + string(gone) + "/relaunch"} {
		look(path)
	}
	if seen < 20 {
		t.Errorf("the name was seen %d times", seen)
	}
}
