package main_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// examplesDir is where the example programs of the page /docs lie.
const examplesDir = "../../static/examples"

// exampleCommands are what a host would write in the file.
func exampleCommands(t *testing.T) map[string][]string {
	t.Helper()
	dir, err := filepath.Abs(examplesDir)
	must(t, err)
	built := filepath.Join(t.TempDir(), "agent")
	out, err := exec.Command("go", "build", "-o", built, "agentry/static/examples/agent").CombinedOutput()
	if err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	list := map[string][]string{
		"go": {built}, "python": {"python3", dir + "/agent.py"}, "javascript": {"node", dir + "/agent.mjs"}, "shell": {"sh", dir + "/agent.sh"},
	}
	for name, command := range list {
		for _, program := range []string{command[0], "curl"} {
			if _, err := exec.LookPath(program); err != nil {
				t.Fatalf("%s: %v; make clients installs it", name, err)
			}
		}
	}
	return list
}

func TestExamplesAreShort(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"agent/main.go", "agent.py", "agent.mjs", "agent.sh"} {
		raw, err := os.ReadFile(filepath.Join(examplesDir, name))
		if n := strings.Count(string(raw), "\n"); err != nil || n >= 60 || n < 10 {
			t.Errorf("%s: %d lines, %v", name, n, err)
		}
	}
}

// TestExamplesLive runs each as a kind of the real server.
func TestExamplesLive(t *testing.T) {
	t.Parallel()
	config, commands := "", exampleCommands(t)
	for name, command := range commands {
		config += fmt.Sprintf("[kinds.%s]\ndriver = \"process\"\ngrace = \"5m\"\ncommand = [\"%s\"]\n", name, strings.Join(command, `", "`))
	}
	w := newWorld(t, config)
	for name := range commands {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			exampleLives(t, client{t, w.url, w.key}, name)
		})
	}
}

func exampleLives(t *testing.T, c client, kind string) {
	var a agent
	c.want(201, "-", "POST", "/v1/agents", `{"kind":"`+kind+`","name":"Ann","workingHours":{"days":"1:1:1:1:1:1:1","start":"00:00","stop":"00:00","timezone":"UTC"}}`).into(t, &a)
	var task struct{ ID, State string }
	c.want(201, "-", "POST", "/v1/agents/"+a.ID+"/tasks", `{"type":"report","payload":{"of":["a \"quoted\" {thing}"]}}`).into(t, &task)
	c.act(a.ID, "start", `{"enableAutonomy":true}`)
	c.becomes(a.ID, "running", "up")
	const text = `he said "hi, {you}: [a\\b]",` + "\n\ttwice"
	if m := c.ask(a.ID, "room", text); m.State != "replied" || m.Reply != "You said: "+text {
		t.Errorf("%+v", m)
	}
	if m := c.ask(a.ID, "room", strings.Repeat("é", 3000)); m.State != "replied" || len(m.Reply) > 4000 {
		t.Errorf("a reply of %d bytes", len(m.Reply))
	}
	eventually(t, func() (string, bool) {
		body := c.do("GET", "/v1/agents/"+a.ID+"/tasks", "").body
		return body, strings.Contains(body, `"state":"done"`) && !strings.Contains(body, `"state":"claimed"`)
	})
	c.want(200, "-", "PUT", "/v1/agents/"+a.ID, `{"settings":[{"key":"k","value":"v"}]}`)
	// It stops by itself: the kind's grace is longer than anybody waits here.
	c.act(a.ID, "pause", "")
	c.becomes(a.ID, "paused", "none")
	if left := programsOf(t, map[string]bool{a.ID: true}); len(left) != 0 {
		t.Errorf("paused, but there are processes: %v", left)
	}
	c.act(a.ID, "resume", "")
	if a := c.becomes(a.ID, "running", "up"); a.Runtime.Epoch != 2 || len(a.Alerts) != 0 {
		t.Errorf("after a resume %+v", a)
	}
	if m := c.ask(a.ID, "room", "again"); m.Reply != "You said: again" {
		t.Errorf("%+v", m)
	}
	logs := c.do("GET", "/v1/agents/"+a.ID+"/logs", "").body
	if kind != "go" && !strings.Contains(logs, "running") || strings.Contains(logs, `"error"`) {
		t.Errorf("logs %s", logs)
	}
}

