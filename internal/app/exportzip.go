package app

import (
	"archive/zip"
	"bufio"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"io"
	"strconv"
	"time"

	"agentry/internal/fleet"
	"agentry/internal/store"
)

// exportFormat names the layout of the zip.
const exportFormat = "agentry-export/1"

// exportedFile is what the manifest says of a file.
type exportedFile struct {
	Name    string `json:"name"`
	SHA256  string `json:"sha256"`
	Bytes   int64  `json:"bytes"`
	Entries int    `json:"entries"`
}

// exporter writes the files of an export one after another.
type exporter struct {
	zip   *zip.Writer
	at    time.Time // of every file
	files []exportedFile
}

// writeExport writes the zip. Nothing in it depends on when it is written.
func writeExport(tx *store.Tx, row store.AgentRow, w io.Writer) error {
	team, id := row.TeamID, row.ID
	x := &exporter{zip: zip.NewWriter(w), at: row.UpdatedAt.UTC().Truncate(time.Second)}
	agent, err := agentJSON(row.Agent)
	if err != nil {
		return err
	}
	steps := []func() error{
		func() error {
			return x.file("agent.json", func(out *bufio.Writer) (int, error) { _, err := out.Write(append(agent, '\n')); return 1, err })
		},
		func() error { return x.usage(tx, team, id) },
		func() error { return lines(x, "tasks.jsonl", exportTask, team, id, tx.EachTask) },
		func() error { return lines(x, "alerts.jsonl", exportAlert, team, id, tx.EachAlert) },
		func() error { return lines(x, "messages.jsonl", exportMessage, team, id, tx.EachMessage) },
		func() error { return lines(x, "logs.jsonl", exportLog, team, id, tx.EachLog) },
		func() error { return lines(x, "audit.jsonl", exportAudit, team, id, tx.EachAudit) },
		func() error { return x.manifest(row.Agent) },
		x.zip.Close,
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// file adds one file; write says how many entries it wrote.
func (x *exporter) file(name string, write func(out *bufio.Writer) (int, error)) error {
	to, err := x.zip.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: x.at})
	if err != nil {
		return err
	}
	sum := &measured{hash: sha256.New(), to: to}
	out := bufio.NewWriterSize(sum, 64<<10)
	n, err := write(out)
	if err != nil {
		return err
	}
	if err := out.Flush(); err != nil {
		return err
	}
	x.files = append(x.files, exportedFile{Name: name, SHA256: hex.EncodeToString(sum.hash.Sum(nil)), Bytes: sum.size, Entries: n})
	return nil
}

// lines adds a file of JSON Lines.
func lines[T any](x *exporter, name string, wire func(T) any, team fleet.TeamID, id fleet.AgentID, each func(fleet.TeamID, fleet.AgentID, func(T) error) error) error {
	return x.file(name, func(out *bufio.Writer) (n int, err error) {
		enc := json.NewEncoder(out)
		enc.SetEscapeHTML(false)
		err = each(team, id, func(v T) error {
			n++
			return enc.Encode(wire(v))
		})
		return n, err
	})
}

func (x *exporter) usage(tx *store.Tx, team fleet.TeamID, id fleet.AgentID) error {
	return x.file("usage.csv", func(out *bufio.Writer) (n int, err error) {
		w := csv.NewWriter(out)
		w.UseCRLF = true
		if err := w.Write([]string{"day", "kind", "incarnation", "count"}); err != nil {
			return 0, err
		}
		err = tx.EachUsage(team, id, func(u fleet.Usage) error {
			n++
			return w.Write([]string{u.Day, fleet.Cell(u.Kind), strconv.Itoa(u.Incarnation), strconv.FormatInt(u.Count, 10)})
		})
		w.Flush()
		if err == nil {
			err = w.Error()
		}
		return n, err
	})
}

// manifest is the last file: it names the others.
func (x *exporter) manifest(a fleet.Agent) error {
	raw, err := json.MarshalIndent(map[string]any{
		"format": exportFormat, "agentId": a.ID, "incarnation": a.Incarnation, "version": a.Version, "files": x.files,
		"note": "Times are UTC. Secrets are not exported, and the audit leaves out the taking of exports.",
	}, "", "  ")
	if err != nil {
		return err
	}
	return x.file("manifest.json", func(out *bufio.Writer) (int, error) { _, err := out.Write(append(raw, '\n')); return 1, err })
}

// at writes an instant; a zero one is null.
func at(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format("2006-01-02T15:04:05.000000Z")
}

// agentJSON is agent.json: what was set and what became of it, none of what is
// measured at the moment or comes from the clock.
func agentJSON(a fleet.Agent) ([]byte, error) {
	return json.MarshalIndent(map[string]any{
		"id": a.ID, "name": a.Name, "kind": a.Kind, "status": a.Status, "login": a.Login, "country": a.Country, "avatar": a.Avatar, "tags": a.Tags,
		"workingHours": a.Hours, "limits": a.Limits, "settings": a.Settings.List(), "incarnation": a.Incarnation, "version": a.Version, "protected": a.Protected,
		"endReason": a.EndReason, "endedAt": at(a.EndedAt), "pauseNote": a.PauseNote, "pausedBy": a.PausedBy, "resumeAt": at(a.ResumeAt), "draft": a.Draft,
		"lastError": a.Runtime.LastError, "createdAt": at(a.CreatedAt), "updatedAt": at(a.UpdatedAt),
	}, "", "  ")
}

func exportTask(t fleet.Task) any {
	payload := t.Payload
	if len(payload) == 0 {
		payload = json.RawMessage("null")
	}
	return map[string]any{
		"id": t.ID, "type": t.Type, "payload": payload, "dueAt": at(t.DueAt), "claimedAt": at(t.ClaimedAt), "state": t.State, "incarnation": t.Incarnation,
		"error": t.Error, "createdAt": at(t.CreatedAt), "updatedAt": at(t.UpdatedAt),
	}
}

func exportAlert(a fleet.Alert) any {
	return map[string]any{
		"id": a.ID, "type": a.Type, "subType": a.SubType, "message": a.Message, "severity": a.Severity, "state": a.State, "count": a.Count, "by": a.By,
		"until": at(a.Until), "recovered": a.Recovered, "createdAt": at(a.CreatedAt), "updatedAt": at(a.UpdatedAt),
	}
}

func exportMessage(m fleet.Message) any {
	metadata := m.Metadata
	if len(metadata) == 0 {
		metadata = json.RawMessage("null")
	}
	return map[string]any{
		"id": m.ID, "conversation": m.Conversation, "from": m.From, "text": m.Text, "reply": m.Reply, "state": m.State, "metadata": metadata,
		"createdAt": at(m.CreatedAt), "repliedAt": at(m.RepliedAt),
	}
}

func exportLog(l fleet.LogLine) any {
	return map[string]any{"id": l.ID, "at": at(l.At), "epoch": l.Epoch, "level": l.Level, "text": l.Text}
}

func exportAudit(e fleet.AuditEntry) any {
	return map[string]any{
		"id": e.ID, "at": at(e.At), "actorKind": e.ActorKind, "actorId": e.ActorID, "actorName": e.ActorName, "action": e.Action, "outcome": e.Outcome,
		"detail": e.Detail, "note": e.Note, "requestId": e.RequestID,
	}
}
