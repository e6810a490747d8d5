package app_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"agentry/internal/app"
	"agentry/internal/fleet"
)

// set changes an agent's settings, hours or limits.
func (b *bench) set(id fleet.AgentID, in app.UpdateInput) {
	b.t.Helper()
	b.ok(second(b.Update(b.t.Context(), b.operator, id, in)))
}

func limits(invitations, messages int) *fleet.LimitsChange {
	one := 1
	return &fleet.LimitsChange{InvitationsMin: &one, InvitationsMax: &invitations, MessagesMin: &one, MessagesMax: &messages}
}

func setting(key string) []fleet.Setting { return []fleet.Setting{{Key: key, Value: true}} }

// endTask ends the agent's claimed tasks with an event of a type, and tells
// nothing else.
func (b *bench) endTasks(run fleet.Run, typ string, fields body) {
	b.t.Helper()
	for _, id := range b.column(`SELECT id FROM tasks WHERE agent_id = ? AND state = 'claimed'`, run.AgentID) {
		all := body{"taskId": id}
		for k, v := range fields {
			all[k] = v
		}
		b.tell(run, app.RunEvent{ID: fmt.Sprint(typ, id[24:], b.Now().UnixMicro()), Type: typ, Body: all})
	}
}

// A program that never says what it did keeps to the maximum all the same.
func TestProgramThatReportsNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id := b.create("rehearsal")
	b.set(id, app.UpdateInput{Limits: limits(20, 4)})
	spec := b.start(id)
	b.add(id, "message", 30)
	given := 0
	for range 10 {
		got, _, _ := b.claim(spec.Run, 1)
		given += got["message"]
		b.endTasks(spec.Run, "task_done", nil)
		b.clock.step(time.Minute)
	}
	if _, why, again := b.claim(spec.Run, 1); given != 4 || why != "Daily limit reached: 4 of 4 messages" || !again.Equal(time.Date(2026, 1, 15, 9, 0, 0, 0, time.UTC)) {
		t.Errorf("%d were given, then %q %s", given, why, again)
	}
	if v := b.get(id); v.Why != "Daily limit reached: 4 of 4 messages" || v.Usage.MessagesDaily != 0 || !v.NextTask.Equal(v.Usage.NextMessage) {
		t.Errorf("%+v", v)
	}
	// An invitation is another counter.
	b.add(id, "invitation", 1)
	if v := b.get(id); v.Why != "" || v.NextType != fleet.TaskInvitation || !v.NextTask.Equal(b.Now()) {
		t.Errorf("%+v", v)
	}
	b.clock.step(24 * time.Hour)
	if got, _, _ := b.claim(spec.Run, 50); got["message"] != 4 || got["invitation"] != 1 {
		t.Errorf("the next day: %v", got)
	}
}

// Programs are told milliseconds: asking at the instant they were told must not
// be too early.
func TestAskAgainIsNotTooEarly(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id, spec := b.running("rehearsal")
	b.ok(second(b.AddTask(t.Context(), b.operator, id, app.TaskInput{Type: "message", DueAt: t0.Add(time.Hour + time.Microsecond)})))
	_, why, again := b.claim(spec.Run, 1)
	if want := t0.Add(time.Hour + time.Millisecond); why != "No task is due" || !again.Equal(want) {
		t.Errorf("%q until %s, want %s", why, again, want)
	}
	b.clock.step(again.Sub(b.Now()))
	if got, why, _ := b.claim(spec.Run, 1); got["message"] != 1 {
		t.Errorf("%v %q", got, why)
	}
}

// A task that is tried again, or was given to a program that died, counts once.
func TestRetriesCountOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id := b.create("rehearsal")
	b.set(id, app.UpdateInput{Limits: limits(20, 3)})
	spec := b.start(id)
	b.add(id, "message", 3)
	for i := range 8 {
		if got, why, _ := b.claim(spec.Run, 1); got["message"] != 1 {
			t.Fatalf("try %d: %v %q", i, got, why)
		}
		if i%2 == 0 {
			b.endTasks(spec.Run, "task_failed", body{"retry": true})
		} else {
			b.ok(b.RunExited(t.Context(), spec.Run, app.RunExit{Text: "exit 1"}))
			b.clock.step(15 * time.Minute)
			spec = b.begin(id, true)
		}
		b.clock.step(2 * time.Minute)
	}
	for i := range 3 {
		if got, why, _ := b.claim(spec.Run, 1); got["message"] != 1 {
			t.Fatalf("task %d: %v %q", i, got, why)
		}
		b.endTasks(spec.Run, "task_done", nil)
		b.tell(spec.Run, app.RunEvent{ID: fmt.Sprint("u", i), Type: "usage", Body: body{"kind": "messages", "count": 1.0}})
	}
	b.add(id, "message", 1)
	if got, why, _ := b.claim(spec.Run, 1); len(got) != 0 || why != "Daily limit reached: 3 of 3 messages" {
		t.Errorf("%v %q", got, why)
	}
}

