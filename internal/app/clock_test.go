package app_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/internal/secret"
	"agentry/internal/store"
)

const day = 24 * time.Hour

// ticks lets seconds pass with a tick each.
func (b *bench) ticks(seconds int) {
	b.t.Helper()
	for range seconds {
		b.clock.step(time.Second)
		b.ok(b.Tick(b.t.Context()))
	}
}

// jumps are what may happen to a wall clock, each of them from t0.
func jumps() []time.Duration {
	return []time.Duration{day, -day, 90 * day, -90 * day, 2 * time.Minute, -2 * time.Minute}
}

// A clock that is set makes no run lost; a run that then stays silent is lost a
// minute after, in the time that passed, and one that speaks is not.
func TestAJumpLosesNoRun(t *testing.T) {
	t.Parallel()
	for _, jump := range jumps() {
		t.Run(jump.String(), func(t *testing.T) {
			t.Parallel()
			b := newBench(t, nil)
			silent, _ := b.running("rehearsal")
			loud, spec := b.running("rehearsal")
			b.ticks(30)
			b.ok(second(b.RunForToken(t.Context(), spec.Token)))
			b.clock.jump(jump)
			for range 58 {
				b.ticks(1)
				b.ok(second(b.RunForToken(t.Context(), spec.Token)))
			}
			if got := b.get(silent); got.Runtime.State != fleet.ObservedUp || got.OpenAlerts != 0 {
				t.Errorf("58 s after the jump the silent one is %s", got.Runtime.State)
			}
			for range 5 {
				b.ticks(1)
				b.ok(second(b.RunForToken(t.Context(), spec.Token)))
			}
			if got := b.get(silent); got.Runtime.State != fleet.ObservedLost || got.OpenAlerts != 1 {
				t.Errorf("63 s after the jump the silent one is %s", got.Runtime.State)
			}
			got := b.get(loud)
			if ago := b.Now().Sub(got.Runtime.LastHeardAt); got.Runtime.State != fleet.ObservedUp || ago < 0 || ago > 5*time.Second {
				t.Errorf("the loud one is %s, heard %s ago", got.Runtime.State, ago)
			}
			if n := b.number(`SELECT COUNT(*) FROM alerts WHERE agent_id = ?`, loud); n != 0 {
				t.Errorf("the loud one was lost for a while")
			}
		})
	}
}

// Nobody waits longer for a restart than the kind's longest back-off, and a
// program that does not speak is ended in the time that passed.
func TestAJumpHoldsNoRestart(t *testing.T) {
	t.Parallel()
	for _, jump := range jumps() {
		b := newBench(t, nil)
		id, spec := b.running("rehearsal")
		b.ok(b.RunExited(t.Context(), spec.Run, app.RunExit{Text: "exit 1"}))
		b.ok(b.Tick(t.Context()))
		b.clock.jump(jump)
		b.ok(b.Tick(t.Context()))
		_, wanted, wait, err := b.BeginRun(t.Context(), id)
		if err != nil || !wanted || wait > 8*time.Second {
			t.Errorf("%s: wait %s, %v, %v", jump, wait, wanted, err)
		}
		if got := b.get(id); got.Runtime.Epoch != 2 {
			t.Errorf("%s: epoch %d", jump, got.Runtime.Epoch)
		}
		// Exits before the jump: none is forgotten for ever, none counts twice.
		b.clock.step(time.Second)
		b.ok(b.RunExited(t.Context(), fleet.Run{TeamID: b.team, AgentID: id, Epoch: 2}, app.RunExit{Text: "exit 1"}))
		if got := b.get(id); got.Status != fleet.Running || got.Runtime.Failures > 2 {
			t.Errorf("%s: %s, %d failures", jump, got.Status, got.Runtime.Failures)
		}
	}
}

func TestAJumpTimesNoSignInOut(t *testing.T) {
	t.Parallel()
	for _, jump := range jumps() {
		b := newBench(t, nil)
		id := b.in(fleet.AuthInProgress, "linkedin")
		spec := b.begin(id, true)
		b.ticks(2)
		b.clock.jump(jump)
		b.ticks(2)
		b.clock.step(9*time.Minute + 50*time.Second)
		b.ok(second(b.RunForToken(t.Context(), spec.Token)))
		b.ticks(1)
		if got := b.get(id); got.Status != fleet.AuthInProgress {
			t.Errorf("%s: %s too early", jump, got.Status)
		}
		b.clock.step(20 * time.Second)
		if jump == -2*time.Minute {
			b.clock.step(2 * time.Minute)
		}
		b.ticks(1)
		if got := b.get(id); got.Status != fleet.AuthNeeded {
			t.Errorf("%s: %s ten minutes after the jump", jump, got.Status)
		}
	}
}

