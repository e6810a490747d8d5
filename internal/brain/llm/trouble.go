package llm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Kind names a sort of trouble in one word of the API.
type Kind string

// The kinds of trouble. The first ones are the endpoint's and hold for every
// message, the rest are one message's.
const (
	WrongKey     Kind = "wrong_key"
	UnknownModel Kind = "unknown_model"
	BadAddress   Kind = "bad_address"
	Quota        Kind = "quota"
	RateLimited  Kind = "rate_limited"
	Timeout      Kind = "timeout"
	Unavailable  Kind = "unavailable"
	BadAnswer    Kind = "bad_answer"

	BadRequest Kind = "bad_request"
	TooLong    Kind = "too_long"
	Filtered   Kind = "filtered"
	Empty      Kind = "empty_answer"
)

// Kinds returns all of them.
func Kinds() []Kind {
	return []Kind{WrongKey, UnknownModel, BadAddress, Quota, RateLimited, Timeout, Unavailable, BadAnswer, BadRequest, TooLong, Filtered, Empty}
}

// OfMessage tells whether the trouble is one message's: others may go well.
func (k Kind) OfMessage() bool {
	switch k {
	case BadRequest, TooLong, Filtered, Empty:
		return true
	}
	return false
}

// Passing tells whether the trouble may be over soon without anybody's doing.
func (k Kind) Passing() bool {
	switch k {
	case RateLimited, Timeout, Unavailable, BadAnswer:
		return true
	}
	return false
}

// Trouble is why there is no answer.
type Trouble struct {
	Kind Kind
	// Text says what happened and what to do, in sentences for a person.
	Text string
	// After is how long the endpoint asks to wait; 0 is that it does not say.
	After time.Duration
	// Tokens is what the call used all the same.
	Tokens int64

	code, param string
}

func (t *Trouble) Error() string { return string(t.Kind) + ": " + t.Text }

// unreached is a call without a whole answer. It is ctx's own error when the
// caller gave up.
func (c *Client) unreached(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var dial *net.OpError
	if errors.Is(err, context.DeadlineExceeded) && !(errors.As(err, &dial) && dial.Op == "dial") {
		return &Trouble{Kind: Timeout, Text: fmt.Sprintf("The model did not answer within %s. See whether its endpoint is overloaded, or lower maxTokens.", c.Timeout)}
	}
	var outer *url.Error // names the URL, which the host knows
	if errors.As(err, &outer) {
		err = outer.Err
	}
	return &Trouble{Kind: Unavailable, Text: "The model's endpoint cannot be reached: check LLM_BASE_URL and whether it runs. (" + c.quote(err.Error()) + ")"}
}

// apiError is the error object of the public API, and what others make of it.
type apiError struct {
	Message string `json:"message"`
	Type    string `json:"type"`
	Code    any    `json:"code"`
	Param   any    `json:"param"`
}

// readError finds the error object in an answer: under "error", as a text
// there, or the answer itself.
func readError(raw []byte) (e apiError, found bool) {
	var wrapped struct {
		Error json.RawMessage `json:"error"`
	}
	if json.Unmarshal(raw, &wrapped) != nil {
		return e, false
	}
	if len(wrapped.Error) == 0 {
		_ = json.Unmarshal(raw, &e)
		return e, e.Message != ""
	}
	if json.Unmarshal(wrapped.Error, &e) != nil {
		_ = json.Unmarshal(wrapped.Error, &e.Message)
	}
	return e, e.Message != ""
}

// refused is an answer that is not 2xx.
func (c *Client) refused(res *http.Response, raw []byte, p Prompt) *Trouble {
	e, found := readError(raw)
	t := &Trouble{After: retryAfter(res.Header, time.Now())}
	t.code, _ = e.Code.(string)
	t.param, _ = e.Param.(string)
	t.Kind = kindOf(res.StatusCode, t.code, e, p.Model)
	said := strconv.Itoa(res.StatusCode)
	if found {
		said += ": " + c.quote(e.Message)
	}
	t.Text = c.advice(t.Kind, p) + " (" + said + ")"
	return t
}

