package app_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/internal/store"
)

// as is a member of our team with a role and a session, and the actor that the
// session stands for.
func (b *bench) as(name string, role fleet.Role) (fleet.Actor, string) {
	b.t.Helper()
	id := fleet.UserID("user " + name)
	b.join(b.team, id, role)
	return b.signedIn(id, b.team)
}

func (b *bench) signedIn(id fleet.UserID, team fleet.TeamID) (fleet.Actor, string) {
	b.t.Helper()
	token := b.session(id, team, time.Hour)
	by, _, _, err := b.ActorForSession(b.t.Context(), token)
	b.ok(err)
	return by, token
}

// session is the token of a new session, as after a sign-in.
func (b *bench) session(id fleet.UserID, team fleet.TeamID, ttl time.Duration) string {
	b.t.Helper()
	return must[string](b.t)(b.SaveSession(b.t.Context(), "", fleet.Session{UserID: id, TeamID: team, Proof: b.hashOf(id), UserAgent: "test"}, ttl))
}

func (b *bench) hashOf(id fleet.UserID) string {
	b.t.Helper()
	return b.column(`SELECT password_hash FROM users WHERE id = '` + string(id) + `'`)[0]
}

func (b *bench) roleIn(team fleet.TeamID, id string) fleet.Role {
	b.t.Helper()
	for _, m := range must[[]fleet.Member](b.t)(b.Memberships(b.t.Context(), fleet.Actor{Kind: fleet.ActorMember, ID: id})) {
		if m.TeamID == team {
			return m.Role
		}
	}
	return ""
}

// A role that changes ends the member's sessions in that team, and those alone.
func TestSetRole(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	owner, _ := b.as("owner", fleet.RoleOwner)
	ann, token := b.as("ann", fleet.RoleOperator)
	b.join(b.stranger.TeamID, fleet.UserID(ann.ID), fleet.RoleViewer)
	_, elsewhere := b.signedIn(fleet.UserID(ann.ID), b.stranger.TeamID)
	b.effectsOf(func() {
		m := must[fleet.Member](t)(b.SetRole(t.Context(), owner, fleet.UserID(ann.ID), fleet.RoleAdmin))
		if m.Role != fleet.RoleAdmin {
			t.Errorf("%+v", m)
		}
	}).want(t, "raise", effects{Audit: []string{"member.role done " + owner.ID}, Events: []string{"member.changed"}})
	if got := b.column(`SELECT detail FROM audit WHERE action = 'member.role'`); got[0] != `{"role":"admin","userId":"user ann","was":"operator"}` {
		t.Errorf("the audit says %s", got)
	}
	_, _, _, err := b.ActorForSession(t.Context(), token)
	wantErr(t, "the session goes on", err, fleet.CodeUnauthorized, "")
	if by, _, _, err := b.ActorForSession(t.Context(), elsewhere); err != nil || by.TeamID != b.stranger.TeamID {
		t.Errorf("the session in another team: %+v, %v", by, err)
	}
	// The former actor has the role that is, not the one they came with.
	wantErr(t, "an admin touches an owner", second(b.SetRole(t.Context(), ann, fleet.UserID(owner.ID), fleet.RoleViewer)), fleet.CodeForbidden, "This needs the admin scope; yours is operate")
	admin, _ := b.signedIn(fleet.UserID(ann.ID), b.team)
	for what, err := range map[string]error{
		"makes an owner":       second(b.SetRole(t.Context(), admin, b.person("jo"), fleet.RoleOwner)),
		"demotes an owner":     second(b.SetRole(t.Context(), admin, fleet.UserID(owner.ID), fleet.RoleViewer)),
		"removes an owner":     b.RemoveMember(t.Context(), admin, fleet.UserID(owner.ID)),
		"raises themselves":    second(b.SetRole(t.Context(), admin, fleet.UserID(admin.ID), fleet.RoleOwner)),
		"invites an owner":     inviteErr(b.Invite(t.Context(), admin, app.InviteInput{Email: "x@example.com", Role: fleet.RoleOwner})),
		"a key makes an owner": second(b.SetRole(t.Context(), b.adminKey(), b.person("jo"), fleet.RoleOwner)),
	} {
		wantErr(t, "an admin "+what, err, fleet.CodeForbidden, "")
	}
	if n := b.number(`SELECT COUNT(*) FROM audit WHERE outcome = 'forbidden' AND action IN ('member.role', 'member.remove', 'member.invite')`); n != 7 {
		t.Errorf("%d refusals are in the audit", n)
	}
	wantErr(t, "no role", second(b.SetRole(t.Context(), owner, b.person("jo"), "king")), fleet.CodeValidation, "")
	wantErr(t, "nobody", second(b.SetRole(t.Context(), owner, "user nobody", fleet.RoleViewer)), fleet.CodeNotFound, "Member not found")
	wantErr(t, "the last owner", second(b.SetRole(t.Context(), owner, fleet.UserID(owner.ID), fleet.RoleAdmin)), fleet.CodeConflict, "")
	// An actor whose right ended while the request was on its way is refused.
	b.ok(second(b.SetRole(t.Context(), owner, fleet.UserID(admin.ID), fleet.RoleViewer)))
	wantErr(t, "demoted meanwhile", b.RemoveMember(t.Context(), admin, b.person("jo")), fleet.CodeForbidden, "")
}

