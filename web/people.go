package web

import (
	"context"
	"net/http"
	"slices"

	"github.com/gofiber/fiber/v2"

	"agentry/internal/fleet"
	"agentry/views"
	"agentry/web/pages"
)

// viewer is what a signed-in member's session says.
type viewer struct {
	member  fleet.Member
	session fleet.Session
}

// pageRoutes are the routes of the pages.
func (s *Server) pageRoutes() []route {
	read := session(fleet.ScopeRead)
	p := s.pages
	return append([]route{
		{method: "GET", path: "/static/:name", access: public(), handle: asAnyone(p.Asset), quiet: true},
		{method: "GET", path: "/favicon.ico", access: public(), handle: asAnyone(p.Icon), quiet: true},
		{method: "GET", path: "/first-run/:token", access: public(), handle: asAnyone(p.FirstRunForm)},
		{method: "POST", path: "/first-run/:token", access: public(), handle: asAnyone(p.FirstRun)},
		{method: "GET", path: "/login", access: public(), handle: s.signInForm},
		{method: "POST", path: "/login", access: public(), handle: asAnyone(p.SignIn)},
		{method: "POST", path: "/logout", access: public(), handle: asAnyone(p.SignOut)},
		{method: "GET", path: "/invite/:token", access: public(), handle: s.asGuest(p.InvitePage)},
		{method: "POST", path: "/invite/:token", access: public(), handle: s.asGuest(p.Join)},

		{method: "GET", path: "/", access: read, handle: asViewer(p.Home)},
		{method: "GET", path: "/events", access: read, handle: s.pageEvents, stream: true},
		{method: "GET", path: "/fleet", access: read, handle: asViewer(p.Fleet)},
		{method: "GET", path: "/fleet.csv", access: read, handle: asViewer(p.FleetCSV)},
		{method: "GET", path: "/alerts", access: read, handle: asViewer(p.Alerts)},
		{method: "GET", path: "/audit", access: read, handle: asViewer(p.Audit)},
		{method: "GET", path: "/audit/new", access: read, handle: asViewer(p.AuditNews)},
		{method: "GET", path: "/audit.csv", access: read, handle: asViewer(p.AuditCSV), stream: true},
		{method: "GET", path: "/deletions", access: read, handle: asViewer(p.Deletions)},
		{method: "GET", path: "/deletions/:deletionId", access: read, handle: asViewer(p.Deletion)},
		{method: "GET", path: "/resources", access: read, handle: asViewer(p.Resources)},
		{method: "GET", path: "/resources/proxies", access: read, handle: asViewer(p.Proxies)},
		{method: "GET", path: "/palette", access: read, handle: asViewer(p.Palette), quiet: true},
		{method: "GET", path: "/system", access: session(fleet.ScopeAdmin), handle: asViewer(p.System)},
		{method: "GET", path: "/zone", access: read, handle: asViewer(p.ZoneForm)},
		{method: "POST", path: "/zone", access: read, handle: asViewer(p.SetZone)},
		{method: "GET", path: "/storybook", access: read, handle: asViewer(p.Storybook)},
		{method: "GET", path: "/docs", access: read, handle: asViewer(p.Docs)},
		{method: "GET", path: "/docs/examples/:name", access: read, handle: asViewer(p.Example)},
	}, slices.Concat(s.pageActs(), s.bulkActs(), s.resourceActs(), s.settingsRoutes())...)
}

// bulkActs are the pages of acts on many agents.
func (s *Server) bulkActs() []route {
	read, operate := session(fleet.ScopeRead), session(fleet.ScopeOperate)
	const bulk = "/bulk/:bulkId"
	p := s.pages
	return []route{
		{method: "GET", path: "/bulk", access: read, handle: asViewer(p.Bulks)},
		{method: "POST", path: "/bulk", access: operate, handle: asViewer(p.StartBulk)},
		{method: "POST", path: "/bulk/new", access: operate, handle: asViewer(p.BulkForm)},
		{method: "GET", path: bulk, access: read, handle: asViewer(p.Bulk)},
		{method: "POST", path: bulk + "/stop", access: operate, handle: asViewer(p.StopBulk)},
		{method: "GET", path: bulk + "/retry", access: operate, handle: asViewer(p.RetryForm)},
		{method: "POST", path: bulk + "/retry", access: operate, handle: asViewer(p.RetryBulk)},
	}
}

