package fleet

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// CleanLine makes a line of a program's output harmless to a terminal, a page and
// a log: escape sequences go; a tab or another control character becomes one
// blank; what is not UTF-8 becomes U+FFFD; what reorders text, is not seen, or
// hides the lines around it goes. Trailing blanks go too. The result is valid
// UTF-8 of at most most bytes; cut tells whether there was more.
func CleanLine(raw []byte, most int) (text string, cut bool) {
	if isPlain(raw) {
		text = string(raw)
	} else {
		text = cleaned(raw)
	}
	if len(text) > most {
		end := most
		for !utf8.RuneStart(text[end]) {
			end--
		}
		text, cut = text[:end], true
	}
	return strings.TrimRight(text, " "), cut
}

func cleaned(raw []byte) string {
	var b strings.Builder
	b.Grow(len(raw))
	last, marks := rune(0), 0 // the last rune written, and how many marks it ends with
	for i := 0; i < len(raw); {
		if raw[i] == 0x1b {
			i += escapeLen(raw[i:])
			continue
		}
		r, size := utf8.DecodeRune(raw[i:])
		i += size
		r = harmless(r, last)
		switch {
		case r < 0:
			continue
		case !unicode.Is(unicode.M, r):
			marks = 0
		case marks == maxMarks:
			continue
		default:
			marks++
		}
		last = r
		b.WriteRune(r)
	}
	return b.String()
}

// maxMarks is how many combining marks may stand on one another: more than any
// language needs cover the lines above and below.
const maxMarks = 4

// harmless returns what is written for a rune after another; below 0 is nothing.
func harmless(r, last rune) rune {
	switch {
	case r == '\u2028' || r == '\u2029' || unicode.IsControl(r):
		return ' '
	case unicode.Is(unicode.Noncharacter_Code_Point, r):
		return utf8.RuneError
	case r == '\u200c' || r == '\u200d' || unicode.Is(unicode.Variation_Selector, r):
		// Joiners and selectors mean something in scripts that begin with
		// Hebrew, and in emoji; elsewhere they only make words that look alike.
		if last >= '\u0590' && last != r {
			return r
		}
		return -1
	case unicode.Is(unicode.Prepended_Concatenation_Mark, r):
		return r
	case unicode.Is(unicode.Cf, r), unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r):
		return -1
	}
	return r
}

// isPlain tells whether the line is printable ASCII, as most are.
func isPlain(raw []byte) bool {
	for _, c := range raw {
		if c < 0x20 || c > 0x7e {
			return false
		}
	}
	return true
}

// escapeLen is the length of the escape sequence (ECMA-48) that the bytes
// begin with: control sequences to their final byte, strings such as a
// window's title or a link to their end, others to the byte that ends them.
// CAN and SUB break off any of them.
func escapeLen(raw []byte) int {
	if len(raw) < 2 {
		return len(raw)
	}
	switch c := raw[1]; {
	case c == '[':
		return sequenceLen(raw, 0x40)
	case c >= 0x20 && c <= 0x2f:
		return sequenceLen(raw, 0x30)
	case strings.IndexByte("]PX^_", c) >= 0:
		return stringLen(raw)
	case c < 0x20 || c > 0x7e:
		return 1
	}
	return 2
}

// sequenceLen goes to the first byte from final on; another byte that has no
// place in a sequence ends it and is not part of it.
func sequenceLen(raw []byte, final byte) int {
	for i := 2; i < len(raw); i++ {
		switch c := raw[i]; {
		case c < 0x20 || c > 0x7e:
			return i
		case c >= final:
			return i + 1
		}
	}
	return len(raw)
}

// stringLen goes to the end of a string: BEL, ESC \ or their 8-bit form; or to
// where it is broken off.
func stringLen(raw []byte) int {
	for i := 2; i < len(raw); i++ {
		switch raw[i] {
		case 0x07, 0x18, 0x1a:
			return i + 1
		case 0x1b:
			if i+1 < len(raw) && raw[i+1] == '\\' {
				return i + 2
			}
			return i // another sequence
		case 0xc2:
			if i+1 < len(raw) && raw[i+1] == 0x9c {
				return i + 2
			}
		}
	}
	return len(raw)
}

// Cell makes text harmless to a spreadsheet: what would begin a formula there,
// in full width too, gets an apostrophe before it.
func Cell(text string) string {
	if first, _ := utf8.DecodeRuneInString(text); text != "" && strings.ContainsRune("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20", first) {
		return "'" + text
	}
	return text
}
