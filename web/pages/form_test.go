package pages_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/internal/store"
)

func TestCreate(t *testing.T) {
	w := newWorld(t)
	owner := w.as(fleet.RoleOwner)
	wrong := owner.post("/fleet/new", "name", "Ada", "kind", "rehearsal", "country", "France")
	if wrong.status != http.StatusUnprocessableEntity || wrong.words("#f-country-error") == "" {
		t.Errorf("wrong country: %d %q", wrong.status, wrong.words("#f-country-error"))
	}
	if v, _ := wrong.Find("[name=name]").Attr("value"); v != "Ada" {
		t.Errorf("the name is gone: %q", v)
	}
	made := owner.post("/fleet/new", "name", "Ada", "kind", "rehearsal", "tags", "vip, spring ,")
	if to := made.header.Get("Location"); made.status != http.StatusSeeOther || !strings.HasSuffix(to, "/setup") {
		t.Errorf("made: %d %s", made.status, to)
	}
}

func TestMovesAnswerScriptsAndForms(t *testing.T) {
	w := newWorld(t)
	path := "/fleet/" + string(w.agent("Ada", "assistant"))
	owner := w.as(fleet.RoleOwner)
	dialog := owner.script("dialog").get(path + "/protect")
	if dialog.Find("[data-testid=protect-form]").Length() != 1 || strings.Contains(dialog.body, "<html lang") {
		t.Errorf("dialog: %d %.80s", dialog.status, dialog.body)
	}
	wrong := owner.script("dialog").post(path + "/protect")
	if wrong.status != http.StatusUnprocessableEntity || wrong.words("#f-dlg-reason-error") == "" {
		t.Errorf("no reason: %d %s", wrong.status, wrong.body)
	}
	done := owner.script("dialog").post(path+"/protect", "reason", "pilot")
	if done.status != http.StatusNoContent || done.header.Get("HX-Trigger") != "agentry:done" {
		t.Errorf("done: %d %s", done.status, done.header.Get("HX-Trigger"))
	}
	if a := owner.post(path+"/end", "reason", "over"); a.status != http.StatusSeeOther || a.header.Get("Location") != path {
		t.Errorf("form: %d %s", a.status, a.header.Get("Location"))
	}
	refused := owner.post(path+"/resume", "version", "1")
	if refused.status != http.StatusBadRequest || !strings.Contains(refused.words("[data-testid=notice]"), "only be resumed while it is paused") ||
		refused.Find("[data-testid=agent-top]").Length() != 1 {
		t.Errorf("refused: %d %q", refused.status, refused.words("[data-testid=notice]"))
	}
	if code := refused.Find("[data-testid=notice] code").Text(); code != refused.header.Get("X-Request-Id") {
		t.Errorf("request id %q", code)
	}
	notice := owner.script("agent-top").post(path + "/resume")
	if notice.status != http.StatusBadRequest || notice.Find("[data-testid=notice]").Length() != 1 || strings.Contains(notice.body, "<html lang") {
		t.Errorf("refused, htmx: %d %.80s", notice.status, notice.body)
	}
}

func TestBackToWhereTheFormWas(t *testing.T) {
	w := newWorld(t)
	id := w.agent("Ada", "assistant")
	_, err := w.app.Disable(t.Context(), fleet.System(w.team, "test"), id, app.ReasonInput{})
	must(t, err)
	a := w.as(fleet.RoleOwner).do("POST", "/fleet/"+string(id)+"/enable", "", "Referer", w.url+"/fleet?status=disabled")
	if a.status != http.StatusSeeOther || a.header.Get("Location") != "/fleet?status=disabled" {
		t.Errorf("%d %s", a.status, a.header.Get("Location"))
	}
}