// A program that was told to ask tomorrow hears of a task that is due sooner.
func TestNewTaskWakesTheProgram(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id, spec := b.running("rehearsal")
	told := func() (n int) {
		list := must[[]fleet.Command](t)(b.RunInbox(t.Context(), spec.Run, 0))
		for _, c := range list {
			if c.Type != fleet.CommandSettingsChanged {
				t.Errorf("%+v", c)
			}
			b.tell(spec.Run, app.RunEvent{ID: "ack" + c.ID[24:], Type: "ack", Body: body{"commandId": c.ID}})
		}
		return len(list)
	}
	add := func(in time.Duration) {
		b.ok(second(b.AddTask(t.Context(), b.operator, id, app.TaskInput{Type: "message", DueAt: b.Now().Add(in)})))
		b.clock.step(time.Microsecond)
	}
	for _, c := range []struct {
		in   time.Duration
		want int
	}{{48 * time.Hour, 1}, {72 * time.Hour, 0}, {time.Hour, 1}, {2 * time.Hour, 0}, {0, 1}} {
		if add(c.in); told() != c.want {
			t.Errorf("a task due in %s: want %d commands", c.in, c.want)
		}
	}
	b.ok(second(b.Pause(t.Context(), b.operator, id, app.PauseInput{})))
	add(0)
	if n := b.number(`SELECT COUNT(*) FROM commands`); n != 0 {
		t.Errorf("%d commands for no program", n)
	}
}

func TestSkipInNetwork(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id, spec := b.running("rehearsal")
	b.set(id, app.UpdateInput{Settings: setting(fleet.SettingSkipInNetwork), Limits: limits(2, 25)})
	add := func(typ, payload string) string {
		task := must[fleet.Task](t)(b.AddTask(t.Context(), b.operator, id, app.TaskInput{Type: typ, Payload: []byte(payload)}))
		b.clock.step(time.Microsecond)
		return task.ID
	}
	for range 60 {
		add("invitation", `{"inNetwork":true}`)
	}
	message, stranger, odd := add("message", `{"inNetwork":true}`), add("invitation", `{"inNetwork":false}`), add("invitation", `["inNetwork"]`)
	b.effectsOf(func() {
		tasks, _, _, err := b.ClaimTasks(t.Context(), spec.Run, 50)
		b.ok(err)
		var got []string
		for _, task := range tasks {
			got = append(got, task.ID)
		}
		if !slices.Equal(got, []string{message, stranger, odd}) {
			t.Errorf("%v", got)
		}
	}).want(t, "claim", effects{Events: []string{"task.changed"}})
	if got := b.column(`SELECT DISTINCT state || ': ' || error FROM tasks WHERE id < ?`, message); !slices.Equal(got, []string{"cancelled: Not sent: already in the network (the setting skipInNetwork)"}) {
		t.Errorf("%q", got)
	}
	last := add("invitation", `{"inNetwork":true}`)
	b.endTasks(spec.Run, "task_done", nil)
	// Used up: it is not looked at before it would be handed out.
	if got, why, _ := b.claim(spec.Run, 50); len(got) != 0 || why != "Daily limit reached: 2 of 2 invitations" {
		t.Errorf("%v %q", got, why)
	}
	b.clock.step(24 * time.Hour)
	if got, why, again := b.claim(spec.Run, 50); len(got) != 0 || why != "No task is due" || !again.IsZero() {
		t.Errorf("%v %q %s", got, why, again)
	}
	if got := b.column(`SELECT state FROM tasks WHERE id = ?`, last); got[0] != "cancelled" {
		t.Error(got)
	}
	b.set(id, app.UpdateInput{Settings: []fleet.Setting{{Key: fleet.SettingSkipInNetwork, Value: false}}})
	add("invitation", `{"inNetwork":true}`)
	if got, _, _ := b.claim(spec.Run, 50); got["invitation"] != 1 {
		t.Error(got)
	}
}

