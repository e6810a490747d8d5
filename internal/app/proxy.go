package app

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"agentry/internal/fleet"
	"agentry/internal/store"
)

// maxPool is how many entries a team's pool may have.
const maxPool = 10_000

// ProxyFilter narrows a list of the pool; zero is everything.
type ProxyFilter = store.ProxyFilter

// Proxies returns the entries of the team's pool, newest first.
func (a *App) Proxies(ctx context.Context, by fleet.Actor, f ProxyFilter, p PageInput) ([]fleet.Proxy, string, error) {
	return page(ctx, a, by, p, func(tx *store.Tx, before string, limit int) ([]fleet.Proxy, error) {
		return tx.Proxies(by.TeamID, f, before, limit)
	}, func(p fleet.Proxy) string { return p.ID })
}

// Proxy returns an entry of the team's pool.
func (a *App) Proxy(ctx context.Context, by fleet.Actor, id string) (p fleet.Proxy, err error) {
	if err := by.May(fleet.ScopeRead); err != nil {
		return p, err
	}
	err = a.store.Read(ctx, func(tx *store.Tx) error {
		p, err = tx.Proxy(by.TeamID, id)
		return err
	})
	return p, err
}

// CountProxies counts the entries of the team's pool by health.
func (a *App) CountProxies(ctx context.Context, by fleet.Actor) (counts map[fleet.ProxyHealth]int, err error) {
	if err := by.May(fleet.ScopeRead); err != nil {
		return nil, err
	}
	err = a.store.Read(ctx, func(tx *store.Tx) error {
		counts, err = tx.CountProxyHealth(by.TeamID)
		return err
	})
	return counts, err
}

// AddProxiesInput is what joins the pool: one entry, or a pasted text.
type AddProxiesInput struct {
	Entry fleet.ProxyEntry
	// Text is used when it is not empty; see fleet.ParseProxies. Of Entry,
	// country and capacity then count for lines that say none.
	Text string
}

// AddedProxies are the new entries, and how many of a text were there before.
type AddedProxies struct {
	Added []fleet.Proxy
	There int
}

// AddProxies adds entries to the pool and has them checked. A text with a
// wrong line adds nothing; lines that the pool has already change nothing.
func (a *App) AddProxies(ctx context.Context, by fleet.Actor, in AddProxiesInput) (out AddedProxies, err error) {
	what := act{by: by, need: fleet.ScopeAdmin, action: "proxy.add"}
	if err := a.allowed(what); err != nil {
		return out, a.refused(ctx, what, err)
	}
	entries, err := in.entries()
	if err != nil {
		return out, err
	}
	now := a.Now()
	sealed := make([]store.SealedPassword, len(entries))
	list := make([]fleet.Proxy, len(entries))
	for i, e := range entries {
		list[i] = newProxy(a.store.NewID(now), by.TeamID, e, now)
		if sealed[i], err = a.sealProxyPassword(list[i].ID, e.Password); err != nil {
			return out, err
		}
	}
	err = a.write(ctx, by, func(tx *store.Tx) error {
		out = AddedProxies{}
		for i, p := range list {
			there, err := tx.SameProxy(by.TeamID, entries[i])
			if err != nil {
				return err
			}
			if there != "" && in.Text != "" {
				out.There++
				continue
			}
			if err := tx.InsertProxy(p, sealed[i]); err != nil {
				return err
			}
			out.Added = append(out.Added, p)
		}
		return a.proxiesAdded(tx, what, out, now)
	})
	if err != nil {
		return AddedProxies{}, a.refused(ctx, what, err)
	}
	a.checkSoon(ctx)
	return out, nil
}

// proxiesAdded bounds the pool and records what was added.
func (a *App) proxiesAdded(tx *store.Tx, what act, out AddedProxies, now time.Time) error {
	n, err := tx.CountProxies(what.by.TeamID)
	if err != nil {
		return err
	}
	if n > maxPool {
		return fleet.Errorf(fleet.CodeConflict, "The pool would have %d proxies; it can have %d", n, maxPool)
	}
	e := entry(what, now, "done")
	const named = 20
	var ids []string
	for _, p := range out.Added[:min(len(out.Added), named)] {
		ids = append(ids, p.ID)
	}
	e.Detail = map[string]any{"added": len(out.Added), "there": out.There, "proxyIds": ids}
	return recordProxy(tx, e)
}

// recordProxy writes the audit entry of a change of the pool and announces it.
func recordProxy(tx *store.Tx, e fleet.AuditEntry) error {
	if err := tx.AddAudit(e); err != nil {
		return err
	}
	return tx.AddEvent(fleet.Event{TeamID: e.TeamID, Type: fleet.EventProxyChanged, At: e.At})
}