func TestUpdate(t *testing.T) {
	w := newWorld(t)
	path := "/fleet/" + string(w.agent("Ada", "assistant"))
	owner := w.as(fleet.RoleOwner)
	fields := func(more ...string) []string {
		return append([]string{
			"name", "Ada", "timezone", "Europe/Paris", "start", "08:00", "stop", "12:00", "day", "0", "day", "6",
			"invitationsMin", "1", "invitationsMax", "10", "messagesMin", "1", "messagesMax", "10",
		}, more...)
	}
	saved := owner.script("settings-form").post(path+"/update", fields("version", "1", "settings", "tone = \"calm\"\nn = 3")...)
	if v, _ := saved.Find("[name=version]").Attr("value"); saved.status != 200 || v != "2" || saved.header.Get("HX-Trigger") == "" {
		t.Fatalf("saved: %d version %s", saved.status, v)
	}
	page := owner.get(path)
	if !strings.Contains(page.words("[data-testid=overview]"), "Mon, Sun 08:00–12:00 Europe/Paris") {
		t.Errorf("hours: %s", page.words("[data-testid=overview]"))
	}
	wrong := owner.script("settings-form").post(path+"/update", fields("version", "2", "messagesMin", "x", "settings", "no value")...)
	if wrong.status != http.StatusUnprocessableEntity {
		t.Errorf("wrong: %d", wrong.status)
	}
	stale := owner.script("settings-form").post(path+"/update", fields("version", "1", "name", "Mine")...)
	if v, _ := stale.Find("[name=version]").Attr("value"); stale.status != http.StatusUnprocessableEntity || v != "2" || stale.Find("[data-testid=notice]").Length() != 1 {
		t.Errorf("stale: %d version %s", stale.status, v)
	}
	twice := owner.script("settings-form").post(path+"/update", fields("version", "2", "settings", "spread = true")...)
	if twice.status != http.StatusUnprocessableEntity || !strings.Contains(twice.words(".error"), "Rules of work") {
		t.Errorf("a switch as text: %d %s", twice.status, twice.words(".error"))
	}
	dropped := owner.post(path+"/update", fields("version", "2", "settings", "n = 4", "switch", "spread")...)
	if dropped.status != http.StatusSeeOther || strings.TrimSpace(owner.get(path).Find("[name=settings]").Text()) != "n = 4" {
		t.Errorf("settings: %d %q", dropped.status, owner.get(path).Find("[name=settings]").Text())
	}
	on := func() string {
		return strings.Join(owner.get(path).Find("[name=switch][checked]").Map(func(_ int, s *goquery.Selection) string { return s.AttrOr("value", "") }), " ")
	}
	if on() != "spread" {
		t.Errorf("switches: %s", on())
	}
	if owner.post(path+"/update", fields("version", "3", "settings", "n = 4")...); on() != "" {
		t.Errorf("switches that were taken off: %s", on())
	}
	always := fields("version", "4")
	for i, f := range always {
		if f == "08:00" || f == "12:00" {
			always[i] = "00:00"
		}
	}
	owner.post(path+"/update", always...)
	if text := owner.get(path).words("[data-testid=overview]"); !strings.Contains(text, "Mon, Sun all day Europe/Paris") {
		t.Errorf("hours: %s", text)
	}
}