// What was seen expired is not alive again when the clock goes back, whether a
// caller saw it or the tick.
func TestWhatExpiredStaysDead(t *testing.T) {
	t.Parallel()
	for _, byTick := range []bool{false, true} {
		b := newBench(t, nil)
		user := must[fleet.UserID](t)(b.AddMember(t.Context(), b.team, app.MemberInput{Email: "ann@example.com", Name: "Ann", Password: "correct horse battery", Role: fleet.RoleOwner}))
		token := b.session(user, b.team, time.Hour)
		long := b.session(user, b.team, 48*time.Hour)
		_, key, err := b.AddKey(t.Context(), b.team, app.KeyInput{Name: "k", Scope: fleet.ScopeRead, ExpiresAt: t0.Add(time.Hour)})
		b.ok(err)
		id, spec := b.running("rehearsal")
		b.tell(spec.Run, app.RunEvent{ID: "a", Type: "alert", Body: body{"message": "odd"}})
		al := b.get(id).Alerts[0]
		b.ok(second(b.SnoozeAlert(t.Context(), b.operator, al.ID, t0.Add(time.Hour))))
		session := func(token string) error { _, _, _, err := b.ActorForSession(t.Context(), token); return err }
		apiKey := func() error { _, _, _, err := b.ActorForKey(t.Context(), key); return err }
		b.ok(session(token))
		b.ok(apiKey())
		b.ok(b.Tick(t.Context()))
		b.clock.jump(day)
		if byTick {
			b.ok(b.Tick(t.Context()))
		} else {
			wantErr(t, "an expired session", session(token), fleet.CodeUnauthorized, "")
			wantErr(t, "an expired key", apiKey(), fleet.CodeUnauthorized, "")
			b.tell(spec.Run, app.RunEvent{ID: "b", Type: "alert", Body: body{"message": "odd"}})
		}
		b.clock.jump(-day)
		b.ok(b.Tick(t.Context()))
		wantErr(t, "an expired session, the clock back", session(token), fleet.CodeUnauthorized, "")
		wantErr(t, "an expired key, the clock back", apiKey(), fleet.CodeUnauthorized, "")
		b.ok(session(long))
		if got := b.get(id).Alerts; len(got) != 1 || got[0].State != fleet.AlertOpen {
			t.Errorf("the snooze is back: %+v", got)
		}
	}
}

// Repeats have no effect, whatever the clock did between.
func TestAJumpForgetsNoRepeat(t *testing.T) {
	t.Parallel()
	for _, jump := range jumps() {
		b := newBench(t, nil)
		_, spec := b.running("rehearsal")
		used := app.RunEvent{ID: "used", Type: "usage", Body: body{"kind": "messages", "count": 1.0}}
		b.tell(spec.Run, used)
		if done := must[*app.IdempotentAnswer](t)(b.BeginIdempotent(t.Context(), b.operator, "key", []byte("f"))); done != nil {
			t.Fatal("answered before it was asked")
		}
		b.ok(b.EndIdempotent(t.Context(), b.operator, "key", 200, "text/plain", []byte("first")))
		b.ok(b.Tick(t.Context()))
		b.clock.jump(jump)
		b.ticks(1)
		b.clock.step(23 * time.Hour)
		b.ticks(1)
		b.ok(second(b.RunForToken(t.Context(), spec.Token)))
		results := must[[]app.EventResult](t)(b.RunEvents(t.Context(), spec.Run, []app.RunEvent{used}))
		if !results[0].Duplicate {
			t.Errorf("%s: an event counts twice", jump)
		}
		done := must[*app.IdempotentAnswer](t)(b.BeginIdempotent(t.Context(), b.operator, "key", []byte("f")))
		if done == nil || string(done.Body) != "first" {
			t.Errorf("%s: a keyed call has its effect twice", jump)
		}
		if b.clock.step(70 * time.Minute); jump == -day {
			b.clock.step(day)
		}
		b.ticks(1)
		if n := b.number(`SELECT (SELECT COUNT(*) FROM idempotency) + (SELECT COUNT(*) FROM run_events)`); n != 0 {
			t.Errorf("%s: %d are never forgotten", jump, n)
		}
	}
}

