package fake_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"agentry/internal/resource/fake"
)

// start serves until the test ends.
func start(t *testing.T, o fake.Options) *fake.GoLogin {
	t.Helper()
	s, err := fake.NewGoLogin(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := s.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return s
}

// reply is an answer; err is set when there was none.
type reply struct {
	status int
	kind   string // content type
	text   string
	err    error
}

func (r reply) json(t *testing.T) map[string]any {
	t.Helper()
	var out map[string]any
	if err := json.Unmarshal([]byte(r.text), &out); err != nil {
		t.Fatalf("%d %s: %v", r.status, r.text, err)
	}
	return out
}

// send makes one request on a connection of its own, with the token given.
func send(t *testing.T, base, token, call, body string) reply {
	t.Helper()
	method, path, _ := strings.Cut(call, " ")
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var in io.Reader
	if body != "" {
		in = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, base+path, in)
	if err != nil {
		t.Fatal(err)
	}
	req.Close = true
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	return do(http.DefaultClient, req)
}

func do(client *http.Client, req *http.Request) reply {
	resp, err := client.Do(req)
	if err != nil {
		return reply{err: err}
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, resp.Header.Get("Content-Type"), string(raw), err}
}

func ask(t *testing.T, s *fake.GoLogin, call, body string) reply {
	t.Helper()
	return send(t, s.URL(), s.Token(), call, body)
}

// want fails unless the answer has the status and every text in it.
func want(t *testing.T, r reply, status int, texts ...string) reply {
	t.Helper()
	if r.err != nil || r.status != status {
		t.Fatalf("answered %d %q %v, want %d", r.status, r.text, r.err, status)
	}
	for _, text := range texts {
		if !strings.Contains(r.text, text) {
			t.Fatalf("answered %s, want %s in it", r.text, text)
		}
	}
	if status == http.StatusNoContent && r.text != "" {
		t.Fatalf("204 with %q", r.text)
	}
	return r
}

// create makes a profile and returns its id.
func create(t *testing.T, s *fake.GoLogin, name string) string {
	t.Helper()
	r := want(t, ask(t, s, "POST /browser/quick", fmt.Sprintf(`{"os":"lin","osSpec":"","name":%q}`, name)), 201)
	id, _ := r.json(t)["id"].(string)
	if len(id) != 24 {
		t.Fatalf("id %q", id)
	}
	return id
}

func find(t *testing.T, all []fake.Profile, id string) fake.Profile {
	t.Helper()
	for _, p := range all {
		if p.ID == id {
			return p
		}
	}
	t.Fatalf("no profile %s among %d", id, len(all))
	return fake.Profile{}
}

const unknownID = "0123456789abcdef01234567"
