package pages_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	cdpbrowser "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"agentry/internal/fleet"
	"agentry/internal/store"
)

// enter opens a browser that has signed in; what a page's console complains of
// fails the test.
func (w *world) enter(script bool) *browser {
	w.t.Helper()
	b := open(w.t, w.url, script)
	must(w.t, chromedp.Do(b.ctx, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, cdplog.Enable, cdp.Empty{})
		return err
	})))
	complaints, thrown := chromedp.Events(b.ctx, cdplog.EntryAdded), chromedp.Events(b.ctx, runtime.ExceptionThrown)
	go func() {
		for e, err := range complaints {
			if err != nil {
				return
			}
			if e.Entry.Level == "error" {
				b.complain(e.Entry.Text)
			}
		}
	}()
	go func() {
		for e, err := range thrown {
			if err != nil {
				return
			}
			b.complain(e.ExceptionDetails.Text + " " + e.ExceptionDetails.URL)
		}
	}()
	b.signIn("operator@northwind.example", password)
	w.t.Cleanup(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, text := range b.complaints {
			w.t.Errorf("the console says: %s", text)
		}
	})
	return b
}

func (b *browser) complain(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.complaints = append(b.complaints, text)
}

// is fails the test when an expression of the page is not true.
func (b *browser) is(expression string) {
	b.t.Helper()
	got, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](expression))
	if err != nil || !got {
		b.t.Errorf("not true: %s (%v)", expression, err)
	}
}

// waits until an expression of the page is true.
func (b *browser) waits(expression string) {
	b.t.Helper()
	b.do("wait for "+expression, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			// While one page gives way to the next there is nothing to ask.
			if ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool](expression)); err == nil && ok {
				return nil
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-tick.C:
			}
		}
	}))
}

const (
	linesShown = `document.querySelectorAll("[data-testid=log-line]").length`
	logBox     = `document.querySelector(".log")`
)

// What an agent's program writes shows by itself; who reads further up, or has
// paused, is not moved and hears how much came.
func TestJourneyLogGrows(t *testing.T) {
	w := newWorld(t)
	id := w.agent("Ada", "assistant")
	var lines []fleet.LogLine
	for i := range 150 {
		lines = append(lines, logLine(1, "info", fmt.Sprint("line ", i)))
	}
	w.logged(id, lines...)
	b := w.enter(true)
	b.visit("/fleet/" + string(id) + "?tab=logs")
	b.see("#live.live")
	b.waits(linesShown + ` === 150`)
	b.is(logBox + `.scrollTop === 0`) // stands at its end
	w.logged(id, logLine(2, "error", "<b>live</b>"))
	b.waits(linesShown + ` === 151`)
	b.is(`document.querySelector("[data-testid=log-line]:last-child span").textContent === "<b>live</b>"`)
	b.is(`document.querySelector("[data-testid=log-run]:nth-last-child(2)").textContent === "Run 2"`)
	b.is(logBox + `.scrollTop === 0 && window.scrollY === 0`)

	// Further up nothing moves.
	b.do("scroll", chromedp.Evaluate[chromedp.Void](logBox+`.scrollTop = -600; window.seen = document.elementFromPoint(600, 600).textContent`))
	w.logged(id, logLine(2, "info", "while away"), logLine(2, "info", "another"))
	b.waits(`!document.querySelector("[data-jump]").hidden`)
	b.is(`document.querySelector("[data-jump]").textContent.startsWith("2 new lines")`)
	b.is(`document.elementFromPoint(600, 600).textContent === window.seen`)
	b.click("[data-jump]")
	b.waits(logBox + `.scrollTop === 0 && document.querySelector("[data-jump]").hidden`)

	b.click("[data-testid=pause-tail]")
	w.logged(id, logLine(2, "info", "while paused"))
	b.waits(`document.querySelector("[data-said]").textContent === "Paused, 1 new line."`)
	b.is(linesShown + ` === 153`)
	b.shot("journey-logs-paused")
	b.click("[data-testid=pause-tail]")
	b.waits(linesShown + ` === 154`)

	// A filter is in the address and holds for what comes.
	b.click("#logs nav a:last-child")
	b.see("#logs nav a:last-child[aria-current]")
	b.waits(linesShown + ` === 1`)
	if !strings.HasSuffix(b.path(), "level=error&tab=logs") {
		t.Errorf("the filter is not in the address: %s", b.path())
	}
	b.see("#live.live")
	w.logged(id, logLine(2, "info", "not of this level"), logLine(2, "error", "of this level"))
	b.waits(linesShown + ` === 2`)
	b.is(`document.querySelector("[data-testid=log-line]:last-child span").textContent === "of this level"`)
}

func TestJourneyLogWithoutAScript(t *testing.T) {
	w := newWorld(t)
	id := w.agent("Ada", "assistant")
	for range 3 {
		lines := make([]fleet.LogLine, 150)
		for i := range lines {
			lines[i] = logLine(1, "info", fmt.Sprint("line ", i))
		}
		w.logged(id, lines...)
	}
	b := w.enter(false)
	b.visit("/fleet/" + string(id) + "?tab=logs")
	b.is(logBox + `.scrollTop === 0 && ` + logBox + `.scrollHeight > ` + logBox + `.clientHeight`)
	w.logged(id, logLine(2, "info", "after a refresh"))
	b.click("[data-testid=newest]")
	b.see("#logs")
	b.is(`document.querySelector("[data-testid=log-line]:last-child span").textContent === "after a refresh"`)
	b.click("[data-testid=older]")
	b.see("[data-testid=newer]")
	b.visit("/fleet/" + string(id) + "?tab=usage")
	b.see("[data-testid=empty]")
	w.used(id, 0, "messages", 1, 3)
	b.visit("/fleet/" + string(id) + "?tab=usage")
	b.see("[data-testid=plot] svg[role=img]")
	b.is(`document.querySelectorAll("canvas").length === 0`)
}

