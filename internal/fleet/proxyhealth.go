package fleet

import (
	"fmt"
	"strings"
	"time"
)

const (
	// ProxyCheckMost is the longest pause between two checks of an entry: a
	// next check farther away is of a clock that was set back since.
	ProxyCheckMost = 30 * time.Hour

	heldCheck = 15 * time.Minute // to twice that
	idleCheck = 24 * time.Hour   // to a quarter more: traffic is metered
	failCheck = 30 * time.Second // doubling
	heldFail  = 10 * time.Minute
	idleFail  = time.Hour
	// quarantineAfter is how many failed checks in a row quarantine an entry.
	quarantineAfter = 2
)

// ProxyTry is the outcome of a check.
type ProxyTry struct {
	At time.Time
	// Error is a sentence; "" is that the check worked.
	Error string
	// Refused: the credentials are wrong, which another try does not mend.
	Refused bool
	// Unclear: the check itself could not be made, which says nothing of the proxy.
	Unclear bool
	IP      string
	Country string
	Latency time.Duration
}

// Tried is the entry after a check. jitter, from 0 to below 1, spreads the
// next checks of many.
func (p Proxy) Tried(t ProxyTry, jitter float64) Proxy {
	spread := func(d time.Duration) time.Duration { return time.Duration(jitter * float64(d)) }
	p.LastCheckAt, p.LastError = t.At, t.Error
	if t.IP != "" {
		p.LastIP, p.LastCountry, p.Latency = t.IP, t.Country, t.Latency
	}
	switch {
	case t.Error == "":
		p.Health, p.Fails, p.LastOKAt = ProxyHealthy, 0, t.At
		pause := idleCheck + spread(idleCheck/4)
		if p.InUse > 0 {
			pause = heldCheck + spread(heldCheck)
		}
		p.NextCheckAt = t.At.Add(pause)
		return p
	case t.Unclear:
		p.NextCheckAt = t.At.Add(heldCheck + spread(heldCheck))
		return p
	}
	p.Fails++
	if p.Fails >= quarantineAfter || t.Refused {
		p.Health = ProxyQuarantined
	}
	most := idleFail
	if p.InUse > 0 {
		most = heldFail
	}
	pause := min(failCheck<<min(p.Fails-1, 20), most)
	p.NextCheckAt = t.At.Add(pause - spread(pause/4))
	return p
}

// ProxyCounts are what a country has in the pool.
type ProxyCounts struct {
	Entries     int // enabled
	Quarantined int // of them
	// Places and Used are those of the others.
	Places, Used int
	Disabled     int // entries
}

// NoProxy says why a country has no free proxy.
func (c ProxyCounts) NoProxy(country string) *Error {
	if c.Entries+c.Disabled == 0 {
		return Errorf(CodeConflict, "No proxy for %s: the pool has none there. Add one first", country)
	}
	var parts []string
	if c.Places > 0 {
		parts = append(parts, fmt.Sprintf("%d of %d %s in use", c.Used, c.Places, plural(c.Places, "place is", "places are")))
	}
	if c.Quarantined > 0 {
		parts = append(parts, fmt.Sprintf("%d %s quarantined", c.Quarantined, plural(c.Quarantined, "entry is", "entries are")))
	}
	if c.Disabled > 0 {
		parts = append(parts, fmt.Sprintf("%d %s switched off", c.Disabled, plural(c.Disabled, "entry is", "entries are")))
	}
	return Errorf(CodeConflict, "No free proxy for %s: %s", country, strings.Join(parts, ", "))
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
