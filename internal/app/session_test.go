package app_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/internal/live"
	"agentry/internal/secret"
	"agentry/internal/store"
)

// emptyBench has no team yet.
func emptyBench(t *testing.T) (*app.App, *clock) {
	t.Helper()
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "a.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	sealer, err := secret.NewSealer(make([]byte, secret.KeyBytes))
	if err != nil {
		t.Fatal(err)
	}
	c := &clock{now: t0}
	return app.New(app.Config{Store: s, Hub: live.New(), Sealer: sealer, Kinds: testKinds(), DefaultKind: "rehearsal", Now: c.Now}), c
}

func TestFirstRun(t *testing.T) {
	t.Parallel()
	a, clock := emptyBench(t)
	in := app.FirstRunInput{TeamName: "Ours", Name: "Ann", Email: "Ann@Example.com ", Password: "correct horse"}
	if yes := must[bool](t)(a.NeedsFirstRun(t.Context())); !yes {
		t.Error("no first run needed")
	}
	old := must[string](t)(a.FirstRunToken(t.Context()))
	token := must[string](t)(a.FirstRunToken(t.Context()))
	for what, c := range map[string]string{"former": old, "wrong": "x", "empty": ""} {
		wantErr(t, what, a.CheckFirstRun(t.Context(), c), fleet.CodeNotFound, "")
		_, err := a.FirstRun(t.Context(), c, in)
		wantErr(t, what, err, fleet.CodeNotFound, "This link was used already or is too old; restart the server for a new one")
	}
	clock.step(24 * time.Hour)
	wantErr(t, "old", a.CheckFirstRun(t.Context(), token), fleet.CodeNotFound, "")
	token = must[string](t)(a.FirstRunToken(t.Context()))
	for what, bad := range map[string]app.FirstRunInput{
		"team": {Email: in.Email, Password: in.Password}, "email": {TeamName: "x", Email: "ann", Password: in.Password}, "password": {TeamName: "x", Email: in.Email, Password: "short"},
	} {
		_, err := a.FirstRun(t.Context(), token, bad)
		wantErr(t, what, err, fleet.CodeValidation, "")
	}
	m := must[fleet.Member](t)(a.FirstRun(t.Context(), token, in))
	if m.Role != fleet.RoleOwner || m.User.Email != "ann@example.com" || m.TeamName != "Ours" {
		t.Errorf("%+v", m)
	}
	_, err := a.FirstRun(t.Context(), token, in)
	wantErr(t, "used", err, fleet.CodeNotFound, "")
	if yes := must[bool](t)(a.NeedsFirstRun(t.Context())); yes {
		t.Error("a first run is still needed")
	}
	_, _, _, err = a.InitTeam(t.Context(), in)
	wantErr(t, "init with a team", err, fleet.CodeConflict, "")
	// A link that was printed before the team came is void.
	late := must[string](t)(a.FirstRunToken(t.Context()))
	wantErr(t, "a link beside a team", a.CheckFirstRun(t.Context(), late), fleet.CodeNotFound, "")
}

func TestInitTeam(t *testing.T) {
	t.Parallel()
	a, _ := emptyBench(t)
	team, user, key, err := a.InitTeam(t.Context(), app.FirstRunInput{TeamName: "Ours", Name: "Ann", Email: "ann@example.com", Password: "correct horse"})
	if err != nil {
		t.Fatal(err)
	}
	by, _, _, err := a.ActorForKey(t.Context(), key)
	if err != nil || by.TeamID != team || by.Scope != fleet.ScopeAdmin {
		t.Errorf("%+v, %v", by, err)
	}
	if places := must[[]fleet.Member](t)(a.Memberships(t.Context(), fleet.Actor{Kind: fleet.ActorMember, ID: string(user)})); len(places) != 1 || places[0].Role != fleet.RoleOwner {
		t.Errorf("%+v", places)
	}
}

