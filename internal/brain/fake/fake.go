// Package fake is an OpenAI-compatible endpoint for tests, on this machine. It
// obeys the documented shapes of POST /chat/completions and its errors,
// refuses malformed requests as the public endpoint does, records what it is
// asked, and fails when told to.
package fake

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// Key is the only key that is taken, Model the only model that is known.
	Key   = "sk-fake-0123456789abcdefghijklmnopqrstuvwxyz"
	Model = "fake-small"
	// Reasoner is a model that takes neither max_tokens nor a temperature.
	Reasoner = "fake-reasoner"
)

// Request is a well-formed request that was made.
type Request struct {
	Model               string    `json:"model"`
	Messages            []Message `json:"messages"`
	Temperature         *float64  `json:"temperature"`
	MaxTokens           *float64  `json:"max_tokens"`
	MaxCompletionTokens *float64  `json:"max_completion_tokens"`
}

// Message is one of a request's.
type Message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// Last is the text to be answered.
func (r Request) Last() string { return r.Messages[len(r.Messages)-1].Content }

// Tokens is what the request's texts count for: a token is four bytes here.
func (r Request) Tokens() (n int) {
	for _, m := range r.Messages {
		n += tokens(m.Content)
	}
	return n
}

func tokens(s string) int { return (len(s) + 3) / 4 }

// Fault answers a well-formed request in another way.
type Fault func(w http.ResponseWriter, r *http.Request, asked Request)

// Endpoint is the server. Make it with New.
type Endpoint struct {
	server *httptest.Server

	mu       sync.Mutex
	key      string
	window   int
	answer   func(Request) string
	next     []Fault
	always   Fault
	asked    []Request
	refusals int
	calls    int
	changed  chan struct{} // closed and replaced by every call
}

// New starts an endpoint that answers with what it was told.
func New() *Endpoint {
	e := &Endpoint{key: Key, changed: make(chan struct{}), answer: func(r Request) string { return "You said: " + r.Last() }}
	e.server = httptest.NewServer(http.HandlerFunc(e.serve))
	return e
}

// Close ends it, open calls too.
func (e *Endpoint) Close() {
	e.server.CloseClientConnections()
	e.server.Close()
}

// URL is the base, without /chat/completions.
func (e *Endpoint) URL() string { return e.server.URL + "/v1" }

// Answer says what to answer from now on.
func (e *Endpoint) Answer(f func(Request) string) { e.with(func() { e.answer = f }) }

// Window makes longer requests be refused; in tokens, 0 is no bound.
func (e *Endpoint) Window(n int) { e.with(func() { e.window = n }) }

// TakeKey changes the only key that is taken.
func (e *Endpoint) TakeKey(key string) { e.with(func() { e.key = key }) }

// Fail answers every request with the fault; nil ends that.
func (e *Endpoint) Fail(f Fault) { e.with(func() { e.always = f }) }

// FailNext answers the next requests with the faults, one each.
func (e *Endpoint) FailNext(f ...Fault) { e.with(func() { e.next = append(e.next, f...) }) }

// Asked returns the well-formed requests so far.
func (e *Endpoint) Asked() []Request {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.asked)
}

// Calls counts every request so far, Malformed those that a client should
// never make.
func (e *Endpoint) Calls() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.calls
}

// Malformed counts the requests so far that no client should make.
func (e *Endpoint) Malformed() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.refusals
}

// Changed is closed when the next request has come.
func (e *Endpoint) Changed() <-chan struct{} {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.changed
}

func (e *Endpoint) with(f func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	f()
}

func (e *Endpoint) serve(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	asked, wrong := e.check(r, raw)
	e.mu.Lock()
	e.calls++
	close(e.changed)
	e.changed = make(chan struct{})
	fault, answer, window := e.always, e.answer, e.window
	switch {
	case wrong != nil && wrong.malformed:
		e.refusals++
	case wrong == nil:
		e.asked = append(e.asked, asked)
		if len(e.next) > 0 {
			fault, e.next = e.next[0], e.next[1:]
		}
	}
	e.mu.Unlock()
	switch {
	case wrong != nil:
		wrong.write(w)
	case fault != nil:
		fault(w, r, asked)
	case window > 0 && asked.Tokens() > window:
		failure{status: 400, message: fmt.Sprintf("This model's maximum context length is %d tokens. However, your messages resulted in %d tokens. Please reduce the length of the messages.", window, asked.Tokens()),
			typ: "invalid_request_error", param: "messages", code: "context_length_exceeded"}.write(w)
	default:
		complete(w, asked, answer(asked), "stop")
	}
}

