package app_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"agentry/internal/app"
	"agentry/internal/fleet"
)

// add gives the agent n tasks of a type, due now.
func (b *bench) add(id fleet.AgentID, typ string, n int) {
	b.t.Helper()
	for range n {
		b.ok(second(b.AddTask(context.Background(), b.operator, id, app.TaskInput{Type: typ})))
		b.clock.step(time.Microsecond)
	}
}

func (b *bench) claim(run fleet.Run, most int) (types map[string]int, why string, again time.Time) {
	b.t.Helper()
	tasks, why, again, err := b.ClaimTasks(context.Background(), run, most)
	b.ok(err)
	types = map[string]int{}
	for _, task := range tasks {
		types[task.Type]++
		if task.State != fleet.TaskClaimed {
			b.t.Errorf("%+v", task)
		}
	}
	return types, why, again
}

func TestClaimTasks(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	two, five := 2, 5
	id := b.create("rehearsal")
	b.ok(second(b.Update(t.Context(), b.operator, id, app.UpdateInput{Limits: &fleet.LimitsChange{InvitationsMin: &two, InvitationsMax: &two, MessagesMin: &two, MessagesMax: &five}})))
	spec := b.start(id)
	if got, why, again := b.claim(spec.Run, 10); len(got) != 0 || why != "No task is due" || !again.IsZero() {
		t.Errorf("%v %q %s", got, why, again)
	}
	later := t0.Add(time.Hour)
	b.ok(second(b.AddTask(t.Context(), b.operator, id, app.TaskInput{Type: "message", DueAt: later})))
	if got, why, again := b.claim(spec.Run, 10); len(got) != 0 || why != "No task is due" || !again.Equal(later) {
		t.Errorf("%v %q %s", got, why, again)
	}
	// Sixty messages wait before the invitations: their limit must not hide those.
	b.add(id, "message", 60)
	b.add(id, "invitation", 3)
	b.add(id, "custom", 1)
	b.effectsOf(func() {
		if got, _, _ := b.claim(spec.Run, 4); got["message"] != 4 {
			t.Errorf("%v", got)
		}
	}).want(t, "claim", effects{Events: []string{"task.changed"}})
	if got, _, _ := b.claim(spec.Run, 50); got["message"] != 1 || got["invitation"] != 2 || got["custom"] != 1 || len(got) != 3 {
		t.Errorf("%v", got)
	}
	nine := time.Date(2026, 1, 15, 9, 0, 0, 0, time.UTC)
	const full = "Daily limits reached: 5 of 5 messages, 2 of 2 invitations"
	if got, why, again := b.claim(spec.Run, 50); len(got) != 0 || why != full || !again.Equal(nine) {
		t.Errorf("%v %q %s", got, why, again)
	}
	// What a dead run had claimed is given back.
	b.ok(b.RunExited(t.Context(), spec.Run, app.RunExit{Text: "exit 1"}))
	b.clock.step(time.Minute)
	spec = b.begin(id, true)
	if n := b.number(`SELECT COUNT(*) FROM tasks WHERE state = 'claimed'`); n != 0 {
		t.Errorf("%d are claimed by a dead run", n)
	}
	// Used up by what the program says it did.
	b.tell(spec.Run, app.RunEvent{ID: "m", Type: "usage", Body: body{"kind": "messages", "count": 5.0}}, app.RunEvent{ID: "i", Type: "usage", Body: body{"kind": "invitations", "count": 2.0}})
	if got, _, _ := b.claim(spec.Run, 50); got["custom"] != 1 || len(got) != 1 {
		t.Errorf("what no limit counts: %v", got)
	}
	if got, why, again := b.claim(spec.Run, 50); len(got) != 0 || why != full || !again.Equal(nine) {
		t.Errorf("%v %q %s", got, why, again)
	}
	b.clock.step(7*time.Hour - 61*time.Second) // 16:59:5x
	b.ok(second(b.RunForToken(t.Context(), spec.Token)))
	if _, why, _ := b.claim(spec.Run, 1); !strings.HasPrefix(why, "Daily limits") {
		t.Error(why)
	}
	b.clock.step(2 * time.Second)
	if got, why, again := b.claim(spec.Run, 50); len(got) != 0 || why != "Outside working hours: starts Thu 09:00 UTC, in 15 h" || !again.Equal(nine) {
		t.Errorf("%v %q %s", got, why, again)
	}
	b.clock.step(16 * time.Hour)
	if got, _, _ := b.claim(spec.Run, 50); got["message"] != 5 {
		t.Errorf("the next day: %v", got)
	}
	for _, most := range []int{0, -1, 51} {
		_, _, _, err := b.ClaimTasks(t.Context(), spec.Run, most)
		wantErr(t, fmt.Sprint(most), err, fleet.CodeValidation, "")
	}
}

