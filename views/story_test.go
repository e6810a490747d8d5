package views

import (
	"maps"
	"time"

	"agentry/internal/fleet"
	"agentry/static"
	"agentry/views/ui"

	"github.com/a-h/templ"
)

// The samples below are what the golden files show: every page and dialog,
// every status, long, right-to-left and emoji names, none and many.

var testNow = time.Date(2026, 3, 12, 9, 30, 0, 0, time.UTC)

func ago(d time.Duration) time.Time { return testNow.Add(-d) }

func sampleShell(title, nav string) Shell {
	return Shell{
		Title: title, Team: "Northwind", Env: "staging", EnvColor: "amber", Nav: nav, OpenAlerts: 9,
		User: "Mara Ruiz", Email: "mara@northwind.example", Role: "owner", Seq: "41-abc", Beat: 15 * time.Second, As: "u1 t1 owner", Now: testNow,
	}
}

func allowed(string) string { return "" }

func sampleRow(id, name, login, country, status, observed, why string, use, top int, at time.Time) Row {
	return Row{
		Pick: true,
		ID:   "018f3c1e-7a2b-7c3d-8e4f-00000000000" + id, Name: name, Login: login, Country: country,
		Status: status, Observed: observed, LastHeard: at, Why: why,
		Use:   ui.Meter{Value: use, Min: top * 2 / 5, Max: top, Label: ui.Number(use) + " of " + ui.Number(top) + " today"},
		Spark: []int{4, 8, 11, 7, 13, 17, 16, 2, 1, 15, 17, 18, 21, 17}, Now: testNow,
		Actions: ActionsFor(Facts{AgentID: id, Status: status, Observed: observed, NeedsSetup: true, Challenged: status == "auth_needed", Protected: id == "4", Why: allowed}),
	}
}

func sampleRows() []Row {
	rows := []Row{
		sampleRow("1", "Ada Lindqvist", "ada@northwind.example", "FR", "running", "up", "", 18, 25, ago(3*time.Second)),
		sampleRow("2", "Bruno Okafor", "bruno@northwind.example", "DE", "running", "lost", "Not heard since 08:12 UTC: restarting, try 3 of 5", 4, 25, ago(78*time.Minute)),
		sampleRow("3", "Chiyo Tanaka", "chiyo@northwind.example", "JP", "auth_needed", "none", "Waiting for a 2FA code since 08:12 UTC", 0, 25, time.Time{}),
		sampleRow("4", "Dmitri Petrov", "dmitri@northwind.example", "PL", "paused", "none", "Paused by Mara: campaign review; resumes Mon 09:00 Europe/Warsaw", 11, 25, time.Time{}),
		sampleRow("5", "Elif Kaya", "elif@northwind.example", "TR", "running", "up", "Outside working hours: starts Mon 09:00 Europe/Istanbul, in 14 h", 25, 25, ago(9*time.Second)),
		sampleRow("6", "Farid Benali", "", "", "setup_needed", "none", "Needs setup: incarnation 3 has a draft from the last one", 0, 25, time.Time{}),
		sampleRow("7", "Grace Mbeki", "grace@northwind.example", "GB", "ended", "none", "Ended: crash loop, exit 3, five times in 10 min", 0, 25, time.Time{}),
		sampleRow("8", "نور الهدى عبد الرحمن", "nour@northwind.example", "EG", "auth_in_progress", "starting", "Signing in since 40 s", 0, 25, ago(12*time.Second)),
		sampleRow("9", "🦊 Reineke 🧪", "reineke@northwind.example", "NL", "disabled", "none", "Disabled by Mara: under review", 0, 25, time.Time{}),
		sampleRow("a", "Wolfeschlegelsteinhausenbergerdorff-Maximiliana Anastasia van den Hoogenbandt the Third of Somewhere", "wolfe.schlegel.steinhausen.bergerdorff@a-very-long-domain.northwind.example", "LU", "running", "starting", "", 0, 500, time.Time{}),
	}
	rows[0].NextTask, rows[0].NextTaskAt = "message", testNow.Add(5*time.Hour)
	rows[1].OpenAlerts = 2
	rows[2].OpenAlerts = 1
	rows[3].Protected = true
	rows[3].Since = ago(26 * time.Hour)
	rows[6].Since = ago(2 * time.Hour)
	rows[6].Spark = make([]int, 14)
	rows[9].Tags = []string{"campaign-spring", "تجربة", "vip"}
	return rows
}

