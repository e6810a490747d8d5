package app_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"agentry/internal/app"
	"agentry/internal/fleet"
)

func (b *bench) inbox(run fleet.Run, known ...string) []fleet.Command {
	b.t.Helper()
	list, err := b.RunInbox(b.t.Context(), run, 0, known...)
	b.ok(err)
	return list
}

// say sends a text and, with a reply, answers and acknowledges it.
func (b *bench) say(run fleet.Run, conversation, text, reply string) fleet.Message {
	b.t.Helper()
	b.clock.step(time.Millisecond)
	m, err := b.SendMessage(b.t.Context(), b.operator, run.AgentID, app.MessageInput{Text: text, Conversation: conversation})
	b.ok(err)
	if reply == "" {
		return m
	}
	events := []app.RunEvent{{ID: "r" + m.ID, Type: "reply", Body: map[string]any{"messageId": m.ID, "text": reply}}}
	for _, c := range b.inbox(run) {
		if c.Body["messageId"] == m.ID {
			events = append(events, app.RunEvent{ID: "a" + m.ID, Type: "ack", Body: map[string]any{"commandId": c.ID}})
		}
	}
	b.tell(run, events...)
	return m
}

func TestMessageBringsItsConversation(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id, spec := b.running("rehearsal")
	_, other := b.running("rehearsal")
	b.say(other.Run, "room", "of another agent", "secret")
	b.say(spec.Run, "elsewhere", "of another room", "secret")
	one := b.say(spec.Run, "room", "one", "first")
	two := b.say(spec.Run, "room", "two", "")
	b.say(spec.Run, "room", "three", "")
	b.say(spec.Run, "", "alone", "")
	list := b.inbox(spec.Run)
	if len(list) != 3 {
		t.Fatalf("%+v", list)
	}
	turn := func(m fleet.Message, reply string) map[string]any {
		return map[string]any{"messageId": m.ID, "from": b.operator.Name, "text": m.Text, "reply": reply}
	}
	for i, want := range []any{
		[]map[string]any{turn(one, "first")},
		[]map[string]any{turn(one, "first"), turn(two, "")},
		nil, // it began its own
	} {
		if diff := cmp.Diff(want, list[i].Body["history"]); diff != "" {
			t.Errorf("%s: %s", list[i].Body["text"], diff)
		}
	}
	// What the program held is in the file, whatever became of the program.
	b.ok(second(b.Pause(t.Context(), b.operator, id, app.PauseInput{})))
	again := b.start(id)
	b.say(again.Run, "room", "four", "")
	list = b.inbox(again.Run)
	if got := list[len(list)-1].Body["history"].([]map[string]any); len(got) != 3 || got[0]["text"] != "one" || got[2]["text"] != "three" {
		t.Errorf("after a restart %+v", got)
	}
}

func TestHistoryIsBounded(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	_, spec := b.running("rehearsal")
	for i := range 25 {
		b.say(spec.Run, "short", fmt.Sprint("text ", i), "ok")
	}
	b.say(spec.Run, "short", "last", "")
	got := b.inbox(spec.Run)[0].Body["history"].([]map[string]any)
	if len(got) != 20 || got[0]["text"] != "text 5" || got[19]["text"] != "text 24" {
		t.Errorf("%d turns: %v", len(got), got)
	}
	full := strings.Repeat("x", fleet.MaxMessage)
	b.say(spec.Run, "long", "too early", "ok")
	b.say(spec.Run, "long", full, full)
	b.say(spec.Run, "long", "last", "")
	got = b.inbox(spec.Run)[1].Body["history"].([]map[string]any)
	if len(got) != 1 || got[0]["text"] != full || got[0]["reply"] != full {
		t.Errorf("%d turns", len(got))
	}
}

func TestInboxOfLongTextsComesInParts(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	_, spec := b.running("rehearsal")
	full := strings.Repeat("x", fleet.MaxMessage)
	const all = 45
	for range all {
		b.say(spec.Run, "", full, "")
	}
	var known []string
	for calls := 1; ; calls++ {
		list := b.inbox(spec.Run, known...)
		size := 0
		for _, c := range list {
			size += len(c.Body["text"].(string))
			known = append(known, c.ID)
		}
		if len(list) == 0 || size > 1<<20 {
			t.Fatalf("call %d has %d bytes", calls, size)
		}
		if len(known) == all {
			if calls != 2 {
				t.Errorf("%d calls", calls)
			}
			break
		}
	}
	if list := b.inbox(spec.Run, known...); len(list) != 0 {
		t.Errorf("what the program has comes again: %d", len(list))
	}
	if list := b.inbox(spec.Run, known[1:]...); len(list) != 1 || list[0].ID != known[0] {
		t.Errorf("what it does not have comes not: %d", len(list))
	}
	_, err := b.RunInbox(t.Context(), spec.Run, 0, make([]string, app.MaxInboxKnown+1)...)
	wantErr(t, "known", err, fleet.CodeValidation, "")
}

func BenchmarkInbox(b *testing.B) {
	k := newBench(b, nil)
	_, spec := k.running("rehearsal")
	ask := func(want int) func(b *testing.B) {
		return func(b *testing.B) {
			for b.Loop() {
				if list, err := k.RunInbox(b.Context(), spec.Run, 0); err != nil || len(list) != want {
					b.Fatal(len(list), err)
				}
			}
		}
	}
	b.Run("empty", ask(0))
	for i := range 30 {
		k.say(spec.Run, "room", fmt.Sprint("text ", i), "reply")
	}
	k.say(spec.Run, "room", "last", "")
	b.Run("message", ask(1))
}
