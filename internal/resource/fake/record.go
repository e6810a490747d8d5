package fake

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Request is one that reached the vendor.
type Request struct {
	// Number counts them from 1.
	Number int       `json:"number"`
	At     time.Time `json:"at"`
	Method string    `json:"method"`
	// Target is path and query as they were sent.
	Target string `json:"target"`
	// Route is the documented call, as "DELETE /browser/:id"; "" is none.
	Route string `json:"route"`
	// Access is "ok", "wrong" or "none".
	Access string `json:"access"`
	// Header has Accept, Content-Type and User-Agent where they were sent.
	Header map[string]string `json:"header"`
	Body   string            `json:"body"`
	// Status is what was answered; 0 is no answer.
	Status int `json:"status"`
	// Effect: something changed at the vendor.
	Effect bool `json:"effect"`
	// Profile is the id of the one it was about, where there is one.
	Profile string `json:"profile,omitempty"`
	// Fault is what was dealt to it.
	Fault Fault `json:"fault,omitempty"`
}

// note keeps a request. Its access is judged by what is said of the token, not
// by whether the token died of it.
func (s *GoLogin) note(r *http.Request, c call, rt *route, a answer, how delivery, fault Fault) {
	s.number++
	n := Request{
		Number: s.number, At: c.now, Method: r.Method, Target: r.URL.RequestURI(), Route: rt.name(), Access: "none",
		Header: map[string]string{}, Body: string(c.body), Status: a.status, Effect: a.effect, Profile: a.id, Fault: fault,
	}
	if token := r.Header.Get("Authorization"); token != "" {
		n.Access = "wrong"
		if token == "Bearer "+s.token {
			n.Access = "ok"
		}
	}
	for _, name := range []string{"Accept", "Content-Type", "User-Agent"} {
		if v := r.Header.Get(name); v != "" {
			n.Header[name] = v
		}
	}
	if how.way == wayReset || how.way == wayHang {
		n.Status = 0
	}
	if s.requests = append(s.requests, n); len(s.requests) > s.opts.Keep {
		s.requests = slices.Clone(s.requests[len(s.requests)-s.opts.Keep+s.opts.Keep/10:])
	}
}

// Requests returns the record, oldest first; after leaves out those up to this
// number, so that 0 is all.
func (s *GoLogin) Requests(after int) []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, _ := slices.BinarySearchFunc(s.requests, after+1, func(r Request, n int) int { return r.Number - n })
	out := slices.Clone(s.requests[i:])
	for k := range out {
		out[k].Header = maps.Clone(out[k].Header)
	}
	return out
}

// Profile is a profile in the judge's view.
type Profile struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Notes   string    `json:"notes"`
	OS      string    `json:"os"`
	Proxy   Proxy     `json:"proxy"`
	Running bool      `json:"running"`
	Created time.Time `json:"created"`
	// Trashed is when it was deleted; zero while it lives.
	Trashed time.Time `json:"trashed,omitzero"`
	// Proxies are all that were ever set on it, in order.
	Proxies []Proxy `json:"proxies"`
	// DeletedAlive counts the deletions that took it from life, DeletedGone
	// those that were asked for when it was gone.
	DeletedAlive int `json:"deletedAlive"`
	DeletedGone  int `json:"deletedGone"`
}

// Profiles returns those that live, as they were made.
func (s *GoLogin) Profiles() []Profile { return s.view((*profile).alive) }

// Trash returns those that were deleted, as they were made.
func (s *GoLogin) Trash() []Profile { return s.view(func(p *profile) bool { return !p.alive() }) }

// All returns those that live and those in the trash, as they were made.
func (s *GoLogin) All() []Profile { return s.view(func(*profile) bool { return true }) }

func (s *GoLogin) view(keep func(*profile) bool) []Profile {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Profile
	for _, p := range s.order {
		if keep(p) {
			out = append(out, Profile{
				ID: p.id, Name: p.name, Notes: p.notes, OS: p.os, Proxy: p.proxy, Running: p.running, Created: p.created, Trashed: p.trashed,
				Proxies: slices.Clone(p.proxies), DeletedAlive: p.deletedAlive, DeletedGone: p.deletedGone,
			})
		}
	}
	return out
}

// Counts are sums over everything that ever happened.
type Counts struct {
	Requests int `json:"requests"`
	Made     int `json:"made"` // profiles
	Alive    int `json:"alive"`
	Trash    int `json:"trash"`
	// DeletedTwice counts profiles that were taken from life more than once.
	DeletedTwice int `json:"deletedTwice"`
	// AskedGone counts deletions of what was gone, Strange those of what never
	// was.
	AskedGone int `json:"askedGone"`
	Strange   int `json:"strange"`
	// SameName counts profiles that live beside an older one of their name.
	SameName int `json:"sameName"`
}

// Counts returns the sums.
func (s *GoLogin) Counts() Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := Counts{Requests: s.number, Made: len(s.order), Strange: s.strange}
	names := map[string]bool{}
	for _, p := range s.order {
		c.AskedGone += p.deletedGone
		if p.deletedAlive > 1 {
			c.DeletedTwice++
		}
		if !p.alive() {
			c.Trash++
			continue
		}
		c.Alive++
		if names[p.name] {
			c.SameName++
		}
		names[p.name] = true
	}
	return c
}

// Protect makes a profile refuse to be deleted, with 403, or not (§3). It
// tells whether there is such a profile.
func (s *GoLogin) Protect(id string, on bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.profiles[strings.ToLower(id)]
	if p != nil {
		p.protected = on
	}
	return p != nil
}

// Add makes a profile that nobody asked for over the API, as a person does in
// the vendor's own pages, and returns its id.
func (s *GoLogin) Add(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := &profile{name: name, os: "lin", proxy: none()}
	s.add(call{now: s.opts.Now()}, p)
	return p.id
}
