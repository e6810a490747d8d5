package views

import (
	"strconv"
	"time"

	"agentry/views/ui"
)

// Logs is the tab of what the program wrote: a part of the log, oldest line
// first.
type Logs struct {
	AgentID string
	// Levels are the links of the filter.
	Levels []ui.Tab
	Lines  []LogLine
	// OlderHref and NewerHref lead to the parts before and behind this one,
	// NewestHref to the end of the log; "" is nothing there.
	OlderHref, NewerHref, NewestHref string
	// TailHref answers the lines behind one as LogLines: after and epoch are
	// added to it. "" is: this part does not grow.
	TailHref     string
	DownloadHref string
	Now          time.Time
}

// newest is the id of the last line, 0 where there is none.
func (m Logs) newest() string {
	if len(m.Lines) == 0 {
		return "0"
	}
	return strconv.FormatInt(m.Lines[len(m.Lines)-1].ID, 10)
}

// LogLine is one line.
type LogLine struct {
	ID          int64
	At          time.Time
	Level, Text string
	// Epoch is the number of the run that wrote it; Begins: the line before is
	// of another run.
	Epoch  int64
	Begins bool
}

// levelShape is the symbol of a level: none is told by its colour alone.
func levelShape(level string) string {
	switch level {
	case "error":
		return "diamond"
	case "warn":
		return "triangle"
	case "info":
		return "dot"
	}
	return "ring"
}
