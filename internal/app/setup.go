package app

import (
	"context"
	"encoding/base64"
	"strings"
	"time"

	"agentry/internal/fleet"
	"agentry/internal/secret"
	"agentry/internal/store"
)

// SetupInput is what a kind may ask for, and a draft that a person accepted.
type SetupInput struct {
	Login, Password, Country string
	Hours                    *fleet.HoursChange
	Limits                   *fleet.LimitsChange
	IfVersion                int64
}

// Setup stores the credentials, sealed, and starts the sign-in.
func (a *App) Setup(ctx context.Context, by fleet.Actor, id fleet.AgentID, in SetupInput) (fleet.Agent, error) {
	return a.onAgent(ctx, act{by: by, need: fleet.ScopeOperate, action: "setup", id: id, ifVersion: in.IfVersion}, func(c *change) error {
		if _, err := fleet.Next(c.agent.Status, fleet.MoveSetup, c.agent.Facts(c.kind)); err != nil {
			return err
		}
		if err := c.checkSetup(&in); err != nil {
			return err
		}
		if err := a.storeCredentials(c, in); err != nil {
			return err
		}
		if err := c.tx.DeleteCommands(id, ""); err != nil {
			return err
		}
		if err := c.resolve("auth", ""); err != nil {
			return err
		}
		if err := a.wantResources(c); err != nil {
			return err
		}
		c.agent.IsSetUp, c.agent.Draft = true, nil
		c.agent.Runtime.EnableAutonomy, c.agent.Runtime.Settings = true, nil
		return c.move(fleet.MoveSetup)
	})
}

// SignInDeadline is when the agent's sign-in is given up unless more is heard of
// it; zero while it does not sign in.
func (a *App) SignInDeadline(ctx context.Context, by fleet.Actor, id fleet.AgentID) (at time.Time, err error) {
	if err := by.May(fleet.ScopeRead); err != nil {
		return at, err
	}
	err = a.store.Read(ctx, func(tx *store.Tx) error {
		row, err := tx.Agent(by.TeamID, id)
		if err != nil || row.Status != fleet.AuthInProgress {
			return err
		}
		heard, err := tx.SignInHeardAt(id)
		at = row.StatusAt.Add(signInLimit)
		if last := row.StatusAt.Add(signInMost); heard.Add(signInLimit).After(last) {
			at = last
		} else if heard.Add(signInLimit).After(at) {
			at = heard.Add(signInLimit)
		}
		return err
	})
	return at, err
}

// checkSetup validates the input against the agent's kind and lays it over
// the agent.
func (c *change) checkSetup(in *SetupInput) (err error) {
	if !c.known {
		return fleet.Invalid("kind", "%q is not configured on this server", c.agent.Kind)
	}
	if !c.kind.NeedsSetup() {
		return fleet.Invalid("kind", "%s needs no setup; start the agent instead", c.agent.Kind)
	}
	in.Login = strings.TrimSpace(in.Login)
	if in.Country, err = fleet.CheckCountry(in.Country); err != nil {
		return err
	}
	for _, f := range []struct{ name, value string }{{"login", in.Login}, {"password", in.Password}, {"country", in.Country}} {
		if !c.kind.Asks(f.name) {
			continue
		}
		if err := fleet.CheckText(f.name, f.value, 1, 1000); err != nil {
			return err
		}
	}
	if in.Hours != nil {
		if c.agent.Hours, err = c.agent.Hours.Apply(*in.Hours); err != nil {
			return err
		}
	}
	if in.Limits != nil {
		if c.agent.Limits, err = c.agent.Limits.Apply(*in.Limits); err != nil {
			return err
		}
	}
	c.agent.Login = ""
	if c.kind.Asks("login") {
		c.agent.Login = in.Login
	}
	if in.Country != "" {
		c.agent.Country = in.Country
	}
	return nil
}

func (a *App) storeCredentials(c *change, in SetupInput) error {
	key, err := a.dataKey(c.tx, c.agent.ID)
	if err != nil {
		return err
	}
	if err := c.tx.DeleteCredentials(c.agent.ID); err != nil {
		return err
	}
	for field, value := range map[string]string{"login": in.Login, "password": in.Password} {
		if !c.kind.Asks(field) {
			continue
		}
		box := key.Seal([]byte(value), "credentials", string(c.agent.ID), field)
		if err := c.tx.SetCredential(c.agent.ID, field, box, c.now); err != nil {
			return err
		}
	}
	return nil
}

// dataKey opens the key of an agent's secrets.
func (a *App) dataKey(tx *store.Tx, id fleet.AgentID) (secret.DataKey, error) {
	sealed, err := tx.DataKey(id)
	if err != nil {
		return secret.DataKey{}, err
	}
	return a.sealer.OpenDataKey(string(id), sealed)
}

// VerifyInput is a code that somebody was sent.
type VerifyInput struct {
	Code      string
	IfVersion int64
}

// Verify hands the code to the agent's program, which goes on signing in.
func (a *App) Verify(ctx context.Context, by fleet.Actor, id fleet.AgentID, in VerifyInput) (fleet.Agent, error) {
	code := strings.TrimSpace(in.Code)
	if err := fleet.CheckText("code", code, 1, 100); err != nil {
		return fleet.Agent{}, err
	}
	return a.onAgent(ctx, act{by: by, need: fleet.ScopeOperate, action: "verify", id: id, ifVersion: in.IfVersion}, func(c *change) error {
		if err := c.move(fleet.MoveVerify); err != nil {
			return err
		}
		if err := c.tx.DeleteCommands(id, fleet.CommandVerifyCode); err != nil {
			return err
		}
		key, err := a.dataKey(c.tx, id)
		if err != nil {
			return err
		}
		box := key.Seal([]byte(code), "commands", string(id), "code")
		return c.command(fleet.CommandVerifyCode, map[string]any{"sealed": base64.StdEncoding.EncodeToString(box)})
	})
}
