package main_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// eliza is a real ElizaOS server, with a canned model.
type eliza struct {
	t    testing.TB // of the test that runs
	all  testing.TB
	dir  string
	url  string
	port string
	key  string
	stop func()
}

// newEliza starts one on an empty folder.
func newEliza(t testing.TB) *eliza {
	t.Helper()
	peer(t, "@elizaos/server/package.json")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	_, port, err := net.SplitHostPort(l.Addr().String())
	must(t, err)
	must(t, l.Close())
	e := &eliza{t: t, all: t, dir: t.TempDir(), port: port, key: "sekret-of-eliza"}
	e.start()
	t.Cleanup(func() { e.stop() })
	return e
}

// start starts it on its folder; it takes some seconds.
func (e *eliza) start() {
	e.t.Helper()
	cmd := exec.Command("node", "server.mjs")
	cmd.Dir = filepath.Dir(peers)
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + e.dir, "PORT=" + e.port, "SERVER_HOST=127.0.0.1", "ELIZA_UI_ENABLE=false",
		"PGLITE_DATA_DIR=" + filepath.Join(e.dir, "db"), "DATA_DIR=" + filepath.Join(e.dir, "data"), "SENTRY_DSN=http://public@127.0.0.1:9/1",
		"ELIZA_SERVER_AUTH_TOKEN=" + e.key, "SECRET_SALT=salt", "LOG_LEVEL=warn", "NODE_ENV=production",
	}
	log := newBuffer()
	cmd.Stderr = log
	in, err := cmd.StdinPipe()
	must(e.t, err)
	out, err := cmd.StdoutPipe()
	must(e.t, err)
	must(e.t, cmd.Start())
	ready, ended := make(chan string, 1), make(chan error, 1)
	go func() {
		lines := bufio.NewScanner(io.TeeReader(out, log))
		for lines.Scan() {
			if at, ok := strings.CutPrefix(lines.Text(), "ready on "); ok {
				ready <- at
			}
		}
		ended <- cmd.Wait()
	}()
	e.stop = func() {
		e.stop = func() {}
		_ = in.Close()
		<-ended
	}
	select {
	case at := <-ready:
		e.url, e.port = "http://127.0.0.1:"+at, at
	case err := <-ended:
		e.stop = func() {}
		e.t.Fatalf("the ElizaOS server ended: %v\n%s", err, log)
	case <-time.After(2 * patience):
		_ = cmd.Process.Kill()
		e.t.Fatalf("the ElizaOS server is not ready\n%s", log)
	}
}

// call asks it as its own clients do.
func (e *eliza) call(method, path, body string) (status int, answer string) {
	e.t.Helper()
	req, err := http.NewRequest(method, e.url+path, strings.NewReader(body))
	must(e.t, err)
	req.Header.Set("X-API-KEY", e.key)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	must(e.t, err)
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	must(e.t, err)
	return res.StatusCode, string(raw)
}

// status is active, inactive, or none.
func (e *eliza) status(id string) string {
	e.t.Helper()
	status, body := e.call("GET", "/api/agents/"+id, "")
	if status == http.StatusNotFound {
		return "none"
	}
	var out struct{ Data struct{ Status string } }
	must(e.t, json.Unmarshal([]byte(body), &out))
	return out.Data.Status
}

func (e *eliza) becomes(id, want string) {
	e.t.Helper()
	eventually(e.t, func() (string, bool) {
		got := e.status(id)
		return "in ElizaOS the agent is " + got + ", want " + want, got == want
	})
}

func (e *eliza) config() string {
	return fmt.Sprintf("[kinds.eliza]\ndriver = \"elizaos\"\nurl = %q\napi_key_file = \"eliza.key\"\nrestart = { backoff = \"100ms..1s\" }\n", e.url)
}

