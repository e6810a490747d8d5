package secret

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// Argon2id parameters of new hashes: the second choice of OWASP's password
// storage cheat sheet (19 MiB, two passes, one lane).
const (
	argonMemoryKiB = 19456
	argonTime      = 2
	argonLanes     = 1
	argonSaltBytes = 16
	argonKeyBytes  = 32
)

// Bounds of what a stored hash may ask for, so that a tampered row cannot make
// one sign-in eat the machine.
const (
	maxMemoryKiB = 256 * 1024
	maxTime      = 16
	maxLanes     = 16
	maxHashBytes = 64
)

// maxComputations is how many password hashes are computed at once; each takes
// 19 MiB, and guesses must not starve everything else.
const maxComputations = 2

// ErrPasswordHash means that a stored password hash is not one this package
// wrote: the row is damaged, which is different from a wrong password.
var ErrPasswordHash = errors.New("secret: the stored password hash is malformed")

// Passwords computes and checks argon2id password hashes, at most two at once.
// It is safe for concurrent use; make one and share it.
type Passwords struct {
	slots chan struct{}
}

// NewPasswords returns a hasher with its own limit of two computations.
func NewPasswords() *Passwords {
	return &Passwords{slots: make(chan struct{}, maxComputations)}
}

// Hash returns the argon2id hash of the password in PHC string format
// ($argon2id$v=19$m=19456,t=2,p=1$salt$hash) with a fresh salt. It waits for a
// free slot and returns the context's error when that takes too long.
func (p *Passwords) Hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, argonSaltBytes)
	rand.Read(salt)
	h := phc{memory: argonMemoryKiB, time: argonTime, lanes: argonLanes, salt: salt}
	key, err := p.derive(ctx, h, password, argonKeyBytes)
	if err != nil {
		return "", err
	}
	h.key = key
	return h.String(), nil
}

// Verify tells whether the password belongs to the hash, in constant time for
// one set of parameters. A malformed hash is ErrPasswordHash; otherwise an
// error is the context's, when no slot became free in time.
func (p *Passwords) Verify(ctx context.Context, hash, password string) (bool, error) {
	h, err := parsePHC(hash)
	if err != nil {
		return false, err
	}
	key, err := p.derive(ctx, h, password, len(h.key))
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(key, h.key) == 1, nil
}

// VerifyNobody costs what Verify costs and finds nothing: call it when no user
// has the given name, so that the answer's time does not tell.
func (p *Passwords) VerifyNobody(ctx context.Context, password string) error {
	h := phc{memory: argonMemoryKiB, time: argonTime, lanes: argonLanes, salt: make([]byte, argonSaltBytes)}
	_, err := p.derive(ctx, h, password, argonKeyBytes)
	return err
}

func (p *Passwords) derive(ctx context.Context, h phc, password string, size int) ([]byte, error) {
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-p.slots }()
	return argon2.IDKey([]byte(password), h.salt, h.time, h.memory, h.lanes, uint32(size)), nil
}

// phc is a parsed PHC string of argon2id, version 19.
type phc struct {
	memory, time uint32
	lanes        uint8
	salt, key    []byte
}

func (h phc) String() string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.memory, h.time, h.lanes,
		base64.RawStdEncoding.EncodeToString(h.salt), base64.RawStdEncoding.EncodeToString(h.key))
}

func parsePHC(s string) (phc, error) {
	var h phc
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return phc{}, ErrPasswordHash
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &h.memory, &h.time, &h.lanes); err != nil {
		return phc{}, ErrPasswordHash
	}
	var errSalt, errKey error
	h.salt, errSalt = base64.RawStdEncoding.Strict().DecodeString(parts[4])
	h.key, errKey = base64.RawStdEncoding.Strict().DecodeString(parts[5])
	if errSalt != nil || errKey != nil || !h.bounded() || h.String() != s {
		return phc{}, ErrPasswordHash
	}
	return h, nil
}

func (h phc) bounded() bool {
	return h.memory >= 8 && h.memory <= maxMemoryKiB && h.time >= 1 && h.time <= maxTime &&
		h.lanes >= 1 && h.lanes <= maxLanes &&
		len(h.salt) >= 8 && len(h.salt) <= maxHashBytes && len(h.key) >= 16 && len(h.key) <= maxHashBytes
}
