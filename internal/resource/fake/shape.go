package fake

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

const isoMillis = "2006-01-02T15:04:05.000Z"

func stamp(t time.Time) string { return t.UTC().Format(isoMillis) }

// navigator is the part of the fingerprint that is shown.
func (p *profile) navigator() map[string]any {
	sizes := []string{"1920x1080", "1536x864", "1440x900", "1366x768"}
	return map[string]any{
		"userAgent":  fmt.Sprintf("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.%d.%d Safari/537.36", 7000+p.seed%200, p.seed),
		"resolution": sizes[p.seed%uint64(len(sizes))],
		"language":   "en-US,en;q=0.9",
		"platform":   "Linux x86_64",
	}
}

// liveView needs no further access: whoever has it is in (§0.10).
func (s *GoLogin) liveView(p *profile) string {
	if !p.running {
		return ""
	}
	return fmt.Sprintf("https://cloudbrowser.gologin.com/browsers/%s/%s/", p.id, p.session)
}

// whole is a profile as GET /browser/:id shows it, secrets and all (§0.9, §3).
func (s *GoLogin) whole(p *profile) map[string]any {
	return map[string]any{
		"id": p.id, "name": p.name, "notes": p.notes, "os": p.os, "osSpec": p.osSpec,
		"canBeRunning": true, "lockEnabled": false, "isRunning": p.running,
		"proxyEnabled": p.proxy.Mode != modeNone, "proxy": p.proxy.whole(),
		"navigator":           p.navigator(),
		"remoteOrbitaUrl":     s.liveView(p),
		"autoProxyUsername":   "auto",
		"autoProxyPassword":   s.opts.Canary + "-auto",
		"facebookAccountData": map[string]any{"email": "nobody@invalid.example", "password": s.opts.Canary + "-account", "token": s.opts.Canary + "-token"},
		"createdAt":           stamp(p.created), "updatedAt": stamp(p.updated),
	}
}

// row is a profile as lists show it (§3).
func (s *GoLogin) row(p *profile) map[string]any {
	return map[string]any{
		"id": p.id, "name": p.name, "notes": p.notes, "os": p.os,
		"isRunning": p.running, "isWeb": p.running, "isRunDisabled": false, "runDisabledReason": nil,
		"proxyEnabled": p.proxy.Mode != modeNone, "proxyType": p.proxy.Mode, "proxyRegion": p.proxy.Region,
		"proxy":           p.proxy.whole(),
		"remoteOrbitaUrl": s.liveView(p),
		"createdAt":       stamp(p.created), "updatedAt": stamp(p.updated), "lastActivity": stamp(p.updated),
	}
}

// user is GET /user (§1): the cheapest check of a token, and more than anybody
// wants to know.
func (s *GoLogin) user(call) answer {
	return answer{status: http.StatusOK, body: map[string]any{
		"_id": "5f0000000000000000000001", "email": "stand-in@invalid.example",
		"plan":             map[string]any{"name": "stand-in", "maxProfiles": s.opts.MaxProfiles},
		"defaultWorkspace": "5f0000000000000000000002",
		"folders":          []any{},
		"payment":          map[string]any{"cardToken": s.opts.Canary + "-card"},
	}}
}

// none is no proxy.
func none() Proxy { return Proxy{Mode: modeNone} }

const modeNone = "none"

// Proxy is what a profile uses (§4).
type Proxy struct {
	ID       string `json:"id,omitempty"`
	Mode     string `json:"mode"`
	Host     string `json:"host,omitempty"`
	Port     int    `json:"port,omitempty"`
	Username string `json:"username,omitempty"`
	Password string `json:"password,omitempty"`
	Region   string `json:"autoProxyRegion,omitempty"`
	Label    string `json:"customName,omitempty"`
}

// whole has the password in it, as the vendor does.
func (p Proxy) whole() map[string]any {
	out := map[string]any{"mode": p.Mode, "host": p.Host, "port": p.Port, "username": p.Username, "password": p.Password}
	if p.Mode == modeNone {
		out["port"] = 80
	}
	for key, v := range map[string]string{"id": p.ID, "autoProxyRegion": p.Region, "customName": p.Label} {
		if v != "" {
			out[key] = v
		}
	}
	return out
}

func modes() []string {
	return []string{"http", "socks4", "socks5", "possh", "geolocation", modeNone, "gologin", "tor"}
}

// proxyOf reads a proxy and says what is wrong with it: the shape alone, it is
// not tried (§4).
func proxyOf(in map[string]any) (Proxy, []violation) {
	f := &form{in: in}
	p := Proxy{
		Mode: f.oneOf("mode", "isEnum", true, modes()...), ID: f.text("id"),
		Host: f.text("host"), Port: f.integer("port"), Username: f.text("username"), Password: f.text("password"),
		Label: f.text("customName"),
	}
	if p.Mode == "gologin" {
		p.Region = f.oneOf("autoProxyRegion", "isIn", true, "us", "uk", "de", "ca", "in")
	}
	if p.Mode == modeNone {
		p = none()
	}
	return p, f.wrong
}

// isCountry tells whether it is two lower-case letters.
func isCountry(code string) bool {
	return len(code) == 2 && strings.Trim(code, "abcdefghijklmnopqrstuvwxyz") == ""
}
