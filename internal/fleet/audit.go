package fleet

import (
	"slices"
	"strings"
	"time"
)

// AuditEntry says who did what. It holds ids, counts and codes, never names or
// texts of an agent: those lie beside it as Note and go with the agent.
type AuditEntry struct {
	ID        int64
	TeamID    TeamID
	At        time.Time
	ActorKind ActorKind
	ActorID   string
	ActorName string
	Action    string
	AgentID   AgentID
	// AgentName is filled where entries are listed, while the agent is there.
	AgentName string
	// Outcome is "done" or the code of the refusal.
	Outcome   string
	Detail    map[string]any
	Note      string
	RequestID string
}

// AuditGroup is the part of an action before its dot; acts on agents have none
// and are "agent", calls that no use-case saw are "call".
func AuditGroup(action string) string {
	if strings.Contains(action, " ") {
		return "call"
	}
	if group, _, ok := strings.Cut(action, "."); ok {
		return group
	}
	return "agent"
}

// AuditGroupWords is a group of actions for people.
func AuditGroupWords(group string) string {
	words := map[string]string{
		"agent": "Agents", "alert": "Alerts", "audit": "Audit", "call": "Refused calls", "chat": "Sessions of clients", "credentials": "Credentials",
		"key": "API keys", "member": "Members", "proxy": "Proxies", "resource": "Resources", "session": "Sign-ins", "task": "Tasks",
		"team": "Team", "vendor": "Vendors", "bulk": "Bulk actions", "password": "Passwords", "view": "Saved views", "invitation": "Invitations",
	}
	if w, ok := words[group]; ok {
		return w
	}
	return capital(strings.ReplaceAll(group, "_", " "))
}

// actionWords are the actions for people, alerts' and programs' reports too.
func actionWords() map[string]string {
	return map[string]string{
		"create": "Create agent", "setup": "Set up agent", "verify": "Enter sign-in code", "start": "Start agent", "resume": "Resume agent",
		"pause": "Pause agent", "end": "End agent", "disable": "Disable agent", "enable": "Enable agent", "protect": "Protect agent",
		"unprotect": "Remove protection", "relaunch": "Relaunch agent", "delete": "Delete agent", "update": "Change settings", "message": "Send message",
		"export": "Take export", "signed_in": "Sign-in worked", "challenged": "Sign-in asks for a code", "rejected": "Sign-in was rejected",
		"auth_timeout": "Sign-in ran out of time", "give_up": "Program gave up", "start_failed": "Program did not start",
		"credentials.read": "Read credentials", "audit.export": "Export audit",
		"chat.open": "Open session", "chat.close": "Close session", "chat.change": "Change session", "chat.renew": "Renew session", "chat.touch": "Keep session open",
		"key.create": "Create API key", "key.revoke": "Revoke API key",
		"session.sign_in": "Sign in", "session.sign_out": "Sign out", "session.revoke": "End session", "session.switch": "Switch team",
		"password.change": "Change password", "password.set": "Set password",
		"team.pause": "Pause team", "team.resume": "Resume team", "team.rename": "Rename team",
		"member.add": "Add member", "member.invite": "Invite member", "member.uninvite": "Revoke invitation", "member.join": "Join team",
		"member.role": "Change role", "member.remove": "Remove member", "member.leave": "Leave team", "member.rename": "Change own name",
		"bulk.start": "Start bulk action", "bulk.stop": "Stop bulk action", "bulk.retry": "Retry bulk action", "bulk.end": "Bulk action is over",
		"view.save": "Save view", "view.update": "Change saved view", "view.delete": "Delete saved view",
		"task.add": "Add task", "task.cancel": "Cancel task",
		"proxy.add": "Add proxies", "proxy.update": "Change proxy", "proxy.delete": "Delete proxy", "proxy.check": "Check proxy", "vendor.check": "Check vendor",
		"resource.held": "Resource was made", "resource.released": "Resource was released", "resource.leaked": "Resource was not released",
		"resource.swept": "Stray resource was removed", "resource.retry": "Retry resource", "resource.forget": "Forget resource",
		"alert.open": "Reopen alert", "alert.acknowledged": "Acknowledge alert", "alert.snoozed": "Snooze alert", "alert.resolved": "Resolve alert",
	}
}

// ActionWords is an audit's action for people: "Relaunch agent".
func ActionWords(action string) string {
	if w, ok := actionWords()[action]; ok {
		return w
	}
	if method, path, ok := strings.Cut(action, " "); ok {
		return "Call " + method + " " + path
	}
	noun, verb, ok := strings.Cut(action, ".")
	if !ok {
		return capital(strings.ReplaceAll(action, "_", " "))
	}
	return capital(strings.ReplaceAll(verb, "_", " ")) + " " + strings.ReplaceAll(noun, "_", " ")
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// OutcomeWords says why something was not done, by the code of an entry's
// outcome; "" for what was done.
func OutcomeWords(outcome string) string {
	switch Code(outcome) {
	case "done":
		return ""
	case CodeForbidden:
		return "no right"
	case CodeProtected:
		return "the agent is protected"
	case CodeInvalidStatus:
		return "not in this status"
	case CodeVersion:
		return "the facts had changed"
	case CodeConflict:
		return "something stood in the way"
	case CodeUnauthorized:
		return "wrong e-mail or password"
	case CodeStartFailed:
		return "the program could not be started"
	}
	return strings.ReplaceAll(outcome, "_", " ")
}

// Refused tells whether the entry's act was not done.
func (e AuditEntry) Refused() bool { return e.Outcome != "done" }

// ActorKinds returns what acts, people first.
func ActorKinds() []ActorKind { return []ActorKind{ActorMember, ActorKey, ActorRun, ActorSystem} }

// Word is the kind of actor for people.
func (k ActorKind) Word() string {
	switch k {
	case ActorKey:
		return "API key"
	case ActorRun:
		return "program"
	}
	return string(k)
}

// Valid tells whether k is one of the four.
func (k ActorKind) Valid() bool { return slices.Contains(ActorKinds(), k) }
