package process

import (
	"bytes"
	"os"
	"strconv"
)

// alive tells whether a process runs; one that is gone or dead and not yet
// reaped does not.
func alive(pid int) bool {
	raw, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return false
	}
	// The second field is the program's name in parentheses; it may hold
	// anything.
	state := raw[bytes.LastIndexByte(raw, ')')+1:]
	return len(state) > 1 && state[1] != 'Z' && state[1] != 'X'
}

// threads is how many threads a process has, 0 when it is gone.
func threads(pid int) int {
	raw, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	fields := bytes.Fields(raw[bytes.LastIndexByte(raw, ')')+1:])
	if len(fields) < 18 {
		return 0
	}
	n, _ := strconv.Atoi(string(fields[17]))
	return n
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
