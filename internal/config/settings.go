package config

import (
	"fmt"
	"strconv"
	"strings"
)

const envPrefix = "AGENTRY_"

// maxRateLimit is the largest of RATE_LIMIT_READ and RATE_LIMIT_WRITE.
const maxRateLimit = 1_000_000

// configName is the one option that the file cannot hold: its own path.
const configName = "CONFIG"

// setting is one option. Its name gives all others: AGENTRY_ADDR, --addr and
// addr in the file. A secret has also NAME_FILE in all three, and no flag of
// its own: command lines are visible to every user of a machine.
type setting struct {
	name     string
	fallback string
	doc      string
	secret   bool
	isBool   bool
	// fileOnly options are part of the kinds' world and stand in the file.
	fileOnly bool
	set      func(c *Config, text string) error
	// from says which file a secret came from; nil for what is none.
	from func(c *Config, path string)
	show func(c Config) string
}

func (s setting) flagName() string { return strings.ReplaceAll(strings.ToLower(s.name), "_", "-") }
func (s setting) fileKey() string  { return strings.ToLower(s.name) }

// settings returns every option of a server in the order in which they print.
func settings() []setting {
	return []setting{
		text("ADDR", "127.0.0.1:3000", "listen `address`, host:port; port 0 takes a free one", parseAddr, func(c *Config) *string { return &c.Addr }),
		text("DATA", "./data", "`folder` of the database", parseNotEmpty, func(c *Config) *string { return &c.Data }),
		text("BASE_PATH", "", "`path` that leads every URL, as /agentry", parseBasePath, func(c *Config) *string { return &c.BasePath }),
		{
			name: "LOG_LEVEL", fallback: "info", doc: "`level`: debug, info, warn or error",
			set:  func(c *Config, s string) (err error) { c.LogLevel, err = parseLevel(s); return err },
			show: func(c Config) string { return strings.ToLower(c.LogLevel.String()) },
		},
		text("LOG_FORMAT", "auto", "`format`: text, json, or auto for text on a terminal", oneOf("auto", "text", "json"), func(c *Config) *string { return &c.LogFormat }),
		text("ENV_NAME", "", "`name` that marks every page, as staging", parseEnvName, func(c *Config) *string { return &c.EnvName }),
		text("ENV_COLOR", "", "`colour` of that mark: a CSS name or #rrggbb", parseColor, func(c *Config) *string { return &c.EnvColor }),
		{
			name: "TRUSTED_PROXIES", doc: "comma `list` of addresses or networks whose X-Forwarded-* headers count",
			set:  func(c *Config, s string) (err error) { c.TrustedProxies, err = parseProxies(s); return err },
			show: func(c Config) string { return joinPrefixes(c.TrustedProxies) },
		},
		flagLike("INSECURE_HTTP", "allow plain HTTP beyond this machine", func(c *Config) *bool { return &c.InsecureHTTP }),
		flagLike("TRUST_LOOPBACK", "let requests from this machine act without a key", func(c *Config) *bool { return &c.TrustLoopback }),
		text("METRICS_ADDR", "", "listen `address` of /metrics", parseAddr, func(c *Config) *string { return &c.MetricsAddr }),
		flagLike("READ_ONLY", "refuse every change", func(c *Config) *bool { return &c.ReadOnly }),
		number("RATE_LIMIT_READ", "600", "reads per `minute`, API key and route; 0 is no limit", 0, maxRateLimit, func(c *Config) *int { return &c.RateLimitRead }),
		number("RATE_LIMIT_WRITE", "60", "changes per `minute`, API key and route; 0 is no limit", 0, maxRateLimit, func(c *Config) *int { return &c.RateLimitWrite }),
		number("EVENT_BEAT", "15", "`seconds` between the beats of an open event stream: fewer than a proxy in front waits before it cuts", 1, 60, func(c *Config) *int { return &c.EventBeat }),
		text("MASTER_KEY_FILE", "", "`file` of the master key (default master.key in the data folder)", parseAny, func(c *Config) *string { return &c.MasterKeyFile }),
		text("GOLOGIN_API_BASE", "https://api.gologin.com", "`URL` of GoLogin's API", parseVendorURL, func(c *Config) *string { return &c.GoLoginAPIBase }),
		hidden("GOLOGIN_TOKEN", "token of GoLogin's API", func(c *Config) *Secret { return &c.GoLoginToken }),
		number("GOLOGIN_RATE", "120", "requests a `minute` to GoLogin in the long run, half as many more (60 at most) after a rest; stay well below your plan's limit", 1, 1200, func(c *Config) *int { return &c.GoLoginRate }),
		{
			name: "PROXY_CHECK_URL", fallback: "https://geo.myip.link", doc: "`URL` that tells as JSON which address and country asks, to check proxies with; more than one divided by commas",
			set:  func(c *Config, s string) (err error) { c.ProxyCheckURLs, err = parseURLs(s); return err },
			show: func(c Config) string { return strings.Join(c.ProxyCheckURLs, ",") },
		},
		{
			name: "PROXY_ALLOW_PRIVATE", doc: "comma `list` of private addresses or networks where proxies may be",
			set:  func(c *Config, s string) (err error) { c.ProxyAllowPrivate, err = parseNetworks(s); return err },
			show: func(c Config) string { return joinPrefixes(c.ProxyAllowPrivate) },
		},
		text("LLM_BASE_URL", "", "`URL` of an OpenAI-compatible endpoint", parseURL, func(c *Config) *string { return &c.LLMBaseURL }),
		text("LLM_MODEL", "", "`model` to ask for at that endpoint", parseAny, func(c *Config) *string { return &c.LLMModel }),
		hidden("LLM_API_KEY", "key for that endpoint", func(c *Config) *Secret { return &c.LLMAPIKey }),
		{
			name: "DISABLE", doc: "comma `list` of actions that nobody may take, as delete,relaunch",
			set:  func(c *Config, s string) (err error) { c.Disable, err = parseActions(s); return err },
			show: func(c Config) string { return strings.Join(c.Disable, ",") },
		},
		{
			name: "DEFAULT_KIND", fallback: "rehearsal", doc: "kind of agents that are created without one", fileOnly: true,
			set:  func(c *Config, s string) error { c.DefaultKind = s; return nil },
			show: func(c Config) string { return c.DefaultKind },
		},
	}
}

