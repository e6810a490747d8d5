package process

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"agentry/internal/fleet"
	agentruntime "agentry/internal/runtime"
)

// The rest of what makes the test binary play a server, see hostEnv.
const (
	hostDirEnv    = "PROCESS_TEST_DIR"
	hostScriptEnv = "PROCESS_TEST_SCRIPT"
	hostBareEnv   = "PROCESS_TEST_NO_GROUPS"
	hostHideEnv   = "PROCESS_TEST_HIDE"
)

// playHost starts one program, prints its handle and waits to be killed.
func playHost() {
	if os.Getenv(hostHideEnv) != "" {
		if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
			panic(err)
		}
	}
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
	if os.Geteuid() == 0 && slices.Contains(env, hostHideEnv+"=1") {
		cmd = exec.Command("setpriv", "--bounding-set=-all", "--inh-caps=-all", os.Args[0])
	}
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

// A program of the server's user cannot read what a server that hides holds,
// and one that hides sees to its programs as another does. Root's power to look
// everywhere is taken from both, where the test has it.
func TestAHiddenServerIsNotToBeRead(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	cmd, handle := host(t, dir, `
		for f in environ maps mem; do head -c 1 /proc/$PPID/$f > /dev/null 2>> why && echo $f >> seen; done
		cat /proc/$$/environ > /dev/null && echo mine >> seen
		trap "" TERM HUP; echo $$ > leader; while :; do read x; done < /dev/zero`, hostHideEnv+"=1")
	pid := pidIn(t, filepath.Join(dir, "leader"))
	seen, err := os.ReadFile(filepath.Join(dir, "seen"))
	why, _ := os.ReadFile(filepath.Join(dir, "why"))
	if err != nil || string(seen) != "mine\n" || !strings.Contains(string(why), "/environ' for reading: Permission denied") {
		t.Errorf("the program sees %q, %v: %s", seen, err, why)
	}
	score, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/oom_score_adj")
	if err != nil || string(score) != "500\n" {
		t.Errorf("oom_score_adj %q, %v", score, err)
	}
	killHost(t, cmd)
	if err := newDriver(t).Reap(t.Context(), []string{handle}); err != nil {
		t.Error(err)
	}
	mustBeGone(t, pid)
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
