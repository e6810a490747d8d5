package process

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"agentry/internal/fleet"
)

func TestWhatEveryProcessGets(t *testing.T) { eachIsolation(t, whatEveryProcessGets) }

func whatEveryProcessGets(t *testing.T, d *Driver) {
	spec, out := script(t, "echo mask $(umask); grep NoNewPrivs /proc/self/status; exec sleep 1000")
	p := start(t, d, spec)
	c := p.(*child)
	eventually(t, "the last line", func() bool { return out.has("NoNewPrivs:") })
	if got := strings.Join(out.list(), "|"); got != "mask 0077|NoNewPrivs: 1" {
		t.Errorf("output %q", got)
	}
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/oom_score_adj", c.pid))
	if err != nil || strings.TrimSpace(string(raw)) != "500" {
		t.Errorf("oom_score_adj %q, %v", raw, err)
	}
	if nice, err := unix.Getpriority(unix.PRIO_PROCESS, c.pid); err != nil || 20-nice < niceness {
		t.Errorf("niceness %d, %v", 20-nice, err)
	}
	if got := tagOf(c.pid); got != c.tag || tagInText(c.pid) != c.tag {
		t.Errorf("tags %x and %x, want %x", got, tagInText(c.pid), c.tag)
	}
	stop(t, p, time.Second)
}

func TestTheServerKeepsItsOwn(t *testing.T) {
	d := newDriver(t)
	before := tagOf(os.Getpid())
	spec, _ := script(t, "exit 0")
	waitDone(t, start(t, d, spec))
	if after := tagOf(os.Getpid()); after != before || d.tags.ours(after) {
		t.Errorf("limit of file locks %x, was %x", after, before)
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil || !strings.Contains(string(status), "NoNewPrivs:\t0") {
		t.Errorf("the server may not execute what it could: %v", err)
	}
}

func TestMemoryLimitWithoutGroups(t *testing.T) {
	d := newDriverWith(t, Config{NoGroups: true})
	spec, out := script(t, "head -c 1G /dev/zero | tail")
	spec.Kind.Limits.MemoryBytes = 64 << 20
	if exit := waitDone(t, start(t, d, spec)); exit.Code != 1 || !out.has("memory exhausted") {
		t.Errorf("exit %+v, output %q", exit, out.list())
	}
}

// Killing the helper that took the memory leaves a leader that goes on.
func TestMemoryLimit(t *testing.T) {
	for name, text := range map[string]string{
		"the program":        "exec tail < /dev/zero",
		"all together":       "for i in 1 2 3 4; do (exec sh -c 'x=$(head -c 30M /dev/zero | tr \"\\0\" x); sleep 1000') & done; wait",
		"again and again":    "trap '' TERM; while :; do head -c 1G /dev/zero | tail; done",
		"of another session": "setsid tail < /dev/zero; exec sleep 1000",
	} {
		t.Run(name, func(t *testing.T) {
			d := newDriver(t)
			spec, out := script(t, text)
			spec.Kind.Limits.MemoryBytes = 64 << 20
			exit := waitDone(t, start(t, d, spec))
			if exit.Reason != "more than 64 MiB of memory" {
				t.Errorf("exit %+v", exit)
			}
			if !out.has("agentry: ended: more than 64 MiB of memory") {
				t.Errorf("output %q", out.list())
			}
		})
	}
}

func TestTooManyProcesses(t *testing.T) { eachIsolation(t, tooManyProcessesEnd) }

func tooManyProcessesEnd(t *testing.T, d *Driver) {
	spec, out := script(t, "i=0; while [ $i -lt 60 ]; do sleep 1000 & i=$((i+1)); done; wait")
	spec.Kind.Limits.Pids = 20
	if exit := waitDone(t, start(t, d, spec)); exit.Reason != "more than 20 processes and threads" {
		t.Errorf("exit %+v", exit)
	}
	if !out.has("agentry: ended: more than 20 processes and threads") {
		t.Errorf("output %q", out.list())
	}
}

func TestAsManyProcessesAsAllowed(t *testing.T) { eachIsolation(t, asManyProcessesAsAllowed) }

func asManyProcessesAsAllowed(t *testing.T, d *Driver) {
	spec, _ := script(t, "i=0; while [ $i -lt 19 ]; do (exec sleep 0) & i=$((i+1)); done; wait; exit 4")
	spec.Kind.Limits.Pids = 20
	if exit := waitDone(t, start(t, d, spec)); exit.Code != 4 || exit.Reason != "" {
		t.Errorf("exit %+v", exit)
	}
	spec, _ = script(t, "exit 4")
	spec.Kind.Limits.Pids = 1
	if exit := waitDone(t, start(t, d, spec)); exit.Code != 4 || exit.Reason != "" {
		t.Errorf("exit %+v", exit)
	}
}

// bomb doubles seven times, to 255 processes if nobody ends it; each is deaf,
// and in a session of its own without environment.
const bomb = `
cat > bomb <<'END'
#!/bin/sh
trap '' TERM
[ $1 = 0 ] && exec sleep 1000
env -i setsid ./bomb $(($1 - 1)) & env -i setsid ./bomb $(($1 - 1)) &
wait
END
chmod +x bomb
exec ./bomb 7
`

func TestForkBomb(t *testing.T) { eachIsolation(t, forkBomb) }

func forkBomb(t *testing.T, d *Driver) {
	spec, _ := script(t, bomb)
	spec.Kind.Limits.Pids = 60
	p := start(t, d, spec)
	if exit := waitDone(t, p); exit.Reason != "more than 60 processes and threads" {
		t.Errorf("exit %+v", exit)
	}
	d.eachTagged(func(pid int, t2 tag) {
		if t2 == p.(*child).tag && alive(pid) {
			t.Errorf("process %d survived", pid)
		}
	})
}

func TestSize(t *testing.T) {
	for bytes, want := range map[int64]string{1 << 30: "1 GiB", 512 << 20: "512 MiB", 1500 << 10: "1500 KiB", 1000: "1000 bytes"} {
		if got := size(bytes); got != want {
			t.Errorf("%d is %q, want %q", bytes, got, want)
		}
	}
}

func TestLimitsOfNothing(t *testing.T) {
	var g *group
	g.kill()
	if !g.remove() || g.exceeded(fleet.ProgramLimits{Pids: 1, MemoryBytes: 1}) != "" || g.bounds(pidsGroup) {
		t.Error("no group does something")
	}
}
