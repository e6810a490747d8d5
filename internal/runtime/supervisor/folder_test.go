package supervisor

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"agentry/internal/fleet"
)

// keep makes a program's files in the folders, as drivers and programs do.
func (b *bench) keep(folders ...string) {
	b.Helper()
	for _, f := range folders {
		path := filepath.Join(b.dir, f, "sub")
		if err := os.MkdirAll(path, 0o700); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(path, "cookie"), []byte("secret"), 0o600); err != nil {
			b.Fatal(err)
		}
	}
}

// kept fails unless exactly these working folders are there.
func (b *bench) kept(want ...string) {
	b.Helper()
	synctest.Wait()
	paths, err := filepath.Glob(filepath.Join(b.dir, "*", "*"))
	if err != nil {
		b.Fatal(err)
	}
	got := []string{}
	for _, p := range paths {
		rel, err := filepath.Rel(b.dir, p)
		if err != nil {
			b.Fatal(err)
		}
		got = append(got, rel)
	}
	if !slices.Equal(got, want) {
		b.Errorf("folders %q, want %q", got, want)
	}
}

func TestAWorkingFolderLivesAsLongAsTheIncarnation(t *testing.T) {
	supervise(t, newFakeApp("a"), nil, func(b *bench) {
		b.start()
		b.keep("a/1")
		b.app.want("a", false)
		b.wake("a")
		b.kept("a/1") // paused or ended
		b.app.want("a", true)
		b.wake("a")
		b.kept("a/1")
		b.app.want("a", false)
		b.wake("a")
		b.app.live("a", 2)
		b.wake("a")
		b.kept() // relaunched
		b.keep("a/2")
		b.wake("a")
		b.kept("a/2")
		b.app.live("a", 0)
		b.wake("a")
		b.kept() // deleted
		if _, err := os.Stat(filepath.Join(b.dir, "a")); !os.IsNotExist(err) {
			b.Errorf("something is left: %v", err)
		}
	})
}

// A start may follow a relaunch so soon that nobody saw the agent at rest.
func TestARunFindsNothingOfAnotherIncarnation(t *testing.T) {
	a := newFakeApp("a")
	a.live("a", 2)
	supervise(t, a, nil, func(b *bench) {
		b.keep("a/1", "a/2")
		b.start()
		b.kept("a/2")
		if dir := b.driver.Started()[0].Dir; dir != filepath.Join(b.dir, "a/2") {
			b.Errorf("the run works in %s", dir)
		}
	})
}

func TestFoldersOfTheDeadAreRemovedAtTheStart(t *testing.T) {
	gone, relaunched, paused := fleet.NewID(time.Now()), fleet.NewID(time.Now()), fleet.NewID(time.Now())
	a := newFakeApp()
	a.live(fleet.AgentID(relaunched), 3)
	a.live(fleet.AgentID(paused), 1)
	supervise(t, a, nil, func(b *bench) {
		b.keep(gone+"/1", relaunched+"/2", relaunched+"/3", paused+"/1", "no-agent/1")
		b.start()
		want := []string{relaunched + "/3", paused + "/1", "no-agent/1"}
		slices.Sort(want)
		b.kept(want...)
		if calls := b.app.list("begin"); len(calls) != 2 {
			b.Errorf("asked for runs: %q", calls)
		}
	})
}

func TestFoldersStayWhileNobodyKnowsWhoseTheyAre(t *testing.T) {
	supervise(t, newFakeApp("a"), nil, func(b *bench) {
		b.start()
		b.keep("a/1")
		b.app.setBroken("incarnation", true)
		b.app.want("a", false)
		b.wake("a")
		b.kept("a/1")
	})
}

func TestRemoveFolder(t *testing.T) {
	dir := t.TempDir()
	locked := filepath.Join(dir, "x", "locked")
	if err := os.MkdirAll(locked, 0o700); err != nil {
		t.Fatal(err)
	}
	outside := filepath.Join(dir, "outside")
	if err := os.WriteFile(outside, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(dir, filepath.Join(locked, "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(locked, 0); err != nil {
		t.Fatal(err)
	}
	if err := removeFolder(filepath.Join(dir, "x")); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 || left[0].Name() != "outside" {
		t.Errorf("left: %v, %v", left, err)
	}
}
