package process

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"agentry/internal/fleet"
	agentruntime "agentry/internal/runtime"
)

func TestStartFailsAndLeavesNothing(t *testing.T) {
	d := newDriver(t)
	plain := filepath.Join(t.TempDir(), "plain")
	if err := os.WriteFile(plain, []byte("echo hi\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	garbage := filepath.Join(t.TempDir(), "garbage")
	if err := os.WriteFile(garbage, []byte("no program\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, command := range map[string][]string{
		"missing":        {"/no/such/program"},
		"missing name":   {"no-such-program-anywhere"},
		"not executable": {plain},
		"no format":      {garbage},
		"a folder":       {t.TempDir()},
		"empty":          {},
	} {
		t.Run(name, func(t *testing.T) {
			spec, _ := script(t, "")
			spec.Kind.Command = command
			if p, err := d.Start(t.Context(), spec); err == nil {
				stop(t, p, 0)
				t.Fatal("started")
			}
			if _, err := os.Stat(spec.Dir); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("working folder left: %v", err)
			}
			if n := len(d.live); n != 0 {
				t.Errorf("%d live runs left", n)
			}
		})
	}
}

func TestExit(t *testing.T) {
	d := newDriver(t)
	for text, want := range map[string]agentruntime.Exit{
		"exit 0":        {},
		"exit 3":        {Code: 3},
		"kill -KILL $$": {Code: -1, Signal: "killed"},
		"kill -TERM $$": {Code: -1, Signal: "terminated"},
	} {
		t.Run(text, func(t *testing.T) {
			spec, _ := script(t, text)
			if got := waitDone(t, start(t, d, spec)); got != want {
				t.Errorf("exit %+v, want %+v", got, want)
			}
		})
	}
}

func TestOneRunOnce(t *testing.T) {
	d := newDriver(t)
	spec, _ := script(t, "sleep 1000")
	p := start(t, d, spec)
	if _, err := d.Start(t.Context(), spec); err == nil {
		t.Error("the same run started twice")
	}
	stop(t, p, 0)
	if exit := p.Exit(); exit.Signal != "killed" {
		t.Errorf("exit %+v", exit)
	}
	stop(t, p, 0)
}

func TestEnvironment(t *testing.T) {
	t.Setenv("AGENTRY_MASTER_KEY_FILE", "/secret")
	t.Setenv("LLM_API_KEY", "sk-1")
	t.Setenv("TZ", "Europe/Paris")
	d := newDriver(t)
	d.builtinEnv = map[string]string{"BUILTIN": "1"}
	spec, out := script(t, "env; pwd; stat -c 'mode %a' .; cat <&3; echo; echo err >&2")
	spec.Kind.Env = map[string]string{"REGION": "eu", envAgent: "forged"}
	waitDone(t, start(t, d, spec))
	got := out.list()
	for _, want := range []string{
		"HOME=" + spec.Dir, "LANG=" + langHere(), "TZ=Europe/Paris", "REGION=eu",
		"AGENTRY_URL=http://127.0.0.1:3000", "AGENTRY_AGENT_ID=" + string(spec.Run.AgentID),
		"AGENTRY_RUN=7", "AGENTRY_INSTANCE=" + d.instance, spec.Dir, "mode 700", spec.Token, "err",
	} {
		if !slices.Contains(got, want) {
			t.Errorf("no line %q in %q", want, got)
		}
	}
	known := []string{"PATH", "HOME", "LANG", "TZ", "REGION", "PWD", "_", "SHLVL", "OLDPWD",
		envURL, envAgent, envRun, envInstance}
	for _, line := range got {
		if name, _, ok := strings.Cut(line, "="); ok && !slices.Contains(known, name) {
			t.Errorf("the program sees %q", line)
		}
	}
}

func langHere() string {
	if v := os.Getenv("LANG"); v != "" {
		return v
	}
	return "C.UTF-8"
}

func TestTokenIsNotToBeSeen(t *testing.T) {
	d := newDriver(t)
	spec, out := script(t, "read -r token <&3; echo got $token; exec sleep 1000")
	p := start(t, d, spec)
	eventually(t, "the token", func() bool { return out.has("got the-secret-token") })
	pid := p.(*child).pid
	for _, file := range []string{"environ", "cmdline"} {
		raw, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), file))
		if err != nil || strings.Contains(string(raw), spec.Token) {
			t.Errorf("%s: %q %v", file, raw, err)
		}
	}
	stop(t, p, time.Second)
}