// text is an option whose parser returns the value to keep; the parser sees an
// empty text only when nobody set the option or somebody emptied it.
func text(name, fallback, doc string, parse func(string) (string, error), field func(*Config) *string) setting {
	return setting{
		name: name, fallback: fallback, doc: doc,
		set: func(c *Config, s string) error {
			value, err := parse(s)
			if err == nil {
				*field(c) = value
			}
			return err
		},
		show: func(c Config) string { return *field(&c) },
	}
}

func flagLike(name, doc string, field func(*Config) *bool) setting {
	return setting{
		name: name, fallback: "false", doc: doc, isBool: true,
		set: func(c *Config, s string) error {
			value, err := strconv.ParseBool(s)
			if err != nil {
				return fmt.Errorf("%q is neither true nor false", s)
			}
			*field(c) = value
			return nil
		},
		show: func(c Config) string { return strconv.FormatBool(*field(&c)) },
	}
}

func number(name, fallback, doc string, least, most int, field func(*Config) *int) setting {
	return setting{
		name: name, fallback: fallback, doc: doc,
		set: func(c *Config, s string) error {
			value, err := strconv.Atoi(s)
			if err != nil || value < least || value > most {
				return fmt.Errorf("%q is not a whole number from %d to %d", s, least, most)
			}
			*field(c) = value
			return nil
		},
		show: func(c Config) string { return strconv.Itoa(*field(&c)) },
	}
}

func hidden(name, doc string, field func(*Config) *Secret) setting {
	return setting{
		name: name, doc: doc, secret: true,
		set:  func(c *Config, s string) error { *field(c) = NewSecret(s); return nil },
		from: func(c *Config, path string) { field(c).path = path },
		show: func(c Config) string { return field(&c).String() },
	}
}
