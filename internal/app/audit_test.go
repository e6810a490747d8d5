package app_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/internal/store"
)

// auditing are the use-cases of the audit.
func auditing() map[string]useCase {
	return map[string]useCase{
		"Audit": {read, false, "", func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			found, err := b.Audit(ctx, by, app.AuditInput{Agent: string(id)}, app.PageInput{})
			return seen(by, b, len(found.Entries), err)
		}},
		"AuditNews": {read, false, "", func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			n, _, err := b.AuditNews(ctx, by, app.AuditInput{Agent: string(id)}, 0, 10)
			return seen(by, b, n, err)
		}},
		"TakeExport": {read, false, fleet.CodeForbidden, func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			file, err := b.TakeExport(ctx, by, id)
			if err == nil {
				b.ok(file.Close())
			}
			return err
		}},
		"Export": {read, false, fleet.CodeForbidden, func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			return second(b.Export(ctx, by, id, true))
		}},
		"ExportAudit": {read, false, "", func(ctx context.Context, by fleet.Actor, id fleet.AgentID, b *bench) error {
			n := 0
			err := b.ExportAudit(ctx, by, app.AuditInput{Agent: string(id)}, "csv", func(fleet.AuditEntry) error { n++; return nil })
			return seen(by, b, n, err)
		}},
	}
}

// seen fails where another team saw entries.
func seen(by fleet.Actor, b *bench, n int, err error) error {
	if by.TeamID != b.team && n > 0 {
		return fmt.Errorf("another team sees %d entries", n)
	}
	return err
}

// actionsOf are the actions of entries, refused ones with their outcome.
func actionsOf(list []fleet.AuditEntry) (out []string) {
	for _, e := range list {
		text := e.Action
		if e.Refused() {
			text += " " + e.Outcome
		}
		out = append(out, text)
	}
	return out
}

// What was done and what was refused is in the audit, and each filter leaves
// what it should.
func TestAudit(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	ada := b.create("rehearsal")
	b.clock.step(time.Hour)
	_, _, err := b.CreateKey(t.Context(), b.admin, app.KeyInput{Name: "nightly", Scope: fleet.ScopeRead})
	b.ok(err)
	_, _, err = b.CreateKey(t.Context(), b.operator, app.KeyInput{Name: "mine", Scope: fleet.ScopeAdmin})
	wantErr(t, "a key for an operator", err, fleet.CodeForbidden, "")
	b.clock.step(time.Hour)
	b.ok(second(b.End(t.Context(), b.operator, ada, app.ReasonInput{Reason: "not needed"})))
	b.clock.step(time.Hour)
	_, err = b.Delete(t.Context(), b.operator, ada, app.DeleteInput{})
	wantErr(t, "a delete by an operator", err, fleet.CodeForbidden, "")
	name := b.get(ada).Name
	for _, c := range []struct {
		what string
		in   app.AuditInput
		want []string
	}{
		{"all", app.AuditInput{}, []string{"delete forbidden", "end", "key.create forbidden", "key.create", "create"}},
		{"agent by id", app.AuditInput{Agent: string(ada)}, []string{"delete forbidden", "end", "create"}},
		{"agent by name", app.AuditInput{Agent: name}, []string{"delete forbidden", "end", "create"}},
		{"agent nobody knows", app.AuditInput{Agent: "nobody"}, nil},
		{"actor", app.AuditInput{Actor: b.operator.ID}, []string{"delete forbidden", "end", "key.create forbidden"}},
		{"actor nobody knows", app.AuditInput{Actor: "nobody"}, nil},
		{"kind", app.AuditInput{Kind: fleet.ActorKey}, nil},
		{"action", app.AuditInput{Action: "end"}, []string{"end"}},
		{"group", app.AuditInput{Action: "key.*"}, []string{"key.create forbidden", "key.create"}},
		{"group of agents", app.AuditInput{Action: "agent.*"}, []string{"delete forbidden", "end", "create"}},
		{"group that is empty", app.AuditInput{Action: "proxy.*"}, nil},
		{"refused", app.AuditInput{Outcome: "refused"}, []string{"delete forbidden", "key.create forbidden"}},
		{"done by the operator", app.AuditInput{Outcome: "done", Actor: b.operator.ID, Action: "end"}, []string{"end"}},
		{"from", app.AuditInput{From: t0.Add(2 * time.Hour)}, []string{"delete forbidden", "end"}},
		{"to is not included", app.AuditInput{From: t0.Add(time.Hour), To: t0.Add(2 * time.Hour)}, []string{"key.create forbidden", "key.create"}},
	} {
		found, err := b.Audit(t.Context(), b.viewer, c.in, app.PageInput{})
		if got := actionsOf(found.Entries); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q (%v)", c.what, got, c.want, err)
		}
		n, _, err := b.AuditNews(t.Context(), b.viewer, c.in, 0, 100)
		if n != len(c.want) || err != nil {
			t.Errorf("%s: %d are new, want %d (%v)", c.what, n, len(c.want), err)
		}
	}
	found := must[app.AuditPage](t)(b.Audit(t.Context(), b.viewer, app.AuditInput{Action: "end"}, app.PageInput{}))
	if e := found.Entries[0]; e.AgentName != name || e.Note != "not needed" || e.RequestID != "req" || e.ActorName != b.operator.Name {
		t.Errorf("%+v", e)
	}
	if n, all, err := b.AuditNews(t.Context(), b.viewer, app.AuditInput{}, found.Last, 100); n != 0 || !all || err != nil {
		t.Errorf("%d entries are newer than the newest (%v)", n, err)
	}
}