func sampleBulkBar() *BulkBar {
	bar := &BulkBar{List: "/fleet?tag=vip", Matching: 381, Filters: []ui.Option{{Label: "tag", Value: "vip"}}}
	for _, action := range []string{"start", "pause", "resume", "end", "relaunch", "tag"} {
		bar.Actions = append(bar.Actions, BulkChoice{Action: action, Label: action})
	}
	bar.Actions = append(bar.Actions, BulkChoice{Action: "delete", Label: "delete", Why: "needs an admin; you are an operator"})
	return bar
}

func sampleChips(current string) []Chip {
	counts := map[string]int{"": 412, "attention": 9, "running": 318, "paused": 41, "auth_needed": 6, "auth_in_progress": 2, "setup_needed": 14, "ended": 31}
	return Chips(counts, current, func(status string) string { return "/fleet?status=" + status })
}

func sampleList() FleetList {
	return FleetList{
		Total: 412, Chips: sampleChips(""), CanCreate: true, Rows: FleetRows(sampleRows()),
		Countries: []ui.Option{{Value: "", Label: "Country"}, {Value: "FR", Label: "FR"}, {Value: "DE", Label: "DE"}},
		Kinds:     []ui.Option{{Value: "", Label: "Kind"}, {Value: "assistant", Label: "assistant"}},
		Tags:      []ui.Option{{Value: "", Label: "Tag"}, {Value: "vip", Label: "vip"}},
		Sorts:     []ui.Option{{Value: "", Label: "Sort: attention"}, {Value: "name", Label: "Sort: name"}},
		Pager:     ui.Pager{Text: "1–50 of 381 · 31 ended hidden", NextHref: "/fleet?cursor=abc"}, CSVHref: "/fleet.csv", Bulk: sampleBulkBar(),
	}
}

func sampleTop(status, observed string) AgentTop {
	return AgentTop{
		ID: "018f3c1e-7a2b-7c3d-8e4f-000000000001", Name: "Ada Lindqvist", Login: "ada@northwind.example", Country: "FR",
		Kind: "assistant", Status: status, Observed: observed, LastHeard: ago(3 * time.Second), Incarnation: 2,
		Why: "Daily limit reached: 25 of 25 messages; goes on tomorrow 09:00 Europe/Paris", OpenAlerts: 2, OpenTasks: 12,
		Protection: "Protected by Mara: pilot customer", NeedsSetup: true, Now: testNow,
		Actions: ActionsFor(Facts{Status: status, Observed: observed, NeedsSetup: true, Protected: true, Why: func(verb string) string {
			if verb == "disable" {
				return "Needs an admin; you are an operator"
			}
			return ""
		}}),
	}
}

func sampleAlerts() []Alert {
	id := "018f3c1e-7a2b-7c3d-8e4f-000000000003"
	return []Alert{
		{ID: "a1", AgentID: id, Type: "auth", SubType: "2fa_required", Message: "LinkedIn asks for a code from the authenticator app.", Severity: "error", State: "open", Count: 1, SeenAt: ago(78 * time.Minute), CanAct: true, Now: testNow,
			Code: &CodeForm{AgentID: id, Ask: "Code from the authenticator app", Deadline: testNow.Add(8 * time.Minute), Now: testNow}},
		{ID: "a2", AgentID: id, Type: "limit", Message: "Daily limit of messages reached.", Severity: "warning", State: "open", Count: 14, SeenAt: ago(20 * time.Second), CanAct: true, Now: testNow},
		{ID: "a3", AgentID: id, Type: "info", Message: "Imported 20 contacts.", Severity: "info", State: "snoozed", By: "Mara", Until: testNow.Add(4 * time.Hour), SeenAt: ago(3 * time.Hour), CanAct: true, Now: testNow},
	}
}

