package web

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/gofiber/fiber/v2"

	"agentry/internal/fleet"
)

// handler answers a request of somebody who was let in.
type handler func(c *fiber.Ctx, who *caller) error

// route is one row of the table: no route exists outside it.
type route struct {
	method string
	path   string
	access access
	handle handler
	// keyed routes honour an Idempotency-Key.
	keyed bool
	// quiet routes write no access line, because programs ask them all the
	// time; streams have no HEAD.
	quiet  bool
	stream bool
}

// routes is the table of everything the server answers.
func (s *Server) routes() []route {
	return slices.Concat(s.openRoutes(), s.v1Routes(), s.elizaRoutes(), s.elizaV1Routes(), s.runtimeRoutes(), s.pageRoutes())
}

func (s *Server) openRoutes() []route {
	return []route{
		{method: "GET", path: "/healthz", access: public(), handle: s.alive, quiet: true},
		{method: "GET", path: "/readyz", access: public(), handle: s.ready, quiet: true},
	}
}

func (s *Server) v1Routes() []route {
	read, operate, remove, admin := key(fleet.ScopeRead), key(fleet.ScopeOperate), key(fleet.ScopeDelete), key(fleet.ScopeAdmin)
	const agent = "/v1/agents/:agentId"
	a := s.v1
	list := []route{
		{method: "GET", path: "/v1/verify", access: read, handle: s.verifyKey},
		{method: "GET", path: "/v1/events", access: read, handle: s.events, stream: true},

		{method: "GET", path: "/v1/agents", access: read, handle: asActor(a.Agents)},
		{method: "POST", path: "/v1/agents", access: operate, handle: asActor(a.CreateAgent)},
		{method: "GET", path: agent, access: read, handle: asActor(a.Agent)},
		{method: "PUT", path: agent, access: operate, handle: asActor(a.UpdateAgent)},
		{method: "DELETE", path: agent, access: remove, handle: asActor(a.DeleteAgent)},
		{method: "GET", path: agent + "/preview", access: read, handle: asActor(a.Preview)},

		{method: "POST", path: agent + "/setup", access: operate, handle: asActor(a.Setup)},
		{method: "POST", path: agent + "/verify", access: operate, handle: asActor(a.Verify)},
		{method: "POST", path: agent + "/start", access: operate, handle: asActor(a.Start)},
		{method: "POST", path: agent + "/pause", access: operate, handle: asActor(a.Pause)},
		{method: "POST", path: agent + "/resume", access: operate, handle: asActor(a.Resume)},
		{method: "POST", path: agent + "/end", access: operate, handle: asActor(a.End)},
		{method: "POST", path: agent + "/relaunch", access: operate, handle: asActor(a.Relaunch)},
		{method: "POST", path: agent + "/disable", access: admin, handle: asActor(a.Disable)},
		{method: "POST", path: agent + "/enable", access: admin, handle: asActor(a.Enable)},
		{method: "POST", path: agent + "/protect", access: operate, handle: asActor(a.Protect)},
		{method: "POST", path: agent + "/unprotect", access: admin, handle: asActor(a.Unprotect)},

		{method: "GET", path: agent + "/tasks", access: read, handle: asActor(a.Tasks)},
		{method: "POST", path: agent + "/tasks", access: operate, handle: asActor(a.AddTask)},
		{method: "GET", path: agent + "/tasks/:taskId", access: read, handle: asActor(a.Task)},
		{method: "DELETE", path: agent + "/tasks/:taskId", access: operate, handle: asActor(a.CancelTask)},
		{method: "GET", path: agent + "/alerts", access: read, handle: asActor(a.Alerts)},
		{method: "GET", path: agent + "/usage", access: read, handle: asActor(a.Usage)},
		{method: "GET", path: agent + "/messages", access: read, handle: asActor(a.Messages)},
		{method: "POST", path: agent + "/messages", access: operate, handle: asActor(a.SendMessage)},
		{method: "GET", path: agent + "/logs", access: read, handle: asActor(a.Logs)},
		{method: "GET", path: agent + "/history", access: read, handle: asActor(a.History)},
		{method: "GET", path: agent + "/export", access: read, handle: asActor(a.Export), stream: true},

		{method: "GET", path: "/v1/alerts", access: read, handle: asActor(a.TeamAlerts)},
		{method: "GET", path: "/v1/alerts/groups", access: read, handle: asActor(a.AlertGroups)},
		{method: "POST", path: "/v1/alerts/ack", access: operate, handle: asActor(a.AckAlerts)},
		{method: "POST", path: "/v1/alerts/:alertId/ack", access: operate, handle: asActor(a.AckAlert)},
		{method: "POST", path: "/v1/alerts/:alertId/snooze", access: operate, handle: asActor(a.SnoozeAlert)},
		{method: "POST", path: "/v1/alerts/:alertId/resolve", access: operate, handle: asActor(a.ResolveAlert)},

		{method: "GET", path: "/v1/proxies", access: read, handle: asActor(a.Proxies)},
		{method: "POST", path: "/v1/proxies", access: admin, handle: asActor(a.AddProxies)},
		{method: "GET", path: "/v1/proxies/:proxyId", access: read, handle: asActor(a.Proxy)},
		{method: "PUT", path: "/v1/proxies/:proxyId", access: admin, handle: asActor(a.UpdateProxy)},
		{method: "DELETE", path: "/v1/proxies/:proxyId", access: admin, handle: asActor(a.DeleteProxy)},
		{method: "POST", path: "/v1/proxies/:proxyId/check", access: operate, handle: asActor(a.CheckProxy)},

		{method: "GET", path: "/v1/audit", access: read, handle: asActor(a.Audit)},
		{method: "GET", path: "/v1/audit/export", access: read, handle: asActor(a.ExportAudit), stream: true},

		{method: "GET", path: "/v1/deletions", access: read, handle: asActor(a.Deletions)},
		{method: "GET", path: "/v1/deletions/:deletionId", access: read, handle: asActor(a.Deletion)},
	}
	list = append(list, s.teamRoutes()...)
	list = append(list, s.ledgerRoutes()...)
	list = append(list, s.viewRoutes()...)
	list = append(list, s.bulkRoutes()...)
	for i := range list {
		list[i].keyed = true
	}
	return list
}

