package config

import (
	"errors"
	"fmt"
	"strings"
)

// check holds the rules between options. Its sentences say what to do.
func (c Config) check() error {
	switch {
	case c.Addr == "":
		return errors.New("the listen address must not be empty")
	case c.TrustLoopback && !isLoopback(c.Addr):
		return fmt.Errorf("TRUST_LOOPBACK is refused with the listen address %s: whoever reaches it could act without a key; listen on 127.0.0.1, or leave it off", c.Addr)
	case c.TrustLoopback && len(c.TrustedProxies) > 0:
		return errors.New("TRUST_LOOPBACK is refused together with TRUSTED_PROXIES: what comes through a proxy on this machine would act without a key")
	case !isLoopback(c.Addr) && !c.InsecureHTTP && len(c.TrustedProxies) == 0:
		return fmt.Errorf("listening on %s would send passwords in the open: put a proxy with TLS in front and name it in TRUSTED_PROXIES, or accept the risk with INSECURE_HTTP", c.Addr)
	case c.MetricsAddr != "" && c.MetricsAddr == c.Addr && !strings.HasSuffix(c.Addr, ":0"):
		return fmt.Errorf("METRICS_ADDR and ADDR are both %s; metrics have their own address", c.Addr)
	}
	if strings.HasSuffix(c.LLMBaseURL, "/chat/completions") {
		return errors.New("LLM_BASE_URL is the address in front of /chat/completions: leave that away")
	}
	const maxKey = 2048
	key := c.LLMAPIKey.Reveal()
	if len(key) > maxKey || strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return fmt.Errorf("LLM_API_KEY must be at most %d printable characters without spaces", maxKey)
	}
	if _, known := c.Kinds[c.DefaultKind]; !known {
		return fmt.Errorf("default_kind: there is no kind %q; the kinds are %s", c.DefaultKind, strings.Join(c.kindNames(), ", "))
	}
	return nil
}
