package pages_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// refuse lets no request to these addresses out of the page; none lifts it.
func (b *browser) refuse(urls ...string) {
	b.t.Helper()
	var patterns []*network.BlockPattern
	for _, url := range urls {
		patterns = append(patterns, &network.BlockPattern{URLPattern: url, Block: true})
	}
	b.do("refuse", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, network.SetBlockedURLs, network.SetBlockedURLsParams{URLPatterns: patterns})
		return err
	}))
}

// The stream is heard, but what it tells of cannot be fetched: the page does not
// say live over old facts, marks them, and fetches them when it can.
func TestJourneyFailedFetch(t *testing.T) {
	d := newDuo(t)
	id := d.make("Ada Lindqvist")
	b := d.mara
	b.visit("/fleet")
	b.says("live")
	same := b.untouched()
	b.refuse("*://*:*/fleet*", "*://*:*/alerts*")
	d.act(id, "start")
	b.see("#agent-" + id + "[data-stale]")
	b.says("stale")
	b.shot("stale-region")
	b.refuse()
	b.see("#agent-" + id + " [data-status=running]")
	b.isCurrent()
	if n := b.count("[data-stale]"); n != 0 {
		t.Errorf("%d regions are still marked", n)
	}
	same()
}

// The server comes back from an older copy: the page shows that, not what it
// knew.
func TestJourneyOlderCopy(t *testing.T) {
	d := newDuo(t)
	id := d.make("Ada Lindqvist")
	b := d.mara
	b.visit("/fleet")
	b.says("live")
	same := b.untouched()
	d.in.stop()
	path := filepath.Join(d.data, "agentry.db")
	older, err := os.ReadFile(path)
	must(t, err)
	d.serve()
	d.gate.lead(d.in.url)
	d.act(id, "end")
	b.see("#agent-" + id + " [data-status=ended]")
	d.make("Lost with the copy")
	b.see("[data-fresh]:not([hidden])")
	b.says("live")

	d.in.stop()
	for _, ending := range []string{"-wal", "-shm"} {
		_ = os.Remove(path + ending)
	}
	must(t, os.WriteFile(path, older, 0o600))
	d.serve()
	for range 3 {
		d.make("Made since") // past the number that the page remembers
	}
	d.gate.lead(d.in.url)
	b.see("#agent-" + id + " [data-status=setup_needed]")
	b.isCurrent()
	same()
}
