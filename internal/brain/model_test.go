package brain

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"agentry/internal/brain/fake"
	"agentry/internal/brain/llm"
	"agentry/internal/runtime/protocol"
)

// said is a message of a conversation, with what was said before it as
// text, reply, text, reply.
func said(id, conversation, text string, before ...string) map[string]any {
	m := message(id, text)
	history := []any{}
	for i := 0; i+1 < len(before); i += 2 {
		history = append(history, map[string]any{"messageId": fmt.Sprint(conversation, i), "text": before[i], "reply": before[i+1]})
	}
	m["conversation"], m["history"] = conversation, history
	return m
}

// shortWaits has no pauses to speak of.
func shortWaits() waits {
	return waits{
		passing: [2]time.Duration{time.Millisecond, 5 * time.Millisecond}, lasting: [2]time.Duration{time.Millisecond, 5 * time.Millisecond},
		asked: time.Hour,
	}
}

// modelled starts a program that asks the endpoint.
func (w *world) modelled(e *fake.Endpoint, change func(o *llm.Options, pauses *waits)) *life {
	w.Helper()
	o, pauses := llm.Options{BaseURL: e.URL(), Key: fake.Key}, shortWaits()
	if change != nil {
		change(&o, &pauses)
	}
	client, err := llm.New(o)
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(client.Close)
	return w.begin(false, func(p *program) {
		p.LLM = &LLM{Model: fake.Model}
		p.useModel(client, pauses)
	})
}

func newFake(t *testing.T) *fake.Endpoint {
	e := fake.New()
	t.Cleanup(e.Close)
	t.Cleanup(func() {
		if n := e.Malformed(); n != 0 {
			t.Errorf("%d requests were malformed", n)
		}
	})
	return e
}

// told returns the events of a type.
func (w *world) toldOf(typ string) (list []protocol.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.events {
		if e["type"] == typ {
			list = append(list, e)
		}
	}
	return list
}

func (w *world) replyTo(id string) string {
	w.Helper()
	var text string
	w.until("a reply to "+id, func() bool {
		for _, e := range w.events {
			if e["type"] == "reply" && e["messageId"] == id {
				text = e["text"].(string)
				return true
			}
		}
		return false
	})
	return text
}

func TestModelAnswers(t *testing.T) {
	w, e := newWorld(t), newFake(t)
	w.self["settings"] = map[string]any{
		"system": "You sell tea.", "persona": "a patient seller", "bio": []any{"Born in Assam.", "Likes rain."},
		"temperature": 0.3, "maxTokens": 200.0, "rules": []any{ruleOf(".", "by a rule")},
	}
	l := w.modelled(e, nil)
	w.tell(said("m1", "room", "And green?", "Have you tea?", "Yes.", "Anybody there?", ""))
	if got := w.replyTo("m1"); got != "You said: Anybody there?\n\nAnd green?" {
		t.Errorf("reply %q", got)
	}
	w.until("the acknowledgement", func() bool { return len(w.commands) == 0 })
	asked := e.Asked()[0]
	want := []fake.Message{
		{Role: "system", Content: "You sell tea.\n\nYour name is Ann.\n\nYou are a patient seller.\n\nAbout you:\n- Born in Assam.\n- Likes rain."},
		{Role: "user", Content: "Have you tea?"}, {Role: "assistant", Content: "Yes."}, {Role: "user", Content: "Anybody there?\n\nAnd green?"},
	}
	if !slices.Equal(asked.Messages, want) || asked.Model != fake.Model || *asked.Temperature != 0.3 || *asked.MaxTokens != 200 {
		t.Errorf("asked %+v", asked)
	}
	usage := map[string]any{}
	for _, u := range w.toldOf("usage") {
		usage[u["kind"].(string)] = u["count"]
	}
	tokens := asked.Tokens() + (len(w.replyTo("m1"))+3)/4
	if len(usage) != 2 || usage["messages"] != 1.0 || usage["tokens"] != float64(tokens) {
		t.Errorf("usage %v, want %d tokens", usage, tokens)
	}
	l.stop()
	l.ends(0)
	if strings.Contains(w.logged.String(), fake.Key) {
		t.Error("the key is in the log")
	}
}