func TestSessions(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	user := must[fleet.UserID](t)(b.AddMember(t.Context(), b.team, app.MemberInput{Email: "ann@example.com", Password: "correct horse", Role: fleet.RoleOperator}))
	_, err := b.AddMember(t.Context(), b.team, app.MemberInput{Email: "ANN@example.com", Role: fleet.RoleAdmin})
	wantErr(t, "twice a member", err, fleet.CodeValidation, "email: is a member already")
	again := must[fleet.UserID](t)(b.AddMember(t.Context(), b.stranger.TeamID, app.MemberInput{Email: "ANN@example.com", Role: fleet.RoleViewer}))
	if again != user {
		t.Error("the person is two")
	}
	u, places, err := b.SignIn(t.Context(), " Ann@Example.com", "correct horse")
	if err != nil || u.ID != user || len(places) != 2 {
		t.Fatalf("%+v %+v %v", u, places, err)
	}
	token := b.session(user, b.team, time.Hour)
	if b.holds(token) {
		t.Error("the token is readable in the file")
	}
	by, m, s, err := b.ActorForSession(t.Context(), token)
	if err != nil || by.Scope != fleet.ScopeOperate || by.TeamID != b.team || by.ID != string(user) || by.Name != "ann" || m.TeamName != "Ours" || s.UserAgent != "test" {
		t.Errorf("%+v %+v %+v %v", by, m, s, err)
	}
	if list := must[[]fleet.Session](t)(b.Sessions(t.Context(), by)); len(list) != 1 || list[0].ID != s.ID {
		t.Errorf("%+v", list)
	}
	wantErr(t, "another's session", b.RevokeSession(t.Context(), fleet.Actor{Kind: fleet.ActorMember, ID: "somebody", TeamID: b.team, Scope: fleet.ScopeAdmin}, s.ID), fleet.CodeNotFound, "")
	wantErr(t, "a key", b.RevokeSession(t.Context(), fleet.Actor{Kind: fleet.ActorKey, ID: string(user), TeamID: b.team, Scope: fleet.ScopeAdmin}, s.ID), fleet.CodeForbidden, "")
	b.ok(b.RevokeSession(t.Context(), by, s.ID))
	_, _, _, err = b.ActorForSession(t.Context(), token)
	wantErr(t, "revoked", err, fleet.CodeUnauthorized, "")
	token = b.session(user, b.team, time.Hour)
	b.clock.step(time.Hour)
	_, _, _, err = b.ActorForSession(t.Context(), token)
	wantErr(t, "expired", err, fleet.CodeUnauthorized, "")
	b.ok(b.Tick(t.Context()))
	if n := b.number(`SELECT COUNT(*) FROM sessions`); n != 0 {
		t.Errorf("%d sessions are kept", n)
	}
	token = b.session(user, b.team, time.Hour)
	b.ok(b.DropSession(t.Context(), token))
	_, _, _, err = b.ActorForSession(t.Context(), token)
	wantErr(t, "dropped", err, fleet.CodeUnauthorized, "")
}

// What was changed or taken away while a password was being checked counts when
// the session is made.
func TestASessionNeedsItsGroundStill(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	user := must[fleet.UserID](t)(b.AddMember(t.Context(), b.team, app.MemberInput{Email: "ann@example.com", Password: longEnough, Role: fleet.RoleOperator}))
	b.join(b.stranger.TeamID, user, fleet.RoleViewer)
	save := func(former string, team fleet.TeamID, proof string) error {
		return second(b.SaveSession(t.Context(), former, fleet.Session{UserID: user, TeamID: team, Proof: proof}, time.Hour))
	}
	proved := func(password string) fleet.Member {
		_, places, err := b.SignIn(t.Context(), "ann@example.com", password)
		b.ok(err)
		return places[0]
	}
	const wrong, again = "E-mail or password is wrong", "Please sign in"
	m := proved(longEnough)
	by, former := b.signedIn(user, b.team)
	u, err := b.ChangePassword(t.Context(), by, longEnough, "another long one")
	b.ok(err)
	wantErr(t, "the password was changed meanwhile", save("", m.TeamID, m.User.PasswordHash), fleet.CodeUnauthorized, wrong)
	if n := b.number(`SELECT COUNT(*) FROM audit WHERE action = 'session.sign_in' AND outcome = 'unauthorized' AND team_id = ?`, m.TeamID); n != 1 {
		t.Errorf("%d refusals in the audit", n)
	}
	wantErr(t, "the session ended meanwhile", save(former, b.stranger.TeamID, ""), fleet.CodeUnauthorized, again)
	wantErr(t, "no ground", save("", b.team, ""), fleet.CodeUnauthorized, again)
	b.ok(save(former, b.team, u.PasswordHash))

	_, former = b.signedIn(user, b.team)
	_, foreign := b.as("bo", fleet.RoleOwner)
	wantErr(t, "another's session", save(foreign, b.team, ""), fleet.CodeUnauthorized, again)
	b.ok(save(former, b.stranger.TeamID, ""))
	_, _, _, err = b.ActorForSession(t.Context(), former)
	wantErr(t, "the former one", err, fleet.CodeUnauthorized, again)

	m = proved("another long one")
	_, former = b.signedIn(user, b.stranger.TeamID)
	owner, _ := b.as("owner", fleet.RoleOwner)
	b.ok(b.RemoveMember(t.Context(), owner, user))
	wantErr(t, "removed meanwhile", save("", b.team, m.User.PasswordHash), fleet.CodeUnauthorized, wrong)
	wantErr(t, "removed from where it switches to", save(former, b.team, ""), fleet.CodeUnauthorized, again)
	wantErr(t, "nobody", second(b.SaveSession(t.Context(), "", fleet.Session{}, time.Hour)), fleet.CodeUnauthorized, again)
}

