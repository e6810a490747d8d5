// Package v1 is the JSON face for programs, under /v1: Kakiyo's shapes,
// extended. A handler parses, calls the use-case and renders; errors go up and
// come back through Problem.
package v1

import (
	"bufio"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"

	"agentry/internal/api"
	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/web/stream"
)

// API holds the handlers of /v1. Make it with New.
type API struct {
	app     *app.App
	streams *stream.Streams
	base    string
}

// New makes the face; base is the prefix of every path, "" for none.
func New(a *app.App, streams *stream.Streams, base string) *API {
	return &API{app: a, streams: streams, base: base}
}

// defaultPage is how long a list is that is always paged, where the caller
// does not say.
const (
	defaultPage = 50
	maxPage     = 200
)

// Problem answers an error; the HTTP status is set.
func (a *API) Problem(c *fiber.Ctx, e *fleet.Error, requestID string) error {
	body := api.Error{
		Error:         string(e.Code),
		Message:       e.Message,
		CurrentStatus: string(e.CurrentStatus),
		Fields:        e.Fields,
		RequiredScope: e.RequiredScope,
	}
	if e.Protection != nil {
		body.ProtectedBy, body.Reason = e.Protection.By, e.Protection.Reason
	}
	if e.Code == "internal_error" {
		body.RequestID = requestID
	}
	return render(c, body)
}

// render writes JSON as every answer of this face has it.
func render(c *fiber.Ctx, body any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSONCharsetUTF8)
	return c.Send(raw)
}

// decode reads the body, whatever its media type says, into a wire type.
func decode(c *fiber.Ctx, into any) error {
	return asInvalid(api.Decode(c.BodyRaw(), into))
}

func asInvalid(err error) error {
	var field *api.FieldError
	if errors.As(err, &field) {
		return fleet.Invalid(field.Field, "%s", field.Text)
	}
	return err
}

// agentID is the id in the path; what is not a UUID is no agent.
func agentID(c *fiber.Ctx) (fleet.AgentID, error) {
	id, ok := fleet.ParseID(c.Params("agentId"))
	if !ok {
		return "", fleet.ErrAgentNotFound()
	}
	return fleet.AgentID(id), nil
}

// pathID is another id in the path.
func pathID(c *fiber.Ctx, name, noun string) (string, error) {
	id, ok := fleet.ParseID(c.Params(name))
	if !ok {
		return "", fleet.Errorf(fleet.CodeNotFound, "%s not found", noun)
	}
	return id, nil
}

// ifVersion is the version that If-Match asks for, 0 for any.
func ifVersion(c *fiber.Ctx) (int64, error) {
	text := c.Get(fiber.HeaderIfMatch)
	if text == "" || text == "*" {
		return 0, nil
	}
	inner, quoted := strings.CutPrefix(text, `"`)
	inner, closed := strings.CutSuffix(inner, `"`)
	version, err := strconv.ParseInt(inner, 10, 64)
	if !quoted || !closed || err != nil || version < 1 || inner[0] == '+' {
		return 0, fleet.Invalid(fiber.HeaderIfMatch, `must be the ETag of what is changed, such as "12"`)
	}
	return version, nil
}

// input is what every unsafe call on one agent begins with: its id, the
// version it is bound to, and the body.
func input(c *fiber.Ctx, body any) (id fleet.AgentID, version int64, err error) {
	if id, err = agentID(c); err != nil {
		return "", 0, err
	}
	if version, err = ifVersion(c); err != nil {
		return "", 0, err
	}
	return id, version, decode(c, body)
}

// query is one parameter of the query, decoded.
func query(c *fiber.Ctx, name string) (string, error) {
	v := string(c.Context().QueryArgs().Peek(name))
	if !utf8.ValidString(v) || strings.ContainsRune(v, 0) {
		return "", fleet.Invalid(name, "must be valid UTF-8")
	}
	if len(v) > fleet.MaxText {
		return "", fleet.Invalid(name, "is too long")
	}
	return v, nil
}

// whole is a query parameter that is a whole number, or fallback when absent.
func whole(c *fiber.Ctx, name string, low, high, fallback int64) (int64, error) {
	if !c.Context().QueryArgs().Has(name) {
		return fallback, nil
	}
	n, err := strconv.ParseInt(string(c.Context().QueryArgs().Peek(name)), 10, 64)
	switch {
	case (err != nil || n < low) && high == math.MaxInt64:
		return 0, fleet.Invalid(name, "must be a whole number from %d on", low)
	case err != nil || n < low || n > high:
		return 0, fleet.Invalid(name, "must be a whole number from %d to %d", low, high)
	}
	return n, nil
}

// page reads limit and cursor.
func page(c *fiber.Ctx) (app.PageInput, error) {
	limit, err := whole(c, "limit", 1, maxPage, defaultPage)
	if err != nil {
		return app.PageInput{}, err
	}
	cursor, err := query(c, "cursor")
	return app.PageInput{Limit: int(limit), Cursor: cursor}, err
}

// link adds where another page of this list is.
func (a *API) link(c *fiber.Ctx, rel, cursor string) {
	if cursor == "" {
		return
	}
	values := url.Values{}
	for k, v := range c.Context().QueryArgs().All() {
		values.Set(string(k), string(v))
	}
	values.Set("cursor", cursor)
	c.Append(fiber.HeaderLink, "<"+c.Path()+"?"+values.Encode()+`>; rel="`+rel+`"`)
}

// list answers a page of wire objects with the link to the next.
func list[T, W any](a *API, c *fiber.Ctx, items []T, next string, wire func(T) W) error {
	a.link(c, "next", next)
	return render(c, each(items, wire))
}

// each makes the wire form of a list; none is an empty list.
func each[T, W any](items []T, wire func(T) W) []W {
	out := make([]W, 0, len(items))
	for _, v := range items {
		out = append(out, wire(v))
	}
	return out
}

// writeJSON writes one element of a streamed list.
func writeJSON(w *bufio.Writer, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = w.Write(raw)
	return err
}

// created answers 201 with the place of what was made.
func (a *API) created(c *fiber.Ctx, path string, body any) error {
	c.Location(a.base + path)
	c.Status(http.StatusCreated)
	return render(c, body)
}

// stamp is the instant of an optional field, zero when absent.
func stamp(s *api.Stamp) time.Time {
	if s == nil {
		return time.Time{}
	}
	return s.Time
}

// orNull is nil for an empty text.
func orNull[T ~string](s T) *string {
	if s == "" {
		return nil
	}
	text := string(s)
	return &text
}