func TestPlainCharacterAndSettingsThatCannotBeUsed(t *testing.T) {
	w, e := newWorld(t), newFake(t)
	w.self["settings"] = map[string]any{"temperature": 9.0, "maxTokens": 1.5, "persona": 7.0, "model": nil, "bio": "A text."}
	w.modelled(e, nil)
	w.tell(message("m", "hello"))
	w.replyTo("m")
	asked := e.Asked()[0]
	if asked.Temperature != nil || asked.MaxTokens != nil || !strings.Contains(asked.Messages[0].Content, "helpfully") || !strings.HasSuffix(asked.Messages[0].Content, "About you:\nA text.") {
		t.Errorf("asked %+v", asked)
	}
	for _, name := range []string{"temperature", "maxTokens", "persona"} {
		if !strings.Contains(w.logged.String(), "setting="+name) {
			t.Errorf("no word about %s in\n%s", name, w.logged.String())
		}
	}
}

func TestTokensAreNotInvented(t *testing.T) {
	w, e := newWorld(t), newFake(t)
	e.Fail(fake.NoUsage("hi"))
	w.modelled(e, nil)
	w.tell(message("m", "hello"))
	w.replyTo("m")
	w.heard("ack", 1)
	if usage := w.toldOf("usage"); len(usage) != 1 || usage[0]["kind"] != "messages" {
		t.Errorf("usage %v", usage)
	}
}

func TestLongRepliesAreCut(t *testing.T) {
	w, e := newWorld(t), newFake(t)
	e.Answer(func(fake.Request) string { return strings.Repeat("é", maxReply) })
	w.modelled(e, nil)
	w.tell(message("m", "hello"))
	if got := w.replyTo("m"); len(got) > maxReply || len(got) < maxReply-1 {
		t.Errorf("%d bytes", len(got))
	}
}

func TestConversationsDoNotWaitForEachOther(t *testing.T) {
	w, e := newWorld(t), newFake(t)
	slow := make(chan struct{})
	e.FailNext(fake.Hold(slow))
	w.modelled(e, nil)
	first := e.Changed()
	w.tell(said("a1", "a", "slow"))
	<-first
	w.tell(said("a2", "a", "after the slow one"))
	w.tell(said("b1", "b", "quick"))
	w.replyTo("b1")
	if got := w.toldOf("reply"); len(got) != 1 {
		t.Errorf("the order of a conversation is lost: %v", got)
	}
	close(slow)
	w.replyTo("a2")
	// What was said while a2 waited is known when it is answered.
	last := e.Asked()[2]
	if got := w.toldOf("reply"); got[1]["messageId"] != "a1" || last.Last() != "after the slow one" {
		t.Errorf("replies %v, asked %+v", got, last)
	}
}

func TestRepliesMeanwhileAreInTheConversation(t *testing.T) {
	w, e := newWorld(t), newFake(t)
	w.modelled(e, nil)
	one, two := said("m1", "room", "first"), said("m2", "room", "second")
	two["history"] = []any{map[string]any{"messageId": "m1", "text": "first", "reply": ""}}
	w.with(func() { w.commands = append(w.commands, one, two) })
	w.replyTo("m2")
	want := []fake.Message{{Role: "user", Content: "first"}, {Role: "assistant", Content: "You said: first"}, {Role: "user", Content: "second"}}
	if got := e.Asked()[1].Messages[1:]; !slices.Equal(got, want) {
		t.Errorf("asked %+v", got)
	}
}

func TestManyMessages(t *testing.T) {
	w, e := newWorld(t), newFake(t)
	const all = 150
	w.page = 50
	for i := range all {
		w.commands = append(w.commands, said(fmt.Sprint("m", i), fmt.Sprint("room", i%30), "x"))
	}
	w.modelled(e, nil)
	w.until("every acknowledgement", func() bool { return len(w.commands) == 0 })
	w.with(func() {
		if w.known > maxHeld || e.Calls() != all {
			t.Errorf("%d known at once, %d calls", w.known, e.Calls())
		}
		n := map[int]int{} // of the last message of each room
		for _, event := range w.events {
			if event["type"] == "reply" {
				var id int
				fmt.Sscanf(event["messageId"].(string), "m%d", &id)
				if last, any := n[id%30]; any && last > id {
					t.Errorf("%d is answered after %d", id, last)
				}
				n[id%30] = id
			}
		}
	})
}

func TestContextThatIsTooLongLosesItsOldest(t *testing.T) {
	w, e := newWorld(t), newFake(t)
	e.Window(120)
	w.modelled(e, nil)
	long := strings.Repeat("old ", 100)
	w.tell(said("m", "room", "now", long, long, long, "mid", "recent", "yes"))
	w.replyTo("m")
	if got := e.Asked()[len(e.Asked())-1].Messages; len(got) != 4 || got[1].Content != "recent" || len(w.toldOf("alert")) != 0 {
		t.Errorf("asked %+v", got)
	}
}
