package main_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"agentry/internal/resource/fake"
)

var update = flag.Bool("update", false, "write testdata")

// TestAWholeLifeAtTheVendor records every request that GoLogin gets in an
// agent's life. The file is compared with the vendor's documentation by hand,
// line by line: look at its difference before it is written anew.
func TestAWholeLifeAtTheVendor(t *testing.T) {
	t.Parallel()
	w, l := newVendorWorld(t)
	l.record("the server starts", func() {
		// One asks whether the token works, the other looks for what is there
		// and not wanted.
		eventually(t, func() (string, bool) { return "two requests", l.vendor.Counts().Requests == 2 })
	})
	id := w.create("rehearsal", "Zoe Anders")
	l.record("setup", func() {
		w.setup(id, "zoe@northwind.example")
		w.becomes(id, "running", "up")
	})
	l.record("end", func() { w.act(id, "end", "") })
	l.record("relaunch", func() {
		w.act(id, "relaunch", "")
		w.released(1)
	})
	l.record("setup again, in a country without a proxy", func() {
		w.act(id, "setup", `{"login":"zoe@northwind.example","password":"secret enough","country":"DE"}`)
		w.becomes(id, "running", "up")
	})
	l.record("end again", func() { w.act(id, "end", "") })
	l.record("delete", func() {
		w.want(200, "-", "DELETE", "/v1/agents/"+id, "")
		w.released(2)
	})
	other := w.create("rehearsal", "Yan Boyer")
	l.lose("POST /browser/quick")
	l.record("the setup of another, the creation's answer being lost", func() {
		w.setup(other, "yan@northwind.example")
		w.becomes(other, "running", "up")
		w.act(other, "end", "")
	})
	l.lose("DELETE /browser/:id")
	l.record("its deletion, the answer being lost", func() {
		w.want(200, "-", "DELETE", "/v1/agents/"+other, "")
		w.released(3)
	})
	for _, secret := range []string{l.vendor.Token(), l.gateway.Password(), l.vendor.Canary()} {
		if strings.Contains(w.everything(), secret) {
			t.Errorf("a secret is in agentry's log or folder")
		}
	}
	w.stop()
	l.record("the server stops", func() {})
	if c := l.vendor.Counts(); c.Alive != 0 || c.Trash != 3 || c.AskedGone != 0 {
		t.Errorf("left at the vendor: %+v", c)
	}
	l.compare("testdata/life.golden")
}

// released waits until so many profiles were let go and nothing else waits.
func (w *world) released(profiles int) {
	w.t.Helper()
	eventually(w.t, func() (string, bool) {
		gone := w.want(200, "-", "GET", "/v1/resources?limit=1&type=profile&state=released", "").header.Get("X-Total-Count")
		open := w.want(200, "-", "GET", "/v1/resources?limit=1&state=wanted,acquiring,releasing,leaked", "").header.Get("X-Total-Count")
		return fmt.Sprintf("%s profiles released and %s rows open", gone, open), gone == fmt.Sprint(profiles) && open == "0"
	})
}

// vendorLog writes down what a vendor was asked, part by part.
type vendorLog struct {
	t       *testing.T
	vendor  *fake.GoLogin
	gateway *fake.Gateway
	seen    int
	masks   map[string]string
	text    strings.Builder
}

// newVendorWorld serves a folder with a stand-in vendor and a gateway of
// proxies, of which the pool has one entry.
func newVendorWorld(t *testing.T) (*world, *vendorLog) {
	t.Helper()
	l := &vendorLog{t: t, masks: map[string]string{}}
	var err error
	l.vendor, err = fake.NewGoLogin(fake.Options{})
	must(t, err)
	l.gateway, err = fake.NewGateway(fake.GatewayOptions{})
	must(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		must(t, l.gateway.Close(ctx))
		must(t, l.vendor.Close(ctx))
	})
	w := makeWorld(t, plainBinary(), fmt.Sprintf(`
gologin_api_base = %q
gologin_token_file = "token"
proxy_check_url = %q
proxy_allow_private = "127.0.0.0/8"
`, l.vendor.URL(), l.gateway.EchoURL()))
	w.write("token", l.vendor.Token()+"\n")
	w.serve()
	w.want(201, "-", "POST", "/v1/proxies", fmt.Sprintf(`{"label":"gate","scheme":"http","host":%q,"port":%d,"username":%q,"password":%q,"country":"FR","ipMode":"sticky","sessionTtlMin":30,"capacity":5}`,
		l.gateway.Host(), l.gateway.Port(), l.gateway.Username(), l.gateway.Password()))
	return w, l
}

