package web

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/web/eliza"
)

// The codes that only HTTP has; the others are in fleet.
const (
	codeMissingKey      fleet.Code = "missing_api_key"
	codeKeyFormat       fleet.Code = "invalid_api_key_format"
	codeInvalidKey      fleet.Code = "invalid_api_key"
	codeMethod          fleet.Code = "method_not_allowed"
	codeTooLarge        fleet.Code = "payload_too_large"
	codeTimeout         fleet.Code = "request_timeout"
	codeHeadersTooLarge fleet.Code = "headers_too_large"
	codeInternal        fleet.Code = "internal_error"
	codeCrossOrigin     fleet.Code = "cross_origin"
	codeNotImplemented  fleet.Code = "not_implemented"
)

// statusOf is the HTTP status that stands for a code.
func statusOf(code fleet.Code) int {
	switch code {
	case fleet.CodeValidation, fleet.CodeInvalidStatus, codeBadRequest, eliza.CodeInvalidID, eliza.CodeNoConfig, app.CodeChatRenewal:
		return http.StatusBadRequest
	case fleet.CodeUnauthorized, codeMissingKey, codeKeyFormat, codeInvalidKey:
		return http.StatusUnauthorized
	case fleet.CodeForbidden, fleet.CodeProtected, codeCrossOrigin:
		return http.StatusForbidden
	case fleet.CodeNotFound, app.CodeChatNotFound, app.CodeChatAgent:
		return http.StatusNotFound
	case codeMethod:
		return http.StatusMethodNotAllowed
	case codeTimeout:
		return http.StatusRequestTimeout
	case fleet.CodeConflict, app.CodeIdempotencyInProgress, app.CodeChatRefused, app.CodeChatSend:
		return http.StatusConflict
	case fleet.CodeRunOver, app.CodeChatExpired:
		return http.StatusGone
	case fleet.CodeVersion:
		return http.StatusPreconditionFailed
	case codeTooLarge:
		return http.StatusRequestEntityTooLarge
	case app.CodeIdempotencyMismatch:
		return http.StatusUnprocessableEntity
	case fleet.CodeRateLimited:
		return http.StatusTooManyRequests
	case codeHeadersTooLarge:
		return http.StatusRequestHeaderFieldsTooLarge
	case codeNotImplemented:
		return http.StatusNotImplemented
	case fleet.CodeUnavailable:
		return http.StatusServiceUnavailable
	case fleet.CodeDiskFull:
		return http.StatusInsufficientStorage
	}
	return http.StatusInternalServerError
}

// known is the error that a caller may see: the one it is, the one that stands
// for a refusal of the HTTP layer, or "An internal error occurred".
func known(err error) *fleet.Error {
	var e *fleet.Error
	var f *fiber.Error
	switch {
	case errors.As(err, &e):
		return e
	case errors.As(err, &f):
		return ofFiber(f)
	case errors.Is(err, context.DeadlineExceeded):
		return fleet.Errorf(fleet.CodeUnavailable, "This took too long and was given up; its outcome is unknown").Because(err)
	}
	return fleet.Errorf(codeInternal, "An internal error occurred").Because(err)
}

func ofFiber(f *fiber.Error) *fleet.Error {
	switch f.Code {
	case http.StatusNotFound:
		return fleet.Errorf(fleet.CodeNotFound, "There is nothing at this address")
	case http.StatusMethodNotAllowed:
		return fleet.Errorf(codeMethod, "This address does not take this method")
	case http.StatusRequestEntityTooLarge:
		return fleet.Errorf(codeTooLarge, "The body is larger than 1 MiB")
	case http.StatusRequestTimeout:
		return fleet.Errorf(codeTimeout, "The request did not arrive in time")
	case http.StatusRequestHeaderFieldsTooLarge:
		return fleet.Errorf(codeHeadersTooLarge, "The headers are too large")
	case http.StatusNotImplemented:
		return fleet.Errorf(codeNotImplemented, "There is no such method")
	}
	return fleet.Errorf(codeBadRequest, "The request is not valid HTTP")
}

// answer writes an error in the words of the face that was asked, and logs its
// cause once.
func (s *Server) answer(c *fiber.Ctx, err error) {
	e := known(err)
	status := statusOf(e.Code)
	s.logProblem(c, e, status)
	c.Response().ResetBody()
	switch {
	case status == http.StatusUnauthorized && s.face(c) != facePeople:
		c.Set(fiber.HeaderWWWAuthenticate, `Bearer realm="agentry"`)
	case e.RetryAfter > 0:
		c.Set(fiber.HeaderRetryAfter, strconv.Itoa(int(math.Ceil(e.RetryAfter.Seconds()))))
	case status == http.StatusServiceUnavailable && c.GetRespHeader(fiber.HeaderRetryAfter) == "":
		c.Set(fiber.HeaderRetryAfter, strconv.Itoa(1))
	}
	c.Status(status)
	if err := recovered(func() error { return s.writeProblem(c, e) }); err != nil {
		s.log.Error("error page failed", "request_id", requestID(c), "error", err.Error())
	}
}

func (s *Server) writeProblem(c *fiber.Ctx, e *fleet.Error) error {
	switch s.face(c) {
	case faceV1:
		return s.v1.Problem(c, e, requestID(c))
	case faceEliza:
		return s.eliza.Problem(c, e)
	case faceElizaV1:
		_, routed := c.Locals(localRoute).(*route)
		return s.elizaV1.Problem(c, e, s.path(c), routed)
	case faceRuntime:
		return s.runtime.Problem(c, e)
	}
	return s.pageProblem(c, e)
}

func (s *Server) logProblem(c *fiber.Ctx, e *fleet.Error, status int) {
	if e.Cause == nil {
		return
	}
	level := slog.LevelWarn
	if status >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	s.log.Log(context.Background(), level, "request failed", "code", string(e.Code), "method", c.Method(),
		"request_id", requestID(c), "error", e.Cause.Error())
}

// face is who a path is for.
type face int

const (
	facePeople face = iota
	faceV1
	faceEliza
	faceElizaV1
	faceRuntime
)

// path is what the request asked for, without the base path.
func (s *Server) path(c *fiber.Ctx) string {
	return strings.TrimPrefix(c.Path(), s.config.BasePath)
}

func (s *Server) face(c *fiber.Ctx) face {
	path := s.path(c)
	for prefix, f := range map[string]face{
		"/v1": faceV1, "/agents": faceEliza, "/api": faceElizaV1, "/runtime": faceRuntime,
	} {
		if path == prefix || strings.HasPrefix(path, prefix+"/") {
			return f
		}
	}
	return facePeople
}
