package fake

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// profile is a browser profile and what was done with it.
type profile struct {
	id, name, notes string
	os, osSpec      string
	seed            uint64 // of the fingerprint
	proxy           Proxy
	running         bool
	session         string // of the cloud browser
	protected       bool   // it cannot be deleted
	created         time.Time
	updated         time.Time
	trashed         time.Time // zero while it lives

	proxies      []Proxy // all that were set
	deletedAlive int
	deletedGone  int
}

func (p *profile) alive() bool { return p.trashed.IsZero() }

// living finds a profile that is not in the trash.
func (s *GoLogin) living(id string) *profile {
	if p := s.profiles[strings.ToLower(id)]; p != nil && p.alive() {
		return p
	}
	return nil
}

// full tells whether the plan has no place for another profile.
func (s *GoLogin) full() bool {
	n := 0
	for _, p := range s.order {
		if p.alive() || s.opts.Choices.TrashCounts {
			n++
		}
	}
	return n >= s.opts.MaxProfiles
}

// newID is 24 hexadecimal digits: seconds, then a number that was not used.
func (s *GoLogin) newID(now time.Time) string {
	s.made++
	return fmt.Sprintf("%08x%016x", uint32(now.Unix()), scatter(s.made))
}

// scatter maps numbers to numbers one to one, far apart.
func scatter(n uint64) uint64 {
	n *= 0x9e3779b97f4a7c15
	n = (n ^ n>>30) * 0xbf58476d1ce4e5b9
	n = (n ^ n>>27) * 0x94d049bb133111eb
	return n ^ n>>31
}

func (s *GoLogin) add(c call, p *profile) {
	p.id, p.created, p.updated = s.newID(c.now), c.now, c.now
	p.seed = s.made
	s.profiles[p.id] = p
	s.order = append(s.order, p)
}

func systems() []string { return []string{"lin", "mac", "win", "android", "android-cloud"} }

func versions() []string { return []string{"", "M1", "M2", "M3", "M4", "M5", "win11"} }

// createQuick is POST /browser/quick (§2a): os alone is needed. A proxy in the
// body is not part of its schema and does nothing; the template's counts.
func (s *GoLogin) createQuick(c call) answer {
	f, bad := formOf(c.body)
	if bad != nil {
		return *bad
	}
	p := &profile{os: f.oneOf("os", "isEnum", true, systems()...), osSpec: f.oneOf("osSpec", "isEnum", false, versions()...), name: f.text("name"), proxy: none()}
	if bad := f.verdict(); bad != nil {
		return *bad
	}
	if s.full() {
		return fullPlan()
	}
	if p.name == "" {
		p.name = "api-generated"
	}
	if s.opts.TemplateProxy != nil {
		p.proxy = *s.opts.TemplateProxy
	}
	s.add(c, p)
	return answer{status: http.StatusCreated, body: map[string]any{"id": p.id, "name": p.name, "os": p.os}, effect: true, id: p.id}
}

// createCustom is POST /browser/custom (§2b): nothing is needed, and a proxy
// counts.
func (s *GoLogin) createCustom(c call) answer {
	f, bad := formOf(c.body)
	if bad != nil {
		return *bad
	}
	p := &profile{os: f.oneOf("os", "isEnum", false, systems()...), osSpec: f.oneOf("osSpec", "isEnum", false, versions()...), name: f.text("name"), notes: f.text("notes"), proxy: none()}
	if s.opts.TemplateProxy != nil {
		p.proxy = *s.opts.TemplateProxy
	}
	if in, ok := f.in["proxy"].(map[string]any); ok {
		proxy, wrong := proxyOf(in)
		f.wrong = append(f.wrong, wrong...)
		p.proxy = proxy
		p.proxies = append(p.proxies, proxy)
	}
	if bad := f.verdict(); bad != nil {
		return *bad
	}
	if s.full() {
		return fullPlan()
	}
	if p.os == "" {
		p.os = "lin"
	}
	s.add(c, p)
	return answer{status: s.opts.Choices.CustomStatus, body: map[string]any{"id": p.id, "name": p.name}, effect: true, id: p.id}
}

const listed = 30 // profiles a page

// list is GET /browser/v2 (§3): 30 a page from 1, the newest first unless it
// is asked for otherwise. search is any part of the name.
func (s *GoLogin) list(c call) answer {
	var found []*profile
	search := strings.ToLower(c.query.Get("search"))
	for _, p := range s.order {
		if p.alive() && strings.Contains(strings.ToLower(p.name), search) && c.now.Sub(p.created) >= s.opts.Choices.ListLag {
			found = append(found, p)
		}
	}
	if c.query.Get("sorterField") == "name" {
		slices.SortStableFunc(found, func(a, b *profile) int { return strings.Compare(a.name, b.name) })
	}
	if c.query.Get("sorterOrder") != "ascend" {
		slices.Reverse(found)
	}
	rows := []any{}
	for _, p := range pageOf(found, c.query.Get("page")) {
		rows = append(rows, s.row(p))
	}
	return answer{status: http.StatusOK, body: map[string]any{"profiles": rows, "allProfilesCount": len(found)}}
}

func pageOf(all []*profile, number string) []*profile {
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 {
		n = 1
	}
	from := min((n-1)*listed, len(all))
	return all[from:min(from+listed, len(all))]
}

// show is GET /browser/:id (§3).
func (s *GoLogin) show(c call) answer {
	p := s.profiles[strings.ToLower(c.id)]
	if p == nil || !p.alive() && s.opts.Choices.TrashedGet != http.StatusOK {
		return missing()
	}
	return answer{status: http.StatusOK, body: s.whole(p), id: p.id}
}

// rename is PATCH /browser/:id/name.
func (s *GoLogin) rename(c call) answer {
	return s.change(c, func(p *profile, f *form) {
		if name := f.must("name"); len(f.wrong) == 0 {
			p.name = name
		}
	})
}

// annotate is PATCH /browser/:id/notes.
func (s *GoLogin) annotate(c call) answer {
	return s.change(c, func(p *profile, f *form) {
		if notes := f.text("notes"); len(f.wrong) == 0 {
			p.notes = notes
		}
	})
}

// updateCustom is PUT /browser/:id/custom (§0.5): whatever is left out is drawn
// anew.
func (s *GoLogin) updateCustom(c call) answer {
	a := s.change(c, func(p *profile, f *form) {
		if name := f.text("name"); name != "" {
			p.name = name
		}
		s.made++
		p.seed = s.made
	})
	if a.effect {
		a.status, a.body = http.StatusOK, s.whole(s.profiles[a.id])
	}
	return a
}

func (s *GoLogin) change(c call, do func(*profile, *form)) answer {
	f, bad := formOf(c.body)
	if bad != nil {
		return *bad
	}
	p := s.living(c.id)
	if p == nil {
		return missing()
	}
	do(p, f)
	if bad := f.verdict(); bad != nil {
		return *bad
	}
	p.updated = c.now
	return answer{status: http.StatusNoContent, effect: true, id: p.id}
}
