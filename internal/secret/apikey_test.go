package secret

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestNewAPIKeysAreWellFormedAndDiffer(t *testing.T) {
	seen := map[string]bool{}
	for range 200 {
		key := NewAPIKey()
		if len(key) != 40 || !strings.HasPrefix(key, "agy_") || CheckAPIKey(key) != nil || seen[key] {
			t.Fatalf("key %q: length %d, check %v, seen %v", key, len(key), CheckAPIKey(key), seen[key])
		}
		seen[key] = true
	}
}

// The digits were computed apart from this package, with zlib's crc32.
func TestCheckDigitsAreTheCRC32OfTheFirst34(t *testing.T) {
	cases := map[string]string{
		"agy_" + strings.Repeat("0", 30):     "0ACVRL",
		"agy_ABCDEFGHIJKLMNOPQRSTUVWXYZabcd": "3y4xYd",
		"agy_" + strings.Repeat("z", 30):     "2kDbvo",
		"agy_012345678901234567890123456789": "1VPf2b",
	}
	for payload, check := range cases {
		if got := checkDigits(payload); got != check {
			t.Errorf("checkDigits(%q) = %q, want %q", payload, got, check)
		}
		if err := CheckAPIKey(payload + check); err != nil {
			t.Errorf("CheckAPIKey(%q): %v", payload+check, err)
		}
	}
}

func TestCheckAPIKeyRefuses(t *testing.T) {
	good := NewAPIKey()
	cases := map[string]string{
		"empty":         "",
		"short":         good[:39],
		"long":          good + "0",
		"other mark":    "xgy_" + good[4:],
		"upper mark":    "AGY_" + good[4:],
		"space":         good[:20] + " " + good[21:],
		"not base62":    good[:20] + "-" + good[21:],
		"multi-byte":    good[:20] + "é" + good[22:],
		"only the mark": "agy_",
	}
	for name, key := range cases {
		if err := CheckAPIKey(key); !errors.Is(err, ErrAPIKeyFormat) {
			t.Errorf("%s: CheckAPIKey(%q) = %v, want ErrAPIKeyFormat", name, key, err)
		}
	}
}

func TestOneChangedCharacterIsAlwaysSeen(t *testing.T) {
	good := NewAPIKey()
	for i := len(apiKeyMark); i < len(good); i++ {
		for _, c := range []byte(base62) {
			if bad := good[:i] + string(c) + good[i+1:]; c != good[i] && CheckAPIKey(bad) == nil {
				t.Fatalf("position %d changed to %c passes", i, c)
			}
		}
	}
}

func TestGarbageIsNeverAnAPIKey(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(rapid.String(), rapid.StringMatching(`agy_[0-9A-Za-z]{30,36}`)).Draw(t, "s")
		if err := CheckAPIKey(s); err == nil && checkDigits(s[:34]) != s[34:] {
			t.Fatalf("%q passes", s)
		}
	})
}

// With 62 × 2,000 draws each digit is expected 2,000 times with a deviation of
// 44; the biased "byte % 62" gives the first eight digits 2,422.
func TestBase62IsUnbiased(t *testing.T) {
	var count [256]int
	for _, c := range []byte(randomBase62(62 * 2000)) {
		count[c]++
	}
	for _, c := range []byte(base62) {
		if count[c] < 1730 || count[c] > 2270 {
			t.Errorf("digit %c drawn %d times, want 2000 ± 270", c, count[c])
		}
	}
}

func TestPrefixShowsTwelveCharactersOfAKeyAndNothingWhole(t *testing.T) {
	cases := map[string]string{
		"agy_ABCDEFGHIJKLMNOPQRSTUVWXYZabcd000000": "agy_ABCDEFGH",
		"twelve-chars": "",
		"short":        "",
		"":             "",
	}
	for in, want := range cases {
		if got := Prefix(in); got != want {
			t.Errorf("Prefix(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestTokensAre32RandomBytes(t *testing.T) {
	seen := map[string]bool{}
	for range 100 {
		token := NewToken()
		raw, err := base64.RawURLEncoding.DecodeString(token)
		if err != nil || len(raw) != 32 || len(token) != 43 || seen[token] {
			t.Fatalf("token %q: %d bytes, %v, seen %v", token, len(raw), err, seen[token])
		}
		seen[token] = true
	}
}

func TestHashTokenIsSHA256(t *testing.T) {
	const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
	if got := hex.EncodeToString(HashToken("abc")); got != abc {
		t.Errorf("HashToken(abc) = %s, want %s", got, abc)
	}
}