func TestDelete(t *testing.T) {
	w := newWorld(t)
	id := w.agent("Ada Lindqvist", "assistant")
	path := "/fleet/" + string(id)
	owner := w.as(fleet.RoleOwner)
	if a := owner.get(path + "/delete"); a.Find("[data-testid=end-first]").Length() != 1 || a.Find("[data-testid=confirm]").Length() != 0 {
		t.Error("an agent that has not ended can be deleted")
	}
	w.end(id)
	version, _ := owner.get(path + "/delete").Find("[name=version]").Attr("value")
	wrong := owner.post(path+"/delete", "version", version, "name", "Ada", "reason", "left")
	if v, _ := wrong.Find("[name=reason]").Attr("value"); wrong.status != http.StatusUnprocessableEntity || wrong.words("#f-dlg-name-error") == "" || v != "left" {
		t.Errorf("wrong name: %d %q", wrong.status, v)
	}
	_, err := w.app.Protect(t.Context(), fleet.System(w.team, "test"), id, app.ReasonInput{Reason: "pilot"})
	must(t, err)
	moved := owner.post(path+"/delete", "version", version, "name", "Ada Lindqvist")
	if moved.status != http.StatusPreconditionFailed || !strings.Contains(moved.words("[data-testid=delete-form]"), "These are the new facts") ||
		!strings.Contains(moved.words("[data-testid=delete-form]"), "pilot") {
		t.Errorf("moved: %d %s", moved.status, moved.words("[data-testid=delete-form]"))
	}
	if a := owner.script("dialog").post(path+"/delete", "version", version, "name", "Ada Lindqvist"); a.status != http.StatusUnprocessableEntity ||
		a.Find("[data-testid=delete-form]").Length() != 1 {
		t.Errorf("moved, htmx: %d", a.status)
	}
	_, err = w.app.Unprotect(t.Context(), fleet.System(w.team, "test"), id, app.ReasonInput{Reason: "over"})
	must(t, err)
	version, _ = owner.get(path + "/delete").Find("[name=version]").Attr("value")
	done := owner.script("dialog").post(path+"/delete", "version", version, "name", "Ada Lindqvist", "reason", "left")
	to := done.header.Get("HX-Redirect")
	if done.status != http.StatusNoContent || !strings.HasPrefix(to, "/deletions/") {
		t.Fatalf("deleted: %d %s", done.status, to)
	}
	if a := owner.get(to); a.status != 200 || a.Find("[data-testid=certificate]").Length() != 1 || strings.Contains(a.body, "Lindqvist") {
		t.Errorf("certificate: %d", a.status)
	}
	if said := owner.get(to).words("[data-testid=released]"); strings.Contains(said, "server") {
		t.Errorf("nothing is in another server: %q", said)
	}
	w.write(func(tx *store.Tx) error {
		now := w.app.Now()
		return tx.InsertResource(fleet.Resource{ID: fleet.NewID(now), TeamID: w.team, AgentID: id, Type: fleet.ResourceAgent, Vendor: "eliza", Label: "eliza",
			State: fleet.ResourceReleasing, Tries: 3, LastError: "<b>no answer</b>", CreatedAt: now, StateAt: now, UpdatedAt: now})
	})
	if said := owner.get(to).words("[data-testid=released]"); !strings.Contains(said, "agent in another server (kind eliza)") || !strings.Contains(said, "being released: <b>no answer</b>") {
		t.Errorf("in another server: %q", said)
	}
	// Whoever comes back to it, also to its forms, and sends one again, finds what
	// remains.
	for _, at := range []string{"", "/delete", "/setup", "/relaunch", "/end", "/usage.csv"} {
		if a := owner.get(path + at); a.status != http.StatusGone || a.Find("[data-testid=tombstone]").Length() != 1 {
			t.Errorf("%s: %d %s", at, a.status, a.words("h1"))
		}
	}
	again := owner.post(path+"/delete", "name", "Ada Lindqvist", "version", "2")
	if again.status != http.StatusGone || again.Find("[data-testid=certificate]").Length() != 1 {
		t.Errorf("deleted again: %d %s", again.status, again.words("h1"))
	}
	if a := owner.script("dialog").post(path+"/delete", "name", "Ada Lindqvist", "version", "2"); a.status != http.StatusNotFound || !strings.Contains(a.words("[data-testid=notice]"), "Agent not found") {
		t.Errorf("deleted again in a dialog: %d %s", a.status, a.body)
	}
}

func TestUnknownAgentsAreTombstones(t *testing.T) {
	w := newWorld(t)
	for _, id := range []string{"018f3c1e-7a2b-7c3d-8e4f-000000000007", "nobody"} {
		a := w.as(fleet.RoleViewer).get("/fleet/" + id)
		if a.status != http.StatusNotFound || a.words("[data-testid=tombstone] h1") != "No agent here" || a.Find("[data-testid=certificate]").Length() != 0 {
			t.Errorf("%s: %d %s", id, a.status, a.words("h1"))
		}
	}
}

func TestRelaunch(t *testing.T) {
	w := newWorld(t)
	id := w.agent("Ada", "assistant")
	path := "/fleet/" + string(id)
	w.end(id)
	owner := w.as(fleet.RoleOwner)
	form := owner.get(path + "/relaunch")
	if !strings.Contains(form.words("[data-testid=kept]"), "as a draft") || form.Find("[data-testid=cleared] li").Length() == 0 {
		t.Errorf("preview: %s", form.words("[data-testid=relaunch-form]"))
	}
	version, _ := form.Find("[name=version]").Attr("value")
	if a := owner.post(path+"/relaunch", "version", version, "reason", "new_account", "note", "for Jo"); a.status != http.StatusSeeOther {
		t.Errorf("relaunch: %d", a.status)
	}
	history := owner.get(path + "?tab=history").words("[data-testid=history]")
	if !strings.Contains(history, "Another account: for Jo") || !strings.Contains(history, "ended → setup needed") {
		t.Errorf("history: %s", history)
	}
}

