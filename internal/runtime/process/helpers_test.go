package process

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"agentry/internal/fleet"
	agentruntime "agentry/internal/runtime"
)

// hostEnv makes the test binary play a server that is killed (see orphan_test.go).
const hostEnv = "PROCESS_TEST_HOST"

func TestMain(m *testing.M) {
	if os.Getenv(hostEnv) != "" {
		playHost()
		return
	}
	goleak.VerifyTestMain(m)
}

const patience = 20 * time.Second

// eventually polls until the condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// lines collects a program's output.
type lines struct {
	mu  sync.Mutex
	all []string
}

func (l *lines) add(s string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, s)
}

func (l *lines) list() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.all...)
}

func (l *lines) has(part string) bool { return strings.Contains(strings.Join(l.list(), "\n"), part) }

// instanceOf is unique for the test and this process.
func instanceOf(t *testing.T) string {
	return strings.ReplaceAll(t.Name(), "/", "-") + "-" + strconv.Itoa(os.Getpid())
}

func newDriver(t *testing.T) *Driver { return newDriverWith(t, Config{}) }

// newDriverWith makes a driver that is closed with the test, by which time
// nothing of its runs may be left in a control group.
func newDriverWith(t *testing.T, c Config) *Driver {
	t.Helper()
	c.Instance, c.Log = instanceOf(t), slog.New(slog.DiscardHandler)
	d, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	d.anyway = watchEvery
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		if left := d.groups.stale(); len(left) > 0 {
			t.Errorf("control groups are left: %q", left)
		}
	})
	return d
}

// eachIsolation runs a test with and without control groups. Without means
// that nothing but the tag tells whose a process is.
func eachIsolation(t *testing.T, test func(t *testing.T, d *Driver)) {
	t.Run("groups", func(t *testing.T) { test(t, newDriver(t)) })
	t.Run("groups of version 1 alone", func(t *testing.T) {
		d := newDriver(t)
		if h := d.groups.unified; h != nil {
			_ = os.Remove(h.home)
			d.groups.all = slices.DeleteFunc(slices.Clone(d.groups.all), func(h *hierarchy) bool { return h.unified })
			d.groups.unified = nil
		}
		test(t, d)
	})
	t.Run("no groups", func(t *testing.T) { test(t, newDriverWith(t, Config{NoGroups: true})) })
}

// script is a run of a shell script; each has an agent of its own.
func script(t *testing.T, text string) (agentruntime.Spec, *lines) {
	t.Helper()
	out := &lines{}
	id := fleet.NewID(time.Now())
	return agentruntime.Spec{
		Run:   fleet.Run{AgentID: fleet.AgentID(id), Epoch: 7},
		Kind:  fleet.Kind{Name: "test", Driver: "process", Command: []string{"/bin/sh", "-c", text}},
		URL:   "http://127.0.0.1:3000",
		Token: "the-secret-token",
		Dir:   filepath.Join(t.TempDir(), id), Output: out.add,
	}, out
}

func start(t *testing.T, d *Driver, spec agentruntime.Spec) agentruntime.Process {
	t.Helper()
	p, err := d.Start(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func stop(t *testing.T, p agentruntime.Process, grace time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := p.Stop(ctx, grace); err != nil {
		t.Fatalf("stop: %v", err)
	}
}

func waitDone(t *testing.T, p agentruntime.Process) agentruntime.Exit {
	t.Helper()
	select {
	case <-p.Done():
	case <-time.After(patience):
		t.Fatal("the program does not end")
	}
	return p.Exit()
}

// pidIn reads a number that a script wrote to a file, once it is there.
func pidIn(t *testing.T, file string) int {
	t.Helper()
	var pid int
	eventually(t, "a pid in "+filepath.Base(file), func() bool {
		raw, _ := os.ReadFile(file)
		text, ended := strings.CutSuffix(string(raw), "\n")
		n, err := strconv.Atoi(text)
		pid = n
		return ended && err == nil
	})
	return pid
}

func mustLive(t *testing.T, pids ...int) {
	t.Helper()
	for _, pid := range pids {
		if !alive(pid) {
			t.Fatalf("process %d is gone too early", pid)
		}
	}
}

func mustBeGone(t *testing.T, pids ...int) {
	t.Helper()
	for _, pid := range pids {
		if alive(pid) {
			raw, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
			t.Errorf("process %d survived: %s", pid, raw)
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}
