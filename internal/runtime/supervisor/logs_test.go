package supervisor

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"agentry/internal/fleet"
	agentruntime "agentry/internal/runtime"
	"agentry/internal/runtime/fake"
)

// writes is a program that writes the lines, and a last one when it stops.
func writes(lines ...string) fake.Program {
	return func(spec agentruntime.Spec, term, _ <-chan struct{}) agentruntime.Exit {
		for _, line := range lines {
			spec.Output(line)
		}
		<-term
		spec.Output("good-bye")
		return agentruntime.Exit{}
	}
}

func numbered(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprint("line ", i)
	}
	return out
}

func TestLogsAreBatched(t *testing.T) {
	a := newFakeApp("a")
	supervise(t, a, writes("level=warn msg=one", "two"), func(b *bench) {
		b.start()
		b.calls([]string{"logs"})
		b.after(flushEvery)
		b.calls([]string{"logs"}, "logs 2")
		b.after(time.Hour)
		b.calls([]string{"logs"}, "logs 2")
	})
	if got := a.list("logs"); !slices.Equal(got, []string{"logs 2", "logs 1"}) {
		t.Errorf("batches %q", got)
	}
	if a.logs[0].Level != "warn" || a.logs[0].Epoch != 1 || a.logs[0].At.IsZero() || a.logs[2].Text != "good-bye" {
		t.Errorf("lines %+v", a.logs)
	}
}

func TestManyLinesDoNotWait(t *testing.T) {
	supervise(t, newFakeApp("a"), writes(numbered(flushLines)...), func(b *bench) {
		began := time.Now()
		b.start()
		b.calls([]string{"logs"}, fmt.Sprint("logs ", flushLines))
		if took := time.Since(began); took != 0 {
			b.Errorf("took %v", took)
		}
	})
}

func TestTooManyLinesAreCounted(t *testing.T) {
	r := newLogs(newFakeApp(), nil).of(fleet.Run{AgentID: "a", Epoch: 1})
	for _, line := range numbered(pendingLines + 5) {
		r.add(line)
	}
	lines := r.take()
	if len(lines) != pendingLines+1 {
		t.Fatalf("%d lines", len(lines))
	}
	if got := lines[pendingLines]; !strings.Contains(got.Text, "5 lines lost") || got.Level != "warn" {
		t.Errorf("last line %+v", got)
	}
	if tail := r.last(); len(tail) != lastLines || tail[lastLines-1] != fmt.Sprint("line ", pendingLines+4) {
		t.Errorf("tail %q", tail)
	}
	r.add(strings.Repeat("é", lastLineBytes))
	if got := r.last()[lastLines-1]; got != strings.Repeat("é", lastLineBytes/2) {
		t.Errorf("a long last line has %d bytes", len(got))
	}
}

func TestLogsThatCannotBeStored(t *testing.T) {
	a := newFakeApp("a")
	a.setBroken("logs", true)
	supervise(t, a, writes("one"), func(b *bench) {
		b.start()
		b.after(time.Minute)
		a.setBroken("logs", false)
	})
	if got := a.list("logs"); !slices.Equal(got, []string{"logs 1"}) {
		t.Errorf("batches %q", got)
	}
}

func TestLevel(t *testing.T) {
	for line, want := range map[string]string{
		"hello":             "info",
		"":                  "info",
		"level=error msg=x": "error",
		`time=2026-01-01T00:00:00Z level=DEBUG msg="x"`: "debug",
		"ERROR: it broke":                           "error",
		"[WARN] careful":                            "warn",
		"2026/01/01 12:00:00 FATAL no disk":         "error",
		"an error was found":                        "info",
		"I said four words before ERROR":            "info",
		"WARNING something":                         "warn",
		"lvl=warn x":                                "warn",
		"2026-01-01T00:00:00Z INFO ready for ERROR": "info",
	} {
		if got := level(line); got != want {
			t.Errorf("level(%q) = %s, want %s", line, got, want)
		}
	}
}
