package main_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	// patience bounds every wait: nothing here takes that long unless it is
	// broken.
	patience = 60 * time.Second
	// stopTime is how long a stop may take: requests have ten seconds, then
	// programs their grace.
	stopTime = 25 * time.Second
)

// buffer is what a process wrote so far.
type buffer struct {
	mu   sync.Mutex
	buf  bytes.Buffer
	more chan struct{} // holds one: there is more
}

func newBuffer() *buffer { return &buffer{more: make(chan struct{}, 1)} }

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	select {
	case b.more <- struct{}{}:
	default:
	}
	return b.buf.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// process is a started binary.
type process struct {
	cmd            *exec.Cmd
	stdout, stderr *buffer
	done           chan struct{}
	err            error // valid once done is closed
	onOutput       func()
}

// startProcess starts the binary with nothing of this environment but what it
// needs.
func startProcess(binary, dir string, args ...string) (*process, error) {
	p := &process{cmd: exec.Command(binary, args...), stdout: newBuffer(), stderr: newBuffer(), done: make(chan struct{})}
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = dir, p.stdout, p.stderr
	p.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + dir, "GORACE=halt_on_error=1"}
	// What it leaves behind must not keep Wait from returning.
	p.cmd.WaitDelay = 5 * time.Second
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// serving waits for the line that says where the server is.
func (p *process) serving() (url string, err error) {
	address := regexp.MustCompile(`(?m)^(?:agentry \S+ serves on|  open     ) (http://\S+)$`)
	late := time.After(patience)
	for {
		if m := address.FindStringSubmatch(p.stdout.String()); m != nil {
			return m[1], nil
		}
		select {
		case <-p.stdout.more:
		case <-p.done:
			return "", fmt.Errorf("it does not serve: %w\n%s", p.err, p.stderr)
		case <-late:
			return "", fmt.Errorf("it does not serve after %s\n%s", patience, p.stderr)
		}
	}
}

// kill is kill -9, and waits.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.done
}

// stop is SIGTERM; the process must exit with 0 in its time and must not have
// panicked or raced.
func (p *process) stop() error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(stopTime):
		p.kill()
		return fmt.Errorf("it does not stop within %s of SIGTERM\n%s", stopTime, p.stderr)
	}
	if p.err != nil {
		return fmt.Errorf("after SIGTERM: %w\n%s", p.err, p.stderr)
	}
	return p.sane()
}

func (p *process) sane() error {
	for _, bad := range []string{"DATA RACE", "panic:", "goroutine "} {
		if strings.Contains(p.stderr.String(), bad) {
			return errors.New(p.stderr.String())
		}
	}
	return nil
}

// proc is a process of this machine; start tells it from a later one of the
// same pid.
type proc struct {
	pid   int
	start string
	env   map[string]string
}

// alive tells whether the very process still runs. A zombie does not.
func (p proc) alive() bool {
	state, start := stat(p.pid)
	return start == p.start && state != "Z" && state != "X"
}

func stat(pid int) (state, start string) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", ""
	}
	// The name in parentheses may hold anything.
	fields := strings.Fields(string(raw[bytes.LastIndexByte(raw, ')')+1:]))
	return fields[0], fields[19]
}

// programsOf returns the living processes that run for the agents, whatever
// started them.
func programsOf(t testing.TB, agents map[string]bool) []proc {
	t.Helper()
	paths, err := filepath.Glob("/proc/[0-9]*")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no processes: %v", err)
	}
	var out []proc
	for _, path := range paths {
		pid, _ := strconv.Atoi(filepath.Base(path))
		raw, err := os.ReadFile(path + "/environ")
		if err != nil || !bytes.Contains(raw, []byte("AGENTRY_INSTANCE=")) {
			continue
		}
		p := proc{pid: pid, env: map[string]string{}}
		for pair := range strings.SplitSeq(string(raw), "\x00") {
			name, text, _ := strings.Cut(pair, "=")
			p.env[name] = text
		}
		if _, p.start = stat(pid); agents[p.env["AGENTRY_AGENT_ID"]] && p.alive() {
			out = append(out, p)
		}
	}
	return out
}

// eventually polls until ok says yes; what it says last is the failure.
func eventually(t testing.TB, ok func() (string, bool)) {
	t.Helper()
	deadline := time.Now().Add(patience)
	every := time.NewTicker(20 * time.Millisecond)
	defer every.Stop()
	for {
		why, yes := ok()
		if yes {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", patience, why)
		}
		<-every.C
	}
}
