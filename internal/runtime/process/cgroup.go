package process

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The controllers that are of use here.
const (
	pidsGroup   = "pids"
	memoryGroup = "memory"
)

// homePrefix begins the names of the installations' folders.
const homePrefix = "agentry-"

// serverLeaf is where this process goes when the kernel wants a group either
// to have processes or to divide its resources (version 2).
const serverLeaf = homePrefix + "server"

// hierarchy is one tree of control groups in which this process may make its
// own: version 2, or one or more controllers of version 1.
type hierarchy struct {
	mount       string
	base        string // this process's group
	home        string // in base: the folder of this installation's groups
	unified     bool   // version 2
	controllers []string
}

func (h *hierarchy) has(controller string) bool { return slices.Contains(h.controllers, controller) }

// cgroups are the control groups this process may use. The zero value is none.
type cgroups struct {
	name string // of home
	all  []*hierarchy
	// unified is the one of version 2, nil where there is none.
	unified *hierarchy
}

// findCgroups looks where this process may make groups. What the kernel or the
// host refuses is not used; a program is then bounded by less (see Driver).
func findCgroups(instance string, log *slog.Logger) cgroups {
	c := cgroups{name: homePrefix + strings.ReplaceAll(instance, "/", "-")}
	mounts, err1 := os.ReadFile("/proc/self/mountinfo")
	groups, err2 := os.ReadFile("/proc/self/cgroup")
	if err := errors.Join(err1, err2); err != nil {
		log.Debug("no control groups", "error", err)
		return c
	}
	for _, h := range parseHierarchies(string(mounts), string(groups)) {
		h.home = filepath.Join(h.base, c.name)
		if err := h.prepare(); err != nil {
			log.Debug("a control group is not for us", "group", h.base, "error", err)
			continue
		}
		if h.unified {
			c.unified = h
		}
		c.all = append(c.all, h)
	}
	return c
}

// parseHierarchies reads /proc/self/mountinfo and /proc/self/cgroup (see
// proc(5) and cgroups(7)): where each useful hierarchy is mounted, and which
// group in it this process is in.
func parseHierarchies(mounts, groups string) []*hierarchy {
	own := map[string]string{} // by controllers; version 2 has none
	for line := range strings.Lines(groups) {
		if parts := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3); len(parts) == 3 {
			own[parts[1]] = parts[2]
		}
	}
	var out []*hierarchy
	seen := map[string]bool{}
	for line := range strings.Lines(mounts) {
		place, kind, ok := strings.Cut(line, " - ")
		before, after := strings.Fields(place), strings.Fields(kind)
		if !ok || len(before) < 6 || len(after) < 3 || strings.ContainsRune(before[4], '\\') {
			continue
		}
		h := &hierarchy{mount: before[4], unified: after[0] == "cgroup2"}
		controllers := ""
		if after[0] == "cgroup" {
			controllers = ofVersion1(after[2], own)
		}
		group, known := own[controllers]
		inside, below := strings.CutPrefix(group+"/", strings.TrimSuffix(before[3], "/")+"/")
		if !known || !below || seen[controllers] || !h.unified && controllers == "" {
			continue
		}
		for _, c := range []string{pidsGroup, memoryGroup} {
			if slices.Contains(strings.Split(controllers, ","), c) {
				h.controllers = append(h.controllers, c)
			}
		}
		if h.unified || len(h.controllers) > 0 {
			seen[controllers] = true
			h.base = filepath.Join(h.mount, inside)
			out = append(out, h)
		}
	}
	return out
}

// ofVersion1 returns the controllers of a mount as /proc/self/cgroup writes
// them. A hierarchy with cpuset is none: its groups begin without processors.
func ofVersion1(options string, own map[string]string) string {
	mounted := strings.Split(options, ",")
	for controllers := range own {
		list := strings.Split(controllers, ",")
		all := !slices.ContainsFunc(list, func(c string) bool { return !slices.Contains(mounted, c) })
		if controllers != "" && all && !slices.Contains(list, "cpuset") {
			return controllers
		}
	}
	return ""
}

// prepare makes home, and in version 2 lets it divide what it can.
func (h *hierarchy) prepare() error {
	if h.unified && filepath.Base(h.base) == serverLeaf {
		h.base = filepath.Dir(h.base)
		h.home = filepath.Join(h.base, filepath.Base(h.home))
	}
	if err := h.makeHome(); err != nil {
		return err
	}
	if !h.unified {
		return nil
	}
	if kind := words(h.home, typeFile); !slices.Equal(kind, []string{"domain"}) {
		_ = os.Remove(h.home)
		return fmt.Errorf("a group in it is %q", kind)
	}
	h.controllers = delegate(h.base, h.home)
	return nil
}

