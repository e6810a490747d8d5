package fake

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"agentry/internal/fleet"
	agentruntime "agentry/internal/runtime"
)

func TestPrograms(t *testing.T) {
	for name, c := range map[string]struct {
		program Program
		want    agentruntime.Exit
		took    time.Duration
	}{
		"idle":  {Idle, agentruntime.Exit{}, 0},
		"deaf":  {Deaf, Killed(), 5 * time.Second},
		"exits": {Exits(3), agentruntime.Exit{Code: 3}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := New(c.program)
				p, err := d.Start(t.Context(), agentruntime.Spec{Run: fleet.Run{AgentID: "a", Epoch: 2}})
				if err != nil {
					t.Fatal(err)
				}
				began := time.Now()
				for range 2 {
					if err := p.Stop(t.Context(), 5*time.Second); err != nil {
						t.Fatal(err)
					}
				}
				if took := time.Since(began); took != c.took {
					t.Errorf("took %v, want %v", took, c.took)
				}
				if p.Exit() != c.want || p.Handle() != "fake:a:2" || d.Live() != 0 || d.Most() != 1 {
					t.Errorf("exit %+v, handle %s, live %d, most %d", p.Exit(), p.Handle(), d.Live(), d.Most())
				}
			})
		})
	}
}

func TestRecordsAndFails(t *testing.T) {
	d := New(nil)
	d.Fail(errors.New("no"))
	spec := agentruntime.Spec{URL: "u"}
	if _, err := d.Start(t.Context(), spec); err == nil || d.Live() != 0 || len(d.Started()) != 1 {
		t.Errorf("error %v, live %d, started %d", err, d.Live(), len(d.Started()))
	}
	if err := d.Reap(t.Context(), []string{"h"}); err != nil || !slices.Equal(d.Reaped()[0], []string{"h"}) {
		t.Errorf("reaped %v, error %v", d.Reaped(), err)
	}
}
