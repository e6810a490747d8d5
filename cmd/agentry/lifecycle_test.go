package main_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// kinds of the lifecycle tests: a program that crashes quickly, one in another
// language that shows what it was told, one that answers nothing, and one that
// does not exist.
const lifecycleKinds = `
[kinds.brittle]
driver  = "process"
command = ["@agentry", "agent", "--rehearse"]
setup   = ["login", "password", "country"]
restart = { backoff = "10ms..20ms", give_up_after = 3, within = "10m" }

[kinds.teller]
driver  = "process"
command = ["/bin/sh", "-c", "curl -sS -H \"Authorization: Bearer $(cat <&3)\" $AGENTRY_URL/runtime/v1/self; echo; echo region $REGION; exec sleep 1000"]
env     = { REGION = "eu" }
grace   = "1s"

[kinds.missing]
driver  = "process"
command = ["/does/not/exist"]
`

// TestLifecycle reaches every status by real moves of real programs.
func TestLifecycle(t *testing.T) {
	t.Parallel()
	binary, err := racingBinary()
	must(t, err)
	w := newWorldOf(t, binary, lifecycleKinds)
	for name, story := range map[string]func(*testing.T, client){
		"signs in, pauses, resumes, ends": signsIn,
		"a code is wrong, then right":     wantsCode,
		"is rejected":                     rejected,
		"never answers":                   silent,
		"crashes until it is given up":    crashes,
		"is disabled and enabled":         disabled,
		"answers a message":               answers,
		"another program":                 tells,
		"cannot be started":               missing,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			story(t, client{t, w.url, w.key})
		})
	}
}

func signsIn(t *testing.T, c client) {
	id := c.create("rehearsal", "Iris")
	if a := c.agent(id); a.Status != "setup_needed" || a.Runtime.State != "none" || a.Runtime.LastHeardAt != nil {
		t.Fatalf("a new agent: %+v", a)
	}
	c.want(400, `{"error":"invalid_status","message":"Agent cannot be started when status is setup_needed","currentStatus":"setup_needed"}`,
		"POST", "/v1/agents/"+id+"/start", "")
	c.setup(id, "iris@northwind.example")
	a := c.becomes(id, "running", "up")
	if a.Runtime.LastHeardAt == nil || a.Runtime.Epoch != 1 || a.Runtime.Driver != "process" || *a.Login != "iris@northwind.example" || *a.Country != "FR" {
		t.Fatalf("after signing in: %+v", a)
	}
	if n := len(programsOf(t, map[string]bool{id: true})); n != 1 {
		t.Fatalf("%d processes, want 1", n)
	}
	c.want(200, `{"message":"Agent paused successfully","status":"paused"}`, "POST", "/v1/agents/"+id+"/pause", `{"note":"lunch"}`)
	c.becomes(id, "paused", "none")
	if left := programsOf(t, map[string]bool{id: true}); len(left) != 0 {
		t.Fatalf("paused, but there are processes: %v", left)
	}
	c.want(200, `{"message":"Agent resumed successfully","status":"running"}`, "POST", "/v1/agents/"+id+"/resume", "")
	if a := c.becomes(id, "running", "up"); a.Runtime.Epoch != 2 {
		t.Fatalf("after a resume the epoch is %d, want 2", a.Runtime.Epoch)
	}
	c.want(200, `{"message":"Agent ended successfully","status":"ended"}`, "POST", "/v1/agents/"+id+"/end", `{"reason":"campaign over"}`)
	if a := c.becomes(id, "ended", "none"); a.EndReason == nil || *a.EndReason != "campaign over" {
		t.Fatalf("ended: %+v", a)
	}
	if left := programsOf(t, map[string]bool{id: true}); len(left) != 0 {
		t.Fatalf("ended, but there are processes: %v", left)
	}
}

func wantsCode(t *testing.T, c client) {
	id := c.create("rehearsal", "Chiyo")
	c.setup(id, "chiyo+2fa@northwind.example")
	for n, code := range []string{"000000", "12345a", "123456"} {
		c.happened(id, "challenged", n+1)
		c.becomes(id, "auth_needed", "up").openAlert(t, "auth", "2fa_required")
		c.want(200, `{"message":"Verification code sent","status":"auth_in_progress"}`, "POST", "/v1/agents/"+id+"/verify", fmt.Sprintf(`{"code":%q}`, code))
	}
	if a := c.becomes(id, "running", "up"); slices.ContainsFunc(a.Alerts, func(al alert) bool { return al.State == "open" }) {
		t.Fatalf("signed in, and still alerts: %+v", a.Alerts)
	}
}

