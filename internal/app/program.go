package app

import (
	"context"
	"maps"
	"time"

	"agentry/internal/fleet"
	"agentry/internal/secret"
	"agentry/internal/store"
)

// This file has what agents' own programs ask; events they tell are in report.go.

// heardEvery is how precisely last heard is kept, so that a chatty program
// does not cost a write per call.
const heardEvery = 5 * time.Second

// RunForToken says which run a token belongs to, and counts as hearing of it.
// A token that this installation never made is unauthorized; one whose run is
// over, or so old that nothing is known of its run, is run_over.
func (a *App) RunForToken(ctx context.Context, token string) (run fleet.Run, err error) {
	if !a.sealer.IssuedRunToken(token) {
		return run, fleet.Errorf(fleet.CodeUnauthorized, "This is no run token of this server: send the one the program was started with")
	}
	var heard time.Time
	var state fleet.Observed
	err = a.store.Read(ctx, func(tx *store.Tx) error {
		var ok bool
		run, heard, state, ok, err = tx.RunOfToken(secret.HashToken(token))
		if err == nil && !ok {
			err = fleet.Errorf(fleet.CodeRunOver, "This run is over: a newer one exists, or the agent is paused, ended or deleted")
		}
		return err
	})
	if err != nil {
		return run, err
	}
	// A clock that was set back must not keep the time from being noted.
	if ago := a.Now().Sub(heard); state == fleet.ObservedUp && ago >= 0 && ago < heardEvery {
		return run, nil
	}
	return run, a.heard(ctx, run)
}

func (a *App) heard(ctx context.Context, run fleet.Run) error {
	now := a.Now()
	err := a.store.Write(ctx, func(tx *store.Tx) error {
		// It may have been stopped since its token was looked up.
		row, err := liveRow(tx, run)
		if err != nil {
			return err
		}
		if err := tx.Heard(run, now); err != nil || row.Runtime.State == fleet.ObservedUp {
			return err
		}
		c := change{tx: tx, now: now, agent: row}
		for _, gone := range []string{alertLost, alertStartFailed} {
			if err := c.resolve("runtime", gone); err != nil {
				return err
			}
		}
		if err := a.holdRow(tx, row.Agent, now); err != nil {
			return err
		}
		return observed(tx, run, fleet.ObservedUp, now)
	})
	a.hub.Notify(runKey(run.AgentID))
	return err
}

// ofRun reads the agent of a run, or says that the run is over.
func (a *App) ofRun(ctx context.Context, run fleet.Run, f func(tx *store.Tx, row store.AgentRow) error) error {
	return a.store.Read(ctx, func(tx *store.Tx) error {
		row, err := liveRow(tx, run)
		if err != nil {
			return err
		}
		return f(tx, row)
	})
}

func liveRow(tx *store.Tx, run fleet.Run) (store.AgentRow, error) {
	if err := checkLive(tx, run); err != nil {
		return store.AgentRow{}, err
	}
	return tx.AgentOfRun(run.AgentID)
}

// checkLive says when the run is over.
func checkLive(tx *store.Tx, run fleet.Run) error {
	live, err := tx.RunLive(run)
	if err == nil && !live {
		err = fleet.Errorf(fleet.CodeRunOver, "This run is over")
	}
	return err
}

// RunSelf is what a program may know of its agent.
type RunSelf struct {
	Agent          fleet.Agent
	EnableAutonomy bool
	// Settings are the agent's with the start's over them.
	Settings   fleet.Settings
	MayWork    bool
	Why        string
	AskAgainAt time.Time // zero: unknown
}

// runSettings are the agent's with the start's over them.
func runSettings(row store.AgentRow) fleet.Settings {
	out := fleet.Settings{}
	maps.Copy(out, row.Settings)
	maps.Copy(out, row.Runtime.Settings)
	return out
}

// RunSelf returns the agent of a run.
func (a *App) RunSelf(ctx context.Context, run fleet.Run) (self RunSelf, err error) {
	err = a.ofRun(ctx, run, func(tx *store.Tx, row store.AgentRow) error {
		self = RunSelf{Agent: row.Agent, EnableAutonomy: row.Runtime.EnableAutonomy, Settings: runSettings(row)}
		gate := a.gate(row, a.Now())
		self.MayWork, self.Why, self.AskAgainAt = gate.Reason == "", gate.Reason, wholeMilli(gate.OpensAt)
		return nil
	})
	return self, err
}