// Pages of the audit have no gap and no double, also when entries are added
// between them.
func TestAuditPages(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	for range 5 {
		b.create("rehearsal")
	}
	var ids []int64
	p := app.PageInput{Limit: 2}
	for {
		found := must[app.AuditPage](t)(b.Audit(t.Context(), b.viewer, app.AuditInput{Action: "create"}, p))
		for _, e := range found.Entries {
			ids = append(ids, e.ID)
		}
		if p.Cursor = found.NextCursor; p.Cursor == "" {
			break
		}
		b.create("rehearsal")
	}
	if len(ids) != 5 || ids[0]-ids[4] != 4 {
		t.Errorf("pages have %v", ids)
	}
}

func TestAuditRefusesWhatItCannotRead(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	for field, in := range map[string]app.AuditInput{
		"kind": {Kind: "robot"}, "outcome": {Outcome: "maybe"}, "to": {From: t0, To: t0.Add(-time.Second)}, "actor": {Actor: strings.Repeat("x", 301)}, "agent": {Agent: "a\x00"},
	} {
		_, err := b.Audit(t.Context(), b.viewer, in, app.PageInput{})
		wantErr(t, field, err, fleet.CodeValidation, "")
	}
	_, err := b.Audit(t.Context(), b.viewer, app.AuditInput{}, app.PageInput{Cursor: "x"})
	wantErr(t, "cursor", err, fleet.CodeValidation, "")
}

// The export has every entry that passes, and is one itself.
func TestExportAudit(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	ada := b.create("rehearsal")
	var got []fleet.AuditEntry
	b.ok(b.ExportAudit(t.Context(), b.viewer, app.AuditInput{}, "jsonl", func(e fleet.AuditEntry) error {
		if len(got) == 0 {
			b.create("rehearsal") // what comes meanwhile is not in it
		}
		got = append(got, e)
		return nil
	}))
	if want := []string{"audit.export", "create"}; !slices.Equal(actionsOf(got), want) || got[0].Detail["format"] != "jsonl" || got[0].ActorID != b.viewer.ID {
		t.Errorf("%q, want %q: %+v", actionsOf(got), want, got)
	}
	got = nil
	b.ok(b.ExportAudit(t.Context(), b.viewer, app.AuditInput{Agent: string(ada)}, "csv", func(e fleet.AuditEntry) error { got = append(got, e); return nil }))
	if want := []string{"create"}; !slices.Equal(actionsOf(got), want) {
		t.Errorf("%q, want %q", actionsOf(got), want)
	}
}

// Every action that was ever written has words of its own.
func TestActionsHaveWords(t *testing.T) {
	t.Parallel()
	for action, want := range map[string]string{
		"relaunch": "Relaunch agent", "key.create": "Create API key", "POST /v1/keys": "Call POST /v1/keys", "proxy.add": "Add proxies", "some_thing": "Some thing", "": "",
	} {
		if got := fleet.ActionWords(action); got != want {
			t.Errorf("%q is %q, want %q", action, got, want)
		}
	}
	for action, want := range map[string]string{"end": "agent", "key.create": "key", "POST /v1/keys": "call"} {
		if got := fleet.AuditGroup(action); got != want {
			t.Errorf("%q is in %q, want %q", action, got, want)
		}
	}
}

// A search that finds nothing in what it looks at says how far it went, and
// goes on from there; the count of what is new says that it did not see all.
func TestAuditSearchIsBounded(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	write := func(n int, action string, at time.Time) {
		b.ok(b.store.Write(t.Context(), func(tx *store.Tx) (err error) {
			for range n {
				err = errors.Join(err, tx.AddAudit(fleet.AuditEntry{TeamID: b.team, At: at, ActorKind: fleet.ActorSystem, ActorID: "s", ActorName: "clock", Action: action, Outcome: "done"}))
			}
			return err
		}))
	}
	write(1, "rare", t0)
	write(20_000, "often", t0.Add(time.Hour))
	in := app.AuditInput{Actor: "s", Outcome: "done", Action: "rare", Kind: fleet.ActorSystem}
	found := must[app.AuditPage](t)(b.Audit(t.Context(), b.viewer, in, app.PageInput{}))
	if len(found.Entries) != 0 || found.NextCursor == "" || !found.Back.Equal(t0.Add(time.Hour)) {
		t.Errorf("%+v", found)
	}
	found = must[app.AuditPage](t)(b.Audit(t.Context(), b.viewer, in, app.PageInput{Cursor: found.NextCursor}))
	if len(found.Entries) != 1 || found.NextCursor != "" || !found.Back.IsZero() {
		t.Errorf("%+v", found)
	}
	n := 0
	b.ok(b.ExportAudit(t.Context(), b.viewer, in, "csv", func(fleet.AuditEntry) error { n++; return nil }))
	if n != 1 {
		t.Errorf("the export has %d", n)
	}
	if n, all, err := b.AuditNews(t.Context(), b.viewer, in, 0, 100); n != 0 || all || err != nil {
		t.Errorf("%d new, all: %v, %v", n, all, err)
	}
	if n, all, err := b.AuditNews(t.Context(), b.viewer, in, found.Last-5, 100); n != 0 || !all || err != nil {
		t.Errorf("%d new, all: %v, %v", n, all, err)
	}
}
