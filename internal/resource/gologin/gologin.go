// Package gologin is a client of GoLogin's REST API for browser profiles, of
// those calls alone that the ledger needs. It asks once and repeats nothing:
// the ledger does. GoLogin takes the token away for too many requests, so the
// client keeps to a rate of its own, and after GoLogin's first 429 it asks for
// nothing more until it has another token.
//
// Of answers it reads named fields only: a profile as GoLogin shows it holds
// the proxy's password and other secrets in clear.
package gologin

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"agentry/internal/resource"

	"golang.org/x/time/rate"
)

const (
	// callTime is how long one request may take, dialTime how long it may take
	// to reach the API.
	callTime = 30 * time.Second
	dialTime = 10 * time.Second
	// maxAnswer bounds what is read of an answer, in bytes.
	maxAnswer = 1 << 20
	// atOnce is how many requests are under way at most.
	atOnce = 2

	// DefaultRate and MaxRate are requests a minute. GoLogin takes the token
	// away beyond 300 a minute on free and trial plans and 1,200 on others.
	DefaultRate = 120
	MaxRate     = 1200
	// maxBurst is how many requests may follow each other without a pause.
	maxBurst = 60
)

// Config says where GoLogin is and how to be let in.
type Config struct {
	// Base is the API's URL, https unless it is on this machine.
	Base string
	// Token reads the API token; its errors hold no part of it. It is asked at the start, and again when a
	// check follows a refusal: whoever replaces the token need not restart.
	Token func() (string, error)
	// Rate is requests a minute in the long run, from 1 to MaxRate; 0 is
	// DefaultRate. Up to half of it, 60 at most, may come in addition after a rest.
	Rate int
	// StandIn says that a local imitation is at Base.
	StandIn bool
	// Version is told in the User-Agent header.
	Version string
	// Transport makes the requests; nil is one that honours the proxy variables
	// of the environment, as the host's other outgoing calls do.
	Transport http.RoundTripper
	Log       *slog.Logger
}

// Client asks GoLogin; it is a resource.Profiles. Make it with New. It prints
// without the token.
type Client struct {
	base    string
	agent   string
	standIn bool
	log     *slog.Logger
	http    *http.Client
	access  *access
	bucket  *rate.Limiter
	slots   chan struct{}
}

var _ resource.Profiles = (*Client)(nil)

// New makes a client and asks GoLogin for nothing yet.
func New(c Config) (*Client, error) {
	base, err := parseBase(c.Base)
	if err != nil {
		return nil, err
	}
	if c.Rate == 0 {
		c.Rate = DefaultRate
	}
	if c.Rate < 1 || c.Rate > MaxRate {
		return nil, fmt.Errorf("GoLogin's rate must be from 1 to %d requests a minute", MaxRate)
	}
	if c.Token == nil {
		return nil, errors.New("GoLogin needs a token")
	}
	access, err := newAccess(c.Token)
	if err != nil {
		return nil, err
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Transport == nil {
		c.Transport = newTransport()
	}
	agent := "agentry"
	if c.Version != "" {
		agent += "/" + c.Version
	}
	return &Client{
		base: base, agent: agent, standIn: c.StandIn, log: c.Log, access: access,
		bucket: rate.NewLimiter(rate.Limit(float64(c.Rate)/60), burst(c.Rate)),
		slots:  make(chan struct{}, atOnce),
		http: &http.Client{
			Transport: c.Transport,
			// Whoever answers elsewhere must not get the token.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// burst keeps any minute below the largest plan's limit too.
func burst(perMinute int) int {
	return max(1, min(maxBurst, perMinute/2, MaxRate-perMinute))
}

// newTransport has no more connections than requests may be under way.
func newTransport() *http.Transport {
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: dialTime}).DialContext,
		TLSHandshakeTimeout: dialTime,
		MaxConnsPerHost:     atOnce, MaxIdleConnsPerHost: atOnce, IdleConnTimeout: time.Minute,
		MaxResponseHeaderBytes: 64 << 10,
		ForceAttemptHTTP2:      true,
	}
}

// parseBase takes the URL that requests go to, without a slash at its end. The
// error does not repeat it: it may hold a secret.
func parseBase(s string) (string, error) {
	u, err := url.Parse(s)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" {
		return "", errors.New("GoLogin's address is not an https URL")
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", errors.New("GoLogin's address must hold no user, query or fragment: the token has its own option")
	}
	if u.Scheme == "http" && !isLoopback(u.Hostname()) {
		return "", errors.New("GoLogin's address must be https, or the token would travel in the open")
	}
	return strings.TrimRight(u.String(), "/"), nil
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && ip.IsLoopback()
}

// Name is the vendor's in the ledger.
func (c *Client) Name() string { return "gologin" }

// Label is the vendor's for people.
func (c *Client) Label() string { return "GoLogin" }

// StandIn tells that this is a local imitation.
func (c *Client) StandIn() bool { return c.standIn }

// Mark differs when the token is another one, and reveals nothing of it.
func (c *Client) Mark() string { return c.access.mark() }

// Close ends idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// String names the address alone.
func (c *Client) String() string { return "GoLogin at " + c.base }

// Format prints String for every verb.
func (c *Client) Format(f fmt.State, _ rune) { io.WriteString(f, c.String()) }

// LogValue is String.
func (c *Client) LogValue() slog.Value { return slog.StringValue(c.String()) }

func markOf(token string) string {
	sum := sha256.Sum256([]byte("agentry gologin token\x00" + token))
	return hex.EncodeToString(sum[:])[:16]
}
