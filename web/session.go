package web

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/gorilla/sessions"

	"agentry/internal/app"
	"agentry/internal/fleet"
)

const (
	// The prefix makes browsers refuse the cookie from other hosts and over
	// plain http; http beyond this machine needs a name without it.
	sessionCookie         = "__Host-agentry"
	insecureSessionCookie = "agentry"
	sessionAge            = 14 * 24 * time.Hour
	// maxUserAgent is how much a session remembers of its browser, in bytes.
	maxUserAgent = 300

	localRequest = "request"
)

// sessionStore keeps sessions in the database; the cookie has a random token
// and nothing else. It is the Store of gorilla/sessions. The payload, what has
// a text as key, is kept as JSON.
type sessionStore struct {
	app      *app.App
	cookie   string
	insecure bool
}

var _ sessions.Store = (*sessionStore)(nil)

func newSessionStore(a *app.App, insecure bool) *sessionStore {
	st := &sessionStore{app: a, cookie: sessionCookie, insecure: insecure}
	if insecure {
		st.cookie = insecureSessionCookie
	}
	return st
}

// The keys of what a session is, beside its payload.
type (
	recordKey struct{} // fleet.Session
	actorKey  struct{} // fleet.Actor
	memberKey struct{} // fleet.Member
)

// Get returns the request's session, once loaded.
func (st *sessionStore) Get(r *http.Request, name string) (*sessions.Session, error) {
	return sessions.GetRegistry(r).Get(st, name)
}

// New loads the session that the cookie names. One that is not there, is over
// or whose person left the team is a new one, without an id.
func (st *sessionStore) New(r *http.Request, name string) (*sessions.Session, error) {
	s := sessions.NewSession(st, name)
	s.IsNew = true
	s.Options = &sessions.Options{
		Path: "/", MaxAge: int(sessionAge / time.Second), Secure: !st.insecure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
	cookie, err := r.Cookie(name)
	if err != nil || cookie.Value == "" {
		return s, nil
	}
	by, member, record, err := st.app.ActorForSession(r.Context(), cookie.Value)
	if fleet.CodeOf(err) == fleet.CodeUnauthorized {
		return s, nil
	}
	if err != nil {
		return s, err
	}
	payload := map[string]any{}
	if len(record.Data) > 0 {
		if err := json.Unmarshal(record.Data, &payload); err != nil {
			return s, err
		}
	}
	for k, v := range payload {
		s.Values[k] = v
	}
	s.Values[recordKey{}], s.Values[actorKey{}], s.Values[memberKey{}] = record, by, member
	s.ID, s.IsNew = cookie.Value, false
	return s, nil
}

// Save stores the session under a new token, in place of the former one, and
// sets its cookie; a negative MaxAge ends both.
func (st *sessionStore) Save(r *http.Request, w http.ResponseWriter, s *sessions.Session) error {
	if s.Options.MaxAge < 0 {
		http.SetCookie(w, sessions.NewCookie(s.Name(), "", s.Options))
		if s.ID == "" {
			return nil
		}
		return st.app.DropSession(r.Context(), s.ID)
	}
	payload := map[string]any{}
	for k, v := range s.Values {
		if name, ok := k.(string); ok {
			payload[name] = v
		}
	}
	raw, err := json.Marshal(payload)
	if err != nil {
		return err
	}
	record, _ := s.Values[recordKey{}].(fleet.Session)
	record.Data = raw
	if s.ID, err = st.app.SaveSession(r.Context(), s.ID, record, sessionAge); err != nil {
		return err
	}
	http.SetCookie(w, sessions.NewCookie(s.Name(), s.ID, s.Options))
	return nil
}

// session is the request's session.
func (s *Server) session(c *fiber.Ctx) (*sessions.Session, *http.Request, error) {
	r, ok := c.Locals(localRequest).(*http.Request)
	if !ok {
		r = (&http.Request{Header: http.Header{fiber.HeaderCookie: {c.Get(fiber.HeaderCookie)}}}).WithContext(c.UserContext())
		c.Locals(localRequest, r)
	}
	found, err := s.sessions.Get(r, s.sessions.cookie)
	return found, r, err
}

// signIn gives the browser a session under a new token, for who proved to know
// the password whose hash the member has, or for whose session it was so far; a
// former one ends.
func (s *Server) signIn(c *fiber.Ctx, m fleet.Member) error {
	found, r, err := s.session(c)
	if err != nil {
		return err
	}
	agent := c.Get(fiber.HeaderUserAgent)
	clear(found.Values)
	found.Values[recordKey{}] = fleet.Session{
		UserID: m.User.ID, TeamID: m.TeamID, UserAgent: agent[:min(len(agent), maxUserAgent)], Proof: m.User.PasswordHash,
	}
	return s.saveSession(c, r, found)
}

// signOut ends the browser's session.
func (s *Server) signOut(c *fiber.Ctx) error {
	found, r, err := s.session(c)
	if err != nil {
		return err
	}
	found.Options.MaxAge = -1
	return s.saveSession(c, r, found)
}

func (s *Server) saveSession(c *fiber.Ctx, r *http.Request, found *sessions.Session) error {
	w := cookieWriter{}
	if err := found.Save(r, w); err != nil {
		return err
	}
	for _, cookie := range w.Header().Values(fiber.HeaderSetCookie) {
		c.Append(fiber.HeaderSetCookie, cookie)
	}
	return nil
}

// cookieWriter takes the cookies that gorilla/sessions sets.
type cookieWriter http.Header

func (w cookieWriter) Header() http.Header         { return http.Header(w) }
func (w cookieWriter) Write(b []byte) (int, error) { return len(b), nil }
func (w cookieWriter) WriteHeader(int)             {}
