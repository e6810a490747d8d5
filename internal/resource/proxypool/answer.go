package proxypool

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"syscall"

	"agentry/internal/fleet"
	"agentry/internal/resource"
)

// way is how far a check came.
type way struct {
	through bool // the proxy said that it has connected
}

// connected hears what the proxy answers to CONNECT.
func (w *way) connected(_ context.Context, _ *url.URL, _ *http.Request, res *http.Response) error {
	w.through = res.StatusCode == http.StatusOK
	if w.through {
		return nil
	}
	return ofProxy(res)
}

// answered judges the answer's status and headers. Without CONNECT (plain)
// some answers are the proxy's own.
func (w *way) answered(res *http.Response, plain bool) error {
	status := res.StatusCode
	switch {
	case status >= 200 && status < 300:
		return nil
	case plain && (status == http.StatusProxyAuthRequired || status == http.StatusPaymentRequired ||
		status == http.StatusBadGateway || status == http.StatusServiceUnavailable || status == http.StatusGatewayTimeout):
		return ofProxy(res)
	case status >= 300 && status < 400:
		return odd(plain, "The request was led to another address, which is not followed")
	}
	return unclear("The address for checks answered " + strconv.Itoa(status) + ", so that nothing is known of the proxy")
}

// odd is an answer that a check URL does not give: its own mistake, unless it
// came in the open (plain), where a proxy can put its own page in its place.
func odd(plain bool, message string) error {
	if plain {
		return &resource.Error{Reason: resource.Refused, Message: message}
	}
	return unclear(message + ": see AGENTRY_PROXY_CHECK_URL")
}

// ofProxy is what a proxy's own refusal means.
func ofProxy(res *http.Response) error {
	status := res.StatusCode
	switch {
	case status == http.StatusProxyAuthRequired:
		return &resource.Error{Reason: resource.Unauthorized, Message: "The proxy does not accept the username and password"}
	case status == http.StatusPaymentRequired || tellsQuota(res):
		return &resource.Error{Reason: resource.Quota, Message: "The proxy's traffic is used up, or not paid for"}
	case status == http.StatusBadGateway || status == http.StatusServiceUnavailable || status == http.StatusGatewayTimeout:
		return &resource.Error{Reason: resource.Refused, Message: "The proxy has no exit just now (it answered " + strconv.Itoa(status) + ")"}
	}
	return &resource.Error{Reason: resource.Refused, Message: "The proxy refuses to connect (it answered " + strconv.Itoa(status) + ")"}
}

// tellsQuota reads where vendors say why: the status line and headers such as
// x-brd-err-msg and Proxy-Status (RFC 9209).
func tellsQuota(res *http.Response) bool {
	if res.StatusCode < 400 {
		return false
	}
	text := res.Status
	for name, values := range res.Header {
		if name == "Proxy-Status" || strings.Contains(strings.ToLower(name), "err") {
			text += " " + strings.Join(values, " ")
		}
	}
	return regexp.MustCompile(`(?i)quota|traffic|bandwidth|balance|payment`).MatchString(text)
}

// failed says why there was no answer. Texts of net/http are not kept: they
// may hold what was sent.
func (w *way) failed(err error) error {
	var known *resource.Error
	var dns *net.DNSError
	var cert *tls.CertificateVerificationError
	var timeout net.Error
	unreachable := func(message string) error {
		return &resource.Error{Reason: resource.Unreachable, Message: message}
	}
	switch {
	case errors.As(err, &known):
		return known
	case errors.Is(err, errInside):
		return &resource.Error{Reason: resource.Invalid, Message: "The proxy is at an address inside this server's network, which is not connected to; the host of this server can allow it with AGENTRY_PROXY_ALLOW_PRIVATE"}
	case errors.As(err, &dns) && !dns.IsTimeout:
		return unreachable("The proxy's host name is not known")
	case errors.Is(err, syscall.ECONNREFUSED):
		return unreachable("Nothing answers at the proxy's address and port")
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return unreachable("There is no way to the proxy's address")
	case errors.As(err, &cert):
		return &resource.Error{Reason: resource.Refused, Message: "The proxy answers for the site with a certificate of its own: what goes through it would not be private"}
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		if w.through {
			return unreachable("No answer came through the proxy within 10 seconds")
		}
		return unreachable("The proxy did not answer within 10 seconds")
	}
	return ofSOCKS(err, unreachable)
}

// ofSOCKS reads the errors of net/http's SOCKS5, which have no type of their own.
func ofSOCKS(err error, unreachable func(string) error) error {
	var op *net.OpError
	if !errors.As(err, &op) || !strings.HasPrefix(op.Op, "socks") {
		return unreachable("The connection broke off: the proxy may be of another type, or ended it")
	}
	text := op.Err.Error()
	switch {
	case strings.Contains(text, "username/password"), strings.Contains(text, "authentication method"):
		return &resource.Error{Reason: resource.Unauthorized, Message: "The proxy does not accept the username and password"}
	case strings.HasPrefix(text, "unknown error "):
		return &resource.Error{Reason: resource.Refused, Message: "The proxy has no exit just now (it answered: " + strings.TrimPrefix(text, "unknown error ") + ")"}
	}
	return unreachable("The proxy does not speak SOCKS5, or ended the connection")
}

// reply has the keys of the services that tell an exit.
type reply struct {
	IP          string          `json:"ip"`
	Query       string          `json:"query"`
	Country     json.RawMessage `json:"country"` // text, or an object with a code
	CountryCode string          `json:"country_code"`
	CountryCap  string          `json:"countryCode"`
	City        json.RawMessage `json:"city"` // text, or an object with a name
	Proxy       struct {
		IP string `json:"ip"`
	} `json:"proxy"`
}

// readExit reads what a check URL tells.
func readExit(body io.Reader, plain bool) (exit resource.Exit, err error) {
	raw, err := io.ReadAll(io.LimitReader(body, maxAnswer+1))
	if err != nil {
		return exit, &resource.Error{Reason: resource.Unreachable, Message: "The answer through the proxy broke off"}
	}
	var r reply
	if len(raw) > maxAnswer || json.Unmarshal(raw, &r) != nil {
		return exit, odd(plain, "What came back is not the answer of the address for checks")
	}
	for _, country := range []string{text(r.Country, "code"), r.CountryCode, r.CountryCap} {
		if code, err := fleet.CheckCountry(strings.TrimSpace(country)); err == nil && code != "" && exit.Country == "" {
			exit.Country = code
		}
	}
	for _, s := range []string{r.IP, r.Query, r.Proxy.IP} {
		if ip, err := netip.ParseAddr(s); err == nil && ip.Zone() == "" && exit.IP == "" {
			exit.IP = ip.Unmap().String()
		}
	}
	const longestCity = 100
	exit.City, _ = fleet.CleanLine([]byte(text(r.City, "name")), longestCity)
	if exit.Country == "" || exit.IP == "" {
		return resource.Exit{}, odd(plain, "What came back does not tell the exit's address and country")
	}
	return exit, nil
}

// text is a JSON text, or the named one of an object.
func text(raw json.RawMessage, name string) (s string) {
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var object map[string]any
	_ = json.Unmarshal(raw, &object)
	s, _ = object[name].(string)
	return s
}
