package fleet

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestParseProxyLines(t *testing.T) {
	t.Parallel()
	usual := ProxyEntry{Country: "FR"}
	for line, want := range map[string]ProxyEntry{
		"192.0.2.7:8080":                       {Scheme: "http", Host: "192.0.2.7", Port: 8080},
		"gate.example:7000:user:pass":          {Scheme: "http", Host: "gate.example", Port: 7000, Username: "user", Password: "pass"},
		"gate.example:7000:user:p:a@s:s":       {Scheme: "http", Host: "gate.example", Port: 7000, Username: "user", Password: "p:a@s:s"},
		"gate.example:7000:user:80%41":         {Scheme: "http", Host: "gate.example", Port: 7000, Username: "user", Password: "80%41"},
		"[2001:db8::1]:7000:user:pass":         {Scheme: "http", Host: "2001:db8::1", Port: 7000, Username: "user", Password: "pass"},
		"[2001:db8::1]:7000":                   {Scheme: "http", Host: "2001:db8::1", Port: 7000},
		"http://gate.example:7000":             {Scheme: "http", Host: "gate.example", Port: 7000},
		"HTTP://gate.example:7000/":            {Scheme: "http", Host: "gate.example", Port: 7000},
		"socks5://u:p@gate.example:1080":       {Scheme: "socks5", Host: "gate.example", Port: 1080, Username: "u", Password: "p"},
		"socks5h://u:p@gate.example:1080":      {Scheme: "socks5", Host: "gate.example", Port: 1080, Username: "u", Password: "p"},
		"http://u:p%40s%3As@gate.example:1":    {Scheme: "http", Host: "gate.example", Port: 1, Username: "u", Password: "p@s:s"},
		"http://u:p@s:s/x?y#z@gate.example:1":  {Scheme: "http", Host: "gate.example", Port: 1, Username: "u", Password: "p@s:s/x?y#z"},
		"http://u:a+b@[2001:db8::1]:1":         {Scheme: "http", Host: "2001:db8::1", Port: 1, Username: "u", Password: "a+b"},
		"http://u@gate.example:1":              {Scheme: "http", Host: "gate.example", Port: 1, Username: "u"},
		"u:p@gate.example:1":                   {Scheme: "http", Host: "gate.example", Port: 1, Username: "u", Password: "p"},
		"gate.example:1,gb":                    {Scheme: "http", Host: "gate.example", Port: 1, Country: "GB"},
		"gate.example:1:u:p , DE , Berlin , 3": {Scheme: "http", Host: "gate.example", Port: 1, Username: "u", Password: "p", Country: "DE", Label: "Berlin", Capacity: 3},
		"gate.example:1,,,":                    {Scheme: "http", Host: "gate.example", Port: 1},
		`"gate.example:1:u:p,q",DE`:            {Scheme: "http", Host: "gate.example", Port: 1, Username: "u", Password: "p,q", Country: "DE"},
		`gate.example:1:u:p"q"`:                {Scheme: "http", Host: "gate.example", Port: 1, Username: "u", Password: `p"q"`},
		"gate.example:1:u:http://x":            {Scheme: "http", Host: "gate.example", Port: 1, Username: "u", Password: "http://x"},
	} {
		want.Line = 1
		if want.Country == "" {
			want.Country = "FR"
		}
		want, err := want.Check()
		list, wrong := ParseProxies(line, usual)
		if err != nil || len(wrong) > 0 || len(list) != 1 || list[0] != want {
			t.Errorf("%s:\n%#v %q\nwant %#v, wrong %v, %v", line, list, passwords(list), want, wrong, err)
		}
	}
}

func passwords(list []ProxyEntry) (out []string) {
	for _, e := range list {
		out = append(out, e.Username+" "+e.Password)
	}
	return out
}

func TestParseProxyGateway(t *testing.T) {
	t.Parallel()
	list, wrong := ParseProxies("http://user-country-{cc}-session-{sid}:pass@gate.example:7000,US,Gateway", ProxyEntry{})
	if len(wrong) > 0 || len(list) != 1 || list[0].Capacity != 100 || list[0].IPMode != ProxySticky || list[0].Username != "user-country-{cc}-session-{sid}" {
		t.Errorf("%#v, %v", list, wrong)
	}
}

