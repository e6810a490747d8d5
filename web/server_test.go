package web

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"agentry/internal/fleet"
)

func TestOpenRoutes(t *testing.T) {
	var broken error
	w := newWorld(t, func(c *Config) { c.Ready = func(context.Context) error { return broken } })
	if a := w.do("GET", "/healthz", "", ""); a.status != 200 || a.body != `{"status":"ok"}` {
		t.Errorf("healthz: %d %s", a.status, a.body)
	}
	if a := w.do("GET", "/readyz", "", ""); a.status != 200 || a.body != `{"status":"ready"}` {
		t.Errorf("readyz: %d %s", a.status, a.body)
	}
	if a := w.do("HEAD", "/healthz", "", ""); a.status != 200 || a.body != "" {
		t.Errorf("HEAD: %d %s", a.status, a.body)
	}
	broken = errors.New("no disk")
	if a := w.do("GET", "/readyz", "", ""); a.status != 503 || strings.Contains(a.body, "disk") {
		t.Errorf("readyz: %d %s", a.status, a.body)
	}
	if strings.Contains(w.logs.String(), `"route":"/healthz"`) {
		t.Error("health checks fill the log")
	}
}

func TestHeadersOfEveryAnswer(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"/healthz", "/v1/agents", "/nothing", "/agents/x", "/runtime/v1/self"} {
		a := w.do("GET", path, "", "")
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin", "Cache-Control": "no-store",
			"Cross-Origin-Opener-Policy": "same-origin",
		} {
			if got := a.header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
		if !strings.Contains(a.header.Get("Content-Security-Policy"), "default-src 'none'") || len(a.header.Get("X-Request-Id")) != 36 {
			t.Errorf("%s: %v", path, a.header)
		}
		if a.header.Get("Server") != "" {
			t.Errorf("%s: says what serves it", path)
		}
	}
	if got := w.do("GET", "/healthz", "", "", "X-Request-Id: mine_1").header.Get("X-Request-Id"); got != "mine_1" {
		t.Errorf("a good request id became %q", got)
	}
	if got := w.do("GET", "/healthz", "", "", "X-Request-Id: no good").header.Get("X-Request-Id"); got == "no good" {
		t.Error("a bad request id was kept")
	}
	if allow := w.do("PATCH", "/v1/agents", "", "").header.Get("Allow"); !strings.Contains(allow, "GET") || !strings.Contains(allow, "POST") {
		t.Errorf("Allow is %q", allow)
	}
	if a := w.do("GET", "/v1/agents", "", ""); a.header.Get("Www-Authenticate") == "" {
		t.Error("401 does not say how to sign in")
	}
}

// withRoute adds a route to the table of a server that does not listen yet.
func withRoute(s *Server, r route) {
	s.fiber.Add(r.method, r.path, s.guarded(&r))
	s.wire(s.fiber.Handler())
}

// within waits for a channel, but not for ever.
func within[T any](t *testing.T, what string, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(5 * time.Second):
		t.Fatalf("waited in vain: %s", what)
	}
	return v
}

