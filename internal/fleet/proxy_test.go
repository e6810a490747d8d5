package fleet

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestProxyTemplate(t *testing.T) {
	t.Parallel()
	v := ProxyValues{Country: "gb", Session: "abcd2345", TTL: 90 * time.Minute}
	for template, want := range map[string]string{
		"": "", "plain": "plain", "{cc}": "gb", "{CC}": "GB", "{sid}": "abcd2345", "{ttl_min}": "90", "{{": "{", "{{cc}": "{cc}", "{{{cc}}": "{gb}", "a}b": "a}b",
		"brd-customer-c-zone-z-country-{cc}-session-{sid}":   "brd-customer-c-zone-z-country-gb-session-abcd2345",
		"customer-u-cc-{CC}-sessid-{sid}-sesstime-{ttl_min}": "customer-u-cc-GB-sessid-abcd2345-sesstime-90",
		"pw_country-{cc}_session-{sid}_lifetime-{ttl_min}m":  "pw_country-gb_session-abcd2345_lifetime-90m",
	} {
		if got, err := FillProxyTemplate(template, v); got != want || err != nil {
			t.Errorf("%q: %q, %v", template, got, err)
		}
	}
	for _, template := range []string{"{", "{}", "{x}", "{cc", "{ cc}", "{Cc}", "{user}", "a{b", "{cc}{"} {
		_, err := FillProxyTemplate(template, v)
		if CodeOf(err) != CodeValidation {
			t.Errorf("%q: %v", template, err)
		}
		wrong := checkProxyTemplate("password", "hunter2"+template)
		if wrong == nil || strings.Contains(wrong.Error(), "hunter2") || !strings.Contains(wrong.Error(), "{{") {
			t.Errorf("%q: %v", template, wrong)
		}
	}
	for _, bad := range []ProxyValues{{Country: "g", Session: "a"}, {Country: "G-", Session: "a"}, {Country: "GB", Session: "a-b"}, {Country: "GB", Session: "ä"}, {Country: "GB"}, {Country: "GB", Session: strings.Repeat("a", 65)}} {
		if got, err := FillProxyTemplate("{sid}{cc}", bad); err == nil {
			t.Errorf("%+v: %q", bad, got)
		}
	}
}

func TestProxySession(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for i := range 1000 {
		s := ProxySession(fmt.Sprint(i))
		if len(s) != 8 || strings.ContainsFunc(s, func(r rune) bool { return !isAlnum(r) }) || seen[s] || s != ProxySession(fmt.Sprint(i)) {
			t.Fatalf("%d: %q", i, s)
		}
		seen[s] = true
	}
}

func TestProxyEntryHabits(t *testing.T) {
	t.Parallel()
	least := ProxyEntry{Host: "Gate.Example.", Port: 7000, Country: "gb"}
	got, err := least.Check()
	want := ProxyEntry{Label: "gate.example:7000", Scheme: "http", Host: "gate.example", Port: 7000, Country: "GB", IPMode: ProxyStatic, Capacity: 1}
	if got != want || err != nil {
		t.Errorf("%#v, %v", got, err)
	}
	gateway := least
	gateway.Username, gateway.Password, gateway.Scheme = "u-{sid}-{ttl_min}", "p", "SOCKS5h"
	got, err = gateway.Check()
	if err != nil || got.IPMode != ProxySticky || got.Capacity != 100 || got.SessionTTL != 24*time.Hour || got.Scheme != "socks5" {
		t.Errorf("%#v, %v", got, err)
	}
	inPassword := least
	inPassword.Username, inPassword.Password = "u", "p_{sid}"
	if got, err = inPassword.Check(); err != nil || got.IPMode != ProxySticky || got.Capacity != 100 || got.SessionTTL != 0 {
		t.Errorf("%#v, %v", got, err)
	}
}

