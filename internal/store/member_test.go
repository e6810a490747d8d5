package store

import (
	"errors"
	"strings"
	"testing"
	"time"

	"agentry/internal/fleet"
)

// memberLooks are looks at who is in team A: a member with a key and somebody
// invited.
func memberLooks() map[string]look {
	return map[string]look{
		"Members": {func(tx *Tx, team fleet.TeamID) (int, error) { l, err := tx.Members(team, "", 10); return len(l), err }, "", 1},
		"CountMembers": {func(tx *Tx, team fleet.TeamID) (int, error) {
			all, owners, err := tx.CountMembers(team)
			return all + owners, err
		}, "", 2},
		"Invitation": {func(tx *Tx, team fleet.TeamID) (int, error) {
			i, _, err := tx.Invitation(team, "invitation a")
			return len(i.Role), err
		}, "", 6},
		"InvitationOf": {func(tx *Tx, team fleet.TeamID) (int, error) {
			i, _, err := tx.InvitationOf(team, "jo@b")
			return len(i.Role), err
		}, "", 6},
		"Invitations": {func(tx *Tx, team fleet.TeamID) (int, error) {
			l, err := tx.Invitations(team, "", 10)
			return len(l), err
		}, "", 1},
		"CountOpenInvitations": {func(tx *Tx, team fleet.TeamID) (int, error) { return tx.CountOpenInvitations(team, t0) }, "", 1},
		"LiveKeysBy": {func(tx *Tx, team fleet.TeamID) (int, error) {
			l, err := tx.LiveKeysBy(team, "u", t0)
			return len(l), err
		}, "", 1},
		"LiveKey": {func(tx *Tx, team fleet.TeamID) (int, error) {
			scope, _, err := tx.LiveKey(team, "key a", t0)
			return len(scope), err
		}, "", 4},
	}
}

// memberWrites are tried in TestAnotherTeamChangesNoMember.
func memberWrites() []string {
	return []string{"SetRole", "DeleteMember", "AcceptInvitation", "RevokeInvitation", "RevokeInvitationOf", "TouchMember", "SetTeamName", "DropMemberSessions", "LeaveViews"}
}

func invitationTo(team fleet.TeamID, id, email string) fleet.Invitation {
	return fleet.Invitation{ID: id, TeamID: team, Email: email, Role: fleet.RoleViewer, By: "Ann", ByKind: fleet.ActorMember, ByID: "u", CreatedAt: t0, ExpiresAt: t0.Add(time.Hour)}
}

func TestAnotherTeamChangesNoMember(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{})
	mustWrite(t, s, func(tx *Tx) error {
		if err := tx.InsertUser(fleet.User{ID: "u", Email: "a@b", Name: "Ann", PasswordHash: "h"}, t0); err != nil {
			return err
		}
		if err := tx.InsertMember(teamA, "u", fleet.RoleOwner, t0); err != nil {
			return err
		}
		if err := tx.InsertInvitation(invitationTo(teamA, "i", "jo@b"), []byte("hash")); err != nil {
			return err
		}
		return tx.SaveSession([]byte("token"), fleet.Session{ID: "s", UserID: "u", TeamID: teamA, Data: []byte{}, ExpiresAt: t0.Add(time.Hour)})
	})
	mustWrite(t, s, func(tx *Tx) error {
		for name, act := range map[string]func(team fleet.TeamID) (bool, error){
			"SetRole":            func(team fleet.TeamID) (bool, error) { return tx.SetRole(team, "u", fleet.RoleViewer) },
			"DeleteMember":       func(team fleet.TeamID) (bool, error) { return tx.DeleteMember(team, "u") },
			"AcceptInvitation":   func(team fleet.TeamID) (bool, error) { return tx.AcceptInvitation(team, "i", t0) },
			"RevokeInvitation":   func(team fleet.TeamID) (bool, error) { return tx.RevokeInvitation(team, "i", t0) },
			"RevokeInvitationOf": func(team fleet.TeamID) (bool, error) { return false, tx.RevokeInvitationOf(team, "jo@b", t0) },
			"TouchMember":        func(team fleet.TeamID) (bool, error) { return false, tx.TouchMember(team, "u", t0) },
			"LeaveViews":         func(team fleet.TeamID) (bool, error) { return false, tx.LeaveViews(team, "u") },
			"SetTeamName":        func(team fleet.TeamID) (bool, error) { return false, tx.SetTeamName(team, "Mine") },
			"DropMemberSessions": func(team fleet.TeamID) (bool, error) {
				n, err := tx.DropMemberSessions(team, "u")
				return n > 0, err
			},
		} {
			if ok, err := act(teamB); ok || err != nil {
				t.Errorf("%s: another team did it, %v", name, err)
			}
		}
		return nil
	})
	mustRead(t, s, func(tx *Tx) error {
		m, _, err := tx.Member(teamA, "u")
		if m.Role != fleet.RoleOwner || !m.SeenAt.IsZero() || m.TeamName == "Mine" || err != nil {
			t.Errorf("%+v, %v", m, err)
		}
		i, open, err := tx.Invitation(teamA, "i")
		if !open || i.Email != "jo@b" || err != nil {
			t.Errorf("%+v, %v", i, err)
		}
		if _, alive, err := tx.SessionByToken([]byte("token")); !alive || err != nil {
			t.Error("the session is gone", err)
		}
		return nil
	})
}

