package process

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

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

// harness takes output directly, at a fixed time.
func harness(budget int64) (*output, *lines) {
	out := &lines{}
	return &output{emit: out.add, budget: budget, until: noon.Add(time.Minute)}, out
}

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

func TestALineAsItLooksInTheEnd(t *testing.T) {
	for raw, want := range map[string]string{
		"one\r\ntwo\r\r\nthree\n":             "one|two|three",
		" 10%\r 20%\r100%\ndone\n":            "100%|done",
		"\x1b[2K\r 50%\x1b[2K\r100%\x1b[0m\n": "100%",
		"half\r\n\r\n\n\rnext\n":              "half|next",
		"agentry: ended: a lie\n":             "> agentry: ended: a lie",
	} {
		for _, size := range []int{1, 2, 1000} {
			o, out := harness(defaultBudget)
			for rest := []byte(raw); len(rest) > 0; {
				n := min(size, len(rest))
				o.take(rest[:n], noon)
				rest = rest[n:]
			}
			if got := strings.Join(out.list(), "|"); got != want {
				t.Errorf("%q, %d bytes at once: %q, want %q", raw, size, got, want)
			}
		}
	}
}

func TestALineWithoutEnd(t *testing.T) {
	o, out := harness(defaultBudget)
	chunk := []byte(strings.Repeat("é", readSize/2))
	for range 100 << 20 / readSize {
		o.take(chunk, noon)
	}
	got := out.list()
	if len(got) != 1 || len(got[0]) > maxLine+len(cutMark) || !strings.HasSuffix(got[0], "é"+cutMark) {
		t.Errorf("%d lines, the first of %d bytes", len(got), len(got[0]))
	}
	if len(o.line) > maxLine || !o.flooded() {
		t.Errorf("%d bytes held; flooded %v", len(o.line), o.flooded())
	}
	o.take([]byte("\nnext\n"), noon)
	if got := out.list(); len(got) != 2 || got[1] != "next" {
		t.Errorf("after it: %.20q", got[1:])
	}
}

func TestACharacterIsNotCutInTwo(t *testing.T) {
	o, out := harness(defaultBudget)
	o.take([]byte("x"+strings.Repeat("日", maxLine)+"\n"), noon)
	if got := out.list(); len(got) != 1 || strings.ContainsRune(got[0], '\ufffd') || !strings.HasSuffix(got[0], "日"+cutMark) {
		t.Errorf("%d lines, ending %q", len(got), got[0][len(got[0])-10:])
	}
}

func TestBlankLinesAreNotReadAtFullSpeedForEver(t *testing.T) {
	o, out := harness(1000)
	for range 3999 {
		o.take([]byte("\n"), noon)
	}
	if o.flooded() {
		t.Error("slowed too early")
	}
	o.take([]byte("\n\n"), noon)
	if !o.flooded() || len(out.list()) != 0 {
		t.Errorf("flooded %v, lines %q", o.flooded(), out.list())
	}
	o.settle(noon.Add(time.Minute))
	if o.flooded() {
		t.Error("still slow in the next minute")
	}
}