func TestInvitationsOnly(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id, spec := b.running("rehearsal")
	b.set(id, app.UpdateInput{Settings: setting(fleet.SettingInvitationsOnly)})
	b.add(id, "message", 3)
	if got, why, again := b.claim(spec.Run, 50); len(got) != 0 || why != "Invitations only: messages wait" || !again.IsZero() {
		t.Errorf("%v %q %s", got, why, again)
	}
	if v := b.get(id); v.Why != "Invitations only: messages wait" || !v.NextTask.IsZero() || !v.Usage.NextMessage.IsZero() || v.Usage.NextInvitation.IsZero() {
		t.Errorf("%+v", v)
	}
	b.add(id, "invitation", 1)
	if got, _, _ := b.claim(spec.Run, 50); got["invitation"] != 1 || len(got) != 1 {
		t.Errorf("%v", got)
	}
	if n := b.number(`SELECT COUNT(*) FROM tasks WHERE state = 'pending'`); n != 3 {
		t.Errorf("%d messages wait", n)
	}
	b.set(id, app.UpdateInput{Settings: []fleet.Setting{{Key: fleet.SettingInvitationsOnly, Value: nil}}})
	if got, _, _ := b.claim(spec.Run, 50); got["message"] != 3 {
		t.Errorf("%v", got)
	}
	_, err := b.Update(t.Context(), b.operator, id, app.UpdateInput{Settings: []fleet.Setting{{Key: fleet.SettingSpread, Value: "yes"}}})
	wantErr(t, "spread", err, fleet.CodeValidation, "settings.spread: must be true or false")
}

// Spread over the day, by a program that asks when it is told to.
func TestSpreadThroughTheApp(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id := b.create("rehearsal")
	least, most := 4, 9
	b.set(id, app.UpdateInput{Settings: setting(fleet.SettingSpread), Limits: &fleet.LimitsChange{MessagesMin: &least, MessagesMax: &most}})
	b.clock.step(-2 * time.Hour) // 08:00
	spec := b.start(id)
	b.add(id, "message", 30)
	plan := fleet.PlanFor(b.get(id).Agent, fleet.UsageMessages, b.get(id).Today.Messages, b.Now())
	var at []time.Time
	for range 40 {
		got, why, again := b.claim(spec.Run, 50)
		if got["message"] > 1 {
			t.Fatalf("%v at once", got)
		}
		if got["message"] == 1 {
			at = append(at, b.Now())
			b.endTasks(spec.Run, "task_done", nil)
			continue
		}
		if promised := b.get(id).NextTask; !promised.Equal(again) || why == "" {
			t.Fatalf("%q until %s, the agent says %s", why, again, promised)
		}
		if b.clock.step(again.Sub(b.Now())); b.Now().Day() != 14 {
			break
		}
	}
	if int64(len(at)) != plan.Target || plan.Target < 4 || plan.Target > 9 || !at[0].Equal(plan.Next) {
		t.Errorf("%v, the plan was %+v", at, plan)
	}
	if b.Now().Hour() < 9 || b.Now().Day() != 15 {
		t.Errorf("the next is at %s", b.Now())
	}
}

// What is kept beside a run is what its tasks are, whatever happened to them,
// and another zone or day begins anew.
func TestKeptWorkIsRight(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id := b.create("rehearsal")
	b.set(id, app.UpdateInput{Limits: limits(100, 500)})
	spec := b.start(id)
	rapid.Check(t, func(rt *rapid.T) {
		for range rapid.IntRange(1, 8).Draw(rt, "steps") {
			switch rapid.IntRange(0, 6).Draw(rt, "step") {
			case 0, 1:
				typ := rapid.SampledFrom([]string{"message", "invitation", "custom"}).Draw(rt, "type")
				due := b.Now().Add(time.Duration(rapid.IntRange(-60, 60).Draw(rt, "due")) * time.Minute)
				b.ok(second(b.AddTask(t.Context(), b.operator, id, app.TaskInput{Type: typ, DueAt: due})))
			case 2:
				b.claim(spec.Run, rapid.IntRange(1, 3).Draw(rt, "most"))
			case 3:
				b.endTasks(spec.Run, "task_done", nil)
			case 4:
				b.endTasks(spec.Run, "task_failed", body{"retry": rapid.Bool().Draw(rt, "retry")})
			case 5:
				zone := rapid.SampledFrom([]string{"UTC", "Pacific/Kiritimati", "America/Los_Angeles", "Asia/Kathmandu"}).Draw(rt, "zone")
				days, day := "1:1:1:1:1:1:1", "00:00"
				b.set(id, app.UpdateInput{Hours: &fleet.HoursChange{Timezone: &zone, Days: &days, Start: &day, Stop: &day}})
			case 6:
				if list := b.column(`SELECT id FROM tasks WHERE agent_id = ? AND state = 'pending' LIMIT 1`, id); len(list) > 0 {
					b.ok(second(b.CancelTask(t.Context(), b.operator, id, list[0])))
				}
			}
			b.clock.step(time.Duration(rapid.IntRange(0, 300).Draw(rt, "minutes")) * time.Minute)
			b.workIsRight(rt, id)
		}
	})
}

