// Package fake is an ElizaOS server for tests: it answers as @elizaos/server
// 1.7.2 does, with its odd answers, and fails when told to.
package fake

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"unicode/utf16"
)

// Agent is an agent of the server.
type Agent struct {
	// Fields are what was said of it, settings among them.
	Fields map[string]any
	Active bool
}

// Server is the fake. Its fields may be changed through With while it serves.
type Server struct {
	http *httptest.Server
	mu   sync.Mutex

	// Agents are by id, as it was given.
	Agents map[string]*Agent
	// Sessions are the agents' ids by session.
	Sessions map[string]string
	// Key is the API key that is asked for; "" is none.
	Key string
	// Hang leaves every call without an answer.
	Hang bool
	// Garbage answers every call with a page.
	Garbage bool
	// Fail answers calls whose "METHOD /path" begins with the key by the
	// status, with an error of the usual shape.
	Fail map[string]int
	// Left are the requests before the limit, and -1 is no limit.
	Left int
	// NoModel makes every message fail as without a model.
	NoModel bool
	// Partial makes deletes answer that they go on.
	Partial bool
	// Elsewhere is where every call is sent; "" is nowhere.
	Elsewhere string
	// Reply answers messages; nil echoes.
	Reply func(agent, content string) string
	// Calls are the calls so far, "METHOD /path", and Contents the messages.
	Calls    []string
	Contents []string

	hanging  chan struct{}
	sessions int
}

// New serves until the test ends.
func New(t testing.TB) *Server {
	s := &Server{Agents: map[string]*Agent{}, Sessions: map[string]string{}, Fail: map[string]int{}, Left: -1, hanging: make(chan struct{})}
	s.http = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(func() {
		close(s.hanging)
		s.http.CloseClientConnections()
		s.http.Close()
	})
	return s
}

// URL is where it serves.
func (s *Server) URL() string { return s.http.URL }

