package process

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"agentry/internal/fleet"
	agentruntime "agentry/internal/runtime"
)

const (
	// maxLine is how much of a line is kept, in bytes.
	maxLine = 4 << 10
	// cutMark ends a line that was longer.
	cutMark = " …"
	// defaultBudget is how much output is kept a minute, in bytes.
	defaultBudget = 1 << 20
	// rawFactor is how many times the budget is read at full speed a minute:
	// blank lines, colours and the rest of long lines are not kept.
	rawFactor = 4
	// lineCost is what a shorter line costs too, because it is kept with its
	// time and place.
	lineCost = 64
	// dropPause slows a program that writes too much: its output is read
	// slowly, and the program waits for its own pipe.
	dropPause = 5 * time.Millisecond
	// readSize is how much is read at once, in bytes.
	readSize = 4 << 10
	// ownMark begins the lines that this package writes itself.
	ownMark = "agentry: "
)

// output reads a program's standard output and error, joined, and hands on
// clean lines within a budget per minute. Empty lines are not handed on. A
// line that returns to its beginning, as a progress bar does, is handed on as
// it looks in the end.
type output struct {
	file    *os.File
	buffers *sync.Pool // of *[readSize]byte, for all programs
	emit    func(string)
	budget  int64

	line     []byte // of the line so far, at most maxLine
	cut      bool   // the line is longer and was handed on
	returned bool   // the last byte was a carriage return
	until    time.Time
	raw      int64 // bytes read since until was set
	spent    int64
	dropped  int64 // lines since until was set

	mu    sync.Mutex
	final bool
}

func newOutput(file *os.File, buffers *sync.Pool, spec agentruntime.Spec) *output {
	o := &output{file: file, buffers: buffers, emit: spec.Output, budget: spec.Kind.Limits.OutputBytesPerMinute}
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
	for {
		err := o.read()
		if err != nil && !(errors.Is(err, os.ErrDeadlineExceeded) && o.proceed()) {
			break
		}
		o.settle(time.Now())
		if o.flooded() {
			time.Sleep(dropPause)
		}
	}
	if len(o.line) > 0 {
		o.endLine(time.Now())
	}
	o.report()
}

// errEnd means that every writer is gone.
var errEnd = errors.New("end of the output")

// read waits for output and takes it. A silent program holds no buffer.
func (o *output) read() error {
	conn, err := o.file.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = conn.Read(func(fd uintptr) bool {
		buf := o.buffers.Get().(*[readSize]byte)
		defer o.buffers.Put(buf)
		n, err := unix.Read(int(fd), buf[:])
		for err == unix.EINTR {
			n, err = unix.Read(int(fd), buf[:])
		}
		switch {
		case err == unix.EAGAIN:
			return false
		case err != nil:
			failed = err
		case n == 0:
			failed = errEnd
		default:
			o.take(buf[:n], time.Now())
		}
		return true
	})
	return errors.Join(err, failed)
}

// flooded tells whether the program writes more than is kept.
func (o *output) flooded() bool { return o.dropped > 0 || o.raw > rawFactor*o.budget }

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
	o.settle(now)
	o.raw += int64(len(data))
	for len(data) > 0 {
		n := bytes.IndexAny(data, "\r\n")
		if n != 0 {
			if n < 0 {
				n = len(data)
			}
			o.add(data[:n], now)
			data = data[n:]
			continue
		}
		if o.returned = data[0] == '\r'; !o.returned {
			o.endLine(now)
		}
		data = data[1:]
	}
}

// add takes a part of a line.
func (o *output) add(part []byte, now time.Time) {
	if o.returned {
		o.line, o.cut, o.returned = o.line[:0], false, false
	}
	if o.cut {
		return
	}
	room := maxLine - len(o.line)
	o.line = append(o.line, part[:min(len(part), room)]...)
	if len(part) > room {
		o.cut = true
		o.handOn(now)
	}
}

func (o *output) endLine(now time.Time) {
	if !o.cut {
		o.handOn(now)
	}
	o.cut = false
	if o.line = o.line[:0]; cap(o.line) > 256 {
		o.line = nil // most lines are short; a thousand programs share the memory
	}
}

func (o *output) handOn(now time.Time) {
	raw := o.line
	if o.cut {
		raw = wholeRunes(raw)
	}
	text, cut := fleet.CleanLine(raw, maxLine)
	if text == "" {
		return
	}
	if cost := int64(max(len(text)+1, lineCost)); o.spent+cost <= o.budget {
		o.spent += cost
	} else {
		if o.dropped == 0 {
			o.deadline(o.until)
		}
		o.dropped++
		return
	}
	if cut || o.cut {
		text += cutMark
	}
	if strings.HasPrefix(text, ownMark) {
		text = "> " + text
	}
	o.emit(text)
}

// wholeRunes takes the beginning of a character off that was cut in two.
func wholeRunes(raw []byte) []byte {
	for n := 1; n < utf8.UTFMax && n <= len(raw); n++ {
		if last := raw[len(raw)-n:]; utf8.RuneStart(last[0]) {
			if !utf8.FullRune(last) {
				return raw[:len(raw)-n]
			}
			break
		}
	}
	return raw
}

// say hands on a line of this package's own.
func (o *output) say(text string) { o.emit(ownMark + text) }

// settle begins a new minute when the last one is over.
func (o *output) settle(now time.Time) {
	if now.Before(o.until) {
		return
	}
	o.report()
	o.until, o.spent, o.raw = now.Add(time.Minute), 0, 0
}

// report says how much was dropped.
func (o *output) report() {
	if o.dropped == 0 {
		return
	}
	o.say(fmt.Sprintf("%d lines dropped: more than %d bytes of output a minute", o.dropped, o.budget))
	o.dropped = 0
}