func TestProxyEntryRefusals(t *testing.T) {
	t.Parallel()
	good := ProxyEntry{Host: "gate.example", Port: 7000, Country: "GB", Username: "u", Password: "hunter2"}
	for name, c := range map[string]struct {
		change func(e *ProxyEntry)
		field  string
	}{
		"https":            {func(e *ProxyEntry) { e.Scheme = "https" }, "scheme"},
		"socks4":           {func(e *ProxyEntry) { e.Scheme = "socks4" }, "scheme"},
		"no host":          {func(e *ProxyEntry) { e.Host = "" }, "host"},
		"no port":          {func(e *ProxyEntry) { e.Port = 0 }, "port"},
		"port":             {func(e *ProxyEntry) { e.Port = 65536 }, "port"},
		"no country":       {func(e *ProxyEntry) { e.Country = "" }, "country"},
		"country":          {func(e *ProxyEntry) { e.Country = "hunter2" }, "country"},
		"mode":             {func(e *ProxyEntry) { e.IPMode = "x" }, "ipMode"},
		"capacity":         {func(e *ProxyEntry) { e.Capacity = 10_001 }, "capacity"},
		"below none":       {func(e *ProxyEntry) { e.Capacity = -1 }, "capacity"},
		"ttl":              {func(e *ProxyEntry) { e.SessionTTL = 8 * 24 * time.Hour }, "sessionTtlMin"},
		"half a minute":    {func(e *ProxyEntry) { e.SessionTTL = 30 * time.Second }, "sessionTtlMin"},
		"reordering label": {func(e *ProxyEntry) { e.Label = "a\u202eb" }, "label"},
		"label":            {func(e *ProxyEntry) { e.Label = strings.Repeat("x", 101) }, "label"},
		"colon in a user":  {func(e *ProxyEntry) { e.Username = "a:b" }, "username"},
		"no user":          {func(e *ProxyEntry) { e.Username = "" }, "username"},
		"user placeholder": {func(e *ProxyEntry) { e.Username = "{user}" }, "username"},
		"long user":        {func(e *ProxyEntry) { e.Username = strings.Repeat("x", 248) + "{sid}" }, "username"},
		"line in a user":   {func(e *ProxyEntry) { e.Username = "a\r\nX: y" }, "username"},
		"password":         {func(e *ProxyEntry) { e.Password = "hunter2{x}" }, "password"},
		"long password":    {func(e *ProxyEntry) { e.Password = strings.Repeat("hunter2", 40) }, "password"},
		"password bytes":   {func(e *ProxyEntry) { e.Password = "hunter2\xff" }, "password"},
	} {
		e := good
		c.change(&e)
		_, err := e.Check()
		known, ok := err.(*Error)
		if !ok || known.Fields[c.field] == "" || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if s := fmt.Sprintf("%v %+v %#v %s", good, good, good, good.LogValue()); strings.Contains(s, "hunter2") {
		t.Error("an entry prints its password:", s)
	}
}

func TestProxyHost(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"gate.example": "gate.example", "GATE.example.": "gate.example", "192.0.2.7": "192.0.2.7", "2001:db8::1": "2001:db8::1", "[2001:DB8::1]": "2001:db8::1",
		"::ffff:192.0.2.7": "192.0.2.7", "a_b.example": "a_b.example", "xn--bcher-kva.example": "xn--bcher-kva.example", "1.example": "1.example", " host ": "host", "deadbeef": "deadbeef",
	} {
		if got, err := checkProxyHost(in); got != want || err != nil {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
	for _, in := range []string{"", ".", "a..b", "-a", "a-", "a b", "http://a", "a/b", "a:80", "u@a", "a#b", "a?b", "bücher.example", "2130706433", "0x7f.1", "0x7f000001", "0x",
		"127.1", "0177.0.0.1", "1.2.3.4.5", "256.0.0.1", "[192.0.2.7]", "[2001:db8::1", "fe80::1%eth0", "a\x00", strings.Repeat("a", 64), strings.Repeat("a.", 127) + "b"} {
		if got, err := checkProxyHost(in); err == nil {
			t.Errorf("%q is taken for %q", in, got)
		}
	}
}

func TestProxyHealth(t *testing.T) {
	t.Parallel()
	fails := func(n int) Proxy {
		p := Proxy{}
		for range n {
			p = p.Tried(ProxyTry{At: checkedAt, Error: "no"}, 0)
		}
		return p
	}
	if p := fails(1); p.Health == ProxyQuarantined || p.Fails != 1 || !p.NextCheckAt.Equal(checkedAt.Add(30*time.Second)) {
		t.Errorf("after one failure: %+v", p)
	}
	for n, want := range map[int]time.Duration{2: time.Minute, 3: 2 * time.Minute, 6: 16 * time.Minute, 8: time.Hour, 50: time.Hour} {
		if p := fails(n); p.Health != ProxyQuarantined || !p.NextCheckAt.Equal(checkedAt.Add(want)) {
			t.Errorf("after %d failures: %s, next check in %v", n, p.Health, p.NextCheckAt.Sub(checkedAt))
		}
	}
	held := fails(9)
	held.InUse = 1
	if p := held.Tried(ProxyTry{At: checkedAt, Error: "no"}, 0.999); p.NextCheckAt.Sub(checkedAt) > 10*time.Minute || p.NextCheckAt.Sub(checkedAt) < 7*time.Minute {
		t.Errorf("one that is in use is tried again in %v", p.NextCheckAt.Sub(checkedAt))
	}
	if p := (Proxy{}).Tried(ProxyTry{At: checkedAt, Error: "no", Refused: true}, 0); p.Health != ProxyQuarantined {
		t.Errorf("wrong credentials: %s", p.Health)
	}
	p := held.Tried(ProxyTry{At: checkedAt, IP: "192.0.2.7", Country: "GB", Latency: time.Second}, 0.5)
	if p.Health != ProxyHealthy || p.Fails != 0 || p.LastError != "" || !p.LastOKAt.Equal(checkedAt) || p.LastIP != "192.0.2.7" || p.Latency != time.Second || p.NextCheckAt.Sub(checkedAt) != 22*time.Minute+30*time.Second {
		t.Errorf("one good check does not let it back: %+v", p)
	}
	again := p.Tried(ProxyTry{At: checkedAt.Add(time.Hour), Error: "the check could not be made", Unclear: true}, 0)
	if again.Health != ProxyHealthy || again.Fails != 0 || again.LastError == "" || !again.LastOKAt.Equal(checkedAt) || again.NextCheckAt.Sub(checkedAt) != time.Hour+15*time.Minute {
		t.Errorf("a check that says nothing: %+v", again)
	}
	if idle := (Proxy{}).Tried(ProxyTry{At: checkedAt}, 0); idle.NextCheckAt.Sub(checkedAt) != 24*time.Hour {
		t.Errorf("one that nobody uses is checked in %v", idle.NextCheckAt.Sub(checkedAt))
	}
}

var checkedAt = time.Date(2026, 1, 14, 9, 0, 0, 0, time.UTC)

// No outcome plans the next check at once, or beyond what counts as the future.
func TestProxyNextCheck(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := Proxy{}
		for range rapid.IntRange(1, 40).Draw(t, "checks") {
			p.InUse = rapid.IntRange(0, 2).Draw(t, "in use")
			try := ProxyTry{At: checkedAt, Error: rapid.SampledFrom([]string{"", "no"}).Draw(t, "error"), Unclear: rapid.Bool().Draw(t, "unclear"), Refused: rapid.Bool().Draw(t, "refused")}
			p = p.Tried(try, rapid.Float64Range(0, 0.9999).Draw(t, "jitter"))
			if pause := p.NextCheckAt.Sub(checkedAt); pause < 20*time.Second || pause > ProxyCheckMost {
				t.Fatalf("%+v: next check in %v", try, pause)
			}
		}
	})
}

func TestNoProxy(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]ProxyCounts{
		"No proxy for GB: the pool has none there. Add one first":                  {},
		"No free proxy for GB: 2 of 2 places are in use, 1 entry is quarantined":   {Entries: 3, Places: 2, Used: 2, Quarantined: 1},
		"No free proxy for GB: 1 of 1 place is in use, 2 entries are quarantined":  {Entries: 3, Places: 1, Used: 1, Quarantined: 2},
		"No free proxy for GB: 1 entry is switched off":                            {Disabled: 1},
		"No free proxy for GB: 1 entry is quarantined, 2 entries are switched off": {Entries: 1, Quarantined: 1, Disabled: 2},
	} {
		if err := c.NoProxy("GB"); err.Message != want || err.Code != CodeConflict {
			t.Errorf("%s", err.Message)
		}
	}
}
