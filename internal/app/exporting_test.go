package app_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/internal/store"
)

// take is an export as its reader gets it.
func (b *bench) take(by fleet.Actor, id fleet.AgentID) (fleet.Export, []byte) {
	b.t.Helper()
	file, err := b.TakeExport(b.t.Context(), by, id)
	b.ok(err)
	raw, err := io.ReadAll(file)
	b.ok(err)
	b.ok(file.Close())
	return file.Export, raw
}

// taken is the hash of an export that was just taken.
func (b *bench) taken(by fleet.Actor, id fleet.AgentID) string {
	x, _ := b.take(by, id)
	return x.SHA256
}

// unzip is the text of each file, by name, and the names in order.
func unzip(t *testing.T, raw []byte) (names []string, files map[string]string) {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	files = map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		names, files[f.Name] = append(names, f.Name), string(text)
	}
	return names, files
}

func hashOf[T ~string | ~[]byte](text T) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// The export has every row of the agent, says the hash of every file, and is
// the same bytes as long as nothing changes, whoever takes it and when.
func TestExport(t *testing.T) {
	t.Parallel()
	scratch := t.TempDir()
	b := newBench(t, func(c *app.Config) { c.Scratch = scratch })
	id, _ := rich(b)
	said := b.column(`SELECT id FROM messages WHERE text = 'hello' AND agent_id = '` + string(id) + `'`)
	b.ok(b.store.Write(t.Context(), func(tx *store.Tx) error { return tx.SetMessageMetadata(said[0], []byte(`{"channel":"mail"}`)) }))
	shown := must[fleet.Export](t)(b.Export(t.Context(), b.viewer, id, true))
	b.clock.step(time.Hour)
	x, raw := b.take(b.viewer, id)
	if x.SHA256 != hashOf(raw) || x.Size != int64(len(raw)) || x.Name != "agent-"+string(id)+".zip" || !x.Taken {
		t.Errorf("%+v of %d bytes with %s", x, len(raw), hashOf(raw))
	}
	if shown.Taken = true; shown != x {
		t.Errorf("shown %+v, taken %+v", shown, x)
	}
	if again, _ := b.take(b.admin, id); again != x {
		t.Errorf("again %+v, not %+v", again, x)
	}
	names, files := unzip(t, raw)
	want := []string{"agent.json", "usage.csv", "tasks.jsonl", "alerts.jsonl", "messages.jsonl", "logs.jsonl", "audit.jsonl", "manifest.json"}
	if !slices.Equal(names, want) {
		t.Errorf("files %q", names)
	}
	var manifest struct {
		Format, AgentID string
		Files           []struct {
			Name, SHA256   string
			Bytes, Entries int
		}
	}
	if err := json.Unmarshal([]byte(files["manifest.json"]), &manifest); err != nil || len(manifest.Files) != 7 || manifest.AgentID != string(id) || manifest.Format != "agentry-export/1" {
		t.Errorf("%v: %s", err, files["manifest.json"])
	}
	entries := map[string]int{}
	for _, f := range manifest.Files {
		if text := files[f.Name]; hashOf(text) != f.SHA256 || len(text) != f.Bytes {
			t.Errorf("%s is not what the manifest says", f.Name)
		}
		entries[f.Name] = f.Entries
		if lines := strings.Count(files[f.Name], "\n"); strings.HasSuffix(f.Name, ".jsonl") && lines != f.Entries {
			t.Errorf("%s has %d lines, not %d", f.Name, lines, f.Entries)
		}
	}
	if d := cmp.Diff(map[string]int{"agent.json": 1, "usage.csv": 2, "tasks.jsonl": 3, "alerts.jsonl": 2, "messages.jsonl": 2, "logs.jsonl": 1, "audit.jsonl": entries["audit.jsonl"]}, entries); d != "" || entries["audit.jsonl"] < 5 {
		t.Error(d, entries)
	}
	if usage := "day,kind,incarnation,count\r\n2026-01-14,invitations,1,2\r\n2026-01-14,messages,1,4\r\n"; files["usage.csv"] != usage {
		t.Errorf("usage %q", files["usage.csv"])
	}
	if !strings.Contains(files["messages.jsonl"], `"text":"hello"`) || !strings.Contains(files["messages.jsonl"], `"metadata":{"channel":"mail"}`) || !strings.Contains(files["audit.jsonl"], `"note":"campaign over"`) || strings.Contains(files["audit.jsonl"], `"action":"export"`) {
		t.Errorf("%s\n%s", files["messages.jsonl"], files["audit.jsonl"])
	}
	if left, err := os.ReadDir(scratch); err != nil || len(left) != 0 {
		t.Errorf("the scratch folder has %v (%v)", left, err)
	}
	audit := must[app.AuditPage](t)(b.Audit(t.Context(), b.viewer, app.AuditInput{Action: "export"}, app.PageInput{}))
	if len(audit.Entries) != 2 || audit.Entries[0].ActorID != b.admin.ID || audit.Entries[0].Detail["sha256"] != x.SHA256 {
		t.Errorf("audit %+v", audit.Entries)
	}
}

