// Package protocol is the client of the runtime protocol: what an agent's program
// says to the server and hears from it, with one run token. It repeats what did
// not arrive. It knows the standard library alone.
package protocol

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	mathrand "math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	// maxAnswer bounds what is read of an answer.
	maxAnswer = 8 << 20
	// maxEvents is how many events one call may carry.
	maxEvents = 500
	// callTime is how long a call may take beside what it is told to wait.
	callTime = 15 * time.Second
	// idleTime is how long a connection that nobody uses is kept: the long poll
	// of the inbox has one all the time, the others would cost the server as much.
	idleTime = 5 * time.Second
)

// ErrOver means that the run is over: the program has to end.
var ErrOver = errors.New("the run is over")

// Self is what the program learns of its agent.
type Self struct {
	Agent struct {
		ID     string `json:"id"`
		Name   string `json:"name"`
		Status string `json:"status"`
	} `json:"agent"`
	Settings       map[string]any `json:"settings"`
	EnableAutonomy bool           `json:"enableAutonomy"`
	MayWork        bool           `json:"mayWork"`
	Why            string         `json:"why"`
}

// Command is something the program is told; the fields depend on the type.
type Command struct {
	ID           string `json:"id"`
	Type         string `json:"type"`
	MessageID    string `json:"messageId"`
	Text         string `json:"text"`
	Conversation string `json:"conversation"`
	From         string `json:"from"`
	// History is what was said before a message, oldest first.
	History []Turn `json:"history"`
	Code    string `json:"code"`
}

// Turn is one message of a conversation; Reply is "" where there is none.
type Turn struct {
	MessageID string `json:"messageId"`
	From      string `json:"from"`
	Text      string `json:"text"`
	Reply     string `json:"reply"`
}

// Task is one unit of work; the payload depends on the type.
type Task struct {
	ID      string          `json:"id"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload"`
}

// Claimed is the answer to asking for tasks.
type Claimed struct {
	Tasks      []Task     `json:"tasks"`
	Why        string     `json:"why"`
	AskAgainAt *time.Time `json:"askAgainAt"`
}

// Event is something the program tells, with the fields of its type beside id,
// type and at.
type Event map[string]any

// NewEvent makes an event with an id of its own, so that telling it twice has
// no effect, and the fields given as name, value, name, value.
func NewEvent(typ string, fields ...any) Event {
	e := Event{"id": NewID(), "type": typ, "at": time.Now().UTC().Format("2006-01-02T15:04:05.000Z")}
	for i := 0; i+1 < len(fields); i += 2 {
		e[fields[i].(string)] = fields[i+1]
	}
	return e
}

// NewID makes a UUID version 4 (RFC 9562).
func NewID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6] = 0x40 | b[6]&0x0f
	b[8] = 0x80 | b[8]&0x3f
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// Refusal is an answer that is not 2xx.
type Refusal struct {
	Status int
	Detail string
	After  time.Duration // what Retry-After says, else 0
}

func (r *Refusal) Error() string { return fmt.Sprintf("%d: %s", r.Status, r.Detail) }

// Refused tells whether the server understood the call and will not do it.
func Refused(err error) bool {
	var r *Refusal
	return errors.As(err, &r)
}

// Options are what a client is made of.
type Options struct {
	// URL is the server's address, Token the run token.
	URL, Token string
	// HTTP makes the calls; nil is a client of its own, which Close empties.
	HTTP *http.Client
	// Log takes what goes wrong; nil is nobody.
	Log *slog.Logger
	// The bounds of the growing pause between tries; 0 is 100 ms and 10 s.
	RetryMin, RetryMax time.Duration
}

// Client calls the runtime protocol. Its methods may be called at once; each
// returns ErrOver when the run is over, a *Refusal when the server will not do
// it, and ctx's error. While the server is away or too busy they try again.
type Client struct {
	base *url.URL
	own  bool // HTTP is the client's own
	Options
}

// New refuses what cannot be an address or a token.
func New(o Options) (*Client, error) {
	u, err := url.Parse(o.URL)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, fmt.Errorf("AGENTRY_URL is no address of a server: %q", o.URL)
	}
	if o.Token == "" {
		return nil, errors.New("there is no run token")
	}
	c := &Client{base: u, own: o.HTTP == nil, Options: o}
	if c.own {
		c.HTTP = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 3, IdleConnTimeout: idleTime}}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.RetryMin <= 0 {
		c.RetryMin = 100 * time.Millisecond
	}
	if c.RetryMax <= 0 {
		c.RetryMax = 10 * time.Second
	}
	return c, nil
}

