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
	// ExportSHA256 is the hash of the export that was taken of exactly what is
	// deleted; a wrong one is refused. "" names none: the certificate has the
	// hash all the same where such an export was taken last.
	ExportSHA256 string
	// Offered is the hash of the export that a person was shown: if it was
	// taken, what it was taken of must not have changed.
	Offered   string
	IfVersion int64
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
			Reason: in.Reason, Incarnation: c.agent.Incarnation,
		}
		if d.ExportSHA256, err = c.certifiedExport(in); err != nil {
			return err
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

// certifiedExport is the hash of the export that was taken of exactly what is
// deleted, "" where none was. What cannot be certified is refused.
func (c *change) certifiedExport(in DeleteInput) (string, error) {
	present, err := presentExport(c.tx, c.agent)
	if err != nil || present.SHA256 != "" && (in.ExportSHA256 == "" || in.ExportSHA256 == present.SHA256) {
		return present.SHA256, err
	}
	last, err := c.tx.LastExport(c.agent.TeamID, c.agent.ID)
	switch {
	case err != nil:
		return "", err
	case in.ExportSHA256 != "" && in.ExportSHA256 != last.SHA256:
		return "", fleet.Invalid("exportSha256", "is not the hash of the export that was taken last of this agent: take one and give its hash, or leave it out")
	case last.SHA256 != "" && (in.ExportSHA256 == last.SHA256 || in.Offered == last.SHA256):
		return "", fleet.Invalid("exportSha256", "something of the agent has changed since the export was taken: take it again, or delete without it")
	}
	return "", nil
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
