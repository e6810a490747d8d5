package secret

import (
	"bytes"
	"encoding/base64"
	"testing"
)

func TestRunTokens(t *testing.T) {
	ours, err := NewSealer(make([]byte, KeyBytes))
	if err != nil {
		t.Fatal(err)
	}
	again, _ := NewSealer(make([]byte, KeyBytes))
	theirs, _ := NewSealer(bytes.Repeat([]byte{1}, KeyBytes))
	seen := map[string]bool{}
	for range 100 {
		token := ours.NewRunToken()
		if len(token) != 52 || seen[token] || !ours.IssuedRunToken(token) || !again.IssuedRunToken(token) || theirs.IssuedRunToken(token) {
			t.Fatalf("%d characters, seen %v", len(token), seen[token])
		}
		seen[token] = true
	}
	token := ours.NewRunToken()
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		t.Fatal(err)
	}
	for i := range raw {
		raw[i] ^= 1
		if ours.IssuedRunToken(base64.RawURLEncoding.EncodeToString(raw)) {
			t.Errorf("byte %d changed and nobody saw", i)
		}
		raw[i] ^= 1
	}
	for _, bad := range []string{"", "nonsense", NewToken(), token[:51], token + "A", token + "AAAA", token + "\n", token[:26] + "\n" + token[26:]} {
		if ours.IssuedRunToken(bad) {
			t.Errorf("%q was issued", bad)
		}
	}
}