func kindOf(status int, code string, e apiError, model string) Kind {
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return WrongKey
	case code == "model_not_found", status == http.StatusNotFound && model != "" && strings.Contains(e.Message, model):
		return UnknownModel
	case status == http.StatusPaymentRequired, code == "insufficient_quota", e.Type == "insufficient_quota":
		return Quota
	case status == http.StatusTooManyRequests:
		return RateLimited
	case isTooLong(code, e), status == http.StatusRequestEntityTooLarge:
		return TooLong
	case code == "content_filter", code == "content_policy_violation":
		return Filtered
	case status/100 == 3, status == http.StatusNotFound, status == http.StatusMethodNotAllowed:
		return BadAddress
	case status == http.StatusRequestTimeout, status == http.StatusGatewayTimeout:
		return Timeout
	case status >= 500:
		return Unavailable
	}
	return BadRequest
}

// isTooLong also knows endpoints that have no code for it but words.
func isTooLong(code string, e apiError) bool {
	if code == "context_length_exceeded" || e.Type == "exceed_context_size_error" {
		return true
	}
	text := strings.ToLower(e.Message)
	return code == "" && (strings.Contains(text, "maximum context length") || strings.Contains(text, "context size"))
}

func (c *Client) advice(k Kind, p Prompt) string {
	switch k {
	case WrongKey:
		if c.Key == "" {
			return "The model's endpoint asks for a key: the host of this server has to name its file in LLM_API_KEY_FILE and restart the server."
		}
		return "The model's endpoint refuses the key: the host of this server has to put the right one in LLM_API_KEY_FILE and restart the server."
	case UnknownModel:
		return fmt.Sprintf("The endpoint does not know the model %q: name another in the agent's setting model, or the host in LLM_MODEL.", p.Model)
	case BadAddress:
		return "There is no /chat/completions at the address in LLM_BASE_URL: the host of this server has to correct it, as in https://api.example.com/v1."
	case Quota:
		return "The account at the model's endpoint has nothing left to spend: raise its limit or pay its bill."
	case RateLimited:
		return "The model's endpoint is asked more often than it allows. Nothing is to be done unless this stays: then raise the account's limit."
	case Timeout, Unavailable:
		return "The model's endpoint does not work at the moment."
	case TooLong:
		return "The message alone is longer than the model can read: send a shorter one, or name a model with a larger context in the agent's setting model."
	case Filtered:
		return "The model's endpoint refuses the message by its content."
	}
	return "The model's endpoint does not accept the request: check temperature, maxTokens and model in the agent's settings."
}

// retryAfter reads what the answer says of when to come again: seconds, a
// date, or milliseconds in retry-after-ms.
func retryAfter(h http.Header, now time.Time) time.Duration {
	if ms, err := strconv.ParseFloat(h.Get("Retry-After-Ms"), 64); err == nil && ms > 0 {
		return time.Duration(min(ms, 1e9) * float64(time.Millisecond))
	}
	text := h.Get("Retry-After")
	if s, err := strconv.ParseFloat(text, 64); err == nil && s > 0 {
		return time.Duration(min(s, 1e6) * float64(time.Second))
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}

const (
	// maxQuote bounds what is shown of an endpoint's own words, in bytes.
	maxQuote = 240
	// leastSecret is how much of the key in one piece is taken for a leak.
	leastSecret = 6
)

// quote makes an endpoint's words fit to be shown: one line, bounded, without
// any part of the key.
func (c *Client) quote(s string) string {
	s = redact(s[:min(len(s), 4*maxQuote)], c.Key)
	s = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, "\uFFFD"), func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r)
	}), " ")
	if len(s) > maxQuote {
		s = strings.ToValidUTF8(s[:maxQuote], "") + " …"
	}
	return s
}

// redact replaces every stretch of s that is a part of the key.
func redact(s, key string) string {
	var out strings.Builder
	for i := 0; i < len(s); {
		n := 0
		for i+n < len(s) && strings.Contains(key, s[i:i+n+1]) {
			n++
		}
		switch {
		case n >= min(leastSecret, len(key)) && n > 0:
			out.WriteString("[key]")
			i += n
		default:
			out.WriteByte(s[i])
			i++
		}
	}
	return out.String()
}
