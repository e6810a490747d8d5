package pages_test

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"agentry/internal/app"
	"agentry/internal/fleet"
)

// proxy adds an entry to the pool.
func (w *world) proxy(line string) fleet.Proxy {
	w.t.Helper()
	out, err := w.app.AddProxies(w.t.Context(), fleet.System(w.team, "test"), app.AddProxiesInput{Text: line})
	must(w.t, err)
	return out.Added[0]
}

func (w *world) pool() []fleet.Proxy {
	w.t.Helper()
	list, _, err := w.app.Proxies(w.t.Context(), fleet.System(w.team, "test"), app.ProxyFilter{}, app.PageInput{})
	must(w.t, err)
	return list
}

// upload sends the form of many proxies as browsers do.
func (p person) upload(file string, fields ...string) answer {
	p.w.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for i := 0; i+1 < len(fields); i += 2 {
		must(p.w.t, form.WriteField(fields[i], fields[i+1]))
	}
	part, err := form.CreateFormFile("file", "proxies.csv")
	must(p.w.t, err)
	_, err = part.Write([]byte(file))
	must(p.w.t, err)
	must(p.w.t, form.Close())
	return p.do("POST", "/resources/proxies/paste", body.String(), "Content-Type", form.FormDataContentType())
}

func TestPool(t *testing.T) {
	w := newWorld(t)
	owner := w.as(fleet.RoleOwner)
	if a := owner.get("/resources/proxies"); a.Find("[data-testid=empty] a").AttrOr("href", "") != "/resources/proxies/paste" {
		t.Errorf("empty: %s", a.words("main"))
	}
	w.proxy("socks5://zaphod:hunter2@gate.example:1080,GB,London <1>,5")
	a := owner.get("/resources/proxies")
	row := a.words("[data-testid=proxy]")
	for _, want := range []string{"London <1>", "socks5://gate.example:1080", "GB", "0 of 5", "not checked", "never checked", "Check", "Edit", "Switch off", "Delete"} {
		if !strings.Contains(row, want) {
			t.Errorf("no %q in %s", want, row)
		}
	}
	if strings.Contains(a.body, "zaphod") || strings.Contains(a.body, "hunter2") {
		t.Error("the page shows who is let in")
	}
	if got := a.words("nav.tabs"); got != "Ledger Proxy pool 1" {
		t.Errorf("tabs: %s", got)
	}
	for health, want := range map[string]int{"unknown": 1, "healthy": 0, "quarantined": 0} {
		if n := owner.get("/resources/proxies?health=" + health).Find("[data-testid=proxy]").Length(); n != want {
			t.Errorf("%s: %d rows", health, n)
		}
	}
	if a := owner.get("/resources/proxies?health=odd"); a.status != http.StatusBadRequest {
		t.Errorf("odd health: %d", a.status)
	}
	if n := w.as(fleet.RoleViewer).get("/resources/proxies").Find("main form, main button, [data-testid=add-proxies]").Length(); n != 0 {
		t.Errorf("a viewer is offered %d things", n)
	}
	operator := w.as(fleet.RoleOperator).get("/resources/proxies")
	if operator.Find("[data-testid=check]").AttrOr("aria-disabled", "no") != "no" || operator.Find("[data-testid=edit] .hint").Text() != "Needs an admin; you are an operator" {
		t.Error("an operator cannot check, or can edit")
	}
}

func TestAddOneProxy(t *testing.T) {
	w := newWorld(t)
	owner := w.as(fleet.RoleOwner)
	wrong := owner.post("/resources/proxies/new", "scheme", "socks5", "host", "gate.example", "port", "70000", "username", "zaphod", "password", "hunter2", "country", "GB")
	if wrong.status != http.StatusUnprocessableEntity || wrong.words("#f-port-error") == "" || wrong.Find("[name=username]").AttrOr("value", "") != "zaphod" ||
		wrong.words("[name=scheme] option[selected]") != "socks5" {
		t.Errorf("wrong port: %d %s", wrong.status, wrong.words("[data-testid=proxy-form]"))
	}
	if strings.Contains(wrong.body, "hunter2") {
		t.Error("the password comes back")
	}
	done := owner.post("/resources/proxies/new", "scheme", "http", "host", "gate.example", "port", "7000", "country", "gb", "username", "zaphod-{sid}", "password", "hunter2")
	if done.status != http.StatusSeeOther || done.header.Get("Location") != "/resources/proxies?added=1&there=0" {
		t.Fatalf("added: %d %s %s", done.status, done.header.Get("Location"), done.words("[data-testid=notice]"))
	}
	if got := owner.get(done.header.Get("Location")).words("[data-testid=notice]"); got != "1 proxy added. Each is checked now by a request through it." {
		t.Errorf("notice: %s", got)
	}
	p := w.pool()[0]
	if p.Label != "gate.example:7000" || p.Country != "GB" || p.Capacity != 100 || !p.HasPassword {
		t.Errorf("%+v", p)
	}
	twice := owner.post("/resources/proxies/new", "scheme", "http", "host", "gate.example", "port", "7000", "country", "GB", "username", "zaphod-{sid}")
	if twice.status != http.StatusConflict || !strings.Contains(twice.words("[data-testid=notice]"), "already") {
		t.Errorf("twice: %d %s", twice.status, twice.words("[data-testid=notice]"))
	}
}

