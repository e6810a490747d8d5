package secret

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"hash/crc32"
	"strings"
)

// The shape of an API key: 40 characters, "agy_", 30 random base62 characters
// (178 bits), 6 base62 digits of the CRC-32 (IEEE) of the 34 before them.
const (
	apiKeyMark    = "agy_"
	apiKeyRandom  = 30
	apiKeyCheck   = 6
	apiKeyPayload = len(apiKeyMark) + apiKeyRandom
	// APIKeyLength is the length of every API key.
	APIKeyLength = apiKeyPayload + apiKeyCheck
	// PrefixLength is how much of an API key lists may show.
	PrefixLength = 12
)

// base62 holds the digits in the order of their values.
const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// tokenBytes is how many random bytes a token has.
const tokenBytes = 32

// ErrAPIKeyFormat means that a text cannot be an API key: wrong length, mark,
// characters or checksum. It tells nothing about keys that exist.
var ErrAPIKeyFormat = errors.New("secret: not an API key")

// NewAPIKey makes an API key. Show it once and store HashToken of it.
func NewAPIKey() string {
	payload := apiKeyMark + randomBase62(apiKeyRandom)
	return payload + checkDigits(payload)
}

// CheckAPIKey returns ErrAPIKeyFormat for what cannot be an API key, without
// any look-up; nil means well-formed, not valid.
func CheckAPIKey(key string) error {
	if len(key) != APIKeyLength || !strings.HasPrefix(key, apiKeyMark) {
		return ErrAPIKeyFormat
	}
	for i := len(apiKeyMark); i < APIKeyLength; i++ {
		if strings.IndexByte(base62, key[i]) < 0 {
			return ErrAPIKeyFormat
		}
	}
	if checkDigits(key[:apiKeyPayload]) != key[apiKeyPayload:] {
		return ErrAPIKeyFormat
	}
	return nil
}

// Prefix returns the first 12 characters of an API key, which name it in lists
// and logs; a shorter text comes back empty, so that nothing whole is shown.
func Prefix(key string) string {
	if len(key) <= PrefixLength {
		return ""
	}
	return key[:PrefixLength]
}

// NewToken makes a session id or one-time link: 32 random bytes in
// base64url without padding, 43 characters. Store HashToken of it.
func NewToken() string {
	b := make([]byte, tokenBytes)
	rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

// HashToken returns the SHA-256 of an API key or token, 32 bytes. They are
// random and long, so a fast hash without salt is enough and can be looked up.
func HashToken(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// checkDigits is the CRC-32 (IEEE) of the payload as 6 base62 digits, zeros
// leading.
func checkDigits(payload string) string {
	sum := crc32.ChecksumIEEE([]byte(payload))
	var out [apiKeyCheck]byte
	for i := apiKeyCheck - 1; i >= 0; i-- {
		out[i] = base62[sum%62]
		sum /= 62
	}
	return string(out[:])
}

// randomBase62 returns n characters, each of the 62 equally likely.
func randomBase62(n int) string {
	// 248 is the largest multiple of 62 in a byte: what is above it would
	// favour the first digits and is thrown away.
	const fair = 256 / 62 * 62
	out := make([]byte, 0, n)
	buf := make([]byte, 2*n)
	for len(out) < n {
		rand.Read(buf)
		for _, b := range buf {
			if b < fair && len(out) < n {
				out = append(out, base62[b%62])
			}
		}
	}
	return string(out)
}