func agentPage(tab string) AgentPage {
	top := sampleTop("running", "up")
	top.Tab = tab
	m := AgentPage{Shell: sampleShell("Ada Lindqvist", "fleet"), Top: top}
	id := top.ID
	switch tab {
	case "overview":
		m.Overview = &Overview{
			AgentID: id, Alerts: sampleAlerts()[1:2], Spark: sampleRows()[0].Spark, SparkLabel: "messages, 14 days",
			Meters:    []ui.Meter{{Value: 25, Max: 25, Label: "25 of 25 messages"}, {Value: 7, Max: 20, Label: "7 of 20 invitations"}, {Label: "12,044 tokens"}},
			Facts:     []Fact{{Label: "Observed", Value: "up"}, {Label: "Last heard", At: ago(3 * time.Second)}, {Label: "Run", Value: "epoch 7, started", At: ago(5 * time.Hour)}, {Label: "Restarts", Value: "1"}, {Label: "Last error", Value: "exit 3: connection refused"}},
			Hours:     "Mon–Fri 09:00–17:00 Europe/Paris",
			Tags:      []string{"campaign-spring", "vip"},
			Resources: []Resource{sampleResource(fleet.ResourceProxy, fleet.ResourceHeld, ""), sampleResource(fleet.ResourceProfile, fleet.ResourceAcquiring, "")},
			Plans:     samplePlans(), NextTask: "message", NextTaskAt: testNow.Add(5 * time.Hour), ViewerHours: "08:00–16:00 UTC", Now: testNow,
			LastOutput: []string{"starting", "dial tcp: connection refused <b>", "تعذّر الاتصال"},
			Settings:   &SettingsForm{Form: Form{Errors: map[string]string{"limits.messagesMin": "must not be over messagesMax (25)"}}, AgentID: id, Version: 12, Name: "Ada Lindqvist", Country: "FR", Tags: "campaign-spring, vip", Timezone: "Europe/Paris", Start: "09:00", Stop: "17:00", Days: [7]bool{true, true, true, true, true}, InvitationsMin: "5", InvitationsMax: "20", MessagesMin: "30", MessagesMax: "25", Switches: []string{"skipInNetwork"}, Settings: "temperature = 0.4"},
		}
	case "tasks":
		m.Tasks = &Tasks{AgentID: id, Now: testNow, Plans: samplePlans(), Add: &TaskForm{AgentID: id, Zone: "Europe/Paris"}, Pager: ui.Pager{Text: "1–4 of 4"}, Items: []Task{
			{ID: "t1", Type: "message", State: "pending", Payload: `{"to":"Jo","text":"hello"}`, DueAt: testNow.Add(5 * time.Hour), ChangedAt: ago(time.Hour), CanCancel: true},
			{ID: "t2", Type: "invitation", State: "claimed", Payload: `{"to":"https://example.org/in/jo"}`, DueAt: ago(time.Minute), ChangedAt: ago(4 * time.Second)},
			{ID: "t3", Type: "message", State: "failed", Payload: "{}", Error: "recipient not found", DueAt: ago(3 * time.Hour), ChangedAt: ago(2 * time.Hour)},
			{ID: "t4", Type: "report", State: "done", Payload: "{}", DueAt: ago(30 * time.Hour), ChangedAt: ago(29 * time.Hour)},
		}}
	case "alerts":
		m.Alerts = &AgentAlerts{AgentID: id, Items: sampleAlerts(), Now: testNow}
	case "messages":
		m.Messages = &Messages{AgentID: id, AgentName: top.Name, OlderHref: "/fleet/x?tab=messages&before=1", Now: testNow,
			Write: &MessageForm{AgentID: id, AgentName: top.Name, Why: "It is outside its working hours; it answers messages all the same."},
			Items: []Message{
				{ID: "m1", From: "Mara Ruiz", Text: "How many replies came in this morning?", Reply: "Seven so far.\nTwo ask for a call, I put both into your calendar.", State: "replied", SentAt: ago(2 * time.Hour), ReplyAt: ago(119 * time.Minute)},
				{ID: "m2", From: "Mara Ruiz", Text: "شكرا، ومن هم؟", State: "pending", SentAt: ago(20 * time.Second)},
				{ID: "m3", From: "nightly report", Text: "status", State: "failed", SentAt: ago(10 * time.Second)},
			}}
	case "resources":
		forgotten := sampleResource(fleet.ResourceProfile, fleet.ResourceLeaked, "")
		forgotten.Forgotten = &fleet.Forgotten{By: "Mara Ruiz", Reason: "Deleted by hand", At: ago(40 * time.Minute)}
		m.Resources = &AgentResources{AgentID: id, Pager: ui.Pager{Text: "4 shown, newest first"}, Rows: []Resource{
			sampleResource(fleet.ResourceProfile, fleet.ResourceAcquiring, "GoLogin did not answer"), sampleResource(fleet.ResourceProxy, fleet.ResourceHeld, ""),
			sampleResource(fleet.ResourceProfile, fleet.ResourceReleased, ""), forgotten,
		}}
	case "history":
		m.History = &History{AgentID: id, Now: testNow, Pager: ui.Pager{Text: "1–50 of 128", NextHref: "?tab=history&cursor=b", PrevHref: "?tab=history"}, Items: sampleAudit()}
	case "logs":
		m.Logs = sampleLogs(id)
	case "usage":
		m.Usage = sampleUsage(id)
	}
	return m
}

