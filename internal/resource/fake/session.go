package fake

import (
	"crypto/subtle"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"time"
)

// Session is a sticky session that was seen, or everything without one of a
// country.
type Session struct {
	// ID is what stands in the user name; "" rotates with every connection.
	ID string
	// Country was asked for, upper case; ExitCountry is where it came out last.
	Country, ExitCountry string
	// IP is the last exit.
	IP string
	// Minutes is how long the exit stays the same.
	Minutes int
	// Connections were let in.
	Connections int
	First, Last time.Time

	user  string
	turns int // how often the exit was changed on purpose, or by rotation
}

// exit is where a connection comes out.
type exit struct {
	ip, country string
	page        bool // the echo's answer is lost on the way
}

// Sessions returns what was seen, in the order of their first connection.
func (g *Gateway) Sessions() []Session {
	g.mu.Lock()
	defer g.mu.Unlock()
	out := make([]Session, 0, len(g.order))
	for _, s := range g.order {
		out = append(out, *s)
	}
	return out
}

// Refused counts connections with wrong credentials or parameters.
func (g *Gateway) Refused() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.refused
}

// Direct counts questions to the echo that did not come through the gateway.
func (g *Gateway) Direct() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.direct
}

// Rotate gives a session another exit, as when the device at home goes off.
func (g *Gateway) Rotate(id string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, s := range g.order {
		if s.ID == id {
			s.turns++
		}
	}
}

// parameters reads a user name: user-NAME, then pairs (§9). Anything else is
// refused, as names with stray hyphens are.
func (g *Gateway) parameters(username string) (s Session, ok bool) {
	if country, fixed := g.opts.Fixed[username]; fixed {
		return Session{ID: username, Country: strings.ToUpper(country), Minutes: 1 << 30, user: username}, true
	}
	rest, ok := strings.CutPrefix(username, "user-"+g.opts.User)
	if !ok {
		return s, false
	}
	s = Session{Minutes: 10, user: g.opts.User}
	parts := strings.Split(strings.TrimPrefix(rest, "-"), "-")
	if rest == "" {
		return s, true
	}
	if !strings.HasPrefix(rest, "-") || len(parts)%2 != 0 {
		return s, false
	}
	for i := 0; i < len(parts); i += 2 {
		if !s.set(parts[i], parts[i+1]) {
			return s, false
		}
	}
	return s, true
}

func (s *Session) set(name, value string) bool {
	switch name {
	case "country":
		s.Country = strings.ToUpper(value)
		return isCountry(value)
	case "city":
		return value != ""
	case "session":
		s.ID = value
		return value != "" && strings.Trim(strings.ToLower(value), "0123456789abcdefghijklmnopqrstuvwxyz") == ""
	case "sessionduration":
		n, err := strconv.Atoi(value)
		s.Minutes = n
		return err == nil && 1 <= n && n <= 1440
	}
	return false
}

// admit checks the credentials and, when the trouble allows, gives the
// connection its exit. It is not let in when the kind is not TroubleNone.
func (g *Gateway) admit(s Session, known bool, password string, t Trouble) (exit, TroubleKind) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !known || subtle.ConstantTimeCompare([]byte(password), []byte(g.opts.Password)) != 1 || t.Kind == TroubleCredentials {
		g.refused++
		return exit{}, TroubleCredentials
	}
	if t.Kind == TroubleQuota || t.Kind == TroubleNoPeer {
		return exit{}, t.Kind
	}
	out := exit{country: s.Country, page: t.Kind == TroublePage}
	if out.country == "" {
		out.country = "US"
	}
	if t.Kind == TroubleElsewhere {
		out.country = strings.ToUpper(t.Country)
	}
	seen := g.seen(s)
	if seen.ID == "" {
		seen.turns++
	}
	period := int(seen.Last.Sub(seen.First) / (time.Duration(seen.Minutes) * time.Minute))
	out.ip = address(fmt.Sprint(seen.user, "/", seen.Country, "/", seen.ID, "/", seen.turns, "/", period))
	seen.IP, seen.ExitCountry = out.ip, out.country
	return out, TroubleNone
}

// seen counts a connection of a session.
func (g *Gateway) seen(s Session) *Session {
	key := s.user + "/" + s.Country + "/" + s.ID
	out := g.sessions[key]
	if out == nil {
		s.First = g.opts.Now()
		out = &s
		g.sessions[key] = out
		g.order = append(g.order, out)
	}
	out.Connections++
	out.Last, out.Minutes = g.opts.Now(), min(s.Minutes, 1<<20)
	return out
}

// address is one of the network for measurements, 198.18.0.0/15, which nobody
// has.
func address(of string) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(of))
	n := scatter(uint64(h.Sum32()))
	return fmt.Sprintf("198.%d.%d.%d", 18+n&1, n>>8&255, 1+n>>16%254)
}
