package v1

import (
	"github.com/gofiber/fiber/v2"

	"agentry/internal/api"
	"agentry/internal/app"
	"agentry/internal/fleet"
)

// VerifyKey answers GET /v1/verify: what the caller's key is good for.
func (a *API) VerifyKey(c *fiber.Ctx, by fleet.Actor, k fleet.Key, team fleet.Team) error {
	return render(c, api.Verified{
		Status: "success", Message: "API key is valid", Team: api.Team{ID: string(team.ID), Name: team.Name},
		Scope: string(by.Scope), ExpiresAt: api.At(k.ExpiresAt),
	})
}

// Keys answers GET /v1/keys.
func (a *API) Keys(c *fiber.Ctx, by fleet.Actor) error {
	keys, err := a.app.Keys(c.UserContext(), by)
	if err != nil {
		return err
	}
	return render(c, each(keys, key))
}

// Key answers GET /v1/keys/{id}.
func (a *API) Key(c *fiber.Ctx, by fleet.Actor) error {
	id, err := pathID(c, "keyId", "API key")
	if err != nil {
		return err
	}
	k, err := a.app.Key(c.UserContext(), by, id)
	if err != nil {
		return err
	}
	return render(c, key(k))
}

// CreateKey answers POST /v1/keys; its answer is the only one with the key.
func (a *API) CreateKey(c *fiber.Ctx, by fleet.Actor) error {
	var body api.CreateKey
	if err := decode(c, &body); err != nil {
		return err
	}
	k, plain, err := a.app.CreateKey(c.UserContext(), by, app.KeyInput{
		Name: body.Name, Scope: fleet.Scope(body.Scope), ExpiresAt: stamp(body.ExpiresAt),
	})
	if err != nil {
		return err
	}
	wire := key(k)
	wire.Key = plain
	return a.created(c, "/v1/keys/"+k.ID, wire)
}

// RevokeKey answers DELETE /v1/keys/{id}.
func (a *API) RevokeKey(c *fiber.Ctx, by fleet.Actor) error {
	id, err := pathID(c, "keyId", "API key")
	if err != nil {
		return err
	}
	if err := a.app.RevokeKey(c.UserContext(), by, id); err != nil {
		return err
	}
	return render(c, api.Done{Message: "API key revoked successfully"})
}

func key(k fleet.Key) api.Key {
	return api.Key{
		ID: k.ID, Name: k.Name, Prefix: k.Prefix, Scope: string(k.Scope), CreatedBy: k.CreatedBy,
		CreatedAt: api.At(k.CreatedAt), LastUsedAt: api.At(k.LastUsedAt), ExpiresAt: api.At(k.ExpiresAt), RevokedAt: api.At(k.RevokedAt),
	}
}
