package store

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"agentry/internal/fleet"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// t0 is a Wednesday morning.
var t0 = time.Date(2026, 1, 14, 9, 0, 0, 0, time.UTC)

const teamA, teamB = fleet.TeamID("team-a"), fleet.TeamID("team-b")

// openStore opens a migrated file of its own with two teams.
func openStore(t testing.TB, o Options) *Store {
	t.Helper()
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "agentry ü%.db"), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	mustWrite(t, s, func(tx *Tx) error {
		if err := tx.InsertTeam(fleet.Team{ID: teamA, Name: "A", CreatedAt: t0}); err != nil {
			return err
		}
		return tx.InsertTeam(fleet.Team{ID: teamB, Name: "B", CreatedAt: t0})
	})
	return s
}

func mustWrite(t testing.TB, s *Store, f func(tx *Tx) error) {
	t.Helper()
	if err := s.Write(context.Background(), f); err != nil {
		t.Fatal(err)
	}
}

func mustRead(t testing.TB, s *Store, f func(tx *Tx) error) {
	t.Helper()
	if err := s.Read(context.Background(), f); err != nil {
		t.Fatal(err)
	}
}

func newAgent(team fleet.TeamID, name string) fleet.Agent {
	return fleet.Agent{
		ID: fleet.AgentID(fleet.NewID(t0)), TeamID: team, Name: name, Kind: "rehearsal", Status: fleet.SetupNeeded,
		Hours: fleet.DefaultHours(), Limits: fleet.DefaultLimits(), Incarnation: 1, Version: 1,
		StatusAt: t0, CreatedAt: t0, UpdatedAt: t0,
	}
}

func insert(t testing.TB, s *Store, agents ...fleet.Agent) {
	t.Helper()
	mustWrite(t, s, func(tx *Tx) error {
		for _, a := range agents {
			if err := tx.InsertAgent(a, []byte("sealed key")); err != nil {
				return err
			}
		}
		return nil
	})
}

// hold keeps the writer busy until release, and tells when n writes wait.
func hold(t *testing.T, s *Store) (waiting func(n int), release func()) {
	t.Helper()
	began, end, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		if err := s.Write(context.Background(), func(*Tx) error { close(began); <-end; return nil }); err != nil {
			t.Error(err)
		}
	}()
	<-began
	return func(n int) {
			t.Helper()
			eventually(t, fmt.Sprintf("%d writes wait", n), func() bool { return len(s.queue) == n })
		}, func() {
			close(end)
			<-ended
		}
}

// eventually polls until it is so, for at most 10 seconds.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !so() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not in 10 s: %s", what)
		}
	}
}
