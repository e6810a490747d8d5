package pages_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// paper looks at the page as it is printed on A4 and keeps a picture.
func (b *browser) paper(name string) {
	b.t.Helper()
	media := func(kind string) {
		b.do("media", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
			_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: kind})
			return err
		}))
	}
	media("print")
	b.size(794, 1123)
	b.shot(name)
	for _, hidden := range []string{"header.top", ".no-print"} {
		shown, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](`[...document.querySelectorAll("`+hidden+`")].some((e) => e.getClientRects().length > 0)`))
		must(b.t, err)
		if shown {
			b.t.Errorf("%s: %s is printed", name, hidden)
		}
	}
	colours, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`getComputedStyle(document.documentElement).backgroundColor + " " + getComputedStyle(document.querySelector(".cert dt")).color`))
	must(b.t, err)
	if colours != "rgb(255, 255, 255) rgb(0, 0, 0)" {
		b.t.Errorf("%s is printed in %s", name, colours)
	}
	media("")
	b.size(1280, 900)
}

// exportFirst takes the offered export in the delete dialog and returns its
// hash, which is the one that was shown.
func (b *browser) exportFirst() string {
	b.t.Helper()
	facts := b.text("[data-testid=export-facts]")
	name, _, _ := strings.Cut(facts, ",")
	sum := sha256.Sum256(b.download("[data-testid=export]", name, "PK"))
	hash := hex.EncodeToString(sum[:])
	if !strings.Contains(facts, hash) {
		b.t.Errorf("%s was taken; shown was %s", hash, facts)
	}
	if b.script {
		b.until("[data-testid=delete-form] [data-taken=true]")
	}
	return hash
}
