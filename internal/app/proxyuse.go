package app

import (
	"context"
	"fmt"

	"agentry/internal/fleet"
	"agentry/internal/resource"
	"agentry/internal/secret"
	"agentry/internal/store"
)

// This file is what the ledger needs of the pool: a place at an entry, the way
// to it, and whether it works.

// assignProxy finds a place at an entry in the country and returns the row of
// the ledger that takes it: write it with want in the same transaction. Without
// a free place the error says why; another country is never taken.
func (c *change) assignProxy(country string) (fleet.Resource, error) {
	p, ok, err := c.tx.FreeProxy(c.agent.TeamID, country)
	if err != nil {
		return fleet.Resource{}, err
	}
	if !ok {
		counts, err := c.tx.ProxyCounts(c.agent.TeamID, country)
		if err != nil {
			return fleet.Resource{}, err
		}
		return fleet.Resource{}, counts.NoProxy(country)
	}
	return fleet.Resource{
		Type: fleet.ResourceProxy, Vendor: fleet.VendorPool, Country: country, ProxyID: p.ID, Label: p.Label,
		// The same place again in the same life is the same session.
		Session: fleet.ProxySession(fmt.Sprint(c.agent.ID, " ", p.ID, " ", c.agent.Incarnation)),
	}, nil
}

// endpoint is the way to the entry that a proxy's row names, for its session.
func (a *App) endpoint(ctx context.Context, r fleet.Resource) (resource.Endpoint, error) {
	var p fleet.Proxy
	err := a.store.Read(ctx, func(tx *store.Tx) (err error) {
		p, err = tx.Proxy(r.TeamID, r.ProxyID)
		return err
	})
	if err != nil {
		return resource.Endpoint{}, err
	}
	return a.endpointOf(ctx, p, r.Session)
}

func (a *App) endpointOf(ctx context.Context, p fleet.Proxy, session string) (resource.Endpoint, error) {
	if a.proxies == nil {
		return resource.Endpoint{}, fleet.Errorf(fleet.CodeUnavailable, "This command reaches no proxies")
	}
	var sealed store.SealedPassword
	err := a.store.Read(ctx, func(tx *store.Tx) (err error) {
		sealed, err = tx.ProxyPassword(p.TeamID, p.ID)
		return err
	})
	if err != nil {
		return resource.Endpoint{}, err
	}
	password, err := a.openProxyPassword(p.ID, sealed)
	if err != nil {
		return resource.Endpoint{}, err
	}
	return a.proxies.Endpoint(p, password, session)
}

// proveProxy makes a real request through a proxy's row, in its own session,
// and stores with the entry how it went. The error is that of the way.
func (a *App) proveProxy(ctx context.Context, r fleet.Resource) error {
	var p fleet.Proxy
	err := a.store.Read(ctx, func(tx *store.Tx) (err error) {
		p, err = tx.Proxy(r.TeamID, r.ProxyID)
		return err
	})
	if err != nil {
		return err
	}
	cause, err := a.tryEntry(ctx, p, r.Session)
	if err != nil {
		return err
	}
	return cause
}

// Where an entry's password is sealed.
func proxyKeyName(id string) string { return "proxy " + id }

// sealProxyPassword seals a password under a new data key.
func (a *App) sealProxyPassword(id, password string) (s store.SealedPassword, err error) {
	var key secret.DataKey
	if s.Key, key, err = a.sealer.NewDataKey(proxyKeyName(id)); err == nil && password != "" {
		s.Box = key.Seal([]byte(password), "proxies", id, "password")
	}
	return s, err
}

func (a *App) openProxyPassword(id string, s store.SealedPassword) (string, error) {
	if len(s.Box) == 0 {
		return "", nil
	}
	key, err := a.sealer.OpenDataKey(proxyKeyName(id), s.Key)
	if err != nil {
		return "", err
	}
	password, err := key.Open(s.Box, "proxies", id, "password")
	return string(password), err
}