// One address has one open invitation in a team, and what is over is not listed.
func TestInvitationsOfOneAddress(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{})
	mustWrite(t, s, func(tx *Tx) error { return tx.InsertInvitation(invitationTo(teamA, "i1", "jo@b"), []byte("1")) })
	if err := s.Write(t.Context(), func(tx *Tx) error { return tx.InsertInvitation(invitationTo(teamA, "i2", "jo@b"), []byte("2")) }); !isDuplicate(err) {
		t.Errorf("a second open one: %v", err)
	}
	mustWrite(t, s, func(tx *Tx) error {
		if err := tx.InsertInvitation(invitationTo(teamB, "i3", "jo@b"), []byte("3")); err != nil {
			return err
		}
		if err := tx.RevokeInvitationOf(teamA, "jo@b", t0); err != nil {
			return err
		}
		return tx.InsertInvitation(invitationTo(teamA, "i4", "jo@b"), []byte("4"))
	})
	mustWrite(t, s, func(tx *Tx) error {
		if i, ok, err := tx.InvitationByToken([]byte("1")); !ok || i.RevokedAt.IsZero() || err != nil {
			t.Errorf("%+v, %v", i, err)
		}
		list, err := tx.Invitations(teamA, "", 10)
		if len(list) != 1 || list[0].ID != "i4" {
			t.Errorf("%+v", list)
		}
		if err != nil {
			return err
		}
		if yes, err := tx.HasExpired(t0.Add(2 * time.Hour)); !yes || err != nil {
			t.Errorf("%v, %v", yes, err)
		}
		if err := tx.MarkExpiredInvitations(t0.Add(2 * time.Hour)); err != nil {
			return err
		}
		if i, _, err := tx.InvitationByToken([]byte("4")); !i.Expired(t0) || err != nil {
			t.Errorf("%+v, %v", i, err)
		}
		return nil
	})
}

// What a member shares stays when they go, as nobody's; what is theirs alone
// goes with them.
func TestSharedViewsStay(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{})
	mustWrite(t, s, func(tx *Tx) error {
		if err := errors.Join(tx.InsertUser(fleet.User{ID: "u", Email: "a@b", Name: "Ann", PasswordHash: "h"}, t0), tx.InsertMember(teamA, "u", fleet.RoleOwner, t0)); err != nil {
			return err
		}
		for _, v := range []fleet.View{{ID: "v1", Name: "shared", Shared: true}, {ID: "v2", Name: "own"}, {ID: "v3", Name: "taken", Shared: true}} {
			v.TeamID, v.OwnerID, v.By, v.CreatedAt, v.UpdatedAt = teamA, "u", "Ann", t0, t0
			if err := tx.InsertView(v); err != nil {
				return err
			}
		}
		if err := tx.InsertView(fleet.View{ID: "v4", TeamID: teamA, Name: "taken", Shared: true, CreatedAt: t0, UpdatedAt: t0}); err != nil {
			return err
		}
		if err := errors.Join(tx.LeaveViews(teamB, "u"), tx.LeaveViews(teamA, "u")); err != nil {
			return err
		}
		_, err := tx.DeleteMember(teamA, "u")
		return err
	})
	mustRead(t, s, func(tx *Tx) error {
		list, err := tx.Views(teamA, "", 10)
		if len(list) != 2 || list[0].ID != "v1" || list[1].ID != "v4" || list[0].OwnerID != "" {
			t.Errorf("%+v", list)
		}
		return err
	})
}

// Keys from before creators were kept get theirs from the audit.
func TestKeysLearnTheirMakers(t *testing.T) {
	t.Parallel()
	raw, err := migrations.ReadFile("migrations/0012_members.sql")
	if err != nil {
		t.Fatal(err)
	}
	_, update, _ := strings.Cut(string(raw), "DEFAULT '';\nUPDATE")
	s := openStore(t, Options{})
	mustWrite(t, s, func(tx *Tx) error {
		for _, id := range []string{"k1", "k2"} {
			if err := tx.InsertKey(fleet.Key{ID: id, TeamID: teamA, Name: id, Scope: fleet.ScopeRead, CreatedAt: t0}, []byte(id)); err != nil {
				return err
			}
		}
		e := fleet.AuditEntry{TeamID: teamA, At: t0, ActorKind: fleet.ActorMember, ActorID: "u", ActorName: "Ann", Action: "key.create", Outcome: "done", Detail: map[string]any{"keyId": "k1"}}
		if err := tx.AddAudit(e); err != nil {
			return err
		}
		return tx.run("UPDATE" + update)
	})
	mustRead(t, s, func(tx *Tx) error {
		list, err := tx.LiveKeysBy(teamA, "u", t0)
		if len(list) != 1 || list[0].ID != "k1" || list[0].CreatorID != "u" {
			t.Errorf("%+v", list)
		}
		return err
	})
}
