package gologin

import (
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"agentry/internal/resource"
)

// tokens hands out what somebody put there last.
type tokens struct {
	mu    sync.Mutex
	token string
	err   error
	reads int
}

func (k *tokens) read() (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.reads++
	return k.token, k.err
}

func (k *tokens) put(token string, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.token, k.err = token, err
}

// everyCall asks for everything a client can be asked for.
func everyCall(t *testing.T, c *Client) map[string]error {
	ctx := t.Context()
	out := map[string]error{"set proxy": c.SetProxy(ctx, testID, nil), "delete": c.Delete(ctx, testID, resource.Deletion{}), "delete again": c.Delete(ctx, testID, resource.Deletion{Again: true})}
	_, out["find"] = c.Find(ctx, testName)
	_, out["create"] = c.Create(ctx, testName)
	_, _, out["list"] = c.List(ctx, "agentry-", 1)
	return out
}

func TestAfterTooManyRequestsNothingIsAsked(t *testing.T) {
	k := &tokens{token: testToken}
	w := newWorld(t, map[string][]reply{"GET /user": {{200, "", `{}`}, {200, "", `{}`}}, "POST /browser/quick": {refusal(429, "Too Many Requests"), {201, "", `{"id":"` + testID + `"}`}}})
	c := newClient(t, Config{Base: w.server.URL, Token: k.read})
	mark := c.Mark()
	_, err := c.Create(t.Context(), testName)
	wantError(t, err, resource.Revoked, false)
	for name, err := range everyCall(t, c) {
		t.Run(name, func(t *testing.T) { wantError(t, err, resource.Revoked, false) })
	}
	k.put("", errors.New("open token: no such file"))
	says(t, wantError(t, c.Check(t.Context()), resource.Revoked, false), "cannot be read: open token: no such file")
	k.put("not printable \n", nil)
	says(t, wantError(t, c.Check(t.Context()), resource.Revoked, false), "without spaces")
	w.wantRequests(`POST /browser/quick {"os":"lin","osSpec":"","name":"` + testName + `"}`)
	if c.Mark() != mark {
		t.Error("the mark moved without another token")
	}

	k.put("another-"+testToken, nil)
	if err := c.Check(t.Context()); err != nil {
		t.Fatalf("another token is not taken: %v", err)
	}
	if _, err := c.Create(t.Context(), testName); err != nil {
		t.Error(err)
	}
	if c.Mark() == mark {
		t.Error("another token has the same mark")
	}
	if got := w.heads[1].Get("Authorization"); got != "Bearer another-"+testToken {
		t.Errorf("asked with %q", got)
	}
}

// TestACheckMayFindThatTheTokenLives: the refusal was somebody else's, and
// people asked.
func TestACheckMayFindThatTheTokenLives(t *testing.T) {
	w := newWorld(t, map[string][]reply{"GET /user": {{200, "", `{}`}}, "POST /browser/quick": {refusal(429, "Too Many Requests"), {201, "", `{"id":"` + testID + `"}`}}})
	c := newClient(t, Config{Base: w.server.URL, Token: fixed(testToken)})
	_, err := c.Create(t.Context(), testName)
	wantError(t, err, resource.Revoked, false)
	if err := c.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Create(t.Context(), testName); err != nil {
		t.Error(err)
	}
}

func TestARefusedTokenIsTriedByChecksAlone(t *testing.T) {
	k := &tokens{token: testToken}
	w := newWorld(t, map[string][]reply{"GET /user": {refusal(401, "Unauthorized"), refusal(401, "Unauthorized"), {200, "", `{}`}}, "GET /browser/v2": {rows(0)}})
	c := newClient(t, Config{Base: w.server.URL, Token: k.read})
	wantError(t, c.Check(t.Context()), resource.Unauthorized, false)
	for name, err := range everyCall(t, c) {
		t.Run(name, func(t *testing.T) { wantError(t, err, resource.Unauthorized, false) })
	}
	wantError(t, c.Check(t.Context()), resource.Unauthorized, false)
	w.wantRequests("GET /user", "GET /user")
	if err := c.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Find(t.Context(), testName); err != nil {
		t.Errorf("nothing is asked after a check that worked: %v", err)
	}
}

// TestATokenReplacedInTimeNeedsOneCheck: nobody asked for anything since the
// old one stopped working.
func TestATokenReplacedInTimeNeedsOneCheck(t *testing.T) {
	k := &tokens{token: testToken}
	w := newWorld(t, map[string][]reply{"GET /user": {refusal(401, "Unauthorized"), {200, "", `{}`}}})
	c := newClient(t, Config{Base: w.server.URL, Token: k.read})
	k.put("another", nil)
	if err := c.Check(t.Context()); err != nil {
		t.Error(err)
	}
	w.wantRequests("GET /user", "GET /user")
}

// TestALateAnswerIsNotForTheNewToken: a 429 for the old token arrives when the
// new one is in use.
func TestALateAnswerIsNotForTheNewToken(t *testing.T) {
	k := &tokens{token: testToken}
	arrived, answer := make(chan struct{}), make(chan struct{})
	c := newClient(t, Config{Base: "https://api.gologin.com", Token: k.read, Transport: transport(func(r *http.Request) (*http.Response, error) {
		switch {
		case r.Header.Get("Authorization") != "Bearer "+testToken:
			return respond(200, "application/json", `{}`), nil
		case r.Method == http.MethodPost:
			close(arrived)
			<-answer
		}
		return respond(429, "application/json", `{"statusCode":429}`), nil
	})})
	late := make(chan error, 1)
	go func() {
		_, err := c.Create(t.Context(), testName)
		late <- err
	}()
	<-arrived
	wantError(t, c.Check(t.Context()), resource.Revoked, false)
	k.put("another", nil)
	if err := c.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	close(answer)
	wantError(t, <-late, resource.Revoked, false)
	if err := c.Check(t.Context()); err != nil {
		t.Errorf("the new token is refused for the old one's answer: %v", err)
	}
}

// TestWhoWaitsIsStoppedToo: those that wait for their turn when the first 429
// comes never ask.
func TestWhoWaitsIsStoppedToo(t *testing.T) {
	var asked atomic.Int32
	first, answer := make(chan struct{}), make(chan struct{})
	c := newClient(t, Config{Base: "https://api.gologin.com", Token: fixed(testToken), Transport: transport(func(*http.Request) (*http.Response, error) {
		if asked.Add(1) == 1 {
			close(first)
		}
		<-answer
		return respond(429, "application/json", `{"statusCode":429}`), nil
	})})
	errs := make(chan error, 20)
	for range cap(errs) {
		go func() {
			_, err := c.Find(t.Context(), testName)
			errs <- err
		}()
	}
	<-first
	close(answer)
	for range cap(errs) {
		wantError(t, <-errs, resource.Revoked, false)
	}
	if n := asked.Load(); n > 2 {
		t.Errorf("%d requests, want at most the 2 that were under way", n)
	}
}