// workIsRight counts the tasks themselves.
func (b *bench) workIsRight(t *rapid.T, id fleet.AgentID) {
	v := b.get(id)
	since := v.Hours.DayStart(b.Now()).UnixMicro()
	for typ, u := range map[string]fleet.Use{"message": v.Today.Messages, "invitation": v.Today.Invitations} {
		count := func(condition string, args ...any) int64 {
			return b.number(`SELECT COALESCE(`+condition+`, 0) FROM tasks WHERE agent_id = ? AND type = ?`, append(args, id, typ)...)
		}
		due, claimed := count(`MIN(CASE WHEN state = 'pending' THEN due_at END)`), count(`SUM(state = 'claimed')`)
		handed, last := count(`SUM(state <> 'pending' AND claimed_at >= ?)`, since), count(`MAX(CASE WHEN claimed_at >= ? THEN claimed_at END)`, since)
		got := []int64{micros(u.Due), u.Claimed, u.Handed, micros(u.LastHanded)}
		if want := []int64{due, claimed, handed, last}; !slices.Equal(got, want) {
			t.Fatalf("%s: kept %v, counted %v (due, claimed, handed, last)", typ, got, want)
		}
	}
}

func micros(at time.Time) int64 {
	if at.IsZero() {
		return 0
	}
	return at.UnixMicro()
}

// usedOn is what counts of the agent's messages on a day of UTC: as it told,
// and by the tasks it was given.
func (b *bench) usedOn(id fleet.AgentID, day time.Time) (told, given int64) {
	from := day.Truncate(24 * time.Hour)
	return b.number(`SELECT COALESCE(SUM(n), 0) FROM usage_days WHERE agent_id = ? AND day = ? AND kind = 'messages'`, id, day.Format(time.DateOnly)),
		b.number(`SELECT COUNT(*) FROM tasks WHERE agent_id = ? AND claimed_at >= ? AND claimed_at < ?`, id, from.UnixMicro(), from.AddDate(0, 0, 1).UnixMicro())
}

// No day gets more than its maximum, however the clock goes back and forth:
// what was told and given on a former visit of the day still counts.
func TestMaximumOfADayThatComesAgain(t *testing.T) {
	t.Parallel()
	for _, tells := range []bool{false, true} {
		for _, jumps := range [][]int{{-1, 1}, {1, -1}, {1, -1, -1, 1}, {365, -365, 1}, {-365, 366, -1}} {
			b := newBench(t, nil)
			id := b.create("rehearsal")
			days := "1:1:1:1:1:1:1"
			b.set(id, app.UpdateInput{Limits: limits(20, 5), Hours: &fleet.HoursChange{Days: &days}})
			spec := b.start(id)
			for range 100 {
				b.ok(second(b.AddTask(t.Context(), b.operator, id, app.TaskInput{Type: "message", DueAt: t0.AddDate(-2, 0, 0)})))
			}
			visited, n := map[time.Time]bool{}, 0
			tell := func(times int) {
				for range times {
					n++
					b.use(spec.Run, fmt.Sprint(n), "messages", 1)
				}
			}
			work := func() {
				if tells && !visited[b.Now()] {
					tell(3) // replies, which are no tasks
				}
				visited[b.Now()] = true
				for range 8 {
					got, _, _ := b.claim(spec.Run, 1)
					b.endTasks(spec.Run, "task_done", nil)
					if tells {
						tell(got["message"])
					}
				}
			}
			work()
			for _, jump := range jumps {
				b.clock.jump(time.Duration(jump) * day)
				work()
			}
			for at := range visited {
				if told, given := b.usedOn(id, at); told > 5 || given > 5 {
					t.Errorf("tells %t, jumps %v: %d told and %d given on %s", tells, jumps, told, given, at)
				}
			}
			told, given := b.usedOn(id, t0)
			if max(told, given) != 5 {
				t.Errorf("tells %t, jumps %v: %d told and %d given on the first day", tells, jumps, told, given)
			}
			// The days behind them are days as ever.
			b.clock.step(3 * day)
			work()
			if told, given := b.usedOn(id, b.Now()); max(told, given) != 5 {
				t.Errorf("tells %t, jumps %v: later %d told and %d given", tells, jumps, told, given)
			}
		}
	}
}

// A program that fails everything it is given was given it all the same.
func TestFailedTasksCount(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id := b.create("rehearsal")
	b.set(id, app.UpdateInput{Limits: limits(2, 4)})
	spec := b.start(id)
	b.add(id, "message", 20)
	b.add(id, "invitation", 20)
	given := map[string]int{}
	for range 20 {
		got, _, _ := b.claim(spec.Run, 1)
		for typ, n := range got {
			given[typ] += n
		}
		b.endTasks(spec.Run, "task_failed", body{"message": "no"})
	}
	if given["message"] != 4 || given["invitation"] != 2 {
		t.Errorf("%v were given", given)
	}
	if v := b.get(id); v.Why != "Daily limits reached: 4 of 4 messages, 2 of 2 invitations" {
		t.Errorf("%q", v.Why)
	}
}