func TestPanicsAndUnknownErrorsStayInside(t *testing.T) {
	w := newWorld(t)
	s := New(Config{App: w.app, Addr: "127.0.0.1:0", Log: w.server.log})
	withRoute(s, route{method: "GET", path: "/v1/panic", access: public(), handle: func(*fiber.Ctx, *caller) error { panic("secret-1") }})
	withRoute(s, route{method: "GET", path: "/v1/unknown", access: public(), handle: func(*fiber.Ctx, *caller) error { return errors.New("secret-2") }})
	withRoute(s, route{method: "GET", path: "/agents-/unknown", access: public(), handle: func(*fiber.Ctx, *caller) error { return errors.New("secret-3") }})
	must(t, s.Start(t.Context()))
	defer s.Stop(context.Background())
	w.url = "http://" + s.Addr()
	for path, secret := range map[string]string{"/v1/panic": "secret-1", "/v1/unknown": "secret-2", "/agents-/unknown": "secret-3"} {
		a := w.do("GET", path, "", "", "X-Request-Id: r-1")
		if a.status != 500 || !strings.Contains(a.body, "An internal error occurred") || !strings.Contains(a.body, "r-1") || strings.Contains(a.body, "secret") {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
		if n := strings.Count(w.logs.String(), secret); n != 1 {
			t.Errorf("%s: the cause is %d times in the log", path, n)
		}
	}
	want := `{"error":"internal_error","message":"An internal error occurred","requestId":"r-1"}`
	if a := w.do("GET", "/v1/panic", "", "", "X-Request-Id: r-1"); a.body != want {
		t.Errorf("got %s", a.body)
	}
}

func TestAccessLogHasNoSecrets(t *testing.T) {
	w := newWorld(t)
	id := w.agent("rehearsal", fleet.SetupNeeded)
	w.do("POST", "/v1/agents/"+string(id)+"/setup?token=query-secret", w.keys[fleet.ScopeOperate], `{"login":"body-secret@x","password":"body-secret","country":"FR"}`)
	w.do("GET", "/v1/agents/"+string(id), w.keys[fleet.ScopeRead], "")
	w.do("GET", "/v1/agents?q=query-secret", "agy_header-secret", "")
	logs := w.logs.String()
	if strings.Contains(logs, "-secret") || strings.Contains(logs, w.keys[fleet.ScopeRead][12:]) {
		t.Errorf("the log tells secrets:\n%s", logs)
	}
	for _, part := range []string{`"method":"POST"`, `"route":"/v1/agents/:agentId/setup"`, `"status":200`, `"agent_id":"` + string(id), `"team_id":"` + string(w.team.ID), `"request_id":`} {
		if !strings.Contains(logs, part) {
			t.Errorf("the log has no %s:\n%s", part, logs)
		}
	}
}

// What a handler took from a request stays its own after the next request.
func TestBuffersAreNotShared(t *testing.T) {
	w := newWorld(t)
	s := New(Config{App: w.app, Addr: "127.0.0.1:0", Log: w.server.log})
	var mu sync.Mutex
	kept := map[string]string{}
	withRoute(s, route{method: "GET", path: "/v1/keep/:agentId", access: public(), handle: func(c *fiber.Ctx, _ *caller) error {
		mu.Lock()
		defer mu.Unlock()
		kept[c.Params("agentId")] = c.Get("X-Sent") + c.Query("q") + requestID(c)
		return nil
	}})
	must(t, s.Start(t.Context()))
	defer s.Stop(context.Background())
	w.url = "http://" + s.Addr()
	const n = 300
	for i := range n {
		name := fmt.Sprintf("%05d", i)
		w.do("GET", "/v1/keep/"+name+"?q=q"+name, "", "", "X-Sent: h"+name, "X-Request-Id: r"+name)
	}
	mu.Lock()
	defer mu.Unlock()
	for i := range n {
		name := fmt.Sprintf("%05d", i)
		if got := kept[name]; got != "h"+name+"q"+name+"r"+name {
			t.Fatalf("request %s kept %q", name, got)
		}
	}
	if len(kept) != n {
		t.Errorf("kept %d of %d", len(kept), n)
	}
}

func TestStopLetsRequestsFinish(t *testing.T) {
	w := newWorld(t)
	s := New(Config{App: w.app, Addr: "127.0.0.1:0", Log: w.server.log})
	entered, leave := make(chan struct{}), make(chan struct{})
	withRoute(s, route{method: "GET", path: "/v1/slow", access: public(), handle: func(c *fiber.Ctx, _ *caller) error {
		close(entered)
		<-leave
		if err := c.UserContext().Err(); err != nil {
			return err
		}
		return c.SendString("whole")
	}})
	must(t, s.Start(t.Context()))
	idle, err := net.Dial("tcp", s.Addr())
	must(t, err)
	defer idle.Close()
	w.url = "http://" + s.Addr()
	got := make(chan answer, 1)
	go func() { got <- w.do("GET", "/v1/slow", "", "") }()
	within(t, "the request", entered)
	stopped := make(chan error, 1)
	go func() { stopped <- s.Stop(context.Background()) }()
	wait(t, "the port is closed", func() bool {
		c, err := net.Dial("tcp", s.Addr())
		if err == nil {
			c.Close()
		}
		return err != nil
	})
	close(leave)
	if a := within(t, "the answer", got); a.body != "whole" {
		t.Errorf("the request was cut: %d %s", a.status, a.body)
	}
	must(t, within(t, "the end", stopped))
	must(t, s.Stop(context.Background()))
}

func TestStopGivesUpOnTime(t *testing.T) {
	w := newWorld(t)
	s := New(Config{App: w.app, Addr: "127.0.0.1:0", Log: w.server.log})
	entered, leave := make(chan struct{}), make(chan struct{})
	withRoute(s, route{method: "GET", path: "/v1/stuck", access: public(), handle: func(*fiber.Ctx, *caller) error {
		close(entered)
		<-leave
		return nil
	}})
	must(t, s.Start(t.Context()))
	c, err := net.Dial("tcp", s.Addr())
	must(t, err)
	defer c.Close()
	_, err = c.Write([]byte("GET /v1/stuck HTTP/1.1\r\nHost: localhost\r\n\r\n"))
	must(t, err)
	within(t, "the request", entered)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Stop(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	close(leave)
}

func TestStartRefuses(t *testing.T) {
	w := newWorld(t)
	if err := w.server.Start(t.Context()); err == nil {
		t.Error("started twice")
	}
	s := New(Config{App: w.app, Addr: "0.0.0.0:0", TrustLoopback: true})
	if err := s.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "loopback") {
		t.Errorf("got %v", err)
	}
	must(t, s.Stop(context.Background()))
	if s.Addr() != "" {
		t.Errorf("an unstarted server has the address %q", s.Addr())
	}
	if err := New(Config{App: w.app, Addr: w.server.Addr()}).Start(t.Context()); err == nil {
		t.Error("took a port that is taken")
	}
}

func TestBasePath(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.BasePath = "/fleet-1" })
	a := w.do("POST", "/fleet-1/v1/agents", w.keys[fleet.ScopeOperate], "")
	if a.status != http.StatusCreated || !strings.HasPrefix(a.header.Get("Location"), "/fleet-1/v1/agents/") {
		t.Errorf("%d %s", a.status, a.header.Get("Location"))
	}
	if a := w.do("GET", "/fleet-1/v1/nothing", "", ""); a.status != 404 || !strings.Contains(a.body, `"error":"not_found"`) {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := w.do("GET", "/v1/agents", w.keys[fleet.ScopeRead], ""); a.status != 404 {
		t.Errorf("outside the base path: %d", a.status)
	}
}

func TestCrossOriginIsRefused(t *testing.T) {
	w := newWorld(t)
	s := New(Config{App: w.app, Addr: "127.0.0.1:0", Log: w.server.log})
	withRoute(s, route{method: "POST", path: "/test", access: public(), handle: func(c *fiber.Ctx, _ *caller) error { return c.SendString("in") }})
	must(t, s.Start(t.Context()))
	defer s.Stop(context.Background())
	w.url = "http://" + s.Addr()
	for _, tt := range []struct {
		header string
		status int
	}{
		{"X-None: 1", 200}, {"Origin: " + w.url, 200}, {"Sec-Fetch-Site: same-origin", 200}, {"Sec-Fetch-Site: none", 200},
		{"Origin: http://evil.example", 403}, {"Origin: null", 403}, {"Sec-Fetch-Site: cross-site", 403}, {"Sec-Fetch-Site: same-site", 403},
	} {
		if a := w.do("POST", "/test", "", "", tt.header); a.status != tt.status {
			t.Errorf("%s: got %d %s", tt.header, a.status, a.body)
		}
	}
}
