package fake_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"agentry/internal/resource/fake"
)

func gateway(t *testing.T, o fake.GatewayOptions) *fake.Gateway {
	t.Helper()
	g, err := fake.NewGateway(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := g.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return g
}

// through asks the echo through the gateway on a connection of its own.
func through(t *testing.T, g *fake.Gateway, scheme, user, password, target string) reply {
	t.Helper()
	return within(t, 10*time.Second, g, scheme, user, password, target)
}

func within(t *testing.T, patience time.Duration, g *fake.Gateway, scheme, user, password, target string) reply {
	t.Helper()
	proxy := &url.URL{Scheme: scheme, Host: net.JoinHostPort(g.Host(), fmt.Sprint(g.Port())), User: url.UserPassword(user, password)}
	client := &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(proxy), DisableKeepAlives: true}}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", target, nil)
	if err != nil {
		t.Fatal(err)
	}
	return do(client, req)
}

// connect asks the echo through CONNECT, as clients do for https.
func connect(t *testing.T, g *fake.Gateway, user, password string) reply {
	t.Helper()
	echo := strings.Trim(strings.TrimPrefix(g.EchoURL(), "http://"), "/")
	conn, err := net.Dial("tcp", net.JoinHostPort(g.Host(), fmt.Sprint(g.Port())))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	req := &http.Request{Method: "CONNECT", URL: &url.URL{Opaque: echo}, Host: echo, Header: http.Header{}}
	req.SetBasicAuth(user, password)
	req.Header["Proxy-Authorization"] = req.Header["Authorization"]
	if err := req.Write(conn); err != nil {
		return reply{err: err}
	}
	head := make([]byte, len("HTTP/1.1 200 Connection established\r\n\r\n"))
	if _, err := conn.Read(head); err != nil || !strings.Contains(string(head), " 200 ") {
		return reply{text: string(head), err: err}
	}
	ask, err := http.NewRequest("GET", g.EchoURL(), nil)
	if err != nil {
		t.Fatal(err)
	}
	ask.Close = true
	used := false
	return do(&http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		if used {
			return nil, net.ErrClosed
		}
		used = true
		return conn, nil
	}}}, ask)
}

func name(g *fake.Gateway, country, session string) string {
	return strings.NewReplacer("{cc}", country, "{sid}", session, "{ttl_min}", "30").Replace(g.Username())
}

func TestASessionKeepsItsExit(t *testing.T) {
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	g := gateway(t, fake.GatewayOptions{User: "north", Password: "p:w@", Now: func() time.Time { return now }})
	ip := func(r reply) string { return fmt.Sprint(want(t, r, 200).json(t)["ip"]) }

	first := want(t, through(t, g, "http", name(g, "gb", "s1"), "p:w@", g.EchoURL()), 200, `"country":"GB"`, `"city":"London"`, `"timezone":"Europe/London"`)
	socks := through(t, g, "socks5", name(g, "gb", "s1"), "p:w@", g.EchoURL())
	tunnel := connect(t, g, name(g, "gb", "s1"), "p:w@")
	if ip(first) != ip(socks) || ip(first) != ip(tunnel) {
		t.Errorf("exits %s, %s and %s", first.text, socks.text, tunnel.text)
	}
	for _, other := range []string{name(g, "gb", "s2"), name(g, "de", "s1"), "user-north-country-gb", "user-north"} {
		if r := through(t, g, "http", other, "p:w@", g.EchoURL()); ip(r) == ip(first) {
			t.Errorf("%s has the exit of another session", other)
		}
	}
	a, b := through(t, g, "http", "user-north-country-gb", "p:w@", g.EchoURL()), through(t, g, "http", "user-north-country-gb", "p:w@", g.EchoURL())
	if ip(a) == ip(b) {
		t.Error("without a session the exit stays the same")
	}
	now = now.Add(29 * time.Minute)
	if r := through(t, g, "http", name(g, "gb", "s1"), "p:w@", g.EchoURL()); ip(r) != ip(first) {
		t.Error("the exit changed within its time")
	}
	now = now.Add(time.Minute)
	later := through(t, g, "http", name(g, "gb", "s1"), "p:w@", g.EchoURL())
	if ip(later) == ip(first) {
		t.Error("the exit outlived its time")
	}
	g.Rotate("s1")
	if r := through(t, g, "http", name(g, "gb", "s1"), "p:w@", g.EchoURL()); ip(r) == ip(later) {
		t.Error("rotation changed nothing")
	}
	s := g.Sessions()[0]
	if s.ID != "s1" || s.Country != "GB" || s.ExitCountry != "GB" || s.Minutes != 30 || s.Connections != 6 || s.Last != now || s.First == now {
		t.Errorf("recorded %+v", s)
	}
	if g.Direct() != 0 || g.Refused() != 0 {
		t.Errorf("%d direct, %d refused", g.Direct(), g.Refused())
	}
}

