package views

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"agentry/views/ui"
)

// Usage is the tab of what an agent did by day.
type Usage struct {
	AgentID string
	// Spans, Incarnations are links; Incarnations is empty where there is one.
	Spans, Incarnations []ui.Tab
	Counters            []Counter
	// Hidden is how many counters are left out of Counters.
	Hidden int
	Plot   Plot
	// Rows are the days with use, newest first; a day of two incarnations has
	// two.
	Rows []UsageRow
	// Marked: rows say their incarnation.
	Marked  bool
	CSVHref string
}

// Counter is a kind of usage with what it came to: a link that shows or hides
// it. Line is its place among the plot's lines from 1 on, 0 is not shown.
type Counter struct {
	Kind, Href string
	Total      int
	Line       int
}

// shown are the counters in the plot and the table, in the order of their lines.
func (m Usage) shown() []Counter {
	list := make([]Counter, len(m.Plot.Lines))
	for _, c := range m.Counters {
		if c.Line > 0 {
			list[c.Line-1] = c
		}
	}
	return list
}

// UsageRow is one day; Counts are in the order of the plot's lines.
type UsageRow struct {
	Day         string
	Incarnation int
	Counts      []int
}

// Plot is a line by day for each counter.
type Plot struct {
	// Days are "2006-01-02", without a gap.
	Days  []string   `json:"days"`
	Lines []PlotLine `json:"lines"`
	Marks []PlotMark `json:"marks"`
	// Top is the upper end of the scale; only the script's data has it.
	Top int `json:"top"`
}

// PlotLine has a value for each day; nil is: there was no agent yet.
type PlotLine struct {
	Name   string `json:"name"`
	Values []*int `json:"values"`
}

// PlotMark stands before a day.
type PlotMark struct {
	// At is the index of the day.
	At    int    `json:"at"`
	Label string `json:"label"`
}

// data is what the script draws; a plain struct of texts and numbers.
func (p Plot) data() string {
	p.Top = p.scale()
	raw, err := json.Marshal(p)
	if err != nil {
		return "{}"
	}
	return string(raw)
}

// scale is the upper end of the plot's scale: a round even number that no value
// is over, at least 4.
func (p Plot) scale() int {
	most := 4
	for _, l := range p.Lines {
		for _, v := range l.Values {
			if v != nil {
				most = max(most, *v)
			}
		}
	}
	for step := 1; ; step *= 10 {
		for _, n := range []int{2, 3, 4, 5, 6, 8, 10} {
			if n*step >= most && n*step%2 == 0 {
				return n * step
			}
		}
	}
}

// Without a script the plot is drawn in a box of plotStep a day by plotHeight,
// that the style stretches.
const (
	plotStep   = 10
	plotHeight = 100
)

func (p Plot) box() string {
	return fmt.Sprintf("0 0 %d %d", max(1, len(p.Days)-1)*plotStep, plotHeight)
}

func (p Plot) path(l PlotLine) string {
	var b strings.Builder
	top := p.scale()
	for i, v := range l.Values {
		if v == nil {
			continue
		}
		if b.Len() == 0 {
			b.WriteByte('M')
		} else {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "%d %.4g", i*plotStep, plotHeight-float64(*v)*plotHeight/float64(top))
	}
	if strings.Count(b.String(), " ") == 1 {
		b.WriteString("h.01") // one day alone is a dot
	}
	return b.String()
}

func (p Plot) grid() string {
	return fmt.Sprintf("M0 0H%[1]dM0 50H%[1]dM0 100H%[1]d", max(1, len(p.Days)-1)*plotStep)
}

func (m PlotMark) path() string { return fmt.Sprintf("M%d 0V%d", m.At*plotStep-plotStep/2, plotHeight) }

// label says what is seen, for who does not see it.
func (p Plot) label() string {
	if len(p.Days) == 0 {
		return "No days"
	}
	var parts []string
	for _, l := range p.Lines {
		total, most := 0, 0
		for _, v := range l.Values {
			if v != nil {
				total += *v
				most = max(most, *v)
			}
		}
		parts = append(parts, fmt.Sprintf("%s %s in all, at most %s a day", l.Name, ui.Number(total), ui.Number(most)))
	}
	return fmt.Sprintf("By day from %s to %s: %s. The table below has the figures.", p.Days[0], p.Days[len(p.Days)-1], strings.Join(parts, "; "))
}

// dayText writes a day for people: "Thu 12 Mar".
func dayText(day string) string {
	at, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return day
	}
	return at.Format("Mon 2 Jan 2006")
}
