package fleet

import (
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Proxy is an entry of the team's pool: a gateway that serves many agents with
// a session each, or one fixed address. Its password is kept sealed and never
// part of it.
type Proxy struct {
	ID     string
	TeamID TeamID
	Label  string
	Scheme string // "http" or "socks5"
	Host   string
	Port   int
	// Username and the sealed password are templates: {cc} and {CC} stand for
	// the country, {sid} for the session, {ttl_min} for SessionTTL in minutes.
	Username    string
	HasPassword bool
	Country     string // of the exit, ISO 3166-1 alpha-2
	IPMode      ProxyMode
	SessionTTL  time.Duration
	// Capacity is how many agents may use it at once, InUse how many do.
	Capacity, InUse int
	Enabled         bool

	Health ProxyHealth
	// Fails counts the failed checks since one worked.
	Fails       int
	LastCheckAt time.Time
	LastOKAt    time.Time
	LastIP      string
	LastCountry string
	Latency     time.Duration
	LastError   string // a sentence; "" when the last check worked
	NextCheckAt time.Time
	CreatedAt   time.Time
	UpdatedAt   time.Time
	Version     int64
}

// ProxyMode is how long the exit address stays the same.
type ProxyMode string

// The modes.
const (
	ProxySticky   ProxyMode = "sticky"
	ProxyRotating ProxyMode = "rotating"
	ProxyStatic   ProxyMode = "static"
)

// ProxyHealth is what the checks say of an entry.
type ProxyHealth string

// The healths. A quarantined entry is given to nobody; it is tried again now
// and then, and one good check lets it back.
const (
	ProxyUnknown     ProxyHealth = "unknown"
	ProxyHealthy     ProxyHealth = "healthy"
	ProxyQuarantined ProxyHealth = "quarantined"
)

// MaxProxies is how many entries one text may add.
const MaxProxies = 1000

// The bounds and habits of entries.
const (
	maxProxyCapacity = 10_000
	// gatewayCapacity is how many agents a gateway serves when nobody says: it
	// gives each session an exit of its own.
	gatewayCapacity = 100
	maxSessionTTL   = 7 * 24 * time.Hour
	usualSessionTTL = 24 * time.Hour
	// maxCredential is the longest name or password that SOCKS5 carries, in
	// bytes (RFC 1929).
	maxCredential = 255
)

// ProxyEntry is an entry as people write it, with its password. It prints
// without it.
type ProxyEntry struct {
	Label              string // "" takes host and port
	Scheme             string // "" is http
	Host               string
	Port               int
	Username, Password string // templates
	Country            string
	IPMode             ProxyMode     // "" is sticky with a session, else static
	SessionTTL         time.Duration // whole minutes; 0 is a day where a template asks for it
	Capacity           int           // 0 is 100 with a session, else 1
	Line               int           // of the text it stands in, from 1; 0 is none
}

// Format prints String for every verb.
func (e ProxyEntry) Format(f fmt.State, _ rune) { fmt.Fprint(f, e.String()) }

// String names the place alone.
func (e ProxyEntry) String() string {
	return e.Scheme + "://" + net.JoinHostPort(e.Host, strconv.Itoa(e.Port))
}

// LogValue is String.
func (e ProxyEntry) LogValue() slog.Value { return slog.StringValue(e.String()) }

// Check returns the entry with what was left out, or what is wrong with it.
// No error quotes anything of the entry: in a line of another order, any part
// may be the password.
func (e ProxyEntry) Check() (ProxyEntry, error) {
	var err error
	if e.Scheme, err = checkProxyScheme(e.Scheme); err != nil {
		return e, err
	}
	if e.Host, err = checkProxyHost(e.Host); err != nil {
		return e, err
	}
	if e.Port < 1 || e.Port > 65535 {
		return e, Invalid("port", "must be a number from 1 to 65535")
	}
	if e.Country, err = CheckCountry(strings.TrimSpace(e.Country)); err == nil && e.Country == "" {
		err = Invalid("country", "must say where the exit is, such as FR")
	}
	if err != nil {
		return e, err
	}
	if e, err = e.withHabits(); err != nil {
		return e, err
	}
	if e.Label == "" {
		e.Label = net.JoinHostPort(e.Host, strconv.Itoa(e.Port))
		e.Label = e.Label[:min(len(e.Label), MaxName)]
	}
	if e.Label, err = CheckName("label", e.Label); err != nil {
		return e, err
	}
	if strings.ContainsFunc(e.Label, reorders) {
		return e, Invalid("label", "must not contain characters that reorder the text around them")
	}
	return e, e.checkCredentials()
}

// withHabits fills in what follows from whether there is a session.
func (e ProxyEntry) withHabits() (ProxyEntry, error) {
	session := usesPlaceholder(e.Username, placeSession) || usesPlaceholder(e.Password, placeSession)
	if e.IPMode == "" {
		e.IPMode = ProxyStatic
		if session {
			e.IPMode = ProxySticky
		}
	}
	if !slices.Contains([]ProxyMode{ProxySticky, ProxyRotating, ProxyStatic}, e.IPMode) {
		return e, Invalid("ipMode", "must be sticky, rotating or static")
	}
	if e.Capacity == 0 {
		e.Capacity = 1
		if session {
			e.Capacity = gatewayCapacity
		}
	}
	if e.Capacity < 1 || e.Capacity > maxProxyCapacity {
		return e, Invalid("capacity", "must be a number from 1 to %d", maxProxyCapacity)
	}
	if e.SessionTTL == 0 && (usesPlaceholder(e.Username, placeTTL) || usesPlaceholder(e.Password, placeTTL)) {
		e.SessionTTL = usualSessionTTL
	}
	if e.SessionTTL < 0 || e.SessionTTL > maxSessionTTL || e.SessionTTL%time.Minute != 0 {
		return e, Invalid("sessionTtlMin", "must be a number of minutes from 1 to %d", maxSessionTTL/time.Minute)
	}
	return e, nil
}

// reorders tells of characters that change the order of all text behind them,
// such as the rest of an alert that names the entry.
func reorders(r rune) bool { return r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 }

func (e ProxyEntry) checkCredentials() error {
	if err := checkProxyTemplate("username", e.Username); err != nil {
		return err
	}
	if e.Scheme == "http" && strings.Contains(e.Username, ":") {
		return Invalid("username", "must not have a colon")
	}
	if e.Username == "" && e.Password != "" {
		return Invalid("username", "must not be empty when there is a password")
	}
	return checkProxyTemplate("password", e.Password)
}

func checkProxyScheme(s string) (string, error) {
	switch s = strings.ToLower(strings.TrimSpace(s)); s {
	case "":
		return "http", nil
	case "http", "socks5":
		return s, nil
	case "socks5h":
		return "socks5", nil // names are always looked up by the proxy
	case "https":
		return "", Invalid("scheme", "must be http or socks5; most proxies sold as https are http: sites stay encrypted through them")
	}
	return "", Invalid("scheme", "must be http or socks5")
}

// checkProxyHost takes an IP address or an ASCII host name and returns it in
// lower case without the dot at its end. Other spellings of addresses, such as
// 2130706433 or 0x7f.1, are neither.
func checkProxyHost(s string) (string, error) {
	s = strings.ToLower(strings.TrimSpace(s))
	inner, open := strings.CutPrefix(s, "[")
	inner, closed := strings.CutSuffix(inner, "]")
	ip, err := netip.ParseAddr(inner)
	if err == nil && ip.Zone() == "" && open == closed && (ip.Is6() || !open) {
		return ip.Unmap().String(), nil
	}
	s = strings.TrimSuffix(s, ".")
	labels := strings.Split(s, ".")
	last := labels[len(labels)-1]
	wrong := s == "" || len(s) > 253 || isNumber(last) || slices.ContainsFunc(labels, func(l string) bool { return !isHostLabel(l) })
	if wrong {
		return "", Invalid("host", "must be a host name or an IP address, without scheme, port or path")
	}
	return s, nil
}

func isHostLabel(l string) bool {
	if l == "" || len(l) > 63 || l[0] == '-' || l[len(l)-1] == '-' {
		return false
	}
	return !strings.ContainsFunc(l, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_'
	})
}

// isNumber tells whether some resolvers take a name's last label for a number,
// which makes the name an address.
func isNumber(label string) bool {
	_, err := strconv.ParseUint(label, 10, 64)
	if digits, hex := strings.CutPrefix(label, "0x"); hex {
		return !strings.ContainsFunc(digits, func(r rune) bool { return (r < '0' || r > '9') && (r < 'a' || r > 'f') })
	}
	return err == nil
}
