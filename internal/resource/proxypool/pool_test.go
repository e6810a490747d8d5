package proxypool

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"agentry/internal/fleet"
	"agentry/internal/resource"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const secret = "pa@:ss"

func TestEndpoint(t *testing.T) {
	t.Parallel()
	entry := fleet.Proxy{Scheme: "http", Host: "gate.example", Port: 7000, Country: "GB", SessionTTL: 30 * time.Minute,
		Username: "user-country-{cc}-{CC}-session-{sid}-sessionduration-{ttl_min}"}
	e, err := New(Config{}).Endpoint(entry, "pw_country-{cc}_{{x}", "abcd2345")
	want := resource.Endpoint{Scheme: "http", Host: "gate.example", Port: 7000,
		Username: "user-country-gb-GB-session-abcd2345-sessionduration-30", Password: "pw_country-gb_{x}"}
	if err != nil || e != want {
		t.Errorf("%#v %#v, %v", e.Username, e.Password, err)
	}
	for _, session := range []string{"a-b", "a_b", "", "a b", "ä"} {
		_, err := New(Config{}).Endpoint(entry, "{hunter2}", session)
		if resource.ReasonOf(err) != resource.Invalid || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("session %q: %v", session, err)
		}
	}
}

// Both kinds of proxy, with and without a password, in the open and encrypted.
func TestCheckWorks(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"http", "socks5"} {
		for _, user := range []string{"", "user-{x}"} {
			for _, encrypted := range []bool{false, true} {
				e, p := newEcho(t, encrypted), newProxy(t, scheme)
				if p.user = user; user != "" {
					p.password = secret
				}
				exit, err := pool(t, e).Check(t.Context(), p.endpoint(), "FR")
				if err != nil || exit.IP != "203.0.113.7" || exit.Country != "FR" || exit.City != "Paris" || exit.Latency <= 0 {
					t.Errorf("%s %q %v: %+v, %v", scheme, user, encrypted, exit, err)
				}
				conns, targets := p.count()
				if at := strings.SplitN(e.URL, "://", 2)[1]; conns != 1 || targets != at || e.requests() != 1 {
					t.Errorf("%s %q %v: %d connections to %q", scheme, user, encrypted, conns, targets)
				}
			}
		}
	}
}

func TestExitElsewhereIsAFailure(t *testing.T) {
	t.Parallel()
	e, p := newEcho(t, true), newProxy(t, "http")
	exit, err := pool(t, e).Check(t.Context(), p.endpoint(), "DE")
	if err == nil || err.Error() != "The exit is in FR, not in DE" || resource.ReasonOf(err) != resource.Refused || exit.Country != "FR" || exit.IP == "" {
		t.Errorf("%+v, %v", exit, err)
	}
}

