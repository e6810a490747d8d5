package process

import (
	"context"
	"errors"
	"os"
	"runtime"
	"slices"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// spawn is one request to the thread that makes the children.
type spawn struct {
	path   string
	argv   []string
	attr   *syscall.ProcAttr
	tag    tag
	group  *group
	answer chan spawned
}

type spawned struct {
	pid int
	err error
}

// spawnLoop makes all children on one thread that lives as long as the driver:
// the kernel ties the death signal to the thread, not to the process.
func (d *Driver) spawnLoop() {
	runtime.LockOSThread() // never unlocked, so the thread ends with the loop
	if unix.Gettid() == os.Getpid() {
		// What the main thread is confined to could bind the whole process:
		// its memory is counted where this thread is.
		other := make(chan struct{})
		d.workers.Go(func() {
			runtime.LockOSThread()
			close(other)
			d.spawnLoop()
		})
		<-other
		runtime.UnlockOSThread()
		return
	}
	if err := confineThread(); err != nil {
		d.log.Warn("cannot take privileges from programs", "error", err)
	}
	for {
		select {
		case <-d.quit:
			return
		case s := <-d.spawns:
			pid, err := s.do()
			s.answer <- spawned{pid: pid, err: err}
		}
	}
}

// confineThread sets what children take over from their thread: they gain no
// privileges by executing a file, and others may not touch the files they make.
func confineThread() error {
	err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
	// The mask of one thread: the rest of this process keeps its own.
	unshared := unix.Unshare(unix.CLONE_FS)
	if unshared == nil {
		unix.Umask(0o077)
	}
	return errors.Join(err, unshared)
}

// do forks and executes, with the child in its group and tagged from its first
// instruction.
func (s spawn) do() (pid int, err error) {
	undo, err := tagThisProcess(s.tag)
	if err != nil {
		return 0, err
	}
	defer undo()
	if s.group == nil {
		return syscall.ForkExec(s.path, s.argv, s.attr)
	}
	leave, err := s.group.enter()
	if err != nil {
		return 0, err
	}
	defer leave()
	folder := s.group.unified()
	if folder == "" {
		return syscall.ForkExec(s.path, s.argv, s.attr)
	}
	f, err := os.Open(folder)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	s.attr.Sys.UseCgroupFD, s.attr.Sys.CgroupFD = true, int(f.Fd())
	pid, err = syscall.ForkExec(s.path, s.argv, s.attr)
	if !slices.Contains([]error{unix.ENOSYS, unix.EINVAL, unix.EPERM, unix.EOPNOTSUPP, unix.E2BIG}, err) {
		return pid, err
	}
	// A kernel before Linux 5.7, or one told to refuse clone3, as some
	// containers are.
	s.attr.Sys.UseCgroupFD = false
	if pid, err = syscall.ForkExec(s.path, s.argv, s.attr); err == nil {
		_ = put(folder, procsFile, strconv.Itoa(pid)) // fails when it is gone already
	}
	return pid, err
}

// fork runs one request on the spawning thread.
func (d *Driver) fork(ctx context.Context, s spawn) (int, error) {
	s.answer = make(chan spawned, 1)
	select {
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-d.quit:
		return 0, errors.New("process: the driver is closed")
	case d.spawns <- s:
	}
	a := <-s.answer
	return a.pid, a.err
}
