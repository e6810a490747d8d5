package app

import (
	"context"
	"errors"
	"regexp"
	"time"

	"agentry/internal/fleet"
	"agentry/internal/store"
)

// DeleteInput says why, and what a person typed to confirm.
type DeleteInput struct {
	Reason string
	// ExportSHA256 is the hash of an export that was taken, "" or 64 hex digits.
	ExportSHA256 string
	IfVersion    int64
	// ConfirmName must equal the agent's name where it is set.
	ConfirmName *string
}

// Delete removes an ended agent and everything of it for good and returns the
// certificate that remains.
func (a *App) Delete(ctx context.Context, by fleet.Actor, id fleet.AgentID, in DeleteInput) (fleet.Deletion, error) {
	if err := fleet.CheckNote("reason", in.Reason); err != nil {
		return fleet.Deletion{}, err
	}
	if in.ExportSHA256 != "" && !regexp.MustCompile(`^[0-9a-f]{64}$`).MatchString(in.ExportSHA256) {
		return fleet.Deletion{}, fleet.Invalid("exportSha256", "must be 64 hexadecimal digits")
	}
	var d fleet.Deletion
	_, err := a.onAgent(ctx, act{by: by, need: fleet.ScopeDelete, action: "delete", id: id, ifVersion: in.IfVersion}, func(c *change) (err error) {
		if err := c.mayDelete(in); err != nil {
			return err
		}
		d = fleet.Deletion{
			ID: c.tx.NewID(c.now), TeamID: by.TeamID, AgentID: id, At: c.now, By: by.Name, ByKind: by.Kind,
			Reason: in.Reason, Incarnation: c.agent.Incarnation, ExportSHA256: in.ExportSHA256,
		}
		if d.Removed, err = c.tx.Counts(id); err != nil {
			return err
		}
		d.Removed.Settings = len(c.agent.Settings)
		if err := c.tx.InsertDeletion(d); err != nil {
			return err
		}
		if err := errors.Join(a.dropResources(c, fleet.MoveDelete), c.flushAllReads()); err != nil {
			return err
		}
		if err := c.tx.DeleteAgent(c.agent.Agent); err != nil {
			return err
		}
		if d.Resources, d.MoreResources, err = c.tx.NamedResources(by.TeamID, id); err != nil {
			return err
		}
		c.detail("deletionId", d.ID)
		c.detail("from", fleet.Ended)
		return c.event(fleet.EventAgentDeleted)
	})
	a.store.Erased()
	return d, err
}

func (c *change) mayDelete(in DeleteInput) error {
	if _, err := fleet.Next(c.agent.Status, fleet.MoveDelete, c.agent.Facts(c.kind)); err != nil {
		return err
	}
	if p := c.agent.Protected; p != nil {
		e := fleet.Errorf(fleet.CodeProtected, "%s", protectedText(*p))
		e.Protection = p
		return e
	}
	if in.ConfirmName != nil && *in.ConfirmName != c.agent.Name {
		return fleet.Invalid("name", "does not match the agent's name")
	}
	return nil
}

func protectedText(p fleet.Protection) string {
	return "The agent is protected by " + p.By + " since " + p.At.Format(time.DateOnly) + ": " + p.Reason
}

// Deletion returns a certificate by its id.
func (a *App) Deletion(ctx context.Context, by fleet.Actor, id string) (d fleet.Deletion, err error) {
	if err := by.May(fleet.ScopeRead); err != nil {
		return d, err
	}
	err = a.store.Read(ctx, func(tx *store.Tx) error {
		d, err = tx.Deletion(by.TeamID, id)
		return err
	})
	return d, err
}

// DeletionOfAgent returns the certificate of a deleted agent.
func (a *App) DeletionOfAgent(ctx context.Context, by fleet.Actor, id fleet.AgentID) (fleet.Deletion, error) {
	return a.Deletion(ctx, by, string(id))
}

// Deletions returns the team's certificates, newest first.
func (a *App) Deletions(ctx context.Context, by fleet.Actor, p PageInput) ([]fleet.Deletion, string, error) {
	return page(ctx, a, by, p, func(tx *store.Tx, before string, limit int) ([]fleet.Deletion, error) {
		return tx.Deletions(by.TeamID, before, limit)
	}, func(d fleet.Deletion) string { return d.ID })
}
