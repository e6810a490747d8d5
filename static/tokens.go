package static

import (
	"math"
	"regexp"
	"strconv"
	"strings"
)

// Token is a custom property of app.css. A colour has a value for each theme,
// anything else the same one twice.
type Token struct {
	Name        string
	Light, Dark string
}

// Colour tells whether the token is one.
func (t Token) Colour() bool { return strings.HasPrefix(t.Light, "#") }

var (
	property  = regexp.MustCompile(`(?m)^  --([\w-]+): (.+);$`)
	perScheme = regexp.MustCompile(`^light-dark\((.+), (.+)\)$`)
)

// Tokens are those that app.css itself begins with, in its order.
func Tokens() []Token {
	root, _, _ := strings.Cut(string(load().assets["app.css"].Body), "\n}\n")
	var out []Token
	for _, m := range property.FindAllStringSubmatch(root, -1) {
		t := Token{m[1], m[2], m[2]}
		if both := perScheme.FindStringSubmatch(m[2]); both != nil {
			t.Light, t.Dark = both[1], both[2]
		}
		out = append(out, t)
	}
	return out
}

// Contrast is the contrast ratio of two colours written #rgb or #rrggbb, from 1
// to 21, as WCAG 2.2 defines it; 0 where one is no colour.
func Contrast(a, b string) float64 {
	la, okA := luminance(a)
	lb, okB := luminance(b)
	if !okA || !okB {
		return 0
	}
	return (max(la, lb) + .05) / (min(la, lb) + .05)
}

func luminance(colour string) (float64, bool) {
	hex, ok := strings.CutPrefix(colour, "#")
	if len(hex) == 3 {
		hex = string([]byte{hex[0], hex[0], hex[1], hex[1], hex[2], hex[2]})
	}
	n, err := strconv.ParseUint(hex, 16, 32)
	if !ok || len(hex) != 6 || err != nil {
		return 0, false
	}
	sum := 0.0
	for shift, weight := range map[int]float64{16: .2126, 8: .7152, 0: .0722} {
		part := float64(n>>shift&0xff) / 255
		if part <= .04045 {
			part /= 12.92
		} else {
			part = math.Pow((part+.055)/1.055, 2.4)
		}
		sum += weight * part
	}
	return sum, true
}

// Pair is a colour that is read or seen on another.
type Pair struct {
	Front, Back string
	// Least is the ratio that it needs: 4.5 for text, 3 for edges and marks.
	Least float64
}

// Pairs are the pairs of tokens that the pages use.
func Pairs() []Pair {
	const text, mark = 4.5, 3
	out := []Pair{
		{"accent-ink", "accent", text}, {"panel", "bad", text}, {"accent", "accent-soft", text},
		{"edge", "panel", mark}, {"edge", "bg", mark}, {"accent", "line", mark}, {"ok", "line", mark}, {"bad", "line", mark},
	}
	for _, back := range []string{"bg", "panel"} {
		for _, front := range []string{"ink", "ink-2", "ink-3", "accent", "ok", "warn", "bad"} {
			out = append(out, Pair{front, back, text})
		}
	}
	for _, tone := range []string{"ok", "warn", "bad", "mute", "info"} {
		for _, front := range []string{tone, "ink", "ink-2"} {
			out = append(out, Pair{front, tone + "-soft", text})
		}
	}
	return out
}
