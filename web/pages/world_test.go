package pages_test

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/internal/live"
	"agentry/internal/secret"
	"agentry/internal/store"
	"agentry/web"
)

// world is a server on a real file with our team, a member of each role, and
// another team.
type world struct {
	t      *testing.T
	app    *app.App
	store  *store.Store
	server *web.Server
	url    string
	team   fleet.TeamID
	other  fleet.TeamID
	tokens map[fleet.Role]string
	stop   func()
}

func newWorld(t *testing.T) *world { return worldWith(t, func(*app.Config) {}) }

// worldWith is newWorld with another configuration.
func worldWith(t *testing.T, change func(*app.Config)) *world {
	t.Helper()
	f, err := founded()
	must(t, err)
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "agentry.db"), f.file, 0o600))
	w := serve(t, dir, change)
	w.team, w.other, w.tokens = f.team, f.other, maps.Clone(f.tokens)
	return w
}

// serve runs a server on the file in a folder until the test ends.
func serve(t *testing.T, dir string, change func(*app.Config)) *world {
	t.Helper()
	hub := live.New()
	st, err := store.Open(t.Context(), filepath.Join(dir, "agentry.db"), store.Options{Committed: hub.Publish})
	must(t, err)
	sealer, err := secret.NewSealer(make([]byte, 32))
	must(t, err)
	w := &world{t: t, store: st, tokens: map[fleet.Role]string{}}
	c := app.Config{Store: st, Hub: hub, Sealer: sealer, DefaultKind: "rehearsal", Kinds: map[string]fleet.Kind{
		"rehearsal": {Name: "rehearsal", Driver: "process", Setup: fleet.SetupFields(), Restart: fleet.DefaultRestart()},
		"assistant": {Name: "assistant", Driver: "process", Restart: fleet.DefaultRestart()},
	}}
	change(&c)
	w.app = app.New(c)
	w.server = web.New(web.Config{App: w.app, Hub: hub, Addr: "127.0.0.1:0"})
	must(t, w.server.Start(t.Context()))
	w.stop = sync.OnceFunc(func() {
		must(t, w.server.Stop(context.Background()))
		must(t, st.Close())
	})
	t.Cleanup(w.stop)
	w.url = "http://" + w.server.Addr()
	return w
}

// foundation is the file that every world begins with, so that its passwords
// are hashed, and its members signed in, only once.
type foundation struct {
	file        []byte
	team, other fleet.TeamID
	tokens      map[fleet.Role]string
}

// founded makes the foundation at the first call.
var founded = sync.OnceValues(found)

func found() (f foundation, err error) {
	dir, err := os.MkdirTemp("", "agentry-pages-")
	if err != nil {
		return f, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "agentry.db")
	if err := fill(path, &f); err != nil {
		return f, err
	}
	f.file, err = os.ReadFile(path)
	return f, err
}

// fill makes the file; closing leaves all of it in the one.
func fill(path string, f *foundation) (err error) {
	ctx := context.Background()
	st, err := store.Open(ctx, path, store.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	a := app.New(app.Config{Store: st, Hub: live.New()})
	ours, err := a.AddTeam(ctx, "Northwind")
	if err != nil {
		return err
	}
	theirs, err := a.AddTeam(ctx, "Southwind")
	if err != nil {
		return err
	}
	f.team, f.other, f.tokens = ours.ID, theirs.ID, map[fleet.Role]string{}
	for _, role := range fleet.Roles() {
		address := string(role) + "@northwind.example"
		if _, err := a.AddMember(ctx, f.team, app.MemberInput{Email: address, Password: password, Role: role}); err != nil {
			return err
		}
		u, _, err := a.SignIn(ctx, address, password)
		if err != nil {
			return err
		}
		token, err := a.SaveSession(ctx, "", fleet.Session{UserID: u.ID, TeamID: f.team, UserAgent: "Go-http-client/1.1", Data: []byte("{}"), Proof: u.PasswordHash}, time.Hour)
		if err != nil {
			return err
		}
		f.tokens[role] = "__Host-agentry=" + token
	}
	return nil
}

func (w *world) agent(name, kind string) fleet.AgentID {
	w.t.Helper()
	v, err := w.app.Create(w.t.Context(), fleet.System(w.team, "test"), app.CreateInput{Name: name, Kind: kind, Country: "FR"})
	must(w.t, err)
	return v.ID
}

func (w *world) end(id fleet.AgentID) {
	w.t.Helper()
	_, err := w.app.End(w.t.Context(), fleet.System(w.team, "test"), id, app.ReasonInput{Reason: "test"})
	must(w.t, err)
}

// person sends requests as a member; "" is a guest.
type person struct {
	w      *world
	cookie string
	htmx   bool
	target string
}

func (w *world) as(role fleet.Role) person { return person{w: w, cookie: w.tokens[role]} }

// script is the same person with htmx, for the element with the id.
func (p person) script(target string) person {
	p.htmx, p.target = true, target
	return p
}

// answer is a response that was read.
type answer struct {
	*goquery.Document
	status int
	header http.Header
	cookie string // of the session, when one was set
	body   string
}

// row is the agent of the list again, as the script asks for it.
func (p person) row(id fleet.AgentID) answer {
	return p.script("agent-" + string(id)).get("/fleet/" + string(id) + "/row")
}

func (p person) get(path string) answer { return p.do("GET", path, "") }

// post sends a form; fields are pairs of name and value.
func (p person) post(path string, fields ...string) answer {
	values := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		values.Add(fields[i], fields[i+1])
	}
	return p.do("POST", path, values.Encode())
}

func (p person) do(method, path, body string, headers ...string) answer {
	p.w.t.Helper()
	req, err := http.NewRequestWithContext(p.w.t.Context(), method, p.w.url+path, strings.NewReader(body))
	must(p.w.t, err)
	if method == "POST" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if p.cookie != "" {
		req.Header.Set("Cookie", p.cookie)
	}
	if p.htmx {
		req.Header.Set("HX-Request", "true")
		req.Header.Set("HX-Target", p.target)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	must(p.w.t, err)
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	must(p.w.t, err)
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(string(raw)))
	must(p.w.t, err)
	a := answer{Document: doc, status: res.StatusCode, header: res.Header, body: string(raw)}
	for _, c := range res.Cookies() {
		a.cookie = c.Name + "=" + c.Value
	}
	return a
}

// words are the text of what matches, in one line.
func (a answer) words(selector string) string {
	return strings.Join(strings.Fields(a.Find(selector).Text()), " ")
}
