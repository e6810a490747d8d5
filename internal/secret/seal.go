// Package secret keeps what must not be read: passwords as argon2id hashes,
// credentials sealed with AES-256-GCM under a data key per agent, API keys and
// tokens as SHA-256 hashes, and the master key in its file.
//
// The chain of keys: the master key (a file beside the database, never in it)
// opens an agent's data key, which opens that agent's fields. Destroying the
// sealed data key makes the fields unreadable everywhere, in backups too.
package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
)

// KeyBytes is the size of the master key and of every data key: AES-256.
const KeyBytes = 32

// formatV1 is the first byte of everything sealed: AES-256-GCM, a random
// 12-byte nonce, the ciphertext, the 16-byte tag.
const formatV1 = 1

const redacted = "[secret]"

// ErrOpen means that sealed bytes do not open: another key, another place, or
// changed bytes. Which of them cannot be told.
var ErrOpen = errors.New("secret: sealed value does not open with this key in this place")

// Sealer seals and opens data keys with the master key. It is safe for
// concurrent use and prints as "[secret]".
type Sealer struct {
	aead     cipher.AEAD
	tokenKey []byte // of the MAC of run tokens
}

// NewSealer makes a Sealer of the 32 bytes of a master key.
func NewSealer(master []byte) (*Sealer, error) {
	aead, err := newAEAD(master)
	if err != nil {
		return nil, fmt.Errorf("secret: master key: %w", err)
	}
	mac := hmac.New(sha256.New, master)
	mac.Write([]byte("agentry run token"))
	return &Sealer{aead: aead, tokenKey: mac.Sum(nil)}, nil
}

// NewDataKey makes an agent's data key. Store sealed; it opens only with this
// master key and for this agent id.
func (s *Sealer) NewDataKey(agentID string) (sealed []byte, key DataKey, err error) {
	raw := make([]byte, KeyBytes)
	rand.Read(raw)
	aead, err := newAEAD(raw)
	if err != nil {
		return nil, DataKey{}, err
	}
	return seal(s.aead, raw, placeOf("data key", agentID)), DataKey{aead: aead}, nil
}

// OpenDataKey opens what NewDataKey sealed for the same agent id, or returns
// ErrOpen.
func (s *Sealer) OpenDataKey(agentID string, sealed []byte) (DataKey, error) {
	raw, err := open(s.aead, sealed, placeOf("data key", agentID))
	if err != nil {
		return DataKey{}, err
	}
	aead, err := newAEAD(raw)
	if err != nil {
		return DataKey{}, ErrOpen
	}
	return DataKey{aead: aead}, nil
}

// DeriveDataKey makes a DataKey of 32 secret bytes that the caller can make
// again; nothing has to be stored to open what it sealed.
func DeriveDataKey(seed []byte) (DataKey, error) {
	aead, err := newAEAD(seed)
	return DataKey{aead: aead}, err
}

// DataKey seals and opens one agent's fields. The zero value opens nothing and
// must not seal. It is safe for concurrent use and prints as "[secret]".
type DataKey struct {
	aead cipher.AEAD
}

// Seal encrypts plaintext for one place in the database; it opens in no other.
// It panics on the zero DataKey, which is a mistake of the caller.
func (k DataKey) Seal(plaintext []byte, table, row, field string) []byte {
	if k.aead == nil {
		panic("secret: Seal with the zero DataKey")
	}
	return seal(k.aead, plaintext, placeOf("field", table, row, field))
}

// Open decrypts what Seal made for the same place, or returns ErrOpen.
func (k DataKey) Open(sealed []byte, table, row, field string) ([]byte, error) {
	if k.aead == nil {
		return nil, ErrOpen
	}
	return open(k.aead, sealed, placeOf("field", table, row, field))
}

// Format prints "[secret]" for every verb: the fields hold key material.
func (s *Sealer) Format(f fmt.State, _ rune) { fmt.Fprint(f, redacted) }

// LogValue is "[secret]".
func (s *Sealer) LogValue() slog.Value { return slog.StringValue(redacted) }

// Format prints "[secret]" for every verb: the fields hold key material.
func (k DataKey) Format(f fmt.State, _ rune) { fmt.Fprint(f, redacted) }

// LogValue is "[secret]".
func (k DataKey) LogValue() slog.Value { return slog.StringValue(redacted) }

func newAEAD(key []byte) (cipher.AEAD, error) {
	if len(key) != KeyBytes {
		return nil, fmt.Errorf("a key has %d bytes, not %d", KeyBytes, len(key))
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

func seal(aead cipher.AEAD, plaintext, place []byte) []byte {
	return aead.Seal([]byte{formatV1}, nil, plaintext, place)
}

func open(aead cipher.AEAD, sealed, place []byte) ([]byte, error) {
	if len(sealed) == 0 || sealed[0] != formatV1 {
		return nil, ErrOpen
	}
	plaintext, err := aead.Open(nil, nil, sealed[1:], place)
	if err != nil {
		return nil, ErrOpen
	}
	return plaintext, nil
}

// placeOf encodes the parts so that no two lists of parts give the same bytes:
// each is led by its length.
func placeOf(parts ...string) []byte {
	out := []byte("agentry\x00")
	for _, p := range parts {
		out = binary.AppendUvarint(out, uint64(len(p)))
		out = append(out, p...)
	}
	return out
}
