package secret

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
)

// The shape of a run token: base64url of 24 random bytes and the first 15 bytes
// of their HMAC-SHA-256, 52 characters.
const (
	runTokenRandom = 24
	runTokenMAC    = 15
)

// NewRunToken makes a run token that this master key recognises. Store
// HashToken of it; programs treat it as opaque.
func (s *Sealer) NewRunToken() string {
	b := make([]byte, runTokenRandom, runTokenRandom+runTokenMAC)
	rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(append(b, s.runTokenMAC(b)...))
}

// IssuedRunToken tells whether a text is a run token that NewRunToken made with
// this master key, now or long ago; without any look-up.
func (s *Sealer) IssuedRunToken(token string) bool {
	b, err := base64.RawURLEncoding.Strict().DecodeString(token)
	// The length too: the decoder skips line ends.
	if err != nil || len(b) != runTokenRandom+runTokenMAC || len(token) != base64.RawURLEncoding.EncodedLen(len(b)) {
		return false
	}
	return subtle.ConstantTimeCompare(b[runTokenRandom:], s.runTokenMAC(b[:runTokenRandom])) == 1
}

func (s *Sealer) runTokenMAC(random []byte) []byte {
	mac := hmac.New(sha256.New, s.tokenKey)
	mac.Write(random)
	return mac.Sum(nil)[:runTokenMAC]
}
