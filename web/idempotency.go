package web

import (
	"context"
	"crypto/sha256"
	"encoding/binary"

	"github.com/gofiber/fiber/v2"

	"agentry/internal/fleet"
)

const (
	headerIdempotencyKey   = "Idempotency-Key"
	headerIdempotencyAgain = "Idempotency-Replayed"
	maxIdempotencyKey      = 255
)

// once runs a route's handler. An unsafe call of /v1 with an Idempotency-Key
// runs only the first time: a repeat gets the stored answer.
func (s *Server) once(c *fiber.Ctx, r *route, who *caller) error {
	name := c.Get(headerIdempotencyKey)
	if name == "" || !r.keyed || safeMethod(c.Method()) {
		return r.handle(c, who)
	}
	if !goodIdempotencyKey(name) {
		return fleet.Invalid(headerIdempotencyKey, "must have 1 to %d visible ASCII characters", maxIdempotencyKey)
	}
	done, err := s.app.BeginIdempotent(c.UserContext(), who.actor, name, fingerprint(c))
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
