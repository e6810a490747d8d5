package app_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"agentry/internal/app"
	"agentry/internal/fleet"
)

const longEnough = "correct horse"

func (b *bench) invite(by fleet.Actor, email string, role fleet.Role) (fleet.Invitation, string) {
	b.t.Helper()
	i, token, err := b.Invite(b.t.Context(), by, app.InviteInput{Email: email, Role: role})
	b.ok(err)
	return i, token
}

// A new person joins by the link, once.
func TestJoinAsSomebodyNew(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	owner, _ := b.as("owner", fleet.RoleOwner)
	var i fleet.Invitation
	var token string
	b.effectsOf(func() { i, token = b.invite(owner, " Jo@Example.com ", fleet.RoleOperator) }).
		want(t, "invite", effects{Audit: []string{"member.invite done " + owner.ID}, Events: []string{"member.changed"}})
	if i.Email != "jo@example.com" || i.TeamName != "Ours" || !i.ExpiresAt.Equal(b.Now().Add(7*24*time.Hour)) || b.holds(token) {
		t.Errorf("%+v, the token is readable: %v", i, b.holds(token))
	}
	for what, in := range map[string]app.JoinInput{"short": {New: true, Name: "Jo", Password: "short"}, "control": {New: true, Name: "J\x00", Password: longEnough}} {
		_, err := b.Join(t.Context(), token, in)
		wantErr(t, what, err, fleet.CodeValidation, "")
	}
	_, err := b.Join(t.Context(), token, app.JoinInput{Password: longEnough})
	wantErr(t, "an account that is not there", err, fleet.CodeUnauthorized, "E-mail or password is wrong")
	m := must[fleet.Member](t)(b.Join(t.Context(), token, app.JoinInput{New: true, Name: "Jo", Password: longEnough}))
	if m.TeamID != b.team || m.Role != fleet.RoleOperator || m.User.Email != "jo@example.com" || m.User.Name != "Jo" {
		t.Errorf("%+v", m)
	}
	if _, places, err := b.SignIn(t.Context(), "jo@example.com", longEnough); err != nil || len(places) != 1 {
		t.Errorf("%+v, %v", places, err)
	}
	_, err = b.Join(t.Context(), token, app.JoinInput{New: true, Name: "Jo", Password: longEnough})
	wantErr(t, "again", err, fleet.CodeNotFound, "This invitation was used already: sign in, or ask whoever sent it for a new one")
	_, err = b.Join(t.Context(), "made up", app.JoinInput{New: true, Name: "Jo", Password: longEnough})
	wantErr(t, "made up", err, fleet.CodeNotFound, "There is no such invitation: check that the link is complete")
	_, _, err = b.Invite(t.Context(), owner, app.InviteInput{Email: "JO@example.com", Role: fleet.RoleViewer})
	wantErr(t, "a member", err, fleet.CodeValidation, "email: is a member already")
	got := b.column(`SELECT actor_name || ' ' || action || ' ' || outcome FROM audit WHERE action = 'member.join' ORDER BY id`)
	if want := []string{"Jo member.join done", " member.join not_found"}; !slices.Equal(got, want) {
		t.Errorf("the audit says %q", got)
	}
}

