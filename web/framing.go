package web

import (
	"bytes"
	"strings"

	"github.com/gofiber/fiber/v2"

	"agentry/internal/fleet"
)

// codeBadRequest is what a request gets whose framing cannot be trusted.
const codeBadRequest fleet.Code = "bad_request"

// checkFraming refuses what two servers could read in two ways: lengths given
// twice or in two manners, folded lines, bare line ends, NUL, more than one or
// no Host. The server's own parser lets some of these pass.
func checkFraming(c *fiber.Ctx) error {
	h := &c.Request().Header
	if text := badFraming(h.RawHeaders(), string(h.Protocol())); text != "" {
		return fleet.Errorf(codeBadRequest, "%s", text)
	}
	if !goodTarget(string(h.RequestURI())) {
		return fleet.Errorf(codeBadRequest, "The request target is not valid")
	}
	host := string(h.Host())
	if !goodHost(host) && !(host == "" && string(h.Protocol()) == "HTTP/1.0") {
		return fleet.Errorf(codeBadRequest, "The Host header is not valid")
	}
	if uri := string(h.RequestURI()); !strings.HasPrefix(uri, "/") && uri != "*" && !sameHost(uri, host) {
		return fleet.Errorf(codeBadRequest, "The request target and the Host header disagree")
	}
	return nil
}

// badFraming says what is wrong with the header lines, or "".
func badFraming(raw []byte, protocol string) string {
	if protocol != "HTTP/1.1" && protocol != "HTTP/1.0" {
		return "The protocol version is not supported"
	}
	counts := map[string]int{}
	chunked := true
	for len(raw) > 0 {
		line, rest, ended := bytes.Cut(raw, []byte("\n"))
		raw = rest
		line, crlf := bytes.CutSuffix(line, []byte("\r"))
		switch {
		case !ended || !crlf:
			return "A header line does not end with CRLF"
		case len(line) == 0:
			continue
		case line[0] == ' ' || line[0] == '\t':
			return "A header line is folded"
		case bytes.ContainsAny(line, "\x00\r"):
			return "A header line has a control character"
		}
		name, value, colon := bytes.Cut(line, []byte(":"))
		if !colon || len(name) == 0 || bytes.ContainsAny(name, " \t") {
			return "A header line is not valid"
		}
		key := strings.ToLower(string(name))
		counts[key]++
		if key == "transfer-encoding" {
			chunked = strings.EqualFold(string(bytes.TrimSpace(value)), "chunked")
		}
	}
	switch {
	case counts["host"] > 1:
		return "More than one Host header"
	case counts["authorization"] > 1:
		return "More than one Authorization header"
	case counts["content-encoding"] > 0:
		return "Bodies are taken without Content-Encoding"
	case counts["content-length"] > 1 || counts["transfer-encoding"] > 1:
		return "More than one length of the body"
	case counts["content-length"] > 0 && counts["transfer-encoding"] > 0:
		return "Content-Length and Transfer-Encoding together"
	case !chunked:
		return "The Transfer-Encoding is not supported"
	}
	return ""
}

// goodTarget accepts visible ASCII without a fragment.
func goodTarget(uri string) bool {
	for i := range len(uri) {
		if uri[i] <= ' ' || uri[i] >= 0x7f || uri[i] == '#' || uri[i] == '\\' {
			return false
		}
	}
	return uri != ""
}

// goodHost accepts a name or address with an optional port.
func goodHost(host string) bool {
	if host == "" || len(host) > 255 {
		return false
	}
	for i := range len(host) {
		b := host[i]
		letter := b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9'
		if !letter && !strings.ContainsRune(".-_:[]", rune(b)) {
			return false
		}
	}
	return host[0] != ':' && host[0] != '.'
}

// sameHost tells whether an absolute request target names the host.
func sameHost(uri, host string) bool {
	_, rest, ok := strings.Cut(uri, "://")
	authority, _, _ := strings.Cut(rest, "/")
	authority, _, _ = strings.Cut(authority, "?")
	return ok && strings.EqualFold(authority, host)
}
