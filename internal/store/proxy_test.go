package store

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"agentry/internal/fleet"
)

func newProxy(team fleet.TeamID, id, country string) fleet.Proxy {
	return fleet.Proxy{
		ID: id, TeamID: team, Label: "L " + id, Scheme: "http", Host: id + ".example", Port: 7000, Username: "u-{sid}", HasPassword: true, Country: country,
		IPMode: fleet.ProxySticky, SessionTTL: 30 * time.Minute, Capacity: 2, Enabled: true, Health: fleet.ProxyUnknown,
		NextCheckAt: t0, CreatedAt: t0, UpdatedAt: t0, Version: 1,
	}
}

func sealedFor(p fleet.Proxy) SealedPassword {
	return SealedPassword{Key: []byte("key " + p.ID), Box: []byte("box " + p.ID)}
}

func insertProxies(t *testing.T, s *Store, list ...fleet.Proxy) {
	t.Helper()
	mustWrite(t, s, func(tx *Tx) error {
		for _, p := range list {
			if err := tx.InsertProxy(p, sealedFor(p)); err != nil {
				return err
			}
		}
		return nil
	})
}

// place gives an agent a place at an entry.
func place(a fleet.Agent, p fleet.Proxy, state fleet.ResourceState) fleet.Resource {
	r := resourceOf(a, "place "+string(a.ID)+" "+p.ID)
	r.Type, r.ProxyID, r.State = fleet.ResourceProxy, p.ID, state
	return r
}

// proxyLooks is looksOf for the pool.
func proxyLooks(p fleet.Proxy) map[string]look {
	entry := fleet.ProxyEntry{Scheme: p.Scheme, Host: p.Host, Port: p.Port, Username: p.Username, Country: p.Country}
	return map[string]look{
		"Proxy": {func(tx *Tx, team fleet.TeamID) (int, error) {
			got, err := tx.Proxy(team, p.ID)
			return got.InUse, err
		}, fleet.CodeNotFound, 1},
		"ProxyPassword": {func(tx *Tx, team fleet.TeamID) (int, error) {
			s, err := tx.ProxyPassword(team, p.ID)
			return len(s.Key) + len(s.Box), err
		}, fleet.CodeNotFound, len("key box ") + 2*len(p.ID)},
		"SameProxy": {func(tx *Tx, team fleet.TeamID) (int, error) {
			id, err := tx.SameProxy(team, entry)
			return len(id), err
		}, "", len(p.ID)},
		"Proxies": {func(tx *Tx, team fleet.TeamID) (int, error) {
			l, err := tx.Proxies(team, ProxyFilter{Country: p.Country, Health: p.Health}, "", 10)
			return len(l), err
		}, "", 1},
		"CountProxies": {func(tx *Tx, team fleet.TeamID) (int, error) { return tx.CountProxies(team) }, "", 1},
		"CountProxyHealth": {func(tx *Tx, team fleet.TeamID) (int, error) {
			n, err := tx.CountProxyHealth(team)
			return n[p.Health], err
		}, "", 1},
		"FreeProxy": {func(tx *Tx, team fleet.TeamID) (int, error) {
			got, _, err := tx.FreeProxy(team, p.Country)
			return got.InUse, err
		}, "", 1},
		"ProxyCounts": {func(tx *Tx, team fleet.TeamID) (int, error) {
			c, err := tx.ProxyCounts(team, p.Country)
			return c.Used, err
		}, "", 1},
		"ProxyHolders": {func(tx *Tx, team fleet.TeamID) (int, error) {
			l, err := tx.ProxyHolders(team, p.ID, "", 10)
			return len(l), err
		}, "", 1},
	}
}