// lose makes the vendor do the next such call and lose its answer.
func (l *vendorLog) lose(route string) {
	l.t.Helper()
	must(l.t, l.vendor.SetFaults(fake.Faults{Rate: 1, Times: 1, Kinds: []fake.Fault{fake.FaultResetLate}, Routes: []string{route}}))
}

// record does it and writes down what was asked meanwhile. What is asked at
// the start comes in any order.
func (l *vendorLog) record(part string, do func()) {
	l.t.Helper()
	do()
	list := l.vendor.Requests(l.seen)
	if l.seen == 0 {
		slices.SortFunc(list, func(a, b fake.Request) int { return strings.Compare(b.Target, a.Target) })
	}
	fmt.Fprintf(&l.text, "# %s\n", part)
	for _, q := range list {
		l.seen = max(l.seen, q.Number)
		l.mask(`/browser/([0-9a-f]{24})`, "profile", q.Target)
		l.mask(`agentry-([0-9a-f-]{36})`, "row", q.Body+q.Target)
		l.mask(`-session-([0-9a-z]+)-`, "session", q.Body)
		fmt.Fprintf(&l.text, "%s %s  (%s)\n", q.Method, l.masked(q.Target), l.section(q.Route))
		if q.Access == "ok" {
			fmt.Fprintln(&l.text, "  Authorization: Bearer <token>")
		}
		for _, name := range []string{"Accept", "Content-Type", "User-Agent"} {
			if v, ok := q.Header[name]; ok {
				fmt.Fprintf(&l.text, "  %s: %s\n", name, v)
			}
		}
		if q.Body != "" {
			fmt.Fprintf(&l.text, "  %s\n", l.masked(q.Body))
		}
	}
}

// section is where the vendor's documentation has the call, by the numbers of
// the vendor notes; a call that is not there fails.
func (l *vendorLog) section(route string) string {
	where, ok := map[string]string{
		"GET /user":                "§1: the cheapest check of a token",
		"GET /browser/v2":          "§3: list and search, 30 a page from 1",
		"POST /browser/quick":      "§2a, §7: os, osSpec and name, no proxy",
		"GET /browser/:id":         "§3: read back",
		"PATCH /browser/:id/proxy": "§4, §7: own proxy, or mode none alone",
		"DELETE /browser/:id/web":  "§5: stop",
		"DELETE /browser/:id":      "§3, §7: no body",
	}[route]
	if !ok {
		l.t.Errorf("no section for %q", route)
	}
	return where
}

// mask gives what the pattern's group finds in a text a name and a number.
func (l *vendorLog) mask(pattern, name, text string) {
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		if l.masks[m[1]] == "" {
			l.masks[m[1]] = fmt.Sprintf("<%s %d>", name, 1+l.named(name))
		}
	}
}

func (l *vendorLog) named(name string) (n int) {
	for _, mask := range l.masks {
		if strings.HasPrefix(mask, "<"+name+" ") {
			n++
		}
	}
	return n
}

func (l *vendorLog) masked(text string) string {
	for found, mask := range l.masks {
		text = strings.ReplaceAll(text, found, mask)
	}
	text = strings.ReplaceAll(text, fmt.Sprintf(`"port":%d`, l.gateway.Port()), `"port":<port>`)
	for secret, mask := range map[string]string{l.gateway.User(): "<customer>", l.gateway.Password(): "<password>"} {
		text = strings.ReplaceAll(text, secret, mask)
	}
	return text
}

// compare holds all of it against the file.
func (l *vendorLog) compare(path string) {
	l.t.Helper()
	if *update {
		must(l.t, os.WriteFile(path, []byte(l.text.String()), 0o644))
	}
	want, err := os.ReadFile(path)
	must(l.t, err)
	if l.text.String() != string(want) {
		l.t.Errorf("%s differs (go test -update writes it):\n%s", path, &l.text)
	}
}