func (in AddProxiesInput) entries() ([]fleet.ProxyEntry, error) {
	if in.Text == "" {
		e, err := in.Entry.Check()
		return []fleet.ProxyEntry{e}, err
	}
	list, wrong := fleet.ParseProxies(in.Text, fleet.ProxyEntry{Country: in.Entry.Country, Capacity: in.Entry.Capacity})
	switch {
	case len(wrong) > 0:
		return nil, wrongLines(wrong, len(list)+len(wrong))
	case len(list) == 0:
		return nil, fleet.Invalid("text", "has no proxy in it: write one a line, as host:port:user:password")
	}
	return list, nil
}

// wrongLines is the refusal of a text: it names every wrong line in Fields,
// and the first few in its sentence.
func wrongLines(wrong []fleet.ProxyLine, all int) error {
	const told = 3
	e := fleet.Errorf(fleet.CodeValidation, "%d of %d lines are wrong, and nothing was added", len(wrong), all)
	if len(wrong) == 1 {
		e.Message = "A line is wrong, and nothing was added"
	}
	e.Fields = map[string]string{}
	for i, w := range wrong {
		name := fmt.Sprintf("line %d", w.Line)
		e.Fields[name] = w.Text
		if i < told {
			e.Message += fmt.Sprintf(". %s: %s", strings.ToUpper(name[:1])+name[1:], w.Text)
		}
	}
	return e
}

func newProxy(id string, team fleet.TeamID, e fleet.ProxyEntry, now time.Time) fleet.Proxy {
	p := fleet.Proxy{
		ID: id, TeamID: team, Enabled: true, Health: fleet.ProxyUnknown, HasPassword: e.Password != "",
		NextCheckAt: now, CreatedAt: now, UpdatedAt: now, Version: 1,
	}
	return withEntry(p, e)
}

func withEntry(p fleet.Proxy, e fleet.ProxyEntry) fleet.Proxy {
	p.Label, p.Scheme, p.Host, p.Port, p.Username, p.Country = e.Label, e.Scheme, e.Host, e.Port, e.Username, e.Country
	p.IPMode, p.SessionTTL, p.Capacity = e.IPMode, e.SessionTTL, e.Capacity
	return p
}

func entryOf(p fleet.Proxy, password string) fleet.ProxyEntry {
	return fleet.ProxyEntry{
		Label: p.Label, Scheme: p.Scheme, Host: p.Host, Port: p.Port, Username: p.Username, Password: password, Country: p.Country,
		IPMode: p.IPMode, SessionTTL: p.SessionTTL, Capacity: p.Capacity,
	}
}

// DeleteProxy removes an entry that no agent uses, and its password with it.
func (a *App) DeleteProxy(ctx context.Context, by fleet.Actor, id string) error {
	what := act{by: by, need: fleet.ScopeAdmin, action: "proxy.delete"}
	if err := a.allowed(what); err != nil {
		return a.refused(ctx, what, err)
	}
	err := a.write(ctx, by, func(tx *store.Tx) error {
		p, err := tx.Proxy(by.TeamID, id)
		if err != nil {
			return err
		}
		if p.InUse > 0 {
			return fleet.Errorf(fleet.CodeConflict, "%s this proxy: switch it off, so that no other agent gets it, and delete it when it is free", agentsUse(p.InUse))
		}
		if _, err := tx.DeleteProxy(by.TeamID, id); err != nil {
			return err
		}
		e := entry(what, a.Now(), "done")
		e.Detail = map[string]any{"proxyId": id}
		return recordProxy(tx, e)
	})
	if err != nil {
		return a.refused(ctx, what, err)
	}
	a.store.Erased()
	return nil
}

func agentsUse(n int) string {
	if n == 1 {
		return "1 agent uses"
	}
	return fmt.Sprintf("%d agents use", n)
}

// UpdateProxyInput changes what is not nil.
type UpdateProxyInput struct {
	Label, Scheme, Host, Username *string
	Password                      *string // "" is none
	Country                       *string
	Port, Capacity                *int
	IPMode                        *fleet.ProxyMode
	SessionTTL                    *time.Duration
	Enabled                       *bool
	IfVersion                     int64 // 0 is any
}

// lay lays the changes over an entry and returns their names.
func (in UpdateProxyInput) lay(e *fleet.ProxyEntry) (changed []string) {
	changed = append(changed, set(&e.Label, in.Label, "label")...)
	changed = append(changed, set(&e.Scheme, in.Scheme, "scheme")...)
	changed = append(changed, set(&e.Host, in.Host, "host")...)
	changed = append(changed, set(&e.Port, in.Port, "port")...)
	changed = append(changed, set(&e.Username, in.Username, "username")...)
	changed = append(changed, set(&e.Password, in.Password, "password")...)
	changed = append(changed, set(&e.Country, in.Country, "country")...)
	changed = append(changed, set(&e.Capacity, in.Capacity, "capacity")...)
	changed = append(changed, set(&e.IPMode, in.IPMode, "ipMode")...)
	return append(changed, set(&e.SessionTTL, in.SessionTTL, "sessionTtlMin")...)
}

