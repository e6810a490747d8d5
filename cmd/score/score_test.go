package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"agentry/internal/fault"
)

// TestMain lets this binary be the programs that rows let agents run, as the
// command itself is.
func TestMain(m *testing.M) {
	if name := os.Getenv(programName); name != "" {
		os.Exit(program(name))
	}
	os.Exit(m.Run())
}

// The short rows keep their promises, and their controls do not. Figures that
// are times are not judged here, and rows of nothing else are not run.
func TestRows(t *testing.T) {
	b := &builds{dir: t.TempDir()}
	for _, faults := range []bool{false, true} {
		if _, err := b.binary(t.Context(), faults); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"R2", "R6", "R10", "R13"} {
		list, err := rowsNamed([]string{name})
		if err != nil {
			t.Fatal(err)
		}
		for _, control := range []bool{false, true} {
			title := name
			if control {
				title += " control"
			}
			t.Run(title, func(t *testing.T) {
				t.Parallel()
				var log bytes.Buffer
				res := list[0].try(t.Context(), b, control, short, 1, &log)
				t.Logf("%s: %s", res.Value, res.Target)
				switch {
				case res.Error != "":
					t.Errorf("no verdict: %s\n%s", res.Error, &log)
				case res.Pass == control:
					t.Errorf("pass %t\n%s", res.Pass, &log)
				}
			})
		}
	}
}

// An ordinary build has no fault in it, not even the name of one.
func TestNoTraceOfFaults(t *testing.T) {
	b := &builds{dir: t.TempDir()}
	names := []string{fault.ReaperOff, fault.LoneLeader, fault.StuckClock, fault.LoneCommits, fault.ShortPolls, fault.FullSort,
		fault.BlindCreate, fault.BlindDelete, "CLOCK_FILE"}
	for _, faults := range []bool{false, true} {
		path, err := b.binary(t.Context(), faults)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if bytes.Contains(raw, []byte(name)) != faults {
				t.Errorf("%s: %q is there: %t", filepath.Base(path), name, !faults)
			}
		}
	}
}

func TestCommandLine(t *testing.T) {
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"R99"}, 2, `there is no row "R99"`},
		{[]string{"-nonsense"}, 2, "nonsense"},
	} {
		var log strings.Builder
		if code := score(t.Context(), c.args, io.Discard, &log); code != c.code || !strings.Contains(log.String(), c.want) {
			t.Errorf("%v: %d %s, want %d %s", c.args, code, &log, c.code, c.want)
		}
	}
	if list, err := rowsNamed(nil); err != nil || len(list) < 5 {
		t.Errorf("all rows: %d, %v", len(list), err)
	}
	if list, err := rowsNamed([]string{"r13"}); err != nil || len(list) != 1 || list[0].name != "R13" {
		t.Errorf("r13: %v, %v", list, err)
	}
}

func TestVerdict(t *testing.T) {
	var none *verdict
	patient, strict := (&trial{size: short}).verdict(), (&trial{size: normal}).verdict()
	for _, v := range []*verdict{patient, strict} {
		v.judge(true, "%d lost", 0)
		v.note("beside")
		v.judgeTime(false, "late")
	}
	if none.pass() || strict.pass() || !patient.pass() {
		t.Errorf("pass: none %t, strict %t, patient %t", none.pass(), strict.pass(), patient.pass())
	}
	if got := strict.text(); got != "0 lost, beside, late (!)" {
		t.Errorf("%q", got)
	}
	if patient.judge(false, "1 lost"); patient.pass() {
		t.Error("a loss passes where times are not judged")
	}
	if (&verdict{}).pass() {
		t.Error("a row that judged nothing passes")
	}
}

func TestResultIsOneLine(t *testing.T) {
	var out bytes.Buffer
	print(&out, result{Row: "R2", Value: "0 < 1", Target: "≤ 1", Pass: true, Seed: 7, Seconds: 1.5})
	want := `{"row":"R2","value":"0 < 1","target":"≤ 1","pass":true,"seed":7,"seconds":1.5}` + "\n"
	if out.String() != want || !json.Valid(out.Bytes()) {
		t.Errorf("got %s", &out)
	}
}

// A process is known by its arguments and its start, and one that is gone is
// not.
func TestProcesses(t *testing.T) {
	mark := newMark()
	cmd := exec.Command("sleep", "60."+mark)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// The kernel shows the arguments of a program a moment after it began.
	var list []proc
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	err := poll(ctx, time.Millisecond, func() (found bool, err error) {
		list, err = processesWith(mark)
		return len(list) > 0, err
	})
	if err != nil || len(list) != 1 || list[0].pid != cmd.Process.Pid || !list[0].alive() {
		t.Fatalf("found %v, %v", list, err)
	}
	list[0].kill()
	_ = cmd.Wait()
	if list[0].alive() {
		t.Error("alive although it was waited for")
	}
	if again, err := processesWith(mark); err != nil || len(again) > 0 {
		t.Errorf("found %v, %v", again, err)
	}
}
