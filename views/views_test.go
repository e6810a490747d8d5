package views

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"agentry/internal/fleet"

	"github.com/PuerkitoBio/goquery"
	"github.com/a-h/templ"
)

func doc(t *testing.T, c templ.Component) *goquery.Document {
	t.Helper()
	d, err := goquery.NewDocumentFromReader(strings.NewReader(render(t, c)))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func find(d *goquery.Document, testid string) *goquery.Selection {
	return d.Find(`[data-testid="` + testid + `"]`)
}

func words(s *goquery.Selection) string { return strings.Join(strings.Fields(s.Text()), " ") }

func TestSilentAgentIsNeverShownAsRunning(t *testing.T) {
	for _, c := range []struct{ status, observed, want string }{
		{"running", "up", "running"},
		{"running", "lost", "not responding"},
		{"running", "backoff", "not responding"},
		{"running", "starting", "starting"},
		{"running", "none", "starting"},
		{"auth_needed", "none", "sign-in needed"},
		{"auth_in_progress", "up", "signing in"},
		{"ended", "stopping", "ended"},
	} {
		if got := PillFor(c.status, c.observed); got.Word != c.want {
			t.Errorf("PillFor(%s, %s) says %q, want %q", c.status, c.observed, got.Word, c.want)
		}
	}
}

func TestEveryStatusHasItsOwnShapeAndWord(t *testing.T) {
	seen := map[string]string{}
	for _, s := range fleet.Statuses() {
		p := PillFor(string(s), "up")
		for _, key := range []string{p.Shape, p.Word} {
			if other, taken := seen[key]; taken && key != "half" {
				t.Errorf("%s and %s share %q", s, other, key)
			}
			seen[key] = string(s)
		}
	}
}

func TestActionsFollowTheLifecycle(t *testing.T) {
	for _, c := range []struct {
		facts            Facts
		primary, in, out string
	}{
		{Facts{Status: "running", Observed: "up"}, "pause", "end disable protect", "start resume delete relaunch"},
		{Facts{Status: "paused"}, "resume", "end disable", "start pause delete"},
		{Facts{Status: "ended"}, "relaunch delete", "protect", "end disable start"},
		{Facts{Status: "setup_needed", NeedsSetup: true}, "setup", "end", "start"},
		{Facts{Status: "setup_needed"}, "start", "end", "setup"},
		{Facts{Status: "auth_needed", NeedsSetup: true, Challenged: true}, "verify", "setup end", "start"},
		{Facts{Status: "auth_needed", NeedsSetup: true}, "setup", "end", "verify"},
		{Facts{Status: "disabled", Protected: true}, "enable", "unprotect end", "protect start"},
	} {
		c.facts.Why = allowed
		var first, rest []string
		for _, a := range ActionsFor(c.facts) {
			if a.Primary {
				first = append(first, a.Verb)
			} else {
				rest = append(rest, a.Verb)
			}
		}
		if got := strings.Join(first, " "); got != c.primary {
			t.Errorf("%s: buttons %q, want %q", c.facts.Status, got, c.primary)
		}
		all := " " + strings.Join(append(first, rest...), " ") + " "
		for verb := range strings.FieldsSeq(c.in) {
			if !strings.Contains(all, " "+verb+" ") {
				t.Errorf("%s: %s is missing in%s", c.facts.Status, verb, all)
			}
		}
		for verb := range strings.FieldsSeq(c.out) {
			if strings.Contains(all, " "+verb+" ") {
				t.Errorf("%s: %s is offered in%s", c.facts.Status, verb, all)
			}
		}
	}
}

func TestFleetPage(t *testing.T) {
	d := doc(t, FleetPage(Fleet{Shell: sampleShell("Fleet", "fleet"), List: sampleList()}))
	if got := words(find(d, "chip-disabled")); got != "Disabled 0" {
		t.Errorf("a status without agents has the chip %q", got)
	}
	if got := words(find(d, "range")); !strings.Contains(got, "31 ended hidden") {
		t.Errorf("the foot says %q", got)
	}
	row := d.Find("#agent-018f3c1e-7a2b-7c3d-8e4f-000000000002")
	if got := words(row.Find(`[data-testid="status"]`)); got != "not responding" {
		t.Errorf("a silent agent's status reads %q", got)
	}
	if got := words(row.Find(".seen")); got != "last heard 1 h ago" {
		t.Errorf("and beside it %q", got)
	}
	if got := words(row.Find(`[data-testid="row-alerts"]`)); got != "2 alerts" {
		t.Errorf("alerts read %q", got)
	}
	if _, live := row.Attr("data-live"); !live {
		t.Error("the row is not a live region")
	}
	if got := find(d, "row").Length(); got != len(sampleRows()) {
		t.Errorf("%d rows, want %d", got, len(sampleRows()))
	}
}

func TestDeleteAsksForTheName(t *testing.T) {
	d := doc(t, DeletePage(sampleShell("Delete", "fleet"), sampleConfirm()))
	form := find(d, "delete-form")
	if got, _ := form.Attr("action"); got != "/fleet/018f3c1e-7a2b-7c3d-8e4f-000000000007/delete" {
		t.Errorf("posts to %q", got)
	}
	if got, _ := form.Find(`[name="version"]`).Attr("value"); got != "9" {
		t.Errorf("is bound to version %q", got)
	}
	if got := words(find(d, "removed")); !strings.Contains(got, "4,310 log lines") {
		t.Errorf("removed reads %q", got)
	}
	// The script disables the button; without it the server checks alone.
	if _, off := find(d, "confirm").Attr("disabled"); off {
		t.Error("nobody without a script could delete")
	}

	early := sampleConfirm()
	early.Status = "paused"
	d = doc(t, DeletePage(sampleShell("Delete", "fleet"), early))
	if find(d, "confirm").Length() != 0 || find(d, "end-first").Length() != 1 {
		t.Error("an agent that has not ended can be deleted, or cannot be ended first")
	}
}

func TestSetupNeverShowsAPassword(t *testing.T) {
	d := doc(t, SetupPage(sampleShell("Set up", "fleet"), sampleSetup()))
	if _, has := d.Find(`[name="password"]`).Attr("value"); has && d.Find(`[name="password"]`).AttrOr("value", "") != "" {
		t.Error("the password field has a value")
	}
	if got := words(find(d, "setup-form")); !strings.Contains(got, "from incarnation 2") {
		t.Errorf("the draft is not marked: %q", got)
	}
}

func TestEveryControlHasALabelAndEveryIDIsUnique(t *testing.T) {
	for name, c := range stories() {
		d := doc(t, c)
		seen := map[string]bool{}
		d.Find("template").Remove()
		d.Find("[id]").Each(func(_ int, s *goquery.Selection) {
			id, _ := s.Attr("id")
			if seen[id] {
				t.Errorf("%s: the id %q comes twice", name, id)
			}
			seen[id] = true
		})
		d.Find("input:not([type=hidden]),select,textarea").Each(func(_ int, s *goquery.Selection) {
			id := s.AttrOr("id", "")
			if s.AttrOr("aria-label", "") == "" && d.Find(`label[for="`+id+`"]`).Length() == 0 && s.Closest("label").Length() == 0 {
				t.Errorf("%s: %q has no label", name, s.AttrOr("name", id))
			}
		})
		if n := d.Find("main h1").Length(); n != 1 {
			t.Errorf("%s has %d first headings", name, n)
		}
	}
}

func TestScriptTagsComeOutEscaped(t *testing.T) {
	shell := Shell{Now: testNow}
	spoil(reflect.ValueOf(&shell))
	for name, c := range spoiled(shell) {
		html := render(t, c)
		if strings.Contains(html, "<script>alert") {
			t.Errorf("%s writes a text as markup", name)
		}
		if !strings.Contains(html, "alert(1)") {
			t.Errorf("%s does not show its texts at all", name)
		}
	}
}

func spoilt[T any](change ...func(*T)) T {
	var m T
	spoil(reflect.ValueOf(&m))
	for _, c := range change {
		c(&m)
	}
	return m
}

// spoiled renders every page with the tag in every text.
func spoiled(s Shell) map[string]templ.Component {
	out := map[string]templ.Component{
		"fleet":       FleetPage(spoilt[Fleet]()),
		"row":         AgentRow(spoilt[Row]()),
		"gone row":    GoneRow(spoilt[Row]().ID),
		"login":       LoginPage(spoilt[Login]()),
		"first run":   FirstRunPage(spoilt[FirstRun]()),
		"create":      CreatePage(s, spoilt[Create]()),
		"setup":       SetupPage(s, spoilt[Setup]()),
		"progress":    SetupProgressPage(s, spoilt[Progress]()),
		"ask":         AskPage(s, spoilt[Ask]()),
		"relaunch":    RelaunchPage(s, spoilt(func(m *Confirm) { m.Status = "ended" })),
		"delete":      DeletePage(s, spoilt(func(m *Confirm) { m.Status, m.BlockedBy = "ended", nil })),
		"delete, not": DeletePage(s, spoilt[Confirm]()),
		"certificate": CertificatePage(s, spoilt[Certificate]()),
		"tombstone":   TombstonePage(s, spoilt[Tombstone]()),
		"deletions":   DeletionsPage(spoilt[Deletions]()),
		"audit":       AuditShow(spoilt[AuditPage]()),
		"alerts":      AlertsPage(spoilt[Alerts]()),
		"settings":    SettingsPage(spoilt[TeamSettings]()),
		"keys":        KeysPage(spoilt(func(m *KeySettings) { m.WhyNot = "" })),
		"no keys":     KeysPage(spoilt[KeySettings]()),
		"members":     MembersPage(spoilt[Members]()),
		"role":        MemberRolePage(s, spoilt[MemberRole]()),
		"remove":      MemberRemovePage(s, spoilt(func(m *MemberRemove) { m.Blocked = "" })),
		"security":    SecurityPage(spoilt[Security]()),
		"invite":      InvitePage(spoilt(func(m *Invite) { m.SignedIn = "" })),
		"invite me":   InvitePage(spoilt[Invite]()),
		"invited":     InviteOverPage(spoilt[InviteOver]()),
		"elsewhere":   ElsewherePage(spoilt[Shell](), spoilt[Elsewhere]()),
		"resources":   ResourcesPage(spoilt[Resources]()),
		"no ledger":   ResourcesPage(spoilt(func(m *Resources) { m.Never = false })),
		"pool":        ProxiesPage(spoilt[Proxies]()),
		"paste":       ProxyPastePage(s, spoilt[ProxyPaste]()),
		"proxy":       ProxyFormPage(s, spoilt[ProxyForm]()),
		"no proxy":    ProxyDeletePage(s, spoilt[ProxyDelete]()),
		"forget":      ForgetPage(s, spoilt[Forget]()),
		"bulks":       BulksPage(spoilt[Bulks]()),
		"bulk":        BulkPage(s, spoilt[Bulk]()),
		"bulk form":   BulkFormPage(s, spoilt[BulkForm]()),
		"bulk tags":   BulkFormPage(s, spoilt(func(m *BulkForm) { m.Action = fleet.BulkTag })),
		"error":       ErrorPage(s, spoilt[Problem]()),
		"guest error": GuestErrorPage(spoilt[Problem]()),
		"notice":      ErrorNotice(spoilt[Problem]()),
	}
	for _, tab := range []string{"overview", "tasks", "alerts", "messages", "resources", "history", "logs"} {
		out[tab] = AgentShow(spoilt(func(m *AgentPage) { m.Top.Tab = tab }))
	}
	return out
}

// spoil sets every text under v to a script tag, with one element in every
// list and map and something behind every pointer.
func spoil(v reflect.Value) {
	const tag = `"><script>alert(1)</script>`
	if _, isTime := v.Interface().(time.Time); isTime {
		v.Set(reflect.ValueOf(testNow))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(tag)
	case reflect.Int, reflect.Int64:
		v.SetInt(7)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Pointer:
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		spoil(v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			spoil(v.Field(i))
		}
	case reflect.Array:
		for i := range v.Len() {
			spoil(v.Index(i))
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			spoil(v.Index(i))
		}
	case reflect.Map:
		m := reflect.MakeMap(v.Type())
		m.SetMapIndex(reflect.ValueOf("name"), reflect.ValueOf(tag))
		v.Set(m)
	}
}

// An agent with many tags keeps its row low and says how many there are.
func TestRowShowsSomeTags(t *testing.T) {
	for _, c := range []struct {
		tags, shown int
		last        string
	}{{0, 0, ""}, {1, 1, "t"}, {6, 6, "t"}, {7, 7, "and 1 more"}, {20, 7, "and 14 more"}} {
		r := Row{ID: "a", Name: "Ada", Status: "running", Tags: make([]string, c.tags)}
		for i := range r.Tags {
			r.Tags[i] = "t"
		}
		shown := doc(t, AgentRow(r)).Find(".flags .tag")
		if shown.Length() != c.shown || words(shown.Last()) != c.last {
			t.Errorf("%d tags: %d are shown, the last %q", c.tags, shown.Length(), words(shown.Last()))
		}
	}
}

// Whatever the lifecycle refuses, a person reads no machine's word.
func TestRefusalsArePlain(t *testing.T) {
	moves := []fleet.Move{fleet.MoveStart, fleet.MovePause, fleet.MoveResume, fleet.MoveEnd, fleet.MoveRelaunch, fleet.MoveDelete, fleet.MoveSetup, fleet.MoveVerify, fleet.MoveDisable, fleet.MoveEnable}
	refused := 0
	for _, from := range fleet.Statuses() {
		for _, move := range moves {
			_, err := fleet.Next(from, move, fleet.Facts{NeedsSetup: true})
			if err == nil {
				continue
			}
			refused++
			if says := Plainly(strings.TrimPrefix(err.Error(), "invalid_status: ")); strings.Contains(says, "_") || strings.Contains(says, "status is") {
				t.Errorf("%s when %s: %q", move, from, says)
			}
		}
	}
	if got := Plainly("Agent cannot be started when status is setup_needed"); got != "Agent cannot be started while setup is needed" || refused < 20 {
		t.Errorf("%q, of %d", got, refused)
	}
	if got := Plainly("The proxy answers when status is green"); got != "The proxy answers when status is green" {
		t.Error(got)
	}
}
