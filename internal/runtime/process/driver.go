// Package process runs agents' programs as child processes of the server, on
// Linux.
//
// A program leads its own process group and dies with the server: the kernel
// kills it when the thread that made it ends. It cannot gain privileges by
// executing a file, its files are private, and it inherits no descriptor but
// its input, its output and, on 3, its secrets.
//
// What it started itself is found by a tag that descendants carry (see tag)
// and by the run's control group where this process may make one (see
// cgroups), and is killed when the run is over, or by Reap after the server
// was killed. Without control groups a descendant that gives itself another
// limit of file locks and leaves the program's process group is not found.
//
// Limits of memory and processes hold for all processes of a run together
// where there are control groups. Where there are none, memory is bounded for
// each process alone, and processes are counted a few times a second. A run
// that meets its limit is ended, and says so.
package process

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"agentry/internal/fault"
	"agentry/internal/fleet"
	agentruntime "agentry/internal/runtime"
)

// Config is what a driver needs.
type Config struct {
	// Instance names this installation. Every program carries it in its
	// environment, and Reap kills whatever carries it.
	Instance string
	// BuiltinEnv is added to the environment of the built-in program (the
	// kinds whose command is "@agentry") only.
	BuiltinEnv map[string]string
	// BuiltinSecrets follow the run token on the built-in program's file
	// descriptor 3, a line NAME=value each; together at most 3 KiB.
	BuiltinSecrets map[string]string
	// NoGroups leaves control groups alone, as where the host allows none.
	NoGroups bool
	// Log takes what nobody can be told otherwise; nil is slog.Default.
	Log *slog.Logger
}

// runKey names a run.
type runKey struct {
	agent fleet.AgentID
	epoch int64
}

// String names the run's control group.
func (k runKey) String() string { return fmt.Sprintf("%s.%d", k.agent, k.epoch) }

// Driver runs programs as child processes. It has a thread of its own from
// New to Close.
type Driver struct {
	instance   string
	builtinEnv map[string]string
	secrets    string // the built-in program's lines after its token
	log        *slog.Logger
	null       *os.File
	tags       *tagger
	groups     cgroups

	spawns  chan spawn
	quit    chan struct{}
	once    sync.Once
	workers sync.WaitGroup
	watch   chan struct{}
	anyway  time.Duration // watchAnyway, but for tests

	mu    sync.Mutex
	live  map[runKey]*child // from before the fork until the leader's exit
	byTag map[tag]*child    // the same

	strays  straySearch
	buffers sync.Pool // of *[readSize]byte
}

var _ agentruntime.Driver = (*Driver)(nil)

// New makes a driver and starts the thread that makes the children. It marks
// every descriptor that this process inherited as not to be inherited again.
func New(c Config) (*Driver, error) {
	if c.Instance == "" {
		return nil, errors.New("process: no name of this installation")
	}
	secrets, err := secretLines(c.BuiltinSecrets)
	if err != nil {
		return nil, err
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, fmt.Errorf("process: %w", err)
	}
	d := &Driver{
		instance: c.Instance, builtinEnv: c.BuiltinEnv, secrets: secrets, log: c.Log, null: null, tags: newTagger(c.Instance),
		spawns: make(chan spawn), quit: make(chan struct{}), watch: make(chan struct{}, 1), anyway: watchAnyway,
		live: map[runKey]*child{}, byTag: map[tag]*child{},
	}
	d.buffers.New = func() any { return new([readSize]byte) }
	if d.log == nil {
		d.log = slog.Default()
	}
	if !c.NoGroups {
		d.groups = findCgroups(c.Instance, d.log)
	}
	d.log.Info("limits of programs", "memory", d.groups.describe(memoryGroup), "pids", d.groups.describe(pidsGroup))
	// Go's own descriptors are marked from the start; an old kernel refuses,
	// and then programs inherit what the server was started with.
	_ = unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC)
	d.workers.Go(d.spawnLoop)
	d.workers.Go(d.watchLoop)
	return d, nil
}

// Close kills every program that still runs, waits for all of them and ends
// the driver's thread. Call it when no Start is under way. Safe to call twice.
func (d *Driver) Close() error {
	var err error
	d.once.Do(func() {
		for _, c := range d.started() {
			c.kill()
		}
		close(d.quit)
		d.workers.Wait()
		d.groups.close()
		err = d.null.Close()
	})
	return err
}

// started returns the live runs that have a process, by its pid.
func (d *Driver) started() map[int]*child {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := make(map[int]*child, len(d.live))
	for _, c := range d.live {
		if c.pid != 0 {
			out[c.pid] = c
		}
	}
	return out
}

// Start implements runtime.Driver. The program gets the run token and a line
// end on file descriptor 3, the built-in one its secrets after it, and nothing
// of the server's environment but PATH, LANG and TZ.
func (d *Driver) Start(ctx context.Context, spec agentruntime.Spec) (_ agentruntime.Process, err error) {
	path, argv, err := resolve(spec.Kind.Command)
	if err != nil {
		return nil, err
	}
	c := newChild(d, spec)
	if err := d.claim(c); err != nil {
		return nil, err
	}
	made, err := makeDir(spec.Dir)
	if err == nil {
		err = d.launch(ctx, c, path, argv)
	}
	if err != nil {
		d.release(c)
		if made {
			err = errors.Join(err, os.RemoveAll(spec.Dir))
		}
		return nil, err
	}
	c.begin()
	return c, nil
}

// claim makes the run known before its process exists, so that no search for
// strays takes it for one.
func (d *Driver) claim(c *child) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.live[c.key] != nil {
		return fmt.Errorf("process: run %d of agent %s is running", c.key.epoch, c.key.agent)
	}
	c.tag = d.tags.next()
	d.live[c.key], d.byTag[c.tag] = c, c
	return nil
}

// release makes whatever is left of the run a stray.
func (d *Driver) release(c *child) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.live, c.key)
	delete(d.byTag, c.tag)
}

// launch forks the program and fills in what is known of its process.
func (d *Driver) launch(ctx context.Context, c *child, path string, argv []string) error {
	p, err := openPipes(d.handover(c.spec))
	if err != nil {
		return err
	}
	defer p.closeTheirs()
	c.pidfd = -1
	var pid int
	attr := &syscall.ProcAttr{
		Dir:   c.spec.Dir,
		Env:   d.environ(c.spec),
		Files: []uintptr{d.null.Fd(), uintptr(p.outWrite), uintptr(p.outWrite)},
		Sys:   &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL, PidFD: &c.pidfd},
	}
	if fault.On(fault.ReaperOff) {
		attr.Sys.Pdeathsig = 0
	}
	if p.tokenRead >= 0 {
		attr.Files = append(attr.Files, uintptr(p.tokenRead))
	}
	c.group, err = d.groups.newGroup(c.key, c.spec.Kind.Limits)
	if err == nil {
		pid, err = d.fork(ctx, spawn{path: path, argv: argv, attr: attr, tag: c.tag, group: c.group})
	}
	if err != nil {
		c.group.remove()
		unix.Close(p.outRead)
		return fmt.Errorf("start %s: %w", argv[0], err)
	}
	c.out = os.NewFile(uintptr(p.outRead), "output")
	d.mu.Lock()
	c.pid = pid
	d.mu.Unlock()
	return nil
}
