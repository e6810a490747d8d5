package v1

import (
	"net/http"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"

	"agentry/internal/api"
	"agentry/internal/app"
	"agentry/internal/fleet"
)

// Proxies answers GET /v1/proxies: the team's pool, newest first.
func (a *API) Proxies(c *fiber.Ctx, by fleet.Actor) error {
	country, err := query(c, "country")
	if err != nil {
		return err
	}
	var f app.ProxyFilter
	if f.Country, err = fleet.CheckCountry(country); err != nil {
		return err
	}
	health, err := oneOf(c, "health", fleet.ProxyUnknown, fleet.ProxyHealthy, fleet.ProxyQuarantined)
	if err != nil {
		return err
	}
	f.Health = fleet.ProxyHealth(health)
	p, err := page(c)
	if err != nil {
		return err
	}
	items, next, err := a.app.Proxies(c.UserContext(), by, f, p)
	if err != nil {
		return err
	}
	return list(a, c, items, next, proxy)
}

// Proxy answers GET /v1/proxies/{id}.
func (a *API) Proxy(c *fiber.Ctx, by fleet.Actor) error {
	id, err := pathID(c, "proxyId", "Proxy")
	if err != nil {
		return err
	}
	p, err := a.app.Proxy(c.UserContext(), by, id)
	if err != nil {
		return err
	}
	return renderProxy(c, p)
}

// AddProxies answers POST /v1/proxies: an entry is answered as it is then, a
// text with what it added.
func (a *API) AddProxies(c *fiber.Ctx, by fleet.Actor) error {
	var body api.AddProxies
	if err := decode(c, &body); err != nil {
		return err
	}
	if body.Text != "" && body != (api.AddProxies{Text: body.Text, Country: body.Country, Capacity: body.Capacity}) {
		return fleet.Invalid("text", "stands alone, or with country and capacity for the lines that say none")
	}
	out, err := a.app.AddProxies(c.UserContext(), by, app.AddProxiesInput{Text: body.Text, Entry: fleet.ProxyEntry{
		Label: body.Label, Scheme: body.Scheme, Host: body.Host, Port: body.Port, Username: body.Username, Password: body.Password,
		Country: body.Country, IPMode: fleet.ProxyMode(body.IPMode), SessionTTL: minutes(body.SessionTTLMin), Capacity: body.Capacity,
	}})
	if err != nil {
		return err
	}
	if body.Text != "" {
		return render(c, api.AddedProxies{Added: each(out.Added, proxy), There: out.There})
	}
	return a.created(c, "/v1/proxies/"+out.Added[0].ID, proxy(out.Added[0]))
}

// minutes is a number of minutes; one that no duration can hold is as wrong as
// one below none.
func minutes(n int) time.Duration {
	if n < 0 || n > 1_000_000 {
		n = -1
	}
	return time.Duration(n) * time.Minute
}

// UpdateProxy answers PUT /v1/proxies/{id}.
func (a *API) UpdateProxy(c *fiber.Ctx, by fleet.Actor) error {
	id, err := pathID(c, "proxyId", "Proxy")
	if err != nil {
		return err
	}
	version, err := ifVersion(c)
	if err != nil {
		return err
	}
	var body api.UpdateProxy
	if err := decode(c, &body); err != nil {
		return err
	}
	in := app.UpdateProxyInput{
		Label: body.Label, Scheme: body.Scheme, Host: body.Host, Port: body.Port, Username: body.Username, Password: body.Password,
		Country: body.Country, IPMode: (*fleet.ProxyMode)(body.IPMode), Capacity: body.Capacity, Enabled: body.Enabled, IfVersion: version,
	}
	if body.SessionTTLMin != nil {
		ttl := minutes(*body.SessionTTLMin)
		in.SessionTTL = &ttl
	}
	p, err := a.app.UpdateProxy(c.UserContext(), by, id, in)
	if err != nil {
		return err
	}
	return renderProxy(c, p)
}

// DeleteProxy answers DELETE /v1/proxies/{id}.
func (a *API) DeleteProxy(c *fiber.Ctx, by fleet.Actor) error {
	id, err := pathID(c, "proxyId", "Proxy")
	if err != nil {
		return err
	}
	if err := a.app.DeleteProxy(c.UserContext(), by, id); err != nil {
		return err
	}
	return render(c, api.Done{Message: "Proxy deleted successfully"})
}

// CheckProxy answers POST /v1/proxies/{id}/check: the check was asked for; the
// entry says how it went.
func (a *API) CheckProxy(c *fiber.Ctx, by fleet.Actor) error {
	id, err := pathID(c, "proxyId", "Proxy")
	if err != nil {
		return err
	}
	if err := decode(c, &struct{}{}); err != nil {
		return err
	}
	p, err := a.app.CheckProxy(c.UserContext(), by, id)
	if err != nil {
		return err
	}
	c.Status(http.StatusAccepted)
	return render(c, proxy(p))
}

func renderProxy(c *fiber.Ctx, p fleet.Proxy) error {
	c.Set(fiber.HeaderETag, `"`+strconv.FormatInt(p.Version, 10)+`"`)
	return render(c, proxy(p))
}

func proxy(p fleet.Proxy) api.Proxy {
	return api.Proxy{
		ID: p.ID, Label: p.Label, Scheme: p.Scheme, Host: p.Host, Port: p.Port, Username: p.Username, HasPassword: p.HasPassword,
		Country: p.Country, IPMode: string(p.IPMode), SessionTTLMin: orNone(int(p.SessionTTL / time.Minute)), Capacity: p.Capacity, InUse: p.InUse,
		Enabled: p.Enabled, Health: string(p.Health), Fails: p.Fails, LastCheckAt: api.At(p.LastCheckAt), LastOKAt: api.At(p.LastOKAt),
		LastIP: orNull(p.LastIP), LastCountry: orNull(p.LastCountry), LatencyMS: orNone(p.Latency.Milliseconds()), LastError: orNull(p.LastError),
		NextCheckAt: api.At(p.NextCheckAt), CreatedAt: api.At(p.CreatedAt), UpdatedAt: api.At(p.UpdatedAt), Version: p.Version,
	}
}

// orNone is nil for zero.
func orNone[T int | int64](n T) *T {
	if n == 0 {
		return nil
	}
	return &n
}