// resourceActs are the forms of the ledger and of the proxy pool.
func (s *Server) resourceActs() []route {
	operate, admin := session(fleet.ScopeOperate), session(fleet.ScopeAdmin)
	const pool = "/resources/proxies"
	const proxy = pool + "/:proxyId"
	p := s.pages
	return []route{
		{method: "GET", path: pool + "/new", access: admin, handle: asViewer(p.ProxyForm)},
		{method: "POST", path: pool + "/new", access: admin, handle: asViewer(p.AddProxy)},
		{method: "GET", path: pool + "/paste", access: admin, handle: asViewer(p.ProxyPasteForm)},
		{method: "POST", path: pool + "/paste", access: admin, handle: asViewer(p.PasteProxies)},
		{method: "POST", path: proxy + "/check", access: operate, handle: asViewer(p.CheckProxy)},
		{method: "GET", path: proxy + "/edit", access: admin, handle: asViewer(p.EditProxyForm)},
		{method: "POST", path: proxy + "/edit", access: admin, handle: asViewer(p.EditProxy)},
		{method: "POST", path: proxy + "/enable", access: admin, handle: asViewer(p.SwitchProxy(true))},
		{method: "POST", path: proxy + "/disable", access: admin, handle: asViewer(p.SwitchProxy(false))},
		{method: "GET", path: proxy + "/delete", access: admin, handle: asViewer(p.ProxyDeleteForm)},
		{method: "POST", path: proxy + "/delete", access: admin, handle: asViewer(p.DeleteProxy)},

		{method: "POST", path: "/resources/vendors/:vendor/check", access: admin, handle: asViewer(p.CheckVendor)},
		{method: "POST", path: "/resources/:resourceId/retry", access: operate, handle: asViewer(p.RetryResource)},
		{method: "GET", path: "/resources/:resourceId/forget", access: admin, handle: asViewer(p.ForgetForm)},
		{method: "POST", path: "/resources/:resourceId/forget", access: admin, handle: asViewer(p.Forget)},
	}
}

