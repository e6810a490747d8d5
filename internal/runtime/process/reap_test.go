package process

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// family is a script whose leader ignores SIGTERM and that leaves processes
// behind in every way: a child, a deaf child, one in another session, one in a
// session of its own whose parent is gone, one that has in addition nothing of
// the environment, no descriptor and another folder. Each writes its pid to a
// file.
const family = `
trap '' TERM
echo $$ > leader
sleep 1000 & echo $! > child
sh -c 'trap "" TERM; echo $$ > deaf; while :; do sleep 1000; done' &
setsid sh -c 'trap "" TERM; echo $$ > session; sleep 1000; :' &
sh -c 'setsid sh -c "echo \$\$ > orphan; exec sleep 1000" & exit 0'
env -i sh -c 'echo $$ > bare; exec sleep 1000' &
sh -c 'setsid sh -c "exec env -i sh -c \"echo \\\$\\\$ > daemon; cd /; exec sleep 1000 <&- >&- 2>&- 3<&-\" &" & exit 0'
wait
exec sleep 1000
`

func familyPids(t *testing.T, dir string) []int {
	t.Helper()
	var out []int
	for _, name := range []string{"leader", "child", "deaf", "session", "orphan", "bare", "daemon"} {
		out = append(out, pidIn(t, filepath.Join(dir, name)))
	}
	return out
}

func TestStopLeavesNobody(t *testing.T) { eachIsolation(t, stopLeavesNobody) }

func stopLeavesNobody(t *testing.T, d *Driver) {
	spec, _ := script(t, family)
	p := start(t, d, spec)
	pids := familyPids(t, spec.Dir)
	mustLive(t, pids...)
	stop(t, p, 50*time.Millisecond)
	mustBeGone(t, pids...)
	if exit := p.Exit(); exit.Signal != "killed" {
		t.Errorf("exit %+v", exit)
	}
}

func TestExitLeavesNobody(t *testing.T) { eachIsolation(t, exitLeavesNobody) }

func exitLeavesNobody(t *testing.T, d *Driver) {
	spec, _ := script(t, strings.Replace(family, "wait\n", "until [ -f go ]; do sleep 0.01; done; exit 5\n", 1))
	p := start(t, d, spec)
	pids := familyPids(t, spec.Dir)
	if err := os.WriteFile(filepath.Join(spec.Dir, "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if exit := waitDone(t, p); exit.Code != 5 {
		t.Errorf("exit %+v", exit)
	}
	mustBeGone(t, pids...)
}

func TestStopKillsEvenWhenNobodyWaits(t *testing.T) {
	d := newDriver(t)
	spec, _ := script(t, "trap '' TERM; echo ready; while :; do sleep 1000; done")
	p := start(t, d, spec)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.Stop(ctx, 20*time.Millisecond); err == nil {
		t.Error("no error although the context was over")
	}
	waitDone(t, p)
}

func TestOneRunEndsAnotherStays(t *testing.T) { eachIsolation(t, oneRunEndsAnotherStays) }

func oneRunEndsAnotherStays(t *testing.T, d *Driver) {
	stays, _ := script(t, "setsid sh -c 'echo $$ > session; exec sleep 1000' & wait; exec sleep 1000")
	ends, _ := script(t, "setsid sh -c 'echo $$ > session; exec sleep 1000' & wait")
	a, b := start(t, d, stays), start(t, d, ends)
	keep := pidIn(t, filepath.Join(stays.Dir, "session"))
	gone := pidIn(t, filepath.Join(ends.Dir, "session"))
	stop(t, b, time.Second)
	if err := d.Reap(t.Context(), []string{a.Handle()}); err != nil {
		t.Error(err)
	}
	mustBeGone(t, gone)
	mustLive(t, keep, a.(*child).pid)
	stop(t, a, time.Second)
	mustBeGone(t, keep)
}
