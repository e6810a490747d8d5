package main_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestDemo: what the demo prints works, its agents live, the examples of the
// API run against it word for word, and nothing of it stays.
func TestDemo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p, err := startProcess(plainBinary(), dir, "demo", "--addr", "127.0.0.1:0")
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
	if !strings.Contains(p.stdout.String(), "browser profiles are a stand-in's on this machine") {
		t.Errorf("the demo does not say that its vendor is none:\n%s", p.stdout)
	}
	all := reachesEveryStatus(t, c)

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
