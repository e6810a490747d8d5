package pages_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// gate is the network between browsers and a server.
type gate struct {
	ln   net.Listener
	mu   sync.Mutex
	to   string        // the server's address
	open chan struct{} // closed while bytes pass
}

// newGate lets everything pass to the server.
func newGate(t *testing.T, url string) *gate {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	g := &gate{ln: ln, open: make(chan struct{})}
	g.lead(url)
	g.plug()
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			all.Go(func() { g.pass(c) })
		}
	})
	t.Cleanup(func() {
		_ = ln.Close()
		g.plug()
	})
	return g
}

func (g *gate) url() string { return "http://" + g.ln.Addr().String() }

// lead names the server that new connections go to.
func (g *gate) lead(url string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.to = strings.TrimPrefix(url, "http://")
}

// pull keeps every byte back, without a word to either side.
func (g *gate) pull() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open = make(chan struct{})
}

// plug lets them pass again, those that were kept back first.
func (g *gate) plug() {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-g.open:
	default:
		close(g.open)
	}
}

func (g *gate) state() (to string, open chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.to, g.open
}

func (g *gate) pass(c net.Conn) {
	defer c.Close()
	to, open := g.state()
	<-open
	s, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer s.Close()
	go func() {
		defer s.Close()
		g.copy(s, c)
	}()
	g.copy(c, s)
}

func (g *gate) copy(to, from net.Conn) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		_, open := g.state()
		<-open
		if n > 0 {
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// duo is a team of two people in two browsers behind a gate, and a program with
// a key that is not.
type duo struct {
	t          *testing.T
	data       string
	in         installation
	gate       *gate
	key        string
	mara, vera *browser
}

func newDuo(t *testing.T) *duo {
	t.Helper()
	path, err := program()
	must(t, err)
	d := &duo{t: t, data: filepath.Join(t.TempDir(), "data")}
	secret := filepath.Join(t.TempDir(), "password")
	must(t, os.WriteFile(secret, []byte(password), 0o600))
	var made struct{ TeamID, APIKey string }
	must(t, json.Unmarshal([]byte(command(t, path, "init", "--data", d.data, "--team", "Northwind", "--email", email, "--password-file", secret, "--json")), &made))
	d.key = made.APIKey
	command(t, path, "admin", "member", "add", "--data", d.data, "--team", made.TeamID, "--email", "vera@northwind.example", "--role", "operator", "--password-file", secret)
	d.serve()
	d.gate = newGate(t, d.in.url)
	d.mara, d.vera = open(t, d.gate.url(), true), open(t, d.gate.url(), true)
	d.mara.signIn(email, password)
	d.vera.signIn("vera@northwind.example", password)
	return d
}

// serve starts the server, with beats every second.
func (d *duo) serve() {
	d.t.Helper()
	d.in = run(d.t, regexp.MustCompile(`http://`), "serve", "--data", d.data, "--addr", "127.0.0.1:0", "--event-beat", "1", "--log-level", "error")
}

// call asks the server past the gate and returns the answer's id.
func (d *duo) call(method, path, body string) string {
	d.t.Helper()
	req, err := http.NewRequestWithContext(d.t.Context(), method, d.in.url+path, strings.NewReader(body))
	must(d.t, err)
	req.Header.Set("Authorization", "Bearer "+d.key)
	res, err := http.DefaultClient.Do(req)
	must(d.t, err)
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	must(d.t, err)
	if res.StatusCode >= 300 {
		d.t.Fatalf("%s %s: %d %s", method, path, res.StatusCode, raw)
	}
	var v struct{ ID string }
	_ = json.Unmarshal(raw, &v)
	return v.ID
}

func (d *duo) make(name string) string {
	d.t.Helper()
	return d.call("POST", "/v1/agents", fmt.Sprintf(`{"name":%q,"kind":"assistant"}`, name))
}

// says waits until the pill has a state.
func (b *browser) says(state string) {
	b.t.Helper()
	b.see(fmt.Sprintf("#live[data-state=%q]", state))
}

// regions is what the parts of a page with these ids (all it has where null)
// say that follow the events, without how long ago something was. A row that
// the page does not list is asked for alone.
const regions = `(async (ids) => {
	const say = (el) => {
		for (const t of el.querySelectorAll("time")) t.replaceWith("·");
		const links = [...el.querySelectorAll("a,form,[data-status],[data-state]")].map((e) => [e.getAttribute("href"), e.getAttribute("action"), e.dataset.status, e.dataset.state].join(" "));
		return [el.textContent.replace(/\s+/g, " ").trim(), el.dataset.status, ...links];
	};
	const find = async (id) => {
		const made = document.createElement("template");
		const row = id.match(/^agent-([0-9a-f-]{36})$/);
		if (!document.getElementById(id) && row) made.innerHTML = await (await fetch("/fleet/" + row[1] + "/row", { headers: { "HX-Request": "true" } })).text();
		return (document.getElementById(id) || made.content.getElementById(id) || document.createElement("i")).cloneNode(true);
	};
	const said = {};
	for (const id of ids || [...document.querySelectorAll("[data-live]")].map((el) => el.id)) said[id] = say(await find(id));
	return JSON.stringify(said, null, 1);
})(%s)`

func (b *browser) regions(ids string) string {
	b.t.Helper()
	text, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](fmt.Sprintf(regions, ids), chromedp.EvalAwaitPromise))
	must(b.t, err)
	return text
}