// Who has an account joins with its password, or as they are signed in; the
// inviter learns neither.
func TestJoinWithAnAccount(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	owner, _ := b.as("owner", fleet.RoleOwner)
	known := must[fleet.UserID](t)(b.AddMember(t.Context(), b.stranger.TeamID, app.MemberInput{Email: "jo@example.com", Name: "Jo", Password: longEnough, Role: fleet.RoleOwner}))
	other := must[fleet.UserID](t)(b.AddMember(t.Context(), b.stranger.TeamID, app.MemberInput{Email: "kim@example.com", Password: longEnough, Role: fleet.RoleOwner}))
	here, tokenA := b.invite(owner, "jo@example.com", fleet.RoleViewer)
	new1, _ := b.invite(owner, "nobody@example.com", fleet.RoleViewer)
	here.ID, here.Email, new1.ID, new1.Email = "", "", "", ""
	if here != new1 {
		t.Errorf("the answers differ: %+v, %+v", here, new1)
	}
	_, err := b.Join(t.Context(), tokenA, app.JoinInput{Password: "wrong password"})
	wantErr(t, "wrong password", err, fleet.CodeUnauthorized, "E-mail or password is wrong")
	_, err = b.Join(t.Context(), tokenA, app.JoinInput{New: true, Name: "Mallory", Password: "another password"})
	wantErr(t, "as a new person", err, fleet.CodeUnauthorized, "E-mail or password is wrong")
	if n := b.number(`SELECT COUNT(*) FROM audit WHERE team_id = ? AND outcome = 'unauthorized'`, b.team); n != 0 {
		t.Errorf("the team's audit tells of %d wrong passwords", n)
	}
	if n := b.number(`SELECT COUNT(*) FROM audit WHERE team_id = ? AND outcome = 'unauthorized'`, b.stranger.TeamID); n != 2 {
		t.Errorf("the person's own team hears of %d wrong passwords", n)
	}
	_, err = b.Join(t.Context(), tokenA, app.JoinInput{User: other})
	wantErr(t, "somebody else", err, fleet.CodeForbidden, "This invitation is for jo@example.com, and you are signed in as kim@example.com")
	if m := must[fleet.Member](t)(b.Join(t.Context(), tokenA, app.JoinInput{Password: longEnough})); m.User.ID != known || m.User.Name != "Jo" {
		t.Errorf("%+v", m)
	}
	b.ok(b.RemoveMember(t.Context(), owner, known))
	_, tokenB := b.invite(owner, "jo@example.com", fleet.RoleAdmin)
	if m := must[fleet.Member](t)(b.Join(t.Context(), tokenB, app.JoinInput{User: known})); m.Role != fleet.RoleAdmin {
		t.Errorf("%+v", m)
	}
	if r := b.roleIn(b.stranger.TeamID, string(known)); r != fleet.RoleOwner {
		t.Errorf("in the other team they are %q", r)
	}
}

// Links that were revoked, replaced, are too old, or whose sender may not
// invite any more.
func TestInvitationsEnd(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	owner, _ := b.as("owner", fleet.RoleOwner)
	admin, _ := b.as("ann", fleet.RoleAdmin)
	closed := func(what, token, word string) {
		t.Helper()
		_, err := b.Invitation(t.Context(), token)
		if fleet.CodeOf(err) != fleet.CodeNotFound || !strings.Contains(err.Error(), word) {
			t.Errorf("%s: %v", what, err)
		}
		_, err = b.Join(t.Context(), token, app.JoinInput{New: true, Name: "Jo", Password: longEnough})
		if fleet.CodeOf(err) != fleet.CodeNotFound || !strings.Contains(err.Error(), word) {
			t.Errorf("%s, joining: %v", what, err)
		}
	}
	i, first := b.invite(owner, "jo@example.com", fleet.RoleViewer)
	_, second, err := b.RenewInvitation(t.Context(), owner, i.ID)
	b.ok(err)
	closed("replaced by a new link", first, "replaced")
	b.ok(second2nd(b.Invitation(t.Context(), second)))
	wantErr(t, "the former", b.RevokeInvitation(t.Context(), owner, i.ID), fleet.CodeNotFound, "Invitation not found")
	entries, _, err := b.MemberEntries(t.Context(), owner, app.PageInput{})
	b.ok(err)
	open := entries[len(entries)-1].Invitation
	b.effectsOf(func() { b.ok(b.RevokeInvitation(t.Context(), owner, open.ID)) }).
		want(t, "revoke", effects{Audit: []string{"member.uninvite done " + owner.ID}, Events: []string{"member.changed"}})
	closed("revoked", second, "revoked")

	// The right of who invited is asked again when somebody accepts.
	_, byAdmin := b.invite(admin, "kim@example.com", fleet.RoleOperator)
	b.ok(second3(b.SetRole(t.Context(), owner, fleet.UserID(admin.ID), fleet.RoleOperator)))
	closed("of a demoted admin", byAdmin, "void")
	b.ok(second3(b.SetRole(t.Context(), owner, fleet.UserID(admin.ID), fleet.RoleAdmin)))
	b.ok(second2nd(b.Invitation(t.Context(), byAdmin)))
	b.ok(b.RemoveMember(t.Context(), owner, fleet.UserID(admin.ID)))
	closed("of somebody removed", byAdmin, "void")
	key := b.adminKey()
	_, byKey := b.invite(key, "lee@example.com", fleet.RoleOperator)
	b.ok(b.RevokeKey(t.Context(), owner, key.ID))
	closed("of a revoked key", byKey, "void")

	_, late := b.invite(owner, "max@example.com", fleet.RoleViewer)
	b.clock.step(7*24*time.Hour - time.Second)
	b.ok(second2nd(b.Invitation(t.Context(), late)))
	b.clock.step(time.Second)
	closed("too old", late, "too old")
	b.ok(b.Tick(t.Context()))
	b.clock.jump(-time.Hour)
	closed("too old, and the clock went back", late, "too old")
	if _, token := b.invite(owner, "max@example.com", fleet.RoleViewer); token == late {
		t.Error("the same link again")
	}
}

