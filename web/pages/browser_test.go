package pages_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// artifacts is where the pictures of the pages go; it is not kept in version
// control.
const artifacts = "../../artifacts"

// patience is how long a step may take; a crash loop is given up after some
// twenty seconds.
const patience = 40 * time.Second

func programPath() string {
	return filepath.Join(os.TempDir(), fmt.Sprintf("agentry-test-%d", os.Getpid()))
}

// program is the real program, built once where a test needs it.
var program = sync.OnceValues(func() (string, error) {
	path := programPath()
	out, err := exec.Command("go", "build", "-o", path, "agentry/cmd/agentry").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w: %s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	_ = os.Remove(programPath())
	os.Exit(code)
}

// installation is the real program with what it printed when it started.
type installation struct {
	url     string
	printed string
	// stop ends it as its host does and waits; it may be called twice.
	stop func()
}

// run starts the program and waits until it has printed what matches.
func run(t *testing.T, ready *regexp.Regexp, args ...string) installation {
	t.Helper()
	path, err := program()
	must(t, err)
	cmd := exec.Command(path, args...)
	out, err := cmd.StdoutPipe()
	must(t, err)
	var log strings.Builder
	cmd.Stderr = &log
	must(t, cmd.Start())
	ended := make(chan error, 1)
	in := installation{stop: sync.OnceFunc(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := <-ended; err != nil || t.Failed() {
			t.Logf("program: %v\n%s", err, log.String())
		}
	})}
	t.Cleanup(in.stop)
	lines := bufio.NewScanner(out)
	for !ready.MatchString(in.printed) && lines.Scan() {
		in.printed += lines.Text() + "\n"
	}
	go func() {
		_, _ = io.Copy(io.Discard, out)
		ended <- cmd.Wait()
	}()
	if in.url = regexp.MustCompile(`http://[0-9.:]+`).FindString(in.printed); in.url == "" || !ready.MatchString(in.printed) {
		t.Fatalf("the program did not start: %s", in.printed)
	}
	return in
}

// browser is one tab.
type browser struct {
	t      *testing.T
	ctx    context.Context
	base   string
	script bool
	phone  bool
	way    string // ends the names of its pictures, where several go the same way
	left   string // without a script, the document that was clicked last
	mu     sync.Mutex
	asked  []string // hosts that were asked for something
	// complaints are errors of the console, where somebody listens to it.
	complaints []string
}

// open starts a browser without a profile, with or without scripts.
func open(t *testing.T, base string, script bool) *browser {
	t.Helper()
	ctx, cancel := chromedp.NewExecAllocator(t.Context(),
		chromedp.Headless, chromedp.NoSandbox, chromedp.NoFirstRun, chromedp.DisableGPU, chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.Flag("disable-background-networking", true), chromedp.WindowSize(1280, 900))
	t.Cleanup(cancel)
	b := &browser{t: t, base: base, script: script}
	b.ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	b.prepare()
	return b
}

// tab opens another tab of the same browser.
func (b *browser) tab() *browser {
	ctx, cancel := chromedp.NewContext(b.ctx)
	b.t.Cleanup(cancel)
	other := &browser{t: b.t, ctx: ctx, base: b.base, script: b.script, way: b.way}
	other.prepare()
	if b.phone {
		other.onPhone()
	}
	return other
}

// onPhone makes it a phone, at night.
func (b *browser) onPhone() {
	b.t.Helper()
	b.phone = true
	b.size(390, 844)
	b.scheme("dark")
}

func (b *browser) prepare() {
	b.t.Helper()
	must(b.t, chromedp.Do(b.ctx, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		if _, err := cdp.Call(ctx, t, network.Enable, network.EnableParams{}); err != nil {
			return err
		}
		_, err := cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !b.script})
		return err
	})))
	requests := chromedp.Events(b.ctx, network.RequestWillBeSent)
	go func() {
		for e, err := range requests {
			if err != nil {
				return
			}
			if u, err := url.Parse(e.Request.URL); err == nil && u.Host != "" {
				b.mu.Lock()
				b.asked = append(b.asked, u.Host)
				b.mu.Unlock()
			}
		}
	}()
	b.t.Cleanup(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, host := range b.asked {
			if !strings.HasSuffix(b.base, host) {
				b.t.Errorf("a page asked another host: %s", host)
			}
		}
	})
}

