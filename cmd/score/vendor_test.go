package main

import (
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	"agentry/internal/fleet"
)

// The books are clean while the ledger and the vendor say the same, and each
// kind of difference is found, alone.
func TestBooks(t *testing.T) {
	leaked, double := func(b *books) *int { return &b.leaked }, func(b *books) *int { return &b.double }
	cases := map[string]struct {
		do   func(w *ledgerWorld)
		want []func(b *books) *int
	}{
		"the same":         {func(*ledgerWorld) {}, nil},
		"nobody's":         {func(w *ledgerWorld) { w.out.Add("agentry-" + fleet.NewID(time.Now())) }, []func(*books) *int{leaked}},
		"a gone agent's":   {func(w *ledgerWorld) { delete(w.alive, w.rows[0].AgentID) }, []func(*books) *int{leaked}},
		"a former life's":  {func(w *ledgerWorld) { w.alive[w.rows[0].AgentID]++ }, []func(*books) *int{leaked}},
		"not let go":       {func(w *ledgerWorld) { w.rows[0].State = fleet.ResourceReleased }, []func(*books) *int{leaked}},
		"made twice":       {func(w *ledgerWorld) { w.out.Add(w.rows[0].Name()) }, []func(*books) *int{leaked, double}},
		"waits":            {func(w *ledgerWorld) { w.add(fleet.ResourceWanted, false) }, []func(*books) *int{func(b *books) *int { return &b.open }}},
		"held, not there":  {func(w *ledgerWorld) { w.free(0); w.ask("DELETE", 0) }, []func(*books) *int{func(b *books) *int { return &b.missing }}},
		"deleted":          {func(w *ledgerWorld) { w.release(); w.ask("DELETE", 1) }, nil},
		"deleted twice":    {func(w *ledgerWorld) { w.release(); w.ask("DELETE", 1); w.ask("DELETE", 1) }, []func(*books) *int{func(b *books) *int { return &b.twice }}},
		"deleted too soon": {func(w *ledgerWorld) { w.add(fleet.ResourceReleased, true); w.ask("DELETE", 1); w.free(1) }, []func(*books) *int{func(b *books) *int { return &b.strangers }}},
		"another's proxy":  {func(w *ledgerWorld) { w.proxy("abcd1234") }, []func(*books) *int{func(b *books) *int { return &b.astray }}},
		"a gone agent's place": {func(w *ledgerWorld) {
			w.rows = append(w.rows, fleet.Resource{ID: fleet.NewID(time.Now()), Type: fleet.ResourceProxy, AgentID: "gone", Incarnation: 1, State: fleet.ResourceHeld})
		}, []func(*books) *int{leaked}},
		"looked at": {func(w *ledgerWorld) { w.ask("GET", 0) }, nil},
		"looked at a stranger's": {func(w *ledgerWorld) {
			w.release()
			w.ask("DELETE", 1)
			w.ask("GET", 1)
			w.rows = w.rows[:1]
		}, []func(*books) *int{func(b *books) *int { return &b.strangers }, func(b *books) *int { return &b.strangers }}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			w := newLedgerWorld(t)
			c.do(w)
			b := w.out.compare(w.trial, w.rows, w.alive)
			all := b
			for _, part := range c.want {
				*part(&b)--
			}
			if !b.clean() {
				t.Errorf("%+v", all)
			}
		})
	}
}

// ledgerWorld is a ledger and a vendor, with an agent that holds a profile.
type ledgerWorld struct {
	t     *testing.T
	trial *trial
	out   *outside
	rows  []fleet.Resource
	alive map[fleet.AgentID]int
}

func newLedgerWorld(t *testing.T) *ledgerWorld {
	w := &ledgerWorld{t: t, trial: &trial{dir: t.TempDir(), log: io.Discard}, alive: map[fleet.AgentID]int{}}
	t.Cleanup(w.trial.close)
	var err error
	if w.out, _, err = w.trial.newOutside("vendor", plentyRate); err != nil {
		t.Fatal(err)
	}
	w.add(fleet.ResourceHeld, true)
	return w
}

// add is another agent's row, with a profile where it was made.
func (w *ledgerWorld) add(state fleet.ResourceState, made bool) {
	r := fleet.Resource{ID: fleet.NewID(time.Now()), Type: fleet.ResourceProfile, AgentID: fleet.AgentID(fleet.NewID(time.Now())), Incarnation: 1, State: state}
	if made {
		r.ExternalID = w.out.Add(r.Name())
	}
	w.rows, w.alive[r.AgentID] = append(w.rows, r), 1
}

func (w *ledgerWorld) free(n int) { w.out.letGo(string(w.rows[n].AgentID), 1) }

// release adds a row whose agent has let go.
func (w *ledgerWorld) release() {
	w.add(fleet.ResourceReleased, true)
	w.free(len(w.rows) - 1)
}

// proxy gives the first agent a place at a proxy that its profile does not use.
func (w *ledgerWorld) proxy(session string) {
	r := w.rows[0]
	w.rows = append(w.rows, fleet.Resource{ID: fleet.NewID(time.Now()), Type: fleet.ResourceProxy, AgentID: r.AgentID, Incarnation: 1, State: fleet.ResourceHeld, Session: session})
}

// ask asks the vendor about a row's profile.
func (w *ledgerWorld) ask(method string, n int) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.out.URL()+"/browser/"+w.rows[n].ExternalID, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+w.out.Token())
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	res.Body.Close()
	if !slices.Contains([]int{200, 204, 404}, res.StatusCode) {
		w.t.Fatalf("%s: %s", method, res.Status)
	}
}
