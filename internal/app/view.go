package app

import (
	"context"
	"time"

	"agentry/internal/fleet"
	"agentry/internal/store"
)

// ViewInput describes a saved view; Query is what stands behind the ? of the
// list's address.
type ViewInput struct {
	Name, Query string
	Shared      bool
}

// ViewChange is a partial change of a view; nil keeps what is.
type ViewChange struct {
	Name, Query *string
	Shared      *bool
}

// maxViewsListed is how many views a list has.
const maxViewsListed = 200

// Views returns the member's own views and the team's shared ones, by name. An
// API key has none of its own.
func (a *App) Views(ctx context.Context, by fleet.Actor) (list []fleet.View, err error) {
	if err := by.May(fleet.ScopeRead); err != nil {
		return nil, err
	}
	err = a.store.Read(ctx, func(tx *store.Tx) error {
		list, err = tx.Views(by.TeamID, ownerOf(by), maxViewsListed)
		return err
	})
	return list, err
}

// View returns a view that the actor sees.
func (a *App) View(ctx context.Context, by fleet.Actor, id string) (v fleet.View, err error) {
	if err := by.May(fleet.ScopeRead); err != nil {
		return v, err
	}
	err = a.store.Read(ctx, func(tx *store.Tx) error {
		v, err = seenView(tx, by, id)
		return err
	})
	return v, err
}

// SaveView keeps a view under a name; one of one's own that has the name
// already is overwritten, and made is false. To share one takes the scope
// operate.
func (a *App) SaveView(ctx context.Context, by fleet.Actor, in ViewInput) (v fleet.View, made bool, err error) {
	now := a.Now()
	v = fleet.View{ID: a.store.NewID(now), TeamID: by.TeamID, OwnerID: ownerOf(by), By: by.Name, Name: in.Name, Query: in.Query, Shared: in.Shared, CreatedAt: now, UpdatedAt: now}
	if err := a.viewAllowed(ctx, by, v, "view.save"); err != nil {
		return v, false, err
	}
	if err := checkView(&v); err != nil {
		return v, false, err
	}
	err = a.write(ctx, by, func(tx *store.Tx) error {
		old, ok, err := tx.ViewNamed(by.TeamID, v.OwnerID, v.Name)
		if err != nil {
			return err
		}
		if made = !ok; ok {
			v.ID, v.By, v.CreatedAt = old.ID, old.By, old.CreatedAt
			if err := tx.SaveView(v); err != nil {
				return err
			}
			return viewAudit(tx, by, "view.save", now, v, old)
		}
		n, err := tx.CountViews(by.TeamID, v.OwnerID)
		if err != nil {
			return err
		}
		if n >= fleet.MaxViews {
			return fleet.Invalid("name", "is one too many: you have %d views; delete one first", n)
		}
		if err := tx.InsertView(v); err != nil {
			return err
		}
		return viewAudit(tx, by, "view.save", now, v)
	})
	return v, made, err
}

// UpdateView renames, changes, shares or no longer shares a view. What the team
// sees afterwards takes the scope operate.
func (a *App) UpdateView(ctx context.Context, by fleet.Actor, id string, in ViewChange) (v fleet.View, err error) {
	now := a.Now()
	err = a.onView(ctx, by, id, "view.update", func(tx *store.Tx, old fleet.View) error {
		v = old
		v.UpdatedAt = now
		if in.Name != nil {
			v.Name = *in.Name
		}
		if in.Query != nil {
			v.Query = *in.Query
		}
		if in.Shared != nil {
			v.Shared = *in.Shared
		}
		if err := checkView(&v); err != nil {
			return err
		}
		if v.Shared { // also what its owner, a viewer now, shared before
			if err := by.May(fleet.ScopeOperate); err != nil {
				return err
			}
		}
		if v.OwnerID == "" && !v.Shared {
			return fleet.Invalid("shared", "must be true: the view is nobody's own")
		}
		if same, ok, err := tx.ViewNamed(by.TeamID, v.OwnerID, v.Name); err != nil || ok && same.ID != v.ID {
			if err != nil {
				return err
			}
			return fleet.Invalid("name", "is that of another view")
		}
		if err := tx.SaveView(v); err != nil {
			return err
		}
		return viewAudit(tx, by, "view.update", now, v, old)
	})
	return v, err
}

// DeleteView removes a view.
func (a *App) DeleteView(ctx context.Context, by fleet.Actor, id string) error {
	return a.onView(ctx, by, id, "view.delete", func(tx *store.Tx, v fleet.View) error {
		if err := tx.DeleteView(by.TeamID, v.ID); err != nil {
			return err
		}
		return viewAudit(tx, by, "view.delete", a.Now(), v)
	})
}

// onView runs f on a view that the actor may change, in one transaction. What
// is refused is recorded.
func (a *App) onView(ctx context.Context, by fleet.Actor, id, action string, f func(tx *store.Tx, v fleet.View) error) error {
	what := act{by: by, need: fleet.ScopeRead, action: action}
	err := a.allowed(what)
	if err == nil {
		err = a.write(ctx, by, func(tx *store.Tx) error {
			v, err := seenView(tx, by, id)
			if err != nil {
				return err
			}
			if err := v.ChangedBy(by); err != nil {
				return err
			}
			return f(tx, v)
		})
	}
	if err != nil {
		return a.refused(ctx, what, err)
	}
	return nil
}

// seenView is a view that the actor sees; another's own is none.
func seenView(tx *store.Tx, by fleet.Actor, id string) (fleet.View, error) {
	v, err := tx.View(by.TeamID, id)
	if err == nil && !v.SeenBy(by) {
		return fleet.View{}, fleet.Errorf(fleet.CodeNotFound, "View not found")
	}
	return v, err
}

func (a *App) viewAllowed(ctx context.Context, by fleet.Actor, v fleet.View, action string) error {
	what := act{by: by, need: fleet.ScopeRead, action: action}
	if v.Shared {
		what.need = fleet.ScopeOperate
	}
	if err := a.allowed(what); err != nil {
		return a.refused(ctx, what, err)
	}
	if v.OwnerID == "" && !v.Shared {
		return fleet.Invalid("shared", "must be true: an API key has no views of its own")
	}
	return nil
}

func checkView(v *fleet.View) (err error) {
	if v.Name, err = fleet.CheckName("name", v.Name); err != nil {
		return err
	}
	v.Query, err = fleet.ViewQuery(v.Query)
	return err
}

func ownerOf(by fleet.Actor) fleet.UserID {
	if by.Kind != fleet.ActorMember {
		return ""
	}
	return fleet.UserID(by.ID)
}

// viewAudit records what concerns the team: a view that is shared, or was.
func viewAudit(tx *store.Tx, by fleet.Actor, action string, now time.Time, states ...fleet.View) error {
	shared := false
	for _, v := range states {
		shared = shared || v.Shared
	}
	if !shared {
		return nil
	}
	e := entry(act{by: by, action: action}, now, "done")
	e.Detail = map[string]any{"viewId": states[0].ID, "shared": states[0].Shared}
	if err := tx.AddAudit(e); err != nil {
		return err
	}
	return tx.AddEvent(fleet.Event{TeamID: by.TeamID, Type: fleet.EventViewChanged, At: now})
}