func TestTokenInEnvironmentWhereTheKindSaysSo(t *testing.T) {
	d := newDriver(t)
	spec, out := script(t, "echo $AGENTRY_RUN_TOKEN; ls /proc/self/fd")
	spec.Kind.TokenInEnv = true
	waitDone(t, start(t, d, spec))
	// ls itself has one more descriptor, for the folder it lists: 3.
	if got := out.list(); !slices.Equal(got, []string{spec.Token, "0", "1", "2", "3"}) {
		t.Errorf("output %q", got)
	}
}

func TestBuiltinIsThisBinary(t *testing.T) {
	d := newDriver(t)
	d.builtinEnv = map[string]string{"BUILTIN": "yes"}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path, argv, err := resolve([]string{"@agentry", "agent"})
	if err != nil || path != self || !slices.Equal(argv, []string{self, "agent"}) {
		t.Errorf("%q %q %v", path, argv, err)
	}
	builtinSpec := agentruntime.Spec{Kind: fleet.Kind{Command: []string{"@agentry"}}}
	if !slices.Contains(d.environ(builtinSpec), "BUILTIN=yes") {
		t.Error("no built-in environment for the built-in program")
	}
	otherSpec := agentruntime.Spec{Kind: fleet.Kind{Command: []string{"/bin/true"}}}
	if slices.Contains(d.environ(otherSpec), "BUILTIN=yes") {
		t.Error("the built-in environment reaches another program")
	}
}

func TestOnlyTheBuiltinGetsSecrets(t *testing.T) {
	d, err := New(Config{Instance: instanceOf(t), BuiltinSecrets: map[string]string{"B_KEY": "sk-2", "A_KEY": "sk-1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	spec := agentruntime.Spec{Token: "token", Kind: fleet.Kind{Command: []string{"@agentry"}, TokenInEnv: true}}
	if got := d.handover(spec); got != "token\nA_KEY=sk-1\nB_KEY=sk-2\n" {
		t.Errorf("the built-in program gets %q", got)
	}
	if env := strings.Join(d.environ(spec), "\n"); strings.Contains(env, "sk-") || strings.Contains(env, "token") {
		t.Errorf("its environment has a secret:\n%s", env)
	}
	other, out := script(t, "cat <&3")
	waitDone(t, start(t, d, other))
	if got := out.list(); !slices.Equal(got, []string{other.Token}) {
		t.Errorf("another program gets %q", got)
	}
	for name, value := range map[string]string{"two lines": "a\nb", "too long": strings.Repeat("x", maxSecrets)} {
		if _, err := New(Config{Instance: "x", BuiltinSecrets: map[string]string{"KEY": value}}); err == nil || strings.Contains(err.Error(), value) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestManyAtOnce(t *testing.T) {
	d := newDriver(t)
	const many = 200
	all := make([]agentruntime.Process, many)
	var wg sync.WaitGroup
	for i := range many {
		spec, _ := script(t, "exec sleep 1000")
		wg.Go(func() {
			p, err := d.Start(t.Context(), spec)
			if err != nil {
				t.Error(err)
				return
			}
			all[i] = p
		})
	}
	wg.Wait()
	if t.Failed() {
		t.FailNow()
	}
	handles := map[string]bool{}
	for _, p := range all {
		handles[p.Handle()] = true
		mustLive(t, p.(*child).pid)
	}
	if len(handles) != many {
		t.Errorf("%d different handles", len(handles))
	}
	for _, p := range all {
		wg.Go(func() { stop(t, p, time.Minute) })
	}
	wg.Wait()
	for _, p := range all {
		mustBeGone(t, p.(*child).pid)
	}
}

func TestClose(t *testing.T) {
	d := newDriver(t)
	spec, _ := script(t, "trap '' TERM; sleep 1000 & wait")
	p := start(t, d, spec)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if exit := waitDone(t, p); exit.Signal != "killed" {
		t.Errorf("exit %+v", exit)
	}
	next, _ := script(t, "exit 0")
	if _, err := d.Start(t.Context(), next); err == nil {
		t.Error("a closed driver starts programs")
	}
}