// teamRoutes are those of /v1 about the team itself: its pause, keys, members.
func (s *Server) teamRoutes() []route {
	read, admin := key(fleet.ScopeRead), key(fleet.ScopeAdmin)
	a := s.v1
	return []route{
		{method: "GET", path: "/v1/team", access: read, handle: asActor(a.Team)},
		{method: "PUT", path: "/v1/team", access: admin, handle: asActor(a.RenameTeam)},
		{method: "POST", path: "/v1/team/pause", access: admin, handle: asActor(a.PauseTeam)},
		{method: "POST", path: "/v1/team/resume", access: admin, handle: asActor(a.ResumeTeam)},

		{method: "GET", path: "/v1/keys", access: admin, handle: asActor(a.Keys)},
		{method: "POST", path: "/v1/keys", access: admin, handle: asActor(a.CreateKey)},
		{method: "GET", path: "/v1/keys/:keyId", access: admin, handle: asActor(a.Key)},
		{method: "DELETE", path: "/v1/keys/:keyId", access: admin, handle: asActor(a.RevokeKey)},

		{method: "GET", path: "/v1/members", access: admin, handle: asActor(a.Members)},
		{method: "POST", path: "/v1/members", access: admin, handle: asActor(a.Invite)},
		{method: "GET", path: "/v1/members/:memberId", access: admin, handle: asActor(a.Member)},
		{method: "PUT", path: "/v1/members/:memberId", access: admin, handle: asActor(a.SetRole)},
		{method: "DELETE", path: "/v1/members/:memberId", access: admin, handle: asActor(a.RemoveMember)},
	}
}