// Close lets go of idle connections that are the client's own.
func (c *Client) Close() {
	if c.own {
		c.HTTP.CloseIdleConnections()
	}
}

// Self asks who the agent is; the first time it is the hello.
func (c *Client) Self(ctx context.Context) (out Self, err error) {
	return out, c.call(ctx, http.MethodGet, "self", 0, nil, &out)
}

// Login returns the login name the agent was set up with; "" is none.
func (c *Client) Login(ctx context.Context) (string, error) {
	var out struct {
		Login string `json:"login"`
	}
	err := c.call(ctx, http.MethodGet, "credentials", 0, nil, &out)
	if Refused(err) {
		err = nil
	}
	return out.Login, err
}

// Inbox returns what was not acknowledged yet but for the known ids, at most 64
// of them, and waits for something.
func (c *Client) Inbox(ctx context.Context, wait time.Duration, known ...string) ([]Command, error) {
	var out struct {
		Commands []Command `json:"commands"`
	}
	path := "inbox?wait=" + strconv.Itoa(int(wait.Seconds()))
	if len(known) > 0 {
		path += "&known=" + strings.Join(known, ",")
	}
	return out.Commands, c.call(ctx, http.MethodGet, path, wait, nil, &out)
}

// Claim asks for tasks that may be done now.
func (c *Client) Claim(ctx context.Context, most int) (out Claimed, err error) {
	return out, c.call(ctx, http.MethodPost, "tasks/claim", 0, map[string]int{"max": most}, &out)
}

// Tell sends events until they are stored. What the server refuses is logged:
// telling it again would not help.
func (c *Client) Tell(ctx context.Context, events ...Event) error {
	for len(events) > 0 {
		part := events[:min(len(events), maxEvents)]
		events = events[len(part):]
		var out struct {
			Results []struct {
				OK    bool   `json:"ok"`
				Error string `json:"error"`
			} `json:"results"`
		}
		err := c.call(ctx, http.MethodPost, "events", 0, map[string]any{"events": part}, &out)
		if err != nil && !Refused(err) {
			return err
		}
		if err != nil {
			c.Log.Warn("the server refuses events", "error", err)
		}
		for i, r := range out.Results {
			if !r.OK && i < len(part) {
				c.Log.Warn("the server refuses an event", "type", part[i]["type"], "error", r.Error)
			}
		}
	}
	return nil
}

// call repeats one call, with growing random pauses, while the server is away
// or too busy.
func (c *Client) call(ctx context.Context, method, path string, wait time.Duration, in, out any) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return err
		}
	}
	for n := 0; ; n++ {
		err := c.once(ctx, method, path, wait, body, out)
		pause, again := c.pause(n, err)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if !again {
			if n > 0 {
				c.Log.Info("the server is back")
			}
			return err
		}
		if n == 0 {
			c.Log.Warn("the server does not answer; trying again", "error", err)
		}
		if err := Sleep(ctx, pause); err != nil {
			return err
		}
	}
}

// pause says whether to try again after the nth try ended with err, and when.
func (c *Client) pause(n int, err error) (pause time.Duration, again bool) {
	if err == nil || errors.Is(err, ErrOver) {
		return 0, false
	}
	pause = min(c.RetryMin<<min(n, 10), c.RetryMax)
	pause = pause/2 + mathrand.N(pause/2+1)
	var r *Refusal
	if !errors.As(err, &r) {
		return pause, true
	}
	busy := r.Status == http.StatusTooManyRequests || r.Status == http.StatusRequestTimeout || r.Status >= 500
	return max(pause, min(r.After, time.Minute)), busy
}

func (c *Client) once(ctx context.Context, method, path string, wait time.Duration, body []byte, out any) error {
	ctx, cancel := context.WithTimeout(ctx, wait+callTime)
	defer cancel()
	address := strings.TrimSuffix(c.base.String(), "/") + "/runtime/v1/" + path
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+c.Token)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := c.HTTP.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	switch {
	case res.StatusCode == http.StatusGone:
		return ErrOver
	case res.StatusCode/100 != 2:
		return newRefusal(res, raw)
	case err != nil:
		return err
	}
	return json.Unmarshal(raw, out)
}

func newRefusal(res *http.Response, raw []byte) *Refusal {
	var problem struct {
		Detail string `json:"detail"`
	}
	r := &Refusal{Status: res.StatusCode, Detail: http.StatusText(res.StatusCode)}
	if json.Unmarshal(raw, &problem) == nil && problem.Detail != "" {
		r.Detail = problem.Detail
	}
	if seconds, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && seconds > 0 {
		r.After = time.Duration(seconds) * time.Second
	}
	return r
}

// Sleep waits; ctx's error means that it was cut short.
func Sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
