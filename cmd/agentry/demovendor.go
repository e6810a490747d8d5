package main

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"agentry/internal/app"
	"agentry/internal/config"
	"agentry/internal/fleet"
	"agentry/internal/resource/fake"
)

// standIns are the vendors of the demo: imitations on this machine that go
// with it. Only the demo knows them.
type standIns struct {
	gologin *fake.GoLogin
	gateway *fake.Gateway
}

// standInRate is how fast the stand-in is asked, a minute; its plan allows
// more, so that no burst costs the token.
const (
	standInRate = 1000
	standInPlan = 10_000
)

// openStandIns starts them and points the configuration at them, whatever it
// said before: the demo never asks a real vendor.
func openStandIns(c *config.Config) (v *standIns, err error) {
	v = &standIns{}
	if v.gologin, err = fake.NewGoLogin(fake.Options{PlanPerMinute: standInPlan, Keep: 1000}); err != nil {
		return nil, err
	}
	if v.gateway, err = fake.NewGateway(fake.GatewayOptions{User: "northwind"}); err != nil {
		return nil, errors.Join(err, v.close())
	}
	at, err := netip.ParseAddr(v.gateway.Host())
	if err != nil {
		return nil, errors.Join(err, v.close())
	}
	c.GoLoginAPIBase, c.GoLoginToken, c.GoLoginRate = v.gologin.URL(), config.NewSecret(v.gologin.Token()), standInRate
	c.ProxyCheckURLs, c.ProxyAllowPrivate = []string{v.gateway.EchoURL()}, []netip.Prefix{netip.PrefixFrom(at, at.BitLen())}
	return v, nil
}

func (v *standIns) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	err := v.gologin.Close(ctx)
	if v.gateway != nil {
		err = errors.Join(err, v.gateway.Close(ctx))
	}
	return err
}

// addProxies fills the pool. Who asks for an exit in the US gets one in
// Canada, so that its entry is quarantined.
func (d *demoTeam) addProxies(ctx context.Context, a *app.App) error {
	g := d.vendors.gateway
	if err := g.SetTrouble("US", fake.Trouble{Kind: fake.TroubleElsewhere, Country: "CA"}); err != nil {
		return err
	}
	for _, v := range []struct{ label, country string }{
		{"London stand-in", "GB"}, {"Berlin stand-in", "DE"}, {"New York stand-in", "US"},
	} {
		out, err := a.AddProxies(ctx, d.by, app.AddProxiesInput{Entry: fleet.ProxyEntry{
			Label: v.label, Scheme: "http", Host: g.Host(), Port: g.Port(),
			Username: g.Username(), Password: g.Password(), Country: v.country, Capacity: 20,
		}})
		if err != nil {
			return err
		}
		for _, p := range out.Added {
			if err := d.checkProxy(ctx, a, p.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkProxy checks an entry until it is known how it is, as the worker does
// once it runs: agents that are set up from now on get proxies that work.
func (d *demoTeam) checkProxy(ctx context.Context, a *app.App, id string) error {
	for range 5 {
		if err := a.WorkProxyCheck(ctx, id); err != nil {
			return err
		}
		p, err := a.Proxy(ctx, d.by, id)
		if err != nil || p.Health != fleet.ProxyUnknown {
			return err
		}
	}
	return nil
}
