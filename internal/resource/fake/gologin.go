// Package fake stands in for the vendors of outside things: GoLogin's API and
// a gateway of residential proxies, both as real servers on the loopback
// interface. The demo and the tests use it. It answers as the vendors document
// it, fails when told to, and keeps a record of what it was asked. Where the
// vendors' behaviour is not known it can be chosen: see Choices.
//
// The marks §2 to §9 are the sections of the vendor notes, reference/gologin.md.
package fake

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"time"
)

// Options are how a GoLogin is set up; the zero value works.
type Options struct {
	// Addr is where it listens, a loopback address; "" is 127.0.0.1:0.
	Addr string
	// Token is what calls need as Bearer; "" makes one.
	Token string
	// PlanPerMinute is how many requests a minute the plan allows: one more
	// and the token is dead (§6). 0 is 300, the free plan's; below 0 is none.
	PlanPerMinute int
	// MaxProfiles is the plan's number of profiles; 0 is 100,000.
	MaxProfiles int
	// MaxParallel is the plan's number of cloud browsers; 0 is 4 (§5).
	MaxParallel int
	// Countries are those of the vendor's own proxies, lower case; nil is a
	// few (§4: the real list is not known).
	Countries []string
	// TemplateProxy is what the workspace's template gives to new profiles,
	// nil is none (§0.7).
	TemplateProxy *Proxy
	// Canary is part of every secret that a profile is shown with (§0.9), so
	// that it can be searched for where it must not be; "" makes one.
	Canary string
	// Keep is how many requests the record holds, the newest; 0 is 100,000.
	Keep int
	// Control is where the control routes listen, a loopback address of their
	// own; "" is nowhere. See control.go.
	Control string
	// Choices settle what is not known of the vendor.
	Choices Choices
	// Now is the clock of the limit and of what the profiles say; nil is the
	// machine's.
	Now func() time.Time
}

// Choices settle what is not known of the vendor (§10); zeros are the defaults.
type Choices struct {
	// SecondDelete answers a DELETE of a profile in the trash or unknown:
	// 404 (default), 204 or 403.
	SecondDelete int `json:"secondDelete,omitempty"`
	// TrashedGet answers a GET of a profile in the trash: 404 (default) or 200.
	TrashedGet int `json:"trashedGet,omitempty"`
	// BulkMissing answers calls for many profiles when one is not there, the
	// others being served: 204 (default) or 404.
	BulkMissing int `json:"bulkMissing,omitempty"`
	// RunningDelete answers a DELETE while the profile's browser runs: 403
	// (default), or 204, which deletes.
	RunningDelete int `json:"runningDelete,omitempty"`
	// StopStopped answers a stop when nothing runs: 404 (default) or 204.
	StopStopped int `json:"stopStopped,omitempty"`
	// CustomStatus answers POST /browser/custom: 200 (default) or 201.
	CustomStatus int `json:"customStatus,omitempty"`
	// CloudflareStatus goes with "error code: 1015": 429 (default) or another.
	CloudflareStatus int `json:"cloudflareStatus,omitempty"`
	// TrafficKey names the residential traffic: "residentTrafficData"
	// (default) or "residentialTrafficData".
	TrafficKey string `json:"trafficKey,omitempty"`
	// TrashCounts makes profiles in the trash count for MaxProfiles.
	TrashCounts bool `json:"trashCounts,omitempty"`
	// TokenSurvives keeps the token alive after a 429, against §0.1: for runs
	// that want many of them.
	TokenSurvives bool `json:"tokenSurvives,omitempty"`
	// ListLag hides profiles younger than this from lists and searches.
	ListLag time.Duration `json:"listLagNs,omitempty"`
}

func (c Choices) filled() Choices {
	for _, d := range []struct {
		at    *int
		value int
	}{
		{&c.SecondDelete, 404}, {&c.TrashedGet, 404}, {&c.BulkMissing, 204}, {&c.RunningDelete, 403},
		{&c.StopStopped, 404}, {&c.CustomStatus, 200}, {&c.CloudflareStatus, 429},
	} {
		if *d.at == 0 {
			*d.at = d.value
		}
	}
	if c.TrafficKey == "" {
		c.TrafficKey = "residentTrafficData"
	}
	return c
}

// GoLogin is the stand-in vendor of browser profiles. It is safe for
// concurrent use.
type GoLogin struct {
	door, control *door
	done          chan struct{} // closed by Close: nothing hangs any longer
	once          sync.Once

	mu       sync.Mutex
	opts     Options
	token    string
	dead     bool        // the token was taken away
	asked    []time.Time // of the requests of the last minute
	made     uint64      // ids so far
	profiles map[string]*profile
	order    []*profile // as they were made
	strange  int        // deletions of what never was
	entities int        // the vendor's own proxies that were made
	faults   dealer
	down     Down
	requests []Request
	number   int // of the newest request
}

// NewGoLogin serves at once, until Close.
func NewGoLogin(o Options) (*GoLogin, error) {
	o.Choices = o.Choices.filled()
	fill(&o.PlanPerMinute, 300)
	fill(&o.MaxProfiles, 100_000)
	fill(&o.MaxParallel, 4)
	fill(&o.Keep, 100_000)
	if o.Countries == nil {
		o.Countries = []string{"us", "gb", "uk", "de", "fr", "ca", "au", "in"}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Token == "" {
		o.Token = newToken()
	}
	if o.Canary == "" {
		o.Canary = "canary-" + rand.Text()
	}
	s := &GoLogin{done: make(chan struct{}), opts: o, token: o.Token, profiles: map[string]*profile{}}
	var err error
	if s.door, err = openDoor(o.Addr, s); err != nil {
		return nil, err
	}
	if o.Control != "" {
		if s.control, err = openDoor(o.Control, s.controls()); err != nil {
			s.door.shut()
			return nil, err
		}
	}
	return s, nil
}

func fill(n *int, value int) {
	if *n == 0 {
		*n = value
	}
}

// newToken looks like a JWT and says what it is (§1).
func newToken() string { return "standin." + rand.Text() + "." + rand.Text() }

// URL is the API's base, without a slash at its end.
func (s *GoLogin) URL() string { return s.door.url() }

// ControlURL is where the control routes are; "" without them.
func (s *GoLogin) ControlURL() string {
	if s.control == nil {
		return ""
	}
	return s.control.url() + controlPath
}

// Token is the one that is accepted, or was before it died.
func (s *GoLogin) Token() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.token
}

// TokenDead tells whether the vendor took the token away.
func (s *GoLogin) TokenDead() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dead
}

// Canary is part of every secret that profiles are shown with.
func (s *GoLogin) Canary() string { return s.opts.Canary }

// Reissue makes a new token, as a person would in the vendor's settings; the
// former is worth nothing from then on.
func (s *GoLogin) Reissue() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token, s.dead, s.asked = newToken(), false, nil
	return s.token
}

// Revive lets a dead token in again, as if the vendor's support had done it.
func (s *GoLogin) Revive() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dead, s.asked = false, nil
}

// SetChoices settles what is not known otherwise from now on.
func (s *GoLogin) SetChoices(c Choices) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opts.Choices = c.filled()
}

// Close ends what hangs and waits for the requests under way until the context
// ends.
func (s *GoLogin) Close(ctx context.Context) error {
	s.once.Do(func() { close(s.done) })
	err := s.door.close(ctx)
	if s.control != nil {
		err = errors.Join(err, s.control.close(ctx))
	}
	return err
}