// Whatever of an agent changes makes another export of it.
func TestExportIsOfOneState(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id := b.create("linkedin")
	b.ok(second(b.Setup(t.Context(), b.operator, id, app.SetupInput{Login: "a", Password: "p", Country: "FR"})))
	run := b.begin(id, true).Run
	b.tell(run, app.RunEvent{ID: "in", Type: "signed_in"})
	var task fleet.Task
	var message fleet.Message
	before := b.taken(b.viewer, id)
	name := "Another"
	for _, c := range []struct {
		what   string
		change func()
	}{
		{"a task", func() {
			task = must[fleet.Task](t)(b.AddTask(t.Context(), b.operator, id, app.TaskInput{Type: "custom"}))
		}},
		{"its end", func() { b.ok(second(b.CancelTask(t.Context(), b.operator, id, task.ID))) }},
		{"a message", func() {
			message = must[fleet.Message](t)(b.SendMessage(t.Context(), b.operator, id, app.MessageInput{Text: "hello"}))
		}},
		{"its reply", func() {
			b.tell(run, app.RunEvent{ID: "r", Type: "reply", Body: map[string]any{"messageId": message.ID, "text": "hi"}})
		}},
		{"usage", func() {
			b.tell(run, app.RunEvent{ID: "u", Type: "usage", Body: map[string]any{"kind": "x", "count": 1.0}})
		}},
		{"more of it", func() {
			b.tell(run, app.RunEvent{ID: "v", Type: "usage", Body: map[string]any{"kind": "x", "count": 1.0}})
		}},
		{"an alert", func() { b.tell(run, app.RunEvent{ID: "a", Type: "alert", Body: map[string]any{"message": "odd"}}) }},
		{"it again", func() { b.tell(run, app.RunEvent{ID: "b", Type: "alert", Body: map[string]any{"message": "odd"}}) }},
		{"a line", func() { b.tell(run, app.RunEvent{ID: "l", Type: "log", Body: map[string]any{"text": "line"}}) }},
		{"a name", func() { b.ok(second(b.Update(t.Context(), b.operator, id, app.UpdateInput{Name: &name}))) }},
		{"a refusal", func() { _, _ = b.Delete(t.Context(), b.viewer, id, app.DeleteInput{}) }},
		{"its end of life", func() { b.ok(second(b.End(t.Context(), b.operator, id, app.ReasonInput{}))) }},
	} {
		c.change()
		if x := must[fleet.Export](t)(b.Export(t.Context(), b.viewer, id, false)); x.SHA256 != "" {
			t.Errorf("after %s the export of before counts as taken", c.what)
		}
		after := b.taken(b.viewer, id)
		if x := must[fleet.Export](t)(b.Export(t.Context(), b.viewer, id, false)); after == before || x.SHA256 != after || !x.Taken {
			t.Errorf("%s is not in the export: %s, %+v", c.what, after, x)
		}
		before = after
	}
}

// No secret of an agent is in its export.
func TestExportHasNoSecret(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id := b.create("linkedin")
	const canary = "Canary-9d1f"
	b.ok(second(b.Setup(t.Context(), b.operator, id, app.SetupInput{Login: "ada@example.com", Password: canary + "-password", Country: "FR"})))
	spec := b.begin(id, true)
	b.ok(second(b.RunCredentials(t.Context(), spec.Run)))
	b.tell(spec.Run, app.RunEvent{ID: "1", Type: "challenge", Body: map[string]any{"subType": "2fa_required", "message": "a code"}})
	b.ok(second(b.Verify(t.Context(), b.operator, id, app.VerifyInput{Code: canary + "-code"})))
	b.tell(spec.Run, app.RunEvent{ID: "2", Type: "signed_in"})
	_, raw := b.take(b.viewer, id)
	_, files := unzip(t, raw)
	for name, text := range files {
		for _, secret := range []string{canary, spec.Token, "sealed"} {
			if secret != "" && strings.Contains(text, secret) {
				t.Errorf("%s has %s", name, secret)
			}
		}
	}
	if !strings.Contains(files["agent.json"], "ada@example.com") {
		t.Error("the login is missing, which is none")
	}
}