func TestAProxyIsKeptWhole(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{})
	p := newProxy(teamA, "p", "GB")
	insertProxies(t, s, p)
	same := func(want fleet.Proxy) {
		t.Helper()
		mustRead(t, s, func(tx *Tx) error {
			got, err := tx.Proxy(teamA, "p")
			if got != want {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
			job, ok, err2 := tx.ProxyOfJob("p")
			if !ok || err2 != nil || job != want {
				t.Errorf("the worker reads %+v, %v", job, err2)
			}
			return err
		})
	}
	same(p)
	checked := p
	checked.Health, checked.Fails, checked.LastCheckAt, checked.LastOKAt = fleet.ProxyQuarantined, 3, t0.Add(time.Minute), t0.Add(time.Second)
	checked.LastIP, checked.LastCountry, checked.Latency, checked.LastError, checked.NextCheckAt = "192.0.2.1", "FR", 1234*time.Microsecond, "no", t0.Add(time.Hour)
	mustWrite(t, s, func(tx *Tx) error {
		foreign, later := checked, p
		foreign.TeamID, later.Version = teamB, 2
		for name, try := range map[string]func() (bool, error){
			"another team":    func() (bool, error) { return tx.SaveProxyCheck(p, foreign) },
			"another version": func() (bool, error) { return tx.SaveProxyCheck(later, checked) },
			"another check":   func() (bool, error) { return tx.SaveProxyCheck(checked, checked) },
		} {
			if ok, err := try(); ok || err != nil {
				t.Errorf("%s: saved %v, %v", name, ok, err)
			}
		}
		if ok, err := tx.SaveProxyCheck(p, checked); !ok || err != nil {
			t.Errorf("not saved: %v", err)
		}
		return nil
	})
	same(checked)
	edited := checked
	edited.Label, edited.Scheme, edited.Host, edited.Port, edited.Username, edited.Country = "other", "socks5", "o.example", 1, "", "FR"
	edited.IPMode, edited.SessionTTL, edited.Capacity, edited.Enabled = fleet.ProxyStatic, 0, 1, false
	edited.Health, edited.Fails, edited.LastError, edited.NextCheckAt = fleet.ProxyUnknown, 0, "", t0.Add(2*time.Hour)
	mustWrite(t, s, func(tx *Tx) error {
		foreign, old := edited, edited
		foreign.TeamID, old.Version = teamB, 7
		for _, wrong := range []fleet.Proxy{foreign, old} {
			if ok, err := tx.UpdateProxy(wrong, t0.Add(time.Hour)); ok || err != nil {
				t.Errorf("updated %v, %v", ok, err)
			}
		}
		if err := tx.SetProxyPassword(teamA, "p", SealedPassword{Key: []byte("new")}); err != nil {
			return err
		}
		ok, err := tx.UpdateProxy(edited, t0.Add(time.Hour))
		if !ok {
			t.Error("not updated")
		}
		return err
	})
	edited.Version, edited.UpdatedAt, edited.HasPassword = 2, t0.Add(time.Hour), false
	same(edited)
}

func TestTheSameProxyIsOnceInATeam(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{})
	p := newProxy(teamA, "p", "GB")
	insertProxies(t, s, p)
	other := func(id string, change func(p *fleet.Proxy)) fleet.Proxy {
		o := p
		o.ID = id
		change(&o)
		return o
	}
	for _, o := range []fleet.Proxy{
		other("theirs", func(p *fleet.Proxy) { p.TeamID = teamB }), other("country", func(p *fleet.Proxy) { p.Country = "FR" }),
		other("port", func(p *fleet.Proxy) { p.Port++ }), other("user", func(p *fleet.Proxy) { p.Username = "v" }), other("scheme", func(p *fleet.Proxy) { p.Scheme = "socks5" }),
	} {
		insertProxies(t, s, o)
	}
	again := other("again", func(p *fleet.Proxy) { p.Label = "other" })
	err := s.Write(t.Context(), func(tx *Tx) error { return tx.InsertProxy(again, SealedPassword{Key: []byte("k")}) })
	if fleet.CodeOf(err) != fleet.CodeConflict {
		t.Errorf("inserted twice: %v", err)
	}
	err = s.Write(t.Context(), func(tx *Tx) error {
		o := other("user", func(*fleet.Proxy) {})
		_, err := tx.UpdateProxy(o, t0)
		return err
	})
	if fleet.CodeOf(err) != fleet.CodeConflict {
		t.Errorf("updated to what is there: %v", err)
	}
}

