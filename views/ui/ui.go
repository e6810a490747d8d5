// Package ui is the design system: small parts that know nothing of agents.
// Each takes a plain struct or plain values, works without a script and needs
// no inline style.
package ui

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"agentry/static"
)

// symbol is where a symbol of the sprite is. It is a file of its own: the
// browser keeps it, and a page is half a kilobyte smaller.
func symbol(id string) string { return static.URL("icons.svg") + "#" + id }

// Tone says what a colour means. It never stands alone: a word is beside it.
type Tone string

// The tones.
const (
	Mute Tone = "mute"
	Info Tone = "info"
	OK   Tone = "ok"
	Warn Tone = "warn"
	Bad  Tone = "bad"
)

// Pill is a status: shape, word and tone.
type Pill struct {
	Tone Tone
	// Shape names a symbol of static/icons.svg without its "s-": dot, diamond,
	// triangle, bars, ring, square, half, slash.
	Shape string
	Word  string
}

// Option is one choice of a select, or one link of tabs and chips.
type Option struct {
	Value, Label string
}

// Field is one labelled control of a form.
type Field struct {
	Name, Label string
	// In keeps the ids of two forms in one page apart; "" in the page itself.
	In string
	// Type is an input type, "textarea" or "select".
	Type  string
	Value string
	Hint  string
	// Error says what is wrong with the value, "" is nothing.
	Error string
	// Mark is a short note beside the label, such as "from incarnation 2".
	Mark         string
	Required     bool
	Autofocus    bool
	Autocomplete string
	Placeholder  string
	// MaxLength bounds the text, Min and Max a number; 0 is no bound.
	MaxLength, Min, Max int
	Options             []Option // of a select
	Mono                bool
}

func (f Field) id() string { return "f-" + f.In + strings.ReplaceAll(f.Name, ".", "-") }

func (f Field) describedBy() string {
	var ids []string
	if f.Hint != "" {
		ids = append(ids, f.id()+"-hint")
	}
	if f.Error != "" {
		ids = append(ids, f.id()+"-error")
	}
	return strings.Join(ids, " ")
}

// Notice is a message that stays in the page.
type Notice struct {
	Tone  Tone
	Title string
	Text  string
	// Todo says what to do about it.
	Todo string
	// RequestID is shown so that it can be looked up in the log.
	RequestID string
}

// Off is something that cannot be done now.
type Off struct {
	// Class is btn or item, as if it could be done.
	Class string
	Label string
	// About says in words of which thing, for who cannot see where it stands;
	// "" is clear without.
	About string
	// Why is the sentence for why not, and perhaps what to do.
	Why string
	// Name finds it in tests; "" is none.
	Name string
}

// Meter is how much of something is used.
type Meter struct {
	Value, Max int
	// Min is marked on the bar; 0 is not.
	Min int
	// Label is read beside the bar and by screen readers: "18 of 25 today".
	Label string
}

// permille is a value's place on the bar in thousandths, at most 1000.
func (m Meter) permille(value int) int {
	if m.Max <= 0 || value <= 0 {
		return 0
	}
	return min(1000, value*1000/m.Max)
}

// hint says what the mark means, "" where there is none.
func (m Meter) hint() string {
	if m.Min <= 0 || m.Max <= 0 {
		return ""
	}
	return "The mark is the least: " + Number(m.Min)
}

// Empty is what a list shows instead of nothing.
type Empty struct {
	Title, Text string
	// Href and Action are the one thing to do first; "" is none.
	Href, Action string
}

// Tab is one link of a tab bar.
type Tab struct {
	Href, Label string
	Count       int // shown when over 0
	Current     bool
}

// Pager is the foot of a keyset-paged list.
type Pager struct {
	// Label tells several in one page apart; "" is "Pages".
	Label string
	// Text says where one is: "1–50 of 381 · 31 ended hidden".
	Text string
	// PrevHref and NextHref are "" at the ends.
	PrevHref, NextHref string
	// PrevLabel and NextLabel are the words of the links, "" is the usual.
	PrevLabel, NextLabel string
}

// Initials are the first letters of the first and last word of a name, as they
// stand in an avatar. What is not seen, such as a mark that turns the direction
// of writing, is none.
func Initials(name string) string {
	seen := func(r rune) rune {
		if unicode.Is(unicode.Cf, r) || unicode.IsControl(r) {
			return -1
		}
		return r
	}
	words := strings.Fields(strings.Map(seen, name))
	if len(words) == 0 {
		return "?"
	}
	first, _ := utf8.DecodeRuneInString(words[0])
	out := string(first)
	if len(words) > 1 {
		last, _ := utf8.DecodeRuneInString(words[len(words)-1])
		out += string(last)
	}
	return strings.ToUpper(out)
}

// Ago says how far an instant is from now in a few words: "3 s ago", "in 2 h".
func Ago(at, now time.Time) string {
	d := now.Sub(at)
	future := d < 0
	if future {
		d = -d
	}
	if d < time.Second {
		return "now"
	}
	if future {
		return "in " + Span(d)
	}
	return Span(d) + " ago"
}

// Span writes a length of time in its largest unit, rounded down: "40 s", "3 min".
func Span(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}

// Absolute writes an instant for people in the zone of now, which it names. The
// offset tells the two of an hour that a night repeats apart.
func Absolute(at, now time.Time) string {
	if name := now.Location().String(); name != "UTC" && name != "Local" {
		return at.In(now.Location()).Format("2006-01-02 15:04:05 -07:00 ") + name
	}
	return at.UTC().Format("2006-01-02 15:04:05 UTC")
}

func machineTime(at time.Time) string { return at.UTC().Format(time.RFC3339) }

// Number writes an integer with thin groups: 4,310.
func Number(n int) string {
	s := strconv.Itoa(n)
	sign := ""
	if n < 0 {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// Bytes writes a size for people: "214 KB", "3.4 MB".
func Bytes(n int64) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d bytes", n)
	case n < 1_000_000:
		return fmt.Sprintf("%d KB", (n+500)/1000)
	case n < 1_000_000_000:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.1f GB", float64(n)/1e9)
}

// Plural writes a count with its noun: "1 task", "4,310 log lines".
func Plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return Number(n) + " " + many
}

// sparkPath draws the values as a line in a box of 13 by 20, scaled to their
// maximum; fewer than two draw nothing.
func sparkPath(values []int) string {
	if len(values) < 2 {
		return ""
	}
	top := slices.Max(values)
	if top <= 0 {
		return fmt.Sprintf("M0 20H%d", len(values)-1)
	}
	var b strings.Builder
	b.WriteByte('M')
	for i, v := range values {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(strconv.Itoa(i))
		b.WriteByte(' ')
		b.WriteString(strconv.Itoa(20 - max(v, 0)*20/top))
	}
	return b.String()
}

// sparkLabel says what the line shows, for who points at it or cannot see it.
func sparkLabel(what string, values []int) string {
	total := 0
	for _, v := range values {
		total += v
	}
	if total == 0 {
		return fmt.Sprintf("%s: none in %d days", what, len(values))
	}
	return fmt.Sprintf("%s: %s in %d days, at most %s a day, %s today", what, Number(total), len(values), Number(slices.Max(values)), Number(values[len(values)-1]))
}