// badServer is a server of the runtime protocol on a bad day.
type badServer struct {
	*httptest.Server
	mu     sync.Mutex
	calls  int
	given  int            // inboxes that were answered
	told   map[string]int // events by id
	hellos int
	over   int // the status that ends the run
}

func newBadServer(t *testing.T, over int) *badServer {
	s := &badServer{told: map[string]int{}, over: over}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Close)
	return s
}

// serve fails every second call, in turn by no answer, half an answer, and
// statuses. The same commands come twice, as after a lost acknowledgement.
func (s *badServer) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	if r.Header.Get("Authorization") != "Bearer the-token" {
		http.Error(w, "{}", http.StatusUnauthorized)
		return
	}
	switch s.calls {
	case 1:
		panic(http.ErrAbortHandler)
	case 3:
		w.Header().Set("Content-Length", "1000")
		_, _ = w.Write([]byte(`{"agent":`))
		panic(http.ErrAbortHandler)
	case 5, 7:
		http.Error(w, "{}", map[int]int{5: 503, 7: 429}[s.calls])
		return
	}
	answer := map[string]any{}
	switch r.URL.Path {
	case "/runtime/v1/self":
		s.hellos++
		answer = map[string]any{"agent": map[string]any{"name": "Ann"}, "settings": map[string]any{}, "enableAutonomy": true}
	case "/runtime/v1/inbox":
		commands := []any{
			map[string]any{"history": []any{map[string]any{"messageId": "m0", "text": "old", "reply": ""}}, "id": "c1", "messageId": "m1", "text": "one", "type": "message"},
			map[string]any{"id": "c2", "type": "settings_changed"}, map[string]any{"id": "c3", "type": "of another year"},
		}
		if s.given++; s.given == 3 {
			commands = []any{map[string]any{"id": "c4", "type": "stop"}}
			if s.over != 0 {
				http.Error(w, "{}", s.over)
				return
			}
		}
		answer["commands"] = commands
	case "/runtime/v1/tasks/claim":
		answer["tasks"], answer["why"] = []any{}, "No task is due"
		if s.given == 1 {
			answer["tasks"] = []any{map[string]any{"id": "t1", "type": "report", "payload": map[string]any{"id": "x", "type": "y"}}}
		}
	case "/runtime/v1/events":
		var body struct{ Events []map[string]any }
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			http.Error(w, "{}", 400)
			return
		}
		for _, e := range body.Events {
			s.told[e["id"].(string)]++
		}
	}
	_ = json.NewEncoder(w).Encode(answer)
}

// TestExamplesOnABadDay runs each by hand, as a server would.
func TestExamplesOnABadDay(t *testing.T) {
	t.Parallel()
	for name, command := range exampleCommands(t) {
		for over, code := range map[int]int{0: 0, 410: 0, 401: 1} {
			t.Run(fmt.Sprint(name, over), func(t *testing.T) {
				t.Parallel()
				s := newBadServer(t, over)
				got, output := runExample(t, command, s.URL)
				s.mu.Lock()
				defer s.mu.Unlock()
				if (got == 0) != (code == 0) {
					t.Errorf("exit code %d\n%s", got, output)
				}
				want := []string{"a-c1", "a-c2", "a-c3", "beat", "d-t1", "r-m1"}
				if over == 0 {
					want = append(want, "a-c4")
					slices.Sort(want)
				}
				ids := []string{}
				for id := range s.told {
					ids = append(ids, id)
				}
				slices.Sort(ids)
				if !slices.Equal(ids, want) || s.told["r-m1"] != 2 || s.hellos != 3 || s.given != 3 {
					t.Errorf("told %v, %d hellos, %d inboxes\n%s", s.told, s.hellos, s.given, output)
				}
			})
		}
	}
}

func runExample(t *testing.T, command []string, url string) (code int, output string) {
	t.Helper()
	read, write, err := os.Pipe()
	must(t, err)
	defer read.Close()
	_, err = write.WriteString("the-token\n")
	must(t, err)
	must(t, write.Close())
	cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
	cmd.Env, cmd.ExtraFiles, cmd.Dir = []string{"PATH=" + os.Getenv("PATH"), "AGENTRY_URL=" + url}, []*os.File{read}, t.TempDir()
	timer := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	raw, _ := cmd.CombinedOutput() // the exit code says it
	return cmd.ProcessState.ExitCode(), string(raw)
}
