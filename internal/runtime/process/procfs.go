package process

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// maxEnviron bounds how much of a process's environment is read.
const maxEnviron = 1 << 20

// kernelThread is the flag of the kernel's own threads (PF_KTHREAD).
const kernelThread = 0x00200000

// stat is what /proc/PID/stat says of a process.
type stat struct {
	state  byte   // Z and X are dead
	group  int    // process group
	start  uint64 // clock ticks since the machine's start
	kernel bool   // a thread of the kernel
	// environ is false while a process executes a program or dies, and where
	// we may not see: it then has no environment to read.
	environ bool
}

func (s stat) alive() bool { return s.state != 'Z' && s.state != 'X' }

func readStat(pid int) (stat, error) {
	raw, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return stat{}, err
	}
	// The second field is the program's name in parentheses; it may hold
	// anything, so the others are counted from its last parenthesis.
	end := bytes.LastIndexByte(raw, ')')
	fields := strings.Fields(string(raw[end+1:]))
	if end < 0 || len(fields) < 49 {
		return stat{}, fmt.Errorf("process %d: cannot read its state", pid)
	}
	group, err1 := strconv.Atoi(fields[2])
	flags, err2 := strconv.ParseUint(fields[6], 10, 64)
	start, err3 := strconv.ParseUint(fields[19], 10, 64)
	if err := errors.Join(err1, err2, err3); err != nil {
		return stat{}, fmt.Errorf("process %d: cannot read its state: %w", pid, err)
	}
	return stat{
		state: fields[0][0], group: group, start: start, kernel: flags&kernelThread != 0, environ: fields[48] != "0",
	}, nil
}

// pids lists the processes there are.
func pids() ([]int, error) {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	out := make([]int, 0, len(names))
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			out = append(out, pid)
		}
	}
	return out, nil
}

// environOf reads the environment a process was started with into buf, which
// grows where needed. It fails for a process that is gone or not ours to see.
func environOf(pid int, buf *bytes.Buffer) ([]byte, error) {
	buf.Reset()
	f, err := os.Open("/proc/" + strconv.Itoa(pid) + "/environ")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	_, err = buf.ReadFrom(io.LimitReader(f, maxEnviron))
	return buf.Bytes(), err
}

// countGroups counts the living processes of every process group.
func countGroups() map[int]int {
	out := map[int]int{}
	all, err := pids()
	if err != nil {
		return out
	}
	for _, pid := range all {
		if s, err := readStat(pid); err == nil && s.alive() {
			out[s.group]++
		}
	}
	return out
}

// bootID names the time since the machine's start: pids and start times of
// another one say nothing.
func bootID() (string, error) {
	raw, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", err
	}
	id, _, _ := strings.Cut(strings.TrimSpace(string(raw)), "-")
	return id, nil
}

// handle names a process so that a later server finds the same one or none.
// As text it is "pid:start:boot:instance": a copy of the installation must not
// take the original's programs for its own.
type handle struct {
	pid      int
	start    uint64
	boot     string
	instance string
}

func (h handle) String() string {
	return fmt.Sprintf("%d:%d:%s:%s", h.pid, h.start, h.boot, h.instance)
}

func parseHandle(s string) (handle, bool) {
	parts := strings.SplitN(s, ":", 4)
	if len(parts) != 4 {
		return handle{}, false
	}
	pid, err1 := strconv.Atoi(parts[0])
	start, err2 := strconv.ParseUint(parts[1], 10, 64)
	if err1 != nil || err2 != nil || pid < 2 {
		return handle{}, false
	}
	return handle{pid: pid, start: start, boot: parts[2], instance: parts[3]}, true
}
