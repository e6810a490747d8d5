package gologin

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"agentry/internal/resource"
)

// maxToken is more than any token is long, in bytes.
const maxToken = 4 << 10

// access is the token and whether it still opens anything.
type access struct {
	read func() (string, error)

	mu    sync.Mutex
	token string
	// refused is why nothing may be asked with the token; nil while it works.
	refused *resource.Error
}

func newAccess(read func() (string, error)) (*access, error) {
	token, err := readToken(read)
	if err != nil {
		return nil, err
	}
	return &access{read: read, token: token}, nil
}

// readToken refuses what no header can carry; the error does not show it.
func readToken(read func() (string, error)) (string, error) {
	token, err := read()
	if err != nil {
		return "", fmt.Errorf("GoLogin's token cannot be read: %w", err)
	}
	if token == "" || len(token) > maxToken || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", errors.New("GoLogin's token must be printable characters without spaces")
	}
	return token, nil
}

func (a *access) mark() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return markOf(a.token)
}

// use returns the token, or why it must not be used. A probe, which people ask
// for, may use it all the same: what is dead stays dead, and where the refusal
// was not GoLogin's the token still works.
func (a *access) use(probe bool) (string, *resource.Error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.refused == nil || probe {
		return a.token, nil
	}
	refused := *a.refused
	return "", &refused
}

// refuse remembers that the token is not to be used any more, unless there is
// another one meanwhile. What was taken away stays so.
func (a *access) refuse(token string, why resource.Error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.token == token && (a.refused == nil || a.refused.Reason != resource.Revoked) {
		a.refused = &why
	}
}

// accept forgets that the token was not accepted: it was just now. That it was
// taken away only a probe can disprove: the others may have been under way.
func (a *access) accept(token string, probe bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.token == token && a.refused != nil && (probe || a.refused.Reason == resource.Unauthorized) {
		a.refused = nil
	}
}

// renew reads the token again where it was refused, and tells whether it is
// another one.
func (a *access) renew() (changed bool, failure *resource.Error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.refused == nil {
		return false, nil
	}
	token, err := readToken(a.read)
	if err != nil {
		return false, &resource.Error{Reason: a.refused.Reason, Message: err.Error()}
	}
	if token == a.token {
		return false, nil
	}
	a.token, a.refused = token, nil
	return true, nil
}
