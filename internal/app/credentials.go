package app

import (
	"context"
	"time"

	"agentry/internal/fleet"
	"agentry/internal/secret"
	"agentry/internal/store"
)

// readsEvery is how often at most a run's reads of its credentials have an
// audit entry. The first of a run has one of its own; those after it are
// counted, and the next entry says how many they were.
const readsEvery = time.Minute

// RunCredentials opens the agent's credentials for its program, and says what
// it may use outside: browserProfileId and proxyUrl, where it has them. The audit
// counts every read: the detail "reads" of the entries of a run adds up to how
// often it read.
func (a *App) RunCredentials(ctx context.Context, run fleet.Run) (map[string]string, error) {
	var sealedKey []byte
	var sealed map[string][]byte
	var live []fleet.Resource
	now := a.Now()
	err := a.store.Write(ctx, func(tx *store.Tx) error {
		row, err := liveRow(tx, run)
		if err != nil {
			return err
		}
		if sealedKey, err = tx.DataKey(run.AgentID); err != nil {
			return err
		}
		if sealed, err = tx.Credentials(run.AgentID); err != nil {
			return err
		}
		if live, err = tx.LiveResources(run.TeamID, run.AgentID); err != nil {
			return err
		}
		c := &change{tx: tx, now: now, agent: row}
		return c.countRead(run)
	})
	if err != nil {
		return nil, err
	}
	key, err := a.sealer.OpenDataKey(string(run.AgentID), sealedKey)
	if err != nil {
		return nil, err
	}
	open, err := openAll(key, run.AgentID, sealed)
	if err != nil {
		return nil, err
	}
	return open, a.addResources(ctx, open, live)
}

// addResources lays what is held outside beside the credentials.
func (a *App) addResources(ctx context.Context, to map[string]string, live []fleet.Resource) error {
	for _, r := range live {
		switch {
		case r.State != fleet.ResourceHeld:
		case r.Type == fleet.ResourceProfile:
			to["browserProfileId"] = r.ExternalID
		case r.Type == fleet.ResourceProxy:
			endpoint, err := a.endpoint(ctx, r)
			if err != nil {
				return err
			}
			to["proxyUrl"] = endpoint.URL().String()
		}
	}
	return nil
}

func openAll(key secret.DataKey, id fleet.AgentID, sealed map[string][]byte) (map[string]string, error) {
	open := map[string]string{}
	for field, box := range sealed {
		text, err := key.Open(box, "credentials", string(id), field)
		if err != nil {
			return nil, err
		}
		open[field] = string(text)
	}
	return open, nil
}

func (c *change) countRead(run fleet.Run) error {
	r, err := c.tx.Reads(run.AgentID)
	if err != nil {
		return err
	}
	since := c.now.Sub(r.At)
	if r.Epoch == run.Epoch && since >= 0 && since < readsEvery {
		r.N++
		return c.tx.SetReads(run.AgentID, r)
	}
	if r.Epoch != run.Epoch {
		if err := c.flushReads(r); err != nil {
			return err
		}
		r = store.Reads{Epoch: run.Epoch}
		if c.agent.Status == fleet.AuthInProgress {
			if err := c.tx.SignInHeard(run.AgentID, c.now); err != nil {
				return err
			}
		}
	}
	r.N++
	return c.flushReads(r)
}

// flushReads writes the entry that counts what no entry counts yet.
func (c *change) flushReads(r store.Reads) error {
	if r.N == 0 {
		return nil
	}
	by := fleet.Actor{Kind: fleet.ActorRun, ID: string(c.agent.ID), Name: "program", TeamID: c.agent.TeamID}
	e := entry(act{by: by, action: "credentials.read", id: c.agent.ID}, c.now, "done")
	e.Detail = map[string]any{"epoch": r.Epoch, "reads": r.N}
	if err := c.tx.AddAudit(e); err != nil {
		return err
	}
	return c.tx.SetReads(c.agent.ID, store.Reads{Epoch: r.Epoch, At: c.now})
}

// flushAllReads is flushReads for what is stored.
func (c *change) flushAllReads() error {
	r, err := c.tx.Reads(c.agent.ID)
	if err != nil {
		return err
	}
	return c.flushReads(r)
}

// auditReads writes a due entry of reads that nothing followed.
func (a *App) auditReads(ctx context.Context, run fleet.Run) error {
	return a.onLate(ctx, run, (*change).flushAllReads)
}
