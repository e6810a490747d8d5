package fake

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Fault is a way to fail (§6, §8). One that ends in "-after" does what it was
// asked for and loses the answer; the others do nothing.
type Fault string

// The faults.
const (
	FaultError      Fault = "500"         // the API's own 500
	FaultGateway    Fault = "502"         // a page of HTML
	FaultBusy       Fault = "503"         // the API's own 503
	FaultLimit      Fault = "429"         // and the token is dead (§0.1)
	FaultHang       Fault = "hang"        // no answer until the client leaves or Hang is over, then a reset
	FaultReset      Fault = "reset"       // the connection is reset
	FaultSlow       Fault = "slow"        // the right answer, Slow later
	FaultCloudflare Fault = "1015"        // text that is not the API's: the address is blocked
	FaultErrorLate  Fault = "500-after"   // 500 of something that happened
	FaultGateLate   Fault = "502-after"   // HTML of something that happened
	FaultHangLate   Fault = "hang-after"  // no answer to something that happened
	FaultResetLate  Fault = "reset-after" // the reply of something that happened is lost
)

// AllFaults returns all but FaultLimit, after which nothing works.
func AllFaults() []Fault {
	return []Fault{
		FaultError, FaultGateway, FaultBusy, FaultHang, FaultReset, FaultSlow, FaultCloudflare,
		FaultErrorLate, FaultGateLate, FaultHangLate, FaultResetLate,
	}
}

func (f Fault) after() bool { return strings.HasSuffix(string(f), "-after") }

// Faults say how often what fails. The same seed deals the same faults to the
// same order of requests.
type Faults struct {
	Seed uint64
	// Rate is how many of the requests fail, from 0 to 1.
	Rate float64
	// Kinds are dealt with equal chances; one that stands twice has twice the
	// chance.
	Kinds []Fault
	// Routes limits it to calls such as "DELETE /browser/:id"; nil is all.
	Routes []string
	// Times ends it after so many faults; 0 is never.
	Times int
	// Hang is how long FaultHang lasts; 0 is 30 s. Slow is FaultSlow's; 0 is 2 s.
	Hang, Slow time.Duration
}

// SetFaults replaces the faults; the zero value ends them.
func (s *GoLogin) SetFaults(f Faults) error {
	for _, k := range f.Kinds {
		if k != FaultLimit && !slices.Contains(AllFaults(), k) {
			return fmt.Errorf("no fault is called %q", k)
		}
	}
	for _, name := range f.Routes {
		if !slices.ContainsFunc(routes(), func(r route) bool { return r.name() == name }) {
			return fmt.Errorf("no call is called %q; they are written as DELETE /browser/:id", name)
		}
	}
	if f.Rate > 0 && len(f.Kinds) == 0 {
		return fmt.Errorf("faults need kinds")
	}
	if f.Hang == 0 {
		f.Hang = 30 * time.Second
	}
	if f.Slow == 0 {
		f.Slow = 2 * time.Second
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = dealer{Faults: f, random: rand.New(rand.NewPCG(f.Seed, 1))}
	return nil
}

// dealer draws faults.
type dealer struct {
	Faults
	random *rand.Rand
	dealt  int
}

// deal is "" for none.
func (d *dealer) deal(rt *route) Fault {
	if d.Rate <= 0 || d.Routes != nil && !slices.Contains(d.Routes, rt.name()) || d.Times > 0 && d.dealt >= d.Times {
		return ""
	}
	if d.random.Float64() >= d.Rate {
		return ""
	}
	d.dealt++
	return d.Kinds[d.random.IntN(len(d.Kinds))]
}

// delivery is how an answer goes back.
type delivery struct {
	way  way
	wait time.Duration
}

type way int

const (
	wayPlain way = iota
	waySlow
	wayReset
	wayHang
)

// faulty is what is said and how; no status is that the vendor's own counts.
func (s *GoLogin) faulty(f Fault) (answer, delivery) {
	switch f {
	case FaultError, FaultErrorLate:
		return failure(http.StatusInternalServerError, "Internal server error"), delivery{}
	case FaultGateway, FaultGateLate:
		return answer{status: http.StatusBadGateway, body: page{"text/html", "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n"}}, delivery{}
	case FaultBusy:
		return unavailable(), delivery{}
	case FaultCloudflare:
		return answer{status: s.opts.Choices.CloudflareStatus, body: page{"text/plain; charset=UTF-8", "error code: 1015"}}, delivery{}
	case FaultSlow:
		return answer{}, delivery{waySlow, s.faults.Slow}
	case FaultHang, FaultHangLate:
		return answer{}, delivery{wayHang, s.faults.Hang}
	}
	return answer{}, delivery{way: wayReset}
}

func unavailable() answer { return failure(http.StatusServiceUnavailable, "Service Unavailable") }

// Down is how the vendor is away.
type Down string

// The ways.
const (
	DownNot         Down = ""
	DownRefuse      Down = "refuse" // connections are refused
	DownUnavailable Down = "503"    // every request is answered 503
)

// SetDown makes the vendor go away or come back, at the same address.
func (s *GoLogin) SetDown(d Down) error {
	if d != DownNot && d != DownRefuse && d != DownUnavailable {
		return fmt.Errorf("a vendor is away by %q or %q, not by %q", DownRefuse, DownUnavailable, d)
	}
	s.mu.Lock()
	s.down = d
	s.mu.Unlock()
	if d == DownRefuse {
		s.door.shut()
		return nil
	}
	return s.door.open()
}
