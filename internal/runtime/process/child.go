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

	"agentry/internal/fault"
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
	d     *Driver
	key   runKey
	tag   tag
	group *group
	spec  agentruntime.Spec
	pid   int // also the process group's id; 0 until there is a process, under d.mu
	pidfd int // -1 where the kernel has none
	out   *os.File
	done  chan struct{}
	exit  agentruntime.Exit // valid once done is closed

	mu     sync.Mutex
	reaped bool // the leader's pid may belong to somebody else
	termed bool
	// verdict is why the driver itself ended the run.
	verdict string
}

func newChild(d *Driver, spec agentruntime.Spec) *child {
	key := runKey{agent: spec.Run.AgentID, epoch: spec.Run.Epoch}
	return &child{d: d, key: key, spec: spec, done: make(chan struct{})}
}

// begin sets the limits and starts to watch a program that was just forked.
// It is not reaped before wait runs, so its pid is its own until then.
func (c *child) begin() {
	if err := c.restrain(); err != nil {
		c.d.log.Warn("cannot limit a program", "agent_id", c.key.agent, "error", err)
	}
	read := make(chan struct{})
	out := newOutput(c.out, &c.d.buffers, c.spec)
	c.d.workers.Go(func() {
		defer close(read)
		out.run()
	})
	c.d.workers.Go(func() { c.wait(out, read) })
	if c.limited() {
		select {
		case c.d.watch <- struct{}{}:
		default:
		}
	}
}

// restrain applies what the kernel enforces per process.
func (c *child) restrain() error {
	var errs []error
	limits := c.spec.Kind.Limits
	if limits.MemoryBytes > 0 && !c.group.bounds(memoryGroup) {
		c.limitData(uint64(limits.MemoryBytes))
	}
	if c.group != nil {
		c.group.settle(limits)
	}
	errs = append(errs, unix.Setpriority(unix.PRIO_PROCESS, c.pid, niceness))
	score := fmt.Appendf(nil, "%d", oomScore)
	err := os.WriteFile(fmt.Sprintf("/proc/%d/oom_score_adj", c.pid), score, 0)
	if !errors.Is(err, os.ErrPermission) { // a program may be hidden from its own user
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// limitData bounds the private data of each process of the run. The program may
// have started others by now, which may do so too: they are bounded in passes
// until one shows nobody new.
func (c *child) limitData(bytes uint64) {
	limit := &unix.Rlimit{Cur: bytes, Max: bytes}
	for fresh := true; fresh; {
		fresh = false
		c.d.eachTagged(func(pid int, t tag) {
			var old unix.Rlimit
			if t == c.tag && unix.Prlimit(pid, unix.RLIMIT_DATA, limit, &old) == nil && old.Max != bytes {
				fresh = true
			}
		})
	}
}

func (c *child) limited() bool {
	limits := c.spec.Kind.Limits
	return limits.Pids > 0 || limits.MemoryBytes > 0
}

// Handle implements runtime.Process.
func (c *child) Handle() string { return fmt.Sprintf("%d:%x", c.pid, uint64(c.tag)) }

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
	kill := time.AfterFunc(grace, c.kill)
	select {
	case <-c.done:
		kill.Stop()
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// signal sends to the process group, unless the leader is reaped: then the
// group was killed already and its id may come to belong to somebody else.
func (c *child) signal(s syscall.Signal) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.reaped {
		_ = syscall.Kill(c.whole(), s) // fails only when nobody is left
	}
}

// whole is whom a signal is for: all of the process group.
func (c *child) whole() int {
	if alone() {
		return c.pid
	}
	return -c.pid
}

// alone is the fault that a run is taken for the one process it began with.
func alone() bool { return fault.On(fault.LoneLeader) }

// kill kills every process of the run that can be found at once; wait finds
// the rest.
func (c *child) kill() {
	c.signal(syscall.SIGKILL)
	if !alone() {
		c.group.kill()
	}
}

// wait sees the run to its end: the leader exits, everything else that is of
// the run is killed, the rest of the output is read.
func (c *child) wait(out *output, read <-chan struct{}) {
	c.waitLeader()
	limits := c.spec.Kind.Limits
	c.mu.Lock()
	// The process group is killed while the leader, exited but not reaped,
	// still holds its number. No fork escapes: the kernel refuses to complete
	// one in a process with a signal waiting.
	_ = syscall.Kill(c.whole(), syscall.SIGKILL)
	c.reaped = true
	c.exit = reap(c.pid)
	c.exit.Reason = c.verdict
	if c.exit.Reason == "" {
		c.exit.Reason = c.group.exceeded(limits)
	}
	c.mu.Unlock()
	c.d.release(c)
	c.waitGone()
	out.finish(time.Now().Add(drainTime))
	<-read
	if c.exit.Reason != "" {
		out.say("ended: " + c.exit.Reason)
	}
	close(c.done)
}

// condemn kills the run and notes why.
func (c *child) condemn(why string) {
	c.mu.Lock()
	c.verdict = why
	c.mu.Unlock()
	c.kill()
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

// waitGone kills until no process of the run is left.
func (c *child) waitGone() {
	since, warned := time.Now(), false
	for tries := 0; !alone(); tries++ {
		c.group.kill()
		strays := c.d.killStrays()[c.tag]
		if c.group.remove() && !strays {
			return
		}
		if !warned && time.Since(since) > slowDeath {
			warned = true
			c.d.log.Warn("a killed program does not die", "agent_id", c.key.agent, "pid", c.pid)
		}
		time.Sleep(killPause(tries))
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
