package ui

import (
	"fmt"
	"strings"
	"time"
)

// Progress is how far a long work is. Parts of work are done, failed or
// skipped; what is none of them is still to come.
type Progress struct {
	// Label says what is at work: "Relaunching 200 agents".
	Label string
	// Total is how many parts there are; 0 while nobody knows.
	Total, Done, Failed, Skipped int
	// Left is about how long it still takes; 0 shows no estimate. See TimeLeft.
	Left time.Duration
	// Note stands in place of the estimate: "stopped by Ada", "waiting for the
	// canary".
	Note string
}

// TimeLeft is how long the rest of a work takes at the pace so far; 0 before
// anything is over, where nobody can know.
func TimeLeft(over, total int, took time.Duration) time.Duration {
	if over <= 0 || total <= over || took <= 0 {
		return 0
	}
	return took / time.Duration(over) * time.Duration(total-over)
}

// over is how many parts are behind, never more than there are.
func (p Progress) over() int { return min(p.Total, p.Done+p.Failed+p.Skipped) }

// part is a stretch of the bar in thousandths of its length.
type part struct {
	tone    Tone
	x, wide int
}

// parts are the stretches of what is done, failed and skipped, in this order.
// None leaves the bar, and one of 10,000 is seen too.
func (p Progress) parts() []part {
	var out []part
	at := 0
	for _, s := range []struct {
		tone Tone
		n    int
	}{{OK, p.Done}, {Bad, p.Failed}, {Mute, p.Skipped}} {
		if s.n <= 0 || p.Total <= 0 {
			continue
		}
		wide := min(1000-at, max(4, s.n*1000/p.Total))
		out = append(out, part{s.tone, at, wide})
		at += wide
	}
	return out
}

// counts are what people read: "137 of 200", "3 failed", "12 skipped".
func (p Progress) counts() string {
	if p.Total <= 0 {
		return "Counting"
	}
	words := []string{Number(p.over()) + " of " + Number(p.Total)}
	if p.Failed > 0 {
		words = append(words, Number(p.Failed)+" failed")
	}
	if p.Skipped > 0 {
		words = append(words, Number(p.Skipped)+" skipped")
	}
	return strings.Join(words, " · ")
}

// rest is what stands at the end of the line: the note, the estimate, or
// that it is over; "" is none.
func (p Progress) rest() string {
	switch {
	case p.Note != "":
		return p.Note
	case p.Total > 0 && p.over() == p.Total:
		return "all over"
	case p.Left <= 0:
		return ""
	}
	return "about " + Span(p.Left.Round(time.Second)) + " left"
}

// spoken is the bar in words.
func (p Progress) spoken() string {
	words := strings.ReplaceAll(p.counts(), " · ", ", ")
	if rest := p.rest(); rest != "" {
		words = fmt.Sprintf("%s, %s", words, rest)
	}
	return words
}
