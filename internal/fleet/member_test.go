package fleet

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// The whole table of who may do what to whom, a line a role that acts.
func TestWhoManagesMembers(t *testing.T) {
	const want = `viewer: invites none; changes none; removes none
operator: invites none; changes none; removes none
admin: invites viewer operator admin; changes viewer-operator viewer-admin operator-viewer operator-admin admin-viewer admin-operator; removes viewer operator admin
owner: invites viewer operator admin owner; changes viewer-operator viewer-admin viewer-owner operator-viewer operator-admin operator-owner admin-viewer admin-operator admin-owner owner-viewer owner-operator owner-admin; removes viewer operator admin owner
`
	var got strings.Builder
	for _, by := range Roles() {
		var invites, changes, removes []string
		for _, from := range Roles() {
			if CheckInvite(by, from) == nil {
				invites = append(invites, string(from))
			}
			if CheckRemove(by, from, 2) == nil {
				removes = append(removes, string(from))
			}
			for _, to := range Roles() {
				if from != to && CheckRoleChange(by, false, from, to, 2) == nil {
					changes = append(changes, string(from)+"-"+string(to))
				}
			}
		}
		words := func(list []string) string {
			if len(list) == 0 {
				return "none"
			}
			return strings.Join(list, " ")
		}
		fmt.Fprintf(&got, "%s: invites %s; changes %s; removes %s\n", by, words(invites), words(changes), words(removes))
	}
	if got.String() != want {
		t.Errorf("got\n%s\nwant\n%s", got.String(), want)
	}
}

func TestTheLastOwnerStays(t *testing.T) {
	for what, err := range map[string]error{
		"demoted":         CheckRoleChange(RoleOwner, false, RoleOwner, RoleAdmin, 1),
		"demotes himself": CheckRoleChange(RoleOwner, true, RoleOwner, RoleViewer, 1),
		"removed":         CheckRemove(RoleOwner, RoleOwner, 1),
		"leaves":          CheckLeave(RoleOwner, 1),
	} {
		if CodeOf(err) != CodeConflict {
			t.Errorf("the last owner %s: %v", what, err)
		}
	}
	for what, err := range map[string]error{
		"one of two demotes himself": CheckRoleChange(RoleOwner, true, RoleOwner, RoleViewer, 2),
		"one of two leaves":          CheckLeave(RoleOwner, 2),
		"an admin leaves":            CheckLeave(RoleAdmin, 1),
		"the last one stays one":     CheckRoleChange(RoleOwner, true, RoleOwner, RoleOwner, 1),
	} {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestNobodyRaisesThemselves(t *testing.T) {
	for _, from := range Roles() {
		for _, to := range Roles() {
			err := CheckRoleChange(from, true, from, to, 2)
			if to.above(from) && CodeOf(err) != CodeForbidden {
				t.Errorf("%s makes themselves %s: %v", from, to, err)
			}
		}
	}
	if CodeOf(CheckRoleChange(RoleOwner, false, RoleViewer, "king", 2)) != CodeValidation || CodeOf(CheckInvite(RoleOwner, "")) != CodeValidation {
		t.Error("a role that is none")
	}
	if CheckRoleChange("", false, RoleViewer, RoleOperator, 2) == nil || CheckInvite(Scope("").Role(), RoleViewer) == nil {
		t.Error("nobody manages members")
	}
}

func TestInvitation(t *testing.T) {
	now := time.Date(2026, 3, 12, 9, 30, 0, 0, time.UTC)
	open := Invitation{Role: RoleAdmin, CreatedAt: now, ExpiresAt: now.Add(InvitationTTL)}
	for _, c := range []struct {
		name    string
		change  func(i *Invitation)
		at      time.Duration
		inviter Role
		want    string
	}{
		{"open", func(*Invitation) {}, 0, RoleAdmin, ""},
		{"at its last instant", func(*Invitation) {}, InvitationTTL - 1, RoleOwner, ""},
		{"expired", func(*Invitation) {}, InvitationTTL, RoleOwner, "too old"},
		{"seen expired before the clock went back", func(i *Invitation) { i.ExpiredAt = now }, 0, RoleOwner, "too old"},
		{"used", func(i *Invitation) { i.AcceptedAt = now }, 0, RoleOwner, "used already"},
		{"revoked", func(i *Invitation) { i.RevokedAt = now }, 0, RoleOwner, "revoked"},
		{"of somebody demoted", func(*Invitation) {}, 0, RoleOperator, "void"},
		{"of somebody gone", func(*Invitation) {}, 0, "", "void"},
		{"to be an owner, of an admin", func(i *Invitation) { i.Role = RoleOwner }, 0, RoleAdmin, "void"},
	} {
		i := open
		c.change(&i)
		err := i.Check(now.Add(c.at), c.inviter)
		if c.want == "" && err != nil || c.want != "" && (CodeOf(err) != CodeNotFound || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

func TestLastUsed(t *testing.T) {
	at := time.Date(2026, 3, 12, 9, 30, 0, 0, time.UTC)
	places := []Member{{TeamID: "a"}, {TeamID: "b", SeenAt: at}, {TeamID: "c", SeenAt: at.Add(time.Minute)}, {TeamID: "d", SeenAt: at}}
	if m := LastUsed(places); m.TeamID != "c" {
		t.Errorf("%+v", m)
	}
	if m := LastUsed(places[:1]); m.TeamID != "a" {
		t.Errorf("%+v", m)
	}
	if m := LastUsed(nil); m.TeamID != "" {
		t.Errorf("%+v", m)
	}
}
