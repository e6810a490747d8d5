package app

import (
	"context"
	"slices"
	"strings"
	"time"

	"agentry/internal/fleet"
	"agentry/internal/store"
)

// AuditInput narrows the audit; empty fields do not. Everybody of the team may
// read all of it.
type AuditInput struct {
	Kind fleet.ActorKind
	// Actor is an id, or the name or e-mail address of a member, the name of a
	// key or of a part of the system. Agent is an id, also of one that is gone,
	// or a name.
	Actor, Agent string
	// Action is one, or a group of them such as "key.*"; see fleet.AuditGroup.
	Action string
	// Outcome is "done", "refused" or "".
	Outcome string
	// From is included, To is not.
	From, To time.Time
}

// auditLook is how many entries one search looks at that its filters together
// may let none of pass.
const auditLook = 20_000

// auditBatch is how many entries are read at once where all are.
const auditBatch = 1000

func (in AuditInput) check() error {
	switch {
	case in.Kind != "" && !in.Kind.Valid():
		return fleet.Invalid("kind", "must be member, key, run or system")
	case in.Outcome != "" && in.Outcome != "done" && in.Outcome != "refused":
		return fleet.Invalid("outcome", "must be done or refused")
	case !in.From.IsZero() && !in.To.IsZero() && in.To.Before(in.From):
		return fleet.Invalid("to", "must not be before from")
	}
	for name, text := range map[string]string{"actor": in.Actor, "agent": in.Agent, "action": in.Action} {
		if err := fleet.CheckText(name, text, 0, 300); err != nil {
			return err
		}
	}
	return nil
}

// filter looks up what is named; ok is false where nothing can pass.
func (in AuditInput) filter(tx *store.Tx, team fleet.TeamID) (f store.AuditFilter, ok bool, err error) {
	f = store.AuditFilter{Kind: in.Kind, Outcome: in.Outcome, From: in.From, To: in.To}
	if name := strings.TrimSpace(in.Agent); name != "" {
		if id, ok := fleet.ParseID(name); ok {
			f.Agents = []fleet.AgentID{fleet.AgentID(id)}
		} else if f.Agents, err = tx.AgentsNamed(team, name); err != nil || len(f.Agents) == 0 {
			return f, false, err
		}
	}
	if name := strings.TrimSpace(in.Actor); name != "" {
		if f.Actors, err = tx.ActorsNamed(team, name); err != nil {
			return f, false, err
		}
		if len(f.Actors) == 0 {
			f.Actors = []string{name}
		}
	}
	if group, ok := strings.CutSuffix(in.Action, ".*"); ok {
		all, err := tx.AuditActions(team)
		if err != nil {
			return f, false, err
		}
		f.Actions = slices.DeleteFunc(all, func(a string) bool { return fleet.AuditGroup(a) != group })
		return f, len(f.Actions) > 0, nil
	}
	if in.Action != "" {
		f.Actions = []string{in.Action}
	}
	return f, true, nil
}

// AuditPage is a part of the audit, newest first.
type AuditPage struct {
	Entries []fleet.AuditEntry
	// NextCursor is "" where there is no more.
	NextCursor string
	// Back is how far back was looked where that was given up with fewer entries
	// than were asked for: NextCursor looks further. Zero is that it was not.
	Back time.Time
	// Last is the newest entry when the page was read, for AuditNews.
	Last int64
	// Actions is what was ever done in the team, for a choice.
	Actions []string
}

// Audit returns who did what in the team, what was refused included.
func (a *App) Audit(ctx context.Context, by fleet.Actor, in AuditInput, p PageInput) (out AuditPage, err error) {
	from, err := a.mayAudit(by, in, p.Cursor)
	if err != nil {
		return out, err
	}
	limit := clampLimit(p.Limit, standardPage, maxPage)
	err = a.store.Read(ctx, func(tx *store.Tx) error {
		if out.Last, err = tx.LastAudit(); err != nil {
			return err
		}
		if out.Actions, err = tx.AuditActions(by.TeamID); err != nil {
			return err
		}
		f, ok, err := in.filter(tx, by.TeamID)
		if err == nil && ok {
			err = out.read(tx, by.TeamID, f, from, limit)
		}
		return err
	})
	return out, err
}