// pageActs are the pages' forms and what they do.
func (s *Server) pageActs() []route {
	read, operate, remove, admin := session(fleet.ScopeRead), session(fleet.ScopeOperate), session(fleet.ScopeDelete), session(fleet.ScopeAdmin)
	const agent = "/fleet/:agentId"
	p := s.pages
	return []route{
		{method: "GET", path: "/fleet/new", access: operate, handle: asViewer(p.NewAgent)},
		{method: "POST", path: "/fleet/new", access: operate, handle: asViewer(p.Create)},
		{method: "GET", path: "/fleet/views", access: read, handle: asViewer(p.Views)},
		{method: "POST", path: "/fleet/views", access: read, handle: asViewer(p.SaveView)},
		{method: "GET", path: "/fleet/views/new", access: read, handle: asViewer(p.NewView)},
		{method: "GET", path: "/fleet/views/:viewId/edit", access: read, handle: asViewer(p.EditView)},
		{method: "POST", path: "/fleet/views/:viewId/edit", access: read, handle: asViewer(p.UpdateView)},
		{method: "POST", path: "/fleet/views/:viewId/delete", access: read, handle: asViewer(p.DeleteView)},
		{method: "GET", path: agent, access: read, handle: asViewer(p.Agent)},
		{method: "GET", path: agent + "/row", access: read, handle: asViewer(p.Row)},
		{method: "GET", path: agent + "/usage.csv", access: read, handle: asViewer(p.UsageCSV)},
		{method: "GET", path: agent + "/export", access: read, handle: asViewer(p.Export), stream: true},
		{method: "GET", path: agent + "/logs", access: read, handle: asViewer(p.LogLines), quiet: true},
		{method: "GET", path: agent + "/logs.txt", access: read, handle: asViewer(p.LogText)},
		{method: "POST", path: agent + "/update", access: operate, handle: asViewer(p.Update)},

		{method: "GET", path: agent + "/setup", access: read, handle: asViewer(p.SetupForm)},
		{method: "POST", path: agent + "/setup", access: operate, handle: asViewer(p.Setup)},
		{method: "GET", path: agent + "/verify", access: read, handle: asViewer(p.VerifyForm)},
		{method: "POST", path: agent + "/verify", access: operate, handle: asViewer(p.Verify)},
		{method: "POST", path: agent + "/start", access: operate, handle: asViewer(p.Start)},
		{method: "POST", path: agent + "/resume", access: operate, handle: asViewer(p.Resume)},
		{method: "GET", path: agent + "/pause", access: operate, handle: asViewer(p.Ask("pause"))},
		{method: "POST", path: agent + "/pause", access: operate, handle: asViewer(p.Pause)},
		{method: "GET", path: agent + "/end", access: operate, handle: asViewer(p.Ask("end"))},
		{method: "POST", path: agent + "/end", access: operate, handle: asViewer(p.End)},
		{method: "GET", path: agent + "/disable", access: admin, handle: asViewer(p.Ask("disable"))},
		{method: "POST", path: agent + "/disable", access: admin, handle: asViewer(p.Disable)},
		{method: "POST", path: agent + "/enable", access: admin, handle: asViewer(p.Enable)},
		{method: "GET", path: agent + "/protect", access: operate, handle: asViewer(p.Ask("protect"))},
		{method: "POST", path: agent + "/protect", access: operate, handle: asViewer(p.Protect)},
		{method: "GET", path: agent + "/unprotect", access: admin, handle: asViewer(p.Ask("unprotect"))},
		{method: "POST", path: agent + "/unprotect", access: admin, handle: asViewer(p.Unprotect)},
		{method: "GET", path: agent + "/relaunch", access: operate, handle: asViewer(p.RelaunchForm)},
		{method: "POST", path: agent + "/relaunch", access: operate, handle: asViewer(p.Relaunch)},
		{method: "GET", path: agent + "/delete", access: remove, handle: asViewer(p.DeleteForm)},
		{method: "POST", path: agent + "/delete", access: remove, handle: asViewer(p.Delete)},

		{method: "POST", path: agent + "/tasks", access: operate, handle: asViewer(p.AddTask)},
		{method: "POST", path: agent + "/tasks/:taskId/cancel", access: operate, handle: asViewer(p.CancelTask)},
		{method: "POST", path: agent + "/messages", access: operate, handle: asViewer(p.SendMessage)},
		{method: "POST", path: "/alerts/ack", access: operate, handle: asViewer(p.AckAlerts)},
		{method: "POST", path: "/alerts/:alertId/ack", access: operate, handle: asViewer(p.AckAlert)},
		{method: "POST", path: "/alerts/:alertId/snooze", access: operate, handle: asViewer(p.SnoozeAlert)},
		{method: "POST", path: "/alerts/:alertId/resolve", access: operate, handle: asViewer(p.ResolveAlert)},
	}
}

// settingsRoutes are the pages of the settings and their forms.
func (s *Server) settingsRoutes() []route {
	read, admin := session(fleet.ScopeRead), session(fleet.ScopeAdmin)
	const member = "/settings/members/:memberId"
	p := s.pages
	return []route{
		{method: "GET", path: "/settings", access: read, handle: asViewer(p.Settings)},
		{method: "POST", path: "/settings/team/name", access: admin, handle: asViewer(p.RenameTeam)},
		{method: "POST", path: "/settings/team/pause", access: admin, handle: asViewer(p.PauseTeam)},
		{method: "POST", path: "/settings/team/resume", access: admin, handle: asViewer(p.ResumeTeam)},

		{method: "GET", path: "/settings/members", access: read, handle: asViewer(p.Members)},
		{method: "POST", path: "/settings/members/invite", access: admin, handle: asViewer(p.Invite)},
		{method: "GET", path: member + "/role", access: admin, handle: asViewer(p.RoleForm)},
		{method: "POST", path: member + "/role", access: admin, handle: asViewer(p.SetRole)},
		// A member without any other right may leave.
		{method: "GET", path: member + "/remove", access: read, handle: asViewer(p.RemoveForm)},
		{method: "POST", path: member + "/remove", access: read, handle: asViewer(p.RemoveMember)},
		{method: "POST", path: "/settings/invitations/:invitationId/renew", access: admin, handle: asViewer(p.RenewInvitation)},
		{method: "POST", path: "/settings/invitations/:invitationId/revoke", access: admin, handle: asViewer(p.RevokeInvitation)},

		{method: "GET", path: "/settings/keys", access: read, handle: asViewer(p.Keys)},
		{method: "POST", path: "/settings/keys", access: admin, handle: asViewer(p.CreateKey)},
		{method: "POST", path: "/settings/keys/:keyId/revoke", access: admin, handle: asViewer(p.RevokeKey)},

		{method: "GET", path: "/settings/security", access: read, handle: asViewer(p.Security)},
		{method: "POST", path: "/settings/security/name", access: read, handle: asViewer(p.Rename)},
		{method: "POST", path: "/settings/security/password", access: read, handle: asViewer(p.ChangePassword)},
		{method: "POST", path: "/settings/sessions/revoke", access: read, handle: asViewer(p.RevokeOtherSessions)},
		{method: "POST", path: "/settings/sessions/:sessionId/revoke", access: read, handle: asViewer(p.RevokeSession)},
		{method: "POST", path: "/team/switch", access: read, handle: asViewer(p.SwitchTeam)},
	}
}

