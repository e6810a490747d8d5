package supervisor

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"agentry/internal/fleet"
)

const (
	// flushEvery is how long a line may wait to be stored.
	flushEvery = 250 * time.Millisecond
	// flushLines of one run are stored without waiting.
	flushLines = 100
	// pendingLines of one run are kept while the store is slow.
	pendingLines = 1000
	// flushers is how many runs' lines are stored at once.
	flushers = 8
	// lastLines of a run are kept for its end, each up to lastLineBytes.
	lastLines     = 20
	lastLineBytes = 500
)

// logs stores what programs write, in batches. It does nothing while they are
// silent.
type logs struct {
	app   App
	log   *slog.Logger
	dirty chan struct{} // holds one: some run has lines
	full  chan struct{} // holds one: some run has many

	mu   sync.Mutex
	runs []*runLog // that have lines
}

func newLogs(a App, log *slog.Logger) *logs {
	return &logs{app: a, log: log, dirty: make(chan struct{}, 1), full: make(chan struct{}, 1)}
}

// runLog is what one run's program wrote.
type runLog struct {
	logs *logs
	run  fleet.Run

	storing sync.Mutex // keeps batches in order

	mu      sync.Mutex
	pending []fleet.LogLine
	lost    int
	tail    []string
	queued  bool
}

func (l *logs) of(run fleet.Run) *runLog { return &runLog{logs: l, run: run} }

// run stores lines until quit; what is left then is stored by each run's end.
func (l *logs) run(ctx context.Context, quit <-chan struct{}) {
	for {
		select {
		case <-quit:
			return
		case <-l.dirty:
		}
		select {
		case <-quit:
			return
		case <-l.full:
		case <-time.After(flushEvery):
		}
		l.flush(ctx)
	}
}

func (l *logs) flush(ctx context.Context) {
	l.mu.Lock()
	runs := l.runs
	l.runs = nil
	l.mu.Unlock()
	places := make(chan struct{}, flushers)
	var wg sync.WaitGroup
	for _, r := range runs {
		places <- struct{}{}
		wg.Go(func() {
			defer func() { <-places }()
			r.flush(ctx)
		})
	}
	wg.Wait()
}

func (l *logs) queue(r *runLog) {
	l.mu.Lock()
	l.runs = append(l.runs, r)
	l.mu.Unlock()
	signal(l.dirty)
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// add takes a line; it never waits for the store.
func (r *runLog) add(text string) {
	now := time.Now()
	r.mu.Lock()
	if len(r.tail) == lastLines {
		r.tail = append(r.tail[:0], r.tail[1:]...)
	}
	r.tail = append(r.tail, strings.ToValidUTF8(text[:min(len(text), lastLineBytes)], ""))
	if len(r.pending) >= pendingLines {
		r.lost++
		r.mu.Unlock()
		return
	}
	r.pending = append(r.pending, fleet.LogLine{At: now, Epoch: r.run.Epoch, Level: level(text), Text: text})
	first, many := !r.queued, len(r.pending) >= flushLines
	r.queued = true
	r.mu.Unlock()
	if first {
		r.logs.queue(r)
	}
	if many {
		signal(r.logs.full)
	}
}

// last returns the last lines.
func (r *runLog) last() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.tail...)
}

// flush stores what is pending.
func (r *runLog) flush(ctx context.Context) {
	r.storing.Lock()
	defer r.storing.Unlock()
	lines := r.take()
	if len(lines) == 0 {
		return
	}
	if err := r.logs.app.AppendLogs(ctx, r.run, lines); err != nil {
		r.logs.log.Warn("log lines are lost", "agent_id", r.run.AgentID, "lines", len(lines), "error", err)
	}
}

func (r *runLog) take() []fleet.LogLine {
	r.mu.Lock()
	defer r.mu.Unlock()
	lines := r.pending
	if r.lost > 0 {
		lines = append(lines, fleet.LogLine{
			At: time.Now(), Epoch: r.run.Epoch, Level: "warn",
			Text: fmt.Sprintf("agentry: %d lines lost: they could not be stored fast enough", r.lost),
		})
	}
	r.pending, r.lost, r.queued = nil, 0, false
	return lines
}

// level guesses a line's level from its first words: "level=warn" as slog and
// logfmt write it, or a word such as ERROR, alone or in brackets.
func level(text string) string {
	words := strings.Fields(text[:min(len(text), 120)])
	for _, word := range words[:min(len(words), 4)] {
		value, named := strings.CutPrefix(word, "level=")
		if !named {
			value, named = strings.CutPrefix(word, "lvl=")
		}
		bare := strings.Trim(value, `[]():"`)
		if !named && bare != strings.ToUpper(bare) {
			continue
		}
		switch strings.ToLower(bare) {
		case "debug", "trace":
			return "debug"
		case "info", "notice":
			return "info"
		case "warn", "warning":
			return "warn"
		case "error", "err", "fatal", "panic", "critical":
			return "error"
		}
	}
	return "info"
}