// happened waits until the agent's history has the action so many times.
func (c client) happened(id, action string, times int) {
	c.t.Helper()
	eventually(c.t, func() (string, bool) {
		var entries []struct{ Action string }
		a := c.want(200, "-", "GET", "/v1/agents/"+id+"/history?limit=200", "")
		a.into(c.t, &entries)
		n := 0
		for _, e := range entries {
			if e.Action == action {
				n++
			}
		}
		return fmt.Sprintf("%s %d times, want %d: %s", action, n, times, a.body), n >= times
	})
}

func rejected(t *testing.T, c client) {
	id := c.create("rehearsal", "Rosa")
	c.setup(id, "rosa+reject@northwind.example")
	a := c.becomes(id, "auth_needed", "none")
	if got := a.openAlert(t, "auth", "rejected"); got != "The login name or password was not accepted" {
		t.Errorf("alert %q", got)
	}
	// Another login name helps.
	c.setup(id, "rosa@northwind.example")
	c.becomes(id, "running", "up")
}

func silent(t *testing.T, c client) {
	id := c.create("rehearsal", "Sven")
	c.setup(id, "sven+silent@northwind.example")
	if a := c.becomes(id, "auth_in_progress", "up"); len(a.Alerts) != 0 {
		t.Errorf("alerts: %+v", a.Alerts)
	}
	c.want(400, `{"error":"invalid_status","message":"Agent can only take messages when status is running","currentStatus":"auth_in_progress"}`,
		"POST", "/v1/agents/"+id+"/messages", `{"text":"hello?"}`)
	c.act(id, "end", "")
	c.becomes(id, "ended", "none")
}

func crashes(t *testing.T, c client) {
	id := c.create("brittle", "Grace")
	c.setup(id, "grace+crash@northwind.example")
	a := c.becomes(id, "ended", "none")
	if a.EndReason == nil || *a.EndReason != "crash_loop" || a.Runtime.Restarts != 3 || a.Runtime.Epoch != 3 {
		t.Errorf("ended: %+v", a)
	}
	if got := a.openAlert(t, "runtime", "crash_loop"); !strings.Contains(got, "exit 3, 3 times in 10 min") {
		t.Errorf("alert %q", got)
	}
	c.want(200, `{"message":"Agent relaunched successfully","status":"setup_needed"}`, "POST", "/v1/agents/"+id+"/relaunch", "")
	if a := c.agent(id); a.Status != "setup_needed" || a.Login != nil || len(a.Alerts) != 0 || a.Incarnation != 2 || a.EndReason != nil {
		t.Errorf("relaunched: %+v", a)
	}
}

func disabled(t *testing.T, c client) {
	id := c.create("rehearsal", "Dora")
	c.want(200, `{"message":"Agent disabled successfully","status":"disabled"}`, "POST", "/v1/agents/"+id+"/disable", `{"reason":"audit"}`)
	c.want(200, `{"message":"Agent enabled successfully","status":"setup_needed"}`, "POST", "/v1/agents/"+id+"/enable", "")
	c.setup(id, "dora@northwind.example")
	c.becomes(id, "running", "up")
	c.act(id, "disable", "")
	c.becomes(id, "disabled", "none")
	if left := programsOf(t, map[string]bool{id: true}); len(left) != 0 {
		t.Errorf("disabled, but there are processes: %v", left)
	}
	c.want(200, `{"message":"Agent enabled successfully","status":"paused"}`, "POST", "/v1/agents/"+id+"/enable", "")
	c.act(id, "resume", "")
	c.becomes(id, "running", "up")
}