// The certificate has the hash of an export that was taken of exactly what was
// deleted, and no other.
func TestDeleteAfterExport(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	made := strings.Repeat("0a", 32)
	for what, c := range map[string]struct {
		// act is what happens before; in what is asked for then.
		act  func(id fleet.AgentID) app.DeleteInput
		hash bool // the certificate has the hash of the last export
		code fleet.Code
	}{
		"none taken": {func(fleet.AgentID) app.DeleteInput { return app.DeleteInput{} }, false, ""},
		"made up":    {func(fleet.AgentID) app.DeleteInput { return app.DeleteInput{ExportSHA256: made} }, false, fleet.CodeValidation},
		"only looked at": {func(id fleet.AgentID) app.DeleteInput {
			return app.DeleteInput{ExportSHA256: must[fleet.Export](t)(b.Export(t.Context(), b.viewer, id, true)).SHA256}
		}, false, fleet.CodeValidation},
		"offered, not taken": {func(id fleet.AgentID) app.DeleteInput {
			return app.DeleteInput{Offered: must[fleet.Export](t)(b.Export(t.Context(), b.viewer, id, true)).SHA256}
		}, false, ""},
		"made up after one": {func(id fleet.AgentID) app.DeleteInput {
			b.taken(b.viewer, id)
			return app.DeleteInput{ExportSHA256: made}
		}, false, fleet.CodeValidation},
		"taken":           {func(id fleet.AgentID) app.DeleteInput { b.taken(b.viewer, id); return app.DeleteInput{} }, true, ""},
		"taken and named": {func(id fleet.AgentID) app.DeleteInput { return app.DeleteInput{ExportSHA256: b.taken(b.viewer, id)} }, true, ""},
		"changed since": {func(id fleet.AgentID) app.DeleteInput {
			hash := b.taken(b.viewer, id)
			b.protectAndBack(id)
			return app.DeleteInput{ExportSHA256: hash}
		}, false, fleet.CodeValidation},
		"changed, not named": {func(id fleet.AgentID) app.DeleteInput {
			b.taken(b.viewer, id)
			b.protectAndBack(id)
			return app.DeleteInput{}
		}, false, ""},
		"changed and offered": {func(id fleet.AgentID) app.DeleteInput {
			hash := b.taken(b.viewer, id)
			b.protectAndBack(id)
			return app.DeleteInput{Offered: hash}
		}, false, fleet.CodeValidation},
		"of another agent": {func(fleet.AgentID) app.DeleteInput {
			other := b.in(fleet.Ended, "rehearsal")
			return app.DeleteInput{ExportSHA256: b.taken(b.viewer, other)}
		}, false, fleet.CodeValidation},
	} {
		id := b.in(fleet.Ended, "rehearsal")
		d, err := b.Delete(t.Context(), b.deleter, id, c.act(id))
		if fleet.CodeOf(err) != c.code || (err == nil) != (c.code == "") {
			t.Errorf("%s: %v", what, err)
		}
		if err != nil {
			b.get(id) // it is still there, and a right hash is not spoilt by the wrong one
			hash := b.taken(b.viewer, id)
			d, err = b.Delete(t.Context(), b.deleter, id, app.DeleteInput{ExportSHA256: hash})
			if err != nil || d.ExportSHA256 != hash {
				t.Errorf("%s, then right: %q %v", what, d.ExportSHA256, err)
			}
		} else if (d.ExportSHA256 != "") != c.hash || must[fleet.Deletion](t)(b.Deletion(t.Context(), b.viewer, d.ID)).ExportSHA256 != d.ExportSHA256 {
			t.Errorf("%s: the certificate has %q", what, d.ExportSHA256)
		}
	}
}

// protectAndBack changes an agent and changes it back.
func (b *bench) protectAndBack(id fleet.AgentID) {
	b.t.Helper()
	b.ok(second(b.Protect(b.t.Context(), b.operator, id, app.ReasonInput{Reason: "evidence"})))
	b.ok(second(b.Unprotect(b.t.Context(), b.admin, id, app.ReasonInput{Reason: "over"})))
}

// An export that does not fit on the disk is no fault of the server: it says
// what to do.
func TestExportOnAFullDisk(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	id := b.create("rehearsal")
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	b.ok(err)
	defer full.Close()
	wantErr(t, "a full disk", app.MakeExport(t.Context(), b.App, b.viewer, id, full), fleet.CodeDiskFull, "")
	b.ok(app.MakeExport(t.Context(), b.App, b.viewer, id, io.Discard))
}