// asGuest is for handlers of guests that want to know who is signed in.
func (s *Server) asGuest(handle func(*fiber.Ctx, *pages.Viewer) error) handler {
	return func(c *fiber.Ctx, _ *caller) error {
		found, err := s.signedIn(c)
		if fleet.CodeOf(err) == fleet.CodeUnauthorized {
			return handle(c, nil)
		}
		if err != nil {
			return err
		}
		v := found.asViewer(c)
		return handle(c, &v)
	}
}

// asAnyone is for handlers that do not ask who calls.
func asAnyone(handle func(*fiber.Ctx) error) handler {
	return func(c *fiber.Ctx, _ *caller) error { return handle(c) }
}

// asViewer is for handlers of the pages of a signed-in member.
func asViewer(handle func(*fiber.Ctx, pages.Viewer) error) handler {
	return func(c *fiber.Ctx, who *caller) error {
		v := who.asViewer(c)
		c.Set(views.AsHeader, v.As())
		return handle(c, v)
	}
}

func (who *caller) asViewer(c *fiber.Ctx) pages.Viewer {
	return pages.Viewer{Actor: who.actor, Member: who.viewer.member, Session: who.viewer.session, Zone: pages.ZoneOf(c)}
}

// signInForm leads who is signed in to the fleet.
func (s *Server) signInForm(c *fiber.Ctx, _ *caller) error {
	if _, err := s.signedIn(c); err == nil {
		return c.Redirect("/fleet", http.StatusSeeOther)
	}
	return s.pages.SignInForm(c)
}

func (s *Server) pageEvents(c *fiber.Ctx, who *caller) error {
	c.Set(views.AsHeader, who.asViewer(c).As())
	return s.streams.ForPage(c, who.actor, who.still)
}

// signedIn is who the request's session stands for.
func (s *Server) signedIn(c *fiber.Ctx) (caller, error) {
	found, _, err := s.session(c)
	if err != nil {
		return caller{}, err
	}
	if found.ID == "" {
		return caller{}, fleet.Errorf(fleet.CodeUnauthorized, "Please sign in")
	}
	who := caller{}
	who.still = func(ctx context.Context) error {
		_, now, _, err := s.app.ActorForSession(ctx, found.ID)
		if err == nil && (now.TeamID != who.viewer.member.TeamID || now.Role != who.viewer.member.Role) {
			err = fleet.Errorf(fleet.CodeForbidden, "Your role or team is another now")
		}
		return err
	}
	who.actor, _ = found.Values[actorKey{}].(fleet.Actor)
	who.viewer.member, _ = found.Values[memberKey{}].(fleet.Member)
	who.viewer.session, _ = found.Values[recordKey{}].(fleet.Session)
	who.actor.RequestID = requestID(c)
	return who, nil
}

// pageProblem answers a person; the status is set.
func (s *Server) pageProblem(c *fiber.Ctx, e *fleet.Error) error {
	who, ok := c.Locals(localWho).(*caller)
	if !ok || who.actor.ID == "" {
		found, err := s.signedIn(c)
		if err != nil {
			return s.pages.Problem(c, nil, e, requestID(c))
		}
		who = &found
	}
	v := who.asViewer(c)
	return s.pages.Problem(c, &v, e, requestID(c))
}
