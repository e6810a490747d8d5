package gologin

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"agentry/internal/resource"
)

// call is one request. Body is nil or becomes JSON; secrets are those in it.
type call struct {
	method, path string
	query        url.Values
	body         any
	secrets      []string
	// probe is set where a token may be tried that was not accepted before.
	probe bool
}

// changes tells whether the request may have an effect.
func (q call) changes() bool { return q.method != http.MethodGet }

// answer is a 2xx of GoLogin's own; the body is empty or JSON.
type answer struct {
	status int
	body   []byte
}

// ask makes one request when the rate allows it. Errors are *resource.Error;
// one that ctx caused has ctx's error in its chain.
func (c *Client) ask(ctx context.Context, q call) (answer, error) {
	if _, refused := c.access.use(q.probe); refused != nil {
		return answer{}, refused
	}
	leave, err := c.enter(ctx)
	if err != nil {
		return answer{}, err
	}
	defer leave()
	// Once more: the wait may have been long.
	token, refused := c.access.use(q.probe)
	if refused != nil {
		return answer{}, refused
	}
	a, failure := c.send(ctx, q, token)
	if failure == nil {
		c.access.accept(token, q.probe)
		return a, nil
	}
	if failure.Reason == resource.Unauthorized || failure.Reason == resource.Revoked {
		c.access.refuse(token, *failure)
	}
	return answer{}, failure
}

// enter waits for a place among the requests under way and then for the rate,
// in this order: who holds a turn of the rate uses it at once.
func (c *Client) enter(ctx context.Context) (leave func(), err error) {
	select {
	case c.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, notAsked(ctx.Err())
	}
	if err := c.bucket.Wait(ctx); err != nil {
		<-c.slots
		if ctx.Err() == nil { // the turn would come after ctx's deadline
			return nil, notAsked(context.DeadlineExceeded)
		}
		return nil, notAsked(ctx.Err())
	}
	return func() { <-c.slots }, nil
}

func notAsked(why error) *resource.Error {
	return &resource.Error{Reason: resource.Unreachable, Message: "GoLogin was not asked: there was no time left for it", Cause: why}
}

func (c *Client) send(ctx context.Context, q call, token string) (answer, *resource.Error) {
	inner, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	req, err := c.request(inner, q, token)
	if err != nil {
		return answer{}, &resource.Error{Reason: resource.Invalid, Message: "GoLogin cannot be asked for this"}
	}
	words := newRedactor(append(q.secrets, token)...)
	began := time.Now()
	res, err := c.http.Do(req)
	if err != nil {
		return answer{}, c.unreached(ctx, q, err, words)
	}
	defer res.Body.Close()
	c.log.Debug("GoLogin answered", "method", q.method, "path", q.path, "status", res.StatusCode, "took", time.Since(began))
	kind := res.Header.Get("Content-Type")
	if res.StatusCode == http.StatusTooManyRequests && !strings.HasPrefix(kind, "text/") {
		c.access.refuse(token, *revoked()) // before the answer's end: nobody may ask in the meantime
	}
	raw, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	refused := res.StatusCode == http.StatusUnauthorized || res.StatusCode == http.StatusTooManyRequests
	if err != nil && !refused {
		return answer{}, c.unreached(ctx, q, err, words)
	}
	if len(raw) > maxAnswer && !refused {
		return answer{}, &resource.Error{
			Reason: resource.Unreachable, Unclear: q.changes(),
			Message: fmt.Sprintf("What answers at %s says more than GoLogin does: see whether AGENTRY_GOLOGIN_API_BASE is right", c.base),
		}
	}
	j := judge{base: c.base, changes: q.changes(), words: words}
	if failure := j.failure(res.StatusCode, kind, raw); failure != nil {
		return answer{}, failure
	}
	return answer{res.StatusCode, bytes.TrimSpace(raw)}, nil
}

func (c *Client) request(ctx context.Context, q call, token string) (*http.Request, error) {
	address := c.base + q.path
	if len(q.query) > 0 {
		address += "?" + q.query.Encode()
	}
	var body io.Reader
	if q.body != nil {
		raw, err := json.Marshal(q.body)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, q.method, address, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("User-Agent", c.agent)
	req.Header.Set("Accept", "application/json")
	if q.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, nil
}

// unreached explains a request without a whole answer. What the network says
// may repeat what was sent.
func (c *Client) unreached(ctx context.Context, q call, err error, words redactor) *resource.Error {
	e := &resource.Error{Reason: resource.Unreachable, Unclear: q.changes() && !neverSent(err)}
	var outer *url.Error
	if errors.As(err, &outer) {
		err = outer.Err
	}
	e.Cause = words.cause(err)
	var timeout net.Error
	switch {
	case ctx.Err() != nil:
		e.Message, e.Cause = "GoLogin's answer was not waited for", ctx.Err()
	case neverSent(err):
		e.Message = fmt.Sprintf("GoLogin cannot be reached at %s: see that this server may go there", c.base)
	case errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout():
		e.Message, e.Cause = fmt.Sprintf("GoLogin did not answer in time, which is %s", callTime), context.DeadlineExceeded
	default:
		e.Message = "The connection to GoLogin broke off"
	}
	return e
}

// neverSent tells whether the request surely did not leave: there was no
// connection. In doubt it is false.
func neverSent(err error) bool {
	var dial *net.OpError
	var name *net.DNSError
	var certificate *tls.CertificateVerificationError
	return errors.As(err, &dial) && (dial.Op == "dial" || dial.Op == "proxyconnect") ||
		errors.As(err, &name) || errors.As(err, &certificate)
}
