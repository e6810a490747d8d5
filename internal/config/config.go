// Package config makes one validated Config of command-line flags, AGENTRY_*
// environment variables, a TOML file and defaults, in that order of weight.
// One table (settings.go) holds every option, so that the layers cannot
// differ; kinds of agents stand in the file alone.
package config

import (
	"log/slog"
	"net/netip"
	"path/filepath"
	"slices"

	"agentry/internal/fleet"
)

// Config is what the person who hosts decided. It is valid when Load returned
// it, and prints without secrets with every verb.
type Config struct {
	// Addr is the listen address, host:port; port 0 takes a free one.
	Addr string
	// Data is the folder of the database and everything beside it.
	Data string
	// BasePath is "" or a path like "/agentry" that leads every URL.
	BasePath string
	LogLevel slog.Level
	// LogFormat is "auto" (text on a terminal, JSON otherwise), "text" or "json".
	LogFormat string
	// EnvName and EnvColor mark every page; EnvColor is a CSS colour name or
	// #rgb or #rrggbb.
	EnvName, EnvColor string
	// TrustedProxies may say who the client is and that it came by TLS.
	TrustedProxies []netip.Prefix
	// InsecureHTTP allows plain HTTP beyond the loopback interface.
	InsecureHTTP bool
	// TrustLoopback lets requests from this machine act without a key.
	TrustLoopback bool
	// MetricsAddr is "" or the listen address of /metrics.
	MetricsAddr string
	// ReadOnly refuses every change.
	ReadOnly bool
	// RateLimitRead and RateLimitWrite are requests per minute, API key and
	// route; 0 is no limit.
	RateLimitRead, RateLimitWrite int
	// EventBeat is how often an open event stream shows that it lives, in
	// seconds.
	EventBeat int
	// MasterKeyFile is the path of the master key, by default in Data.
	MasterKeyFile  string
	GoLoginAPIBase string
	GoLoginToken   Secret
	// GoLoginRate is requests a minute.
	GoLoginRate int
	// ProxyCheckURLs tell as JSON who asks from where; proxies are checked with
	// the first, and with the next when that one does not tell.
	ProxyCheckURLs []string
	// ProxyAllowPrivate are networks where proxies may be although they are not
	// of the public internet.
	ProxyAllowPrivate []netip.Prefix
	// LLMBaseURL is "" or an OpenAI-compatible endpoint without the trailing
	// /chat/completions.
	LLMBaseURL, LLMModel string
	LLMAPIKey            Secret
	// Disable lists the actions that nobody may take; see Actions.
	Disable []string
	// DefaultKind is the kind of agents that are created without one.
	DefaultKind string
	// Kinds holds every kind by its name.
	Kinds map[string]fleet.Kind
}

// Actions returns the names that Disable knows: what a person can do to an
// agent.
func Actions() []string {
	moves := []fleet.Move{fleet.MoveCreate, fleet.MoveSetup, fleet.MoveVerify, fleet.MoveStart, fleet.MoveResume,
		fleet.MovePause, fleet.MoveEnd, fleet.MoveDisable, fleet.MoveEnable, fleet.MoveRelaunch, fleet.MoveDelete}
	out := []string{"update", "message", "export", "bulk"}
	for _, m := range moves {
		out = append(out, string(m))
	}
	slices.Sort(out)
	return out
}

// resolve fills what follows from other options.
func (c *Config) resolve() {
	if c.MasterKeyFile == "" {
		c.MasterKeyFile = filepath.Join(c.Data, "master.key")
	}
}
