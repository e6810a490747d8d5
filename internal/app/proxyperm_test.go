package app_test

import (
	"context"
	"slices"

	"agentry/internal/app"
	"agentry/internal/fleet"
)

// pooling are the use-cases of the pool, for TestPermissions.
func pooling() map[string]useCase {
	label := "other"
	return map[string]useCase{
		"Proxies": {read, false, "", func(ctx context.Context, by fleet.Actor, _ fleet.AgentID, b *bench) error {
			b.proxy("GB")
			list, _, err := b.Proxies(ctx, by, app.ProxyFilter{}, app.PageInput{})
			if slices.ContainsFunc(list, func(p fleet.Proxy) bool { return p.TeamID != by.TeamID }) {
				b.t.Error("another team lists proxies")
			}
			return err
		}},
		"Proxy": {read, false, fleet.CodeNotFound, func(ctx context.Context, by fleet.Actor, _ fleet.AgentID, b *bench) error {
			return second(b.Proxy(ctx, by, b.proxy("GB").ID))
		}},
		"CountProxies": {read, false, "", func(ctx context.Context, by fleet.Actor, _ fleet.AgentID, b *bench) error {
			b.proxy("GB")
			n, err := b.CountProxies(ctx, by)
			if by.TeamID != b.team && len(n) > 0 {
				b.t.Errorf("another team counts %v", n)
			}
			return err
		}},
		"AddProxies": {admin, true, "", func(ctx context.Context, by fleet.Actor, _ fleet.AgentID, b *bench) error {
			return second(b.AddProxies(ctx, by, app.AddProxiesInput{Text: "192.0.2.9:1,GB"}))
		}},
		"UpdateProxy": {admin, true, fleet.CodeNotFound, func(ctx context.Context, by fleet.Actor, _ fleet.AgentID, b *bench) error {
			return second(b.UpdateProxy(ctx, by, b.proxy("GB").ID, app.UpdateProxyInput{Label: &label}))
		}},
		"DeleteProxy": {admin, true, fleet.CodeNotFound, func(ctx context.Context, by fleet.Actor, _ fleet.AgentID, b *bench) error {
			return b.DeleteProxy(ctx, by, b.proxy("GB").ID)
		}},
		"CheckProxy": {operate, true, fleet.CodeNotFound, func(ctx context.Context, by fleet.Actor, _ fleet.AgentID, b *bench) error {
			return second(b.CheckProxy(ctx, by, b.proxy("GB").ID))
		}},
	}
}

// proxy adds an entry with room for one agent to our pool.
func (b *bench) proxy(country string) fleet.Proxy {
	b.t.Helper()
	n := b.number(`SELECT COUNT(*) FROM proxies`)
	out, err := b.AddProxies(context.Background(), b.admin, app.AddProxiesInput{Entry: fleet.ProxyEntry{
		Label: "Exit", Host: "gate.example", Port: int(n) + 1, Username: "user-{cc}", Password: "canary-{cc}", Country: country,
	}})
	b.ok(err)
	return out.Added[0]
}
