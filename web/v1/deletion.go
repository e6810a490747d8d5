package v1

import (
	"github.com/gofiber/fiber/v2"

	"agentry/internal/api"
	"agentry/internal/app"
	"agentry/internal/fleet"
)

// DeleteAgent answers DELETE /v1/agents/{id}; reason and exportSha256 are in
// the query or the body, the query wins.
func (a *API) DeleteAgent(c *fiber.Ctx, by fleet.Actor) error {
	var body api.Delete
	id, version, err := input(c, &body)
	if err != nil {
		return err
	}
	for name, to := range map[string]*string{"reason": &body.Reason, "exportSha256": &body.ExportSHA256} {
		text, err := query(c, name)
		if err != nil {
			return err
		}
		if text != "" {
			*to = text
		}
	}
	deletion, err := a.app.Delete(c.UserContext(), by, id, app.DeleteInput{
		Reason: body.Reason, ExportSHA256: body.ExportSHA256, IfVersion: version,
	})
	if err != nil {
		return err
	}
	return render(c, api.Deleted{Message: "Agent deleted successfully", DeletionID: deletion.ID})
}

// Preview answers GET …/preview.
func (a *API) Preview(c *fiber.Ctx, by fleet.Actor) error {
	id, err := agentID(c)
	if err != nil {
		return err
	}
	move := fleet.Move(c.Query("action"))
	if move != fleet.MoveRelaunch && move != fleet.MoveDelete {
		return fleet.Invalid("action", "must be relaunch or delete")
	}
	p, err := a.app.Preview(c.UserContext(), by, id, move)
	if err != nil {
		return err
	}
	etag(c, p.Version)
	blocked := append([]string{}, p.BlockedBy...)
	if p.Hold != "" {
		blocked = append(blocked, p.Hold)
	}
	return render(c, api.Preview{
		Action: string(p.Action), Allowed: len(blocked) == 0, BlockedBy: blocked, NeedsReason: p.Hold != "",
		Removes: api.PreviewRemoves{Counts: api.Counts(p.Removes), Resources: each(p.Resources, resource), MoreResources: p.MoreResources},
		Keeps:   api.Counts(p.Keeps), Version: p.Version,
	})
}

// Deletions answers GET /v1/deletions.
func (a *API) Deletions(c *fiber.Ctx, by fleet.Actor) error {
	p, err := page(c)
	if err != nil {
		return err
	}
	items, next, err := a.app.Deletions(c.UserContext(), by, p)
	if err != nil {
		return err
	}
	return list(a, c, items, next, deletion)
}

// Deletion answers GET /v1/deletions/{id}.
func (a *API) Deletion(c *fiber.Ctx, by fleet.Actor) error {
	id, err := pathID(c, "deletionId", "Deletion")
	if err != nil {
		return err
	}
	d, err := a.app.Deletion(c.UserContext(), by, id)
	if err != nil {
		return err
	}
	return render(c, deletion(d))
}

func deletion(d fleet.Deletion) api.Deletion {
	return api.Deletion{
		ID: d.ID, AgentID: string(d.AgentID), At: api.At(d.At), By: d.By, ByKind: string(d.ByKind),
		Reason: orNull(d.Reason), Removed: api.Counts(d.Removed), Incarnation: d.Incarnation,
		ExportSHA256: orNull(d.ExportSHA256), Resources: each(d.Resources, resource), MoreResources: d.MoreResources,
	}
}