func TestPasteProxies(t *testing.T) {
	w := newWorld(t)
	owner := w.as(fleet.RoleOwner)
	const text = "a.example:1:zaphod:hunter2\r\nnonsense\r\nb.example:2,Britain\r\n"
	wrong := owner.upload("", "text", text, "country", "GB", "capacity", "3")
	if got := wrong.words("[data-testid=wrong-lines]"); wrong.status != http.StatusUnprocessableEntity || !strings.HasPrefix(got, "Line 2 must be scheme://") || !strings.Contains(got, "Line 3 country: must be") {
		t.Errorf("lines: %d %s", wrong.status, got)
	}
	if got := wrong.words("[data-testid=notice]"); !strings.HasPrefix(got, "This was not done 2 of 3 lines are wrong, and nothing was added.Mend these lines") || strings.Contains(got, "Line 2") {
		t.Errorf("notice: %s", got)
	}
	if got := wrong.Find("textarea").Text(); got != strings.ReplaceAll(text, "\r\n", "\n") || wrong.header.Get("Cache-Control") != "no-store" {
		t.Errorf("the text is %q, kept %s", got, wrong.header.Get("Cache-Control"))
	}
	if len(w.pool()) != 0 {
		t.Error("something was added")
	}
	if wrong.Find("[name=country]").AttrOr("value", "") != "GB" || wrong.Find("[name=capacity]").AttrOr("value", "") != "3" {
		t.Error("country or capacity are gone")
	}
	if a := owner.get("/resources/proxies/paste"); strings.TrimSpace(a.Find("textarea").Text()) != "" {
		t.Error("the text was kept")
	}
	done := owner.upload("host,port,username,password\nc.example,3,u,p\nd.example,4,u,p\n", "country", "FR", "capacity", "2")
	if done.status != http.StatusSeeOther || done.header.Get("Location") != "/resources/proxies?added=2&there=0" {
		t.Fatalf("file: %d %s %s", done.status, done.header.Get("Location"), done.words("main"))
	}
	if p := w.pool()[0]; p.Country != "FR" || p.Capacity != 2 {
		t.Errorf("%+v", p)
	}
	// Without a file, as a script may send it, and with what is there already.
	done = owner.post("/resources/proxies/paste", "text", "c.example:3:u:p\ne.example:5,DE,,7", "country", "FR")
	if got := done.header.Get("Location"); got != "/resources/proxies?added=1&there=1" {
		t.Errorf("typed: %d %s", done.status, got)
	}
	if got := owner.get("/resources/proxies?added=1&there=1").words("[data-testid=notice]"); !strings.HasPrefix(got, "1 proxy added, 1 was there already.") {
		t.Errorf("notice: %s", got)
	}
	for name, a := range map[string]answer{
		"nothing": owner.upload("", "text", " \n"), "spreadsheet": owner.upload("PK\x03\x04\xff\xfe"),
		"capacity": owner.upload("f.example:1,GB", "capacity", "many"),
	} {
		if a.status != http.StatusUnprocessableEntity || strings.TrimSpace(a.words(".error")) == "" {
			t.Errorf("%s: %d %s", name, a.status, a.words("main"))
		}
	}
	many := owner.upload(strings.Repeat("nonsense\n", 60), "country", "GB")
	if got := many.Find("[data-testid=wrong-lines] li").Length(); got != 51 || !strings.HasSuffix(many.words("[data-testid=wrong-lines]"), "and 10 more") {
		t.Errorf("%d lines of 60: %s", got, many.words("[data-testid=wrong-lines] li:last-child"))
	}
}