// Lists that are newest first stay so, and pages have no gap.
func TestIDsDoNotGoBack(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id, _ := b.running("rehearsal")
	var want []string
	for i := range 9 {
		m := must[fleet.Message](t)(b.SendMessage(t.Context(), b.operator, id, app.MessageInput{Text: fmt.Sprint(i)}))
		want = append(want, m.ID)
		if i%3 == 2 {
			b.clock.jump(-day)
		}
		b.clock.step(time.Second)
	}
	slices.Reverse(want)
	var got []string
	for cursor := ""; ; {
		page, next, err := b.Messages(t.Context(), b.viewer, id, "", app.PageInput{Limit: 2, Cursor: cursor})
		b.ok(err)
		for _, m := range page {
			got = append(got, m.ID)
		}
		if cursor = next; next == "" {
			break
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	inbox := b.column(`SELECT json_extract(body, '$.text') FROM commands ORDER BY id`)
	if !slices.IsSorted(inbox) || len(inbox) != 9 {
		t.Errorf("the program is told %q", inbox)
	}
}

// The gate goes by the wall clock as it is now, over nights of daylight saving
// and jumps: of every hour of two weeks, tasks are handed out in the open ones
// alone.
func TestNoTaskOutsideHoursWhateverTheClock(t *testing.T) {
	t.Parallel()
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	for _, night := range []time.Time{time.Date(2026, 3, 29, 0, 0, 0, 0, paris), time.Date(2026, 10, 25, 0, 0, 0, 0, paris)} {
		b := newBench(t, nil)
		id, spec := b.running("rehearsal")
		days, start, stop, zone := "1:1:1:1:1:1:1", "01:30", "03:30", "Europe/Paris"
		b.ok(second(b.Update(t.Context(), b.operator, id, app.UpdateInput{Hours: &fleet.HoursChange{Days: &days, Start: &start, Stop: &stop, Timezone: &zone}})))
		for range 30 {
			b.ok(second(b.AddTask(t.Context(), b.operator, id, app.TaskInput{Type: "custom"})))
		}
		handed := 0
		for _, hours := range []int{-24, 1, 26, 2, 3, 4, -20, 25, 27, 26} {
			at := night.Add(time.Duration(hours)*time.Hour + 45*time.Minute)
			b.clock.jump(at.Sub(b.Now()))
			b.ok(b.Tick(t.Context()))
			tasks, why, _, err := b.ClaimTasks(t.Context(), spec.Run, 1)
			b.ok(err)
			clock := at.In(paris).Format("15:04")
			if open := clock >= start && clock < stop; (len(tasks) > 0) != open || !open && why == "" {
				t.Errorf("%s: %d tasks, %q", at.In(paris), len(tasks), why)
			}
			handed += len(tasks)
		}
		if handed == 0 || handed == 10 {
			t.Errorf("%d of 10 were handed out", handed)
		}
	}
}

// A pause ends by itself once, over a restart of the server and a clock that
// goes forth and back.
func TestAutomaticResumeWhateverTheClock(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id, spec := b.running("rehearsal")
	b.ok(second(b.Pause(t.Context(), b.operator, id, app.PauseInput{Note: "lunch", Until: t0.Add(time.Hour)})))
	b.ok(b.RunExited(t.Context(), spec.Run, app.RunExit{Expected: true}))
	b.ticks(2)
	b.clock.jump(-day)
	b.ticks(2)
	b.App = app.New(b.config) // the server starts anew
	b.SetRunner(b.runner)
	b.ticks(2)
	if got := b.get(id); got.Status != fleet.Paused || got.PauseNote != "lunch" || got.Why != "Paused by Ann operate: lunch; resumes Wed 14 Jan 11:00 UTC" {
		t.Errorf("%s %q", got.Status, got.Why)
	}
	b.clock.jump(day)
	b.clock.step(time.Hour)
	b.effectsOf(func() { b.ticks(3) }).want(t, "the end of the pause", effects{
		Audit: []string{"resume done clock"}, Events: []string{"agent.status_changed"}, Wakes: 1,
	})
	b.clock.jump(-day)
	b.effectsOf(func() { b.ticks(3) }).want(t, "the clock back again", effects{})
	if got := b.get(id); got.Status != fleet.Running || !got.ResumeAt.IsZero() {
		t.Errorf("%s, resumes %s", got.Status, got.ResumeAt)
	}
}

// Old things are forgotten once a minute, on whatever second a tick falls.
func TestForgetting(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.clock.step(17 * time.Second)
	b.ok(b.Tick(t.Context()))
	b.ok(b.store.Write(t.Context(), func(tx *store.Tx) error {
		return tx.AddEvent(fleet.Event{TeamID: b.team, Type: fleet.EventLog, At: t0.Add(-8 * day)})
	}))
	b.ok(b.store.Write(t.Context(), func(tx *store.Tx) error {
		return tx.AddEvent(fleet.Event{TeamID: b.team, Type: fleet.EventLog, At: b.Now()})
	}))
	old := func() int64 { return b.number(`SELECT COUNT(*) FROM events WHERE at < ?`, t0.Add(-7*day).UnixMicro()) }
	b.ticks(58)
	if old() != 1 {
		t.Error("forgotten within the minute")
	}
	b.ticks(2)
	if old() != 0 {
		t.Error("not forgotten after a minute")
	}
}

// Every token the app gives out is told from one that nobody did.
func TestTokensThatWereNeverIssued(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	_, spec := b.running("rehearsal")
	for _, never := range []string{"", "x", secret.NewToken(), spec.Token[1:], spec.Token + "A"} {
		wantErr(t, never, second(b.RunForToken(t.Context(), never)), fleet.CodeUnauthorized, "")
	}
	b.ok(second(b.Pause(t.Context(), b.operator, spec.Run.AgentID, app.PauseInput{})))
	wantErr(t, "a run that is over", second(b.RunForToken(t.Context(), spec.Token)), fleet.CodeRunOver, "")
}
