package fake

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// failure is an error of the public API.
type failure struct {
	status          int
	message, typ    string
	param, code     string
	after           string // Retry-After
	malformed, flat bool
}

func malformed(message, param, code string) *failure {
	return &failure{status: 400, message: message, typ: "invalid_request_error", param: param, code: code, malformed: true}
}

func (f failure) write(w http.ResponseWriter) {
	if f.after != "" {
		w.Header().Set("Retry-After", f.after)
	}
	body := map[string]any{"message": f.message, "type": f.typ, "param": orNull(f.param), "code": orNull(f.code)}
	if f.flat {
		body["object"], body["code"] = "error", f.status
		write(w, f.status, body)
		return
	}
	write(w, f.status, map[string]any{"error": body})
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func (f failure) fault() Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ Request) { f.write(w) }
}

// RateLimited is 429; after is Retry-After, "" for none.
func RateLimited(after string) Fault {
	return failure{status: 429, message: "Rate limit reached for requests", typ: "requests", code: "rate_limit_exceeded", after: after}.fault()
}

// Quota is 429 of an account without means.
func Quota() Fault {
	return failure{status: 429, message: "You exceeded your current quota, please check your plan and billing details.",
		typ: "insufficient_quota", code: "insufficient_quota"}.fault()
}

// ServerError is 500.
func ServerError() Fault {
	return failure{status: 500, message: "The server had an error while processing your request. Sorry about that!", typ: "server_error"}.fault()
}

// Overloaded is 503; after is Retry-After, "" for none.
func Overloaded(after string) Fault {
	return failure{status: 503, message: "The engine is currently overloaded, please try again later", typ: "server_error", after: after}.fault()
}

// Forbidden is 403.
func Forbidden() Fault {
	return failure{status: 403, message: "You are not allowed to sample from this model", typ: "invalid_request_error"}.fault()
}

// BadRequest is 400 of no known code.
func BadRequest() Fault {
	return failure{status: 400, message: "This value is not supported", typ: "invalid_request_error"}.fault()
}

// TooLong is 400 of a context that is too long, as endpoints say it that have
// no code for it.
func TooLong() Fault {
	return failure{status: 400, message: "This model's maximum context length is 512 tokens.", typ: "BadRequestError", flat: true}.fault()
}

// Filtered is an answer that the content filter took away.
func Filtered() Fault { return answer(nil, "content_filter", map[string]any{"total_tokens": 9}) }

// Null is an answer without text; reason is its finish_reason.
func Null(reason string) Fault { return answer(nil, reason, map[string]any{"total_tokens": 9}) }

// NoUsage answers without counting tokens.
func NoUsage(text string) Fault { return answer(text, "stop", nil) }

func answer(content any, reason string, used any) Fault {
	return func(w http.ResponseWriter, _ *http.Request, asked Request) {
		write(w, 200, completion(asked, content, reason, used))
	}
}

// Refusal answers with the model's own refusal.
func Refusal(text string) Fault {
	return func(w http.ResponseWriter, _ *http.Request, asked Request) {
		body := completion(asked, nil, "stop", map[string]any{"total_tokens": 9})
		body["choices"].([]any)[0].(map[string]any)["message"].(map[string]any)["refusal"] = text
		write(w, 200, body)
	}
}

// NoChoice answers with an empty list of choices, and an error as gateways do.
func NoChoice() Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ Request) {
		write(w, 200, map[string]any{"object": "chat.completion", "choices": []any{}, "error": map[string]any{"message": "provider is down"}})
	}
}

// Garbage answers with what is no JSON.
func Garbage() Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ Request) {
		_, _ = w.Write([]byte("<html>Welcome</html>"))
	}
}

// Huge answers with so many bytes of text.
func Huge(n int) Fault {
	return func(w http.ResponseWriter, _ *http.Request, asked Request) {
		write(w, 200, completion(asked, strings.Repeat("x", n), "stop", nil))
	}
}

// Cut breaks the connection in the middle of an answer.
func Cut() Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = w.Write([]byte(`{"id":"chatcmpl-`))
		panic(http.ErrAbortHandler)
	}
}

// Redirect sends the caller elsewhere.
func Redirect(to string) Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ Request) {
		w.Header().Set("Location", to)
		w.WriteHeader(http.StatusTemporaryRedirect)
	}
}

// Hang answers when the caller has gone, or the time is up.
func Hang() Fault {
	return func(_ http.ResponseWriter, r *http.Request, _ Request) {
		select {
		case <-r.Context().Done():
		case <-time.After(time.Minute):
		}
	}
}

// Hold answers as usual once release is closed.
func Hold(release <-chan struct{}) Fault {
	return func(w http.ResponseWriter, r *http.Request, asked Request) {
		select {
		case <-r.Context().Done():
		case <-release:
			complete(w, asked, "You said: "+asked.Last(), "stop")
		}
	}
}

// Echo answers 500 with the caller's own headers, as broken gateways do.
func Echo() Fault {
	return func(w http.ResponseWriter, r *http.Request, asked Request) {
		key := r.Header.Get("Authorization")
		failure{status: 500, message: "upstream refused " + strconv.Quote(key) + " and " + key[len(key)-20:], typ: "server_error"}.write(w)
	}
}
