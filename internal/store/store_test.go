package store

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"agentry/internal/fleet"
)

var errMine = errors.New("mine")

// Waiting writes share a commit, yet each succeeds or fails for itself.
func TestOneWritesFailureIsNotAnothers(t *testing.T) {
	t.Parallel()
	var commits int
	s := openStore(t, Options{Committed: func(...fleet.Event) { commits++ }})
	waiting, release := hold(t, s)
	const writes = 60
	results := make([]error, writes)
	panics := make([]any, writes)
	gone, leave := context.WithCancel(context.Background())
	var all sync.WaitGroup
	for i := range writes {
		all.Go(func() {
			defer func() { panics[i] = recover() }()
			ctx := context.Background()
			if i%5 == 3 {
				ctx = gone
			}
			results[i] = s.Write(ctx, func(tx *Tx) error {
				if err := tx.SetMeta(fmt.Sprint("w", i), "here"); err != nil {
					return err
				}
				if err := tx.AddEvent(fleet.Event{TeamID: teamA, AgentID: fleet.AgentID(fmt.Sprint("w", i)), Type: "x", At: t0}); err != nil {
					return err
				}
				switch i % 5 {
				case 1:
					return errMine
				case 2:
					panic(fmt.Sprint("oh ", i))
				case 4:
					return tx.run(`INSERT INTO teams (id, name, created_at) VALUES ($1, 'again', 0)`, teamA)
				}
				return nil
			})
		})
	}
	waiting(writes)
	leave()
	release()
	all.Wait()
	kept := map[string]bool{}
	var events []fleet.Event
	mustRead(t, s, func(tx *Tx) (err error) {
		for i := range writes {
			name := fmt.Sprint("w", i)
			v, err := tx.Meta(name)
			if kept[name] = v == "here"; err != nil {
				return err
			}
		}
		events, err = tx.EventsAfter(teamA, 0, 1000)
		return err
	})
	for i := range writes {
		name := fmt.Sprint("w", i)
		var ok bool
		switch i % 5 {
		case 0:
			ok = results[i] == nil && panics[i] == nil && kept[name]
		case 1:
			ok = errors.Is(results[i], errMine) && panics[i] == nil && !kept[name]
		case 2:
			ok = strings.HasPrefix(fmt.Sprint(panics[i]), fmt.Sprint("oh ", i, "\n")) && !kept[name]
		case 3:
			ok = errors.Is(results[i], context.Canceled) && panics[i] == nil && !kept[name]
		case 4:
			ok = isDuplicate(results[i]) && panics[i] == nil && !kept[name]
		}
		told := slices.ContainsFunc(events, func(e fleet.Event) bool { return string(e.AgentID) == name })
		if !ok || told != (i%5 == 0) {
			t.Errorf("write %d: %v, panic %v, kept %v, event %v", i, results[i], panics[i], kept[name], told)
		}
	}
	if commits != writes/5 {
		t.Errorf("%d writes announced their events, want %d", commits, writes/5)
	}
}

func TestEventsAreHeardInOrderAndBeforeTheWriterGoesOn(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var heard []int64
	s := openStore(t, Options{Committed: func(events ...fleet.Event) {
		mu.Lock()
		defer mu.Unlock()
		for _, e := range events {
			heard = append(heard, e.Seq)
		}
	}})
	var all sync.WaitGroup
	for w := range 16 {
		all.Go(func() {
			for i := range 20 {
				var mine fleet.Event
				err := s.Write(context.Background(), func(tx *Tx) error {
					for range 1 + i%3 {
						if err := tx.AddEvent(fleet.Event{TeamID: teamA, AgentID: fleet.AgentID(fmt.Sprint(w)), Type: "x", At: t0}); err != nil {
							return err
						}
					}
					mine = tx.events[len(tx.events)-1]
					if i%4 == 3 {
						return errMine
					}
					return nil
				})
				mu.Lock()
				known := slices.Contains(heard, mine.Seq)
				mu.Unlock()
				// A seq that was rolled back may have been given again.
				if err == nil && !known {
					t.Errorf("write %d/%d returned before its event %d was heard", w, i, mine.Seq)
				}
			}
		})
	}
	all.Wait()
	var stored []int64
	var first int64
	var last fleet.EventMark
	mustRead(t, s, func(tx *Tx) error {
		list, err := tx.EventsAfter(teamA, 0, 10_000)
		for _, e := range list {
			stored = append(stored, e.Seq)
		}
		if err == nil {
			first, last, err = tx.LastEvent()
		}
		return err
	})
	if !slices.Equal(heard, stored) || !slices.IsSorted(heard) || len(heard) < 16*15 {
		t.Errorf("heard %d events, stored %d, sorted %v", len(heard), len(stored), slices.IsSorted(heard))
	}
	if first != stored[0] || last.Seq != stored[len(stored)-1] {
		t.Errorf("first %d, last %v", first, last)
	}
}