// isCurrent waits until the page says live, and then in every region what a
// fresh load of it says; the page itself is not touched.
func (b *browser) isCurrent() {
	b.t.Helper()
	b.says("live")
	fresh := b.tab()
	deadline := time.After(patience)
	tick := time.NewTicker(300 * time.Millisecond)
	defer tick.Stop()
	for {
		fresh.visit(b.path())
		got := b.regions("null")
		want := fresh.regions("Object.keys(" + got + ")")
		if got == want {
			break
		}
		select {
		case <-deadline:
			b.t.Fatalf("%s\nsays %s\na fresh load says %s", b.path(), got, want)
		case <-tick.C:
		}
	}
	must(b.t, chromedp.Do(fresh.ctx, chromedp.Navigate("about:blank")))
}

// untouched puts a mark into the page that a load of it would take away.
func (b *browser) untouched() (check func()) {
	b.t.Helper()
	if !b.script {
		return func() {}
	}
	must(b.t, chromedp.Do(b.ctx, chromedp.Evaluate[chromedp.Void](`void (window.untouched = true)`)))
	return func() {
		b.t.Helper()
		if same, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](`window.untouched === true`)); err != nil || !same {
			b.t.Errorf("%s was loaded again (%v)", b.path(), err)
		}
	}
}

// What one does shows to the other at once. The server goes away and comes
// back with changes made meanwhile, first without a word and then with the
// network pulled: the pages say so, and then what is true, without a load.
func TestJourneyTwoBrowsers(t *testing.T) {
	d := newDuo(t)
	ada, elif := d.make("Ada Lindqvist"), d.make("Elif Kaya")
	d.mara.visit("/fleet")
	d.vera.visit("/fleet")
	d.mara.says("live")
	d.vera.says("live")
	same := []func(){d.mara.untouched(), d.vera.untouched()}
	row := "#agent-" + ada
	d.mara.click(row + " [data-testid=start]")
	began := time.Now()
	d.vera.see(row + " [data-status=running]")
	t.Logf("shown to the other %v after the click", time.Since(began).Round(time.Millisecond))
	d.mara.isCurrent()
	d.vera.isCurrent()

	d.in.stop()
	for _, b := range []*browser{d.mara, d.vera} {
		b.says("reconnecting")
		b.shot("journey-5-reconnecting")
	}
	d.serve()
	d.change(ada, elif, "one")
	d.gate.lead(d.in.url)
	for _, b := range []*browser{d.mara, d.vera} {
		b.see("[data-fresh]:not([hidden])")
		b.see(row + " [data-status=paused]")
		b.isCurrent()
	}
	d.vera.click("#agent-" + elif + " [data-testid=relaunch]")
	d.vera.click("[data-testid=relaunch-form] [data-testid=confirm]")
	d.mara.see("#agent-" + elif + " [data-status=setup_needed]")
	for _, check := range same {
		check()
	}
}

