package process

import (
	"bytes"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"strconv"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// tag names a run on every process of it: as the process's limit of file
// locks (RLIMIT_LOCKS), which the kernel keeps, gives to children, leaves alone
// when a program is executed, and has not enforced since Linux 2.4. Leaving
// the group and the session, clearing the environment, closing descriptors and
// changing the folder do not remove it; only asking for another limit of file
// locks does. Its upper half names the installation, the lower half the run.
type tag uint64

// taggedBit keeps tags apart from limits that anybody sets.
const taggedBit = 1 << 62

// tagger gives every run of one installation a tag of its own.
type tagger struct {
	installation tag
	last         atomic.Uint32
}

func newTagger(instance string) *tagger {
	h := fnv.New32a()
	h.Write([]byte(instance)) // cannot fail
	t := &tagger{installation: taggedBit | tag(h.Sum32()>>2)<<32}
	t.last.Store(rand.Uint32())
	return t
}

func (t *tagger) next() tag { return t.installation | tag(t.last.Add(1)) }

// ours tells whether the tag is of a run of this installation.
func (t *tagger) ours(x tag) bool { return x>>32 == t.installation>>32 }

// tagThisProcess makes the children to come carry the tag from their first
// instruction, until undo.
func tagThisProcess(t tag) (undo func(), err error) {
	var old unix.Rlimit
	if err := unix.Prlimit(0, unix.RLIMIT_LOCKS, nil, &old); err != nil {
		return nil, fmt.Errorf("process: limit of file locks: %w", err)
	}
	if err := unix.Prlimit(0, unix.RLIMIT_LOCKS, &unix.Rlimit{Cur: uint64(t), Max: old.Max}, nil); err != nil {
		return nil, fmt.Errorf("process: limit of file locks: %w; start the server with \"ulimit -x unlimited\"", err)
	}
	return func() { _ = unix.Prlimit(0, unix.RLIMIT_LOCKS, &old, nil) }, nil // an old value can be set again
}

// tagOf returns a process's tag, or whatever its limit of file locks is; 0
// when the process is gone or not ours to see.
func tagOf(pid int) tag {
	var limit unix.Rlimit
	err := unix.Prlimit(pid, unix.RLIMIT_LOCKS, nil, &limit)
	if errors.Is(err, unix.EPERM) && os.Geteuid() == 0 {
		return tagInText(pid)
	}
	if err != nil {
		return 0
	}
	return tag(limit.Cur)
}

// tagInText reads the tag where the kernel does not answer: root in a
// container may not ask for the limits of other users' processes.
func tagInText(pid int) tag {
	raw, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/limits")
	if err != nil {
		return 0
	}
	_, line, _ := bytes.Cut(raw, []byte("\nMax file locks "))
	fields := bytes.Fields(line)
	if len(fields) == 0 {
		return 0
	}
	n, _ := strconv.ParseUint(string(fields[0]), 10, 64) // unlimited is no tag
	return tag(n)
}
