package process

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"agentry/internal/fleet"
)

// group is the control group of one run: a folder of the same name in each
// hierarchy that is needed for it. nil is none.
type group struct {
	dirs []dir
}

type dir struct {
	*hierarchy
	path string
}

// newGroup makes the group of a run with its limits; nil without error where
// there are no control groups.
func (c cgroups) newGroup(key runKey, limits fleet.ProgramLimits) (*group, error) {
	g := &group{}
	for _, h := range c.all {
		pids := h.has(pidsGroup) && (limits.Pids > 0 || c.unified == nil)
		if !h.unified && !pids && (!h.has(memoryGroup) || limits.MemoryBytes <= 0) {
			continue
		}
		d := dir{hierarchy: h, path: filepath.Join(h.home, key.String())}
		err := os.Mkdir(d.path, 0o755)
		if errors.Is(err, os.ErrNotExist) { // another server tidied up
			err = errors.Join(h.makeHome(), os.Mkdir(d.path, 0o755))
		}
		if err != nil && !errors.Is(err, os.ErrExist) {
			g.remove()
			return nil, fmt.Errorf("process: control group: %w", err)
		}
		g.dirs = append(g.dirs, d)
	}
	if len(g.dirs) == 0 {
		return nil, nil
	}
	if err := g.limit(limits); err != nil {
		g.remove()
		return nil, err
	}
	return g, nil
}

// limit sets what a run may take. The thread that forks is counted for a
// moment in version 1.
func (g *group) limit(limits fleet.ProgramLimits) error {
	var errs []error
	for _, d := range g.dirs {
		if d.has(pidsGroup) && limits.Pids > 0 {
			most := limits.Pids
			if !d.unified {
				most++
			}
			errs = append(errs, put(d.path, "pids.max", strconv.Itoa(most)))
		}
		if !d.has(memoryGroup) || limits.MemoryBytes <= 0 {
			continue
		}
		bytes := strconv.FormatInt(limits.MemoryBytes, 10)
		if d.unified {
			errs = append(errs, put(d.path, "memory.max", bytes))
			_ = put(d.path, "memory.oom.group", "1") // where the kernel has it, and swap
			_ = put(d.path, "memory.swap.max", "0")
			continue
		}
		errs = append(errs, put(d.path, "memory.limit_in_bytes", bytes))
		_ = put(d.path, "memory.memsw.limit_in_bytes", bytes) // where swap is counted
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("process: limits of a control group: %w", err)
	}
	return nil
}

// settle takes back what limit allowed for the fork.
func (g *group) settle(limits fleet.ProgramLimits) {
	for _, d := range g.dirs {
		if d.has(pidsGroup) && !d.unified && limits.Pids > 0 {
			_ = put(d.path, "pids.max", strconv.Itoa(limits.Pids)) // one more is no harm
		}
	}
}

// enter puts the calling thread, and so its children, into the folders of
// version 1, until leave. It must be locked to its goroutine.
func (g *group) enter() (leave func(), err error) {
	leave = func() {
		for _, d := range g.dirs {
			if !d.unified {
				_ = put(d.base, "tasks", "0") // it came from there
			}
		}
	}
	for _, d := range g.dirs {
		if d.unified {
			continue
		}
		if err := put(d.path, "tasks", "0"); err != nil {
			leave()
			return nil, fmt.Errorf("process: enter a control group: %w", err)
		}
	}
	return leave, nil
}

// unified is version 2's folder, "" where there is none.
func (g *group) unified() string {
	for _, d := range g.dirs {
		if d.hierarchy.unified {
			return d.path
		}
	}
	return ""
}

// bounds tells whether the group has the controller.
func (g *group) bounds(controller string) bool {
	if g == nil {
		return false
	}
	for _, d := range g.dirs {
		if d.has(controller) {
			return true
		}
	}
	return false
}

// exceeded says which limit the run met, "" for none.
func (g *group) exceeded(limits fleet.ProgramLimits) string {
	if g == nil {
		return ""
	}
	for _, d := range g.dirs {
		events := "memory.events"
		if !d.unified {
			events = "memory.oom_control"
		}
		if limits.MemoryBytes > 0 && d.has(memoryGroup) && count(d.path, events, "oom_kill") > 0 {
			return tooMuchMemory(limits)
		}
		if limits.Pids > 0 && d.has(pidsGroup) && count(d.path, "pids.events", "max") > 0 {
			return tooManyProcesses(limits)
		}
	}
	return ""
}

// kill kills everything in the group; call it again until remove says that
// nothing is left.
func (g *group) kill() {
	if g == nil {
		return
	}
	for _, d := range g.dirs {
		killTree(d.path)
	}
}

// remove tells whether nothing is left of the group.
func (g *group) remove() (gone bool) {
	if g == nil {
		return true
	}
	gone = true
	for _, d := range g.dirs {
		if !removeTree(d.path) {
			gone = false
		}
	}
	return gone
}

// killTree kills the processes of a group and of all groups in it. Where the
// kernel cannot do that at once (version 1; version 2 before Linux 5.14) it
// lets no more come, as far as it can: a fork that is under way is found the
// next time.
func killTree(group string) {
	if put(group, "cgroup.kill", "1") == nil {
		return
	}
	entries, _ := os.ReadDir(group)
	for _, e := range entries {
		if e.IsDir() {
			killTree(filepath.Join(group, e.Name()))
		}
	}
	_ = put(group, "pids.max", "0")
	_ = put(group, "cgroup.freeze", "1") // a frozen process can be killed
	for _, word := range words(group, procsFile) {
		if pid, err := strconv.Atoi(word); err == nil && pid > 1 && pid != os.Getpid() {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

// removeTree removes a group with all groups in it; it fails while a process
// is in one.
func removeTree(group string) (gone bool) {
	err := os.Remove(group)
	if err == nil || errors.Is(err, os.ErrNotExist) {
		return true
	}
	entries, _ := os.ReadDir(group)
	for _, e := range entries {
		if e.IsDir() {
			removeTree(filepath.Join(group, e.Name()))
		}
	}
	err = os.Remove(group)
	return err == nil || errors.Is(err, os.ErrNotExist)
}
