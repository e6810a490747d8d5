// Package resource says what vendors of outside things can be asked for. A
// vendor has one folder below. Everything here is safe for concurrent use, and
// no call lasts longer than the vendor's own time-out.
package resource

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strconv"
	"time"

	"agentry/internal/fleet"
)

// Profile is a browser profile as its vendor shows it.
type Profile struct {
	ID        string
	Name      string
	CreatedAt time.Time // zero where the vendor does not say
}

// Profiles is a vendor of browser profiles. Errors are *Error where the vendor
// or the way to it is the cause.
type Profiles interface {
	// Name is the vendor's in the ledger, such as "gologin"; Label is for people.
	Name() string
	Label() string
	// StandIn tells that this is a local imitation.
	StandIn() bool
	// Mark differs when the access (the token) is another one, and reveals
	// nothing of it.
	Mark() string

	// Check asks for nothing but whether the access works.
	Check(ctx context.Context) error
	// Find returns the profiles with exactly the name, oldest first.
	Find(ctx context.Context, name string) ([]Profile, error)
	// Create makes a profile without a proxy. An error whose Unclear is set
	// may have made it all the same: look with Find before the next try.
	Create(ctx context.Context, name string) (Profile, error)
	// SetProxy makes the profile use the endpoint, or none when it is nil, and
	// returns nil once the vendor shows it so.
	SetProxy(ctx context.Context, id string, e *Endpoint) error
	// Delete stops what runs with the profile, takes its proxy away and deletes
	// it; nil is that it is gone for sure.
	Delete(ctx context.Context, id string, d Deletion) error
	// List returns a page, from 1, of the profiles whose name begins with the
	// prefix, and whether there are more pages.
	List(ctx context.Context, prefix string, page int) (list []Profile, more bool, err error)
}

// Deletion is what is known of a profile that is to be deleted.
type Deletion struct {
	// Again: an earlier try may have worked, so it is looked for first.
	Again bool
	// Bare: it surely has no proxy to take away.
	Bare bool
}

// Proxies knows how proxies are reached and tried.
type Proxies interface {
	// Endpoint fills an entry's templates for a session; the password template
	// is given apart because entries do not hold it.
	Endpoint(p fleet.Proxy, password, session string) (Endpoint, error)
	// Check makes a real request through the endpoint. It fails unless the
	// exit is in the country; the Exit is then what was seen instead.
	Check(ctx context.Context, e Endpoint, country string) (Exit, error)
}

// Endpoint is where a proxy is and how to be let in. It prints without its
// password.
type Endpoint struct {
	Scheme             string // "http" or "socks5"
	Host               string
	Port               int
	Username, Password string
}

// URL has the username and password in it.
func (e Endpoint) URL() *url.URL {
	u := &url.URL{Scheme: e.Scheme, Host: net.JoinHostPort(e.Host, strconv.Itoa(e.Port))}
	if e.Username != "" || e.Password != "" {
		u.User = url.UserPassword(e.Username, e.Password)
	}
	return u
}

// Format is for every verb of fmt.
func (e Endpoint) Format(f fmt.State, _ rune) { fmt.Fprint(f, e.String()) }

// String names the place alone.
func (e Endpoint) String() string {
	return e.Scheme + "://" + net.JoinHostPort(e.Host, strconv.Itoa(e.Port))
}

// LogValue is for slog.
func (e Endpoint) LogValue() slog.Value { return slog.StringValue(e.String()) }

// Exit is what the world saw of a request through a proxy.
type Exit struct {
	IP      string
	Country string // ISO 3166-1 alpha-2, upper case
	City    string
	Latency time.Duration
}

// Reason is why a vendor did not do what it was asked for.
type Reason string

// The reasons.
const (
	// Unreachable: no answer, or none of the vendor's own; it is tried again.
	Unreachable Reason = "unreachable"
	// Refused: not now or not like this; people may have to act.
	Refused Reason = "refused"
	// Quota: the plan is used up.
	Quota Reason = "quota"
	// Invalid: the vendor finds the request wrong; repeating is no use.
	Invalid Reason = "invalid"
	// Missing: the vendor has no such thing.
	Missing Reason = "missing"
	// Unauthorized: the access is not accepted. Nothing more is to be asked.
	Unauthorized Reason = "unauthorized"
	// Revoked: the vendor took the access away, as for too many requests.
	// Nothing more is to be asked.
	Revoked Reason = "revoked"
)

// Error is a failure with a sentence for people. It holds no secret and
// nothing of the request.
type Error struct {
	Reason  Reason
	Message string
	// Unclear: what was asked for may have happened all the same.
	Unclear bool
	// Cause is for the log only, and redacted like the message.
	Cause error
}

func (e *Error) Error() string {
	if e.Cause != nil {
		return e.Message + ": " + e.Cause.Error()
	}
	return e.Message
}

func (e *Error) Unwrap() error { return e.Cause }

// ReasonOf returns the reason of a vendor's error; anything else is
// Unreachable.
func ReasonOf(err error) Reason {
	var e *Error
	if errors.As(err, &e) {
		return e.Reason
	}
	return Unreachable
}

// IsUnclear tells whether what was asked for may have happened.
func IsUnclear(err error) bool {
	var e *Error
	return err != nil && (!errors.As(err, &e) || e.Unclear)
}
