package pages_test

import (
	"net/url"
	"testing"

	"agentry/internal/app"
	"agentry/internal/fleet"
)

// Each message of another conversation leads to that alone; what is older stays
// where it is while the page is live.
func TestConversations(t *testing.T) {
	w := newWorld(t)
	id := w.agent("Ada", "assistant")
	by := fleet.System(w.team, "test")
	_, err := w.app.Start(t.Context(), by, id, app.StartInput{})
	must(t, err)
	say := func(text, conversation string) {
		t.Helper()
		_, err := w.app.SendMessage(t.Context(), by, id, app.MessageInput{Text: text, Conversation: conversation})
		must(t, err)
	}
	say("ours", "dashboard")
	say("alone", "")
	say("theirs", `<i> & "ticket"`)
	tab := "/fleet/" + string(id) + "?tab=messages"
	all := w.as(fleet.RoleOperator).get(tab)
	if got := all.words("[data-testid=in]"); got != `<i> & "ticket"` {
		t.Errorf("other conversations: %q", got)
	}
	href, _ := all.Find("[data-testid=in]").Attr("href")
	one := w.as(fleet.RoleOperator).get(href)
	if got := one.words("[data-testid=message] .text"); got != "theirs" || one.Find("[data-testid=message-form]").Length() != 0 {
		t.Errorf("the conversation alone: %q at %s", got, href)
	}
	if live, _ := one.Find("[data-testid=messages]").Attr("data-live"); live != href {
		t.Errorf("kept up from %s, not %s", live, href)
	}
	if back, _ := one.Find("[data-testid=only] a").Attr("href"); back != tab {
		t.Errorf("all are at %s", back)
	}
	for range 51 {
		say("more", "dashboard")
	}
	older, _ := w.as(fleet.RoleOperator).get(tab).Find(".older a").Attr("href")
	page := w.as(fleet.RoleOperator).get(older)
	live, _ := page.Find("[data-testid=messages]").Attr("data-live")
	if u, err := url.Parse(live); err != nil || u.Query().Get("cursor") == "" || page.words(".older a") != "Newest messages" {
		t.Errorf("older messages: kept up from %q, %q", live, page.words(".older a"))
	}
}

// The number on the tab counts what waits, however many there are.
func TestOpenTasksAreCounted(t *testing.T) {
	w := newWorld(t)
	id := w.agent("Ada", "assistant")
	for range 203 {
		_, err := w.app.AddTask(t.Context(), fleet.System(w.team, "test"), id, app.TaskInput{Type: "message"})
		must(t, err)
	}
	if got := w.as(fleet.RoleViewer).get("/fleet/" + string(id)).words("[role=navigation] a[href$='tab=tasks'], nav a[href$='tab=tasks']"); got != "Tasks 203" {
		t.Errorf("the tab says %q", got)
	}
}