// bulkRoutes are those of /v1 about one act on many agents; to delete them
// needs more than the route asks for.
func (s *Server) bulkRoutes() []route {
	read, operate := key(fleet.ScopeRead), key(fleet.ScopeOperate)
	const bulk = "/v1/bulk/:bulkId"
	a := s.v1
	return []route{
		{method: "GET", path: "/v1/bulk", access: read, handle: asActor(a.Bulks)},
		{method: "POST", path: "/v1/bulk", access: operate, handle: asActor(a.StartBulk)},
		{method: "GET", path: bulk, access: read, handle: asActor(a.Bulk)},
		{method: "GET", path: bulk + "/items", access: read, handle: asActor(a.BulkItems)},
		{method: "POST", path: bulk + "/stop", access: operate, handle: asActor(a.StopBulk)},
		{method: "POST", path: bulk + "/retry", access: operate, handle: asActor(a.RetryBulk)},
	}
}

// ledgerRoutes are those of /v1 about what is held outside.
func (s *Server) ledgerRoutes() []route {
	read, operate, admin := key(fleet.ScopeRead), key(fleet.ScopeOperate), key(fleet.ScopeAdmin)
	a := s.v1
	return []route{
		{method: "GET", path: "/v1/resources", access: read, handle: asActor(a.Resources)},
		{method: "GET", path: "/v1/agents/:agentId/resources", access: read, handle: asActor(a.AgentResources)},
		{method: "POST", path: "/v1/resources/:resourceId/retry", access: operate, handle: asActor(a.RetryResource)},
		{method: "POST", path: "/v1/resources/:resourceId/forget", access: admin, handle: asActor(a.ForgetResource)},

		{method: "GET", path: "/v1/vendors", access: read, handle: asActor(a.Vendors)},
		{method: "POST", path: "/v1/vendors/:vendor/check", access: admin, handle: asActor(a.CheckVendor)},
	}
}

// viewRoutes are those of /v1 about saved views and the whole server.
func (s *Server) viewRoutes() []route {
	read, operate := key(fleet.ScopeRead), key(fleet.ScopeOperate)
	a := s.v1
	return []route{
		{method: "GET", path: "/v1/system", access: key(fleet.ScopeAdmin), handle: asActor(a.System)},
		{method: "GET", path: "/v1/views", access: read, handle: asActor(a.Views)},
		{method: "POST", path: "/v1/views", access: operate, handle: asActor(a.SaveView)},
		{method: "GET", path: "/v1/views/:viewId", access: read, handle: asActor(a.View)},
		{method: "PUT", path: "/v1/views/:viewId", access: operate, handle: asActor(a.UpdateView)},
		{method: "DELETE", path: "/v1/views/:viewId", access: operate, handle: asActor(a.DeleteView)},
	}
}

func (s *Server) elizaRoutes() []route {
	read, operate := key(fleet.ScopeRead), key(fleet.ScopeOperate)
	return []route{
		{method: "GET", path: "/agents", access: read, handle: asActor(s.eliza.Agents)},
		{method: "GET", path: "/agents/:agentId", access: read, handle: asActor(s.eliza.Agent)},
		{method: "POST", path: "/agents/:agentId/start", access: operate, handle: asActor(s.eliza.Start)},
		{method: "POST", path: "/agents/:agentId/stop", access: operate, handle: asActor(s.eliza.Stop)},
		{method: "POST", path: "/agents/:agentId/message", access: operate, handle: asActor(s.eliza.Message)},
	}
}

