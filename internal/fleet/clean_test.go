package fleet

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"
)

const maxLine = 4 << 10

func clean(raw []byte) (string, bool) { return CleanLine(raw, maxLine) }

func TestCleanLine(t *testing.T) {
	for raw, want := range map[string]string{
		"plain text  ":                              "plain text",
		"\x1b[1;31mred\x1b[0m and more":             "red and more",
		"\x1b]0;a title\x07after":                   "after",
		"\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\.": "link.",
		"\x1b]52;c;Y3VybA==\u009cpasted":            "pasted",
		"\x1bP+q544e\x1b\\dcs":                      "dcs",
		"\x1b_apc\x18not any more":                  "not any more",
		"\x1b]0;broken off\x1b[1mtext":              "text",
		"\x1b[38;5;1\x1amtext":                      " mtext",
		"\x1b(B\x1b[msgr0 as tput writes it":        "sgr0 as tput writes it",
		"\x1b7\x1b[1A\x1b8\x1bcreset":               "reset",
		"\x1b日":                                     "日",
		"\u009b31mC1":                               " 31mC1",
		"\x9b31m":                                   "\ufffd31m",
		"a\tb\x00c\x07":                             "a b c",
		"caf\xc3\xa9 \xff\xfe":                      "café \ufffd\ufffd",
		"\ufeffBOM":                                 "BOM",
		"\u202eevil\u2066":                          "evil",
		"ad\u200bm\u2060i\u00adn\u200d":             "admin",
		"ad\u200dm\ufe0fin":                         "admin",
		"\U000e0041\U000e0042tag":                   "tag",
		"x\u3164y\u115fz":                           "xyz",
		"می\u200cخواهم":                             "می\u200cخواهم",
		"👩\u200d💻 ❤\ufe0f":                          "👩\u200d💻 ❤\ufe0f",
		"م\u200c\u200cم":                            "م\u200cم",
		"e" + strings.Repeat("\u0301", 50) + "x":    "e" + strings.Repeat("\u0301", maxMarks) + "x",
		"\u0600\u0661":                              "\u0600\u0661",
		"\ufdd0\uffff":                              "\ufffd\ufffd",
		"line\u2028separator\u0085next":             "line separator next",
		"\x1b":                                      "",
		"x\x1b[":                                    "x",
		"日本":                                        "日本",
	} {
		if got, cut := clean([]byte(raw)); got != want || cut {
			t.Errorf("clean(%q) = %q, %v, want %q", raw, got, cut, want)
		}
	}
}

func TestCleanIsBounded(t *testing.T) {
	for _, raw := range []string{strings.Repeat("\xff", maxLine), strings.Repeat("x", maxLine+1)} {
		got, cut := clean([]byte(raw))
		if !cut || len(got) > maxLine || len(got) < maxLine-utf8.UTFMax || !utf8.ValidString(got) {
			t.Errorf("%d bytes, cut %v", len(got), cut)
		}
	}
}

// mustBeHarmless holds for whatever a program writes.
func mustBeHarmless(t interface{ Errorf(string, ...any) }, raw []byte) {
	got, _ := clean(raw)
	if !utf8.ValidString(got) || len(got) > maxLine {
		t.Errorf("clean(%q) = %q", raw, got)
	}
	last := rune(0)
	for _, r := range got {
		joins := (r == '\u200c' || r == '\u200d' || unicode.Is(unicode.Variation_Selector, r)) && last >= '\u0590' && last != r
		visible := unicode.Is(unicode.Prepended_Concatenation_Mark, r)
		switch {
		case unicode.Is(unicode.Cc, r), unicode.Is(unicode.Zl, r), unicode.Is(unicode.Zp, r), unicode.Is(unicode.Bidi_Control, r),
			unicode.Is(unicode.Cf, r) && !joins && !visible, unicode.Is(unicode.Noncharacter_Code_Point, r):
			t.Errorf("%U in clean(%q)", r, raw)
		}
		last = r
	}
	if again, cut := clean([]byte(got)); again != got || cut {
		t.Errorf("clean(%q) is %q, and that %q", raw, got, again)
	}
}

func TestCellsAreNoFormulas(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "Ada": "Ada", "1": "1", "a=1": "a=1", "ä": "ä", "\xff": "\xff",
		"=1": "'=1", "+1": "'+1", "-1": "'-1", "@a": "'@a", "\t=1": "'\t=1", "\r=1": "'\r=1", "\n=1": "'\n=1",
		"＝1": "'＝1", "＋1": "'＋1", "－1": "'－1", "＠a": "'＠a",
	} {
		if got := Cell(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

func TestCleanIsAlwaysHarmless(t *testing.T) {
	piece := rapid.OneOf(
		rapid.SliceOf(rapid.Byte()),
		rapid.Map(rapid.String(), func(s string) []byte { return []byte(s) }),
		rapid.Map(rapid.SampledFrom([]string{
			"\x1b[", "\x1b]", "\x1bP", "\x1b(", "\x1b", "\\", "\x07", "\u009b", "\u009c", "\x9b", "\xc2", "\x18", "31m", "8;;",
			"\u200d", "\u200c", "\u200b", "\ufe0f", "\u202e", "\u2069", "\ufeff", "\u0301", "ש", "👩", "\x00", "\r", "\t", "\U000e0001",
		}), func(s string) []byte { return []byte(s) }),
	)
	rapid.Check(t, func(t *rapid.T) {
		var raw []byte
		for _, p := range rapid.SliceOf(piece).Draw(t, "pieces") {
			raw = append(raw, p...)
		}
		mustBeHarmless(t, raw)
	})
}

func FuzzClean(f *testing.F) {
	f.Add([]byte("\x1b]8;;x\x1b\\l\u200d\xffא\u200d"))
	f.Fuzz(func(t *testing.T, raw []byte) { mustBeHarmless(t, raw) })
}
