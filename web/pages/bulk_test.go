package pages_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"agentry/internal/app"
	"agentry/internal/fleet"
)

// crashed makes agents that ended in a crash loop and were relaunched before
// as often as said.
func crashed(t *testing.T, a *app.App, team fleet.TeamID, name string, relaunches int) fleet.AgentID {
	t.Helper()
	ctx, by := t.Context(), fleet.System(team, "test")
	v, err := a.Create(ctx, by, app.CreateInput{Name: name, Kind: "assistant"})
	must(t, err)
	for n := 0; ; n++ {
		crash(t, a, by, v.ID)
		if n == relaunches {
			return v.ID
		}
		_, err := a.Relaunch(ctx, by, v.ID, app.ReasonInput{})
		must(t, err)
	}
}

// crash starts an agent whose program ends until it is given up.
func crash(t *testing.T, a *app.App, by fleet.Actor, id fleet.AgentID) {
	t.Helper()
	seen := make(chan struct{})
	go func() {
		defer close(seen)
		_, _ = a.Start(t.Context(), by, id, app.StartInput{}) // waits for what is observed
	}()
	tick, deadline := time.NewTicker(2*time.Millisecond), time.After(patience)
	defer tick.Stop()
	for status := fleet.Status(""); status != fleet.Running; {
		v, err := a.Agent(t.Context(), by, id)
		must(t, err)
		status = v.Status
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("the start was not stored")
		}
	}
	spec, _, _, err := a.BeginRun(t.Context(), id)
	must(t, err)
	for range fleet.DefaultRestart().GiveUpAfter {
		must(t, a.RunExited(t.Context(), spec.Run, app.RunExit{Text: "exit 1"}))
	}
	<-seen
}

// work does all of a bulk, as the worker would.
func (w *world) work(path string) {
	w.t.Helper()
	for again := 1; again > 0; {
		d, err := w.app.WorkBulk(w.t.Context(), strings.TrimPrefix(path, "/bulk/"))
		must(w.t, err)
		again = int(d)
	}
}

// confirmed are the fields of the page before a bulk, with others instead:
// pairs of name and value.
func (a answer) confirmed(pairs ...string) (fields []string) {
	a.Find("[data-testid=bulk-form]").Find("input,textarea").Each(func(_ int, s *goquery.Selection) {
		name, value := s.AttrOr("name", ""), s.AttrOr("value", s.Text())
		for i := 0; i+1 < len(pairs); i += 2 {
			if pairs[i] == name {
				return
			}
		}
		fields = append(fields, name, value)
	})
	return append(fields, pairs...)
}

