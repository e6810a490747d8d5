package main_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// bin is the folder of the built binary.
var bin string

// TestMain builds the real binary once: what is tested is killed, starts
// itself as a child, and leaves processes behind when it is broken.
func TestMain(m *testing.M) {
	os.Exit(testAll(m))
}

func testAll(m *testing.M) int {
	dir, err := os.MkdirTemp("", "agentry-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	// Another user starts it too; see asNobody.
	if err := errors.Join(os.Chmod(dir, 0o755), build(filepath.Join(dir, "agentry"), "-trimpath")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	bin = dir
	return m.Run()
}

// build makes the binary; with the flags of make build, or of go test, what
// those compiled is used again.
func build(to string, flags ...string) error {
	args := append([]string{"build", "-o", to, "-ldflags", "-X main.version=v0.0.0-test"}, flags...)
	out, err := exec.Command("go", append(args, ".")...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return nil
}

func plainBinary() string { return filepath.Join(bin, "agentry") }

// racingBinary is the binary with the race detector where these tests run with
// it. It is several times slower.
var racingBinary = sync.OnceValues(func() (string, error) {
	if !raceDetector {
		return plainBinary(), nil
	}
	path := filepath.Join(bin, "agentry-race")
	return path, build(path, "-race")
})

func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("PATH", bin+string(filepath.ListSeparator)+e.Getenv("PATH"))
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits":    exits,
			"asnobody": asNobody,
			"value":    value,
			"start":    start,
			"halt":     halt,
		},
	})
}

// exits CODE PROGRAM ARGS... runs a program that ends with the exit code, soon.
func exits(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec("timeout", append([]string{fmt.Sprint(patience.Seconds())}, args[1:]...)...)
	code := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if want, _ := strconv.Atoi(args[0]); code != want {
		ts.Fatalf("exit code %d, want %d; stderr:\n%s", code, want, ts.ReadFile("stderr"))
	}
}

// asnobody FILE PROGRAM ARGS... runs a program that must fail, as a user
// without rights where the tests run as root, and keeps its stderr in a file.
func asNobody(ts *testscript.TestScript, _ bool, args []string) {
	path, err := exec.LookPath(filepath.Join(bin, args[1]))
	ts.Check(err)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args[2:]...)
	cmd.Dir, cmd.Env = ts.MkAbs("."), []string{"PATH=" + os.Getenv("PATH"), "HOME=/"}
	if os.Geteuid() == 0 {
		const nobody = 65534
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		for dir := cmd.Dir; dir != os.TempDir() && len(dir) > 1; dir = filepath.Dir(dir) {
			ts.Check(letThrough(dir))
		}
	}
	out, err := cmd.CombinedOutput()
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), out, 0o600))
	if cmd.ProcessState.ExitCode() != 1 {
		ts.Fatalf("%s: %v, want exit code 1\n%s", strings.Join(args[1:], " "), err, out)
	}
}

// letThrough lets everybody pass a folder.
func letThrough(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	return os.Chmod(dir, info.Mode().Perm()|0o011)
}

// value NAME FIELD sets a variable to a field of the JSON on the last stdout.
func value(ts *testscript.TestScript, _ bool, args []string) {
	var fields map[string]string
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &fields))
	if fields[args[1]] == "" {
		ts.Fatalf("stdout has no field %q", args[1])
	}
	ts.Setenv(args[0], fields[args[1]])
}

// start NAME ARGS... starts the binary with the arguments, waits until it
// serves, and sets $NAME to its address. What it writes goes to NAME.out and
// NAME.err.
func start(ts *testscript.TestScript, _ bool, args []string) {
	p, err := startProcess(plainBinary(), ts.MkAbs("."), args[1:]...)
	ts.Check(err)
	ts.Defer(p.kill)
	p.onOutput = func() {
		ts.Check(os.WriteFile(ts.MkAbs(args[0]+".out"), []byte(p.stdout.String()), 0o600))
		ts.Check(os.WriteFile(ts.MkAbs(args[0]+".err"), []byte(p.stderr.String()), 0o600))
	}
	url, err := p.serving()
	if err != nil {
		ts.Fatalf("%v", err)
	}
	ts.Setenv(args[0], url)
	p.onOutput()
	running.Store(runningKey(ts, args[0]), p)
}

// running holds the servers of all scripts.
var running sync.Map

func runningKey(ts *testscript.TestScript, name string) string { return ts.Getenv("WORK") + "/" + name }

// halt NAME sends SIGTERM; the server must exit with 0 soon.
func halt(ts *testscript.TestScript, _ bool, args []string) {
	p, ok := running.Load(runningKey(ts, args[0]))
	if !ok {
		ts.Fatalf("no server %s", args[0])
	}
	began := time.Now()
	ts.Check(p.(*process).stop())
	p.(*process).onOutput()
	ts.Logf("stopped in %s", time.Since(began).Round(time.Millisecond))
}
