package web

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/internal/live"
	"agentry/internal/secret"
	"agentry/internal/store"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("database/sql.(*DB).connectionOpener"),
		// The clock of fasthttp's Date header runs until the process ends.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
		// The workers that compress answers are kept for the next ones.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp/stackless.funcWorker"))
}

// world is a server on a real file with two teams: ours, with a key of each
// scope, and another with an admin's key.
type world struct {
	t       testing.TB
	app     *app.App
	store   *store.Store
	hub     *live.Hub
	server  *Server
	url     string
	client  *http.Client
	logs    *lockedBuffer
	team    fleet.Team
	other   fleet.Team
	keys    map[fleet.Scope]string
	foreign string
	runner  *runner
	// cookies are those of signed-in members, stranger that of the other
	// team's owner; signIn makes them.
	cookies  map[fleet.Role]string
	stranger string
}

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// runner lets every wanted program say hello at once, or fail.
type runner struct {
	app   *app.App
	fails bool
	wg    sync.WaitGroup
	mu    sync.Mutex
	token map[fleet.AgentID]string
	runs  map[fleet.AgentID]fleet.Run
}

func (r *runner) Wake(id fleet.AgentID) {
	r.wg.Go(func() {
		ctx := context.Background()
		r.mu.Lock()
		defer r.mu.Unlock()
		if run, ok := r.runs[id]; ok {
			if wanted, err := r.app.RunWanted(ctx, run); wanted || err != nil {
				return
			}
			delete(r.runs, id)
		}
		spec, wanted, _, err := r.app.BeginRun(ctx, id)
		if err != nil || !wanted || spec.Token == "" {
			return
		}
		if r.fails {
			_ = r.app.RunNotSpawned(ctx, spec.Run, io.ErrUnexpectedEOF)
			return
		}
		_ = r.app.RunSpawned(ctx, spec.Run, "test")
		_, _ = r.app.RunForToken(ctx, spec.Token)
		r.token[id], r.runs[id] = spec.Token, spec.Run
	})
}

func (r *runner) tokenOf(id fleet.AgentID) string {
	r.wg.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.token[id]
}

func newWorld(t testing.TB, change ...func(*Config)) *world {
	t.Helper()
	w := &world{t: t, hub: live.New(), logs: &lockedBuffer{}, keys: map[fleet.Scope]string{}, client: &http.Client{
		Transport: &http.Transport{}, Timeout: 20 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	log := slog.New(slog.NewJSONHandler(w.logs, nil))
	st, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "agentry.db"), store.Options{Committed: w.hub.Publish})
	must(t, err)
	w.store = st
	sealer, err := secret.NewSealer(make([]byte, 32))
	must(t, err)
	w.app = app.New(app.Config{Store: st, Hub: w.hub, Sealer: sealer, Profiles: restingVendor{}, DefaultKind: "rehearsal", Log: log, Kinds: map[string]fleet.Kind{
		"rehearsal": {Name: "rehearsal", Driver: "process", Setup: fleet.SetupFields(), Restart: fleet.DefaultRestart()},
		"assistant": {Name: "assistant", Driver: "process", Restart: fleet.DefaultRestart()},
		"elsewhere": {Name: "elsewhere", Driver: fleet.DriverElizaOS, Restart: fleet.DefaultRestart()},
	}})
	w.runner = &runner{app: w.app, token: map[fleet.AgentID]string{}, runs: map[fleet.AgentID]fleet.Run{}}
	w.app.SetRunner(w.runner)
	w.team, w.other = w.addTeam("Ours"), w.addTeam("Theirs")
	for _, scope := range fleet.Scopes() {
		w.keys[scope] = w.addKey(w.team.ID, scope)
	}
	w.foreign = w.addKey(w.other.ID, fleet.ScopeAdmin)
	config := Config{App: w.app, Hub: w.hub, Addr: "127.0.0.1:0", Log: log, Ready: w.app.Ready}
	for _, f := range change {
		f(&config)
	}
	w.server = New(config)
	must(t, w.server.Start(t.Context()))
	w.url = "http://" + w.server.Addr()
	t.Cleanup(func() {
		w.client.CloseIdleConnections()
		must(t, w.server.Stop(context.Background()))
		w.runner.wg.Wait()
		must(t, st.Close())
	})
	return w
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) addTeam(name string) fleet.Team {
	w.t.Helper()
	team, err := w.app.AddTeam(w.t.Context(), name)
	must(w.t, err)
	return team
}

