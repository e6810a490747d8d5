package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	agentruntime "agentry/internal/runtime"
)

// niceness of every program, so that a busy one leaves the server its share.
const niceness = 5

// oomScore makes the kernel, short of memory, take programs before the server.
const oomScore = 500

// drainTime is how long output may still come once every process is gone: a
// process of somebody else may hold the pipe open.
const drainTime = 250 * time.Millisecond

// slowDeath is how long a killed process may take before it is logged.
const slowDeath = 10 * time.Second

// child is a running program: the leader of a process group and all it starts.
type child struct {
	d      *Driver
	key    runKey
	spec   agentruntime.Spec
	pid    int // also the group's id; 0 until there is a process, under d.mu
	pidfd  int // -1 where the kernel has none
	handle string
	out    *os.File
	done   chan struct{}
	exit   agentruntime.Exit // valid once done is closed

	mu     sync.Mutex
	reaped bool // the leader's pid may belong to somebody else
	termed bool
	// verdict is the last line of output when the driver itself ended the run.
	verdict string
}

func newChild(d *Driver, spec agentruntime.Spec) *child {
	key := runKey{agent: spec.Run.AgentID, epoch: spec.Run.Epoch}
	return &child{d: d, key: key, spec: spec, done: make(chan struct{})}
}

// begin sets the limits and starts to watch a program that was just forked.
// It is not reaped before wait runs, so its pid is its own until then.
func (c *child) begin() {
	stat, err := readStat(c.pid)
	if err == nil {
		c.handle = handle{pid: c.pid, start: stat.start, boot: c.d.boot, instance: c.d.instance}.String()
	}
	if err := errors.Join(err, c.restrain()); err != nil {
		c.d.log.Warn("cannot limit a program", "agent_id", c.key.agent, "error", err)
	}
	read := make(chan struct{})
	out := newOutput(c.out, c.spec)
	c.d.workers.Go(func() {
		defer close(read)
		out.run()
	})
	c.d.workers.Go(func() { c.wait(out, read) })
	if c.spec.Kind.Limits.Pids > 0 {
		select {
		case c.d.watch <- struct{}{}:
		default:
		}
	}
}

// restrain applies what the kernel enforces per process.
func (c *child) restrain() error {
	var errs []error
	if n := c.spec.Kind.Limits.MemoryBytes; n > 0 {
		limit := &unix.Rlimit{Cur: uint64(n), Max: uint64(n)}
		errs = append(errs, unix.Prlimit(c.pid, unix.RLIMIT_DATA, limit, nil))
	}
	errs = append(errs, unix.Setpriority(unix.PRIO_PROCESS, c.pid, niceness))
	score := fmt.Appendf(nil, "%d", oomScore)
	errs = append(errs, os.WriteFile(fmt.Sprintf("/proc/%d/oom_score_adj", c.pid), score, 0))
	return errors.Join(errs...)
}

// Handle implements runtime.Process.
func (c *child) Handle() string { return c.handle }

// Done implements runtime.Process.
func (c *child) Done() <-chan struct{} { return c.done }

// Exit implements runtime.Process.
func (c *child) Exit() agentruntime.Exit {
	select {
	case <-c.done:
		return c.exit
	default:
		return agentruntime.Exit{}
	}
}

// Stop implements runtime.Process: SIGTERM to the group, SIGKILL after grace,
// also when ctx ends before that.
func (c *child) Stop(ctx context.Context, grace time.Duration) error {
	c.mu.Lock()
	first := !c.termed
	c.termed = true
	c.mu.Unlock()
	if first && grace > 0 {
		c.signal(syscall.SIGTERM)
	}
	kill := time.AfterFunc(grace, func() { c.signal(syscall.SIGKILL) })
	select {
	case <-c.done:
		kill.Stop()
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// signal sends to the whole group, unless the leader is reaped: then the group
// was killed already and its id may come to belong to somebody else.
func (c *child) signal(s syscall.Signal) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.reaped {
		_ = syscall.Kill(-c.pid, s) // fails only when nobody is left
	}
}

// wait sees the run to its end: the leader exits, the group is killed, what
// left the group is killed, the rest of the output is read.
func (c *child) wait(out *output, read <-chan struct{}) {
	c.waitLeader()
	c.mu.Lock()
	// The group is killed while the leader, exited but not reaped, still
	// holds its number. No fork escapes: the kernel refuses to complete one
	// in a process with a signal waiting.
	_ = syscall.Kill(-c.pid, syscall.SIGKILL)
	c.reaped = true
	c.exit = reap(c.pid)
	c.mu.Unlock()
	c.d.release(c)
	c.waitGone()
	out.finish(time.Now().Add(drainTime))
	<-read
	c.mu.Lock()
	verdict := c.verdict
	c.mu.Unlock()
	if verdict != "" {
		out.emit(verdict)
	}
	close(c.done)
}

// condemn kills the whole group and says why at the end of the output.
func (c *child) condemn(why string) {
	c.mu.Lock()
	c.verdict = why
	c.mu.Unlock()
	c.signal(syscall.SIGKILL)
}

// waitLeader returns when the leader has exited, without reaping it. It holds
// no thread where the kernel has pidfds.
func (c *child) waitLeader() {
	if c.pidfd < 0 || unix.SetNonblock(c.pidfd, true) != nil {
		blockUntilExit(c.pid)
		return
	}
	f := os.NewFile(uintptr(c.pidfd), "pidfd")
	defer f.Close()
	raw, err := f.SyscallConn()
	if err == nil {
		err = raw.Read(func(fd uintptr) bool {
			n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
			return n > 0 || err != nil && err != unix.EINTR
		})
	}
	if err != nil {
		blockUntilExit(c.pid)
	}
}

// waitGone returns when no process of the run is left, in its group or out of it.
func (c *child) waitGone() {
	since, warned := time.Now(), false
	for pause := time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		if !groupAlive(c.pid) && !c.d.killStrays()[c.key] {
			return
		}
		if !warned && time.Since(since) > slowDeath {
			warned = true
			c.d.log.Warn("a killed program does not die", "agent_id", c.key.agent, "pid", c.pid)
		}
		time.Sleep(pause)
	}
}

// blockUntilExit waits for a child without reaping it.
func blockUntilExit(pid int) {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if err != unix.EINTR {
			return
		}
	}
}

// reap takes the exit of a child that has exited.
func reap(pid int) agentruntime.Exit {
	var status syscall.WaitStatus
	for {
		_, err := syscall.Wait4(pid, &status, 0, nil)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return agentruntime.Exit{Code: -1, Signal: "unknown"}
		}
		if status.Signaled() {
			return agentruntime.Exit{Code: -1, Signal: status.Signal().String()}
		}
		return agentruntime.Exit{Code: status.ExitStatus()}
	}
}

// groupAlive tells whether a process of the group still runs, and reaps those
// that became our children because their parent died and we are their reaper.
func groupAlive(group int) bool {
	for {
		pid, err := syscall.Wait4(-group, nil, syscall.WNOHANG, nil)
		if err != syscall.EINTR && pid <= 0 {
			break
		}
	}
	if syscall.Kill(-group, 0) == syscall.ESRCH {
		return false
	}
	return countGroups()[group] > 0
}