// The agent gets the entry that works and has the most room; none is given
// away twice, or to another country.
func TestFreeProxy(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{})
	var agents []fleet.Agent
	for i := range 12 {
		agents = append(agents, newAgent(teamA, fmt.Sprint(i)))
	}
	insert(t, s, agents...)
	health := func(p fleet.Proxy, h fleet.ProxyHealth, fails int) fleet.Proxy {
		was := p
		p.Health, p.Fails, p.LastCheckAt = h, fails, t0.Add(time.Minute)
		mustWrite(t, s, func(tx *Tx) error {
			ok, err := tx.SaveProxyCheck(was, p)
			if !ok {
				t.Error("not saved")
			}
			return err
		})
		return p
	}
	big, small, fresh, failed := newProxy(teamA, "1 big", "GB"), newProxy(teamA, "2 small", "GB"), newProxy(teamA, "3 fresh", "GB"), newProxy(teamA, "4 failed", "GB")
	off, bad, elsewhere, theirs := newProxy(teamA, "5 off", "GB"), newProxy(teamA, "6 bad", "GB"), newProxy(teamA, "7 fr", "FR"), newProxy(teamB, "8 theirs", "GB")
	big.Capacity, small.Capacity, fresh.Capacity, failed.Capacity, off.Enabled = 4, 2, 1, 1, false
	insertProxies(t, s, big, small, fresh, failed, off, bad, elsewhere, theirs)
	health(big, fleet.ProxyHealthy, 0)
	health(small, fleet.ProxyHealthy, 0)
	health(failed, fleet.ProxyHealthy, 1)
	health(bad, fleet.ProxyQuarantined, 2)
	states := []fleet.ResourceState{fleet.ResourceWanted, fleet.ResourceAcquiring, fleet.ResourceHeld, fleet.ResourceReleasing}
	var got []string
	for i, a := range agents {
		mustWrite(t, s, func(tx *Tx) error {
			p, ok, err := tx.FreeProxy(teamA, "GB")
			if err != nil || !ok {
				return err
			}
			got = append(got, p.ID)
			return tx.InsertResource(place(a, p, states[i%len(states)]))
		})
	}
	if want := "1 big,2 small,1 big,1 big,2 small,1 big,3 fresh,4 failed"; strings.Join(got, ",") != want {
		t.Errorf("given out: %s\nwant       %s", strings.Join(got, ","), want)
	}
	mustRead(t, s, func(tx *Tx) error {
		c, err := tx.ProxyCounts(teamA, "GB")
		if want := (fleet.ProxyCounts{Entries: 5, Quarantined: 1, Places: 8, Used: 8, Disabled: 1}); c != want {
			t.Errorf("%+v, want %+v", c, want)
		}
		none, err2 := tx.ProxyCounts(teamA, "US")
		if err2 != nil || none != (fleet.ProxyCounts{}) {
			t.Errorf("%+v, %v", none, err2)
		}
		return err
	})
	// What is released for sure, or given up, leaves its place.
	r := place(agents[0], big, fleet.ResourceReleased)
	mustWrite(t, s, func(tx *Tx) error {
		if ok, err := tx.SaveResource(r, 0); !ok || err != nil {
			t.Errorf("%v, %v", ok, err)
		}
		p, ok, err := tx.FreeProxy(teamA, "GB")
		if !ok || p.ID != big.ID || p.InUse != 3 {
			t.Errorf("%+v, %v", p, ok)
		}
		return err
	})
}

func TestDueProxies(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{})
	a := newAgent(teamA, "A")
	insert(t, s, a)
	at := func(id string, next time.Time, change func(p *fleet.Proxy)) {
		p := newProxy(teamA, id, "GB")
		p.NextCheckAt = next
		insertProxies(t, s, p)
		if change != nil {
			was := p
			change(&p)
			mustWrite(t, s, func(tx *Tx) error {
				if ok, err := tx.SaveProxyCheck(was, p); !ok || err != nil {
					t.Errorf("%s not saved, %v", id, err)
				}
				_, err := tx.UpdateProxy(p, t0)
				return err
			})
		}
	}
	at("never checked", t0, nil)
	at("due before", t0.Add(-time.Hour), nil)
	at("later", t0.Add(time.Second), nil)
	at("of a clock set back", t0.Add(time.Hour), func(p *fleet.Proxy) { p.LastCheckAt = t0.Add(time.Minute) })
	at("of a clock set far back", t0.Add(1000*time.Hour), nil)
	at("off", t0, func(p *fleet.Proxy) { p.Enabled = false })
	at("off in use", t0, func(p *fleet.Proxy) { p.Enabled = false })
	mustWrite(t, s, func(tx *Tx) error {
		return tx.InsertResource(place(a, fleet.Proxy{ID: "off in use"}, fleet.ResourceHeld))
	})
	due := func(limit int) (ids []string) {
		mustRead(t, s, func(tx *Tx) (err error) {
			ids, err = tx.DueProxies(t0, t0.Add(5*time.Second), t0.Add(100*time.Hour), limit)
			return err
		})
		return ids
	}
	if got := due(10); !slices.Equal(got, []string{"due before", "never checked", "off in use", "of a clock set back", "of a clock set far back"}) {
		t.Errorf("due: %q", got)
	}
	if got := due(1); !slices.Equal(got, []string{"due before"}) {
		t.Errorf("the longest due: %q", got)
	}
	mustWrite(t, s, func(tx *Tx) error { return tx.WantProxyCheck(teamA, "later", t0.Add(-2*time.Hour)) })
	if got := due(1); !slices.Equal(got, []string{"later"}) {
		t.Errorf("asked for: %q", got)
	}
}

