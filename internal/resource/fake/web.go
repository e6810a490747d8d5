package fake

import (
	"fmt"
	"net/http"
)

// startWeb is POST /browser/:id/web (§5): a browser in the vendor's cloud.
func (s *GoLogin) startWeb(c call) answer {
	if _, bad := formOf(c.body); bad != nil {
		return *bad
	}
	p := s.living(c.id)
	if p == nil {
		return missing()
	}
	running := 0
	for _, other := range s.order {
		if other.running {
			running++
		}
	}
	if !p.running {
		if running >= s.opts.MaxParallel {
			return failure(http.StatusForbidden, "You've reached max parallel cloud launches limit. Please stop one of the running profiles or upgrade your plan")
		}
		s.made++
		p.running, p.session = true, fmt.Sprintf("%016x", scatter(s.made))
	}
	return answer{status: http.StatusCreated, body: map[string]any{"status": "profileStatuses.running", "remoteOrbitaUrl": s.liveView(p)}, effect: true, id: p.id}
}

// stopWeb is DELETE /browser/:id/web (§5).
func (s *GoLogin) stopWeb(c call) answer {
	p := s.living(c.id)
	if p == nil {
		return missing()
	}
	if !p.running {
		return answer{status: s.opts.Choices.StopStopped, id: p.id}.orMissing()
	}
	p.running, p.session = false, ""
	return answer{status: http.StatusNoContent, effect: true, id: p.id}
}
