package fleet

import (
	"errors"
	"fmt"
	"time"
)

// Code names a kind of failure that a caller can act on. The words are those
// of the HTTP API.
type Code string

// The codes. Each face decides which HTTP status stands for one.
const (
	CodeValidation    Code = "validation_error"
	CodeInvalidStatus Code = "invalid_status"
	CodeUnauthorized  Code = "unauthorized"
	CodeForbidden     Code = "forbidden"
	CodeProtected     Code = "protected"
	CodeNotFound      Code = "not_found"
	CodeConflict      Code = "conflict"
	CodeVersion       Code = "version_mismatch"
	CodeRunOver       Code = "run_over"
	CodeStartFailed   Code = "start_failed"
	CodeRateLimited   Code = "rate_limit_exceeded"
	CodeUnavailable   Code = "unavailable"
	CodeDiskFull      Code = "insufficient_storage"
)

// Error is a failure with a sentence for a person. The optional fields carry
// what the API answers beside it.
type Error struct {
	Code    Code
	Message string
	// Fields maps the name of a wrong field to what is wrong with it.
	Fields map[string]string
	// CurrentStatus is set when the lifecycle refused a move.
	CurrentStatus Status
	// RequiredScope is set when a key's scope or a role is too small.
	RequiredScope string
	// Protection is set when the agent is protected.
	Protection *Protection
	// RetryAfter is when the same may pass; 0 is unknown.
	RetryAfter time.Duration
	// Foreign is set when the thing belongs to another team.
	Foreign bool
	// Cause is for the log only.
	Cause error
}

func (e *Error) Error() string {
	if e.Cause != nil {
		return string(e.Code) + ": " + e.Message + ": " + e.Cause.Error()
	}
	return string(e.Code) + ": " + e.Message
}

func (e *Error) Unwrap() error { return e.Cause }

// Errorf makes a known error with a sentence for a person.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Because returns the error with its cause, which only the log shows.
func (e *Error) Because(cause error) *Error {
	e.Cause = cause
	return e
}

// Later returns the error with the time after which the same may pass.
func (e *Error) Later(after time.Duration) *Error {
	e.RetryAfter = after
	return e
}

// Invalid is a validation error of one field.
func Invalid(field, format string, args ...any) *Error {
	text := fmt.Sprintf(format, args...)
	return &Error{Code: CodeValidation, Message: field + ": " + text, Fields: map[string]string{field: text}}
}

// CodeOf returns the code of a known error, or "" for an internal one.
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// ErrDiskFull says that something did not fit on the disk.
func ErrDiskFull() *Error {
	return Errorf(CodeDiskFull, "The disk is full; nothing was changed. Free some space and try again.")
}

// ErrAgentNotFound says, in the API's promised words, that no agent has the id.
func ErrAgentNotFound() *Error {
	return Errorf(CodeNotFound, "Agent not found")
}

// ErrAgentForeign says, in the API's promised words, that the agent belongs to
// another team.
func ErrAgentForeign() *Error {
	e := Errorf(CodeForbidden, "You do not have access to this agent")
	e.Foreign = true
	return e
}