func TestCredentialsAndParametersAreChecked(t *testing.T) {
	g := gateway(t, fake.GatewayOptions{User: "north", Password: "right", Fixed: map[string]string{"isp1": "FR"}})
	want(t, through(t, g, "http", "isp1", "right", g.EchoURL()), 200, `"country":"FR"`)
	want(t, through(t, g, "http", "user-north-country-us-city-new_york-session-a1", "right", g.EchoURL()), 200, `"country":"US"`)
	refused := 0
	for _, v := range [][2]string{
		{name(g, "gb", "s1"), "wrong"}, {"user-south-country-gb", "right"}, {"north", "right"}, {"", ""},
		{"user-north-country-GB", "right"}, {"user-north-country-gb-session-a-b", "right"}, {"user-north-country-gb-session-a_b", "right"},
		{"user-north-country", "right"}, {"user-north-planet-mars", "right"}, {"user-north-sessionduration-1441", "right"}, {"user-northcountry-gb", "right"},
	} {
		want(t, through(t, g, "http", v[0], v[1], g.EchoURL()), 407)
		if r := through(t, g, "socks5", v[0], v[1], g.EchoURL()); r.err == nil {
			t.Errorf("SOCKS let %v in", v)
		}
		refused++
		if r := connect(t, g, v[0], v[1]); r.status == 200 || !strings.HasPrefix(r.text, "HTTP/1.1 407") {
			t.Errorf("CONNECT of %v: %q", v, r.text)
		}
	}
	if g.Refused() < 2*refused || len(g.Sessions()) != 2 {
		t.Errorf("%d refused, sessions %+v", g.Refused(), g.Sessions())
	}
}

func TestItLeadsNowhereElse(t *testing.T) {
	elsewhere := start(t, fake.Options{})
	g := gateway(t, fake.GatewayOptions{})
	want(t, through(t, g, "http", name(g, "gb", "s1"), g.Password(), elsewhere.URL()+"/user"), 403)
	if r := through(t, g, "socks5", name(g, "gb", "s1"), g.Password(), elsewhere.URL()+"/user"); r.err == nil {
		t.Errorf("SOCKS led elsewhere: %d", r.status)
	}
	if len(elsewhere.Requests(0)) != 0 {
		t.Error("reached something else")
	}
	resp := want(t, send(t, strings.TrimSuffix(g.EchoURL(), "/"), "", "GET /", ""), 200)
	if resp.json(t)["country"] != "" || g.Direct() != 1 {
		t.Errorf("asked directly, the echo says %s", resp.text)
	}
}