// With changes or reads the server between two calls.
func (s *Server) With(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

// Unlocked runs f inside Reply, while other calls are served.
func (s *Server) Unlocked(f func()) {
	s.mu.Unlock()
	defer s.mu.Lock()
	f()
}

// Restart does what a restart of the real one does: agents stay and are not
// started, sessions are lost.
func (s *Server) Restart() {
	s.With(func() {
		for _, a := range s.Agents {
			a.Active = false
		}
		clear(s.Sessions)
	})
}

// Active tells whether the agent runs.
func (s *Server) Active(id string) (active bool) {
	s.With(func() { active = s.Agents[id] != nil && s.Agents[id].Active })
	return active
}

// Count is how many calls began with the text.
func (s *Server) Count(call string) (n int) {
	s.With(func() {
		for _, c := range s.Calls {
			if strings.HasPrefix(c, call) {
				n++
			}
		}
	})
	return n
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	raw, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	call := r.Method + " " + r.URL.Path
	s.Calls = append(s.Calls, call)
	hang := s.Hang
	s.mu.Unlock()
	if hang {
		select {
		case <-r.Context().Done():
		case <-s.hanging:
		}
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.Garbage:
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<!doctype html><title>Client</title>")
		return
	case s.Elsewhere != "":
		http.Redirect(w, r, s.Elsewhere, http.StatusFound)
		return
	case !s.admit(w):
		return
	case s.Key != "" && r.Header.Get("X-API-KEY") != s.Key:
		answer(w, 401, map[string]any{"error": "API key required", "message": "Missing or invalid X-API-KEY header"})
		return
	}
	for begin, status := range s.Fail {
		if strings.HasPrefix(call, begin) {
			fail(w, status, "SOME_ERROR", "it failed")
			return
		}
	}
	in := map[string]any{}
	if len(raw) > 0 && json.Unmarshal(raw, &in) != nil {
		answer(w, 500, map[string]any{"success": false, "error": map[string]any{"message": "JSON Parse error: Expected '}'", "code": 500}})
		return
	}
	s.route(w, r, in)
}

// admit counts a request against the limit.
func (s *Server) admit(w http.ResponseWriter) bool {
	if s.Left < 0 {
		return true
	}
	w.Header().Set("RateLimit-Limit", "1000")
	w.Header().Set("RateLimit-Reset", "600")
	if s.Left == 0 {
		w.Header().Set("RateLimit-Remaining", "0")
		w.Header().Set("Retry-After", "600")
		fail(w, 429, "RATE_LIMIT_EXCEEDED", "Too many requests. Please try again later.")
		return false
	}
	s.Left--
	w.Header().Set("RateLimit-Remaining", fmt.Sprint(s.Left))
	return true
}

func (s *Server) route(w http.ResponseWriter, r *http.Request, in map[string]any) {
	part := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	switch {
	case len(part) == 2 && part[1] == "agents" && r.Method == "GET":
		s.list(w)
	case len(part) == 2 && part[1] == "agents" && r.Method == "POST":
		s.create(w, in)
	case len(part) == 3 && part[1] == "agents" && r.Method == "PATCH":
		s.change(w, part[2], in)
	case len(part) == 3 && part[1] == "agents" && r.Method == "DELETE":
		s.remove(w, part[2])
	case len(part) == 4 && part[1] == "agents" && part[3] == "start":
		s.start(w, part[2])
	case len(part) == 4 && part[1] == "agents" && part[3] == "stop":
		s.stop(w, part[2])
	case len(part) == 3 && part[2] == "sessions" && r.Method == "POST":
		s.open(w, in)
	case len(part) == 5 && part[2] == "sessions" && part[4] == "messages":
		s.message(w, part[3], in)
	default:
		answer(w, 404, map[string]any{"success": false, "error": map[string]any{"message": "API endpoint not found", "code": 404}})
	}
}

func (s *Server) list(w http.ResponseWriter) {
	agents := []any{}
	for id, a := range s.Agents {
		agents = append(agents, map[string]any{"id": id, "name": a.Fields["name"], "status": status(a)})
	}
	ok(w, 200, map[string]any{"agents": agents})
}

func status(a *Agent) string {
	if a != nil && a.Active {
		return "active"
	}
	return "inactive"
}

// create keeps the record of an agent that is there, and echoes what it was
// told all the same.
func (s *Server) create(w http.ResponseWriter, in map[string]any) {
	c, _ := in["characterJson"].(map[string]any)
	id, _ := c["id"].(string)
	switch {
	case c == nil:
		fail(w, 400, "CREATE_ERROR", "No character configuration provided")
	case c["bio"] == nil:
		fail(w, 400, "CREATE_ERROR", "Character validation failed: bio: Invalid input")
	default:
		if s.Agents[id] == nil {
			s.Agents[id] = &Agent{Fields: maps.Clone(c)}
		}
		ok(w, 201, map[string]any{"id": id, "character": c})
	}
}

// change of an unknown agent is a success without an id. The settings of an
// agent hold the server's environment.
func (s *Server) change(w http.ResponseWriter, id string, in map[string]any) {
	a := s.Agents[id]
	if a == nil {
		ok(w, 200, map[string]any{"status": "inactive"})
		return
	}
	for key, v := range in {
		if key == "settings" {
			v = merge(a.Fields[key], v)
		}
		a.Fields[key] = v
	}
	out := maps.Clone(a.Fields)
	settings, _ := out["settings"].(map[string]any)
	settings = maps.Clone(settings)
	if settings == nil {
		settings = map[string]any{}
	}
	settings["secrets"] = map[string]any{"PATH": "secret-of-the-server"}
	out["id"], out["settings"], out["status"] = id, settings, status(a)
	ok(w, 200, out)
}

// merge lays settings over settings; null deletes.
func merge(old, change any) any {
	add, isObject := change.(map[string]any)
	if !isObject {
		return change
	}
	was, _ := old.(map[string]any)
	out := maps.Clone(was)
	if out == nil {
		out = map[string]any{}
	}
	for key, v := range add {
		if v == nil {
			delete(out, key)
			continue
		}
		out[key] = merge(out[key], v)
	}
	return out
}

func (s *Server) remove(w http.ResponseWriter, id string) {
	switch {
	case s.Agents[id] == nil:
		fail(w, 404, "NOT_FOUND", "Agent not found")
	case s.Partial:
		answer(w, 202, map[string]any{"success": true, "partial": true, "message": "Agent deletion initiated but taking longer than expected."})
	default:
		delete(s.Agents, id)
		w.WriteHeader(204)
	}
}

func (s *Server) start(w http.ResponseWriter, id string) {
	low := strings.ToLower(id)
	switch a := s.Agents[low]; {
	case a == nil:
		fail(w, 404, "NOT_FOUND", "Agent not found")
	case id != low:
		fail(w, 500, "START_ERROR", "Error starting agent")
	default:
		a.Active = true
		ok(w, 200, map[string]any{"id": id, "name": a.Fields["name"], "status": "active"})
	}
}

// stop of an agent that does not run is not found.
func (s *Server) stop(w http.ResponseWriter, id string) {
	a := s.Agents[id]
	if a == nil || !a.Active {
		fail(w, 404, "NOT_FOUND", "Agent not found")
		return
	}
	a.Active = false
	ok(w, 200, map[string]any{"message": "Agent stopped"})
}

func (s *Server) open(w http.ResponseWriter, in map[string]any) {
	id, _ := in["agentId"].(string)
	if a := s.Agents[id]; a == nil || !a.Active {
		sessionFail(w, 404, "AGENT_NOT_FOUND", "Agent with ID '"+id+"' not found")
		return
	}
	s.sessions++
	session := fmt.Sprintf("00000000-0000-4000-8000-%012d", s.sessions)
	s.Sessions[session] = id
	answer(w, 201, map[string]any{"sessionId": session, "agentId": id, "userId": in["userId"]})
}

func (s *Server) message(w http.ResponseWriter, session string, in map[string]any) {
	content, _ := in["content"].(string)
	id, known := s.Sessions[session]
	a := s.Agents[id]
	switch {
	case !known:
		sessionFail(w, 404, "SESSION_NOT_FOUND", "Session with ID '"+session+"' not found")
	case id == "expired":
		sessionFail(w, 410, "SESSION_EXPIRED", "Session expired")
	case len(utf16.Encode([]rune(content))) > 4000:
		sessionFail(w, 400, "VALIDATION_ERROR", "Invalid content: Content exceeds maximum length of 4000 characters")
	case a == nil || !a.Active || s.NoModel:
		answer(w, 500, map[string]any{"success": false, "error": "Failed to process message in HTTP transport"})
	default:
		s.Contents = append(s.Contents, content)
		reply := "echo: " + content
		if s.Reply != nil {
			reply = s.Reply(id, content)
		}
		answer(w, 201, map[string]any{"success": true, "agentResponse": map[string]any{"text": reply, "actions": []string{"REPLY"}}})
	}
}

func ok(w http.ResponseWriter, status int, data any) {
	answer(w, status, map[string]any{"success": true, "data": data})
}

func fail(w http.ResponseWriter, status int, code, message string) {
	answer(w, status, map[string]any{"success": false, "error": map[string]any{"code": code, "message": message}})
}

// sessionFail is the shape of the sessions' errors: without success, with a
// stack trace.
func sessionFail(w http.ResponseWriter, status int, code, message string) {
	answer(w, status, map[string]any{"error": map[string]any{"code": code, "message": message, "stack": "Error: " + message + "\n    at secret/path.js:1"}})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client may have gone
}