// check reads a request as the public endpoint does.
func (e *Endpoint) check(r *http.Request, raw []byte) (asked Request, wrong *failure) {
	bearer, given := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	e.mu.Lock()
	key := e.key
	e.mu.Unlock()
	switch {
	case r.URL.Path != "/v1/chat/completions" || r.Method != http.MethodPost:
		return asked, &failure{status: 404, message: fmt.Sprintf("Invalid URL (%s %s)", r.Method, r.URL.Path), typ: "invalid_request_error"}
	case key != "" && !given:
		return asked, &failure{status: 401, message: "You didn't provide an API key.", typ: "invalid_request_error"}
	case key != "" && bearer != key:
		// It shows the key, worse than the public endpoint, which shows a part.
		return asked, &failure{status: 401, message: "Incorrect API key provided: " + bearer + ".", typ: "invalid_request_error", code: "invalid_api_key"}
	case r.Header.Get("Content-Type") != "application/json":
		return asked, malformed("Unsupported content type: expected application/json", "", "")
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) != nil {
		return asked, malformed("We could not parse the JSON body of your request.", "", "")
	}
	for name := range fields {
		if !slices.Contains([]string{"model", "messages", "temperature", "max_tokens", "max_completion_tokens"}, name) {
			return asked, malformed("Unrecognized request argument supplied: "+name, "", "")
		}
	}
	if err := json.Unmarshal(raw, &asked); err != nil {
		return asked, malformed("Invalid type: "+err.Error(), "", "invalid_type")
	}
	return asked, checkFields(asked)
}

func checkFields(asked Request) *failure {
	if asked.Model == "" {
		return malformed("you must provide a model parameter", "", "")
	}
	if asked.Model != Model && asked.Model != Reasoner {
		return &failure{status: 404, message: "The model `" + asked.Model + "` does not exist or you do not have access to it.",
			typ: "invalid_request_error", code: "model_not_found"}
	}
	if len(asked.Messages) == 0 {
		return malformed("Missing required parameter: 'messages'.", "messages", "missing_required_parameter")
	}
	for i, m := range asked.Messages {
		if !slices.Contains([]string{"system", "developer", "user", "assistant"}, m.Role) {
			return malformed(fmt.Sprintf("Invalid value: '%s'.", m.Role), fmt.Sprintf("messages[%d].role", i), "invalid_value")
		}
		if m.Content == "" {
			return malformed("Invalid content: empty", fmt.Sprintf("messages[%d].content", i), "invalid_value")
		}
		// Templates of open models refuse two of a role in a row.
		if i > 0 && asked.Messages[i-1].Role == m.Role {
			return malformed("Conversation roles must alternate user/assistant/user/assistant/...", "messages", "")
		}
	}
	if last := asked.Messages[len(asked.Messages)-1]; last.Role != "user" {
		return malformed("The last message must be the user's", "messages", "")
	}
	if t := asked.Temperature; t != nil && (*t < 0 || *t > 2) {
		return malformed("Invalid 'temperature': expected a value from 0 to 2", "temperature", "decimal_above_max_value")
	}
	for name, n := range map[string]*float64{"max_tokens": asked.MaxTokens, "max_completion_tokens": asked.MaxCompletionTokens} {
		if n != nil && (*n < 1 || *n != float64(int(*n))) {
			return malformed("Invalid '"+name+"': integer below minimum value", name, "integer_below_min_value")
		}
	}
	return checkReasoner(asked)
}

func checkReasoner(asked Request) *failure {
	switch {
	case asked.Model != Reasoner:
	case asked.MaxTokens != nil:
		return &failure{status: 400, message: "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
			typ: "invalid_request_error", param: "max_tokens", code: "unsupported_parameter"}
	case asked.Temperature != nil && *asked.Temperature != 1:
		return &failure{status: 400, message: "Unsupported value: 'temperature' does not support this value with this model. Only the default (1) value is supported.",
			typ: "invalid_request_error", param: "temperature", code: "unsupported_value"}
	}
	return nil
}

// complete writes a chat.completion object.
func complete(w http.ResponseWriter, asked Request, text, reason string) {
	if most := asked.MaxTokens; most != nil && tokens(text) > int(*most) {
		text, reason = text[:4*int(*most)], "length"
	}
	used := map[string]any{
		"prompt_tokens": asked.Tokens(), "completion_tokens": tokens(text), "total_tokens": asked.Tokens() + tokens(text),
	}
	var content any = text
	if text == "" {
		content = nil
	}
	write(w, 200, completion(asked, content, reason, used))
}

func completion(asked Request, content any, reason string, used any) map[string]any {
	out := map[string]any{
		"id": "chatcmpl-fake", "object": "chat.completion", "created": time.Now().Unix(), "model": asked.Model,
		"choices": []any{map[string]any{
			"index": 0, "message": map[string]any{"role": "assistant", "content": content, "refusal": nil}, "logprobs": nil, "finish_reason": reason,
		}},
	}
	if used != nil {
		out["usage"] = used
	}
	return out
}

func write(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// The client may have gone.
	_ = json.NewEncoder(w).Encode(body)
}
