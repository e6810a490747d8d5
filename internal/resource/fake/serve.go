package fake

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// call is a request on its way through the stand-in.
type call struct {
	method, path string
	query        url.Values
	id           string // of the profile in the path
	body         []byte
	now          time.Time
}

// answer is what the vendor says; a nil body is an empty one.
type answer struct {
	status int
	body   any    // JSON, or a page
	effect bool   // something changed
	id     string // of the profile that it was about
}

// page is a body that is not the API's own.
type page struct{ contentType, text string }

// ServeHTTP is the API.
func (s *GoLogin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil {
		deliver(w, failure(http.StatusRequestEntityTooLarge, "request entity too large"))
		return
	}
	a, how := s.take(r, body)
	switch how.way {
	case wayReset:
		reset(w)
	case wayHang:
		s.wait(r, how.wait)
		reset(w)
	case waySlow:
		s.wait(r, how.wait)
		deliver(w, a)
	default:
		deliver(w, a)
	}
}

// take decides on a request and does it, in one step: what the record says
// happened in its order.
func (s *GoLogin) take(r *http.Request, body []byte) (answer, delivery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := call{method: r.Method, path: r.URL.Path, query: r.URL.Query(), body: body, now: s.opts.Now()}
	rt, id := routeOf(r.Method, r.URL.Path)
	c.id = id
	a, how, fault := s.decide(rt, c, s.accepts(r))
	s.note(r, c, rt, a, how, fault)
	return a, how
}

// decide lets the plan's limit come before the fault and the fault before the
// vendor, or after it where it loses the answer of something that happened.
func (s *GoLogin) decide(rt *route, c call, accepted bool) (answer, delivery, Fault) {
	if s.down == DownUnavailable {
		return unavailable(), delivery{}, ""
	}
	fault := s.faults.deal(rt)
	switch {
	case accepted && s.overLimit(c.now), accepted && fault == FaultLimit:
		s.dead = !s.opts.Choices.TokenSurvives
		return tooMany(), delivery{}, fault
	case fault == "", fault == FaultLimit:
		return s.answer(rt, c, accepted), delivery{}, ""
	}
	a, how := s.faulty(fault)
	if fault.after() || how.way == waySlow {
		real := s.answer(rt, c, accepted)
		if a.status == 0 {
			a = real
		}
		a.effect, a.id = real.effect, real.id
	}
	return a, how, fault
}

// answer is the vendor's own: no such route, no access, or what was asked for.
func (s *GoLogin) answer(rt *route, c call, accepted bool) answer {
	switch {
	case rt == nil:
		return failure(http.StatusNotFound, "Cannot "+c.method+" "+c.path)
	case !accepted:
		return answer{status: http.StatusUnauthorized, body: map[string]any{"statusCode": http.StatusUnauthorized, "message": "Unauthorized"}}
	case c.id != "" && !isID(c.id):
		return invalid(wrongID(c.id))
	}
	return rt.do(s, c)
}

// accepts compares the Bearer (§1).
func (s *GoLogin) accepts(r *http.Request) bool {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return ok && token == s.token && !s.dead
}

// overLimit counts a request against the plan; one too many and the token is
// dead (§6).
func (s *GoLogin) overLimit(now time.Time) bool {
	if s.opts.PlanPerMinute < 0 {
		return false
	}
	old := 0
	for old < len(s.asked) && now.Sub(s.asked[old]) >= time.Minute {
		old++
	}
	s.asked = append(s.asked[old:], now)
	return len(s.asked) > s.opts.PlanPerMinute
}

func (s *GoLogin) wait(r *http.Request, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-s.done:
	case <-r.Context().Done():
	}
}

func deliver(w http.ResponseWriter, a answer) {
	switch body := a.body.(type) {
	case nil:
		w.WriteHeader(a.status)
	case page:
		w.Header().Set("Content-Type", body.contentType)
		w.WriteHeader(a.status)
		_, _ = io.WriteString(w, body.text)
	default:
		raw, err := json.Marshal(body)
		if err != nil {
			panic(err) // only what this package makes is ever marshalled
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.WriteHeader(a.status)
		_, _ = w.Write(raw)
	}
}

// reset ends the connection without a word, so that the other side reads
// "connection reset".
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
