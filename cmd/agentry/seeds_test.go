package main_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// testdata/seeds holds client code of the API documents that this server keeps
// to, as it stands there. Only the host and the key are put in; a few lines
// behind it call its functions.

// seeds runs client code against a server.
type seeds struct {
	client
	// names puts a word in the place of each known id in the output.
	names map[string]string
}

func newSeeds(c client) *seeds { return &seeds{client: c, names: map[string]string{}} }

// ended makes an agent that has ended, and calls it name in the output.
func (s *seeds) ended(name string) string {
	s.t.Helper()
	id := s.create("rehearsal", name)
	s.act(id, "end", "")
	return s.named(id, name)
}

func (s *seeds) named(id, name string) string {
	s.names[id] = name
	return id
}

// read returns a file of client code with the host and the key put in.
func (s *seeds) read(name string) string {
	s.t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "seeds", name))
	must(s.t, err)
	hosts := strings.NewReplacer("https://api.kakiyo.com", s.url, "http://localhost:3000", s.url, "https://api.example.com", s.url, "YOUR_API_KEY", s.key)
	return hosts.Replace(string(raw))
}

// node runs files of client code, in one module, with more code behind.
func (s *seeds) node(files []string, behind string) string {
	s.t.Helper()
	var code strings.Builder
	for _, name := range files {
		code.WriteString(s.read(name) + "\n")
	}
	return s.run("node", "program.mjs", code.String()+behind)
}

func (s *seeds) py(file, behind string) string {
	s.t.Helper()
	return s.run(pythonWithRequests(s.t), "program.py", s.read(file)+behind)
}

func (s *seeds) run(program, file, code string) string {
	s.t.Helper()
	path := filepath.Join(s.t.TempDir(), file)
	must(s.t, os.WriteFile(path, []byte(code), 0o600))
	return s.command(program, path)
}

// command returns what a program writes, with ids and times made the same.
func (s *seeds) command(name string, args ...string) string {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.t.Fatalf("%s: %v\n%s", name, err, out)
	}
	return s.plain(string(out))
}