// makeHome makes home where it is not there, or not any more.
func (h *hierarchy) makeHome() error {
	if err := os.Mkdir(h.home, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if h.unified {
		enable(h.home, h.controllers)
	}
	return nil
}

// delegate lets home give controllers to its groups, and returns which it can.
// A group that has processes cannot divide its memory, and one that divides
// only its processes' number has no whole groups in it any more; so this
// process goes to a leaf of its own first, and comes back when it is not alone.
func delegate(base, home string) []string {
	var want []string
	for _, c := range words(base, "cgroup.controllers") {
		if c == pidsGroup || c == memoryGroup {
			want = append(want, c)
		}
	}
	if !gives(base, want) {
		_, err := os.Stat(filepath.Join(base, typeFile))
		root := errors.Is(err, fs.ErrNotExist) // which may have both
		if !root && !stepAside(base) {
			return nil
		}
		enable(base, want)
		if !root && !gives(base, want) {
			stepBack(base)
		}
	}
	enable(home, words(home, "cgroup.controllers"))
	return words(home, subtreeFile)
}

// stepAside moves this process to a leaf and tells whether base is empty then;
// where it is not, everything is as before.
func stepAside(base string) bool {
	leaf := filepath.Join(base, serverLeaf)
	if err := os.Mkdir(leaf, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return false
	}
	err := put(leaf, procsFile, strconv.Itoa(os.Getpid()))
	if err == nil && len(words(base, procsFile)) == 0 {
		return true
	}
	stepBack(base)
	return false
}

func stepBack(base string) {
	_ = put(base, procsFile, strconv.Itoa(os.Getpid())) // it came from there
	_ = os.Remove(filepath.Join(base, serverLeaf))      // unless another server is in it
}

// enable gives a group's own groups the controllers, all or none.
func enable(group string, controllers []string) {
	if !gives(group, controllers) {
		_ = put(group, subtreeFile, "+"+strings.Join(controllers, " +")) // seen by who asks
	}
}

// gives tells whether a group gives its own groups all the controllers.
func gives(group string, controllers []string) bool {
	have := words(group, subtreeFile)
	return !slices.ContainsFunc(controllers, func(c string) bool { return !slices.Contains(have, c) })
}

const (
	subtreeFile = "cgroup.subtree_control"
	typeFile    = "cgroup.type"
)

const procsFile = "cgroup.procs"

func put(group, file, text string) error {
	f, err := os.OpenFile(filepath.Join(group, file), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

func words(group, file string) []string {
	raw, err := os.ReadFile(filepath.Join(group, file))
	if err != nil {
		return nil
	}
	return strings.Fields(string(raw))
}

// count reads one line "name N" of a group's file; 0 where there is none.
func count(group, file, name string) int64 {
	raw, err := os.ReadFile(filepath.Join(group, file))
	if err != nil {
		return 0
	}
	for line := range bytes.Lines(raw) {
		if text, ok := bytes.CutPrefix(line, []byte(name+" ")); ok {
			n, _ := strconv.ParseInt(string(bytes.TrimSpace(text)), 10, 64)
			return n
		}
	}
	return 0
}

// stale returns the groups of this installation's runs, wherever in the
// hierarchies a former server made them.
func (c cgroups) stale() []string {
	var out []string
	for _, h := range c.all {
		_ = filepath.WalkDir(h.mount, func(path string, e fs.DirEntry, err error) error {
			if err != nil || !e.IsDir() || e.Name() != c.name {
				return nil // what cannot be read is not ours
			}
			runs, _ := os.ReadDir(path)
			for _, run := range runs {
				if run.IsDir() {
					out = append(out, filepath.Join(path, run.Name()))
				}
			}
			return fs.SkipDir
		})
	}
	return out
}

// tidyAge is how old a group must be that is taken for one of a server that is
// gone: a living one fills it at once.
const tidyAge = time.Minute

// tidy removes what killed servers left that will not start again: the empty
// groups of other installations beside home.
func (c cgroups) tidy(now time.Time) {
	for _, h := range c.all {
		homes, _ := filepath.Glob(filepath.Join(h.base, homePrefix+"*"))
		for _, home := range homes {
			if base := filepath.Base(home); base == c.name || base == serverLeaf {
				continue
			}
			runs, _ := filepath.Glob(filepath.Join(home, "*", procsFile))
			for _, file := range runs {
				removeOld(filepath.Dir(file), now)
			}
			removeOld(home, now)
		}
	}
}

// removeOld removes a group that is old, unless something is in it.
func removeOld(group string, now time.Time) {
	if info, err := os.Stat(group); err == nil && now.Sub(info.ModTime()) > tidyAge {
		_ = os.Remove(group)
	}
}

// close removes home from every hierarchy, unless something is left in it.
func (c cgroups) close() {
	for _, h := range c.all {
		_ = os.Remove(h.home)
	}
}

// describe says in a few words what holds, for the log.
func (c cgroups) describe(controller string) string {
	for _, h := range c.all {
		switch {
		case !h.has(controller):
		case h.unified:
			return "cgroup v2"
		default:
			return "cgroup v1"
		}
	}
	return fmt.Sprintf("no cgroup for %s", controller)
}