// A bulk without a script: the page before it says what is done and what is
// skipped and why, and changes nothing; when the facts move the new ones are
// shown; what failed stands first and is retried alone.
func TestBulkWithoutAScript(t *testing.T) {
	w := newWorld(t)
	operator := w.as(fleet.RoleOperator)
	good, moving, held := w.agent("Good", "assistant"), w.agent("Moving", "assistant"), crashed(t, w.app, w.team, "Held", 2)
	w.end(good)
	w.end(moving)
	guarded, idle := w.agent("Guarded", "assistant"), w.agent("Idle", "assistant")
	w.end(guarded)
	_, err := w.app.Protect(t.Context(), fleet.System(w.team, "test"), guarded, app.ReasonInput{Reason: "pilot"})
	must(t, err)

	list := operator.get("/fleet?status=ended")
	if n := list.Find(`.agents [name=ids][form=bulk]`).Length(); n != 4 || list.Find("#bulk select option").Length() != 8 {
		t.Fatalf("%d agents can be chosen", n)
	}
	chosen := []string{"action", "relaunch", "status", "ended"}
	for _, id := range []fleet.AgentID{good, moving, held, guarded, idle} {
		chosen = append(chosen, "ids", string(id))
	}
	before := operator.post("/bulk/new", chosen...)
	if before.status != 200 || before.words("h1") != "Relaunch 3 agents?" || before.words("[data-testid=will] h2") != "3 of 5 chosen agents" {
		t.Fatalf("%d %s", before.status, before.words("main"))
	}
	if got := before.words("[data-testid=skips]"); !strings.Contains(got, "2 skipped") || !strings.Contains(got, "1 · status: Agent can only be relaunched once it has ended (\u2068Idle\u2069)") || !strings.Contains(got, "1 · protected") {
		t.Errorf("skipped: %q", got)
	}
	if back := before.Find("footer a").AttrOr("href", ""); back != "/fleet?status=ended" {
		t.Errorf("cancel leads to %s", back)
	}
	if p, _, err := w.app.Bulks(t.Context(), fleet.System(w.team, "test"), app.PageInput{}); err != nil || len(p) != 0 {
		t.Errorf("the preview began %v (%v)", p, err)
	}

	_, err = w.app.Relaunch(t.Context(), fleet.System(w.team, "test"), moving, app.ReasonInput{})
	must(t, err)
	again := operator.post("/bulk", before.confirmed("reason", "spring")...)
	if again.status != http.StatusPreconditionFailed || again.words("h1") != "Relaunch 2 agents?" || !strings.Contains(again.words("[data-testid=notice]"), "new counts") || again.words("textarea") != "spring" {
		t.Errorf("after a move: %d %s", again.status, again.words("main"))
	}
	if a := operator.post("/bulk", again.confirmed("perMinute", "9000")...); a.status != http.StatusUnprocessableEntity || a.words(".error") == "" || a.Find("[name=perMinute]").AttrOr("value", "") != "9000" {
		t.Errorf("a wrong rate: %d %s", a.status, a.words("main"))
	}
	begun := operator.post("/bulk", again.confirmed("reason", "", "perMinute", "6000")...)
	path := begun.header.Get("Location")
	if begun.status != http.StatusSeeOther || !strings.HasPrefix(path, "/bulk/") {
		t.Fatalf("%d %s", begun.status, begun.words("main"))
	}
	running := operator.get(path)
	if running.Find("[data-testid=bulk]").AttrOr("data-state", "") != "running" || running.Find("[data-testid=bulk-stop]").Length() != 1 || running.words("a.no-js") != "Refresh" {
		t.Errorf("while it runs: %s", running.words("main"))
	}
	w.work(path)
	w.partial(path)

	retry := operator.get(path + "/retry")
	if retry.words("h1") != "Relaunch 1 agent?" {
		t.Errorf("the retry asks %q", retry.words("h1"))
	}
	next := operator.post(path+"/retry", retry.confirmed("reason", "the cause is mended")...)
	w.work(next.header.Get("Location"))
	whole := operator.get(next.header.Get("Location"))
	if got := whole.words("[data-testid=notice]"); got != "DoneThe agent was relaunched." && got != "Done The agent was relaunched." || whole.Find("[data-testid=bulk-retry]").Length() != 0 {
		t.Errorf("after the retry: %s", whole.words("main"))
	}
	if got := operator.get("/bulk"); got.Find("[data-testid=bulk-row]").Length() != 2 || !strings.Contains(got.words("[data-testid=bulk-row]"), "1 failed") {
		t.Errorf("the list: %s", got.words("main"))
	}
}

// partial looks at a bulk of five of which one failed.
func (w *world) partial(path string) {
	t, viewer := w.t, w.as(fleet.RoleViewer)
	a := viewer.get(path)
	if got := a.words("[data-testid=notice]"); !strings.HasPrefix(got, "Done in part: 1 of 5 failed") || !a.Find("[data-testid=notice]").HasClass("bad") {
		t.Errorf("the result reads %q", got)
	}
	if first := a.Find("[data-testid=bulk-item]").First(); first.AttrOr("data-outcome", "") != "failed" || !strings.Contains(first.Text(), "say in a reason why it will be different now") {
		t.Errorf("the first agent: %s", first.Text())
	}
	if a.Find("[data-testid=bulk-item]").Length() != 5 || a.Find("[data-testid=bulk-retry],[data-testid=bulk-stop]").Length() != 0 {
		t.Errorf("a viewer sees %s", a.words("main"))
	}
	for show, n := range map[string]int{"failed": 1, "skipped": 3, "done": 1, "pending": 0} {
		if a := viewer.get(path + "?show=" + show); a.Find("[data-testid=bulk-item]").Length() != n || n == 0 && a.words(".empty") == "" {
			t.Errorf("%s has %s", show, a.words("#bulk-items"))
		}
	}
	if a := viewer.get(path + "?show=odd"); a.status != http.StatusBadRequest {
		t.Errorf("an outcome that is none: %d", a.status)
	}
	if part := viewer.script("bulk-top").get(path); part.Find("#bulk-top").Length() != 1 || part.Find("#bulk-items,.top").Length() != 0 {
		t.Errorf("the live part: %s", part.body)
	}
	if a := w.as(fleet.RoleOperator).get(path); a.words("[data-testid=bulk-retry]") != "Retry only the failed (1)" {
		t.Errorf("an operator is offered %q", a.words("[data-testid=bulk-retry]"))
	}
}

