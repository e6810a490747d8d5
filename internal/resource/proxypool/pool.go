// Package proxypool reaches the proxies of a team's pool: it fills in an
// entry's templates and tries it by a real request, which never goes to an
// address inside this network unless the host allows it.
package proxypool

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"agentry/internal/fleet"
	"agentry/internal/resource"
)

const (
	// checkTime is how long one request of a check may take.
	checkTime = 10 * time.Second
	// maxAnswer is how many bytes of an answer are read.
	maxAnswer = 1 << 20
)

// Config is what a Pool is made of.
type Config struct {
	// CheckURLs tell who asks from where, as JSON; the next one is asked when
	// one does not. Reply keys are ip, country, city, or those of common services.
	CheckURLs []string
	// AllowPrivate are networks that proxies may be in although nobody beyond
	// this network can reach them.
	AllowPrivate []netip.Prefix
}

// Pool is the vendor of proxies that a team brings itself. Use New.
type Pool struct {
	urls   []string
	dialer *net.Dialer
	tls    *tls.Config // nil trusts what the machine trusts
}

var _ resource.Proxies = (*Pool)(nil)

// New makes a Pool.
func New(c Config) *Pool {
	return &Pool{urls: c.CheckURLs, dialer: &net.Dialer{ControlContext: fence{c.AllowPrivate}.control}}
}

// Endpoint fills an entry's templates for a session.
func (*Pool) Endpoint(p fleet.Proxy, password, session string) (resource.Endpoint, error) {
	v := fleet.ProxyValues{Country: p.Country, Session: session, TTL: p.SessionTTL}
	e := resource.Endpoint{Scheme: p.Scheme, Host: p.Host, Port: p.Port}
	var err error
	if e.Username, err = fleet.FillProxyTemplate(p.Username, v); err == nil {
		e.Password, err = fleet.FillProxyTemplate(password, v)
	}
	if err != nil {
		// The cause says nothing of the template, which may be the password.
		return resource.Endpoint{}, &resource.Error{Reason: resource.Invalid, Message: "The proxy's username or password cannot be filled in: save them again", Cause: err}
	}
	return e, nil
}

// Check asks a check URL through the endpoint. An error with Unclear set says
// nothing of the proxy: it let the request through, and no check URL told
// where it came from.
func (p *Pool) Check(ctx context.Context, e resource.Endpoint, country string) (exit resource.Exit, err error) {
	err = &resource.Error{Reason: resource.Invalid, Message: "No address for checks is set: see AGENTRY_PROXY_CHECK_URL", Unclear: true}
	for _, u := range p.urls {
		exit, err = p.ask(ctx, e, u)
		if err == nil && exit.Country != country {
			return exit, &resource.Error{Reason: resource.Refused, Message: "The exit is in " + exit.Country + ", not in " + country}
		}
		var known *resource.Error
		if err == nil || !errors.As(err, &known) || !known.Unclear {
			return exit, err
		}
	}
	return exit, err
}

// ask makes one request through the endpoint.
func (p *Pool) ask(ctx context.Context, e resource.Endpoint, checkURL string) (resource.Exit, error) {
	return p.askBy(ctx, p.dialer.DialContext, e, checkURL)
}

// dialing connects to a proxy.
type dialing func(ctx context.Context, network, address string) (net.Conn, error)

func (p *Pool) askBy(ctx context.Context, dial dialing, e resource.Endpoint, checkURL string) (exit resource.Exit, err error) {
	parent := ctx
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	way, plain := &way{}, strings.HasPrefix(checkURL, "http:")
	transport := &http.Transport{
		Proxy: http.ProxyURL(e.URL()), DialContext: dial, OnProxyConnectResponse: way.connected,
		TLSClientConfig: p.tls, DisableKeepAlives: true, MaxResponseHeaderBytes: maxAnswer,
	}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, checkURL, nil)
	if err != nil {
		return exit, unclear("The address for checks is not a URL")
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "agentry")
	start := time.Now()
	res, err := client.Do(req)
	if err != nil {
		if parent.Err() != nil {
			return exit, parent.Err()
		}
		return exit, way.failed(err)
	}
	defer res.Body.Close()
	latency := time.Since(start)
	if err := way.answered(res, plain && e.Scheme == "http"); err != nil {
		return exit, err
	}
	exit, err = readExit(res.Body, plain)
	exit.Latency = latency
	if err != nil && parent.Err() != nil {
		err = parent.Err()
	}
	return exit, err
}

func unclear(message string) error {
	return &resource.Error{Reason: resource.Unreachable, Message: message, Unclear: true}
}
