package app_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"agentry/internal/app"
	"agentry/internal/fleet"
)

const password = "Canary-Pa55-word"

func TestSetup(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id := b.create("linkedin")
	zone, most := "Europe/Paris", 40
	b.effectsOf(func() {
		b.ok(second(b.Setup(t.Context(), b.operator, id, app.SetupInput{
			Login: " me@example.com ", Password: password, Country: "fr",
			Hours: &fleet.HoursChange{Timezone: &zone}, Limits: &fleet.LimitsChange{MessagesMax: &most},
		})))
	}).want(t, "setup", effects{Audit: []string{"setup done user operate"}, Events: []string{"agent.status_changed"}, Wakes: 1})
	got := b.get(id)
	if got.Status != fleet.AuthInProgress || got.Login != "me@example.com" || got.Country != "FR" || got.Hours.Timezone != zone || got.Limits.MessagesMax != 40 ||
		!got.IsSetUp || !got.Runtime.Wanted || got.Runtime.State != fleet.ObservedStarting || !got.Runtime.EnableAutonomy {
		t.Errorf("%+v", got)
	}
	if b.holds(password) {
		t.Error("the password is readable in the file")
	}
	spec := b.begin(id, true)
	b.effectsOf(func() {
		open := must[map[string]string](t)(b.RunCredentials(t.Context(), spec.Run))
		if diff := cmp.Diff(map[string]string{"login": "me@example.com", "password": password}, open); diff != "" {
			t.Error(diff)
		}
	}).want(t, "credentials", effects{Audit: []string{"credentials.read done " + string(id)}})
	// A sealed value that is moved to another agent opens nowhere.
	other := b.in(fleet.AuthInProgress, "linkedin")
	if sealed := b.column(`SELECT hex(sealed) FROM credentials WHERE agent_id IN (?, ?)`, id, other); len(sealed) != 4 || sealed[0] == sealed[2] {
		t.Errorf("%q", sealed)
	}
}

func TestSetupRefusals(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	good := app.SetupInput{Login: "me", Password: password, Country: "FR"}
	with := func(edit func(in *app.SetupInput)) app.SetupInput { in := good; edit(&in); return in }
	id := b.create("linkedin")
	for what, c := range map[string]struct {
		id    fleet.AgentID
		in    app.SetupInput
		code  fleet.Code
		words string
	}{
		"no login":     {id, with(func(in *app.SetupInput) { in.Login = "  " }), fleet.CodeValidation, "login: must not be empty"},
		"no password":  {id, with(func(in *app.SetupInput) { in.Password = "" }), fleet.CodeValidation, "password: must not be empty"},
		"no country":   {id, with(func(in *app.SetupInput) { in.Country = "" }), fleet.CodeValidation, "country: must not be empty"},
		"bad country":  {id, with(func(in *app.SetupInput) { in.Country = "XYZ" }), fleet.CodeValidation, ""},
		"control char": {id, with(func(in *app.SetupInput) { in.Login = "a\x00b" }), fleet.CodeValidation, ""},
		"bad hours":    {id, with(func(in *app.SetupInput) { z := "Mars"; in.Hours = &fleet.HoursChange{Timezone: &z} }), fleet.CodeValidation, ""},
		"no setup":     {b.create("rehearsal"), good, fleet.CodeValidation, "kind: rehearsal needs no setup; start the agent instead"},
		"paused":       {b.in(fleet.Paused, "rehearsal"), good, fleet.CodeInvalidStatus, "Agent can only be set up when status is setup_needed or auth_needed"},
		"stale":        {id, with(func(in *app.SetupInput) { in.IfVersion = 9 }), fleet.CodeVersion, ""},
	} {
		_, err := b.Setup(t.Context(), b.operator, c.id, c.in)
		wantErr(t, what, err, c.code, c.words)
	}
	if got := b.get(id); got.Status != fleet.SetupNeeded || got.Version != 1 || b.number(`SELECT COUNT(*) FROM credentials`) != 0 {
		t.Errorf("a refused setup left %+v", got)
	}
	_, err := b.Start(t.Context(), b.operator, id, app.StartInput{})
	wantErr(t, "start before setup", err, fleet.CodeInvalidStatus, "Agent cannot be started when status is setup_needed")
}

// What a kind does not ask for is not stored, unchecked, beside it.
func TestSetupStoresOnlyWhatIsAsked(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id := b.create("token")
	b.ok(second(b.Setup(t.Context(), b.operator, id, app.SetupInput{Login: "x\x00" + strings.Repeat("y", 5000), Password: password})))
	if got := b.get(id); got.Login != "" {
		t.Errorf("login %.20q", got.Login)
	}
	if fields := b.column(`SELECT field FROM credentials`); len(fields) != 1 || fields[0] != "password" {
		t.Errorf("%q", fields)
	}
}

