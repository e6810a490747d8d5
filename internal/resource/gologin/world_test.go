package gologin

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"agentry/internal/resource"
)

const (
	testToken = "eyJhbGciOiJIUzI1NiJ9.canary-token.c2lnbmF0dXJl"
	testID    = "65f0c0ffee0123456789abcd"
	otherID   = "65f0c0ffee0123456789abce"
	testName  = "agentry-0192f0a0-0000-7000-8000-000000000001"
)

// reply is one answer; kind is the content type, "" for JSON where there is a
// body.
type reply struct {
	status int
	kind   string
	body   string
}

// world is an API that answers by "METHOD /path", one reply after another; the
// last one stays. What has no reply is a failure of the test.
type world struct {
	t      *testing.T
	server *httptest.Server
	mu     sync.Mutex
	routes map[string][]reply
	asked  []string // "METHOD /path?query body", as they came
	heads  []http.Header
}

func newWorld(t *testing.T, routes map[string][]reply) *world {
	t.Helper()
	w := &world{t: t, routes: routes}
	w.server = httptest.NewServer(w)
	t.Cleanup(w.server.Close)
	return w
}

func (w *world) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.t.Errorf("reading a request: %v", err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = append(w.asked, strings.TrimSpace(fmt.Sprintf("%s %s %s", r.Method, r.URL.RequestURI(), body)))
	w.heads = append(w.heads, r.Header.Clone())
	key := r.Method + " " + r.URL.Path
	list := w.routes[key]
	if len(list) == 0 {
		w.t.Errorf("nobody expected %s", key)
		out.WriteHeader(http.StatusTeapot)
		return
	}
	a := list[0]
	if len(list) > 1 {
		w.routes[key] = list[1:]
	}
	if a.kind == "" && a.body != "" {
		a.kind = "application/json; charset=utf-8"
	}
	if a.kind != "" {
		out.Header().Set("Content-Type", a.kind)
	}
	out.WriteHeader(a.status)
	io.WriteString(out, a.body)
}

// requests returns what was asked so far.
func (w *world) requests() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.asked)
}

func (w *world) wantRequests(want ...string) {
	w.t.Helper()
	if got := w.requests(); !slices.Equal(got, want) {
		w.t.Errorf("asked\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// client has no rate that a test could feel.
func (w *world) client() *Client {
	return newClient(w.t, Config{Base: w.server.URL, Token: fixed(testToken)})
}

func newClient(t *testing.T, config Config) *Client {
	t.Helper()
	if config.Rate == 0 {
		config.Rate = MaxRate / 2
	}
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	c, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func fixed(token string) func() (string, error) {
	return func() (string, error) { return token, nil }
}

// refusal is an error body of the API.
func refusal(status int, message string) reply {
	raw, err := json.Marshal(map[string]any{"statusCode": status, "message": message, "error": http.StatusText(status)})
	if err != nil {
		panic(err)
	}
	return reply{status: status, body: string(raw)}
}

func profileBody(proxy string) string {
	return fmt.Sprintf(`{"id":%q,"name":%q,"os":"lin","proxyEnabled":%t,"proxy":%s,"facebookAccountData":{"password":"canary-facebook"},"autoProxyPassword":"canary-auto"}`,
		testID, testName, !strings.Contains(proxy, "none"), proxy)
}

// wantError compares an error's reason and doubt, and returns its text.
func wantError(t *testing.T, err error, reason resource.Reason, unclear bool) string {
	t.Helper()
	var e *resource.Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v (%T), want a *resource.Error", err, err)
	}
	if e.Reason != reason || e.Unclear != unclear {
		t.Errorf("%s, unclear %v: %v; want %s, %v", e.Reason, e.Unclear, err, reason, unclear)
	}
	for _, canary := range []string{"canary", testToken} {
		if strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, e.Cause), canary) {
			t.Errorf("the error shows a secret: %v", err)
		}
	}
	return err.Error()
}

// transport answers by a function.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func respond(status int, kind, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {kind}}, Body: io.NopCloser(strings.NewReader(body)),
	}
}

// redirecting answers everything with a redirect to another server.
func redirecting(address string) transport {
	return func(*http.Request) (*http.Response, error) {
		res := respond(http.StatusTemporaryRedirect, "text/html", "")
		res.Header.Set("Location", address+"/user")
		return res, nil
	}
}