// Each failure has its own sentence, and none says a word of the password.
func TestCheckFails(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]failure{
		"407 to CONNECT":  {proxy: func(p *proxy, e *resource.Endpoint) { e.Password += "x" }, reason: resource.Unauthorized, want: "does not accept the username and password"},
		"407 in the open": {plain: true, proxy: func(p *proxy, e *resource.Endpoint) { e.Password += "x" }, reason: resource.Unauthorized, want: "does not accept the username and password"},
		"SOCKS5 password": {scheme: "socks5", proxy: func(p *proxy, e *resource.Endpoint) { e.Password += "x" }, reason: resource.Unauthorized, want: "does not accept the username and password"},
		"SOCKS5 no user":  {scheme: "socks5", proxy: func(p *proxy, e *resource.Endpoint) { e.Username, e.Password = "", "" }, reason: resource.Unauthorized, want: "does not accept the username and password"},
		"402":             answers("402 Payment Required", "", resource.Quota, "traffic is used up"),
		"quota in header": answers("403 Forbidden", "X-Brd-Err-Msg: Zone traffic limit reached\r\n", resource.Quota, "traffic is used up"),
		"Proxy-Status":    answers("503 Service Unavailable", "Proxy-Status: gate; error=quota_exceeded\r\n", resource.Quota, "traffic is used up"),
		"502":             answers("502 Bad Gateway", "", resource.Refused, "no exit just now (it answered 502)"),
		"503":             answers("503 Service Unavailable", "", resource.Refused, "no exit just now (it answered 503)"),
		"403":             answers("403 Forbidden", "", resource.Refused, "refuses to connect (it answered 403)"),
		"302 to CONNECT":  answers("302 Found", "Location: http://127.0.0.1:1/\r\n", resource.Refused, "refuses to connect (it answered 302)"),
		"503 in the open": {plain: true, proxy: func(p *proxy, _ *resource.Endpoint) { p.refuse = "HTTP/1.1 503 x\r\nContent-Length: 0\r\n\r\n" }, reason: resource.Refused, want: "no exit just now"},
		"own page":        {plain: true, proxy: func(p *proxy, _ *resource.Endpoint) { p.refuse = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nplans" }, reason: resource.Refused, want: "not the answer of the address"},
		"SOCKS5 general":  {scheme: "socks5", proxy: func(p *proxy, _ *resource.Endpoint) { p.reply = 1 }, reason: resource.Refused, want: "no exit just now (it answered: general SOCKS server failure)"},
		"SOCKS5 rules":    {scheme: "socks5", proxy: func(p *proxy, _ *resource.Endpoint) { p.reply = 2 }, reason: resource.Refused, want: "connection not allowed by ruleset"},
		"refused":         {proxy: func(p *proxy, _ *resource.Endpoint) { p.listener.Close() }, reason: resource.Unreachable, want: "Nothing answers at the proxy's address"},
		"no such name":    {proxy: func(_ *proxy, e *resource.Endpoint) { e.Host = "nowhere.invalid" }, reason: resource.Unreachable, want: "host name is not known"},
		"other protocol":  {scheme: "socks5", proxy: func(p *proxy, e *resource.Endpoint) { e.Scheme = "http" }, reason: resource.Unreachable, want: "may be of another type"},
		"not SOCKS5":      {scheme: "other", proxy: func(p *proxy, e *resource.Endpoint) { e.Scheme = "socks5" }, reason: resource.Unreachable, want: "does not speak SOCKS5"},
		"breaks off":      {proxy: func(p *proxy, _ *resource.Endpoint) { p.after = func(net.Conn) {} }, reason: resource.Unreachable, want: "broke off"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, p := newEcho(t, !c.plain), newProxy(t, cmpOr(c.scheme, "http"))
			p.user, p.password = "user", secret
			at := p.endpoint()
			c.proxy(p, &at)
			_, err := pool(t, e).Check(t.Context(), at, "FR")
			var known *resource.Error
			if !errors.As(err, &known) || known.Reason != c.reason || !strings.Contains(known.Message, c.want) || known.Unclear {
				t.Errorf("%v (%v), want %s: %s", err, resource.ReasonOf(err), c.reason, c.want)
			}
			saysNothing(t, err)
		})
	}
}

func cmpOr(a, b string) string {
	if a == "" {
		return b
	}
	return a
}

type failure struct {
	scheme string
	plain  bool // the echo is asked in the open
	proxy  func(p *proxy, e *resource.Endpoint)
	reason resource.Reason
	want   string
}

func answers(status, header string, reason resource.Reason, want string) failure {
	return failure{proxy: func(p *proxy, _ *resource.Endpoint) {
		p.refuse = "HTTP/1.1 " + status + "\r\n" + header + "Content-Length: 0\r\n\r\n"
	}, reason: reason, want: want}
}

func saysNothing(t *testing.T, err error) {
	t.Helper()
	all := fmt.Sprintf("%v %+v %#v", err, err, err)
	for _, form := range []string{secret, url.QueryEscape(secret), url.PathEscape(secret), base64.StdEncoding.EncodeToString([]byte("user:" + secret))} {
		if strings.Contains(all, form) {
			t.Errorf("the error tells the password: %s", all)
		}
	}
}

