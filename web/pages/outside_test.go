package pages_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/internal/resource/fake"
	"agentry/internal/resource/gologin"
	"agentry/internal/store"
)

func TestVendorCard(t *testing.T) {
	vendor, err := fake.NewGoLogin(fake.Options{})
	must(t, err)
	t.Cleanup(func() { must(t, vendor.Close(context.Background())) })
	token := vendor.Token()
	client, err := gologin.New(gologin.Config{Base: vendor.URL(), Token: func() (string, error) { return token, nil }, StandIn: true})
	must(t, err)
	w := worldWith(t, func(c *app.Config) { c.Profiles = client })
	owner := w.as(fleet.RoleOwner)
	card := func() string { return owner.get("/resources").words("[data-testid=vendor]") }
	if got := card(); !strings.HasPrefix(got, "GoLogin stand-inanswersAn imitation on this machine") {
		t.Errorf("at first: %s", got)
	}
	vendor.Reissue() // the server's token is worth nothing now
	if a := owner.post("/resources/vendors/gologin/check"); a.status != http.StatusSeeOther || !strings.Contains(card(), "being asked") {
		t.Errorf("check: %d, %s", a.status, card())
	}
	must(t, w.app.WorkVendorCheck(t.Context(), "gologin"))
	got := card()
	for _, want := range []string{"is not asked any more since", "401", "The host replaces the token", "then check again.An imitation", "Check again"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in %s", want, got)
		}
	}
	operator := w.as(fleet.RoleOperator).get("/resources")
	if why := operator.Find("[data-testid=check-vendor]").AttrOr("data-why", ""); why != "Needs an admin; you are an operator" {
		t.Errorf("an operator: %q", why)
	}
	if a := w.as(fleet.RoleViewer).get("/resources"); a.Find("[data-testid=vendor]").Length() != 1 || a.Find("[data-testid=check-vendor]").Length() != 0 {
		t.Error("a viewer does not see the vendor, or may check it")
	}
	dialogsNameWhatIsReleased(t, w)
}

// dialogsNameWhatIsReleased where the vendor is not asked: what is there waits,
// and the act does not.
func dialogsNameWhatIsReleased(t *testing.T, w *world) {
	t.Helper()
	owner := w.as(fleet.RoleOwner)
	ada := w.agent("Ada", "rehearsal")
	w.end(ada)
	w.resource(ada, fleet.ResourceProfile, fleet.ResourceHeld, func(r *fleet.Resource) { r.ExternalID = "64f0c0ffee64f0c0ffee64f0" })
	path := "/fleet/" + string(ada)
	for dialog, end := range map[string]string{"/relaunch": "The relaunch does not wait for it.", "/delete": "The agent goes at once."} {
		a := owner.get(path + dialog)
		if got := a.words("[data-testid=released] li"); got != "1 browser profile (GoLogin)" {
			t.Errorf("%s releases %q", dialog, got)
		}
		if got := a.words("[data-testid=release-note]"); !strings.HasPrefix(got, "GoLogin is not asked now") || !strings.HasSuffix(got, end) {
			t.Errorf("%s says %q", dialog, got)
		}
	}
	done := owner.post(path+"/delete", "version", owner.get(path+"/delete").Find("[name=version]").AttrOr("value", ""), "name", "Ada")
	for _, place := range []string{done.header.Get("Location"), path} {
		if got := owner.get(place).words("[data-testid=released] tbody"); !strings.HasPrefix(got, "browser profile (GoLogin)") || !strings.Contains(got, "being released") {
			t.Errorf("%s: released %q", place, got)
		}
	}
}

func TestAgentShowsItsResources(t *testing.T) {
	w := newWorld(t)
	owner := w.as(fleet.RoleOwner)
	ada := w.agent("Ada", "rehearsal")
	path := "/fleet/" + string(ada)
	if a := owner.get(path + "?tab=resources"); a.Find("[data-testid=empty]").Length() != 1 {
		t.Error("no empty tab")
	}
	w.resource(ada, fleet.ResourceProfile, fleet.ResourceReleased, func(r *fleet.Resource) { r.HeldAt = r.CreatedAt })
	w.resource(ada, fleet.ResourceProxy, fleet.ResourceHeld, func(r *fleet.Resource) { r.Incarnation = 2 })
	stuck := w.resource(ada, fleet.ResourceProfile, fleet.ResourceAcquiring, failed("No answer"), func(r *fleet.Resource) { r.Incarnation = 2 })
	a := owner.get(path + "?tab=resources")
	rows := a.Find("[data-testid=resource]")
	if rows.Length() != 3 || rows.First().AttrOr("data-id", "") != stuck.ID || !strings.Contains(rows.Last().Text(), "incarnation 1") {
		t.Errorf("%d rows: %s", rows.Length(), a.words("[data-testid=resources]"))
	}
	var here []string
	for _, s := range a.Find(".track [aria-current=step]").EachIter() {
		here = append(here, strings.Join(strings.Fields(s.Text()), " "))
	}
	if got := strings.Join(here, ", "); got != "acquiring 1 h ago, held 1 h ago, released 1 h ago" {
		t.Errorf("the timelines are at %s", got)
	}
	retried := owner.do("POST", "/resources/"+stuck.ID+"/retry", "", "Referer", w.url+path+"?tab=resources")
	if to := retried.header.Get("Location"); retried.status != http.StatusSeeOther || to != path+"?tab=resources" {
		t.Errorf("retry leads to %s", to)
	}
	overview := owner.get(path)
	if got := overview.words("[data-testid=has-proxy]"); got != "GB, decodo-gb-1" {
		t.Errorf("the proxy reads %q", got)
	}
	if got := overview.words("[data-testid=has-profile]"); got != "GoLogin acquiring" {
		t.Errorf("the profile reads %q", got)
	}
	part := owner.script("tab-live").get(path + "?tab=resources")
	if part.Find("#tab-live").Length() != 1 || strings.Contains(part.body, "<html lang") {
		t.Error("the tab alone is not answered to htmx")
	}
}