// All that match a filter are deleted by who may, after the words that say how
// many; nobody else.
func TestBulkDeleteOfAllMatching(t *testing.T) {
	w := newWorld(t)
	for i := range 60 {
		w.end(w.agent(fmt.Sprintf("Old %02d", i), "assistant"))
	}
	w.end(w.agent("Young", "assistant"))
	admin, operator := w.as(fleet.RoleAdmin), w.as(fleet.RoleOperator)
	asked := []string{"action", "delete", "all", "1", "status", "ended", "q", "Old"}
	if a := operator.post("/bulk/new", asked...); a.Find("[data-testid=confirm]").Length() != 0 || !strings.Contains(a.words("[data-testid=skips]"), "60 · no right") {
		t.Errorf("an operator is offered %s", a.words("main"))
	}
	if a := operator.post("/bulk", asked...); a.status != http.StatusForbidden {
		t.Errorf("an operator began a delete: %d", a.status)
	}
	before := admin.post("/bulk/new", asked...)
	if before.words("h1") != "Delete 60 agents?" || before.Find("form[data-match]").AttrOr("data-match", "") != "delete 60 agents" || before.Find("[name=ids]").Length() != 0 {
		t.Fatalf("the page: %s", before.words("main"))
	}
	if names := before.words("[data-testid=names]"); !strings.HasPrefix(names, "All 60 by name") || strings.Count(names, "Old ") != 60 {
		t.Errorf("it names %s", names)
	}
	for _, typed := range []string{"", "delete 59 agents", "DELETE 60 AGENTS"} {
		if a := admin.post("/bulk", before.confirmed("confirm", typed)...); a.status != http.StatusUnprocessableEntity || !strings.Contains(a.words("#f-confirm-error"), "delete 60 agents") {
			t.Errorf("typed %q: %d %s", typed, a.status, a.words("main"))
		}
	}
	begun := admin.post("/bulk", before.confirmed("confirm", "delete 60 agents", "perMinute", "6000")...)
	path := begun.header.Get("Location")
	if a := admin.get(path); !strings.Contains(a.words("[data-testid=bulk-says]"), "canary") {
		t.Errorf("it begins with %q", a.words("[data-testid=bulk-says]"))
	}
	w.work(path)
	a := admin.get(path)
	if !strings.Contains(a.words("[data-testid=notice]"), "All 60 agents were deleted.") || a.Find("[data-testid=bulk-item]").Length() != 50 || a.words("[data-testid=range]") != "1–50 of 60" {
		t.Errorf("done: %s", a.words("main"))
	}
	rest := admin.get(a.Find("a[rel=next]").AttrOr("href", ""))
	if rest.Find("[data-testid=bulk-item]").Length() != 10 || rest.words("[data-testid=range]") != "51–60 of 60" || strings.Contains(rest.body, "Old ") {
		t.Errorf("the second page: %s", rest.words("#bulk-items"))
	}
	if p, err := w.app.Agents(t.Context(), fleet.System(w.team, "test"), app.ListInput{}); err != nil || p.Total != 1 {
		t.Errorf("%d agents are left (%v)", p.Total, err)
	}
}

