package fleet

import (
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// The placeholders of a proxy's username and password.
const (
	placeCountry   = "cc" // lower case
	placeCountryUp = "CC"
	placeSession   = "sid"
	placeTTL       = "ttl_min"
)

// errTemplate is a { that begins no placeholder.
var errTemplate = errors.New("template")

// ProxyValues are what a template's placeholders stand for.
type ProxyValues struct {
	Country string        // {cc}, {CC}: two letters
	Session string        // {sid}: letters and digits
	TTL     time.Duration // {ttl_min}
}

// FillProxyTemplate puts the values into a username or password. {{ is a
// brace. Values that would mean something to a vendor's parser are refused.
func FillProxyTemplate(template string, v ProxyValues) (string, error) {
	if _, err := CheckCountry(v.Country); err != nil {
		return "", err
	}
	if strings.ContainsFunc(v.Session, func(r rune) bool { return !isAlnum(r) }) || len(v.Session) > 64 {
		return "", Invalid("session", "must be letters and digits")
	}
	out, err := fillTemplate(template, func(name string) (string, bool) {
		switch name {
		case placeCountry:
			return strings.ToLower(v.Country), true
		case placeCountryUp:
			return strings.ToUpper(v.Country), true
		case placeSession:
			return v.Session, v.Session != ""
		case placeTTL:
			return strconv.FormatInt(int64(v.TTL/time.Minute), 10), v.TTL >= time.Minute
		}
		return "", false
	})
	if err != nil {
		return "", Invalid("username", "the entry asks for a value that is missing: save it again")
	}
	return out, nil
}

// fillTemplate replaces each {name} by its value, and {{ by a brace.
func fillTemplate(s string, value func(name string) (string, bool)) (string, error) {
	var b strings.Builder
	for {
		before, rest, more := strings.Cut(s, "{")
		b.WriteString(before)
		if !more {
			return b.String(), nil
		}
		if after, brace := strings.CutPrefix(rest, "{"); brace {
			b.WriteByte('{')
			s = after
			continue
		}
		name, after, closed := strings.Cut(rest, "}")
		text, known := value(name)
		if !closed || !known {
			return "", errTemplate
		}
		b.WriteString(text)
		s = after
	}
}

// usesPlaceholder tells whether a template asks for the value.
func usesPlaceholder(template, name string) (used bool) {
	_, _ = fillTemplate(template, func(n string) (string, bool) { used = used || n == name; return "", true })
	return used
}

// checkProxyTemplate says what is wrong with a username or password, without
// a word of it.
func checkProxyTemplate(field, template string) error {
	longest := ProxyValues{Country: "XX", Session: "abcdefgh", TTL: maxSessionTTL}
	filled, err := FillProxyTemplate(template, longest)
	switch {
	case err != nil:
		return Invalid(field, "has a { that begins none of {cc}, {CC}, {sid} and {ttl_min}; a brace itself is written {{")
	case !utf8.ValidString(template):
		return Invalid(field, "must be valid UTF-8")
	case strings.ContainsFunc(template, unicode.IsControl):
		return Invalid(field, "must not contain control characters")
	case len(filled) > maxCredential:
		return Invalid(field, "must have at most %d bytes", maxCredential)
	}
	return nil
}

func isAlnum(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
}

// ProxySession makes a session's name of a text that is never used for
// another, such as a resource's id: eight letters and digits, which every
// vendor takes, the same each time.
func ProxySession(text string) string {
	sum := sha256.Sum256([]byte("proxy session\n" + text))
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:5]))
}
