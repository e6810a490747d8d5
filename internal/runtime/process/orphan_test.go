package process

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"agentry/internal/fleet"
	agentruntime "agentry/internal/runtime"
)

// The rest of what makes the test binary play a server, see hostEnv.
const (
	hostDirEnv    = "PROCESS_TEST_DIR"
	hostScriptEnv = "PROCESS_TEST_SCRIPT"
	hostBareEnv   = "PROCESS_TEST_NO_GROUPS"
)

// playHost starts one program, prints its handle and waits to be killed.
func playHost() {
	d, err := New(Config{Instance: os.Getenv(hostEnv), NoGroups: os.Getenv(hostBareEnv) != ""})
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
func host(t *testing.T, dir, text string, env ...string) (*exec.Cmd, string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), hostEnv+"="+instanceOf(t), hostDirEnv+"="+dir, hostScriptEnv+"="+text)
	cmd.Env = append(cmd.Env, env...)
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
	cmd, handle := host(t, dir, "trap '' TERM HUP; echo $$ > leader; while :; do read x; done < /dev/zero")
	pid := pidIn(t, filepath.Join(dir, "leader"))
	if !strings.HasPrefix(handle, strconv.Itoa(pid)+":") {
		t.Errorf("handle %q, pid %d", handle, pid)
	}
	mustLive(t, pid)
	killHost(t, cmd)
	eventually(t, "the program's end", func() bool { return !alive(pid) })
	if err := newDriver(t).Reap(t.Context(), []string{handle}); err != nil {
		t.Error(err)
	}
}

func TestReapAfterTheServerWasKilled(t *testing.T) {
	for name, c := range map[string]struct {
		env    string
		config Config
	}{
		"groups":                {hostBareEnv + "=", Config{}},
		"no groups":             {hostBareEnv + "=1", Config{NoGroups: true}},
		"groups that went away": {hostBareEnv + "=", Config{NoGroups: true}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "run")
			cmd, handle := host(t, dir, family, c.env)
			pids := familyPids(t, dir)
			killHost(t, cmd)
			eventually(t, "the leader's end", func() bool { return !alive(pids[0]) })
			mustLive(t, pids[1:]...)
			if err := newDriverWith(t, c.config).Reap(t.Context(), []string{handle, "", "x:y"}); err != nil {
				t.Fatal(err)
			}
			mustBeGone(t, pids...)
			// The folders of the groups go too, with the next server that may.
			if err := newDriver(t).Reap(t.Context(), nil); err != nil {
				t.Error(err)
			}
		})
	}
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