// message sends a text and returns the reply.
func (c client) message(id, text string) string {
	c.t.Helper()
	var m struct{ Reply, State string }
	body, err := json.Marshal(map[string]string{"text": text, "conversation": "test"})
	must(c.t, err)
	a := c.want(200, "-", "POST", "/v1/agents/"+id+"/messages?wait=30", string(body))
	a.into(c.t, &m)
	if m.State != "replied" {
		c.t.Fatalf("no reply: %s", a.body)
	}
	return m.Reply
}

// Agents live in a real ElizaOS server: one for all of these tests, because it
// takes seconds to start.
func TestElizaOS(t *testing.T) {
	t.Parallel()
	e := newEliza(t)
	w := makeWorld(t, plainBinary(), e.config())
	w.write("eliza.key", e.key+"\n")
	w.serve()
	for _, c := range []struct {
		name string
		test func(t *testing.T, w *world, e *eliza)
	}{
		{"life", elizaLife}, {"no model", elizaNoModel}, {"pages", elizaPages}, {"restart there", elizaRestarts},
		{"kill and restart here", elizaKilled}, {"stop here", elizaStopped},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.t, w.client.t, e.t = t, t, t
			c.test(t, w, e)
		})
	}
	w.t, w.client.t, e.t = t, t, t
	for _, secret := range []string{e.key, "SECRET_SALT", "PGLITE_DATA_DIR"} {
		if strings.Contains(w.everything(), secret) {
			t.Errorf("%s of the ElizaOS server is in agentry's folder", secret)
		}
	}
}

// serveFor starts the server again, for the tests to come too.
func (w *world) serveFor(t *testing.T, e *eliza) {
	t.Helper()
	w.t = e.all
	w.serve()
	w.t, w.client.t = t, t
}

// everything is what the server wrote: its folder and its log.
func (w *world) everything() string {
	w.t.Helper()
	var b strings.Builder
	if w.server != nil {
		b.WriteString(w.server.stderr.String())
	}
	must(w.t, filepath.WalkDir(filepath.Join(w.dir, "data"), func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		raw, err := os.ReadFile(path)
		b.Write(raw)
		return err
	}))
	return b.String()
}

func (w *world) makeEliza(name, settings string) (id string) {
	w.t.Helper()
	var a agent
	body := fmt.Sprintf(`{"kind":"eliza","name":%q,"settings":[%s]}`, name, settings)
	w.want(201, "-", "POST", "/v1/agents", body).into(w.t, &a)
	return a.ID
}

const talkative = `{"key":"system","value":"You are Ann"},{"key":"plugins","value":["@elizaos/plugin-bootstrap"]}`

// elizaLife: made, started, talked to, changed, stopped, started, ended,
// deleted.
func elizaLife(t *testing.T, w *world, e *eliza) {
	id := w.makeEliza("Ann", talkative)
	if got := e.status(id); got != "none" {
		t.Errorf("before its start the agent is %s in ElizaOS", got)
	}
	w.act(id, "start", `{}`)
	if got := e.status(id); got != "active" {
		t.Errorf("after its start the agent is %s in ElizaOS", got)
	}
	a := w.becomes(id, "running", "up")
	if a.Runtime.Driver != "elizaos" || a.Runtime.LastHeardAt == nil {
		t.Errorf("%+v", a.Runtime)
	}
	if got := w.message(id, "please SAY(one)"); got != "Ann (You are Ann): one" {
		t.Errorf("reply %q", got)
	}
	w.want(200, "-", "PUT", "/v1/agents/"+id, `{"settings":[{"key":"system","value":"You are new"}]}`)
	eventually(t, func() (string, bool) {
		_, body := e.call("GET", "/api/agents/"+id, "")
		return "ElizaOS does not hear of new settings", strings.Contains(body, "You are new")
	})
	if got := w.message(id, "now SAY(two)"); got != "Ann (You are new): two" {
		t.Errorf("reply %q", got)
	}
	w.act(id, "pause", `{}`)
	e.becomes(id, "inactive")
	w.becomes(id, "paused", "none")
	w.act(id, "resume", ``)
	e.becomes(id, "active")
	w.act(id, "end", `{}`)
	e.becomes(id, "inactive")
	elizaRelaunch(t, w, e, id)
	w.act(id, "end", `{}`)
	w.want(200, "-", "DELETE", "/v1/agents/"+id, "")
	e.becomes(id, "none")
	eventually(t, func() (string, bool) {
		a := w.do("GET", "/v1/deletions/"+id, "")
		return a.body, strings.Contains(a.body, `"type":"agent","vendor":"eliza","state":"released"`)
	})
}