func TestSignInChallengeAndCode(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id := b.in(fleet.AuthInProgress, "linkedin")
	spec := b.begin(id, true)
	b.effectsOf(func() {
		b.tell(spec.Run, app.RunEvent{ID: "1", Type: "challenge", Body: map[string]any{"subType": "2fa_required", "message": "SMS sent"}})
	}).want(t, "challenge", effects{Audit: []string{"challenged done " + string(id)}, Events: []string{"agent.status_changed", "alert.changed"}, Wakes: 1})
	got := b.get(id)
	if got.Status != fleet.AuthNeeded || !got.Runtime.Wanted || len(got.Alerts) != 1 || got.Alerts[0].SubType != "2fa_required" || got.Alerts[0].Message != "SMS sent" ||
		got.Why != "Waiting for a 2FA code since 10:00 UTC" {
		t.Errorf("%+v", got)
	}
	const code = "code-918273-canary"
	b.effectsOf(func() {
		b.ok(second(b.Verify(t.Context(), b.operator, id, app.VerifyInput{Code: "old"})))
	}).want(t, "verify", effects{Audit: []string{"verify done user operate"}, Events: []string{"agent.status_changed"}, Wakes: 1})
	b.tell(spec.Run, app.RunEvent{ID: "2", Type: "challenge"})
	b.ok(second(b.Verify(t.Context(), b.operator, id, app.VerifyInput{Code: " " + code + " "})))
	if b.holds(code) {
		t.Error("the code is readable in the file")
	}
	for range 2 { // until it is acknowledged
		list := must[[]fleet.Command](t)(b.RunInbox(t.Context(), spec.Run, 0))
		if len(list) != 1 || list[0].Type != fleet.CommandVerifyCode || list[0].Body["code"] != code {
			t.Fatalf("%+v", list)
		}
	}
	list := must[[]fleet.Command](t)(b.RunInbox(t.Context(), spec.Run, 0))
	b.tell(spec.Run, app.RunEvent{ID: "3", Type: "ack", Body: map[string]any{"commandId": list[0].ID}}, app.RunEvent{ID: "4", Type: "signed_in"})
	got = b.get(id)
	if got.Status != fleet.Running || len(got.Alerts) != 0 || got.OpenAlerts != 0 {
		t.Errorf("%+v", got)
	}
	if list := must[[]fleet.Command](t)(b.RunInbox(t.Context(), spec.Run, 0)); len(list) != 0 {
		t.Errorf("%+v", list)
	}
	_, err := b.Verify(t.Context(), b.operator, id, app.VerifyInput{Code: "1"})
	wantErr(t, "verify when running", err, fleet.CodeInvalidStatus, "Agent can only take a code when status is auth_needed")
	_, err = b.Verify(t.Context(), b.operator, id, app.VerifyInput{Code: " "})
	wantErr(t, "no code", err, fleet.CodeValidation, "")
}

func TestSignInRejectedAndTimedOut(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id := b.in(fleet.AuthInProgress, "linkedin")
	spec := b.begin(id, true)
	b.tell(spec.Run, app.RunEvent{ID: "1", Type: "rejected", Body: map[string]any{"message": "wrong password"}})
	got := b.get(id)
	if got.Status != fleet.AuthNeeded || got.Runtime.Wanted || got.Alerts[0].SubType != "rejected" || got.Alerts[0].Severity != fleet.SeverityError || got.Alerts[0].Message != "wrong password" {
		t.Errorf("%+v", got)
	}
	b.ok(b.RunExited(t.Context(), spec.Run, app.RunExit{Expected: true}))
	// A second set-up resolves the alert and begins a new run.
	b.ok(second(b.Setup(t.Context(), b.operator, id, app.SetupInput{Login: "me", Password: password, Country: "FR"})))
	if got := b.get(id); got.Status != fleet.AuthInProgress || len(got.Alerts) != 0 {
		t.Errorf("%+v", got)
	}
	spec = b.begin(id, true)
	b.clock.step(10*time.Minute - time.Microsecond)
	b.ok(second(b.RunForToken(t.Context(), spec.Token)))
	b.ok(b.Tick(t.Context()))
	if got := b.get(id); got.Status != fleet.AuthInProgress {
		t.Errorf("timed out before 10 minutes: %s", got.Status)
	}
	b.clock.step(2 * time.Microsecond)
	b.effectsOf(func() { b.ok(b.Tick(t.Context())) }).want(t, "time-out",
		effects{Audit: []string{"auth_timeout done clock"}, Events: []string{"agent.status_changed", "alert.changed"}, Wakes: 1})
	got = b.get(id)
	if got.Status != fleet.AuthNeeded || got.Runtime.Wanted || got.Alerts[0].SubType != "timeout" || got.Why != "Sign-in was not answered in time; set it up again" {
		t.Errorf("%+v", got)
	}
	b.effectsOf(func() { b.ok(b.Tick(t.Context())) }).want(t, "the next second", effects{})
	// A code begins a new run, since the old one was stopped.
	b.ok(second(b.Verify(t.Context(), b.operator, id, app.VerifyInput{Code: "123456"})))
	b.ok(b.RunExited(t.Context(), spec.Run, app.RunExit{Expected: true}))
	if next := b.begin(id, true); next.Run.Epoch != spec.Run.Epoch+1 {
		t.Errorf("epoch %d", next.Run.Epoch)
	}
	b.countsAreRight()
}

// A sign-in whose program cannot be started or keeps dying is back at sign-in
// needed, with an alert.
func TestSignInWithoutAProgram(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id := b.in(fleet.AuthInProgress, "linkedin")
	spec, _, _, err := b.BeginRun(t.Context(), id)
	b.ok(err)
	b.ok(b.RunNotSpawned(t.Context(), spec.Run, errors.New("no such file")))
	if got := b.get(id); got.Status != fleet.AuthNeeded || got.Runtime.Wanted || got.Alerts[0].SubType != "start_failed" {
		t.Errorf("%+v", got)
	}
	id = b.in(fleet.AuthInProgress, "linkedin")
	for range 3 {
		spec := b.begin(id, false)
		b.ok(b.RunExited(t.Context(), spec.Run, app.RunExit{Text: "exit 2", Output: []string{"boom"}}))
		b.clock.step(10 * time.Second)
	}
	if got := b.get(id); got.Status != fleet.AuthNeeded || got.Runtime.Wanted || got.Alerts[0].SubType != fleet.EndCrashLoop {
		t.Errorf("%+v", got)
	}
	b.countsAreRight()
}
