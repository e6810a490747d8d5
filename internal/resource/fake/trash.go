package fake

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// deleteOne is DELETE /browser/:id (§3): 204 and into the trash.
func (s *GoLogin) deleteOne(c call) answer {
	p := s.profiles[strings.ToLower(c.id)]
	switch {
	case p == nil:
		s.strange++
		return s.deletedBefore("")
	case !p.alive():
		p.deletedGone++
		return s.deletedBefore(p.id)
	case p.protected, p.running && s.opts.Choices.RunningDelete == http.StatusForbidden:
		a := forbidden()
		a.id = p.id
		return a
	}
	s.discard(c, p)
	return answer{status: http.StatusNoContent, effect: true, id: p.id}
}

func (s *GoLogin) discard(c call, p *profile) {
	p.trashed, p.running, p.session = c.now, false, ""
	p.deletedAlive++
}

func (s *GoLogin) deletedBefore(id string) answer {
	out := answer{status: s.opts.Choices.SecondDelete, id: id}
	switch out.status {
	case http.StatusForbidden:
		out.body = forbidden().body
	case http.StatusNotFound:
		out.body = missing().body
	}
	return out
}

// deleteMany is DELETE /browser with a body (§3).
func (s *GoLogin) deleteMany(c call) answer {
	f, bad := formOf(c.body)
	if bad != nil {
		return *bad
	}
	ids := f.ids("profilesToDelete")
	if bad := f.verdict(); bad != nil {
		return *bad
	}
	out := answer{status: http.StatusNoContent}
	for _, id := range ids {
		p := s.profiles[strings.ToLower(id)]
		switch {
		case p == nil:
			s.strange++
			out.status = s.opts.Choices.BulkMissing
		case !p.alive():
			p.deletedGone++
			out.status = s.opts.Choices.BulkMissing
		case p.protected:
			return forbidden()
		default:
			s.discard(c, p)
			out.effect, out.id = true, p.id
		}
	}
	return out.orMissing()
}

// listTrash is GET /deleted-profiles/v2 (§3).
func (s *GoLogin) listTrash(c call) answer {
	offset, err := strconv.Atoi(c.query.Get("offset"))
	if err != nil || offset < 0 {
		offset = 0
	}
	rows, total := []any{}, 0
	for _, p := range s.order {
		if p.alive() {
			continue
		}
		if total++; total > offset && len(rows) < listed {
			rows = append(rows, map[string]any{"id": p.id, "name": p.name, "deletedAt": stamp(p.trashed)})
		}
	}
	return answer{status: http.StatusOK, body: map[string]any{"profiles": rows, "allProfilesCount": total}}
}

// restore is POST /deleted-profiles/restore (§3).
func (s *GoLogin) restore(c call) answer {
	f, bad := formOf(c.body)
	if bad != nil {
		return *bad
	}
	ids := f.ids("profileIds")
	if bad := f.verdict(); bad != nil {
		return *bad
	}
	out := answer{status: http.StatusCreated, body: map[string]any{}}
	for _, id := range ids {
		p := s.profiles[strings.ToLower(id)]
		if p == nil || p.alive() {
			return missing()
		}
		p.trashed, p.updated = time.Time{}, c.now
		out.effect, out.id = true, p.id
	}
	return out
}