// elizaRelaunch: an ended agent stays the same there, with what it remembers
// and with its one row of the ledger.
func elizaRelaunch(t *testing.T, w *world, e *eliza, id string) {
	t.Helper()
	held := func() string {
		t.Helper()
		row := w.want(200, "-", "GET", "/v1/agents/"+id+"/resources", "").body
		if strings.Count(row, `"id":`) != 1 || !strings.Contains(row, `"type":"agent","vendor":"eliza","state":"held","externalId":"`+id+`"`) {
			t.Errorf("in the ledger: %s", row)
		}
		return row[:60]
	}
	before := held()
	w.act(id, "relaunch", `{}`)
	if got := e.status(id); got != "inactive" {
		t.Errorf("relaunched, the agent is %s in ElizaOS", got)
	}
	w.act(id, "start", `{}`)
	w.becomes(id, "running", "up")
	if after := held(); after != before {
		t.Errorf("the row was %s and is %s", before, after)
	}
	if _, body := e.call("GET", "/api/memory/"+id+"/memories", ""); !strings.Contains(body, "please SAY(one)") {
		t.Errorf("it remembers %s", body)
	}
}

// elizaNoModel: people are told why a message is not answered, and the agent
// goes on.
func elizaNoModel(t *testing.T, w *world, e *eliza) {
	id := w.makeEliza("Mute", `{"key":"model","value":"none"}`)
	w.act(id, "start", `{}`)
	w.want(202, "-", "POST", "/v1/agents/"+id+"/messages", `{"text":"hello"}`)
	eventually(t, func() (string, bool) {
		a := w.agent(id)
		return fmt.Sprintf("alerts %+v", a.Alerts), slices.ContainsFunc(a.Alerts, func(al alert) bool {
			return al.Type == "elizaos" && al.SubType == "no_answer" && strings.Contains(al.Message, "Failed to process message in HTTP transport")
		})
	})
	w.becomes(id, "running", "up")
	w.act(id, "end", `{}`)
	w.want(200, "-", "DELETE", "/v1/agents/"+id, "")
	e.becomes(id, "none")
}

// elizaPages: a person starts the agent from the fleet page, writes to it and
// stops it, by the pages' forms.
func elizaPages(t *testing.T, w *world, e *eliza) {
	id := w.makeEliza("Paige", talkative)
	jar, err := cookiejar.New(nil)
	must(t, err)
	person := http.Client{Jar: jar}
	post := func(path string, fields ...string) string {
		t.Helper()
		form := url.Values{}
		for i := 0; i+1 < len(fields); i += 2 {
			form.Set(fields[i], fields[i+1])
		}
		res, err := person.PostForm(w.url+path, form)
		must(t, err)
		defer res.Body.Close()
		raw, err := io.ReadAll(res.Body)
		must(t, err)
		if res.StatusCode != http.StatusOK {
			t.Fatalf("POST %s: %d\n%s", path, res.StatusCode, raw)
		}
		return string(raw)
	}
	get := func(path string) string {
		t.Helper()
		res, err := person.Get(w.url + path)
		must(t, err)
		defer res.Body.Close()
		raw, err := io.ReadAll(res.Body)
		must(t, err)
		return string(raw)
	}
	post("/login", "email", "mara@northwind.example", "password", password)
	if page := get("/fleet"); !regexp.MustCompile(`action="/fleet/` + id + `/start"`).MatchString(page) {
		t.Fatalf("the fleet page has no form that starts the agent:\n%s", page)
	}
	post("/fleet/" + id + "/start")
	if got := e.status(id); got != "active" {
		t.Errorf("after its start the agent is %s in ElizaOS", got)
	}
	post("/fleet/"+id+"/messages", "text", "SAY(from a page)")
	eventually(t, func() (string, bool) {
		return "no reply on the page", strings.Contains(get("/fleet/"+id+"?tab=messages"), "Paige (You are Ann): from a page")
	})
	post("/fleet/" + id + "/pause")
	e.becomes(id, "inactive")
	w.becomes(id, "paused", "none")
}

