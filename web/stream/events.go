package stream

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"agentry/internal/api"
	"agentry/internal/fleet"
	"agentry/internal/live"
)

const (
	// replayPage is how many stored events are read at once.
	replayPage = 200
	// readTime bounds each look into the database.
	readTime = 5 * time.Second
)

// Events answers with the team's events as a stream (text/event-stream): first
// those after Last-Event-ID, from the database, then new ones as they come. A
// beat, an event of that name, shows that the stream lives; a reset says that
// some of those asked for are not kept any more. The stream ends
// when a write fails, when the server stops, and when still, asked at each
// beat and whenever keys or members change, says that the caller may not go on.
func (s *Streams) Events(c *fiber.Ctx, by fleet.Actor, still func(context.Context) error) error {
	e, err := s.open(c, by, still, c.Get("Last-Event-ID"))
	if err != nil {
		return err
	}
	send(c, e)
	return nil
}

// open begins a stream behind the event whose number text is; "" is now.
func (s *Streams) open(c *fiber.Ctx, by fleet.Actor, still func(context.Context) error, text string) (*events, error) {
	after, asked, err := lastEventID(text)
	if err != nil {
		return nil, err
	}
	// Subscribed before the database is read, so that nothing falls between.
	sub := s.app.Subscribe(by)
	newest, err := s.app.LastEventSeq(c.UserContext(), by)
	if err != nil {
		sub.Close()
		return nil, err
	}
	if !asked {
		after = newest
	}
	e := &events{streams: s, by: by, still: still, sub: sub, last: after, replay: true, ticker: time.NewTicker(s.beat), leave: func() {}}
	e.buf.WriteString("retry: 2000\n\n")
	return e, nil
}

// send makes the stream the answer's body.
func send(c *fiber.Ctx, e *events) {
	c.Set(fiber.HeaderContentType, "text/event-stream")
	c.Set("X-Accel-Buffering", "no")
	c.Context().Response.ImmediateHeaderFlush = true
	c.Context().SetBodyStream(e, -1)
}

func lastEventID(text string) (after int64, asked bool, err error) {
	if text == "" {
		return 0, false, nil
	}
	after, err = strconv.ParseInt(text, 10, 64)
	if err != nil || after < 0 {
		return 0, false, fleet.Invalid("Last-Event-ID", "must be the id of an event of this stream")
	}
	return after, true, nil
}

// events is the body of one stream. Its reader is the connection's goroutine.
type events struct {
	streams *Streams
	by      fleet.Actor
	still   func(context.Context) error
	sub     *live.Subscription
	last    int64 // seq of the newest event sent
	replay  bool  // the database has, or may have, more after last
	ticker  *time.Ticker
	buf     bytes.Buffer
	page    bool            // in the words of the pages' script
	gone    <-chan struct{} // closed when the stream has to end; nil is never
	leave   func()
}

// Read waits until there is something to send.
func (e *events) Read(p []byte) (int, error) {
	for e.buf.Len() == 0 {
		if err := e.fill(); err != nil {
			return 0, err
		}
	}
	return e.buf.Read(p)
}

func (e *events) fill() error {
	if e.replay {
		return e.readOn()
	}
	select {
	case <-e.streams.ending.Done():
		return io.EOF
	case <-e.gone:
		return io.EOF
	case <-e.ticker.C:
		e.buf.WriteString("event: beat\ndata: {}\n\n")
		return e.check()
	case event, open := <-e.sub.Events():
		if !open {
			return e.again()
		}
		return e.send(event)
	}
}

// again goes back to the database when the stream was too slow for the hub.
func (e *events) again() error {
	if !e.sub.Lagged() {
		return io.EOF
	}
	e.sub = e.streams.app.Subscribe(e.by)
	e.replay = true
	return nil
}

// readOn sends the next stored events.
func (e *events) readOn() error {
	ctx, cancel := context.WithTimeout(e.streams.ending, readTime)
	defer cancel()
	stored, complete, err := e.streams.app.Events(ctx, e.by, e.last, replayPage)
	if err != nil {
		return io.EOF
	}
	if !complete {
		return e.reset(ctx)
	}
	e.replay = len(stored) == replayPage
	for _, event := range stored {
		if err := e.send(event); err != nil {
			return err
		}
	}
	return nil
}

// reset tells the reader that events between are gone, so that it asks for
// everything again, and goes on with what comes.
func (e *events) reset(ctx context.Context) error {
	newest, err := e.streams.app.LastEventSeq(ctx, e.by)
	if err != nil {
		return io.EOF
	}
	e.last, e.replay = newest, false
	fmt.Fprintf(&e.buf, "id: %d\nevent: reset\ndata: {}\n\n", newest)
	return nil
}

// send writes an event unless it was sent before.
func (e *events) send(event fleet.Event) error {
	if event.Seq <= e.last {
		return nil
	}
	e.last = event.Seq
	if strings.HasPrefix(event.Type, "key.") || strings.HasPrefix(event.Type, "member.") || strings.HasPrefix(event.Type, "session.") {
		if err := e.check(); err != nil {
			return err
		}
	}
	name, raw, err := e.words(event)
	if err != nil {
		return err
	}
	fmt.Fprintf(&e.buf, "id: %d\nevent: %s\ndata: %s\n\n", event.Seq, name, raw)
	return nil
}

// words are an event's name and data.
func (e *events) words(event fleet.Event) (name string, raw []byte, err error) {
	if e.page {
		raw, err = json.Marshal(map[string]any{"type": event.Type, "agentId": event.AgentID, "seq": event.Seq})
		return "agent", raw, err
	}
	data := api.Event{Type: event.Type, At: api.At(event.At)}
	if event.AgentID != "" {
		data.AgentID = (*string)(&event.AgentID)
	}
	raw, err = json.Marshal(data)
	return event.Type, raw, err
}

// check asks whether the caller may still listen.
func (e *events) check() error {
	ctx, cancel := context.WithTimeout(e.streams.ending, readTime)
	defer cancel()
	if e.still(ctx) != nil {
		return io.EOF
	}
	return nil
}

// Close ends the subscription; the server calls it when the connection ends.
func (e *events) Close() error {
	e.leave()
	e.ticker.Stop()
	e.sub.Close()
	return nil
}
