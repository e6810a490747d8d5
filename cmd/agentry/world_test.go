package main_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const password = "correct horse battery staple"

// world is a data folder with a team, and the server on it while it runs.
type world struct {
	t      testing.TB
	binary string
	dir    string
	team   string
	key    string
	args   []string
	server *process
	client
}

// newWorld makes the folder and the team, and serves it. config is TOML.
func newWorld(t testing.TB, config string, args ...string) *world {
	t.Helper()
	return newWorldOf(t, plainBinary(), config, args...)
}

func newWorldOf(t testing.TB, binary, config string, args ...string) *world {
	t.Helper()
	w := makeWorld(t, binary, config, args...)
	w.serve()
	return w
}

// makeWorld is newWorld without a server.
func makeWorld(t testing.TB, binary, config string, args ...string) *world {
	t.Helper()
	w := &world{t: t, binary: binary, dir: t.TempDir()}
	w.write("agentry.toml", config)
	w.write("password", password+"\n")
	w.args = append([]string{"serve", "--data", "data", "--addr", "127.0.0.1:0", "--config", "agentry.toml", "--rate-limit-write", "0", "--rate-limit-read", "0"}, args...)
	made := w.admin("init", "--team", "Northwind", "--email", "mara@northwind.example", "--password-file", "password")
	w.team, w.key = made["teamId"], made["apiKey"]
	return w
}

func (w *world) write(name, text string) string {
	w.t.Helper()
	path := filepath.Join(w.dir, name)
	must(w.t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// admin runs a command on the folder and returns what it prints.
func (w *world) admin(args ...string) map[string]string {
	w.t.Helper()
	cmd := exec.Command(w.binary, append(args, "--data", "data", "--json")...)
	cmd.Dir, cmd.Env = w.dir, []string{"PATH=" + os.Getenv("PATH"), "HOME=" + w.dir}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		w.t.Fatalf("agentry %s: %v\n%s", strings.Join(args, " "), err, &stderr)
	}
	var fields map[string]string
	must(w.t, json.Unmarshal(out, &fields))
	return fields
}

// keyOf makes another key; team "" is the own one.
func (w *world) keyOf(team, scope string) client {
	w.t.Helper()
	if team == "" {
		team = w.team
	}
	made := w.admin("admin", "key", "add", "--team", team, "--scope", scope, "--name", scope)
	return client{w.t, w.url, made["apiKey"]}
}

// foreign makes another team and an admin's key of it.
func (w *world) foreign() client {
	w.t.Helper()
	return w.keyOf(w.admin("admin", "team", "add", "--name", "Southwind")["teamId"], "admin")
}

// serve starts the server on the folder and waits until it serves.
func (w *world) serve() {
	w.t.Helper()
	p, err := startProcess(w.binary, w.dir, w.args...)
	must(w.t, err)
	w.server = p
	w.t.Cleanup(func() {
		if w.server == p {
			w.stop()
		}
	})
	url, err := p.serving()
	must(w.t, err)
	w.client = client{w.t, url, w.key}
}

// stop stops the server as a host does.
func (w *world) stop() {
	w.t.Helper()
	p := w.server
	w.server = nil
	if err := p.stop(); err != nil {
		w.t.Error(err)
	}
}

// kill stops it as a crash does.
func (w *world) kill() {
	w.t.Helper()
	w.server.kill()
	if err := w.server.sane(); err != nil {
		w.t.Error(err)
	}
	w.server = nil
}

// client calls the server with a key; "" is none.
type client struct {
	t   testing.TB
	url string
	key string
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

// try makes a request; it fails only when no answer comes.
func (c client) try(method, path, body string) (answer, error) {
	req, err := http.NewRequest(method, c.url+path, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	if c.key != "" {
		req.Header.Set("Authorization", "Bearer "+c.key)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, res.Header, string(raw)}, err
}

func (c client) do(method, path, body string) answer {
	c.t.Helper()
	a, err := c.try(method, path, body)
	must(c.t, err)
	return a
}

// want makes a request and fails unless status and body are these; body "-"
// is any.
func (c client) want(status int, body, method, path, send string) answer {
	c.t.Helper()
	a := c.do(method, path, send)
	if a.status != status || body != "-" && a.body != body {
		c.t.Fatalf("%s %s %s\n got %d %s\nwant %d %s", method, path, send, a.status, a.body, status, body)
	}
	return a
}

// agent is what the tests read of an agent.
type agent struct {
	ID, Name, Kind, Status string
	Version                int64
	Login, Country         *string
	Incarnation            int
	EndReason              *string
	Why                    *string
	Alerts                 []alert
	Runtime                struct {
		State       string
		LastHeardAt *time.Time
		Epoch       int64
		Restarts    int
		Driver      string
	}
}

type alert struct{ Type, SubType, Message, Severity, State string }

// create makes an agent of a kind.
func (c client) create(kind, name string) string {
	c.t.Helper()
	var a agent
	c.want(201, "-", "POST", "/v1/agents", fmt.Sprintf(`{"kind":%q,"name":%q}`, kind, name)).into(c.t, &a)
	return a.ID
}

func (c client) agent(id string) (a agent) {
	c.t.Helper()
	c.want(200, "-", "GET", "/v1/agents/"+id, "").into(c.t, &a)
	return a
}

// act posts to an agent and wants 200.
func (c client) act(id, verb, body string) answer {
	c.t.Helper()
	return c.want(200, "-", "POST", "/v1/agents/"+id+"/"+verb, body)
}

func (c client) setup(id, login string) {
	c.t.Helper()
	c.want(200, `{"message":"Agent setup started","status":"auth_in_progress"}`, "POST", "/v1/agents/"+id+"/setup",
		fmt.Sprintf(`{"login":%q,"password":"secret enough","country":"FR"}`, login))
}

// becomes waits until the agent has the status and, unless "", the observed
// state.
func (c client) becomes(id, status, state string) (a agent) {
	c.t.Helper()
	eventually(c.t, func() (string, bool) {
		a = c.agent(id)
		return fmt.Sprintf("%s is %s, %s; want %s, %s", a.Name, a.Status, a.Runtime.State, status, state),
			a.Status == status && (state == "" || a.Runtime.State == state)
	})
	return a
}

// openAlert returns the open alert of the type, or fails.
func (a agent) openAlert(t testing.TB, typ, subType string) string {
	t.Helper()
	for _, al := range a.Alerts {
		if al.Type == typ && al.SubType == subType && al.State == "open" {
			return al.Message
		}
	}
	t.Fatalf("%s has no open alert %s/%s: %+v", a.Name, typ, subType, a.Alerts)
	return ""
}

func (a answer) into(t testing.TB, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.body), into); err != nil {
		t.Fatalf("%v in %s", err, a.body)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