// A wrong line says its number and what to do, and nothing of itself: in a
// line of another order every part may be the password.
func TestParseProxyMistakes(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"hunter2":                                 "must be scheme://",
		"user:hunter2:gate.example:7000":          "must be scheme://",
		"gate.example:hunter2":                    "must be scheme://",
		"gate.example:7000:hunter2":               "must be scheme://",
		"http://u:hunter2@gate.example":           "must be scheme://",
		"http://u:hunter2@gate.example:port":      "port: must be a whole number",
		"http://u:hunter2@gate.example:70000":     "port: must be a number from 1 to 65535",
		"http://gate.example:7000:u:hunter2":      "must be scheme://",
		"http://u:hunter2%zz@gate.example:1":      "write %25",
		"https://u:hunter2@gate.example:1":        "most proxies sold as https are http",
		"ftp://u:hunter2@gate.example:1":          "scheme: must be http or socks5",
		"gate.example:1:u:hunter2{x}":             "a brace itself is written {{",
		"gate.example:1:u:hunter2,too":            "two-letter country code",
		"gate.example:1:u:hunter2,US,l,hunter2":   "capacity: must be a whole number",
		"gate.example:1:u:hunter2,US,l,1,hunter2": "double quotes",
		"127.1:1:u:hunter2":                       "host: must be a host name",
		"gate.example/hunter2:1":                  "host: must be a host name",
		"gate.example:1::hunter2":                 "username: must not be empty",
	} {
		list, wrong := ParseProxies("\n# comment\n192.0.2.7:1,US\n"+line, ProxyEntry{Country: "FR"})
		if len(list) != 1 || len(wrong) != 1 || wrong[0].Line != 4 || !strings.Contains(wrong[0].Text, want) {
			t.Errorf("%s: %v", line, wrong)
		}
		if strings.Contains(fmt.Sprintf("%+v", wrong), "hunter2") {
			t.Errorf("%s: the error tells a part of the line: %v", line, wrong)
		}
	}
	_, wrong := ParseProxies("192.0.2.7:1", ProxyEntry{})
	if len(wrong) != 1 || !strings.Contains(wrong[0].Text, "country: must say where the exit is") {
		t.Error(wrong)
	}
	list, wrong := ParseProxies("192.0.2.7:1:u:p,US\r\n192.0.2.7:1:u:q,US\r\n192.0.2.7:1:u:p,DE", ProxyEntry{})
	if len(list) != 2 || len(wrong) != 1 || wrong[0] != (ProxyLine{2, "is the same proxy as line 1: take one of them away"}) {
		t.Errorf("%v %v", list, wrong)
	}
}

func TestParseProxyTable(t *testing.T) {
	t.Parallel()
	for _, comma := range []string{",", ";", "\t"} {
		text := "\ufeff# export\n\nlabel,Scheme,HOST,port,username,password,country,capacity,ip_mode,session_ttl_min\r\n" +
			"Paris,socks5,gate.example,1080,u,\"p\"\"q\",fr,2,sticky,30\r\n" +
			"\r\n# old\r\n" +
			",,192.0.2.7,8080,,,,,,\r\n" +
			"short,http,192.0.2.8,8080\r\n"
		list, wrong := ParseProxies(strings.ReplaceAll(text, ",", comma), ProxyEntry{Country: "US", Capacity: 5})
		want := []ProxyEntry{
			{Label: "Paris", Scheme: "socks5", Host: "gate.example", Port: 1080, Username: "u", Password: `p"q`, Country: "FR", Capacity: 2, IPMode: ProxySticky, SessionTTL: 30 * time.Minute, Line: 4},
			{Label: "192.0.2.7:8080", Scheme: "http", Host: "192.0.2.7", Port: 8080, Country: "US", Capacity: 5, IPMode: ProxyStatic, Line: 7},
			{Label: "short", Scheme: "http", Host: "192.0.2.8", Port: 8080, Country: "US", Capacity: 5, IPMode: ProxyStatic, Line: 8},
		}
		if len(wrong) > 0 || len(list) != 3 || list[0] != want[0] || list[1] != want[1] || list[2] != want[2] {
			t.Errorf("%q: %#v %q %v", comma, list, passwords(list), wrong)
		}
	}
	for text, want := range map[string]ProxyLine{
		"host,port,pasword\na.example,1,hunter2":                 {1, "the columns can be"},
		"host,port,host\na.example,1,hunter2":                    {1, "the columns can be"},
		"host,port,password\na.example,hunter2,x":                {2, "port: must be a whole number"},
		"host,port,username,password\na.example,1,u,p,hunter2":   {2, "double quotes"},
		"host,port,username,password\na.example,1,u,\"hunter2\n": {2, "control characters"},
		"host,port,session_ttl_min\na.example,1,hunter2":         {2, "sessionTtlMin: must be"},
		"host,port,capacity\na.example,1,0":                      {2, "capacity: must be"},
	} {
		_, wrong := ParseProxies(text, ProxyEntry{Country: "US"})
		if len(wrong) != 1 || wrong[0].Line != want.Line || !strings.Contains(wrong[0].Text, want.Text) || strings.Contains(wrong[0].Text, "hunter2") {
			t.Errorf("%q: %v", text, wrong)
		}
	}
}

func TestParseProxyBounds(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for i := range MaxProxies {
		fmt.Fprintf(&b, "192.0.2.7:%d,US\n", i+1)
	}
	if list, wrong := ParseProxies(b.String(), ProxyEntry{}); len(list) != MaxProxies || len(wrong) > 0 {
		t.Errorf("%d entries, %v", len(list), wrong)
	}
	list, wrong := ParseProxies(b.String()+"192.0.2.8:1,US\n", ProxyEntry{})
	if list != nil || len(wrong) != 1 || !strings.Contains(wrong[0].Text, "1001 entries") {
		t.Errorf("%d entries, %v", len(list), wrong)
	}
}

// No text makes the parser fail, and what it accepts it accepts again.
func TestParseProxyAnything(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.SampledFrom([]rune("a1:@/,;\"%{}[]#. \n\t\rhost,port\x00é"))).Draw(t, "text")
		list, wrong := ParseProxies(text, ProxyEntry{Country: "FR"})
		for _, e := range list {
			if again, err := e.Check(); err != nil || again != e {
				t.Fatalf("%#v is %#v the second time, %v", e, again, err)
			}
		}
		for _, w := range wrong {
			if w.Line < 1 || w.Text == "" {
				t.Fatalf("%+v", w)
			}
		}
	})
}
