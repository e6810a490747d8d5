package process

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// clean makes a line of a program's output harmless to a terminal, a page and
// a log: escape sequences go, a tab or another control character becomes one
// blank, what is not UTF-8 becomes U+FFFD, and what reorders text goes.
// Trailing blanks go too.
func clean(raw []byte) string {
	if plain(raw) {
		return strings.TrimRight(string(raw), " ")
	}
	var b strings.Builder
	b.Grow(len(raw))
	for i := 0; i < len(raw); {
		if raw[i] == 0x1b {
			i += escapeLen(raw[i:])
			continue
		}
		r, size := utf8.DecodeRune(raw[i:])
		i += size
		switch {
		case r == '\u2028' || r == '\u2029' || unicode.IsControl(r):
			b.WriteByte(' ')
		case unicode.Is(unicode.Bidi_Control, r) || r == '\ufeff':
		default:
			b.WriteRune(r)
		}
	}
	return strings.TrimRight(b.String(), " ")
}

// plain tells whether the line is printable ASCII, as most are.
func plain(raw []byte) bool {
	for _, c := range raw {
		if c < 0x20 || c > 0x7e {
			return false
		}
	}
	return true
}

// escapeLen is the length of the escape sequence (ECMA-48) that the bytes
// begin with: control sequences to their final byte, strings such as a
// window's title to their end, all others two bytes.
func escapeLen(raw []byte) int {
	if len(raw) < 2 {
		return len(raw)
	}
	switch raw[1] {
	case '[':
		for i := 2; i < len(raw); i++ {
			if raw[i] >= 0x40 && raw[i] <= 0x7e {
				return i + 1
			}
			if raw[i] < 0x20 || raw[i] > 0x7e {
				return i
			}
		}
		return len(raw)
	case ']', 'P', 'X', '^', '_':
		for i := 2; i < len(raw); i++ {
			if raw[i] == 0x07 {
				return i + 1
			}
			if raw[i] == 0x1b && i+1 < len(raw) && raw[i+1] == '\\' {
				return i + 2
			}
		}
		return len(raw)
	}
	if raw[1] >= 0x80 {
		return 1
	}
	return 2
}