func (s *seeds) plain(out string) string {
	for id, name := range s.names {
		out = strings.ReplaceAll(out, id, name)
	}
	out = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`).ReplaceAllString(out, "<id>")
	out = regexp.MustCompile(`\b1[0-9]{12}\b`).ReplaceAllString(out, "<ms>")
	out = regexp.MustCompile(`\b20[0-9]{2}-[0-9]{2}-[0-9]{2}\b`).ReplaceAllString(out, "<day>")
	return strings.TrimRight(out, "\n")
}

// curl runs the nth command of a file, from 0, with the id put in where the
// file has its example.
func (s *seeds) curl(file string, n int, id string) string {
	s.t.Helper()
	line := strings.Split(s.read(file), "\n\n")[n]
	if id != "" {
		line = strings.NewReplacer("{agentId}", id, "550e8400-e29b-41d4-a716-446655440000", id, "agent_123", id).Replace(line)
	}
	return s.command("sh", "-c", "exec 2>/dev/null; "+line)
}

// pythonWithRequests finds the Python that has the library: where another
// version shadows the system's, it may lack the system's packages.
func pythonWithRequests(t testing.TB) string {
	t.Helper()
	for _, python := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(python, "-c", "import requests").Run() == nil {
			return python
		}
	}
	t.Fatal("the client code in Python needs Python 3 with requests: install python3-requests")
	return ""
}

// kinds of the client tests: nothing is signed in, and setup stays under way.
const seedKinds = `
[kinds.bot]
driver  = "process"
command = ["/bin/sh", "-c", "exec sleep 1000"]
setup   = ["login", "password", "country"]
grace   = "1s"
`

func TestSeedsOfRelaunchAndDelete(t *testing.T) {
	t.Parallel()
	w := newWorld(t, seedKinds)
	elsewhere := w.foreign().create("rehearsal", "Elsewhere")
	running := w.create("assistant", "Running")
	w.act(running, "start", "")
	for name, story := range map[string]func(*seeds){
		"relaunch in JavaScript":      relaunchInJavaScript,
		"relaunch with every error":   relaunchSafely,
		"relaunch and set up":         relaunchCompletely,
		"relaunch many":               relaunchMany,
		"relaunch and watch":          relaunchAndWatch,
		"relaunch in Python":          relaunchInPython,
		"relaunch and delete by cURL": byCurl,
		"delete in JavaScript":        deleteInJavaScript,
		"delete with every error":     deleteSafely,
		"delete after a look":         deleteAfterALook,
		"delete in Python":            deleteInPython,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSeeds(client{t, w.url, w.key})
			s.named(running, "RUNNING")
			s.named(elsewhere, "ELSEWHERE")
			story(s)
		})
	}
}

// id is the id of a name that named gave.
func (s *seeds) id(name string) string {
	for id, n := range s.names {
		if n == name {
			return id
		}
	}
	s.t.Fatalf("no agent %s", name)
	return ""
}

const unknownID = "0190a5d0-0000-7000-8000-000000000000"

// each calls a function of the client code for agents, one after the other,
// and prints what it returns or throws.
func each(function string, ids ...string) string {
	return fmt.Sprintf(`
for (const id of %s) {
  try { console.log(JSON.stringify(await %s(id))); } catch (error) { console.log("threw", error.message); }
}
`, jsList(ids), function)
}

func jsList(ids []string) string { return `["` + strings.Join(ids, `","`) + `"]` }

func (s *seeds) writes(got string, lines ...string) {
	s.t.Helper()
	if want := strings.Join(lines, "\n"); got != want {
		s.t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func relaunchInJavaScript(s *seeds) {
	id := s.ended("ENDED")
	s.writes(s.node([]string{"relaunch.js"}, each("relaunchAgent", id, id, s.id("RUNNING"), s.id("ELSEWHERE"), unknownID)),
		"Relaunch failed: Failed to relaunch agent: Agent not found",
		`{"message":"Agent relaunched successfully","status":"setup_needed"}`,
		"threw Failed to relaunch agent: Agent can only be relaunched when status is ended",
		"threw Failed to relaunch agent: Agent can only be relaunched when status is ended",
		"threw Failed to relaunch agent: You do not have access to this agent",
		"threw Failed to relaunch agent: Agent not found")
}

func relaunchSafely(s *seeds) {
	id := s.ended("ENDED")
	s.writes(s.node([]string{"relaunch_safe.js"}, each("safeRelaunchAgent", id, id, s.id("RUNNING"), s.id("ELSEWHERE"), "agent_123")),
		`{"message":"Agent relaunched successfully","status":"setup_needed"}`,
		"Relaunch agent error: Agent cannot be relaunched. Current status: setup_needed. Agent must be ended first.",
		"threw Agent cannot be relaunched. Current status: setup_needed. Agent must be ended first.",
		"Relaunch agent error: Agent cannot be relaunched. Current status: running. Agent must be ended first.",
		"threw Agent cannot be relaunched. Current status: running. Agent must be ended first.",
		"Relaunch agent error: You do not have permission to relaunch this agent.",
		"threw You do not have permission to relaunch this agent.",
		"Relaunch agent error: Agent not found. Please check the agent ID.",
		"threw Agent not found. Please check the agent ID.")
}

func relaunchCompletely(s *seeds) {
	id := s.ended("ENDED")
	s.writes(s.node([]string{"relaunch.js", "relaunch_complete.js"}, fmt.Sprintf(`
console.log(JSON.stringify(await completeAgentRelaunch(%q, newConfig)));
console.log(JSON.stringify(await completeAgentRelaunch(%q, newConfig)));
`, id, s.id("RUNNING"))),
		"Relaunch failed: Failed to relaunch agent: Agent not found",
		"Relaunch workflow result: {",
		"  success: false,",
		"  error: 'Agent status is undefined. Cannot relaunch until ended.'",
		"}",
		"✓ Agent relaunched: Agent relaunched successfully",
		"✓ Agent setup completed",
		`{"success":true,"agentId":"ENDED","status":"setup_completed","message":"Agent successfully relaunched and configured"}`,
		`{"success":false,"error":"Agent status is running. Cannot relaunch until ended."}`)
	a := s.becomes(id, "running", "up")
	if *a.Login != "new_linkedin_email@example.com" || *a.Country != "FR" || a.Incarnation != 2 {
		s.t.Errorf("after the workflow: %+v", a)
	}
}

func relaunchMany(s *seeds) {
	one, two := s.ended("ONE"), s.ended("TWO")
	s.writes(s.node([]string{"relaunch.js", "relaunch_many.js"}, fmt.Sprintf(`
console.log(JSON.stringify(await relaunchMultipleAgents(%s)));
`, jsList([]string{one, s.id("RUNNING"), two}))),
		"Relaunch failed: Failed to relaunch agent: Agent not found",
		"✗ Failed to relaunch agent agent_123: Failed to relaunch agent: Agent not found",
		"✗ Failed to relaunch agent agent_456: Failed to relaunch agent: Agent not found",
		"✗ Failed to relaunch agent agent_789: Failed to relaunch agent: Agent not found",
		"Relaunch completed: 0 successful, 3 failed",
		"✓ Relaunched agent ONE",
		"✗ Failed to relaunch agent RUNNING: Failed to relaunch agent: Agent can only be relaunched when status is ended",
		"✓ Relaunched agent TWO",
		`[{"agentId":"ONE","success":true,"status":"setup_needed","message":"Agent relaunched successfully"},`+
			`{"agentId":"RUNNING","success":false,"error":"Failed to relaunch agent: Agent can only be relaunched when status is ended"},`+
			`{"agentId":"TWO","success":true,"status":"setup_needed","message":"Agent relaunched successfully"}]`)
}

// relaunchAndWatch waits half minutes: here each is over at once, and in the
// second of them somebody sets the agent up.
func relaunchAndWatch(s *seeds) {
	watched := s.create("bot", "WATCHED")
	s.named(watched, "WATCHED")
	s.act(watched, "end", "")
	left := s.ended("LEFT")
	s.writes(s.node([]string{"relaunch.js", "relaunch_monitor.js"}, fmt.Sprintf(`
const realSetTimeout = globalThis.setTimeout;
let waits = 0;
const setUp = () => fetch('%s/v1/agents/%s/setup', {
  method: 'POST', headers: { 'Authorization': 'Bearer %s' },
  body: JSON.stringify({ login: 'a@example.com', password: 'secret enough', country: 'FR' }),
});
globalThis.setTimeout = (f, ms, ...rest) => {
  if (ms !== 30000) return realSetTimeout(f, ms, ...rest);
  if (++waits === 2) return setUp().then(f);
  return realSetTimeout(f, 0);
};
console.log(JSON.stringify(await monitorAgentRelaunch(%q)));
console.log(JSON.stringify(await monitorAgentRelaunch(%q)));
`, s.url, watched, s.key, watched, left)),
		"Relaunch failed: Failed to relaunch agent: Agent not found",
		"Monitoring agent status after relaunch...",
		"Initial status: setup_needed",
		"Status check 1: setup_needed",
		"Status check 2: auth_in_progress",
		`{"finalStatus":"auth_in_progress","checksPerformed":2}`,
		"Monitoring agent status after relaunch...",
		"Initial status: setup_needed",
		"Status check 1: setup_needed", "Status check 2: setup_needed", "Status check 3: setup_needed",
		"Status check 4: setup_needed", "Status check 5: setup_needed", "Status check 6: setup_needed",
		"Status check 7: setup_needed", "Status check 8: setup_needed", "Status check 9: setup_needed",
		"Status check 10: setup_needed",
		`{"finalStatus":"setup_needed","checksPerformed":10}`)
}

// forEach is each in Python.
func forEach(function string, ids ...string) string {
	return fmt.Sprintf(`
import json
for id in %s:
    try:
        print(json.dumps(%s(id)))
    except Exception as e:
        print("raised", e)
`, jsList(ids), function)
}

func relaunchInPython(s *seeds) {
	id := s.ended("ENDED")
	s.writes(s.py("relaunch.py", forEach("relaunch_agent", id, s.id("RUNNING"), s.id("ELSEWHERE"), unknownID)),
		"Relaunch failed: Failed to relaunch agent: Agent not found",
		`{"message": "Agent relaunched successfully", "status": "setup_needed"}`,
		"raised Failed to relaunch agent: Agent can only be relaunched when status is ended",
		"raised Failed to relaunch agent: You do not have access to this agent",
		"raised Failed to relaunch agent: Agent not found")
}

func byCurl(s *seeds) {
	id := s.ended("ENDED")
	s.writes(s.curl("relaunch.sh", 0, ""), `{"error":"not_found","message":"Agent not found"}`)
	s.writes(s.curl("relaunch.sh", 0, s.id("ELSEWHERE")), `{"error":"forbidden","message":"You do not have access to this agent"}`)
	s.writes(s.curl("relaunch.sh", 0, s.id("RUNNING")),
		`{"error":"invalid_status","message":"Agent can only be relaunched when status is ended","currentStatus":"running"}`)
	s.writes(s.curl("relaunch.sh", 0, id), `{"message":"Agent relaunched successfully","status":"setup_needed"}`)

	s.writes(s.curl("delete.sh", 0, ""), `{"error":"not_found","message":"Agent not found"}`)
	s.writes(s.curl("delete.sh", 0, s.id("ELSEWHERE")), `{"error":"forbidden","message":"You do not have access to this agent"}`)
	s.writes(s.curl("delete.sh", 0, s.id("RUNNING")),
		`{"error":"invalid_status","message":"Agent can only be deleted when status is ended","currentStatus":"running"}`)
	s.act(id, "end", "")
	s.writes(s.curl("delete.sh", 0, id), `{"message":"Agent deleted successfully","deletionId":"<id>"}`)
	s.writes(s.curl("delete.sh", 0, id), `{"error":"not_found","message":"Agent not found"}`)
}

func deleteInJavaScript(s *seeds) {
	id := s.ended("ENDED")
	s.writes(s.node([]string{"delete.js"}, each("deleteAgent", id, id, s.id("RUNNING"), s.id("ELSEWHERE"))),
		"Delete failed: Failed to delete agent: Agent not found",
		`{"message":"Agent deleted successfully","deletionId":"<id>"}`,
		"threw Failed to delete agent: Agent not found",
		"threw Failed to delete agent: Agent can only be deleted when status is ended",
		"threw Failed to delete agent: You do not have access to this agent")
}

func deleteSafely(s *seeds) {
	id := s.ended("ENDED")
	s.writes(s.node([]string{"delete_safe.js"}, each("safeDeleteAgent", id, s.id("RUNNING"), s.id("ELSEWHERE"), "agent_123")),
		`{"message":"Agent deleted successfully","deletionId":"<id>"}`,
		"Delete agent error: Agent cannot be deleted. Current status: running. Agent must be ended first.",
		"threw Agent cannot be deleted. Current status: running. Agent must be ended first.",
		"Delete agent error: You do not have permission to delete this agent.",
		"threw You do not have permission to delete this agent.",
		"Delete agent error: Agent not found. Please check the agent ID.",
		"threw Agent not found. Please check the agent ID.")
}

func deleteAfterALook(s *seeds) {
	id := s.ended("ENDED")
	s.writes(s.node([]string{"delete.js", "delete_workflow.js"}, each("safeAgentDeletion", id, s.id("RUNNING"), id)),
		"Delete failed: Failed to delete agent: Agent not found",
		`{"success":true,"message":"Agent deleted successfully"}`,
		"Agent status is running. Cannot delete until ended.",
		`{"success":false,"reason":"Agent not ended"}`,
		"Agent status is undefined. Cannot delete until ended.",
		`{"success":false,"reason":"Agent not ended"}`)
}

func deleteInPython(s *seeds) {
	id := s.ended("ENDED")
	s.writes(s.py("delete.py", forEach("delete_agent", id, s.id("RUNNING"), s.id("ELSEWHERE"), unknownID)),
		"Delete failed: Failed to delete agent: Agent not found",
		`{"message": "Agent deleted successfully", "deletionId": "<id>"}`,
		"raised Failed to delete agent: Agent can only be deleted when status is ended",
		"raised Failed to delete agent: You do not have access to this agent",
		"raised Failed to delete agent: Agent not found")
}

// TestSeedOfDeletingMany has a team of its own: it deletes all that ended.
func TestSeedOfDeletingMany(t *testing.T) {
	t.Parallel()
	w := newWorld(t, seedKinds)
	s := newSeeds(client{t, w.url, w.key})
	s.ended("ONE")
	kept := w.create("rehearsal", "Kept")
	guarded := s.ended("TWO")
	w.act(guarded, "protect", `{"reason":"evidence"}`)
	s.ended("WOT")
	got := s.node([]string{"delete.js", "delete_many.js"}, "console.log(JSON.stringify(await cleanupEndedAgents()));")
	s.writes(got,
		"Delete failed: Failed to delete agent: Agent not found",
		"Found 3 ended agents to clean up",
		"✓ Deleted agent ONE",
		"✗ Failed to delete agent TWO: Failed to delete agent: The agent is protected by init since <day>: evidence",
		"✓ Deleted agent WOT",
		`[{"id":"ONE","success":true},{"id":"TWO","success":false,"error":"Failed to delete agent: The agent is protected by init since <day>: evidence"},{"id":"WOT","success":true}]`)
	var left []agent
	w.client.want(200, "-", "GET", "/v1/agents", "").into(t, &left)
	if len(left) != 2 || left[0].ID != kept || left[1].ID != guarded {
		t.Errorf("left: %+v", left)
	}
}

// TestSeedsOfStart runs the examples that send no key where the host trusts
// this machine, and those that do anywhere.
func TestSeedsOfStart(t *testing.T) {
	t.Parallel()
	w := newWorld(t, seedKinds, "--trust-loopback")
	s := newSeeds(client{t, w.url, w.key})
	fresh := func(name string) string { return s.named(s.create("assistant", name), name) }
	started := func(name string, autonomy bool) string {
		return fmt.Sprintf(`{"success":true,"message":"Agent started successfully","data":{"agentId":%q,"status":"active","startedAt":<ms>,"enableAutonomy":%t}}`, name, autonomy)
	}
	one := fresh("ONE")
	s.writes(s.curl("start.sh", 0, one), started("ONE", true))
	s.writes(s.curl("start.sh", 0, one), `{"success":false,"error":"Agent is already running"}`)
	s.writes(s.curl("start.sh", 1, fresh("TWO")), started("TWO", false))
	s.writes(s.curl("start.sh", 2, fresh("THREE")), started("THREE", true))
	four := fresh("FOUR")
	s.writes(s.curl("start.sh", 3, four), started("FOUR", false))
	if got := s.curl("start.sh", 4, four); !strings.Contains(got, `"status":"active"`) || !strings.Contains(got, `"settings":{"maxTokens":2000,"temperature":0.8}`) {
		t.Errorf("the agent that was started: %s", got)
	}
	s.writes(s.curl("start.sh", 1, ""), `{"success":false,"error":"Agent not found"}`)
	s.writes(s.curl("start.sh", 1, "agent_123"), `{"success":false,"error":"Invalid agent ID format"}`)
	s.writes(s.curl("start.sh", 1, s.ended("ENDED")), `{"success":false,"error":"Agent cannot be started when status is ended"}`)

	program := func(file, id string) string {
		return strings.ReplaceAll(s.read(file), "550e8400-e29b-41d4-a716-446655440000", id)
	}
	s.writes(s.run("node", "start.mjs", program("start.js", fresh("FIVE"))), "Agent started successfully", "Agent status: active")
	s.writes(s.run(pythonWithRequests(t), "start.py", program("start.py", fresh("SIX"))), "Agent started successfully", "Agent status: active")
	_, code, _ := strings.Cut(program("start.ts", fresh("SEVEN")), "} const agentId")
	code = "const agentId" + strings.NewReplacer(": StartAgentRequest", "", ": StartAgentResponse", "").Replace(code)
	s.writes(s.run("node", "start.mjs", code+"console.log(JSON.stringify(result));"), started("SEVEN", false))
}

// TestSeedsOfStartWithoutTrust: only the example with a key works.
func TestSeedsOfStartWithoutTrust(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	s := newSeeds(client{t, w.url, w.key})
	id := s.named(s.create("assistant", "ONE"), "ONE")
	for _, n := range []int{0, 1, 3, 4} {
		s.writes(s.curl("start.sh", n, id), `{"success":false,"error":"Missing or invalid API key"}`)
	}
	s.writes(s.curl("start.sh", 2, id), `{"success":true,"message":"Agent started successfully","data":{"agentId":"ONE","status":"active","startedAt":<ms>,"enableAutonomy":true}}`)
}