func inviteErr(_ fleet.Invitation, _ string, err error) error { return err }

// adminKey is a key that an admin made.
func (b *bench) adminKey() fleet.Actor {
	b.t.Helper()
	k, _, err := b.AddKey(b.t.Context(), b.team, app.KeyInput{Name: "k", Scope: fleet.ScopeAdmin})
	b.ok(err)
	return fleet.Actor{Kind: fleet.ActorKey, ID: k.ID, Name: "k", TeamID: b.team, Scope: fleet.ScopeAdmin}
}

// Who goes loses the sessions at once; keys stay with the team, and are listed
// before.
func TestRemoveAndLeave(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	owner, ownerToken := b.as("owner", fleet.RoleOwner)
	ann, token := b.as("ann", fleet.RoleAdmin)
	_, key, err := b.CreateKey(t.Context(), ann, app.KeyInput{Name: "nightly", Scope: fleet.ScopeRead})
	b.ok(err)
	gone, _, err := b.CreateKey(t.Context(), ann, app.KeyInput{Name: "old", Scope: fleet.ScopeRead})
	b.ok(err)
	b.ok(b.RevokeKey(t.Context(), ann, gone.ID))
	_, keys, err := b.Member(t.Context(), owner, fleet.UserID(ann.ID))
	if err != nil || len(keys) != 1 || keys[0].Name != "nightly" {
		t.Errorf("%+v, %v", keys, err)
	}
	wantErr(t, "the last owner leaves", b.Leave(t.Context(), owner), fleet.CodeConflict, "A team needs an owner, and this is the last one: make somebody else an owner first")
	wantErr(t, "the last owner removes themselves", b.RemoveMember(t.Context(), owner, fleet.UserID(owner.ID)), fleet.CodeConflict, "")
	sub := b.Subscribe(owner)
	defer sub.Close()
	b.effectsOf(func() { b.ok(b.RemoveMember(t.Context(), owner, fleet.UserID(ann.ID))) }).
		want(t, "remove", effects{Audit: []string{"member.remove done " + owner.ID}, Events: []string{"member.changed"}})
	if e := <-sub.Events(); e.Type != fleet.EventMemberChanged {
		t.Errorf("heard %+v", e)
	}
	_, _, _, err = b.ActorForSession(t.Context(), token)
	wantErr(t, "removed", err, fleet.CodeUnauthorized, "")
	wantErr(t, "acts on", b.RemoveMember(t.Context(), ann, b.person("jo")), fleet.CodeForbidden, "")
	_, _, _, err = b.ActorForKey(t.Context(), key)
	b.ok(err)
	wantErr(t, "again", b.RemoveMember(t.Context(), owner, fleet.UserID(ann.ID)), fleet.CodeNotFound, "Member not found")
	b.as("second", fleet.RoleOwner)
	b.effectsOf(func() { b.ok(b.Leave(t.Context(), owner)) }).
		want(t, "leave", effects{Audit: []string{"member.leave done " + owner.ID}, Events: []string{"member.changed"}})
	_, _, _, err = b.ActorForSession(t.Context(), ownerToken)
	wantErr(t, "left", err, fleet.CodeUnauthorized, "")
	wantErr(t, "a key leaves", b.Leave(t.Context(), b.adminKey()), fleet.CodeForbidden, "")
}

// Of two owners who demote, remove or leave at once one stays, whatever order
// they come in.
func TestOneOwnerStays(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	for round := range 20 {
		x, _ := b.as("x", fleet.RoleOwner)
		y, _ := b.as("y", fleet.RoleOwner)
		acts := []func(by, other fleet.Actor) error{
			func(by, other fleet.Actor) error {
				return second(b.SetRole(context.Background(), by, fleet.UserID(other.ID), fleet.RoleViewer))
			},
			func(by, other fleet.Actor) error {
				return b.RemoveMember(context.Background(), by, fleet.UserID(other.ID))
			},
			func(by, _ fleet.Actor) error { return b.Leave(context.Background(), by) },
		}
		act := acts[round%len(acts)]
		var both sync.WaitGroup
		errs := make([]error, 2)
		both.Go(func() { errs[0] = act(x, y) })
		both.Go(func() { errs[1] = act(y, x) })
		both.Wait()
		_, owners, err := b.CountMembers(t.Context(), fleet.System(b.team, "test"))
		if owners != 1 || err != nil || (errs[0] == nil) == (errs[1] == nil) {
			t.Fatalf("round %d: %d owners, %v, %v, %v", round, owners, errs[0], errs[1], err)
		}
	}
}