func TestEveryTrouble(t *testing.T) {
	for _, v := range []struct {
		trouble fake.Trouble
		status  int // 0 is no answer
		text    string
		socks   string // in the error, or in the text where there is an answer
	}{
		{fake.Trouble{Kind: fake.TroubleCredentials}, 407, "credentials", "authentication failed"},
		{fake.Trouble{Kind: fake.TroubleQuota}, 402, "traffic", "not allowed"},
		{fake.Trouble{Kind: fake.TroubleNoPeer}, 502, "no peer", "host unreachable"},
		{fake.Trouble{Kind: fake.TroubleDead}, 0, "EOF", "EOF"},
		{fake.Trouble{Kind: fake.TroubleSilent}, 0, "deadline exceeded", "deadline exceeded"},
		{fake.Trouble{Kind: fake.TroubleGarbage}, 0, "malformed", ""},
		{fake.Trouble{Kind: fake.TroubleSlow, Wait: 20 * time.Millisecond}, 200, `"country":"US"`, `"country":"US"`},
		{fake.Trouble{Kind: fake.TroublePage}, 200, "<html>", "<html>"},
		{fake.Trouble{Kind: fake.TroubleElsewhere, Country: "ca"}, 200, `"country":"CA"`, `"city":"Toronto"`},
	} {
		t.Run(string(v.trouble.Kind), func(t *testing.T) {
			t.Parallel()
			g := gateway(t, fake.GatewayOptions{})
			if err := g.SetTrouble("us", v.trouble); err != nil {
				t.Fatal(err)
			}
			begun, patience := time.Now(), 10*time.Second
			if v.trouble.Kind == fake.TroubleSilent {
				patience = 100 * time.Millisecond
			}
			for scheme, text := range map[string]string{"http": v.text, "socks5": v.socks} {
				r := within(t, patience, g, scheme, name(g, "us", "s1"), g.Password(), g.EchoURL())
				if said := r.text + fmt.Sprint(r.err); !strings.Contains(said, text) || scheme == "http" && r.status != v.status {
					t.Errorf("%s: %d %s, want %d %s", scheme, r.status, said, v.status, text)
				}
				if scheme == "socks5" && v.status != 200 && r.err == nil {
					t.Errorf("SOCKS answered %d", r.status)
				}
			}
			if time.Since(begun) < 2*v.trouble.Wait {
				t.Error("was not slow")
			}
			want(t, through(t, g, "http", name(g, "de", "s1"), g.Password(), g.EchoURL()), 200, `"country":"DE"`)
			if err := g.SetTrouble("US", fake.Trouble{}); err != nil {
				t.Fatal(err)
			}
			want(t, through(t, g, "http", name(g, "us", "s1"), g.Password(), g.EchoURL()), 200, `"country":"US"`)
			if err := g.SetTrouble("", v.trouble); err != nil {
				t.Fatal(err)
			}
			if r := within(t, patience, g, "http", name(g, "de", "s2"), g.Password(), g.EchoURL()); r.status != v.status {
				t.Errorf("the trouble of all answered %d", r.status)
			}
		})
	}
}

func TestTroublesThatAreNoneAreRefused(t *testing.T) {
	g := gateway(t, fake.GatewayOptions{})
	for _, v := range []fake.Trouble{{Kind: "flood"}, {Kind: fake.TroubleElsewhere}} {
		if g.SetTrouble("us", v) == nil {
			t.Errorf("accepted %+v", v)
		}
	}
	if g, err := fake.NewGateway(fake.GatewayOptions{Addr: "0.0.0.0:0"}); err == nil {
		t.Errorf("listens on %s", g.Host())
	}
}

func TestCloseCutsTunnels(t *testing.T) {
	g := gateway(t, fake.GatewayOptions{})
	if err := g.SetTrouble("", fake.Trouble{Kind: fake.TroubleSilent}); err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", net.JoinHostPort(g.Host(), fmt.Sprint(g.Port())))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("GET " + g.EchoURL() + " HTTP/1.1\r\nHost: x\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := g.Close(ctx); err != nil {
		t.Error(err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 1)); err == nil || strings.Contains(err.Error(), "timeout") {
		t.Errorf("the connection goes on: %v", err)
	}
}
