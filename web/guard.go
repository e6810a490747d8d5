package web

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/gofiber/fiber/v2"

	"agentry/internal/app"
	"agentry/internal/fleet"
)

// headerAPIKey is where clients of ElizaOS send their key.
const headerAPIKey = "X-API-KEY"

// accessKind is how a route finds out who calls.
type accessKind int

// The zero value admits no one: a route that forgot to say who may call it is
// closed.
const (
	byNoOne accessKind = iota
	byAnyone
	bySession
	byKey
	byRunToken
)

// access says who may call a route: how they say who they are, and the scope
// they need.
type access struct {
	kind  accessKind
	scope fleet.Scope
	// ownHeader: an API key may come as X-API-KEY, and no request is trusted
	// without one.
	ownHeader bool
}

// public is for routes that anybody may call.
func public() access { return access{kind: byAnyone} }

// session is for pages: a signed-in member whose role has the scope.
func session(need fleet.Scope) access { return access{kind: bySession, scope: need} }

// key is for the JSON faces: an API key with the scope.
func key(need fleet.Scope) access { return access{kind: byKey, scope: need} }

// clientKey is key for clients that send their key as X-API-KEY; Authorization
// counts where that is not sent.
func clientKey(need fleet.Scope) access { return access{kind: byKey, scope: need, ownHeader: true} }

// ofRun is for the agents' own programs.
func ofRun() access { return access{kind: byRunToken} }

// caller is who was let in; what is not about the kind of access is empty.
type caller struct {
	actor  fleet.Actor
	apiKey fleet.Key
	team   fleet.Team
	run    fleet.Run
	viewer viewer
	// still asks again whether the caller may go on; long streams call it.
	still func(context.Context) error
}

// guarded is what fiber calls for a route: let in, count, do it once, do it.
func (s *Server) guarded(r *route) fiber.Handler {
	return func(c *fiber.Ctx) error {
		c.Locals(localRoute, r)
		who, err := s.letIn(c, r.access)
		if err != nil {
			return err
		}
		c.Locals(localWho, who)
		if err := s.limit(c, r, who); err != nil {
			return err
		}
		if err := s.mayUse(c, r, who); err != nil {
			return err
		}
		return s.once(c, r, who)
	}
}

// mayUse refuses a caller whose right is too small for the route, and keeps in
// the audit that somebody tried to change something.
func (s *Server) mayUse(c *fiber.Ctx, r *route, who *caller) error {
	if r.access.scope == "" {
		return nil
	}
	err := who.actor.May(r.access.scope)
	if err == nil || safeMethod(c.Method()) {
		return err
	}
	id, _ := fleet.ParseID(c.Params("agentId"))
	return s.app.Refused(c.UserContext(), who.actor, r.method+" "+r.path, fleet.AgentID(id), err)
}

// letIn finds out who calls, or refuses. A request that waits keeps its stack,
// so the caller is not on it.
func (s *Server) letIn(c *fiber.Ctx, a access) (*caller, error) {
	who, err := s.callerOf(c, a)
	return &who, err
}

func (s *Server) callerOf(c *fiber.Ctx, a access) (caller, error) {
	switch a.kind {
	case byAnyone:
		return caller{}, sameOrigin(c)
	case bySession:
		if err := sameOrigin(c); err != nil {
			return caller{}, err
		}
		return s.signedIn(c)
	case byKey:
		return s.keyHolder(c, a)
	case byRunToken:
		return s.program(c)
	}
	return caller{}, fleet.Errorf(fleet.CodeForbidden, "Nobody may call this")
}

// keyHolder is who an API key stands for. A text that cannot be a key is
// refused without touching the database.
func (s *Server) keyHolder(c *fiber.Ctx, a access) (caller, error) {
	apiKey, ok := "", true
	if a.ownHeader {
		apiKey = c.Get(headerAPIKey)
	}
	header := c.Get(fiber.HeaderAuthorization)
	switch {
	case apiKey != "":
	case header != "":
		apiKey, ok = bearer(header)
	case !a.ownHeader && s.trusted(c):
		return s.neighbour(c), nil
	default:
		return caller{}, fleet.Errorf(codeMissingKey, "An API key is needed: send Authorization: Bearer YOUR_API_KEY")
	}
	if !ok || app.CheckAPIKey(apiKey) != nil {
		return caller{}, fleet.Errorf(codeKeyFormat, "This cannot be an API key: keys have 40 characters and begin with agy_")
	}
	actor, k, team, err := s.app.ActorForKey(c.UserContext(), apiKey)
	if fleet.CodeOf(err) == fleet.CodeUnauthorized {
		return caller{}, fleet.Errorf(codeInvalidKey, "The API key is not valid: it is unknown, expired or revoked")
	}
	actor.RequestID = requestID(c)
	still := func(ctx context.Context) error {
		_, _, _, err := s.app.ActorForKey(ctx, apiKey)
		return err
	}
	return caller{actor: actor, apiKey: k, team: team, still: still}, err
}

// program is the run that a run token belongs to.
func (s *Server) program(c *fiber.Ctx) (caller, error) {
	token, ok := bearer(c.Get(fiber.HeaderAuthorization))
	if !ok {
		return caller{}, fleet.Errorf(fleet.CodeUnauthorized, "A run token is needed: send Authorization: Bearer TOKEN")
	}
	run, err := s.app.RunForToken(c.UserContext(), token)
	actor := fleet.Actor{Kind: fleet.ActorRun, ID: string(run.AgentID), TeamID: run.TeamID, RequestID: requestID(c)}
	return caller{actor: actor, run: run}, err
}

// bearer returns the credential of an Authorization header.
func bearer(header string) (string, bool) {
	scheme, token, ok := strings.Cut(header, " ")
	token = strings.TrimSpace(token)
	return token, ok && strings.EqualFold(scheme, "Bearer") && token != ""
}

func safeMethod(m string) bool {
	return m == http.MethodGet || m == http.MethodHead || m == http.MethodOptions
}

// sameOrigin refuses unsafe requests that a page of another origin made a
// browser send, by the rules of net/http.
func sameOrigin(c *fiber.Ctx) error {
	if safeMethod(c.Method()) {
		return nil
	}
	request := &http.Request{
		Method: c.Method(),
		Host:   string(c.Request().Header.Host()),
		URL:    &url.URL{Path: c.Path()},
		Header: http.Header{},
	}
	for _, name := range []string{"Sec-Fetch-Site", fiber.HeaderOrigin} {
		if v := c.Get(name); v != "" {
			request.Header.Set(name, v)
		}
	}
	if err := http.NewCrossOriginProtection().Check(request); err != nil {
		return fleet.Errorf(codeCrossOrigin, "This came from a page of another site and was refused").Because(err)
	}
	return nil
}
