// Package app holds every use-case: who may, one transaction with rule, audit
// and event, and then the wake-up of whoever waits. A noun has one file. Every
// use-case of a person or program takes the actor.
package app

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"agentry/internal/fleet"
	"agentry/internal/live"
	"agentry/internal/resource"
	"agentry/internal/runtime"
	"agentry/internal/secret"
	"agentry/internal/store"
)

// Runner keeps wanted programs running. Wake says that what is wanted of the
// agent's program may have changed; it returns at once.
type Runner interface {
	Wake(id fleet.AgentID)
}

// Config is what an App is made of.
type Config struct {
	// Version is that of the program.
	Version     string
	Store       *store.Store
	Hub         *live.Hub
	Sealer      *secret.Sealer
	Kinds       map[string]fleet.Kind
	DefaultKind string
	// Now is the wall clock, which may be set at any time; nil is time.Now.
	Now func() time.Time
	// Elapsed is the time that really passed since New, whatever becomes of the
	// wall clock; nil is the difference of Now's answers.
	Elapsed func() time.Duration
	Log     *slog.Logger
	// Disable names moves that the host has switched off.
	Disable []string
	// Jobs is nil where nobody works at jobs: they stand in the ledger.
	Jobs Jobs
	// Profiles is the vendor of browser profiles; nil is none.
	Profiles resource.Profiles
	// Proxies reaches the entries of the pool; nil is nobody, as in commands on
	// the local file.
	Proxies resource.Proxies
	// Scratch is a folder for files that live while they are sent; "" is the
	// system's.
	Scratch string
}

// App is the product over one store. Use New.
type App struct {
	store       *store.Store
	hub         *live.Hub
	sealer      *secret.Sealer
	passwords   *secret.Passwords
	kinds       map[string]fleet.Kind
	defaultKind string
	now         func() time.Time
	clock       clockwork
	log         *slog.Logger
	disabled    []string
	runner      atomic.Pointer[Runner] // nil: nobody runs programs
	guesses     *guesses
	told        *told
	boot        string
	jobs        Jobs
	vendor      *vendor // nil: no vendor of profiles
	removers    atomic.Pointer[map[string]runtime.Remover]
	busy        busy
	unbegun     atomic.Bool // open rows may be without the job that they need
	proxies     resource.Proxies
	checks      checks
	scratch     string
	exports     chan struct{} // a place for each that is made
	seen        atomic.Int64  // the newest event at the last Tick
	bulks       bulkDesk
	version     string
	started     time.Time
	waiting     singleflight.Group // see together
	answers     answers
}

// New makes an App. Its events reach subscribers when the store was opened
// with the hub's Publish as Committed.
func New(c Config) *App {
	a := &App{
		store: c.Store, hub: c.Hub, sealer: c.Sealer, passwords: secret.NewPasswords(),
		kinds: c.Kinds, defaultKind: c.DefaultKind, now: c.Now, log: c.Log, disabled: c.Disable,
		guesses: newGuesses(), told: newTold(), boot: secret.NewToken(),
	}
	a.jobs, a.proxies = c.Jobs, c.Proxies
	a.scratch, a.exports = c.Scratch, make(chan struct{}, exportsAtOnce)
	if c.Profiles != nil {
		a.vendor = &vendor{profiles: c.Profiles, state: fleet.VendorOK}
	}
	if a.now == nil {
		a.now = time.Now
	}
	a.clock.elapsed = c.Elapsed
	if c.Elapsed == nil {
		start := a.now() // the difference is monotonic where Now is time.Now
		a.clock.elapsed = func() time.Duration { return a.now().Sub(start) }
	}
	a.version, a.started = c.Version, a.Now()
	if a.log == nil {
		a.log = slog.New(slog.DiscardHandler)
	}
	return a
}

// SetRunner names who runs programs. Until then moves are only recorded: a
// runner begins by looking at what is wanted.
func (a *App) SetRunner(r Runner) { a.runner.Store(&r) }

func (a *App) wakeRunner(id fleet.AgentID) {
	if r := a.runner.Load(); r != nil {
		(*r).Wake(id)
	}
}

// Now is the App's clock, to the microsecond, as it is stored.
func (a *App) Now() time.Time { return a.now().UTC().Truncate(time.Microsecond) }

// Kinds returns the configured kinds by name.
func (a *App) Kinds() []fleet.Kind {
	list := make([]fleet.Kind, 0, len(a.kinds))
	for _, k := range a.kinds {
		list = append(list, k)
	}
	slices.SortFunc(list, func(x, y fleet.Kind) int { return strings.Compare(x.Name, y.Name) })
	return list
}

// Kind returns a configured kind.
func (a *App) Kind(name string) (fleet.Kind, bool) {
	k, ok := a.kinds[name]
	return k, ok
}

// DefaultKind names the kind that a new agent has when nobody says.
func (a *App) DefaultKind() string { return a.defaultKind }

// Instance is the name of this installation, made at the first call and kept.
func (a *App) Instance(ctx context.Context) (name string, err error) {
	err = a.store.Write(ctx, func(tx *store.Tx) error {
		if name, err = tx.Meta("instance"); err != nil || name != "" {
			return err
		}
		name = tx.NewID(a.Now())
		return tx.SetMeta("instance", name)
	})
	return name, err
}

// Ready tells whether the database can be written.
func (a *App) Ready(ctx context.Context) error { return a.store.Ready(ctx) }

// Subscribe hears the actor's team's events from now on.
func (a *App) Subscribe(by fleet.Actor) *live.Subscription { return a.hub.Subscribe(by.TeamID) }

// Events returns up to limit of the team's events behind after, oldest first,
// and whether all since then are still known: not when they were forgotten,
// nor when after is of another history than the database has.
func (a *App) Events(ctx context.Context, by fleet.Actor, after fleet.EventMark, limit int) (list []fleet.Event, complete bool, err error) {
	if err := by.May(fleet.ScopeRead); err != nil {
		return nil, false, err
	}
	err = a.store.Read(ctx, func(tx *store.Tx) error {
		first, last, err := tx.LastEvent()
		if err != nil {
			return err
		}
		complete = after.Seq <= last.Seq && after.Seq >= first-1
		if complete && after.Seq >= first && !after.At.IsZero() {
			if complete, err = tx.WasEvent(after); err != nil {
				return err
			}
		}
		list, err = tx.EventsAfter(by.TeamID, after.Seq, limit)
		return err
	})
	return list, complete, err
}

// LastEvent is the place of the newest event, whichever team's.
func (a *App) LastEvent(ctx context.Context, by fleet.Actor) (last fleet.EventMark, err error) {
	if err := by.May(fleet.ScopeRead); err != nil {
		return last, err
	}
	err = a.store.Read(ctx, func(tx *store.Tx) error {
		_, last, err = tx.LastEvent()
		return err
	})
	a.hub.Reached(last.Seq)
	return last, err
}

// Keys of the hub for those who wait for something of one agent.
func inboxKey(id fleet.AgentID) string { return "inbox:" + string(id) }
func runKey(id fleet.AgentID) string   { return "run:" + string(id) }
func messageKey(id string) string      { return "message:" + id }
func clampLimit(n, standard, most int) int {
	switch {
	case n <= 0:
		return standard
	case n > most:
		return most
	}
	return n
}
