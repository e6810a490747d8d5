package views

import (
	"time"

	"agentry/internal/fleet"
	"agentry/views/ui"

	"github.com/a-h/templ"
)

func sampleAudit() []Audit {
	const ada, gone = fleet.AgentID("018f3c1e-7a2b-7c3d-8e4f-000000000001"), fleet.AgentID("018f3c1e-7a2b-7c3d-8e4f-000000000007")
	rows := []Audit{
		{AuditEntry: fleet.AuditEntry{ID: 91, At: ago(time.Minute), ActorKind: "member", ActorID: "u1", ActorName: "Mara Ruiz", Action: "resume", AgentID: ada, AgentName: "Ada Lindqvist", Outcome: "done", Detail: map[string]any{"from": "paused", "to": "running"}, RequestID: "req_7f3a"}},
		{AuditEntry: fleet.AuditEntry{ID: 90, At: ago(time.Hour), ActorKind: "key", ActorID: "k1", ActorName: "nightly report", Action: "delete", AgentID: ada, AgentName: "Ada Lindqvist", Outcome: "invalid_status", RequestID: "req_7f39"}},
		{AuditEntry: fleet.AuditEntry{ID: 80, At: ago(3 * time.Hour), ActorKind: "run", ActorID: string(ada), Action: "credentials.read", AgentID: ada, AgentName: "Ada Lindqvist", Outcome: "done", Detail: map[string]any{"epoch": 4, "reads": 12}}},
		{AuditEntry: fleet.AuditEntry{ID: 70, At: ago(9 * time.Hour), ActorKind: "member", ActorID: "u2", ActorName: "نور الهدى عبد الرحمن", Action: "delete", AgentID: gone, Outcome: "done", Detail: map[string]any{"deletionId": "018f3c1e-7a2b-7c3d-8e4f-0000000000d1", "from": "ended"}, RequestID: "req_7f31"}},
		{AuditEntry: fleet.AuditEntry{ID: 60, At: ago(26 * time.Hour), ActorKind: "key", ActorID: "k1", ActorName: "nightly report", Action: "POST /v1/keys", Outcome: "forbidden", RequestID: "req_7f2f"}},
		{AuditEntry: fleet.AuditEntry{ID: 12, At: ago(50 * time.Hour), ActorKind: "system", ActorID: "supervisor", ActorName: "supervisor", Action: "pause", AgentID: ada, AgentName: "Ada Lindqvist", Outcome: "done", Note: "Campaign review:\nlook at the texts first", RequestID: "req_7f30"}},
	}
	for i := range rows {
		rows[i].Now = testNow
	}
	return rows
}

func sampleCertificate() Certificate {
	released, stuck := sampleResource(fleet.ResourceProfile, fleet.ResourceReleased, "").Resource, sampleResource(fleet.ResourceProxy, fleet.ResourceLeaked, "GoLogin answered 403").Resource
	return Certificate{Team: "Northwind", Now: testNow, Deletion: fleet.Deletion{
		ID: "018f3c1e-7a2b-7c3d-8e4f-0000000000d1", AgentID: "018f3c1e-7a2b-7c3d-8e4f-000000000007", At: ago(time.Minute), By: "Mara Ruiz", ByKind: fleet.ActorMember,
		Reason: "Customer left", Incarnation: 3, Removed: fleet.Counts{Tasks: 412, Alerts: 37, UsageDays: 90, Messages: 128, Logs: 4310, Credentials: 2},
		Resources: []fleet.Resource{released, stuck}, MoreResources: 4, ExportSHA256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
	}}
}

// auditStories are the pages of the audit and of what remains.
func auditStories() map[string]templ.Component {
	in, cert, bare := sampleShell("Audit", "audit"), sampleCertificate(), sampleCertificate()
	bare.ExportSHA256, bare.Reason, bare.Resources, bare.MoreResources, bare.Removed = "", "", nil, 0, fleet.Counts{}
	big, taken := sampleConfirm(), sampleConfirm()
	big.Export = &ExportOffer{AgentID: big.AgentID, Rows: 412_000, Export: fleet.Export{Name: "agent.zip"}}
	was := *taken.Export
	was.Taken = true
	taken.Export, taken.Errors = &was, map[string]string{"exportSha256": "something of the agent has changed since the export was taken: take it again, or delete without it"}
	page := AuditPage{
		Shell: in, Actions: ActionGroups([]string{"delete", "key.create", "key.revoke", "resume", "POST /v1/keys"}, "key.*"), Action: "key.*", Outcome: "refused", Filtered: true,
		From: "2026-03-01T09:00", Zone: "UTC", Rows: sampleAudit(), Pager: ui.Pager{Text: "50 shown, newest first", NextHref: "/audit?cursor=b", NextLabel: "Older"}, CSVHref: "/audit.csv?action=key.%2A",
		News: AuditNews{Href: "/audit/new?since=91", PageHref: "/audit", N: 3, Most: 100},
	}
	back := page
	back.Rows, back.Back, back.Pager, back.News = nil, ago(30*time.Hour), ui.Pager{NextHref: "/audit?cursor=b", NextLabel: "Look further back"}, AuditNews{Href: "/audit/new?since=91", PageHref: "/audit", Some: true, Most: 100}
	return map[string]templ.Component{
		"audit":           AuditShow(page),
		"audit-empty":     AuditShow(AuditPage{Shell: in, CSVHref: "/audit.csv", News: AuditNews{Href: "/audit/new?since=0", PageHref: "/audit", Most: 100}}),
		"audit-back":      AuditShow(back),
		"audit-wrong":     AuditShow(AuditPage{Shell: in, Filtered: true, Wrong: "to: must not be before from.", CSVHref: "/audit.csv"}),
		"delete-big":      DeletePage(in, big),
		"delete-taken":    DeletePage(in, taken),
		"deletions":       DeletionsPage(Deletions{Shell: in, Rows: []Certificate{cert, bare}, Pager: ui.Pager{Text: "2 shown, newest first"}}),
		"deletions-empty": DeletionsPage(Deletions{Shell: in}),
		"certificate":     CertificatePage(in, cert),
		"tombstone":       TombstonePage(in, Tombstone{AgentID: string(cert.AgentID), Certificate: &cert}),
	}
}
