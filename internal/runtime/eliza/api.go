package eliza

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode"
)

const (
	// maxAnswer bounds what is read of an answer, in bytes; a list of
	// thousands of agents fits.
	maxAnswer = 8 << 20
	// maxKey bounds what is read of a key file, in bytes.
	maxKey = 4 << 10
	// maxCause bounds what is repeated of a server's own words, in bytes.
	maxCause = 300

	// shortCall is how long a call that the server answers from memory or its
	// database may take, startCall one that starts an agent with its plugins,
	// removeCall a delete (the server answers after 10 s at the latest), and
	// messageCall one that asks a model.
	shortCall   = 4 * time.Second
	startCall   = time.Minute
	removeCall  = 15 * time.Second
	messageCall = 2 * time.Minute
)

// trouble says what kind of failure a call met.
type trouble int

// The troubles. Only refused and failed are about the call itself; the others
// are about the server as a whole.
const (
	unreachable  trouble = iota // no answer, or none of an ElizaOS server
	unauthorized                // the API key is missing or wrong
	limited                     // too many requests
	refused                     // 4xx
	failed                      // 5xx
)

// callError is a call that did not do what was asked.
type callError struct {
	trouble trouble
	status  int    // 0 without an answer
	code    string // the server's own, such as SESSION_NOT_FOUND
	text    string // a sentence for people
}

func (e *callError) Error() string { return e.text }

// troubleOf returns what went wrong; ok is false for what is no trouble with
// the server, such as an ended context.
func troubleOf(err error) (e *callError, ok bool) {
	ok = errors.As(err, &e)
	return e, ok
}

func is(err error, t trouble) bool {
	e, ok := troubleOf(err)
	return ok && e.trouble == t
}

// hasCode tells whether the server answered with one of its own codes.
func hasCode(err error, codes ...string) bool {
	e, ok := troubleOf(err)
	if !ok {
		return false
	}
	for _, c := range codes {
		if e.code == c {
			return true
		}
	}
	return false
}

// api calls one ElizaOS server. Every call has a time-out, follows no redirect
// and is counted against the server's limit of requests.
type api struct {
	url     string
	keyFile string
	kind    string // whose configuration to name to people
	http    *http.Client
	limit   *limit
}

// call makes one request and reads the answer into out. A context that ended
// gives its own error; everything else is a *callError.
func (a *api) call(ctx context.Context, method, path string, timeout time.Duration, in, out any) error {
	if until := a.limit.blockedUntil(); !until.IsZero() {
		return a.limitedError(until)
	}
	key, err := readKey(a.keyFile)
	if err != nil {
		return &callError{trouble: unauthorized, text: fmt.Sprintf("The API key for the ElizaOS server at %s cannot be read: %v", a.url, err)}
	}
	inner, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	req, err := newRequest(inner, method, a.url+path, in)
	if err != nil {
		return err
	}
	if key != "" {
		req.Header.Set("X-API-KEY", key)
	}
	res, err := a.http.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return &callError{trouble: unreachable, text: fmt.Sprintf("The ElizaOS server at %s does not answer: %s", a.url, cause(err, timeout))}
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	a.limit.learn(res, time.Now())
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return &callError{trouble: unreachable, text: fmt.Sprintf("The ElizaOS server at %s broke off its answer: %s", a.url, cause(err, timeout))}
	}
	if res.StatusCode/100 != 2 {
		return a.refusal(res, raw, key != "")
	}
	if text, ok := out.(*plain); ok {
		*text = raw
		return nil
	}
	if json.Unmarshal(raw, out) != nil {
		return &callError{trouble: unreachable, status: res.StatusCode, text: fmt.Sprintf("What answers at %s is no ElizaOS server: its answer is not what one says", a.url)}
	}
	if s, ok := out.(*success); ok && !s.Success {
		return &callError{trouble: failed, status: res.StatusCode, text: fmt.Sprintf("The ElizaOS server at %s does not say that it did what it was asked", a.url)}
	}
	return nil
}

// plain takes an answer as it is, success one that must say so and is not
// read further.
type (
	plain   []byte
	success struct {
		Success bool `json:"success"`
	}
)

func newRequest(ctx context.Context, method, address string, in any) (*http.Request, error) {
	var body io.Reader
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, address, body)
	if err == nil && in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, err
}

