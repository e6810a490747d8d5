package main_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"agentry/internal/resource/fake"
)

// TestDemo: what the demo prints works, its agents live, the examples of the
// API run against it word for word, and nothing of it stays.
func TestDemo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	// The demo must not ask the vendor that the host has configured.
	asked := fakeVendor(t)
	file := filepath.Join(t.TempDir(), "agentry.toml")
	must(t, os.WriteFile(file, fmt.Appendf(nil, "gologin_api_base = %q\ngologin_token = %q\nproxy_check_url = %q\n", asked.URL(), asked.Token(), asked.URL()), 0o600))
	p, err := startProcess(plainBinary(), dir, "demo", "--addr", "127.0.0.1:0", "--config", file)
	must(t, err)
	t.Cleanup(p.kill)
	url, err := p.serving()
	must(t, err)
	printed := regexp.MustCompile(`(?m)^  sign in   (\S+)  (\S{10,})\n  API key   (agy_\w{36})\n\n  curl .*\n  curl -X POST (\S+)\n`).FindStringSubmatch(p.stdout.String())
	if printed == nil {
		t.Fatalf("the demo prints\n%s", p.stdout)
	}
	c := client{t, url, printed[3]}
	c.want(200, "-", "GET", "/v1/verify", "")
	if !strings.Contains(p.stdout.String(), "browser profiles and proxies are a stand-in's") {
		t.Errorf("the demo does not say that its vendor is none:\n%s", p.stdout)
	}
	all := reachesEveryStatus(t, c)
	holdsThingsOutside(t, c)
	if n := len(asked.Requests(0)); n != 0 {
		t.Errorf("the demo asked the configured vendor %d times", n)
	}

	// The start examples send no key and name this very agent.
	s := newSeeds(client{t, url, printed[3]})
	started := `{"success":true,"message":"Agent started successfully","data":{"agentId":"<id>","status":"active","startedAt":<ms>,"enableAutonomy":false}}`
	s.writes(s.command("sh", "-c", "exec 2>/dev/null; curl -X POST "+printed[4]), started)
	s.writes(s.curl("start.sh", 3, ""), `{"success":false,"error":"Agent is already running"}`)
	c.act("550e8400-e29b-41d4-a716-446655440000", "pause", "")
	s.writes(s.node([]string{"start.js"}, ""), "Agent started successfully", "Agent status: active")
	c.act("550e8400-e29b-41d4-a716-446655440000", "pause", "")
	s.writes(s.py("start.py", ""), "Agent started successfully", "Agent status: active")

	if left := programsOf(t, all); len(left) < 8 {
		t.Errorf("%d programs run, want at least 8", len(left))
	}
	must(t, p.stop())
	if left := programsOf(t, all); len(left) != 0 {
		t.Errorf("programs are left: %v", left)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	must(t, err)
	if len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	if _, err := os.Stat(filepath.Join(dir, "data")); err == nil {
		t.Error("the demo worked in the working folder")
	}
}

// reachesEveryStatus waits until the demo's agents are in all of them, and the
// ones that are led by hand where they go, and returns the ids.
func reachesEveryStatus(t *testing.T, c client) map[string]bool {
	t.Helper()
	ids := map[string]bool{}
	walked := map[string]string{
		"Chiyo Arai": "auth_needed auth/2fa_required", "Rosa Lindgren": "auth_needed auth/rejected",
		"Sven Haugen": "auth_in_progress", "Hana Kim": "running", "Nora, the assistant": "running",
		"Emil, of the examples": "setup_needed",
	}
	eventually(t, func() (string, bool) {
		var agents []agent
		c.want(200, "-", "GET", "/v1/agents", "").into(t, &agents)
		statuses, ready := map[string]int{}, 0
		for _, a := range agents {
			ids[a.ID] = true
			statuses[a.Status]++
			story := a.Status
			for _, al := range a.Alerts {
				story += " " + al.Type + "/" + al.SubType
			}
			if want, ok := walked[a.Name]; ok && strings.HasPrefix(story, want) {
				ready++
			}
		}
		return fmt.Sprint(len(agents), statuses, ready), len(agents) == 40 && len(statuses) == 7 && ready == len(walked)
	})
	return ids
}

func fakeVendor(t *testing.T) *fake.GoLogin {
	t.Helper()
	v, err := fake.NewGoLogin(fake.Options{})
	must(t, err)
	t.Cleanup(func() { must(t, v.Close(context.Background())) })
	return v
}

// holdsThingsOutside waits until the ledger shows every story of the demo:
// things held, given back, and one that cannot be given back.
func holdsThingsOutside(t *testing.T, c client) {
	t.Helper()
	type row struct {
		ID, AgentID, Type, State string
		ExternalID, LastError    *string
	}
	var rows []row
	eventually(t, func() (string, bool) {
		rows = nil
		c.want(200, "-", "GET", "/v1/resources?limit=200", "").into(t, &rows)
		n := map[string]int{}
		for _, r := range rows {
			n[r.Type+" "+r.State]++
		}
		return fmt.Sprint(n), n["profile held"] >= 20 && n["proxy held"] >= 5 && n["profile released"] == 2 &&
			n["proxy released"] >= 1 && n["profile leaked"] == 1 && n["profile wanted"]+n["profile acquiring"] == 0
	})
	for _, r := range rows {
		switch {
		case r.Type == "profile" && (r.ExternalID == nil || len(*r.ExternalID) != 24):
			t.Errorf("a profile without the stand-in's id: %+v", r)
		case r.State == "leaked" && (r.LastError == nil || !strings.Contains(*r.LastError, "403")):
			t.Errorf("leaked without the reason: %+v", r)
		}
	}
	var pool []struct{ Label, Health string }
	c.want(200, "-", "GET", "/v1/proxies", "").into(t, &pool)
	slices.SortFunc(pool, func(a, b struct{ Label, Health string }) int { return strings.Compare(a.Label, b.Label) })
	if got := fmt.Sprint(pool); got != "[{Berlin stand-in healthy} {London stand-in healthy} {New York stand-in quarantined}]" {
		t.Errorf("the pool has %s", got)
	}
	var certificates []struct{ Resources []row }
	c.want(200, "-", "GET", "/v1/deletions", "").into(t, &certificates)
	states := map[string]bool{}
	for _, v := range certificates {
		for _, r := range v.Resources {
			states[r.Type+" "+r.State] = true
		}
	}
	if len(certificates) != 2 || !states["profile released"] || !states["profile leaked"] {
		t.Errorf("%d certificates name %v", len(certificates), states)
	}
}