// However they come, at once or one by one, only so many guesses on an address
// reach the hash; then the right password waits too.
func TestGuesses(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.ok(second(b.AddMember(t.Context(), b.team, app.MemberInput{Email: "ann@example.com", Password: "correct horse", Role: fleet.RoleOwner})))
	_, _, err := b.SignIn(t.Context(), "ann@example.com", "wrong")
	wantErr(t, "wrong", err, fleet.CodeUnauthorized, "E-mail or password is wrong")
	_, _, err = b.SignIn(t.Context(), "nobody@example.com", "wrong")
	wantErr(t, "unknown", err, fleet.CodeUnauthorized, "E-mail or password is wrong")
	_, _, err = b.SignIn(t.Context(), "not an address", "wrong")
	wantErr(t, "no address", err, fleet.CodeUnauthorized, "E-mail or password is wrong")
	_, _, err = b.SignIn(t.Context(), "ann@example.com", "correct horse")
	b.ok(err)
	var checked, refused atomic.Int64
	var all sync.WaitGroup
	for range 40 {
		all.Go(func() {
			_, _, err := b.SignIn(context.Background(), "ann@example.com", "wrong")
			switch fleet.CodeOf(err) {
			case fleet.CodeUnauthorized:
				checked.Add(1)
			case fleet.CodeRateLimited:
				refused.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	all.Wait()
	if checked.Load() != 20 || refused.Load() != 20 {
		t.Errorf("%d guesses reached the hash, %d were refused", checked.Load(), refused.Load())
	}
	_, _, err = b.SignIn(t.Context(), "ann@example.com", "correct horse")
	wantErr(t, "the right one", err, fleet.CodeRateLimited, "Too many wrong passwords for this address; try again in 15 minutes")
	b.clock.step(15*time.Minute + time.Second)
	_, _, err = b.SignIn(t.Context(), "ann@example.com", "correct horse")
	b.ok(err)
}

// Roles as they are now count, not as they were at sign-in.
func TestRoles(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	for i, role := range []fleet.Role{fleet.RoleViewer, fleet.RoleOperator, fleet.RoleAdmin, fleet.RoleOwner} {
		user := must[fleet.UserID](t)(b.AddMember(t.Context(), b.team, app.MemberInput{Email: fmt.Sprintf("u%d@example.com", i), Password: "correct horse", Role: role}))
		token := b.session(user, b.team, time.Hour)
		by, _, _, err := b.ActorForSession(t.Context(), token)
		if err != nil || by.Scope != role.Scope() {
			t.Errorf("%s: %+v, %v", role, by, err)
		}
	}
	_, err := b.AddMember(t.Context(), b.team, app.MemberInput{Email: "x@example.com", Password: "correct horse", Role: "king"})
	wantErr(t, "role", err, fleet.CodeValidation, "")
	_, err = b.AddMember(t.Context(), "no team", app.MemberInput{Email: "x@example.com", Password: "correct horse", Role: fleet.RoleViewer})
	wantErr(t, "team", err, fleet.CodeNotFound, "Team not found")
}

// Who signs in and out is in the audit, and so is who was refused.
func TestSignInIsAudited(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	_, err := b.AddMember(t.Context(), b.team, app.MemberInput{Email: "ann@example.org", Password: "a long password", Role: fleet.RoleViewer})
	b.ok(err)
	_, _, err = b.SignIn(t.Context(), "ann@example.org", "wrong password")
	wantErr(t, "wrong", err, fleet.CodeUnauthorized, "E-mail or password is wrong")
	u, _, err := b.SignIn(t.Context(), "ann@example.org", "a long password")
	b.ok(err)
	b.ok(b.DropSession(t.Context(), b.session(u.ID, b.team, time.Hour)))
	rows, err := b.raw.Query(`SELECT action, outcome FROM audit WHERE action LIKE 'session.%' AND actor_id = $1 AND team_id = $2 ORDER BY id`, u.ID, b.team)
	b.ok(err)
	defer rows.Close()
	var got []string
	for rows.Next() {
		var action, outcome string
		b.ok(rows.Scan(&action, &outcome))
		got = append(got, action+" "+outcome)
	}
	want := []string{"session.sign_in unauthorized", "session.sign_in done", "session.sign_out done"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