func TestProxyHolders(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{})
	p := newProxy(teamA, "p", "GB")
	insertProxies(t, s, p)
	var want []fleet.AgentID
	for i, state := range fleet.ResourceStates() {
		for _, status := range []fleet.Status{fleet.Running, fleet.Ended} {
			a := newAgent(teamA, "A")
			a.Status = status
			insert(t, s, a)
			mustWrite(t, s, func(tx *Tx) error { return tx.InsertResource(place(a, p, state)) })
			if i < 3 && status == fleet.Running {
				want = append(want, a.ID)
			}
		}
	}
	slices.Sort(want)
	mustRead(t, s, func(tx *Tx) error {
		all, err := tx.ProxyHolders(teamA, "p", "", 10)
		if !slices.Equal(all, want) {
			t.Errorf("%q, want %q", all, want)
		}
		rest, err2 := tx.ProxyHolders(teamA, "p", want[0], 1)
		if err2 != nil || !slices.Equal(rest, want[1:2]) {
			t.Errorf("behind the first: %q, %v", rest, err2)
		}
		return err
	})
}

func TestAnotherTeamChangesNoProxy(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{})
	p := newProxy(teamA, "p", "GB")
	insertProxies(t, s, p)
	mustWrite(t, s, func(tx *Tx) error {
		if ok, err := tx.DeleteProxy(teamB, "p"); ok || err != nil {
			t.Error("another team deleted a proxy", err)
		}
		if err := tx.SetProxyPassword(teamB, "p", SealedPassword{Key: []byte("theirs")}); err != nil {
			return err
		}
		return tx.WantProxyCheck(teamB, "p", t0.Add(time.Hour))
	})
	mustRead(t, s, func(tx *Tx) error {
		got, err := tx.Proxy(teamA, "p")
		sealed, err2 := tx.ProxyPassword(teamA, "p")
		if got != p || err2 != nil || string(sealed.Key) != "key p" || string(sealed.Box) != "box p" {
			t.Errorf("another team changed it to %+v, %s, %v", got, sealed.Key, err2)
		}
		return err
	})
	mustWrite(t, s, func(tx *Tx) error {
		ok, err := tx.DeleteProxy(teamA, "p")
		if !ok {
			t.Error("not deleted")
		}
		return err
	})
	if left := mentions(t, s, "key p"); len(left) != 0 {
		t.Errorf("the data key is left in %v", left)
	}
}

func TestAnotherTeamSeesNoProxy(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{})
	a, p := newAgent(teamA, "A"), newProxy(teamA, "p", "GB")
	insert(t, s, a)
	insertProxies(t, s, p)
	mustWrite(t, s, func(tx *Tx) error { return tx.InsertResource(place(a, p, fleet.ResourceHeld)) })
	for name, look := range proxyLooks(p) {
		mustRead(t, s, func(tx *Tx) error {
			if n, err := look.see(tx, teamA); n != look.own || err != nil {
				t.Errorf("%s: the own team sees %d, want %d, %v", name, n, look.own, err)
			}
			if n, err := look.see(tx, teamB); n != 0 || fleet.CodeOf(err) != look.code {
				t.Errorf("%s: another team sees %d, %v", name, n, err)
			}
			return nil
		})
	}
}

// plansOfPool are for TestPlansOfWhatRunsOften.
func plansOfPool() (plans map[string]func(tx *Tx) error, index map[string]string) {
	return map[string]func(tx *Tx) error{
			"Proxy":        func(tx *Tx) error { _, err := tx.Proxy(teamA, "p"); return err },
			"Proxies":      func(tx *Tx) error { _, err := tx.Proxies(teamA, ProxyFilter{}, "x", 10); return err },
			"FreeProxy":    func(tx *Tx) error { _, _, err := tx.FreeProxy(teamA, "GB"); return err },
			"ProxyCounts":  func(tx *Tx) error { _, err := tx.ProxyCounts(teamA, "GB"); return err },
			"SameProxy":    func(tx *Tx) error { _, err := tx.SameProxy(teamA, fleet.ProxyEntry{}); return err },
			"ProxyHolders": func(tx *Tx) error { _, err := tx.ProxyHolders(teamA, "p", "", 10); return err },
			"DueProxies":   func(tx *Tx) error { _, err := tx.DueProxies(t0, t0, t0, 10); return err },
		}, map[string]string{
			"Proxy": "resources_proxy (proxy_id=? AND state=?)", "Proxies": "proxies_team", "FreeProxy": "(team_id=? AND country=?)", "ProxyCounts": "(team_id=? AND country=?)",
			"SameProxy": "port=? AND username=?", "ProxyHolders": "resources_proxy", "DueProxies": "proxies_checked",
		}
}
