package gologin

import (
	"flag"
	"os"
	"strings"
	"testing"

	"agentry/internal/resource"
)

var update = flag.Bool("update", false, "write testdata")

// TestAWholeLife records every request of a profile's life. The file is
// compared with the API's reference by hand: look at its difference.
func TestAWholeLife(t *testing.T) {
	const held = `{"mode":"http","host":"gate.example.com","port":7000,"username":"user-de-1","password":"canary-password"}`
	path := "/browser/" + testID
	w := newWorld(t, map[string][]reply{
		"GET /user":                {{200, "", `{"_id":"65f0c0ffee0123456789aaaa","email":"canary@example.com","plan":{"maxProfiles":100}}`}},
		"GET /browser/v2":          {{200, "", `{"profiles":[],"allProfilesCount":0}`}, {200, "", `{"profiles":[{"id":"` + testID + `","name":"` + testName + `"}],"allProfilesCount":1}`}},
		"POST /browser/quick":      {{201, "", `{"id":"` + testID + `","name":"` + testName + `"}`}},
		"PATCH " + path + "/proxy": {{204, "", ""}},
		"GET " + path:              {{200, "", profileBody(held)}, {200, "", profileBody(`{"mode":"none"}`)}, {200, "", profileBody(`{"mode":"none"}`)}, refusal(404, "Profile not found")},
		"DELETE " + path + "/web":  {{204, "", ""}},
		"DELETE " + path:           {{204, "", ""}},
	})
	c := newClient(t, Config{Base: w.server.URL, Token: fixed(testToken), Version: "1.2.3"})
	steps := []struct {
		name string
		do   func() error
	}{
		{"check", func() error { return c.Check(t.Context()) }},
		{"find, before a second try to create", func() error { _, err := c.Find(t.Context(), testName); return err }},
		{"create", func() error { _, err := c.Create(t.Context(), testName); return err }},
		{"set its proxy", func() error {
			return c.SetProxy(t.Context(), testID, &resource.Endpoint{Scheme: "http", Host: "gate.example.com", Port: 7000, Username: "user-de-1", Password: "canary-password"})
		}},
		{"take its proxy away", func() error { return c.SetProxy(t.Context(), testID, nil) }},
		{"list, for the sweep", func() error { _, _, err := c.List(t.Context(), "agentry-", 1); return err }},
		{"delete", func() error { return c.Delete(t.Context(), testID, resource.Deletion{}) }},
		{"delete again", func() error { return c.Delete(t.Context(), testID, resource.Deletion{Again: true}) }},
		{"delete again, after it was gone", func() error { return c.Delete(t.Context(), testID, resource.Deletion{Again: true}) }},
	}
	var out strings.Builder
	for _, s := range steps {
		before := len(w.requests())
		if err := s.do(); err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		out.WriteString("# " + s.name + "\n")
		for i, line := range w.requests()[before:] {
			out.WriteString(line + "\n")
			head := w.heads[before+i]
			for _, name := range []string{"Authorization", "Content-Type", "Accept", "User-Agent"} {
				if value := head.Get(name); value != "" {
					out.WriteString("  " + name + ": " + strings.ReplaceAll(value, testToken, "<token>") + "\n")
				}
			}
		}
	}
	golden(t, "testdata/life.golden", out.String())
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (go test -update writes it):\n%s", path, got)
	}
}
