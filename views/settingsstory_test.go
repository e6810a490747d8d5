package views

import (
	"time"

	"agentry/internal/fleet"
	"agentry/views/ui"

	"github.com/a-h/templ"
)

// settingsStories are the pages of the settings, and of who joins a team.
func settingsStories() map[string]templ.Component {
	remove := MemberRemove{Team: "Northwind", Member: sampleMembers().Rows[1], Keys: sampleKeys().Keys, Now: testNow}
	last := MemberRemove{Team: "Northwind", Member: sampleMembers().Rows[0], Blocked: "A team needs an owner, and this is the last one: make somebody else an owner first", Now: testNow}
	viewer := sampleMembers()
	viewer.Invite, viewer.WhyNot = nil, "Only admins and owners can invite and change members; you are a viewer."
	known := sampleInvite()
	known.SignedIn = known.Email
	other := sampleInvite()
	other.SignedIn = "mara@northwind.example"
	teams := sampleShell("Fleet", "fleet")
	teams.Teams = []TeamChoice{{ID: "t1", Name: "Northwind", Role: "owner", Current: true}, {ID: "t2", Name: "فريق الجنوب 🧪", Role: "viewer"}}
	return map[string]templ.Component{
		"settings":          SettingsPage(sampleTeam()),
		"team-paused":       SettingsPage(pausedTeam()),
		"members":           MembersPage(sampleMembers()),
		"members-viewer":    MembersPage(viewer),
		"member-role":       MemberRolePage(sampleShell("Members", "settings"), MemberRole{Member: sampleMembers().Rows[1], Role: "admin"}),
		"member-remove":     MemberRemovePage(sampleShell("Members", "settings"), remove),
		"member-leave-last": MemberRemovePage(sampleShell("Members", "settings"), last),
		"keys":              KeysPage(sampleKeys()),
		"keys-closed":       KeysPage(KeySettings{Shell: sampleShell("API keys", "settings"), WhyNot: "Only admins and owners can see, make and revoke them; you are an operator."}),
		"security":          SecurityPage(sampleSecurity()),
		"invite":            InvitePage(sampleInvite()),
		"invite-known":      InvitePage(known),
		"invite-other":      InvitePage(other),
		"invite-over":       InviteOverPage(InviteOver{Sentence: "This invitation was used already: sign in, or ask whoever sent it for a new one."}),
		"elsewhere":         ElsewherePage(teams, Elsewhere{Team: "Northwind", Other: teams.Teams[1], Next: "/fleet/018f3c1e-7a2b-7c3d-8e4f-000000000001"}),
	}
}

func sampleTeam() TeamSettings {
	return TeamSettings{
		Shell: sampleShell("Settings", "settings"), Name: TeamName{Name: "Northwind", MayRename: true},
		Pause: TeamPause{Running: 37, MayTurn: true, Note: "spring cleaning", Form: Form{Errors: map[string]string{"note": "must not contain control characters"}}, Now: testNow},
	}
}

// pausedTeam is what an operator sees while the team is paused.
func pausedTeam() TeamSettings {
	const text = "The team is paused by Mara Ruiz: <b>holidays</b>"
	m := TeamSettings{Shell: sampleShell("Settings", "settings"), Name: TeamName{Name: "Northwind"}, Pause: TeamPause{Text: text, Since: ago(2 * time.Hour), Taken: 37, Running: 1, Now: testNow}}
	m.Shell.TeamPause = text
	return m
}

func sampleKeys() KeySettings {
	scopes := []ui.Option{{Value: "read", Label: "read"}, {Value: "operate", Label: "operate"}, {Value: "delete", Label: "delete"}, {Value: "admin", Label: "admin"}}
	return KeySettings{
		Shell: sampleShell("API keys", "settings"), Created: "agk_7f3a9b2c4d5e6f708192a3b4c5d6e7f8",
		KeyForm: KeyForm{Scope: "operate", Expires: "90", Scopes: scopes},
		Keys: []Key{
			{ID: "k1", Name: "nightly report", Prefix: "agk_7f3a", Scope: "read", By: "Mara Ruiz", CreatedAt: ago(800 * time.Hour), UsedAt: ago(9 * time.Hour), ExpiresAt: testNow.Add(900 * time.Hour)},
			{ID: "k2", Name: "تجربة 🧪", Prefix: "agk_aa01", Scope: "admin", By: "Mara Ruiz", RevokedAt: ago(40 * time.Hour)},
		},
	}
}

func sampleSecurity() Security {
	return Security{
		Shell: sampleShell("My account", "settings"), Teams: true, Name: NameForm{Name: "Mara Ruiz"},
		Password: PasswordForm{Email: "mara@northwind.example", Form: Form{Errors: map[string]string{"current": "is not your password"}}},
		Sessions: []Session{
			{ID: "s1", Browser: "Firefox on Linux", Team: "Northwind", CreatedAt: ago(3 * time.Hour), SeenAt: ago(time.Second), EndsAt: testNow.Add(300 * time.Hour), Current: true},
			{ID: "s2", Browser: "Safari on iPhone", Team: "فريق الجنوب", CreatedAt: ago(90 * time.Hour), SeenAt: ago(20 * time.Hour), EndsAt: testNow.Add(200 * time.Hour)},
		},
	}
}

func sampleMembers() Members {
	invited := Invitation{ID: "i1", Email: "jo@northwind.example", Role: "operator", By: "Mara Ruiz", CreatedAt: ago(3 * time.Hour), ExpiresAt: testNow.Add(165 * time.Hour), Now: testNow, CanManage: true}
	old := invited
	old.ID, old.Email, old.Expired = "i2", "late@northwind.example", true
	all := RoleOptions(fleet.Roles())
	return Members{
		Shell: sampleShell("Members", "settings"), Total: 3,
		Rows: []Member{
			{ID: "u1", Name: "Mara Ruiz", Email: "mara@northwind.example", Role: "owner", JoinedAt: ago(900 * time.Hour), SeenAt: ago(4 * time.Second), Now: testNow, Self: true, WhyNot: "A team needs an owner, and this is the last one: make somebody else an owner first"},
			{ID: "u2", Name: "نور الهدى 🧪 <b>", Email: "nour@northwind.example", Role: "admin", JoinedAt: ago(90 * time.Hour), SeenAt: ago(20 * time.Hour), Now: testNow, Roles: all, CanRemove: true},
			{ID: "u3", Name: "Wolfeschlegelsteinhausenbergerdorff-Maximiliana Anastasia van den Hoogenbandt the Third of Somewhere", Email: "wolfe.schlegel.steinhausen.bergerdorff@a-very-long-domain.northwind.example", Role: "viewer", JoinedAt: ago(9 * time.Hour), Now: testNow, Roles: all, CanRemove: true},
		},
		Invited: []Invitation{invited, old},
		Invite: &InviteForm{
			Email: "jo", Role: "operator", Roles: all, Form: Form{Errors: map[string]string{"email": "must be an e-mail address"}},
			Link: "https://agentry.example/invite/0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5", Made: invited,
		},
	}
}

func sampleInvite() Invite {
	return Invite{
		Token: "abc", Team: "Northwind", By: "Mara Ruiz", Email: "jo@northwind.example", Role: "operator", Insecure: true, Name: "Jo",
		New: Form{Errors: map[string]string{"password": "must have 10 to 1000 characters"}},
	}
}
