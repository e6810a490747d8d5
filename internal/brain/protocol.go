package brain

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
)

// errOver means that the run is over: the program has to end.
var errOver = errors.New("the run is over")

// self is what the program learns of its agent.
type self struct {
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

// command is something the program is told; the fields depend on the type.
type command struct {
	ID           string `json:"id"`
	Type         string `json:"type"`
	MessageID    string `json:"messageId"`
	Text         string `json:"text"`
	Conversation string `json:"conversation"`
	From         string `json:"from"`
	Code         string `json:"code"`
}

type task struct {
	ID      string          `json:"id"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload"`
}

// claimed is the answer to asking for tasks.
type claimed struct {
	Tasks      []task     `json:"tasks"`
	Why        string     `json:"why"`
	AskAgainAt *time.Time `json:"askAgainAt"`
}

// event is something the program tells, with the fields of its type beside id,
// type and at.
type event map[string]any

// newEvent makes an event with an id of its own, so that telling it twice has
// no effect, and the fields given as name, value, name, value.
func newEvent(typ string, fields ...any) event {
	e := event{"id": newID(), "type": typ, "at": time.Now().UTC().Format("2006-01-02T15:04:05.000Z")}
	for i := 0; i+1 < len(fields); i += 2 {
		e[fields[i].(string)] = fields[i+1]
	}
	return e
}

// newID makes a UUID version 4 (RFC 9562).
func newID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6] = 0x40 | b[6]&0x0f
	b[8] = 0x80 | b[8]&0x3f
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// refusal is an answer that is not 2xx.
type refusal struct {
	status int
	detail string
	after  time.Duration // what Retry-After says, else 0
}

func (r *refusal) Error() string { return fmt.Sprintf("%d: %s", r.status, r.detail) }

// refused tells whether the server understood the call and will not do it.
func refused(err error) bool {
	var r *refusal
	return errors.As(err, &r)
}

// client calls the runtime protocol.
type client struct {
	base  *url.URL
	token string
	http  *http.Client
	log   *slog.Logger
	// The bounds of the pause between tries.
	retryMin, retryMax time.Duration
}

func newClient(base, token string, log *slog.Logger) (*client, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, fmt.Errorf("AGENTRY_URL is no address of a server: %q", base)
	}
	if token == "" {
		return nil, errors.New("there is no run token")
	}
	return &client{
		base: u, token: token, log: log, http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 3}},
		retryMin: 100 * time.Millisecond, retryMax: 10 * time.Second,
	}, nil
}

func (c *client) self(ctx context.Context) (out self, err error) {
	return out, c.call(ctx, http.MethodGet, "self", 0, nil, &out)
}

// login returns the login name the agent was set up with; "" is none.
func (c *client) login(ctx context.Context) (string, error) {
	var out struct {
		Login string `json:"login"`
	}
	err := c.call(ctx, http.MethodGet, "credentials", 0, nil, &out)
	if refused(err) {
		err = nil
	}
	return out.Login, err
}

// inbox returns what was not acknowledged yet, and waits for something.
func (c *client) inbox(ctx context.Context, wait time.Duration) ([]command, error) {
	var out struct {
		Commands []command `json:"commands"`
	}
	path := "inbox?wait=" + strconv.Itoa(int(wait.Seconds()))
	return out.Commands, c.call(ctx, http.MethodGet, path, wait, nil, &out)
}

func (c *client) claim(ctx context.Context, most int) (out claimed, err error) {
	return out, c.call(ctx, http.MethodPost, "tasks/claim", 0, map[string]int{"max": most}, &out)
}

// tell sends events until they are stored. What the server refuses is logged:
// telling it again would not help.
func (c *client) tell(ctx context.Context, events ...event) error {
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
		if err != nil && !refused(err) {
			return err
		}
		if err != nil {
			c.log.Warn("the server refuses events", "error", err)
		}
		for i, r := range out.Results {
			if !r.OK && i < len(part) {
				c.log.Warn("the server refuses an event", "type", part[i]["type"], "error", r.Error)
			}
		}
	}
	return nil
}

// call repeats one call, with growing random pauses, while the server is away
// or too busy. It returns errOver when the run is over, a refusal when the
// server will not do it, and ctx's error.
func (c *client) call(ctx context.Context, method, path string, wait time.Duration, in, out any) error {
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
				c.log.Info("the server is back")
			}
			return err
		}
		if n == 0 {
			c.log.Warn("the server does not answer; trying again", "error", err)
		}
		if err := sleep(ctx, pause); err != nil {
			return err
		}
	}
}

// pause says whether to try again after the nth try ended with err, and when.
func (c *client) pause(n int, err error) (pause time.Duration, again bool) {
	if err == nil || errors.Is(err, errOver) {
		return 0, false
	}
	pause = min(c.retryMin<<min(n, 10), c.retryMax)
	pause = pause/2 + mathrand.N(pause/2+1)
	var r *refusal
	if !errors.As(err, &r) {
		return pause, true
	}
	busy := r.status == http.StatusTooManyRequests || r.status == http.StatusRequestTimeout || r.status >= 500
	return max(pause, min(r.after, time.Minute)), busy
}

func (c *client) once(ctx context.Context, method, path string, wait time.Duration, body []byte, out any) error {
	ctx, cancel := context.WithTimeout(ctx, wait+callTime)
	defer cancel()
	address := strings.TrimSuffix(c.base.String(), "/") + "/runtime/v1/" + path
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	switch {
	case res.StatusCode == http.StatusGone:
		return errOver
	case res.StatusCode/100 != 2:
		return newRefusal(res, raw)
	case err != nil:
		return err
	}
	return json.Unmarshal(raw, out)
}

func newRefusal(res *http.Response, raw []byte) *refusal {
	var problem struct {
		Detail string `json:"detail"`
	}
	r := &refusal{status: res.StatusCode, detail: http.StatusText(res.StatusCode)}
	if json.Unmarshal(raw, &problem) == nil && problem.Detail != "" {
		r.detail = problem.Detail
	}
	if seconds, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && seconds > 0 {
		r.after = time.Duration(seconds) * time.Second
	}
	return r
}

// sleep waits; ctx's error means that it was cut short.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