// read fills the entries behind a place, and where to go on.
func (p *AuditPage) read(tx *store.Tx, team fleet.TeamID, f store.AuditFilter, from *store.AuditPlace, limit int) (err error) {
	if f.Back, err = tx.AuditBack(team, f, from, auditLook); err != nil {
		return err
	}
	p.Entries, err = tx.Audit(team, f, from, limit+1)
	p.NextCursor, p.Back = "", time.Time{}
	switch {
	case len(p.Entries) > limit:
		p.Entries = p.Entries[:limit]
		p.NextCursor = sealCursor(store.AuditPlaceOf(p.Entries[limit-1]))
	case f.Back != nil:
		p.NextCursor, p.Back = sealCursor(*f.Back), time.UnixMicro(f.Back.At).UTC()
	}
	return err
}

func (a *App) mayAudit(by fleet.Actor, in AuditInput, cursor string) (*store.AuditPlace, error) {
	if err := by.May(fleet.ScopeRead); err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	return openCursor[*store.AuditPlace](cursor)
}

// AuditNews counts, up to limit, the entries written after the one with the id.
// Where more were written in the meantime than one search looks at, by whichever
// team, it counts among the newest, and all is false.
func (a *App) AuditNews(ctx context.Context, by fleet.Actor, in AuditInput, after int64, limit int) (n int, all bool, err error) {
	if _, err := a.mayAudit(by, in, ""); err != nil {
		return 0, false, err
	}
	err = a.store.Read(ctx, func(tx *store.Tx) error {
		last, err := tx.LastAudit()
		if err != nil {
			return err
		}
		all = after >= last-auditLook
		f, ok, err := in.filter(tx, by.TeamID)
		if err == nil && ok {
			n, err = tx.CountAuditAfter(by.TeamID, f, max(after, last-auditLook), limit)
		}
		return err
	})
	return n, all, err
}

// ExportAudit yields every entry that passes, newest first, of those there are
// when it begins. That it was taken, in which format, is an entry itself, the
// first one when nothing narrows.
func (a *App) ExportAudit(ctx context.Context, by fleet.Actor, in AuditInput, format string, yield func(fleet.AuditEntry) error) error {
	if _, err := a.mayAudit(by, in, ""); err != nil {
		return err
	}
	now := a.Now()
	e := entry(act{by: by, action: "audit.export"}, now, "done")
	e.Detail = map[string]any{"format": format}
	err := a.store.Write(ctx, func(tx *store.Tx) error { return addAudit(tx, e) })
	if err != nil {
		return err
	}
	var last int64
	for cursor := ""; ; {
		var part AuditPage
		err := a.store.Read(ctx, func(tx *store.Tx) error {
			if last == 0 {
				if last, err = tx.LastAudit(); err != nil {
					return err
				}
			}
			from, err := openCursor[*store.AuditPlace](cursor)
			if err != nil {
				return err
			}
			f, ok, err := in.filter(tx, by.TeamID)
			if err == nil && ok {
				err = part.read(tx, by.TeamID, f, from, auditBatch)
			}
			return err
		})
		if err != nil {
			return err
		}
		for _, e := range part.Entries {
			if e.ID > last {
				continue // written since, by a clock that was set back
			}
			if err := yield(e); err != nil {
				return err
			}
		}
		if cursor = part.NextCursor; cursor == "" {
			return nil
		}
	}
}

// addAudit writes an entry that no other event tells of.
func addAudit(tx *store.Tx, e fleet.AuditEntry) error {
	if err := tx.AddAudit(e); err != nil {
		return err
	}
	return tx.AddEvent(fleet.Event{TeamID: e.TeamID, AgentID: e.AgentID, Type: fleet.EventAudit, At: e.At})
}

// History returns who did what to an agent, newest first.
func (a *App) History(ctx context.Context, by fleet.Actor, id fleet.AgentID, p PageInput) ([]fleet.AuditEntry, string, error) {
	from, err := a.mayAudit(by, AuditInput{}, p.Cursor)
	if err != nil {
		return nil, "", err
	}
	var out AuditPage
	limit := clampLimit(p.Limit, standardPage, maxPage)
	err = a.store.Read(ctx, func(tx *store.Tx) error {
		if _, err := tx.Agent(by.TeamID, id); err != nil {
			return err
		}
		return out.read(tx, by.TeamID, store.AuditFilter{Agents: []fleet.AgentID{id}}, from, limit)
	})
	return out.Entries, out.NextCursor, err
}