func TestTasks(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id := b.create("rehearsal")
	var task fleet.Task
	b.effectsOf(func() {
		task = must[fleet.Task](t)(b.AddTask(t.Context(), b.operator, id, app.TaskInput{Type: "message", Payload: []byte(`{"a":1}`)}))
	}).want(t, "add", effects{Audit: []string{"task.add done user operate"}, Events: []string{"task.changed"}, Wakes: 1})
	if !task.DueAt.Equal(t0) || task.Incarnation != 1 || !b.get(id).NextTask.IsZero() {
		t.Errorf("%+v", task)
	}
	b.effectsOf(func() {
		if got := must[fleet.Task](t)(b.CancelTask(t.Context(), b.operator, id, task.ID)); got.State != fleet.TaskCancelled {
			t.Errorf("%+v", got)
		}
	}).want(t, "cancel", effects{Audit: []string{"task.cancel done user operate"}, Events: []string{"task.changed"}, Wakes: 1})
	_, err := b.CancelTask(t.Context(), b.operator, id, task.ID)
	wantErr(t, "cancel again", err, fleet.CodeConflict, "The task is cancelled; only a pending task can be cancelled")
	_, err = b.CancelTask(t.Context(), b.operator, b.create("rehearsal"), task.ID)
	wantErr(t, "of another agent", err, fleet.CodeNotFound, "Task not found")
	for what, in := range map[string]app.TaskInput{
		"type": {}, "payload": {Type: "x", Payload: []byte(`{`)}, "size": {Type: "x", Payload: []byte(`"` + strings.Repeat("x", 33_000) + `"`)}, "control": {Type: "a\n"},
	} {
		_, err := b.AddTask(t.Context(), b.operator, id, in)
		wantErr(t, what, err, fleet.CodeValidation, "")
	}
	_, err = b.AddTask(t.Context(), b.operator, b.in(fleet.Ended, "rehearsal"), app.TaskInput{Type: "x"})
	wantErr(t, "to an ended agent", err, fleet.CodeInvalidStatus, "Agent cannot be given tasks when status is ended")
	b.add(id, "custom", 7)
	var seen []string
	in := app.PageInput{Limit: 3}
	for {
		list, next, err := b.Tasks(t.Context(), b.viewer, id, "pending", in)
		b.ok(err)
		for _, task := range list {
			seen = append(seen, task.ID)
		}
		if in.Cursor = next; next == "" {
			break
		}
	}
	if want := b.column(`SELECT id FROM tasks WHERE state = 'pending' ORDER BY id DESC`); fmt.Sprint(seen) != fmt.Sprint(want) || len(seen) != 7 {
		t.Errorf("%q, want %q", seen, want)
	}
	_, _, err = b.Tasks(t.Context(), b.viewer, id, "lost", app.PageInput{})
	wantErr(t, "state", err, fleet.CodeValidation, "")
	_, _, err = b.Tasks(t.Context(), b.viewer, id, "", app.PageInput{Cursor: "%%%"})
	wantErr(t, "cursor", err, fleet.CodeValidation, "cursor: is not one of this list")
}