func set[T comparable](field, value *T, name string) []string {
	if value == nil || *value == *field {
		return nil
	}
	*field = *value
	return []string{name}
}

// UpdateProxy changes an entry. One that is reached otherwise than before is
// checked again, and the browser profiles of the agents that use it are told.
func (a *App) UpdateProxy(ctx context.Context, by fleet.Actor, id string, in UpdateProxyInput) (p fleet.Proxy, err error) {
	what := act{by: by, need: fleet.ScopeAdmin, action: "proxy.update"}
	if err := a.allowed(what); err != nil {
		return p, a.refused(ctx, what, err)
	}
	now := a.Now()
	err = a.write(ctx, by, func(tx *store.Tx) error {
		if p, err = tx.Proxy(by.TeamID, id); err != nil {
			return err
		}
		if in.IfVersion != 0 && in.IfVersion != p.Version {
			return fleet.Errorf(fleet.CodeVersion, "The proxy was changed meanwhile: it is at version %d, not %d", p.Version, in.IfVersion)
		}
		changed, err := a.updateProxy(tx, p, in, now)
		if err != nil {
			return err
		}
		e := entry(what, now, "done")
		e.Detail = map[string]any{"proxyId": id, "changed": changed}
		if err := recordProxy(tx, e); err != nil {
			return err
		}
		p, err = tx.Proxy(by.TeamID, id)
		return err
	})
	if err != nil {
		return fleet.Proxy{}, a.refused(ctx, what, err)
	}
	if in.Password != nil {
		a.store.Erased()
	}
	a.checkSoon(ctx)
	return p, nil
}

func (a *App) updateProxy(tx *store.Tx, p fleet.Proxy, in UpdateProxyInput, now time.Time) ([]string, error) {
	sealed, err := tx.ProxyPassword(p.TeamID, p.ID)
	if err != nil {
		return nil, err
	}
	password, err := a.openProxyPassword(p.ID, sealed)
	if err != nil && in.Password == nil {
		return nil, err
	}
	e := entryOf(p, password)
	changed := in.lay(&e)
	if e, err = e.Check(); err != nil {
		return nil, err
	}
	if e.Country != p.Country && p.InUse > 0 {
		return nil, fleet.Errorf(fleet.CodeConflict, "%s this proxy, and an agent's country must not change under it: add another entry", agentsUse(p.InUse))
	}
	was := p
	p = withEntry(p, e)
	changed = append(changed, set(&p.Enabled, in.Enabled, "enabled")...)
	if slices.Contains(changed, "password") {
		if sealed, err = a.sealProxyPassword(p.ID, e.Password); err == nil {
			err = tx.SetProxyPassword(p.TeamID, p.ID, sealed)
		}
		if err != nil {
			return nil, err
		}
	}
	otherWay := p.Scheme != was.Scheme || p.Host != was.Host || p.Port != was.Port || p.Username != was.Username ||
		p.SessionTTL != was.SessionTTL || p.Country != was.Country || slices.Contains(changed, "password")
	if otherWay {
		p.Health, p.Fails, p.LastError, p.NextCheckAt = fleet.ProxyUnknown, 0, "", now
	}
	ok, err := tx.UpdateProxy(p, now)
	if err == nil && !ok {
		err = fleet.Errorf(fleet.CodeConflict, "The proxy was changed by somebody else at the same moment; look again")
	}
	if err != nil || !otherWay {
		return changed, err
	}
	return changed, a.reshapeProfiles(tx, p, now)
}

// reshapeProfiles has the browser profiles changed outside that go through an
// entry which is reached otherwise now.
func (a *App) reshapeProfiles(tx *store.Tx, p fleet.Proxy, now time.Time) error {
	holders, err := tx.ProxyHolders(p.TeamID, p.ID, "", maxPool)
	if err != nil {
		return err
	}
	for _, id := range holders {
		live, err := tx.LiveResources(p.TeamID, id)
		if err != nil {
			return err
		}
		for _, r := range live {
			if r.Type != fleet.ResourceProfile || r.State == fleet.ResourceWanted {
				continue
			}
			turn := r.Turn
			if err := advance(&r, fleet.StepReshape, now); err != nil {
				return err
			}
			if err := a.enqueue(tx, r, turn, 0, now); err != nil {
				return err
			}
		}
	}
	return nil
}