func TestEventsAfter(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{})
	mustWrite(t, s, func(tx *Tx) error {
		for i := range 10 {
			team := teamA
			if i%2 == 1 {
				team = teamB
			}
			if err := tx.AddEvent(fleet.Event{TeamID: team, Type: fmt.Sprint("e", i), At: t0.AddDate(0, 0, i)}); err != nil {
				return err
			}
		}
		return nil
	})
	types := func(after int64, limit int) (out []string) {
		mustRead(t, s, func(tx *Tx) error {
			list, err := tx.EventsAfter(teamA, after, limit)
			for _, e := range list {
				out = append(out, e.Type)
			}
			return err
		})
		return out
	}
	if got := types(0, 100); !slices.Equal(got, []string{"e0", "e2", "e4", "e6", "e8"}) {
		t.Error(got)
	}
	if got := types(3, 2); !slices.Equal(got, []string{"e4", "e6"}) {
		t.Error(got)
	}
	drop := func(before time.Time, keep, limit, want int64) {
		t.Helper()
		mustWrite(t, s, func(tx *Tx) error {
			n, err := tx.DropEvents(before, keep, limit)
			if n != want {
				t.Errorf("%d are gone, want %d", n, want)
			}
			return err
		})
	}
	drop(t0.AddDate(0, 0, 5), 100, 3, 3)
	drop(t0.AddDate(0, 0, 5), 100, 3, 2)
	if got := types(0, 100); !slices.Equal(got, []string{"e6", "e8"}) {
		t.Error(got)
	}
	drop(t0, 3, 100, 2) // e5 and e6
	if got := types(0, 100); !slices.Equal(got, []string{"e8"}) {
		t.Error(got)
	}
	// The newest stays, so that its number is not given again.
	drop(t0.AddDate(1, 0, 0), 0, 100, 2)
	mustRead(t, s, func(tx *Tx) error {
		_, last, err := tx.LastEvent()
		if last.Seq != 10 {
			t.Errorf("last is %d", last.Seq)
		}
		return err
	})
}

// An event of an old time in the middle of the sequence is not forgotten before
// those that are older in it: a reader's place in front of it would have a gap.
func TestDropEventsLeavesNoGap(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{})
	mustWrite(t, s, func(tx *Tx) error {
		for _, days := range []int{1, 9, 2, 3, 9, 9} {
			if err := tx.AddEvent(fleet.Event{TeamID: teamA, Type: "x", At: t0.AddDate(0, 0, days)}); err != nil {
				return err
			}
		}
		return nil
	})
	for _, c := range []struct {
		keep, gone int64
		left       []int64
	}{
		{100, 1, []int64{2, 3, 4, 5, 6}}, // 3 and 4 are older than it
		{3, 2, []int64{4, 5, 6}},         // too many: what came first goes first
		{3, 1, []int64{5, 6}},            // now it is the oldest
	} {
		var left []int64
		var gone int64
		mustWrite(t, s, func(tx *Tx) (err error) {
			gone, err = tx.DropEvents(t0.AddDate(0, 0, 5), c.keep, 100)
			return err
		})
		mustRead(t, s, func(tx *Tx) error {
			list, err := tx.EventsAfter(teamA, 0, 100)
			for _, e := range list {
				left = append(left, e.Seq)
			}
			return err
		})
		if gone != c.gone || !slices.Equal(left, c.left) {
			t.Errorf("keeping %d: %d are gone, %v are left, want %v", c.keep, gone, left, c.left)
		}
	}
}

// What was acknowledged while the store closed is in the file; what was not
// said it could not.
func TestCloseDuringWrites(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.db")
	s, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	acked := map[string]bool{}
	enough := make(chan struct{})
	var all sync.WaitGroup
	for w := range 16 {
		all.Go(func() {
			for i := 0; ; i++ {
				name := fmt.Sprintf("w%d.%d", w, i)
				err := s.Write(context.Background(), func(tx *Tx) error { return tx.SetMeta(name, "x") })
				if err != nil {
					if fleet.CodeOf(err) != fleet.CodeUnavailable {
						t.Errorf("%v", err)
					}
					return
				}
				mu.Lock()
				if acked[name] = true; len(acked) == 200 {
					close(enough)
				}
				mu.Unlock()
			}
		})
	}
	<-enough
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Error(err)
	}
	all.Wait()
	if err := s.Write(context.Background(), func(*Tx) error { t.Error("ran"); return nil }); fleet.CodeOf(err) != fleet.CodeUnavailable {
		t.Error(err)
	}
	s, err = Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for name := range acked {
		mustRead(t, s, func(tx *Tx) error {
			v, err := tx.Meta(name)
			if v != "x" {
				t.Errorf("%s was acknowledged and is lost", name)
			}
			return err
		})
	}
}

