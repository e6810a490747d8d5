package process

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	agentruntime "agentry/internal/runtime"
)

const (
	// maxLine is how much of a line is kept, in bytes.
	maxLine = 4 << 10
	// cutMark ends a line that was longer.
	cutMark = " …"
	// defaultBudget is how much output is kept a minute, in bytes.
	defaultBudget = 1 << 20
	// lineCost is what a shorter line costs too, because it is kept with its
	// time and place.
	lineCost = 64
	// dropPause slows a program that writes too much: while its output is
	// dropped it is read slowly, and the program waits for its own pipe.
	dropPause = 5 * time.Millisecond
)

// output reads a program's standard output and error, joined, and hands on
// clean lines within a budget per minute. Empty lines are not handed on.
type output struct {
	file   *os.File
	emit   func(string)
	budget int64

	line    []byte // of the line so far, at most maxLine
	cut     bool   // the line is longer
	until   time.Time
	spent   int64
	dropped int64 // lines since until was set

	mu    sync.Mutex
	final bool
}

func newOutput(file *os.File, spec agentruntime.Spec) *output {
	o := &output{file: file, emit: spec.Output, budget: spec.Kind.Limits.OutputBytesPerMinute}
	if o.budget <= 0 {
		o.budget = defaultBudget
	}
	if o.emit == nil {
		o.emit = func(string) {}
	}
	return o
}

// run reads to the end of the output, or to the time that finish sets.
func (o *output) run() {
	defer o.file.Close()
	buf := make([]byte, maxLine)
	for {
		n, err := o.file.Read(buf)
		now := time.Now()
		o.take(buf[:n], now)
		if err != nil && !(errors.Is(err, os.ErrDeadlineExceeded) && o.proceed()) {
			break
		}
		o.settle(now)
		if o.dropped > 0 {
			time.Sleep(dropPause)
		}
	}
	if len(o.line) > 0 {
		o.endLine(time.Now())
	}
	o.report()
}

// finish makes run return at the given time even if somebody outside the run
// holds the pipe open.
func (o *output) finish(at time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.final = true
	_ = o.file.SetReadDeadline(at) // fails when the end was read already
}

// proceed lifts a deadline, unless it is the last one.
func (o *output) proceed() bool { return o.deadline(time.Time{}) }

func (o *output) deadline(at time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return !o.final && o.file.SetReadDeadline(at) == nil
}

func (o *output) take(data []byte, now time.Time) {
	for len(data) > 0 {
		part, rest, ended := bytes.Cut(data, []byte{'\n'})
		room := maxLine - len(o.line)
		if len(part) > room {
			part, o.cut = part[:room], true
		}
		o.line = append(o.line, part...)
		if ended {
			o.endLine(now)
		}
		data = rest
	}
}

func (o *output) endLine(now time.Time) {
	text, wasCut := clean(bytes.TrimSuffix(o.line, []byte{'\r'})), o.cut
	o.line, o.cut = o.line[:0], false
	if cap(o.line) > 1<<10 {
		o.line = nil // most lines are short; a thousand programs share the memory
	}
	if text == "" {
		return
	}
	o.settle(now)
	cost := int64(max(len(text)+1, lineCost))
	if o.spent+cost > o.budget {
		if o.dropped == 0 {
			o.deadline(o.until)
		}
		o.dropped++
		return
	}
	o.spent += cost
	if wasCut {
		text += cutMark
	}
	o.emit(text)
}

// settle begins a new minute when the last one is over.
func (o *output) settle(now time.Time) {
	if now.Before(o.until) {
		return
	}
	o.report()
	o.until, o.spent = now.Add(time.Minute), 0
}

// report says how much was dropped.
func (o *output) report() {
	if o.dropped == 0 {
		return
	}
	o.emit(fmt.Sprintf("agentry: %d lines dropped: more than %d bytes of output a minute", o.dropped, o.budget))
	o.dropped = 0
}