// refusal explains an answer that is not 2xx.
func (a *api) refusal(res *http.Response, raw []byte, keyed bool) *callError {
	e := &callError{trouble: refused, status: res.StatusCode}
	var words string
	e.code, words = parseError(raw)
	switch {
	case res.StatusCode == http.StatusTooManyRequests:
		return a.limitedError(a.limit.blockedUntil())
	case res.StatusCode == http.StatusUnauthorized && keyed:
		e.trouble, e.text = unauthorized, fmt.Sprintf("The ElizaOS server at %s refuses the API key: put the value of its ELIZA_SERVER_AUTH_TOKEN into the api_key_file of kind %s", a.url, a.kind)
	case res.StatusCode == http.StatusUnauthorized:
		e.trouble, e.text = unauthorized, fmt.Sprintf("The ElizaOS server at %s asks for an API key: name a file with the value of its ELIZA_SERVER_AUTH_TOKEN as api_key_file of kind %s", a.url, a.kind)
	case res.StatusCode/100 == 3:
		e.trouble, e.text = unreachable, fmt.Sprintf("What answers at %s sends elsewhere (%d): set url of kind %s to the ElizaOS server's own address", a.url, res.StatusCode, a.kind)
	case words == "":
		e.trouble, e.text = unreachable, fmt.Sprintf("What answers at %s is no ElizaOS server: it says %d without a reason", a.url, res.StatusCode)
	default:
		if res.StatusCode >= 500 {
			e.trouble = failed
		}
		e.text = fmt.Sprintf("The ElizaOS server at %s says %d: %s", a.url, res.StatusCode, words)
	}
	return e
}

func (a *api) limitedError(until time.Time) *callError {
	when := "in a while"
	if !until.IsZero() {
		when = "at " + until.UTC().Format("15:04:05") + " UTC"
	}
	return &callError{
		trouble: limited, status: http.StatusTooManyRequests,
		text: fmt.Sprintf("The ElizaOS server at %s takes no more requests: its limit is reached; it is asked again %s", a.url, when),
	}
}

// parseError reads the shapes in which the server says what is wrong:
// {error:{code,message,details}}, {error:"text"} and {error:"text",message:"text"}.
// The code may be a number. A stack trace is left out.
func parseError(raw []byte) (code, words string) {
	var outer struct {
		Error   json.RawMessage `json:"error"`
		Message string          `json:"message"`
	}
	if json.Unmarshal(raw, &outer) != nil || len(outer.Error) == 0 {
		return "", ""
	}
	var text string
	if json.Unmarshal(outer.Error, &text) == nil {
		if outer.Message != "" {
			text += ": " + outer.Message
		}
		return "", clean(text)
	}
	var inner struct {
		Code    any    `json:"code"`
		Message string `json:"message"`
		Details any    `json:"details"`
	}
	if json.Unmarshal(outer.Error, &inner) != nil {
		return "", ""
	}
	code, _ = inner.Code.(string)
	words = inner.Message
	if details, _ := inner.Details.(string); details != "" && details != words {
		words += ": " + details
	}
	return code, clean(words)
}

// clean makes a server's words fit for one line.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "�"))
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > maxCause {
		s = strings.ToValidUTF8(s[:maxCause], "") + " …"
	}
	return s
}

// cause is what people need of a network error: not the address again.
func cause(err error, timeout time.Duration) string {
	var outer *url.Error
	if errors.As(err, &outer) {
		if outer.Timeout() {
			return fmt.Sprintf("nothing was heard for %s", timeout)
		}
		err = outer.Err
	}
	return clean(err.Error())
}

// readKey reads a key file at each call, so that a key can be changed under a
// running server. No file is no key.
func readKey(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxKey))
	if err != nil {
		return "", err
	}
	key := strings.TrimSpace(string(raw))
	if key == "" || strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", fmt.Errorf("%s must hold one key and nothing else", path)
	}
	return key, nil
}

// seconds reads a header that counts seconds; ok is false for anything else.
func seconds(h http.Header, name string) (time.Duration, bool) {
	n, err := strconv.Atoi(h.Get(name))
	if err != nil || n < 0 || n > 24*60*60 {
		return 0, false
	}
	return time.Duration(n) * time.Second, true
}