func (w *world) addKey(team fleet.TeamID, scope fleet.Scope) string {
	w.t.Helper()
	_, key, err := w.app.AddKey(w.t.Context(), team, app.KeyInput{Name: "key " + string(scope), Scope: scope})
	must(w.t, err)
	return key
}

// signIn makes a signed-in member of each role and the other team's owner.
func (w *world) signIn() {
	w.t.Helper()
	w.cookies = map[fleet.Role]string{}
	for _, role := range []fleet.Role{fleet.RoleViewer, fleet.RoleOperator, fleet.RoleOwner} {
		w.cookies[role] = w.cookie(w.team.ID, role)
	}
	w.stranger = w.cookie(w.other.ID, fleet.RoleOwner)
}

func (w *world) cookie(team fleet.TeamID, role fleet.Role) string {
	w.t.Helper()
	user, err := w.app.AddMember(w.t.Context(), team, app.MemberInput{
		Email: string(role) + "@" + string(team) + ".example", Name: string(role), Password: "correct horse battery", Role: role,
	})
	must(w.t, err)
	var u fleet.User
	must(w.t, w.store.Read(w.t.Context(), func(tx *store.Tx) (err error) { u, _, err = tx.User(user); return err }))
	token, err := w.app.SaveSession(w.t.Context(), "", fleet.Session{UserID: user, TeamID: team, Data: []byte("{}"), Proof: u.PasswordHash}, time.Hour)
	must(w.t, err)
	return w.server.sessions.cookie + "=" + token
}

func (w *world) actor() fleet.Actor { return fleet.System(w.team.ID, "test") }

// agent makes an agent of our team in a status.
func (w *world) agent(kind string, status fleet.Status) fleet.AgentID {
	w.t.Helper()
	return w.agentOf(w.actor(), kind, status)
}

func (w *world) agentOf(by fleet.Actor, kind string, status fleet.Status) fleet.AgentID {
	w.t.Helper()
	ctx := w.t.Context()
	view, err := w.app.Create(ctx, by, app.CreateInput{Name: "Ada", Kind: kind})
	must(w.t, err)
	switch status {
	case fleet.Running:
		_, err = w.app.Start(ctx, by, view.ID, app.StartInput{})
	case fleet.Paused:
		_, err = w.app.Start(ctx, by, view.ID, app.StartInput{})
		must(w.t, err)
		_, err = w.app.Pause(ctx, by, view.ID, app.PauseInput{})
	case fleet.Ended:
		_, err = w.app.End(ctx, by, view.ID, app.ReasonInput{Reason: "test"})
	case fleet.Disabled:
		_, err = w.app.Disable(ctx, by, view.ID, app.ReasonInput{})
	}
	must(w.t, err)
	return view.ID
}

// answer is a response that was read.
type answer struct {
	status int
	header http.Header
	body   string
}

// do sends a request; headers are "Name: value".
func (w *world) do(method, path, key, body string, headers ...string) answer {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.url+path, strings.NewReader(body))
	must(w.t, err)
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if name == "Host" {
			req.Host = value
		}
		req.Header.Set(name, value)
	}
	res, err := w.client.Do(req)
	must(w.t, err)
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	must(w.t, err)
	return answer{res.StatusCode, res.Header, string(raw)}
}

// json reads an answer's body.
func (a answer) json(t testing.TB) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(a.body), &v); err != nil {
		t.Fatalf("%d %q: %v", a.status, a.body, err)
	}
	return v
}

// wait polls until the condition holds.
func wait(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(5 * time.Second)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline:
			t.Fatalf("waited in vain: %s", what)
		case <-tick.C:
		}
	}
}
