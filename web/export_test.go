package web

import (
	"archive/zip"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"

	"agentry/internal/app"
	"agentry/internal/fleet"
)

// The export comes with its hash, which a delete takes; a made-up one is
// refused with the field's name.
func TestExportThenDelete(t *testing.T) {
	w := newWorld(t)
	id := w.agent("assistant", fleet.Ended)
	path := "/v1/agents/" + string(id)
	a := w.do("GET", path+"/export", w.keys[fleet.ScopeRead], "")
	sum := sha256.Sum256([]byte(a.body))
	hash := hex.EncodeToString(sum[:])
	if a.status != 200 || a.header.Get("X-Export-Sha256") != hash || a.header.Get("Content-Type") != "application/zip" ||
		a.header.Get("Content-Disposition") != `attachment; filename="agent-`+string(id)+`.zip"` {
		t.Fatalf("%d %v", a.status, a.header)
	}
	z, err := zip.NewReader(strings.NewReader(a.body), int64(len(a.body)))
	if err != nil || len(z.File) != 8 {
		t.Fatal(err)
	}
	refused(t, w.do("DELETE", path+"?exportSha256="+strings.Repeat("0a", 32), w.keys[fleet.ScopeDelete], ""), 400, `"exportSha256":"is not the hash of the export`)
	refused(t, w.do("DELETE", path+"?exportSha256=AB", w.keys[fleet.ScopeDelete], ""), 400, `"exportSha256":"must be 64 hexadecimal digits"`)
	done := w.do("DELETE", path+"?exportSha256="+hash, w.keys[fleet.ScopeDelete], "")
	var deleted struct{ DeletionID string }
	if err := json.Unmarshal([]byte(done.body), &deleted); err != nil || done.status != 200 {
		t.Fatal(done.status, done.body)
	}
	if cert := w.do("GET", "/v1/deletions/"+deleted.DeletionID, w.keys[fleet.ScopeRead], ""); !strings.Contains(cert.body, `"exportSha256":"`+hash+`"`) {
		t.Error(cert.body)
	}
	refused(t, w.do("GET", path+"/export", w.keys[fleet.ScopeRead], ""), 404, "Agent not found")
}

// The audit lists what was done and refused, narrowed by each parameter, with a
// link to the next page; another team sees none of it.
func TestAuditOfV1(t *testing.T) {
	w := newWorld(t)
	id := w.agent("assistant", fleet.Ended)
	w.do("DELETE", "/v1/agents/"+string(id), w.keys[fleet.ScopeRead], "")
	read := w.keys[fleet.ScopeRead]
	a := w.do("GET", "/v1/audit?limit=1", read, "")
	var list []map[string]any
	if err := json.Unmarshal([]byte(a.body), &list); err != nil || len(list) != 1 || !strings.Contains(a.header.Get("Link"), `rel="next"`) {
		t.Fatal(a.status, a.body, a.header)
	}
	if e := list[0]; e["action"] != "DELETE /v1/agents/:agentId" || e["outcome"] != "forbidden" || e["agentId"] != string(id) || e["actorKind"] != "key" {
		t.Errorf("%v", e)
	}
	for query, want := range map[string]bool{
		"outcome=refused": true, "outcome=done": false, "kind=key": true, "kind=run": false, "agent=" + string(id): true, "action=call.*": true, "action=create": false,
		"from=2020-01-01": true, "to=2020-01-01T00:00:00Z": false,
	} {
		if a := w.do("GET", "/v1/audit?"+query, read, ""); a.status != 200 || strings.Contains(a.body, "DELETE /v1/agents") != want {
			t.Errorf("%s: %d %s", query, a.status, a.body)
		}
	}
	for query, field := range map[string]string{"outcome=x": "outcome", "kind=x": "kind", "from=yesterday": "from", "cursor=x": "cursor", "limit=0": "limit", "from=2026-01-02&to=2026-01-01": "to"} {
		refused(t, w.do("GET", "/v1/audit?"+query, read, ""), 400, `"`+field+`":`)
	}
	if a := w.do("GET", "/v1/audit?agent="+string(id), w.foreign, ""); a.status != 200 || a.body != "[]" {
		t.Errorf("another team sees %s", a.body)
	}
}

// The export of the audit is JSON Lines or CSV that no spreadsheet runs, and an
// entry itself.
func TestAuditExportOfV1(t *testing.T) {
	w := newWorld(t)
	id := w.agent("assistant", fleet.Running)
	const formula = `=HYPERLINK("http://x.example","y")`
	if _, err := w.app.End(t.Context(), fleet.System(w.team.ID, "test"), id, app.ReasonInput{Reason: formula}); err != nil {
		t.Fatal(err)
	}
	read := w.keys[fleet.ScopeRead]
	a := w.do("GET", "/v1/audit/export?action=end", read, "")
	var e map[string]any
	if err := json.Unmarshal([]byte(a.body), &e); err != nil || e["note"] != formula || !strings.HasSuffix(a.body, "}\n") || !strings.HasPrefix(a.header.Get("Content-Type"), "application/jsonl") {
		t.Errorf("%v %v %s", err, a.header, a.body)
	}
	a = w.do("GET", "/v1/audit/export?action=end&format=csv", read, "")
	rows, err := csv.NewReader(strings.NewReader(a.body)).ReadAll()
	if err != nil || len(rows) != 2 || rows[1][9] != "'"+formula || rows[1][6] != string(id) || rows[0][9] != "note" {
		t.Errorf("%v %q", err, rows)
	}
	if b := w.do("GET", "/v1/audit/export?action=end", read, "", "Accept: text/csv"); b.body != a.body {
		t.Errorf("Accept: %s", b.body)
	}
	if a := w.do("GET", "/v1/audit?action=audit.export", read, ""); strings.Count(a.body, `"format":"csv"`) != 2 || strings.Count(a.body, `"format":"jsonl"`) != 1 {
		t.Error(a.body)
	}
	refused(t, w.do("GET", "/v1/audit/export?format=xls", read, ""), 400, `"format":`)
	for _, format := range []string{"csv", "jsonl"} {
		a := w.do("GET", "/v1/audit/export?kind=boss&format="+format, read, "")
		if refused(t, a, 400, `"kind":`); a.header.Get("Content-Disposition") != "" {
			t.Errorf("a refusal as %s is a download", format)
		}
	}
}
