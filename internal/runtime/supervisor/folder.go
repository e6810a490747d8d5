package supervisor

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"agentry/internal/fleet"
)

// An agent's programs work in a folder of its own, a new one for each
// incarnation: what a program keeps there survives restarts, pauses and the
// end, and goes with the relaunch or the deletion.

func (s *Supervisor) foldersOf(id fleet.AgentID) string { return filepath.Join(s.conf.Dir, string(id)) }

// folder is where the agent's last run works.
func (a *agent) folder() string {
	return filepath.Join(a.s.foldersOf(a.id), strconv.Itoa(a.incarnation))
}

// clear removes the folders that an agent without a program is not to have any
// more. It belongs to the agent's goroutine, so that no run begins meanwhile.
func (a *agent) clear() {
	if _, err := os.Lstat(a.s.foldersOf(a.id)); errors.Is(err, fs.ErrNotExist) {
		return
	}
	n, err := a.s.conf.App.Incarnation(a.s.ctx, a.id)
	if err != nil {
		a.s.conf.Log.Warn("cannot ask whose a working folder is", "agent_id", a.id, "error", err)
		return
	}
	a.clearBut(n)
}

// clearBut removes all folders but the incarnation's; 0 is none.
func (a *agent) clearBut(incarnation int) {
	for _, path := range a.s.leftovers(a.id, incarnation) {
		if err := removeFolder(path); err != nil {
			a.s.conf.Log.Warn("cannot remove a working folder", "agent_id", a.id, "error", err)
		}
	}
}

// leftovers returns what is in an agent's folder beside its incarnation's, or
// that whole folder when there is no incarnation.
func (s *Supervisor) leftovers(id fleet.AgentID, incarnation int) []string {
	if incarnation == 0 {
		return []string{s.foldersOf(id)}
	}
	entries, err := os.ReadDir(s.foldersOf(id))
	if err != nil {
		return nil // there is none
	}
	var out []string
	for _, e := range entries {
		if e.Name() != strconv.Itoa(incarnation) {
			out = append(out, filepath.Join(s.foldersOf(id), e.Name()))
		}
	}
	return out
}

// sweep wakes the agents that have a folder they are not to have, such as those
// that were deleted just before the server was killed.
func (s *Supervisor) sweep() {
	folders, err := os.ReadDir(s.conf.Dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.conf.Log.Warn("cannot list the working folders", "error", err)
	}
	for _, f := range folders {
		text, ok := fleet.ParseID(f.Name())
		if s.quitting() {
			return
		}
		if !ok {
			continue
		}
		id, n := fleet.AgentID(text), 0
		if !s.insist("cannot ask whose a working folder is", id, func(ctx context.Context) (err error) {
			n, err = s.conf.App.Incarnation(ctx, id)
			return err
		}) {
			return
		}
		if len(s.leftovers(id, n)) > 0 {
			s.Wake(id)
		}
	}
}

// removeFolder removes a folder with all that is in it, also what a program
// locked itself out of.
func removeFolder(path string) error {
	if os.RemoveAll(path) == nil {
		return nil
	}
	_ = filepath.WalkDir(path, func(p string, e fs.DirEntry, err error) error {
		if err == nil && e.IsDir() {
			_ = os.Chmod(p, 0o700) // what cannot be changed cannot be removed
		}
		return nil
	})
	return os.RemoveAll(path)
}