// change does to the two what people do, and makes a third.
func (d *duo) change(one, two, word string) {
	d.t.Helper()
	d.call("POST", "/v1/agents/"+one+"/pause", fmt.Sprintf(`{"note":"pause %s"}`, word))
	d.call("POST", "/v1/agents/"+two+"/end", fmt.Sprintf(`{"reason":"end %s"}`, word))
	d.make("Made in " + word)
}

// The network is pulled while much changes: the pages say so, and say then
// exactly what a fresh load says, with what the person was at left alone.
func TestJourneyNetworkPulled(t *testing.T) {
	d := newDuo(t)
	ada, elif := d.make("Ada Lindqvist"), d.make("Elif Kaya")
	d.call("POST", "/v1/agents/"+ada+"/start", "")
	d.mara.visit("/fleet")
	d.vera.visit("/fleet/" + ada + "?tab=messages")
	d.mara.says("live")
	d.vera.says("live")
	d.mara.isCurrent()
	same := []func(){d.mara.untouched(), d.vera.untouched()}
	d.vera.fill("[data-testid=message-form] [name=text]", "half a sentence")

	d.gate.pull()
	d.call("POST", "/v1/agents/"+ada+"/messages", `{"text":"Who are you?"}`)
	d.change(ada, elif, "the dark")
	for _, b := range []*browser{d.mara, d.vera} {
		b.says("stale")
		if text := b.text("#live"); !regexp.MustCompile(`^stale \d+ s$`).MatchString(text) {
			t.Errorf("the pill says %q", text)
		}
		b.shot("journey-pulled-stale")
	}
	d.gate.plug()
	for _, b := range []*browser{d.mara, d.vera} {
		b.isCurrent()
	}
	d.mara.see("#agent-" + ada + " [data-status=paused]")
	d.vera.see("[data-testid=message]")
	text, err := chromedp.Run(d.vera.ctx, chromedp.Evaluate[string](`document.querySelector("[data-testid=message-form] [name=text]").value`))
	must(t, err)
	if text != "half a sentence" {
		t.Errorf("what was typed is %q", text)
	}
	for _, check := range same {
		check()
	}
}

// The network swallows what a form sends: the page says so after its time, and
// the form sent again has its effect once, although the first try arrives late.
func TestJourneySentAgain(t *testing.T) {
	d := newDuo(t)
	ada := d.make("Ada Lindqvist")
	d.call("POST", "/v1/agents/"+ada+"/start", "")
	d.vera.visit("/fleet/" + ada + "?tab=messages")
	d.vera.says("live")
	d.vera.fill("[data-testid=message-form] [name=text]", "Once, please")
	d.vera.perform("htmx.config.timeout = 700")
	d.gate.pull()
	d.vera.click("[data-testid=message-form] button")
	d.vera.see("[role=alert]")
	if text := d.vera.text("[role=alert]"); !strings.Contains(text, "did not answer") {
		t.Errorf("the page says %q", text)
	}
	d.vera.shot("journey-sent-again")
	d.vera.perform("htmx.config.timeout = 30000")
	d.vera.perform("document.querySelector('dialog[open]')?.close()")
	d.gate.plug()
	d.vera.until("[data-testid=message-form] button:not([disabled])")
	d.vera.click("[data-testid=message-form] button")
	d.vera.see("[data-testid=message]")
	d.vera.isCurrent()
	if n := d.vera.count("[data-testid=message]"); n != 1 {
		t.Errorf("%d messages", n)
	}
}
