package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"
)

// maxDepth is how deep arrays and objects may lie in one another.
const maxDepth = 64

// FieldError says which field of a body is wrong and how; the field is
// "body" when it is the whole.
type FieldError struct{ Field, Text string }

func (e *FieldError) Error() string { return e.Field + ": " + e.Text }

// Stamp is an instant on write: RFC 3339 with a zone.
type Stamp struct{ time.Time }

// UnmarshalJSON accepts RFC 3339 between the years 1970 and 9999.
func (s *Stamp) UnmarshalJSON(raw []byte) error {
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return errStamp()
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil || at.UTC().Year() < 1970 || at.UTC().Year() > 9999 {
		return errStamp()
	}
	s.Time = at.UTC()
	return nil
}

func errStamp() *FieldError {
	return &FieldError{Text: `must be a time such as "2026-01-31T09:00:00Z"`}
}

// Decode reads a body strictly into a struct: one JSON object in valid UTF-8,
// no unknown field, nothing after it. An empty body is an empty object.
// Errors are *FieldError.
func Decode(body []byte, into any) error { return decode(body, into, true) }

// DecodeLax is Decode that ignores unknown fields.
func DecodeLax(body []byte, into any) error { return decode(body, into, false) }

func decode(body []byte, into any, strict bool) error {
	trimmed := bytes.TrimSpace(body)
	switch {
	case len(trimmed) == 0:
		return nil
	case !utf8.Valid(body):
		return &FieldError{"body", "must be valid UTF-8"}
	case trimmed[0] != '{':
		return &FieldError{"body", "must be a JSON object"}
	case tooDeep(trimmed):
		return &FieldError{"body", "is nested too deeply"}
	}
	dec := json.NewDecoder(bytes.NewReader(trimmed))
	if strict {
		dec.DisallowUnknownFields()
	}
	if err := dec.Decode(into); err != nil {
		return explain(err, trimmed, into)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return &FieldError{"body", "must be one JSON object and nothing after it"}
	}
	return nil
}

// tooDeep counts brackets outside strings; it need not know more of JSON.
func tooDeep(b []byte) bool {
	depth, inString := 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			depth++
			if depth > maxDepth {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}

// unknownField is how encoding/json begins the one error it has no type for.
const unknownField = `json: unknown field "`

// explain turns an error of encoding/json into one about a field.
func explain(err error, body []byte, into any) error {
	var wrongType *json.UnmarshalTypeError
	var field *FieldError
	switch {
	case errors.As(err, &field):
		if field.Field == "" {
			field.Field = stampField(body, reflect.TypeOf(into).Elem())
		}
		return field
	case errors.As(err, &wrongType):
		if wrongType.Field == "" {
			return &FieldError{"body", "must be a JSON object"}
		}
		return &FieldError{wrongType.Field, "must be " + typeWord(wrongType.Type)}
	case strings.HasPrefix(err.Error(), unknownField):
		name := strings.TrimSuffix(strings.TrimPrefix(err.Error(), unknownField), `"`)
		return &FieldError{name, "is not a field of this call"}
	}
	return &FieldError{"body", "must be valid JSON"}
}

// stampField finds the field whose Stamp did not parse: encoding/json gives a
// custom type's error without the field's name.
func stampField(body []byte, t reflect.Type) string {
	var raw map[string]json.RawMessage
	if json.Unmarshal(body, &raw) != nil || t.Kind() != reflect.Struct {
		return "body"
	}
	for i := range t.NumField() {
		f := t.Field(i)
		name := f.Tag.Get("json")
		value, sent := raw[name]
		if f.Type == reflect.TypeFor[*Stamp]() && sent && new(Stamp).UnmarshalJSON(value) != nil {
			return name
		}
	}
	return "body"
}

func typeWord(t reflect.Type) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int64, reflect.Int32:
		return "a whole number"
	case reflect.Float64, reflect.Float32:
		return "a number"
	case reflect.Slice, reflect.Array:
		return "a list"
	}
	return "an object"
}
