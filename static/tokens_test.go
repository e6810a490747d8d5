package static

import (
	"math"
	"regexp"
	"testing"
)

func TestContrast(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want float64
	}{
		{"#000", "#fff", 21}, {"#fff", "#ffffff", 1}, {"#777777", "#fff", 4.48}, {"#767676", "#fff", 4.54}, {"red", "#fff", 0}, {"#12345", "#fff", 0},
	} {
		if got := Contrast(c.a, c.b); math.Abs(got-c.want) > .005 {
			t.Errorf("%s on %s is %.3f, want %.2f", c.a, c.b, got, c.want)
		}
	}
}

// Every colour that is read on another has the contrast of WCAG 2.2 AA in both
// themes, and every colour is in a pair.
func TestTokensHaveContrast(t *testing.T) {
	tokens := map[string]Token{}
	for _, token := range Tokens() {
		tokens[token.Name] = token
	}
	used := map[string]bool{"line-2": true} // parts rows that stand apart without it
	for _, p := range Pairs() {
		front, back := tokens[p.Front], tokens[p.Back]
		used[p.Front], used[p.Back] = true, true
		for theme, got := range map[string]float64{"light": Contrast(front.Light, back.Light), "dark": Contrast(front.Dark, back.Dark)} {
			if got < p.Least {
				t.Errorf("%s on %s is %.2f in the %s theme, needs %.1f", p.Front, p.Back, got, theme, p.Least)
			}
		}
	}
	for name, token := range tokens {
		if token.Colour() && !used[name] {
			t.Errorf("--%s is in no pair of Pairs: say what it is read on", name)
		}
	}
}

// Every token is used, and every one that is used is there.
func TestTokensAreUsed(t *testing.T) {
	css := join(files, []string{"tokens.css", "app.css", "media.css", "usage.css"})
	used := map[string]bool{}
	for _, m := range regexp.MustCompile(`var\(--([\w-]+)\)`).FindAllSubmatch(css, -1) {
		used[string(m[1])] = true
	}
	known := map[string]bool{}
	for _, token := range Tokens() {
		known[token.Name] = true
		if !used[token.Name] {
			t.Errorf("--%s is used nowhere", token.Name)
		}
	}
	for name := range used {
		if !known[name] {
			t.Errorf("--%s is used and is no token", name)
		}
	}
}
