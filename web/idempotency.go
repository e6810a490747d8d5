package web

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"time"

	"github.com/gofiber/fiber/v2"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/views"
)

const (
	headerIdempotencyKey   = "Idempotency-Key"
	headerIdempotencyAgain = "Idempotency-Replayed"
	maxIdempotencyKey      = 255
)

// once runs a route's handler. An unsafe call of /v1, or of a page's form, with
// an Idempotency-Key runs only the first time: a repeat gets the stored answer.
// A form that is sent without a script has its key in itself.
func (s *Server) once(c *fiber.Ctx, r *route, who *caller) error {
	name := c.Get(headerIdempotencyKey)
	if name == "" && r.access.kind == bySession {
		name = formKey(c)
	}
	if name == "" || !r.keyed && r.access.kind != bySession || safeMethod(c.Method()) {
		return r.handle(c, who)
	}
	if !goodIdempotencyKey(name) {
		return fleet.Invalid(headerIdempotencyKey, "must have 1 to %d visible ASCII characters", maxIdempotencyKey)
	}
	done, err := s.app.BeginIdempotent(c.UserContext(), who.actor, name, fingerprint(c))
	if !r.keyed {
		if c.Get("HX-Request") == "" {
			done, err = s.awaitFirst(c, who, name, done, err)
		}
		return s.oncePage(c, r, who, name, done, err)
	}
	if err != nil {
		return err
	}
	if done != nil {
		c.Set(headerIdempotencyAgain, "true")
		c.Set(fiber.HeaderContentType, done.ContentType)
		return c.Status(done.Status).Send(done.Body)
	}
	who.actor.IdempotencyKey = name
	if err := recovered(func() error { return r.handle(c, who) }); err != nil {
		s.answer(c, err)
	}
	// What was done is kept even when the request's time is up.
	ctx := context.WithoutCancel(c.UserContext())
	return s.app.EndIdempotent(ctx, who.actor, name,
		c.Response().StatusCode(), c.GetRespHeader(fiber.HeaderContentType), c.Response().Body())
}

// formKey is the key of a form that was sent without a script: what it was shown
// with, and what is in it, so that another text is another call. "" is none.
func formKey(c *fiber.Ctx) string {
	once := string(c.Request().PostArgs().Peek("once"))
	if once == "" {
		return ""
	}
	return once + "-" + hex.EncodeToString(fingerprint(c)[:8])
}

// awaitFirst waits for the answer to the first try while that is under way: who
// presses a button twice sees the answer to the second.
func (s *Server) awaitFirst(c *fiber.Ctx, who *caller, name string, done *app.IdempotentAnswer, err error) (*app.IdempotentAnswer, error) {
	tick, patience := time.NewTicker(50*time.Millisecond), time.After(10*time.Second)
	defer tick.Stop()
	for fleet.CodeOf(err) == app.CodeIdempotencyInProgress {
		select {
		case <-tick.C:
			done, err = s.app.BeginIdempotent(c.UserContext(), who.actor, name, fingerprint(c))
		case <-patience:
			return nil, err
		}
	}
	return done, err
}

// pageHeaders are what an answer to a form is, but for its fragment.
func pageHeaders() []string {
	return []string{"HX-Redirect", views.DoneHeader, fiber.HeaderLocation}
}

// oncePage is once for a form of a page, which the script sends again where no
// answer came. Of the answer only where it leads is kept: a repeat of what
// answered a fragment has the page shown anew. What was refused can be tried
// again.
func (s *Server) oncePage(c *fiber.Ctx, r *route, who *caller, name string, done *app.IdempotentAnswer, err error) error {
	switch {
	case fleet.CodeOf(err) == app.CodeIdempotencyInProgress:
		return fleet.Errorf(fleet.CodeConflict, "The first try is still under way: wait a moment, then look at what is there")
	case err != nil:
		return err
	case done != nil:
		kept := map[string]string{}
		if err := json.Unmarshal(done.Body, &kept); err != nil {
			return err
		}
		for name, value := range kept {
			c.Set(name, value)
		}
		if len(kept) == 0 {
			c.Set("HX-Refresh", "true")
		}
		c.Set(headerIdempotencyAgain, "true")
		if kept[fiber.HeaderLocation] != "" {
			return c.SendStatus(http.StatusSeeOther)
		}
		return c.SendStatus(http.StatusNoContent)
	}
	who.actor.IdempotencyKey = name
	if err := recovered(func() error { return r.handle(c, who) }); err != nil {
		s.answer(c, err)
	}
	kept, status := map[string]string{}, c.Response().StatusCode()
	for _, name := range pageHeaders() {
		if value := c.GetRespHeader(name); value != "" {
			kept[name] = value
		}
	}
	if status >= http.StatusBadRequest {
		status = http.StatusInternalServerError // the key is free again
	}
	raw, err := json.Marshal(kept)
	if err != nil {
		return err
	}
	return s.app.EndIdempotent(context.WithoutCancel(c.UserContext()), who.actor, name, status, fiber.MIMEApplicationJSON, raw)
}

func goodIdempotencyKey(name string) bool {
	for i := range len(name) {
		if name[i] < ' ' || name[i] > '~' {
			return false
		}
	}
	return len(name) <= maxIdempotencyKey
}

// fingerprint is the SHA-256 of method, path, query and body, each with its
// length in front.
func fingerprint(c *fiber.Ctx) []byte {
	h := sha256.New()
	for _, part := range [][]byte{[]byte(c.Method()), []byte(c.Path()), c.Request().URI().QueryString(), c.BodyRaw()} {
		var size [8]byte
		binary.BigEndian.PutUint64(size[:], uint64(len(part)))
		h.Write(size[:])
		h.Write(part)
	}
	return h.Sum(nil)
}