func samplePlans() []DayPlan {
	return []DayPlan{
		{Counter: "Messages", Done: 12, Target: 18, Min: 10, Max: 25, Next: testNow.Add(14 * time.Minute), Now: testNow},
		{Counter: "Invitations", Done: 0, Target: 0, Min: 5, Max: 20, Now: testNow},
	}
}

func sampleConfirm() Confirm {
	return Confirm{
		AgentID: "018f3c1e-7a2b-7c3d-8e4f-000000000007", Name: "Grace Mbeki", Version: 9, Status: "ended",
		Removes:  RemovedLines(fleet.Counts{Tasks: 412, Alerts: 37, UsageDays: 90, Messages: 128, Logs: 4310, Credentials: 1}),
		Released: []string{"1 browser profile (GoLogin)", "1 proxy (GB pool)"}, Keeps: []string{"audit entry, deletion certificate"},
		Export: &ExportOffer{AgentID: "018f3c1e-7a2b-7c3d-8e4f-000000000007", Rows: 4887, Export: fleet.Export{Name: "agent-018f3c1e-7a2b-7c3d-8e4f-000000000007.zip", Size: 214_300, SHA256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}},
	}
}

func sampleRelaunch() Confirm {
	m := sampleConfirm()
	m.Export, m.ReleaseNote = nil, "GoLogin does not answer now: what is there is released when it answers again. The relaunch does not wait for it."
	m.Removes = []string{"login, password (key destroyed)", "37 alerts", "3 pending tasks", "4 settings back to defaults"}
	m.Keeps = []string{"name, id, tags", "90 days of usage", "audit history", "country, hours, limits as a draft"}
	m.RecentRelaunches, m.Hold = 2, fleet.RelaunchHold(fleet.EndCrashLoop, 2)
	return m
}