// setUp is an agent that waits for a profile and a proxy, with the path of its
// progress.
func (w *world) setUp() (path string, profile, proxy fleet.Resource) {
	w.t.Helper()
	ada := w.agent("Ada", "rehearsal")
	path = "/fleet/" + string(ada) + "/setup"
	a := w.as(fleet.RoleOwner).post(path, "version", "1", "login", "ada@northwind.example", "password", "p", "country", "GB")
	if a.status != http.StatusSeeOther {
		w.t.Fatalf("setup: %d %s", a.status, a.words("main"))
	}
	return path, w.resource(ada, fleet.ResourceProfile, fleet.ResourceWanted), w.resource(ada, fleet.ResourceProxy, fleet.ResourceAcquiring)
}

func (w *world) save(r fleet.Resource) {
	w.t.Helper()
	must(w.t, w.store.Write(context.Background(), func(tx *store.Tx) error {
		was := r.Turn
		r.Turn++
		ok, err := tx.SaveResource(r, was)
		if !ok {
			w.t.Error("not saved")
		}
		return err
	}))
}

// steps looks at what the progress says of everything behind the credentials.
func (w *world) steps(path string, want ...string) {
	w.t.Helper()
	var got []string
	for _, s := range w.as(fleet.RoleOwner).get(path).Find("[data-testid=step]").EachIter() {
		got = append(got, strings.Join(strings.Fields(s.Text()), " "))
	}
	if strings.Join(got[1:], "; ") != strings.Join(want, "; ") {
		w.t.Errorf("steps: %q, want %q", got[1:], want)
	}
}

func TestSetupSaysWhatIsMadeOutside(t *testing.T) {
	w := newWorld(t)
	owner := w.as(fleet.RoleOwner)
	path, profile, proxy := w.setUp()
	w.steps(path, "being checkedProxy in GB decodo-gb-1", "to doBrowser profile When the proxy is ready", "to doProgram started", "to doSigned in", "to doRunning")
	a := owner.get(path)
	if got := a.words("h1"); got != "Ada is being prepared" {
		t.Errorf("title: %s", got)
	}
	if got := a.words("[data-testid=setup-progress] .fine"); !strings.HasPrefix(got, "Given up in 9 min when nothing is heard") {
		t.Errorf("deadline: %s", got)
	}
	proxy.State, proxy.NextTry = fleet.ResourceHeld, time.Time{}
	w.save(proxy)
	profile.State, profile.NextTry = fleet.ResourceAcquiring, w.app.Now()
	w.save(profile)
	w.steps(path, "readyProxy in GB decodo-gb-1", "being madeBrowser profile GoLogin", "to doProgram started", "to doSigned in", "to doRunning")
}

func TestSetupSaysWhatFailsOutside(t *testing.T) {
	w := newWorld(t)
	owner := w.as(fleet.RoleOwner)
	path, _, proxy := w.setUp()
	proxy.LastError, proxy.Tries, proxy.NextTry = "The exit is in <FR>", 2, w.app.Now().Add(2*time.Minute)
	w.save(proxy)
	a := owner.get(path)
	if got := a.words("[data-testid=step][data-state=failed]"); got != "failedProxy in GB The exit is in <FR>. next try in 1 minRetry the proxy" {
		t.Errorf("failed: %s", got)
	}
	if got := a.words("[data-testid=notice]"); !strings.Contains(got, "Retry it now, or end the agent") || a.Find("[data-testid=end]").AttrOr("href", "") != strings.Replace(path, "/setup", "/end", 1) {
		t.Errorf("notice: %s", got)
	}
	if w.as(fleet.RoleViewer).get(path).Find("main form, [data-testid=end]").Length() != 0 {
		t.Error("a viewer can retry or end")
	}
	retried := owner.do("POST", "/resources/"+proxy.ID+"/retry", "", "Referer", w.url+path)
	if to := retried.header.Get("Location"); to != path {
		t.Errorf("retry leads to %s", to)
	}
}