// The plot is drawn, read by keys, drawn again when something is counted or
// the theme changes, and fits a phone. The CSV comes as a file.
func TestJourneyUsage(t *testing.T) {
	if _, err := os.Stat("../../static/vendor/uplot.min.js"); err != nil {
		t.Fatal("uPlot is missing: run make assets")
	}
	w := newWorld(t)
	id := w.agent("Ada", "assistant")
	for back := range 40 {
		w.used(id, back, "messages", 1+back%2, int64(back))
		w.used(id, back, "invitations", 1, 3)
	}
	b := w.enter(true)
	b.visit("/fleet/" + string(id) + "?tab=usage")
	b.see("[data-plot] canvas")
	b.is(`document.querySelector(".still").offsetHeight === 0`)
	const drawn = `(() => { const c = document.querySelector("canvas"), d = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
		return new Set(new Uint32Array(d.buffer)).size > 20; })()`
	b.waits(drawn)
	b.do("focus", chromedp.Evaluate[chromedp.Void](`document.querySelector("[role=slider]").focus()`))
	before := b.text(".read")
	b.do("key", chromedp.SendKeys(chromedp.CSS("[role=slider]"), kb.ArrowLeft))
	if after := b.text(".read"); after == before || !strings.HasSuffix(after, "messages\u2069 1, \u2068invitations\u2069 3") {
		t.Errorf("the day before %q reads %q", before, after)
	}
	b.is(`document.querySelector("[role=slider]").getAttribute("aria-valuetext") === document.querySelector(".read").textContent`)
	b.see("#live.live")
	w.used(id, 0, "messages", 1, 500)
	w.logged(id) // tells nothing of usage
	w.write(usageEvent(w, id))
	b.waits(`document.querySelector(".read") && document.querySelector(".read").textContent.includes("500")`)
	b.is(`document.querySelectorAll("canvas").length === 1`)
	b.scheme("dark")
	b.size(390, 844)
	b.waits(`document.querySelector("canvas").clientWidth < 380 && document.documentElement.scrollWidth <= 391`)
	b.waits(drawn)
	b.shot("journey-usage-phone")
	b.download("[data-testid=download-usage]", "Ada-"+string(id)[28:]+"-usage.csv", "day,kind,incarnation,count\r\n")
}

// download clicks and returns the file that comes.
func (b *browser) download(selector, name, begins string) []byte {
	b.t.Helper()
	folder := b.t.TempDir()
	must(b.t, chromedp.Do(b.ctx, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, cdpbrowser.SetDownloadBehavior, cdpbrowser.SetDownloadBehaviorParams{Behavior: "allow", DownloadPath: folder})
		return err
	})))
	b.click(selector)
	deadline := time.After(patience)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		raw, err := os.ReadFile(filepath.Join(folder, name))
		if err == nil && len(raw) > 0 {
			if !strings.HasPrefix(string(raw), begins) {
				b.t.Errorf("%s begins with %.60q", name, raw)
			}
			return raw
		}
		select {
		case <-deadline:
			b.t.Fatalf("%s did not come: %v", name, err)
			return nil
		case <-tick.C:
		}
	}
}

// Both tabs with nothing, one thing and many, long and foreign names among them,
// have no violation that axe finds.
func TestJourneyTabsOfAnyLengthAreAccessible(t *testing.T) {
	axe, err := os.ReadFile("../../static/vendor/axe.min.js")
	if err != nil {
		t.Fatal("axe-core is missing: run make assets")
	}
	w := newWorld(t)
	none, one := w.agent("Bo", "assistant"), w.agent("نور الهدى", "assistant")
	many := w.agent("Wolfeschlegelsteinhausenbergerdorff-Maximiliana Anastasia van den Hoogenbandt the Third", "assistant")
	w.used(one, 0, "messages", 1, 1)
	w.logged(one, logLine(1, "info", "hello"))
	w.write(func(tx *store.Tx) error {
		var all []error
		for back := range 90 {
			day := w.app.Now().AddDate(0, 0, -back).Format(time.DateOnly)
			for k, kind := range []string{"messages", "tokens", "زيارات الملف الشخصي", "a-counter-with-a-name-of-forty-character", "=1+1", fmt.Sprint("kind ", back)} {
				all = append(all, tx.AddUsage(many, day, kind, 3-back/40, int64((back+1)*(k+1)*(k+1)%977)))
			}
		}
		return errors.Join(all...)
	})
	var lines []fleet.LogLine
	for i := range 230 {
		lines = append(lines, logLine(int64(i/60+1), []string{"debug", "info", "warn", "error"}[i%4], strings.Repeat("long-word ", i%40)+strings.Repeat("x", i*i%300)))
	}
	w.logged(many, lines...)
	b := w.enter(true)
	for name, id := range map[string]fleet.AgentID{"none": none, "one": one, "many": many} {
		b.visit("/fleet/" + string(id) + "?tab=logs")
		b.check(string(axe), "logs-"+name)
		b.visit("/fleet/" + string(id) + "?tab=usage&days=90")
		b.check(string(axe), "usage-"+name)
	}
	b.visit("/fleet/" + string(many) + "?tab=usage&counter=messages&counter=tokens&counter=a-counter-with-a-name-of-forty-character&counter=%3D1%2B1")
	b.check(string(axe), "usage-chosen")
}