func answers(t *testing.T, c client) {
	id := c.create("assistant", "Nora")
	c.act(id, "start", "")
	var m struct{ ID, Text, Reply, State string }
	c.want(200, "-", "POST", "/v1/agents/"+id+"/messages?wait=30", `{"text":"anyone there?"}`).into(t, &m)
	if m.Text != "anyone there?" || m.State != "replied" || m.Reply != "Hello, this is Nora. Your message has arrived; I know no answer to it." {
		t.Errorf("message: %+v", m)
	}
	// New rules reach the program that runs.
	rules := `{"settings":[{"key":"rules","value":[{"pattern":"(?i)price of (\\w+)","reply":"{1} costs 3, says {name}"}]}]}`
	c.want(200, fmt.Sprintf(`{"id":%q,"message":"Agent settings updated successfully"}`, id), "PUT", "/v1/agents/"+id, rules)
	c.want(200, "-", "POST", "/v1/agents/"+id+"/messages?wait=30", `{"text":"The PRICE of tea?"}`).into(t, &m)
	if m.Reply != "tea costs 3, says Nora" {
		t.Errorf("reply %q", m.Reply)
	}
	var reply struct {
		Success bool
		Data    struct {
			AgentResponses []struct{ Text string }
		}
	}
	c.want(200, "-", "POST", "/agents/"+id+"/message", `{"text":"price of salt"}`).into(t, &reply)
	if !reply.Success || len(reply.Data.AgentResponses) != 1 || reply.Data.AgentResponses[0].Text != "salt costs 3, says Nora" {
		t.Errorf("reply of the other face: %+v", reply)
	}
}

func tells(t *testing.T, c client) {
	id := c.create("teller", "Theo")
	c.want(200, fmt.Sprintf(`{"id":%q,"message":"Agent settings updated successfully"}`, id), "PUT", "/v1/agents/"+id,
		`{"settings":[{"key":"temperature","value":0.2},{"key":"colour","value":"blue"}],"workingHours":{"timezone":-3},"limits":{"messagesMin":1,"messagesMax":7}}`)
	c.want(200, "-", "POST", "/agents/"+id+"/start", `{"enableAutonomy":true,"settings":{"temperature":0.8,"maxTokens":2000}}`)
	var lines []struct{ Level, Text string }
	eventually(t, func() (string, bool) {
		c.want(200, "-", "GET", "/v1/agents/"+id+"/logs", "").into(t, &lines)
		return fmt.Sprint(lines), len(lines) >= 2
	})
	var self struct {
		Agent          struct{ ID, Name, Kind, Status string }
		Settings       map[string]any
		EnableAutonomy bool
		Limits         struct{ MessagesMax int }
		WorkingHours   struct{ Timezone string }
		Epoch          int
	}
	must(t, json.Unmarshal([]byte(lines[0].Text), &self))
	got := fmt.Sprintln(self.Agent.ID == id, self.Agent.Name, self.Agent.Kind, self.Agent.Status, self.Settings, self.EnableAutonomy, self.Limits, self.WorkingHours, self.Epoch)
	if want := "true Theo teller running map[colour:blue maxTokens:2000 temperature:0.8] true {7} {Etc/GMT+3} 1\n"; got != want {
		t.Errorf("the program was told\n%s\nwant\n%s", got, want)
	}
	if lines[1].Text != "region eu" {
		t.Errorf("the environment: %q", lines[1].Text)
	}
	// The settings of a start last for that run.
	c.act(id, "pause", "")
	c.act(id, "start", "")
	eventually(t, func() (string, bool) {
		c.want(200, "-", "GET", "/v1/agents/"+id+"/logs", "").into(t, &lines)
		return fmt.Sprint(lines), len(lines) >= 4
	})
	self.Settings = nil
	must(t, json.Unmarshal([]byte(lines[2].Text), &self))
	if got := fmt.Sprint(self.Settings, self.EnableAutonomy, self.Epoch); got != "map[colour:blue temperature:0.2] false 2" {
		t.Errorf("the next run was told %s", got)
	}
}

func missing(t *testing.T, c client) {
	id := c.create("missing", "Mia")
	c.want(500, `{"success":false,"error":"Failed to start agent runtime"}`, "POST", "/agents/"+id+"/start", "{}")
	a := c.becomes(id, "setup_needed", "none")
	if got := a.openAlert(t, "runtime", "start_failed"); !strings.Contains(got, "/does/not/exist") {
		t.Errorf("alert %q", got)
	}
	var failure struct{ Error, Message string }
	c.want(500, "-", "POST", "/v1/agents/"+id+"/start", "{}").into(t, &failure)
	if failure.Message != "Failed to start agent runtime" {
		t.Errorf("answer: %+v", failure)
	}
	if a := c.agent(id); a.Status != "setup_needed" {
		t.Errorf("status %s after the second try", a.Status)
	}
}
