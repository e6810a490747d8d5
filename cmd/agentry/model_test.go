package main_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"agentry/internal/brain/fake"
)

// modelWorld serves with the model's endpoint.
func modelWorld(t *testing.T, e *fake.Endpoint, key string) *world {
	t.Helper()
	w := makeWorld(t, plainBinary(), "")
	w.args = append(w.args, "--llm-base-url", e.URL(), "--llm-model", fake.Model, "--llm-api-key-file", w.write("llm.key", key+"\n"))
	w.serve()
	return w
}

// ask sends a message and waits for its reply.
func (c client) ask(id, conversation, text string) (m struct{ ID, State, Reply string }) {
	c.t.Helper()
	body := fmt.Sprintf(`{"text":%q,"conversation":%q}`, text, conversation)
	c.want(200, "-", "POST", "/v1/agents/"+id+"/messages?wait=50", body).into(c.t, &m)
	return m
}

// tokens returns what the usage of the agent says.
func (c client) used(id, kind string) (n int64) {
	c.t.Helper()
	var days []struct {
		Day, Kind string
		Count     int64
	}
	c.want(200, "-", "GET", "/v1/agents/"+id+"/usage", "").into(c.t, &days)
	for _, d := range days {
		if d.Kind == kind {
			n += d.Count
		}
	}
	return n
}

func TestModelAnswersAndRemembers(t *testing.T) {
	t.Parallel()
	e := fake.New()
	defer e.Close()
	w := modelWorld(t, e, fake.Key)
	id := w.create("assistant", "Ann")
	w.want(200, "-", "PUT", "/v1/agents/"+id, `{"settings":[{"key":"system","value":"You sell tea."},{"key":"temperature","value":1.5}]}`)
	w.act(id, "start", `{"settings":{"temperature":0.2,"maxTokens":300}}`)
	w.becomes(id, "running", "up")
	if m := w.ask(id, "room", "Have you tea?"); m.State != "replied" || m.Reply != "You said: Have you tea?" {
		t.Fatalf("%+v", m)
	}
	asked := e.Asked()[0]
	if *asked.Temperature != 0.2 || *asked.MaxTokens != 300 || !strings.HasPrefix(asked.Messages[0].Content, "You sell tea.") {
		t.Errorf("asked %+v", asked)
	}
	want := asked.Tokens() + (len("You said: Have you tea?")+3)/4
	eventually(t, func() (string, bool) {
		n := w.used(id, "tokens")
		return fmt.Sprintf("%d tokens are counted, want %d", n, want), n == int64(want)
	})

	// The conversation outlives the program, and the server.
	w.stop()
	w.serve()
	w.becomes(id, "running", "up")
	w.ask(id, "room", "And green?")
	all := e.Asked()
	want2 := []fake.Message{{Role: "user", Content: "Have you tea?"}, {Role: "assistant", Content: "You said: Have you tea?"}, {Role: "user", Content: "And green?"}}
	if got := all[len(all)-1].Messages[1:]; !slices.Equal(got, want2) {
		t.Errorf("asked %+v", got)
	}
	if e.Malformed() != 0 {
		t.Errorf("%d malformed requests", e.Malformed())
	}
}

func TestWrongKeyIsSaidAndMended(t *testing.T) {
	t.Parallel()
	e := fake.New()
	defer e.Close()
	const wrong = "sk-canary-of-a-wrong-key-0123456789"
	w := modelWorld(t, e, wrong)
	id := w.create("assistant", "Ann")
	w.act(id, "start", "")
	w.becomes(id, "running", "up")
	var sent struct{ ID, State string }
	w.want(202, "-", "POST", "/v1/agents/"+id+"/messages", `{"text":"hello"}`).into(t, &sent)
	var text string
	eventually(t, func() (string, bool) {
		a := w.agent(id)
		for _, al := range a.Alerts {
			if al.Type == "model" && al.SubType == "wrong_key" && al.State == "open" {
				text = al.Message
			}
		}
		return fmt.Sprintf("alerts %+v", a.Alerts), text != ""
	})
	if !strings.Contains(text, "LLM_API_KEY_FILE") {
		t.Errorf("the alert does not say what to do: %s", text)
	}
	for _, p := range programsOf(t, map[string]bool{id: true}) {
		for _, file := range []string{"environ", "cmdline"} {
			raw, err := os.ReadFile(filepath.Join("/proc", fmt.Sprint(p.pid), file))
			if err != nil || strings.Contains(string(raw), wrong) {
				t.Errorf("%s of the program: %v, %q", file, err, raw)
			}
		}
		if p.env["AGENTRY_LLM_MODEL"] != fake.Model || p.env["GOMAXPROCS"] != "1" {
			t.Errorf("environment %v", p.env)
		}
	}
	everything := w.do("GET", "/v1/agents/"+id, "").body + w.do("GET", "/v1/agents/"+id+"/logs?level=debug", "").body +
		w.do("GET", "/v1/agents/"+id+"/history", "").body + w.server.stderr.String() + w.server.stdout.String()
	w.stop()
	for _, name := range []string{"agentry.db", "agentry.db-wal"} {
		raw, _ := os.ReadFile(filepath.Join(w.dir, "data", name)) // the log may be gone
		everything += string(raw)
	}
	if !strings.Contains(everything, "wrong_key") || strings.Contains(everything, wrong) || strings.Contains(everything, wrong[:16]) {
		t.Error("the key is somewhere, or nothing is anywhere")
	}

	w.write("llm.key", fake.Key+"\n")
	w.serve()
	eventually(t, func() (string, bool) {
		var m struct {
			Messages []struct{ ID, State string }
		}
		body := w.do("GET", "/v1/agents/"+id+"/messages", "").body
		if json.Unmarshal([]byte(body), &m.Messages) != nil {
			return body, false
		}
		a := w.agent(id)
		live := slices.ContainsFunc(a.Alerts, func(al alert) bool { return al.Type == "model" && al.State != "resolved" })
		return fmt.Sprintf("%s, alerts %+v", body, a.Alerts), m.Messages[0].State == "replied" && !live
	})
}

func TestRehearsalTouchesNoModel(t *testing.T) {
	t.Parallel()
	e := fake.New()
	defer e.Close()
	w := modelWorld(t, e, fake.Key)
	id := w.create("rehearsal", "Ann")
	w.setup(id, "ann@northwind.example")
	w.becomes(id, "running", "up")
	if m := w.ask(id, "", "hello"); m.State != "replied" || !strings.Contains(m.Reply, "this is Ann") {
		t.Errorf("%+v", m)
	}
	if e.Calls() != 0 {
		t.Errorf("%d calls", e.Calls())
	}
}