func sampleSetup() Setup {
	return Setup{AgentID: "018f3c1e-7a2b-7c3d-8e4f-000000000006", Name: "Farid Benali", Version: 4, AsksLogin: true, AsksPassword: true, AsksCountry: true,
		Country: "FR", DraftIncarnation: 2, Draft: []string{"Working hours Mon–Fri 09:00–17:00 Europe/Paris", "Limits 5–20 invitations, 10–25 messages"}, Takes: []string{"a proxy in that country"}}
}

func sampleProgress() Progress {
	id := "018f3c1e-7a2b-7c3d-8e4f-000000000006"
	return Progress{AgentID: id, Name: "Farid Benali", Status: "auth_needed", Now: testNow, Deadline: testNow.Add(9 * time.Minute),
		Steps: []Step{{Label: "Credentials sealed", Detail: "farid@northwind.example", State: "done"}, {Label: "Program started", Detail: "epoch 3", State: "done"}, {Label: "Signing in", Detail: "A code is asked for", State: "now"}, {Label: "Running", State: "todo"}},
		Code:  &CodeForm{Form: Form{Errors: map[string]string{"code": "That code was not accepted; wait for the next one."}}, AgentID: id, Ask: "Code from the authenticator app", Deadline: testNow.Add(8 * time.Minute), Now: testNow}}
}

func problem() *ui.Notice {
	return &ui.Notice{Tone: ui.Bad, Title: "This was not saved", Text: "The agent was changed by somebody else.", Todo: "Look at it again, then repeat.", RequestID: "req_7f3a"}
}