// A disk that is full fails the writes it has no room for, says so, and lets
// what comes after it through once there is room.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{Fatal: func(err error) { t.Error("fatal", err) }})
	var pages int
	if err := s.writer.QueryRow(`PRAGMA page_count`).Scan(&pages); err != nil {
		t.Fatal(err)
	}
	limit := func(n int) {
		if _, err := s.writer.Exec(fmt.Sprintf(`PRAGMA max_page_count = %d`, n)); err != nil {
			t.Fatal(err)
		}
	}
	limit(pages + 4)
	waiting, release := hold(t, s)
	const writes = 9
	results := make([]error, writes)
	var all sync.WaitGroup
	for i := range writes {
		all.Go(func() {
			size := 10
			if i == 4 {
				size = 1 << 20
			}
			results[i] = s.Write(context.Background(), func(tx *Tx) error { return tx.SetMeta(fmt.Sprint("w", i), strings.Repeat("x", size)) })
		})
		waiting(i + 1)
	}
	release()
	all.Wait()
	mustRead(t, s, func(tx *Tx) error {
		for i := range writes {
			v, err := tx.Meta(fmt.Sprint("w", i))
			if err != nil {
				return err
			}
			if (results[i] == nil) != (v != "") {
				t.Errorf("write %d: %v, yet %d bytes are stored", i, results[i], len(v))
			}
			if results[i] != nil && fleet.CodeOf(results[i]) != fleet.CodeDiskFull {
				t.Errorf("write %d: %v", i, results[i])
			}
		}
		return nil
	})
	if results[4] == nil {
		t.Error("a megabyte found room on a full disk")
	}
	if err := s.Write(context.Background(), func(tx *Tx) error { return tx.SetMeta("small", "x") }); err != nil {
		t.Error("there is room for a small write:", err)
	}
	limit(1 << 20)
	mustWrite(t, s, func(tx *Tx) error { return tx.SetMeta("big", strings.Repeat("x", 1<<20)) })
}

func TestUnwritableIsUnavailable(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{})
	if err := s.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.writer.Exec(`PRAGMA query_only(1)`); err != nil {
		t.Fatal(err)
	}
	if err := s.Ready(t.Context()); fleet.CodeOf(err) != fleet.CodeUnavailable {
		t.Error(err)
	}
	mustRead(t, s, func(tx *Tx) error { _, err := tx.Team(teamA); return err })
	if _, err := s.writer.Exec(`PRAGMA query_only(0)`); err != nil {
		t.Fatal(err)
	}
	if err := s.Ready(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestConnectionsAreSetUp(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{})
	for _, c := range []struct{ pragma, want string }{
		{"journal_mode", "wal"}, {"synchronous", "2"}, {"secure_delete", "1"}, {"foreign_keys", "1"}, {"query_only", "0"},
	} {
		var got string
		if err := s.writer.QueryRow(`PRAGMA ` + c.pragma).Scan(&got); err != nil || got != c.want {
			t.Errorf("writer's %s is %s, %v; want %s", c.pragma, got, err, c.want)
		}
	}
	if n := s.writer.Stats().MaxOpenConnections; n != 1 {
		t.Errorf("%d connections write", n)
	}
	err := s.Read(t.Context(), func(tx *Tx) error { return tx.SetMeta("a", "b") })
	if fleet.CodeOf(err) != fleet.CodeUnavailable {
		t.Error("a read wrote:", err)
	}
}

func TestReadSeesOneSnapshot(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{})
	mustRead(t, s, func(tx *Tx) error {
		if v, err := tx.Meta("a"); v != "" || err != nil {
			t.Error(v, err)
		}
		mustWrite(t, s, func(tx *Tx) error { return tx.SetMeta("a", "new") })
		v, err := tx.Meta("a")
		if v != "" {
			t.Error("the snapshot moved")
		}
		return err
	})
	if err := s.Read(t.Context(), func(*Tx) error { return errMine }); !errors.Is(err, errMine) {
		t.Error(err)
	}
	gone, leave := context.WithCancel(t.Context())
	leave()
	if err := s.Read(gone, func(*Tx) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := s.Write(gone, func(*Tx) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// The version is another one after each commit, of this store or of another
// one on the file, and the same while nothing is written.
func TestVersion(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{})
	other, err := Open(t.Context(), s.path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	version := func() int64 {
		v, err := s.Version()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for i, by := range []*Store{s, other, s, s, other, other} {
		before := version()
		mustRead(t, s, func(tx *Tx) error { _, err := tx.Meta("x"); return err })
		if now := version(); now != before {
			t.Errorf("%d became %d without a write", before, now)
		}
		mustWrite(t, by, func(tx *Tx) error { return tx.SetMeta("x", fmt.Sprint(i)) })
		if version() == before {
			t.Errorf("write %d left the version at %d", i, before)
		}
	}
}