// What the check URL does wrong is not the proxy's fault, and the next one is asked.
func TestCheckURLsOwnFaults(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(e *echo){
		"403":        func(e *echo) { e.status = 403 },
		"429":        func(e *echo) { e.status = 429 },
		"500":        func(e *echo) { e.status = 500 },
		"redirect":   func(e *echo) { e.status, e.header = 302, http.Header{"Location": {"http://127.0.0.1:1/"}} },
		"no JSON":    func(e *echo) { e.body = "<html>" },
		"no country": func(e *echo) { e.body = `{"ip":"203.0.113.7"}` },
		"no address": func(e *echo) { e.body = `{"ip":"nine","country":"FR"}` },
		"too long": func(e *echo) {
			e.body = `{"country":"FR","ip":"203.0.113.7","x":"` + strings.Repeat("x", maxAnswer) + `"}`
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bad, good, p := newEcho(t, true), newEcho(t, true), newProxy(t, "http")
			change(bad)
			both := pool(t, bad, good)
			both.tls.InsecureSkipVerify = true // one certificate serves both names
			_, err := (&Pool{urls: both.urls[:1], dialer: both.dialer, tls: both.tls}).Check(t.Context(), p.endpoint(), "FR")
			var known *resource.Error
			if !errors.As(err, &known) || !known.Unclear {
				t.Errorf("alone: %v", err)
			}
			exit, err := both.Check(t.Context(), p.endpoint(), "FR")
			if err != nil || exit.Country != "FR" || bad.requests() != 2 || good.requests() != 1 {
				t.Errorf("with a second: %+v, %v, %d and %d requests", exit, err, bad.requests(), good.requests())
			}
		})
	}
}

func TestOtherServicesReplies(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"ip":"203.0.113.7","country":"fr","city":"Paris"}`,
		`{"ip":"203.0.113.7","success":true,"country":"France","country_code":"FR","city":"Paris"}`,
		`{"query":"203.0.113.7","country":"France","countryCode":"FR","city":"Paris"}`,
		`{"proxy":{"ip":"203.0.113.7"},"country":{"code":"FR","name":"France"},"city":{"name":"Paris","code":""}}`,
		`{"ip":"::ffff:203.0.113.7","country":"FR","city":"Par\u001b[31mis","ll":[1,2],"accuracy":5}`,
	} {
		exit, err := readExit(strings.NewReader(body), false)
		if err != nil || exit != (resource.Exit{IP: "203.0.113.7", Country: "FR", City: "Paris"}) {
			t.Errorf("%s: %+v, %v", body, exit, err)
		}
	}
}

func TestForeignCertificate(t *testing.T) {
	t.Parallel()
	e, p := newEcho(t, true), newProxy(t, "http")
	strict := pool(t, e)
	strict.tls = nil
	_, err := strict.Check(t.Context(), p.endpoint(), "FR")
	if err == nil || resource.ReasonOf(err) != resource.Refused || !strings.Contains(err.Error(), "certificate of its own") {
		t.Error(err)
	}
}

// A proxy that says nothing costs ten seconds and no more; who gives up
// earlier is not told that the proxy failed.
func TestSilentProxy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		defer near.Close()
		defer far.Close()
		go func() { _, _ = far.Read(make([]byte, 4096)) }()
		p := New(Config{CheckURLs: []string{"https://echo.example"}})
		dial := func(context.Context, string, string) (net.Conn, error) { return near, nil }
		start := time.Now()
		_, err := p.askBy(t.Context(), dial, resource.Endpoint{Scheme: "http", Host: "gate.example", Port: 1}, "https://echo.example")
		if took := time.Since(start); took != checkTime || err == nil || err.Error() != "The proxy did not answer within 10 seconds" {
			t.Errorf("%v after %v", err, took)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err = p.askBy(ctx, dial, resource.Endpoint{Scheme: "http", Host: "gate.example", Port: 1}, "https://echo.example")
		if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}
