package process

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"agentry/internal/fleet"
	agentruntime "agentry/internal/runtime"
)

// The rest of what makes the test binary play a server, see hostEnv.
const (
	hostDirEnv    = "PROCESS_TEST_DIR"
	hostScriptEnv = "PROCESS_TEST_SCRIPT"
)

// playHost starts one program, prints its handle and waits to be killed.
func playHost() {
	d, err := New(Config{Instance: os.Getenv(hostEnv)})
	if err != nil {
		panic(err)
	}
	p, err := d.Start(context.Background(), agentruntime.Spec{
		Run:  fleet.Run{AgentID: "a", Epoch: 1},
		Kind: fleet.Kind{Command: []string{"/bin/sh", "-c", os.Getenv(hostScriptEnv)}},
		Dir:  os.Getenv(hostDirEnv),
	})
	if err != nil {
		panic(err)
	}
	os.Stdout.WriteString(p.Handle() + "\n")
	time.Sleep(time.Hour) // until killed
}

// host runs a server of this test's installation in another process and
// returns it with the handle of its program.
func host(t *testing.T, dir, text string) (*exec.Cmd, string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), hostEnv+"="+instanceOf(t), hostDirEnv+"="+dir, hostScriptEnv+"="+text)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // mostly dead already
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return cmd, strings.TrimSpace(line)
}

func killHost(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // says that it was killed
}

func TestProgramDiesWithTheServer(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	cmd, text := host(t, dir, "trap '' TERM HUP; echo $$ > leader; while :; do read x; done < /dev/zero")
	h, ok := parseHandle(text)
	if !ok {
		t.Fatalf("handle %q", text)
	}
	if pid := pidIn(t, filepath.Join(dir, "leader")); pid != h.pid {
		t.Errorf("handle %q, pid %d", text, pid)
	}
	mustLive(t, h.pid)
	killHost(t, cmd)
	eventually(t, "the program's end", func() bool { return !lives(h.pid) })
}

func TestReapAfterTheServerWasKilled(t *testing.T) {
	for _, known := range []bool{true, false} {
		t.Run("handle known "+strconv.FormatBool(known), func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "run")
			text := family
			if !known {
				// Without a handle only the environment tells.
				text = strings.Replace(text, "env -i", "env", 1)
			}
			cmd, handle := host(t, dir, text)
			pids := familyPids(t, dir)
			killHost(t, cmd)
			eventually(t, "the leader's end", func() bool { return !lives(pids[0]) })
			d := newDriver(t)
			handles := []string{"", "x:y", "1:1:" + d.boot + ":" + d.instance}
			if known {
				handles = append(handles, handle)
			}
			if err := d.Reap(t.Context(), handles); err != nil {
				t.Fatal(err)
			}
			if known {
				// The group's leader is dead, so nothing tells whose this is.
				last := pids[len(pids)-1]
				t.Cleanup(func() { _ = syscall.Kill(last, syscall.SIGKILL) })
				pids = pids[:len(pids)-1]
			}
			mustBeGone(t, pids...)
		})
	}
}

func TestReapKillsTheLeaderOfAHandle(t *testing.T) {
	cmd := exec.Command("/bin/sh", "-c", "exec sleep 1000")
	cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	cmd.SysProcAttr = ownGroup()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	d := newDriver(t)
	s, err := readStat(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	h := handle{pid: cmd.Process.Pid, start: s.start, boot: d.boot, instance: d.instance}
	later, before := h, h
	later.start++
	before.boot = "other"
	if err := d.Reap(t.Context(), []string{later.String(), before.String()}); err != nil {
		t.Fatal(err)
	}
	mustLive(t, h.pid)
	if err := d.Reap(t.Context(), []string{h.String()}); err != nil {
		t.Fatal(err)
	}
	<-ended
	mustBeGone(t, h.pid)
}

func TestReapLeavesOtherInstallations(t *testing.T) {
	other := newDriver(t)
	spec, _ := script(t, "exec sleep 1000")
	p := start(t, other, spec)
	d, err := New(Config{Instance: other.instance[:len(other.instance)-1]})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := d.Reap(t.Context(), nil); err != nil {
		t.Error(err)
	}
	mustLive(t, p.(*child).pid)
	stop(t, p, time.Second)
}