// An admin can no more replace the invitation of an owner than revoke it.
func TestAnAdminVoidsNoInvitationOfAnOwner(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	owner, _ := b.as("owner", fleet.RoleOwner)
	admin, _ := b.as("ann", fleet.RoleAdmin)
	i, token := b.invite(owner, "jo@example.com", fleet.RoleOwner)
	wantErr(t, "revoke", b.RevokeInvitation(t.Context(), admin, i.ID), fleet.CodeForbidden, "Only an owner can make or change an owner")
	_, _, err := b.Invite(t.Context(), admin, app.InviteInput{Email: "JO@example.com", Role: fleet.RoleViewer})
	wantErr(t, "replace", err, fleet.CodeForbidden, "Only an owner can make or change an owner")
	b.ok(second2nd(b.Invitation(t.Context(), token)))
	b.invite(owner, "jo@example.com", fleet.RoleViewer)
	b.invite(admin, "jo@example.com", fleet.RoleOperator)
}

func second2nd(_ fleet.Invitation, err error) error { return err }

func second3(_ fleet.Member, err error) error { return err }

// Of many who use one link at once, one gets in.
func TestJoinAtOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	owner, _ := b.as("owner", fleet.RoleOwner)
	_, token := b.invite(owner, "jo@example.com", fleet.RoleViewer)
	errs := make([]error, 4)
	var all sync.WaitGroup
	for n := range errs {
		all.Go(func() {
			_, errs[n] = b.Join(context.Background(), token, app.JoinInput{New: true, Name: "Jo", Password: longEnough})
		})
	}
	all.Wait()
	in := 0
	for _, err := range errs {
		if err == nil {
			in++
		}
	}
	if n := b.number(`SELECT COUNT(*) FROM members WHERE team_id = ?`, b.team); in != 1 || n != 2 {
		t.Errorf("%d got in, %d members: %v", in, n, errs)
	}
}

// A team has a bounded number of invitations that can be accepted; one that is
// made again, accepted, revoked or too old makes room. All are forgotten in the end.
func TestOpenInvitationsAreBounded(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	owner, _ := b.as("owner", fleet.RoleOwner)
	ask := func(email string) error {
		_, _, err := b.Invite(t.Context(), owner, app.InviteInput{Email: email, Role: fleet.RoleViewer})
		return err
	}
	for i := range fleet.MaxInvitations {
		b.ok(ask(fmt.Sprintf("u%d@example.com", i)))
	}
	wantErr(t, "one too many", ask("x@example.com"), fleet.CodeConflict, "100 invitations are open, which is the most: revoke one, or wait until one is accepted or too old")
	b.ok(ask("u1@example.com"))
	b.clock.step(fleet.InvitationTTL)
	b.ok(ask("x@example.com"))
	b.clock.step(fleet.InvitationKept - fleet.InvitationTTL)
	b.ok(b.Tick(t.Context()))
	if n := b.number(`SELECT COUNT(*) FROM invitations`); n != fleet.MaxInvitations+2 {
		t.Errorf("%d are known", n)
	}
	b.clock.step(2 * time.Minute)
	b.ok(b.Tick(t.Context()))
	if got := b.column(`SELECT email FROM invitations`); !slices.Equal(got, []string{"x@example.com"}) {
		t.Errorf("known are %q", got)
	}
}