func TestMessages(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id, spec := b.running("rehearsal")
	var m fleet.Message
	b.effectsOf(func() {
		m = must[fleet.Message](t)(b.SendMessage(t.Context(), b.operator, id, app.MessageInput{Text: "hello", Conversation: "c", From: "Bob"}))
	}).want(t, "message", effects{Audit: []string{"message done user operate"}, Events: []string{"message.changed"}, Wakes: 1})
	if m.State != fleet.MessagePending || m.Reply != "" || m.Conversation != "c" || m.From != "Bob" {
		t.Errorf("%+v", m)
	}
	list := must[[]fleet.Command](t)(b.RunInbox(t.Context(), spec.Run, 0))
	if len(list) != 1 || list[0].Type != fleet.CommandMessage || list[0].Body["messageId"] != m.ID || list[0].Body["text"] != "hello" || list[0].Body["from"] != "Bob" || list[0].Body["conversation"] != "c" {
		t.Errorf("%+v", list)
	}
	if audit := b.column(`SELECT detail FROM audit WHERE action = 'message'`); strings.Contains(fmt.Sprint(audit), "hello") {
		t.Errorf("%q", audit)
	}
	for what, in := range map[string]app.MessageInput{
		"empty": {Text: " \n"}, "long": {Text: strings.Repeat("x", fleet.MaxMessage+1)}, "bytes": {Text: "\xff"}, "from": {Text: "x", From: "a\n"}, "conversation": {Text: "x", Conversation: strings.Repeat("x", 101)},
	} {
		_, err := b.SendMessage(t.Context(), b.operator, id, in)
		wantErr(t, what, err, fleet.CodeValidation, "")
	}
	_, err := b.SendMessage(t.Context(), b.operator, b.in(fleet.Paused, "rehearsal"), app.MessageInput{Text: "x"})
	wantErr(t, "to a paused agent", err, fleet.CodeInvalidStatus, "Agent can only take messages when status is running")
	_, err = b.Message(t.Context(), b.stranger, id, m.ID)
	wantErr(t, "another team's", err, fleet.CodeForbidden, "You do not have access to this agent")
	_, err = b.Message(t.Context(), b.viewer, b.create("rehearsal"), m.ID)
	wantErr(t, "another agent's", err, fleet.CodeNotFound, "Message not found")
	of := func(conversation string) int {
		list, _, err := b.Messages(t.Context(), b.viewer, id, conversation, app.PageInput{})
		b.ok(err)
		return len(list)
	}
	if of("") != 1 || of("c") != 1 || of("d") != 0 {
		t.Error(of(""), of("c"), of("d"))
	}
}

func TestMessageWaitsForItsReply(t *testing.T) {
	startBench(t, func(t *testing.T, b *bench) {
		id := b.create("rehearsal")
		specs := make(chan app.RunSpec, 1)
		b.act(func(spec app.RunSpec) {
			b.ok(second(b.RunForToken(context.Background(), spec.Token)))
			specs <- spec
		})
		b.ok(second(b.Start(t.Context(), b.operator, id, app.StartInput{})))
		spec := <-specs
		b.runner.set(nil)
		began := time.Now()
		m := must[fleet.Message](t)(b.SendMessage(t.Context(), b.operator, id, app.MessageInput{Text: "nobody answers", Wait: 30 * time.Second}))
		if took := time.Since(began); took != 30*time.Second || m.State != fleet.MessagePending {
			t.Errorf("%+v after %s", m, took)
		}
		go func() {
			time.Sleep(5 * time.Second)
			for _, c := range must[[]fleet.Command](t)(b.RunInbox(context.Background(), spec.Run, 0)) {
				b.tell(spec.Run, app.RunEvent{ID: "r" + c.ID, Type: "reply", Body: body{"messageId": c.Body["messageId"], "text": "yes"}})
			}
		}()
		began = time.Now()
		m = must[fleet.Message](t)(b.SendMessage(t.Context(), b.operator, id, app.MessageInput{Text: "answer", Wait: 30 * time.Second}))
		if took := time.Since(began); took != 5*time.Second || m.Reply != "yes" || m.State != fleet.MessageReplied {
			t.Errorf("%+v after %s", m, took)
		}
	})
}