func TestSwitchTeam(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	ann, _ := b.as("ann", fleet.RoleOperator)
	other := b.stranger.TeamID
	for what, team := range map[string]fleet.TeamID{"another's": other, "none": "nothing"} {
		wantErr(t, what, second(b.SwitchTeam(t.Context(), ann, team)), fleet.CodeForbidden, "You are not a member of that team")
	}
	b.join(other, fleet.UserID(ann.ID), fleet.RoleAdmin)
	m := must[fleet.Member](t)(b.SwitchTeam(t.Context(), ann, other))
	if m.Role != fleet.RoleAdmin || m.TeamName != "Theirs" {
		t.Errorf("%+v", m)
	}
	if got := b.column(`SELECT action || ' ' || outcome FROM audit WHERE actor_id = 'user ann' AND team_id = ?`, other); len(got) != 1 || got[0] != "session.switch done" {
		t.Errorf("the audit says %s", got)
	}
	// The team that was used last is where the next sign-in leads.
	b.clock.step(time.Minute)
	b.signedIn(fleet.UserID(ann.ID), other)
	if last := fleet.LastUsed(must[[]fleet.Member](t)(b.Memberships(t.Context(), ann))); last.TeamID != other {
		t.Errorf("last used: %+v", last)
	}
	b.clock.step(time.Hour)
	_, token := b.signedIn(fleet.UserID(ann.ID), b.team)
	b.clock.step(2 * time.Minute)
	b.ok(second2(b.ActorForSession(t.Context(), token)))
	if last := fleet.LastUsed(must[[]fleet.Member](t)(b.Memberships(t.Context(), ann))); last.TeamID != b.team || !last.SeenAt.Equal(b.Now()) {
		t.Errorf("last used: %+v", last)
	}
	// A link is known to who is in its team alone.
	id := b.create("rehearsal")
	there, _ := b.signedIn(fleet.UserID(ann.ID), other)
	if m, ok, err := b.PlaceAt(t.Context(), there, string(id)); !ok || m.TeamID != b.team || err != nil {
		t.Errorf("%+v, %v, %v", m, ok, err)
	}
	list := newBulk(b, b.team, id)
	if m, ok, err := b.PlaceAt(t.Context(), there, list); !ok || m.TeamID != b.team || err != nil {
		t.Errorf("of a bulk: %+v, %v, %v", m, ok, err)
	}
	if m, ok, err := b.PlaceAt(t.Context(), b.stranger, list); ok || err != nil {
		t.Errorf("a stranger learns of a bulk %+v, %v", m, err)
	}
	if places, err := b.Memberships(t.Context(), b.adminKey()); len(places) != 0 || err != nil {
		t.Errorf("a key is in %+v, %v", places, err)
	}
	for _, by := range []fleet.Actor{b.stranger, b.adminKey()} {
		if m, ok, err := b.PlaceAt(t.Context(), by, string(id)); ok || err != nil {
			t.Errorf("%s learns %+v, %v", by.ID, m, err)
		}
	}
}

// newBulk writes down a bulk of an agent.
func newBulk(b *bench, team fleet.TeamID, id fleet.AgentID) string {
	b.t.Helper()
	bulk := fleet.Bulk{ID: fleet.NewID(b.Now()), TeamID: team, Action: fleet.BulkPause, State: fleet.BulkDone, Total: 1, CreatedAt: b.Now(), EndedAt: b.Now()}
	b.ok(b.store.Write(b.t.Context(), func(tx *store.Tx) error {
		return errors.Join(tx.InsertBulk(bulk), tx.InsertBulkItems([]fleet.BulkItem{{BulkID: bulk.ID, N: 1, AgentID: id, Outcome: fleet.BulkSuccessful}}))
	}))
	return bulk.ID
}

// Who is no admin sees the members, but neither the addresses of others nor who
// is invited.
func TestAddressesAreForAdmins(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	owner, _ := b.as("owner", fleet.RoleOwner)
	viewer, _ := b.as("viewer", fleet.RoleViewer)
	b.invite(owner, "jo@example.com", fleet.RoleViewer)
	for _, c := range []struct {
		by   fleet.Actor
		want []string
	}{
		{owner, []string{"user owner@example.com", "user viewer@example.com", "invited jo@example.com"}},
		{viewer, []string{"", "user viewer@example.com"}},
	} {
		var got []string
		for cursor := ""; ; {
			list, next, err := b.MemberEntries(t.Context(), c.by, app.PageInput{Limit: 1, Cursor: cursor})
			b.ok(err)
			for _, e := range list {
				if e.Member != nil {
					got = append(got, e.Member.User.Email)
				} else {
					got = append(got, "invited "+e.Invitation.Email)
				}
			}
			if cursor = next; cursor == "" {
				break
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s sees %q, want %q", c.by.ID, got, c.want)
		}
	}
}

func second2(_ fleet.Actor, _ fleet.Member, _ fleet.Session, err error) error { return err }
