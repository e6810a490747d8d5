package process

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestClean(t *testing.T) {
	for raw, want := range map[string]string{
		"plain text  ":                       "plain text",
		"\x1b[1;31mred\x1b[0m and more":      "red and more",
		"\x1b]0;a title\x07after":            "after",
		"\x1b]8;;http://x\x1b\\link\x1b]8;;": "link",
		"a\tb\x00c\x07":                      "a b c",
		"caf\xc3\xa9 \xff\xfe":               "café \ufffd\ufffd",
		"50%\r100%":                          "50% 100%",
		"\u202eevil\u2066":                   "evil",
		"line\u2028separator\u0085next":      "line separator next",
		"\x1b":                               "",
		"x\x1b[":                             "x",
		"\x1b(Bx":                            "Bx",
		"日本":                                 "日本",
	} {
		if got := clean([]byte(raw)); got != want {
			t.Errorf("clean(%q) = %q, want %q", raw, got, want)
		}
	}
}

func TestCleanIsAlwaysHarmless(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		got := clean(rapid.SliceOf(rapid.Byte()).Draw(t, "raw"))
		if !utf8.ValidString(got) {
			t.Fatalf("not UTF-8: %q", got)
		}
		for _, r := range got {
			if r < 0x20 || r >= 0x7f && r < 0xa0 || r == 0x2028 || r == 0x2029 {
				t.Fatalf("%U in %q", r, got)
			}
		}
	})
}

func TestOutputIsReadLineByLine(t *testing.T) {
	d := newDriver(t)
	spec, out := script(t, `printf 'one\r\n\n\033[31mtwo\033[0m\n' ; printf three >&2; head -c 9000 /dev/zero | tr '\0' x; echo; printf last`)
	waitDone(t, start(t, d, spec))
	got := out.list()
	if len(got) != 4 || got[0] != "one" || got[1] != "two" || got[3] != "last" {
		t.Fatalf("%d lines: %.60q", len(got), got)
	}
	if !strings.HasPrefix(got[2], "threexxx") || len(got[2]) != maxLine+len(cutMark) {
		t.Errorf("the long line has %d bytes: %.20q", len(got[2]), got[2])
	}
}

func TestOutputKeepsToItsBudget(t *testing.T) {
	d := newDriver(t)
	spec, out := script(t, "i=0; while [ $i -lt 5000 ]; do echo line $i; i=$((i+1)); done")
	spec.Kind.Limits.OutputBytesPerMinute = 100 * lineCost
	waitDone(t, start(t, d, spec))
	got := out.list()
	if len(got) != 101 || got[99] != "line 99" {
		t.Fatalf("%d lines", len(got))
	}
	if want := fmt.Sprintf("agentry: 4900 lines dropped: more than %d bytes of output a minute", 100*lineCost); got[100] != want {
		t.Errorf("got %q, want %q", got[100], want)
	}
}

func TestEndlessOutputIsBoundedAndStops(t *testing.T) {
	d := newDriver(t)
	spec, out := script(t, "yes")
	spec.Kind.Limits.OutputBytesPerMinute = 10 * lineCost
	p := start(t, d, spec)
	eventually(t, "the first lines", func() bool { return len(out.list()) >= 10 })
	stop(t, p, time.Second)
	if got := out.list(); len(got) != 11 || !strings.HasPrefix(got[10], "agentry: ") {
		t.Errorf("%d lines", len(got))
	}
}

func TestBudgetOfTheNextMinute(t *testing.T) {
	out := &lines{}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	o := &output{file: r, emit: out.add, budget: 2 * lineCost}
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	o.take([]byte("a\nb\nc\nd\n"), now)
	o.take([]byte("e\nf\n"), now.Add(time.Minute))
	want := []string{"a", "b", "agentry: 2 lines dropped: more than 128 bytes of output a minute", "e", "f"}
	if got := out.list(); strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("got %q", got)
	}
}

// A process of somebody else may hold the output open: the run still ends.
func TestOutputHeldOpenByAnother(t *testing.T) {
	d := newDriver(t)
	spec, out := script(t, "echo hello; until [ -f go ]; do sleep 0.01; done")
	p := start(t, d, spec)
	eventually(t, "a line", func() bool { return out.has("hello") })
	held, err := os.OpenFile(fmt.Sprintf("/proc/%d/fd/1", p.(*child).pid), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	if err := os.WriteFile(filepath.Join(spec.Dir, "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	waitDone(t, p)
}