// do runs steps with a time limit and says where the page stood when one fails.
func (b *browser) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.shot("failed-" + strings.ReplaceAll(b.t.Name(), "/", "-"))
		// A tab that hangs has nothing to tell.
		ctx, cancel := context.WithTimeout(b.ctx, patience)
		defer cancel()
		at, _ := chromedp.Run(ctx, chromedp.Location())
		text, _ := chromedp.Run(ctx, chromedp.Evaluate[string](`document.body.innerText.slice(0, 1500)`))
		b.t.Fatalf("%s: %v\nat %s\n%s", what, err, at, text)
	}
}

func (b *browser) visit(path string) {
	b.t.Helper()
	b.do("visit "+path, chromedp.Navigate(b.base+path))
}

func (b *browser) see(selector string) {
	b.t.Helper()
	b.do("see "+selector, chromedp.WaitVisible(chromedp.CSS(selector)))
}

func (b *browser) click(selector string) {
	b.t.Helper()
	if b.see(selector); !b.script {
		b.left = b.document()
	}
	b.do("click "+selector, chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
}

func (b *browser) fill(selector, text string) {
	b.t.Helper()
	empty := chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`document.querySelector(%q).value = ""`, selector))
	b.do("fill "+selector, chromedp.WaitVisible(chromedp.CSS(selector)), empty, chromedp.SendKeys(chromedp.CSS(selector), text))
}

func (b *browser) text(selector string) string {
	b.t.Helper()
	b.see(selector)
	text, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](fmt.Sprintf(`document.querySelector(%q).textContent`, selector)))
	must(b.t, err)
	return strings.Join(strings.Fields(text), " ")
}

func (b *browser) count(selector string) int {
	b.t.Helper()
	n, err := chromedp.Run(b.ctx, chromedp.Evaluate[int](fmt.Sprintf(`document.querySelectorAll(%q).length`, selector)))
	must(b.t, err)
	return n
}

func (b *browser) path() string {
	b.t.Helper()
	at, err := chromedp.Run(b.ctx, chromedp.Location())
	must(b.t, err)
	return strings.TrimPrefix(at, b.base)
}

// document tells one document from the next.
func (b *browser) document() string {
	at, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`String(performance.timeOrigin)`))
	if err != nil {
		return b.left // between two
	}
	return at
}

// until sees the selector: with a script without touching the page, without
// one by loading it again, but not while what was clicked is on its way: that
// would take the click back.
func (b *browser) until(selector string) {
	b.t.Helper()
	if b.script {
		b.see(selector)
		return
	}
	deadline := time.After(patience)
	tick := time.NewTicker(300 * time.Millisecond)
	defer tick.Stop()
	for b.document() == b.left || b.count(selector) == 0 {
		select {
		case <-deadline:
			b.see(selector)
		case <-tick.C:
			if b.document() != b.left {
				b.do("reload", chromedp.Reload())
			}
		}
	}
}

// shot keeps a picture of the whole page.
func (b *browser) shot(name string) {
	ctx, cancel := context.WithTimeout(b.ctx, patience) // a tab that hangs has none
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		b.t.Logf("no picture: %v", err)
		return
	}
	must(b.t, os.MkdirAll(artifacts, 0o755))
	must(b.t, os.WriteFile(filepath.Join(artifacts, name+b.way+".png"), png, 0o644))
}

func (b *browser) size(width, height int64) {
	b.t.Helper()
	b.do("size", chromedp.EmulateViewport(width, height))
}

// fits looks for what stands out of the window at the side.
func (b *browser) fits() {
	b.t.Helper()
	if wide, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](`document.documentElement.scrollWidth > innerWidth + 1`)); err != nil || wide {
		b.t.Errorf("%s is wider than the window (%v)", b.path(), err)
	}
}

func (b *browser) scheme(name string) {
	b.t.Helper()
	b.do("scheme", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}},
		})
		return err
	}))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// command runs the program to its end and returns what it printed.
func command(t *testing.T, path string, args ...string) string {
	t.Helper()
	out, err := exec.Command(path, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", args, err, out)
	}
	return string(out)
}