func TestChangeAProxy(t *testing.T) {
	w := newWorld(t)
	owner := w.as(fleet.RoleOwner)
	path := "/resources/proxies/" + w.proxy("http://zaphod:hunter2@gate.example:7000,GB,London").ID
	now := func() fleet.Proxy { return w.pool()[0] }
	form := owner.get(path + "/edit")
	fields := func(more ...string) []string {
		f := []string{"version", form.Find("[name=version]").AttrOr("value", "")}
		for _, name := range []string{"host", "port", "username", "country", "capacity", "label", "sessionTtlMin"} {
			f = append(f, name, form.Find("[name="+name+"]").AttrOr("value", ""))
		}
		f = append(f, "scheme", form.Find("[name=scheme] [selected]").AttrOr("value", ""), "ipMode", form.Find("[name=ipMode] [selected]").AttrOr("value", ""))
		for i := 0; i+1 < len(more); i += 2 {
			for j := 0; j < len(f); j += 2 {
				if f[j] == more[i] {
					f = append(f[:j], f[j+2:]...)
				}
			}
		}
		return append(f, more...)
	}
	if form.Find("[name=password]").AttrOr("value", "") != "" || strings.Contains(form.body, "hunter2") {
		t.Error("the form shows the password")
	}
	if a := owner.post(path+"/edit", fields("label", "Leeds")...); a.status != http.StatusSeeOther || a.header.Get("Location") != "/resources/proxies" {
		t.Fatalf("edit: %d %s", a.status, a.words("main"))
	}
	if p := now(); p.Label != "Leeds" || !p.HasPassword || p.Username != "zaphod" || p.Capacity != 1 {
		t.Errorf("edited: %+v", p)
	}
	stale := owner.post(path+"/edit", fields("label", "Mine")...)
	if stale.status != http.StatusPreconditionFailed || stale.Find("[name=label]").AttrOr("value", "") != "Mine" || stale.Find("[name=version]").AttrOr("value", "") != "2" {
		t.Errorf("stale: %d %s", stale.status, stale.words("[data-testid=notice]"))
	}
	form = owner.get(path + "/edit")
	owner.post(path+"/edit", fields("noPassword", "1", "username", "")...)
	if now().HasPassword {
		t.Error("the password is still there")
	}
	owner.post(path + "/disable")
	if a := owner.get("/resources/proxies"); now().Enabled || !strings.Contains(a.words("[data-testid=proxy]"), "switched off") || a.Find("[data-testid=enable]").Length() != 1 {
		t.Error("it is not switched off")
	}
	if a := owner.script("dialog").post(path + "/enable"); a.status != http.StatusNoContent || !now().Enabled {
		t.Errorf("enable: %d", a.status)
	}
	if a := w.as(fleet.RoleOperator).post(path + "/check"); a.status != http.StatusSeeOther {
		t.Errorf("check: %d %s", a.status, a.words("main"))
	}
	held := w.resource(w.agent("Ada", "rehearsal"), fleet.ResourceProxy, fleet.ResourceHeld, func(r *fleet.Resource) { r.ProxyID = now().ID })
	used := owner.get("/resources/proxies")
	if why := used.Find("[data-testid=delete] .hint").Text(); !strings.HasPrefix(why, "1 agent uses it") || !strings.Contains(used.words("[data-testid=proxy]"), "1 of 1") {
		t.Errorf("in use by %s: %q", held.ID, why)
	}
	if a := owner.post(path + "/delete"); a.status != http.StatusConflict || !strings.Contains(a.words("[data-testid=proxy-delete-form]"), "1 agent uses") || a.Find("[data-testid=confirm]").Length() != 0 {
		t.Errorf("deleted in use: %d %s", a.status, a.words("main"))
	}
}

func TestDeleteAProxy(t *testing.T) {
	w := newWorld(t)
	owner := w.as(fleet.RoleOwner)
	path := "/resources/proxies/" + w.proxy("gate.example:7000,GB,London").ID
	if a := owner.script("dialog").get(path + "/delete"); a.Find("[data-testid=proxy-delete-form] [data-testid=confirm]").Length() != 1 || strings.Contains(a.body, "<html lang") {
		t.Errorf("dialog: %d %s", a.status, a.body)
	}
	if a := owner.post(path + "/delete"); a.status != http.StatusSeeOther || len(w.pool()) != 0 {
		t.Errorf("delete: %d", a.status)
	}
	if a := owner.get(path + "/edit"); a.status != http.StatusNotFound {
		t.Errorf("gone: %d", a.status)
	}
}
