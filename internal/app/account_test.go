package app_test

import (
	"testing"

	"agentry/internal/app"
	"agentry/internal/fleet"
)

// A changed password ends all sessions, in every team; a wrong one changes
// nothing and is counted.
func TestChangePassword(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id := must[fleet.UserID](t)(b.AddMember(t.Context(), b.team, app.MemberInput{Email: "jo@example.com", Password: longEnough, Role: fleet.RoleViewer}))
	b.join(b.stranger.TeamID, id, fleet.RoleViewer)
	jo, here := b.signedIn(id, b.team)
	_, there := b.signedIn(id, b.stranger.TeamID)
	_, err := b.ChangePassword(t.Context(), jo, "wrong password", "another long one")
	wantErr(t, "wrong", err, fleet.CodeValidation, "current: is not your password")
	wantErr(t, "short", second(b.ChangePassword(t.Context(), jo, longEnough, "short")), fleet.CodeValidation, "")
	wantErr(t, "a key", second(b.ChangePassword(t.Context(), b.adminKey(), longEnough, "another long one")), fleet.CodeForbidden, "")
	b.ok(second(b.ChangePassword(t.Context(), jo, longEnough, "another long one")))
	for _, token := range []string{here, there} {
		_, _, _, err := b.ActorForSession(t.Context(), token)
		wantErr(t, "a former session", err, fleet.CodeUnauthorized, "")
	}
	_, _, err = b.SignIn(t.Context(), "jo@example.com", longEnough)
	wantErr(t, "the former password", err, fleet.CodeUnauthorized, "")
	_, _, err = b.SignIn(t.Context(), "jo@example.com", "another long one")
	b.ok(err)
	for _, team := range []fleet.TeamID{b.team, b.stranger.TeamID} {
		for outcome, want := range map[string]int64{"done": 1, "unauthorized": 1} {
			if n := b.number(`SELECT COUNT(*) FROM audit WHERE team_id = ? AND action = 'password.change' AND outcome = ?`, team, outcome); int64(n) != want {
				t.Errorf("%d %s in the audit", n, outcome)
			}
		}
		if n := b.number(`SELECT COUNT(*) FROM events WHERE team_id = ? AND type = 'session.changed'`, team); n == 0 {
			t.Error("streams are not told")
		}
	}
	for range 25 {
		_, err = b.ChangePassword(t.Context(), jo, "wrong password", "another long one")
	}
	wantErr(t, "many guesses", err, fleet.CodeRateLimited, "")
}

func TestSetForgottenPassword(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id := must[fleet.UserID](t)(b.AddMember(t.Context(), b.team, app.MemberInput{Email: "jo@example.com", Password: longEnough, Role: fleet.RoleViewer}))
	_, token := b.signedIn(id, b.team)
	b.ok(second(b.SetPassword(t.Context(), "JO@example.com", "another long one")))
	_, _, _, err := b.ActorForSession(t.Context(), token)
	wantErr(t, "the former session", err, fleet.CodeUnauthorized, "")
	_, _, err = b.SignIn(t.Context(), "jo@example.com", "another long one")
	b.ok(err)
	if got := b.column(`SELECT actor_kind || ' ' || actor_name FROM audit WHERE action = 'password.set'`); len(got) != 1 || got[0] != "system admin command" {
		t.Errorf("the audit says %q", got)
	}
	wantErr(t, "nobody", second(b.SetPassword(t.Context(), "x@example.com", "another long one")), fleet.CodeNotFound, "Nobody has this e-mail address")
}

func TestOtherSessionsAndName(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	jo, here := b.as("jo", fleet.RoleViewer)
	id := fleet.UserID(jo.ID)
	b.join(b.stranger.TeamID, id, fleet.RoleViewer)
	_, there := b.signedIn(id, b.stranger.TeamID)
	_, again := b.signedIn(id, b.team)
	_, foreign := b.as("other", fleet.RoleViewer)
	list := must[[]fleet.Session](t)(b.Sessions(t.Context(), jo))
	if len(list) != 3 || list[1].TeamName != "Theirs" {
		t.Fatalf("%+v", list)
	}
	// One that is revoked in another team ends the streams there.
	sub := b.Subscribe(b.stranger)
	defer sub.Close()
	b.ok(b.RevokeSession(t.Context(), jo, list[1].ID))
	if e := <-sub.Events(); e.Type != fleet.EventSessionChanged {
		t.Errorf("heard %+v", e)
	}
	_, _, _, err := b.ActorForSession(t.Context(), there)
	wantErr(t, "revoked", err, fleet.CodeUnauthorized, "")
	if n, err := b.RevokeOtherSessions(t.Context(), jo, list[2].ID); n != 1 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	_, _, _, err = b.ActorForSession(t.Context(), again)
	wantErr(t, "the other one", err, fleet.CodeUnauthorized, "")
	for _, token := range []string{here, foreign} {
		_, _, _, err = b.ActorForSession(t.Context(), token)
		b.ok(err)
	}
	b.ok(b.Rename(t.Context(), jo, "Jo 🧪"))
	wantErr(t, "no name", b.Rename(t.Context(), jo, ""), fleet.CodeValidation, "")
	if by, _, _, err := b.ActorForSession(t.Context(), here); by.Name != "Jo 🧪" || err != nil {
		t.Errorf("%+v, %v", by, err)
	}
}