// elizaRestarts: an ElizaOS server that is away ends no run; when it is back
// without its agents, they are started again.
func elizaRestarts(t *testing.T, w *world, e *eliza) {
	id := w.makeEliza("Rose", talkative)
	w.act(id, "start", `{}`)
	first := w.becomes(id, "running", "up")
	e.stop()
	other := w.makeEliza("Late", talkative)
	a := w.do("POST", "/v1/agents/"+other+"/start", `{}`)
	if a.status != 500 {
		t.Errorf("a start without a server: %d %s", a.status, a.body)
	}
	late := w.becomes(other, "setup_needed", "")
	if got := late.openAlert(t, "runtime", "start_failed"); !strings.Contains(got, "The ElizaOS server at "+e.url+" does not answer") {
		t.Errorf("alert %q", got)
	}
	if now := w.agent(id); now.Status != "running" || now.Runtime.Epoch != first.Runtime.Epoch {
		t.Errorf("%+v", now)
	}
	e.start()
	e.becomes(id, "active")
	eventually(t, func() (string, bool) {
		now := w.agent(id)
		return fmt.Sprintf("%+v", now.Runtime), now.Status == "running" && now.Runtime.State == "up" && now.Runtime.Epoch > first.Runtime.Epoch
	})
	if got := w.message(id, "SAY(back)"); got != "Rose (You are Ann): back" {
		t.Errorf("reply %q", got)
	}
	w.act(id, "pause", `{}`)
	e.becomes(id, "inactive")
}

// elizaKilled: after kill -9 the agents that are wanted are taken over, and the
// others do not run on.
func elizaKilled(t *testing.T, w *world, e *eliza) {
	wanted, gone, deleted := w.makeEliza("Wanda", talkative), w.makeEliza("Gone", talkative), w.makeEliza("Del", talkative)
	for _, id := range []string{wanted, gone, deleted} {
		w.act(id, "start", `{}`)
	}
	epoch := w.agent(wanted).Runtime.Epoch
	w.act(deleted, "end", `{}`)
	e.becomes(deleted, "inactive")
	w.act(gone, "pause", `{}`)
	e.becomes(gone, "inactive")
	w.want(200, "-", "DELETE", "/v1/agents/"+deleted, "")
	w.kill()
	// As if the stop and the deletion had not come through.
	for _, id := range []string{gone, wanted} {
		if status, body := e.call("POST", "/api/agents/"+id+"/start", ""); status != 200 {
			t.Fatalf("%d %s", status, body)
		}
	}
	w.serveFor(t, e)
	e.becomes(gone, "inactive")
	e.becomes(deleted, "none")
	eventually(t, func() (string, bool) {
		now := w.agent(wanted)
		return fmt.Sprintf("%+v", now), now.Runtime.State == "up" && now.Runtime.Epoch == epoch+1
	})
	if got := w.message(wanted, "SAY(still here)"); got != "Wanda (You are Ann): still here" {
		t.Errorf("reply %q", got)
	}
}

// elizaStopped: with agentry its agents stop, and they start with it again.
func elizaStopped(t *testing.T, w *world, e *eliza) {
	id := w.makeEliza("Stan", talkative)
	w.act(id, "start", `{}`)
	w.becomes(id, "running", "up")
	w.stop()
	if got := e.status(id); got != "inactive" {
		t.Errorf("after the server's stop the agent is %s in ElizaOS", got)
	}
	w.serveFor(t, e)
	w.becomes(id, "running", "up")
	if got := e.status(id); got != "active" {
		t.Errorf("after the server's start the agent is %s in ElizaOS", got)
	}
}