// Tags are named first; what changes nothing is skipped. It can be stopped.
func TestBulkTagsAndStop(t *testing.T) {
	w := newWorld(t)
	operator := w.as(fleet.RoleOperator)
	var chosen []string
	for i := range 30 {
		chosen = append(chosen, "ids", string(w.agent(fmt.Sprintf("Agent %d", i), "assistant")))
	}
	which := operator.post("/bulk/new", append(chosen, "action", "tag")...)
	if which.words("h1") != "Which tags?" || which.Find("form").Last().AttrOr("action", "") == "/bulk" {
		t.Fatalf("first: %s", which.words("main"))
	}
	before := operator.post("/bulk/new", which.confirmed("addTags", "vip, spring")...)
	if before.words("h1") != "Tag 30 agents?" {
		t.Fatalf("then: %s", before.words("main"))
	}
	path := operator.post("/bulk", before.confirmed()...).header.Get("Location")
	if a := w.as(fleet.RoleViewer).post(path + "/stop"); a.status != http.StatusForbidden {
		t.Errorf("a viewer stopped it: %d", a.status)
	}
	if a := operator.post(path + "/stop"); a.status != http.StatusSeeOther || a.header.Get("Location") != path {
		t.Errorf("stop: %d", a.status)
	}
	w.work(path)
	stopped := operator.get(path)
	if got := stopped.words("[data-testid=notice]"); !strings.HasPrefix(got, "Stopped by operator") || !strings.Contains(got, "30 not touched") {
		t.Errorf("stopped: %q", got)
	}
	// Nothing waits any more.
	if got := stopped.words("#bulk-items"); !strings.Contains(got, "Not touched 30") || strings.Contains(strings.ToLower(got), "waiting") {
		t.Errorf("its agents: %q", got)
	}
}

// What the bar sends by mistake is said, and viewers have no bar.
func TestBulkBar(t *testing.T) {
	w := newWorld(t)
	id := string(w.agent("Ada", "assistant"))
	if a := w.as(fleet.RoleViewer).get("/fleet"); a.Find("[name=ids],#bulk,[data-page]").Length() != 0 || a.Find("[data-testid=row] td").Length() != 6 {
		t.Error("a viewer can choose agents")
	}
	operator := w.as(fleet.RoleOperator)
	bar := operator.get("/fleet?q=Ada&sort=name").Find("#bulk")
	if why := bar.Find("button[value=delete]").Text(); !strings.Contains(why, "needs an admin") || bar.AttrOr("data-list", "") != "/fleet?q=Ada&sort=name" || bar.AttrOr("data-total", "") != "1" {
		t.Errorf("delete says %q; %s", why, bar.AttrOr("data-list", ""))
	}
	if row := operator.row(fleet.AgentID(id)); row.Find(`[name=ids][value="`+id+`"]`).Length() != 1 {
		t.Error("a row that was fetched again cannot be chosen")
	}
	for _, c := range []struct{ says, fields string }{
		{"Nothing is chosen", "action=pause"}, {"Choose what to do", "ids=" + id + "&action="}, {"Choose what to do", "ids=" + id + "&action=dance"},
		{"must be ids of agents", "ids=x&action=pause"}, {"must be one of the statuses", "all=1&action=pause&status=gone"},
	} {
		if a := operator.do("POST", "/bulk/new", c.fields); a.status != http.StatusBadRequest || !strings.Contains(a.words("main"), c.says) {
			t.Errorf("%s: %d %s", c.fields, a.status, a.words("main"))
		}
	}
	// A button that was pressed counts more than what the list had.
	if a := operator.do("POST", "/bulk/new", "ids="+id+"&action=pause&action=end"); a.words("h1") != "End 1 agent?" {
		t.Errorf("asked %q", a.words("h1"))
	}
	if a := operator.get("/bulk/" + id); a.status != http.StatusNotFound {
		t.Errorf("no bulk: %d", a.status)
	}
	if a := operator.get("/bulk"); a.Find(".empty a").AttrOr("href", "") != "/fleet" {
		t.Errorf("an empty list says %q", a.words("main"))
	}
}

// A search that is longer than anything that could be found is refused in words.
func TestBulkOfALongSearch(t *testing.T) {
	w := newWorld(t)
	w.agent("Ada", "assistant")
	for _, path := range []string{"/bulk/new", "/bulk"} {
		a := w.as(fleet.RoleOperator).post(path, "action", "pause", "all", "1", "q", strings.Repeat("%x", 30_000), "total", "1", "will", "1")
		if a.status != http.StatusBadRequest && a.status != http.StatusUnprocessableEntity || !strings.Contains(a.words("main"), "too long") {
			t.Errorf("%s: %d %s", path, a.status, a.words("main"))
		}
	}
}