// stories are the golden files by name.
func stories() map[string]templ.Component {
	in := sampleShell("Fleet", "fleet")
	gone := sampleConfirm()
	gone.Status = "running"
	wrong := sampleConfirm()
	wrong.Typed, wrong.Moved = "Grace Mb", true
	wrong.Errors = map[string]string{"name": "This is not the agent's name: Grace Mbeki"}
	empty := FleetList{Chips: sampleChips(""), CanCreate: true}
	nothing := sampleList()
	nothing.Rows, nothing.Query, nothing.Pager = nil, "zzz", ui.Pager{Text: "0 of 381"}
	out := map[string]templ.Component{
		"fleet":              FleetPage(Fleet{Shell: in, List: sampleList()}),
		"fleet-empty":        FleetPage(Fleet{Shell: in, List: empty}),
		"fleet-nothing":      FleetPage(Fleet{Shell: in, List: nothing}),
		"login":              LoginPage(Login{Form: Form{Problem: &ui.Notice{Tone: ui.Bad, Text: "Email or password is wrong.", RequestID: "req_1"}}, Email: "mara@northwind.example", Next: "/alerts", Insecure: true}),
		"first-run":          FirstRunPage(FirstRun{Token: "abc", Form: Form{Errors: map[string]string{"password": "must have at least 10 characters"}}}),
		"create":             CreatePage(in, Create{Kinds: []ui.Option{{Value: "rehearsal", Label: "rehearsal"}}, Form: Form{Problem: problem()}}),
		"setup":              SetupPage(in, sampleSetup()),
		"progress":           SetupProgressPage(in, sampleProgress()),
		"progress-outside":   SetupProgressPage(in, outsideProgress()),
		"pause":              AskPage(in, Ask{Verb: "pause", AgentID: "018f3c1e-7a2b-7c3d-8e4f-000000000001", Name: "Ada Lindqvist", Version: 3, Zone: "Europe/Paris"}),
		"protect":            AskPage(in, Ask{Verb: "protect", AgentID: "018f3c1e-7a2b-7c3d-8e4f-000000000001", Name: "Ada Lindqvist", Form: Form{Errors: map[string]string{"reason": "must not be empty"}}}),
		"relaunch":           RelaunchPage(in, sampleRelaunch()),
		"delete":             DeletePage(in, sampleConfirm()),
		"delete-wrong":       DeletePage(in, wrong),
		"delete-early":       DeletePage(in, gone),
		"alerts":             AlertsPage(Alerts{Shell: sampleShell("Alerts", "alerts"), Tabs: []ui.Tab{{Href: "/alerts", Label: "Open", Count: 9, Current: true}, {Href: "/alerts?state=resolved", Label: "Resolved"}}, Types: []ui.Option{{Label: "All types"}, {Value: "auth", Label: "auth"}}, MayAck: true, MoreCodes: 3, Challenges: namedAlerts()[:1], Items: namedAlerts()[1:], Pager: ui.Pager{Text: "9 open"}}),
		"docs":               DocsPage(Docs{Shell: sampleShell("API docs", ""), Examples: []static.Example{{Name: "agent.go", Language: "Go", Needs: "Go", Build: "go build", Command: []string{"/opt/agent", "-v"}, Text: "if a < b && c {\n\t<script>\n}\n"}}}),
		"resources":          ResourcesPage(sampleResources()),
		"resources-empty":    ResourcesPage(Resources{Shell: sampleShell("Resources", "resources"), Tabs: sampleResources().Tabs, Never: true, CanAdd: true}),
		"resources-filtered": ResourcesPage(filteredResources()),
		"forget":             ForgetPage(in, Forget{Resource: sampleResource(fleet.ResourceProfile, fleet.ResourceLeaked, "You do not have permission"), Form: Form{Errors: map[string]string{"reason": "must say why"}}}),
		"proxies":            ProxiesPage(sampleProxies()),
		"proxies-empty":      ProxiesPage(Proxies{Shell: sampleShell("Proxy pool", "resources"), Tabs: sampleProxies().Tabs, CanAdd: true}),
		"proxy-paste":        ProxyPastePage(sampleShell("Add proxies", "resources"), ProxyPaste{Form: Form{Problem: problem(), Errors: map[string]string{"capacity": "must be a whole number from 1 on"}}, Text: "gate.example:7000:user:</textarea>", Country: "GB", Lines: []ProxyLine{{Line: 1, Text: "port: must be a number"}}, MoreLines: 3}),
		"proxy-new":          ProxyFormPage(sampleShell("Add proxies", "resources"), ProxyForm{Form: Form{Errors: map[string]string{"port": "must be a number from 1 to 65535"}}, Host: "gate.example", Port: "70000"}),
		"proxy-edit":         ProxyFormPage(sampleShell("Edit proxy", "resources"), ProxyForm{ID: "p1", Version: 3, Label: "decodo-gb-1", Scheme: "socks5", Host: "gate.example", Port: "7000", Username: "user-{sid}", Country: "GB", Capacity: "5", IPMode: "sticky", SessionTTL: "30", HasPassword: true, InUse: 2}),
		"proxy-delete":       ProxyDeletePage(in, ProxyDelete{Proxy: sampleProxies().Rows[0]}),
		"proxy-delete-free":  ProxyDeletePage(in, ProxyDelete{Proxy: sampleProxies().Rows[2]}),
		"error":              ErrorPage(in, Problem{Status: 500, Title: "Something went wrong here", Sentence: "The page could not be made. Nothing was changed.", Todo: "Try again; when it stays, tell the person who hosts this the request below.", RequestID: "req_7f3a"}),
	}
	maps.Copy(out, settingsStories())
	for _, tab := range []string{"overview", "usage", "tasks", "alerts", "messages", "resources", "history", "logs"} {
		out["agent-"+tab] = AgentShow(agentPage(tab))
	}
	maps.Copy(out, auditStories())
	maps.Copy(out, bulkStories())
	return out
}

func namedAlerts() []Alert {
	alerts := sampleAlerts()
	for i := range alerts {
		alerts[i].AgentName = "Chiyo Tanaka"
	}
	return append(alerts, Alert{ID: "a4", Type: "resource", SubType: "vendor_stopped", Message: "GoLogin does not accept the token any more.", Severity: "error", State: "open", Count: 1, SeenAt: ago(time.Minute), CanAct: true, Now: testNow})
}
