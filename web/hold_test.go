package web

import (
	"strings"
	"testing"

	"agentry/internal/app"
	"agentry/internal/fleet"
)

// crash starts the agent and has its program end until it is given up.
func (w *world) crash(id fleet.AgentID) {
	w.t.Helper()
	_, err := w.app.Start(w.t.Context(), w.actor(), id, app.StartInput{})
	must(w.t, err)
	w.runner.tokenOf(id) // it is begun
	w.runner.mu.Lock()
	run := w.runner.runs[id]
	w.runner.mu.Unlock()
	for range fleet.DefaultRestart().GiveUpAfter {
		must(w.t, w.app.RunExited(w.t.Context(), run, app.RunExit{Text: "exit 1", Output: []string{"starting", "boom <at> line 7"}}))
	}
}

// An agent that keeps ending shows what its program wrote last; its third
// relaunch in a week says that it needs a reason, refuses without and goes with.
func TestAHeldRelaunch(t *testing.T) {
	w := newWorld(t)
	w.signIn()
	owner := "Cookie: " + w.cookies[fleet.RoleOwner]
	id := w.agent("assistant", fleet.SetupNeeded)
	key, page, v1 := w.keys[fleet.ScopeOperate], "/fleet/"+string(id), "/v1/agents/"+string(id)
	for range 2 {
		w.crash(id)
		if p := w.do("GET", v1+"/preview?action=relaunch", key, "").json(t); p["allowed"] != true || p["needsReason"] != false {
			t.Errorf("%v", p)
		}
		if a := w.do("POST", v1+"/relaunch", key, ""); a.status != 200 {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	w.crash(id)
	if a := w.do("GET", page, "", "", owner); !strings.Contains(a.body, `data-testid="last-output">starting`+"\n"+`boom &lt;at&gt; line 7</pre>`) {
		t.Error("the page has no last output")
	}
	const hold = "The agent was relaunched 2 times in 7 days and ended in a crash loop each time; say in a reason why it will be different now"
	p := w.do("GET", v1+"/preview?action=relaunch", key, "").json(t)
	if blocked, _ := p["blockedBy"].([]any); p["allowed"] != false || p["needsReason"] != true || len(blocked) != 1 || blocked[0] != hold {
		t.Errorf("%v", p)
	}
	refused(t, w.do("POST", v1+"/relaunch", key, ""), 409, `{"error":"conflict","message":"`+hold+`"`)
	form := w.do("GET", page+"/relaunch", "", "", owner).body
	choice := form[max(strings.Index(form, `name="reason"`)-200, 0):]
	if !strings.Contains(form, hold) || !strings.Contains(choice[:400], "required") || !strings.Contains(form, `data-testid="confirm"`) {
		t.Errorf("the dialog: %s", form)
	}
	sent := []string{owner, "Content-Type: application/x-www-form-urlencoded", "Sec-Fetch-Site: same-origin"}
	if a := w.do("POST", page+"/relaunch", "", "version=0&reason=&note=", sent...); a.status != 409 || !strings.Contains(a.body, hold) {
		t.Errorf("without a reason: %d", a.status)
	}
	if a := w.do("POST", page+"/relaunch", "", "reason=wrong_setup&note=", sent...); a.status != 303 {
		t.Errorf("with a reason: %d %s", a.status, a.body)
	}
	if a := w.do("GET", page, "", "", owner); strings.Contains(a.body, "last-output") {
		t.Error("the output outlives the relaunch")
	}
}