func (s *Server) elizaV1Routes() []route {
	read, operate, remove := clientKey(fleet.ScopeRead), clientKey(fleet.ScopeOperate), clientKey(fleet.ScopeDelete)
	const agent = "/api/agents/:agentId"
	const sessions = "/api/messaging/sessions"
	const session = sessions + "/:sessionId"
	x := s.elizaV1
	return []route{
		{method: "GET", path: "/api/agents", access: read, handle: asActor(x.Agents)},
		{method: "POST", path: "/api/agents", access: operate, handle: asActor(x.Create)},
		// Else it would be taken for the id of an agent.
		{method: "GET", path: "/api/agents/worlds", access: read, handle: asAnyone(x.NoEndpoint)},
		{method: "GET", path: agent, access: read, handle: asActor(x.Agent)},
		{method: "PATCH", path: agent, access: operate, handle: asActor(x.Update)},
		{method: "DELETE", path: agent, access: remove, handle: asActor(x.Delete)},
		{method: "POST", path: agent + "/start", access: operate, handle: asActor(x.Start)},
		{method: "POST", path: agent + "/stop", access: operate, handle: asActor(x.Stop)},
		{method: "GET", path: agent + "/logs", access: read, handle: asActor(x.Logs)},
		{method: "GET", path: agent + "/panels", access: read, handle: asActor(x.Panels)},
		{method: "GET", path: agent + "/runs", access: read, handle: asActor(x.Runs)},
		{method: "GET", path: agent + "/runs/:runId", access: read, handle: asActor(x.Run)},

		{method: "GET", path: sessions, access: read, handle: asActor(x.Sessions)},
		{method: "POST", path: sessions, access: operate, handle: asActor(x.OpenSession)},
		{method: "GET", path: sessions + "/health", access: read, handle: asActor(x.SessionsHealth)},
		{method: "GET", path: session, access: read, handle: asActor(x.Session)},
		{method: "DELETE", path: session, access: operate, handle: asActor(x.CloseSession)},
		{method: "GET", path: session + "/messages", access: read, handle: asActor(x.Messages)},
		{method: "POST", path: session + "/messages", access: operate, handle: asActor(x.Send)},
		{method: "POST", path: session + "/heartbeat", access: operate, handle: asActor(x.Heartbeat)},
		{method: "POST", path: session + "/renew", access: operate, handle: asActor(x.Renew)},
		{method: "PATCH", path: session + "/timeout", access: operate, handle: asActor(x.Retime)},

		{method: "GET", path: "/api/server/ping", access: read, handle: asActor(x.Ping)},
		{method: "GET", path: "/api/server/health", access: read, handle: asActor(x.Health)},
		{method: "GET", path: "/api/server/status", access: read, handle: asActor(x.Status)},
	}
}

func (s *Server) runtimeRoutes() []route {
	return []route{
		{method: "GET", path: "/runtime/v1/self", access: ofRun(), handle: asRun(s.runtime.Self), quiet: true},
		{method: "GET", path: "/runtime/v1/credentials", access: ofRun(), handle: asRun(s.runtime.Credentials)},
		{method: "GET", path: "/runtime/v1/inbox", access: ofRun(), handle: asRun(s.runtime.Inbox), quiet: true},
		{method: "POST", path: "/runtime/v1/tasks/claim", access: ofRun(), handle: asRun(s.runtime.ClaimTasks), quiet: true},
		{method: "POST", path: "/runtime/v1/events", access: ofRun(), handle: asRun(s.runtime.Events), quiet: true},
	}
}

// mount tells fiber the table. Every GET but a stream answers HEAD too.
func (s *Server) mount() {
	for _, r := range s.routes() {
		handle := s.guarded(&r)
		if r.method == http.MethodGet && !r.stream {
			s.fiber.Add(http.MethodHead, s.config.BasePath+r.path, handle)
		}
		s.fiber.Add(r.method, s.config.BasePath+r.path, handle)
	}
}

// asActor is for handlers that need to know who acts.
func asActor(handle func(*fiber.Ctx, fleet.Actor) error) handler {
	return func(c *fiber.Ctx, who *caller) error { return handle(c, who.actor) }
}

// asRun is for handlers of the agents' own programs.
func asRun(handle func(*fiber.Ctx, fleet.Run) error) handler {
	return func(c *fiber.Ctx, who *caller) error { return handle(c, who.run) }
}

func (s *Server) verifyKey(c *fiber.Ctx, who *caller) error {
	return s.v1.VerifyKey(c, who.actor, who.apiKey, who.team)
}

func (s *Server) events(c *fiber.Ctx, who *caller) error {
	return s.streams.Events(c, who.actor, who.still)
}

// alive says that the process answers.
func (s *Server) alive(c *fiber.Ctx, _ *caller) error {
	return c.JSON(fiber.Map{"status": "ok"})
}

// ready says that requests can be served.
func (s *Server) ready(c *fiber.Ctx, _ *caller) error {
	ctx, cancel := context.WithTimeout(c.UserContext(), 2*time.Second)
	defer cancel()
	if s.config.Ready != nil {
		if err := s.config.Ready(ctx); err != nil {
			return c.Status(http.StatusServiceUnavailable).JSON(fiber.Map{"status": "unavailable"})
		}
	}
	return c.JSON(fiber.Map{"status": "ready"})
}
