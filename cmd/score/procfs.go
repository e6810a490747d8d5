package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// clockTick is the kernel's unit of processor time (USER_HZ), 1/100 s on every
// architecture that Go knows.
const clockTick = 10 * time.Millisecond

// stat returns the fields of /proc/PID/stat behind the program's name, which
// may hold anything: [0] is the state, [11] and [12] user and kernel time,
// [19] the start.
func stat(pid int) ([]string, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil, err
	}
	fields := strings.Fields(string(raw[bytes.LastIndexByte(raw, ')')+1:]))
	if len(fields) < 20 {
		return nil, fmt.Errorf("cannot read the state of process %d", pid)
	}
	return fields, nil
}

// cpuTime is what a process used, without its children.
func cpuTime(pid int) (time.Duration, error) {
	fields, err := stat(pid)
	if err != nil {
		return 0, err
	}
	user, err1 := strconv.ParseInt(fields[11], 10, 64)
	kernel, err2 := strconv.ParseInt(fields[12], 10, 64)
	if err1 != nil || err2 != nil {
		return 0, fmt.Errorf("cannot read the times of process %d", pid)
	}
	return time.Duration(user+kernel) * clockTick, nil
}

// residentKB is the resident memory of a process in KiB.
func residentKB(pid int) (int64, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.SplitSeq(string(raw), "\n") {
		if text, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			return strconv.ParseInt(strings.Fields(text)[0], 10, 64)
		}
	}
	return 0, fmt.Errorf("process %d has no memory", pid)
}

// proc is a living process; start tells it from a later one of the same pid.
type proc struct {
	pid   int
	start string
	what  string
}

// alive tells whether the very process still runs. A zombie does not.
func (p proc) alive() bool {
	fields, err := stat(p.pid)
	return err == nil && fields[19] == p.start && fields[0] != "Z" && fields[0] != "X"
}

// kill ends the very process, if it still runs.
func (p proc) kill() {
	if p.alive() {
		_ = syscall.Kill(p.pid, syscall.SIGKILL)
	}
}

// newMark is a text that nothing else on the machine has in its arguments, a
// row that runs at the same time included: 19 digits, so that it can stand
// behind the point of a number too, as in "sleep 200.1234…", which has no
// other place for it.
func newMark() string { return strconv.FormatUint(1e18+rand.Uint64N(8e18), 10) }

// processesWith returns the living processes that have the mark in their
// arguments or environment, whoever started them; the server itself and this
// process must not have it.
func processesWith(mark string) (list []proc, err error) {
	paths, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil, err
	}
	for _, path := range paths {
		pid, _ := strconv.Atoi(filepath.Base(path))
		args, err := os.ReadFile(path + "/cmdline")
		if err != nil {
			continue // it is gone
		}
		environ, _ := os.ReadFile(path + "/environ")
		if !bytes.Contains(args, []byte(mark)) && !bytes.Contains(environ, []byte(mark)) {
			continue
		}
		fields, err := stat(pid)
		if err != nil || fields[0] == "Z" || fields[0] == "X" {
			continue
		}
		list = append(list, proc{pid: pid, start: fields[19], what: strings.ReplaceAll(strings.TrimRight(string(args), "\x00"), "\x00", " ")})
	}
	return list, nil
}
