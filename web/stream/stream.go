// Package stream sends answers that are written while they are sent: the
// team's events, for programs and for pages, and lists of any length. Both are
// read by the connection's own goroutine, so there is nothing to wait for but
// the connection.
package stream

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"

	"agentry/internal/app"
	"agentry/internal/fleet"
)

// Streams are the open streams of a server. Make it with New.
type Streams struct {
	app    *app.App
	beat   time.Duration
	log    *slog.Logger
	end    context.CancelFunc
	ending context.Context
	once   sync.Once
	pages  *crowd
	keys   *crowd
	// downloads are of each person or key.
	downloads *crowd
}

// New makes streams that show every beat that they live; log hears why a list
// was broken off.
func New(a *app.App, beat time.Duration, log *slog.Logger) *Streams {
	ctx, cancel := context.WithCancel(context.Background())
	return &Streams{app: a, beat: beat, log: log, ending: ctx, end: cancel, pages: newCrowd(), keys: newCrowd(), downloads: newCrowd()}
}

// Close ends every event stream, now and later ones. It is safe to call twice.
func (s *Streams) Close() { s.once.Do(s.end) }

// errStopped ends an iteration whose reader has gone.
var errStopped = errors.New("stream: the reader has gone")

// chunk is how much of a list is made before it is sent.
const chunk = 16 << 10

// Form is what stands around and between the elements of a streamed list.
type Form struct {
	ContentType          string
	Open, Between, Close string
}

// List answers with a JSON array; see Elements.
func List[T any](s *Streams, c *fiber.Ctx, each func(ctx context.Context, yield func(T) error) error, write func(*bufio.Writer, T) error) error {
	return ListWithin(s, c, "[", "]", each, write)
}

// ListWithin is List with other words around the elements: before has the
// array's bracket, and what the array is in; after closes them.
func ListWithin[T any](s *Streams, c *fiber.Ctx, before, after string, each func(ctx context.Context, yield func(T) error) error, write func(*bufio.Writer, T) error) error {
	return Elements(s, c, Form{fiber.MIMEApplicationJSONCharsetUTF8, before, ",", after}, each, write)
}

// Lines answers with JSON Lines: every element is one line; see Download.
func Lines[T any](s *Streams, c *fiber.Ctx, by fleet.Actor, each func(ctx context.Context, yield func(T) error) error, write func(*bufio.Writer, T) error) error {
	return Download(s, c, by, Form{ContentType: "application/jsonl; charset=utf-8"}, each, func(w *bufio.Writer, v T) error {
		if err := write(w, v); err != nil {
			return err
		}
		return w.WriteByte('\n')
	})
}

// Elements answers with a list whose elements are made while it is sent, in
// constant memory. An error before the first element is returned; one in the
// middle ends the connection, so that it cannot look like success.
func Elements[T any](s *Streams, c *fiber.Ctx, form Form, each func(ctx context.Context, yield func(T) error) error, write func(*bufio.Writer, T) error) error {
	return elements(s, c, form, func() {}, each, write)
}

// elements is Elements that calls leave once, when the list is over.
func elements[T any](s *Streams, c *fiber.Ctx, form Form, leave func(), each func(ctx context.Context, yield func(T) error) error, write func(*bufio.Writer, T) error) error {
	ctx, cancel := context.WithCancel(context.Background())
	l := &list[T]{cancel: func() { cancel(); leave() }, form: form, write: write, log: s.log.With("request_id", c.GetRespHeader(fiber.HeaderXRequestID))}
	l.out = bufio.NewWriterSize(&l.buf, chunk)
	l.next, l.stop = iter.Pull(func(yield func(T) bool) {
		l.err = each(ctx, func(v T) error {
			if !yield(v) {
				return errStopped
			}
			return nil
		})
	})
	l.first, l.more = l.next()
	if l.err != nil {
		return errors.Join(l.Close(), l.err)
	}
	c.Set(fiber.HeaderContentType, form.ContentType)
	if c.Method() == http.MethodHead {
		return l.Close()
	}
	l.buf.WriteString(form.Open)
	c.Context().SetBodyStream(l, -1)
	return nil
}

// list is the body of a streamed list.
type list[T any] struct {
	cancel context.CancelFunc
	form   Form
	log    *slog.Logger
	next   func() (T, bool)
	stop   func()
	write  func(*bufio.Writer, T) error
	first  T
	more   bool
	ended  bool
	err    error
	buf    bytes.Buffer
	out    *bufio.Writer
}

// Read makes elements until there is something to send. What goes wrong now
// has no other place than the log: the answer has begun.
func (l *list[T]) Read(p []byte) (int, error) {
	for l.buf.Len() < chunk && !l.ended {
		if err := l.safeStep(); err != nil {
			l.log.Error("list broken off", "error", err.Error())
			return 0, err
		}
	}
	if l.buf.Len() == 0 {
		return 0, io.EOF
	}
	return l.buf.Read(p)
}

func (l *list[T]) safeStep() (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	return l.step()
}

func (l *list[T]) step() error {
	if !l.more {
		l.ended = true
		if l.err != nil {
			return l.err
		}
		l.buf.WriteString(l.form.Close)
		return nil
	}
	if err := l.write(l.out, l.first); err != nil {
		return err
	}
	l.first, l.more = l.next()
	if l.more {
		l.out.WriteString(l.form.Between)
	}
	return l.out.Flush()
}

// Close ends the iteration; the server calls it, also when the client left.
func (l *list[T]) Close() error {
	l.cancel()
	l.stop()
	return nil
}