func TestSetupKeepsWhatWasTypedButThePassword(t *testing.T) {
	w := newWorld(t)
	path := "/fleet/" + string(w.agent("Ada", "rehearsal")) + "/setup"
	a := w.as(fleet.RoleOperator).post(path, "version", "1", "login", "ada@x.example", "password", "hunter2 hunter2", "country", "France")
	if v, _ := a.Find("[name=login]").Attr("value"); a.status != http.StatusUnprocessableEntity || v != "ada@x.example" || strings.Contains(a.body, "hunter2") {
		t.Errorf("wrong country: %d %q", a.status, v)
	}
	if a := w.as(fleet.RoleOperator).post(path, "version", "1", "login", "ada@x.example", "password", "hunter2", "country", "fr"); a.header.Get("Location") != path {
		t.Errorf("set up: %d", a.status)
	}
	if a := w.as(fleet.RoleOperator).get(path); a.Find("[data-testid=setup-progress]").Length() != 1 {
		t.Errorf("progress: %d", a.status)
	}
}

func TestTasksAndMessages(t *testing.T) {
	w := newWorld(t)
	path := "/fleet/" + string(w.agent("Ada", "assistant"))
	owner := w.as(fleet.RoleOwner)
	wrong := owner.script("").post(path+"/tasks", "type", "message", "payload", "{", "dueAt", "tomorrow")
	if wrong.status != http.StatusUnprocessableEntity || wrong.Find("form[data-testid=task-form]").Length() != 1 {
		t.Errorf("wrong task: %d", wrong.status)
	}
	if a := owner.post(path+"/tasks", "type", "message", "payload", `{"to":"Jo"}`, "dueAt", "2030-01-02T09:00"); a.header.Get("Location") != path+"?tab=tasks" {
		t.Errorf("task: %d", a.status)
	}
	page := owner.get(path + "?tab=tasks")
	cancel, _ := page.Find("[data-testid=task] form").Attr("action")
	if a := owner.post(cancel); a.status != http.StatusSeeOther {
		t.Errorf("cancel: %d", a.status)
	}
	if a := owner.post(cancel); a.status != http.StatusConflict || a.Find("[data-testid=tasks]").Length() != 1 {
		t.Errorf("cancel twice: %d", a.status)
	}
	closed := owner.post(path+"/messages", "text", "hello")
	if closed.status != http.StatusBadRequest || closed.Find("[data-testid=message-form] textarea").Text() != "hello" {
		t.Errorf("message: %d", closed.status)
	}
}

func TestKeysAndSessions(t *testing.T) {
	w := newWorld(t)
	owner := w.as(fleet.RoleOwner)
	made := owner.post("/settings/keys", "name", "nightly", "scope", "read", "expires", "30")
	key := made.Find("[data-testid=new-key] code").Text()
	if made.status != 200 || !strings.HasPrefix(key, "agy_") {
		t.Fatalf("key: %d %q", made.status, key)
	}
	page := owner.get("/settings/keys")
	if strings.Contains(page.body, key) {
		t.Error("the key is shown again")
	}
	revoke, _ := page.Find("[data-testid=key] form").Attr("action")
	if a := owner.post(revoke); a.header.Get("Location") != "/settings/keys" || !strings.Contains(owner.get("/settings/keys").words("[data-testid=key]"), "revoked") {
		t.Errorf("revoke: %d", a.status)
	}
	if a := owner.post("/settings/keys", "name", "", "scope", "read"); a.status != http.StatusUnprocessableEntity || a.words("#f-name-error") == "" {
		t.Errorf("no name: %d", a.status)
	}
	if a := w.as(fleet.RoleOperator).get("/settings/keys"); a.status != 200 || a.Find("[data-testid=keys]").Length() != 0 || !strings.Contains(a.words("[data-testid=keys-closed]"), "you are an operator") {
		t.Errorf("an operator sees keys: %d %s", a.status, a.words("main"))
	}
	own, _ := owner.get("/settings/security").Find("[data-testid=session] form").Attr("action")
	if a := w.as(fleet.RoleOperator).post(own); a.status != http.StatusNotFound {
		t.Errorf("another person's session: %d", a.status)
	}
	if a := owner.post(own); a.status != http.StatusSeeOther || owner.get("/fleet").status != http.StatusSeeOther {
		t.Errorf("the session lives on: %d", a.status)
	}
}
