package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

func parseAny(s string) (string, error) { return s, nil }

func parseNotEmpty(s string) (string, error) {
	if s == "" {
		return "", errors.New("must not be empty")
	}
	return s, nil
}

func oneOf(words ...string) func(string) (string, error) {
	return func(s string) (string, error) {
		if !slices.Contains(words, s) {
			return "", fmt.Errorf("%q is not one of %s", s, strings.Join(words, ", "))
		}
		return s, nil
	}
}

// parseAddr takes host:port with a numeric port; check decides where it may be
// empty.
func parseAddr(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	_, port, err := net.SplitHostPort(s)
	if err != nil {
		return "", fmt.Errorf("%q is not host:port", s)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || strconv.FormatUint(n, 10) != port {
		return "", fmt.Errorf("%q has no port from 0 to 65535", s)
	}
	return s, nil
}

// isLoopback tells whether only this machine can reach the listen address.
func isLoopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

func parseBasePath(s string) (string, error) {
	if s == "" || s == "/" {
		return "", nil
	}
	trimmed := strings.TrimSuffix(s, "/")
	if !regexp.MustCompile(`^(/[A-Za-z0-9._~-]+)+$`).MatchString(trimmed) || path.Clean(trimmed) != trimmed {
		return "", fmt.Errorf("%q is not a path like /agentry", s)
	}
	return trimmed, nil
}

func parseLevel(s string) (slog.Level, error) {
	switch s {
	case "debug":
		return slog.LevelDebug, nil
	case "info":
		return slog.LevelInfo, nil
	case "warn":
		return slog.LevelWarn, nil
	case "error":
		return slog.LevelError, nil
	}
	return 0, fmt.Errorf("%q is not one of debug, info, warn, error", s)
}

func parseEnvName(s string) (string, error) {
	const most = 40
	if utf8.RuneCountInString(s) > most || !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
		return "", fmt.Errorf("must be at most %d printable characters", most)
	}
	return s, nil
}

func parseColor(s string) (string, error) {
	if s != "" && !regexp.MustCompile(`^([a-z]{3,20}|#[0-9a-fA-F]{3}|#[0-9a-fA-F]{6})$`).MatchString(s) {
		return "", fmt.Errorf("%q is neither a CSS colour name nor #rrggbb", s)
	}
	return s, nil
}

func parseProxies(s string) ([]netip.Prefix, error) {
	return parsePrefixes(s, "anybody could then claim any address")
}

func parseNetworks(s string) ([]netip.Prefix, error) {
	return parsePrefixes(s, "name the networks where the proxies are")
}

// parsePrefixes takes addresses and networks, but not a network of all
// addresses, for the reason given.
func parsePrefixes(s, notAll string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, item := range splitList(s) {
		prefix, err := netip.ParsePrefix(item)
		if ip, errIP := netip.ParseAddr(item); errIP == nil {
			prefix, err = netip.PrefixFrom(ip, ip.BitLen()), nil
		}
		if err != nil {
			return nil, fmt.Errorf("%q is neither an address nor a network like 10.0.0.0/8", item)
		}
		if prefix.Bits() == 0 {
			return nil, fmt.Errorf("%q is everyone: %s", item, notAll)
		}
		out = append(out, prefix.Masked())
	}
	return out, nil
}

func joinPrefixes(prefixes []netip.Prefix) string {
	out := make([]string, len(prefixes))
	for i, p := range prefixes {
		out[i] = p.String()
	}
	return strings.Join(out, ",")
}

// parseURL takes an http or https URL without what could hold a secret, and
// drops the slash at its end.
func parseURL(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	u, err := url.Parse(s)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" {
		return "", errors.New("is not an http or https URL")
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", errors.New("must hold no user, query or fragment: secrets have their own options")
	}
	return strings.TrimSuffix(u.String(), "/"), nil
}

// parseURLs takes one or more URLs as parseURL does.
func parseURLs(s string) (out []string, err error) {
	for _, item := range splitList(s) {
		u, err := parseURL(item)
		if err != nil {
			return nil, err
		}
		out = append(out, u)
	}
	if len(out) == 0 {
		return nil, errors.New("must not be empty")
	}
	return out, nil
}

// parseVendorURL is parseURL for where a token of great reach is sent.
func parseVendorURL(s string) (string, error) {
	out, err := parseURL(s)
	if err != nil {
		return "", err
	}
	if out == "" {
		return "", errors.New("must not be empty")
	}
	if strings.HasPrefix(out, "http:") {
		u, err := url.Parse(out)
		if err != nil || !isLoopback(net.JoinHostPort(u.Hostname(), "80")) {
			return "", errors.New("must be https, or the token would travel in the open")
		}
	}
	return out, nil
}

func parseActions(s string) ([]string, error) {
	known := Actions()
	out := splitList(s)
	for _, item := range out {
		if !slices.Contains(known, item) {
			return nil, fmt.Errorf("%q is not an action; did you mean %q? The actions are %s", item, nearest(item, known), strings.Join(known, ", "))
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// splitList splits at commas and drops spaces and empty items.
func splitList(s string) []string {
	var out []string
	for item := range strings.SplitSeq(s, ",") {
		if item = strings.TrimSpace(item); item != "" {
			out = append(out, item)
		}
	}
	return out
}
