package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"os"
	"syscall"

	"agentry/internal/fleet"
	"agentry/internal/store"
)

// exportsAtOnce bounds how many exports are made together: each holds one of
// the store's few readers while it is.
const exportsAtOnce = 2

// ExportFile is an export ready to be sent. Reading it is reading the zip;
// close it.
type ExportFile struct {
	fleet.Export
	file *os.File
}

func (f *ExportFile) Read(p []byte) (int, error) { return f.file.Read(p) }

// Close frees the space.
func (f *ExportFile) Close() error { return f.file.Close() }

// TakeExport makes a zip of all that an agent has, without its secrets: the
// same bytes while nothing of the agent changes. It is written to a file of
// the scratch folder that has no name any more, so that nothing of it stays. That
// it was taken is in the audit, which the export leaves out of itself, and for a
// delete of the same state in the certificate.
func (a *App) TakeExport(ctx context.Context, by fleet.Actor, id fleet.AgentID) (*ExportFile, error) {
	file, err := os.CreateTemp(a.scratch, "export-*")
	if err != nil {
		return nil, noRoom(err)
	}
	out := &ExportFile{file: file}
	var state string
	if err = os.Remove(file.Name()); err == nil {
		state, err = a.makeExport(ctx, by, id, file, &out.Export)
	}
	if err == nil {
		err = a.exportTaken(ctx, by, id, out.Export, state)
	}
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	out.Taken = true
	return out, nil
}

// noRoom says in words that the scratch file did not fit on the disk.
func noRoom(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fleet.ErrDiskFull().Because(err)
	}
	return err
}

func (a *App) exportTaken(ctx context.Context, by fleet.Actor, id fleet.AgentID, x fleet.Export, state string) error {
	now := a.Now()
	e := entry(act{by: by, action: "export", id: id}, now, "done")
	e.Detail = map[string]any{"sha256": x.SHA256, "bytes": x.Size}
	return a.store.Write(ctx, func(tx *store.Tx) error {
		if _, err := tx.Agent(by.TeamID, id); err != nil {
			return err
		}
		if err := tx.NoteExport(by.TeamID, id, store.TakenExport{SHA256: x.SHA256, Size: x.Size, State: state}, now); err != nil {
			return err
		}
		return addAudit(tx, e)
	})
}

// Export says what an export of the agent is now: the one that was taken, where
// nothing changed since, else, where measure asks for it, one that is made and
// thrown away. Where neither is, its SHA256 is "".
func (a *App) Export(ctx context.Context, by fleet.Actor, id fleet.AgentID, measure bool) (out fleet.Export, err error) {
	if err := by.May(fleet.ScopeRead); err != nil {
		return out, err
	}
	err = a.store.Read(ctx, func(tx *store.Tx) error {
		row, err := tx.Agent(by.TeamID, id)
		if err != nil {
			return err
		}
		taken, err := presentExport(tx, row)
		out = fleet.Export{Name: fleet.ExportName(id), SHA256: taken.SHA256, Size: taken.Size, Taken: taken.SHA256 != ""}
		return err
	})
	if err == nil && measure && !out.Taken {
		_, err = a.makeExport(ctx, by, id, io.Discard, &out)
	}
	return out, err
}

// presentExport is the export that was taken last, where it is of the agent as
// it is now.
func presentExport(tx *store.Tx, row store.AgentRow) (store.TakenExport, error) {
	taken, err := tx.LastExport(row.TeamID, row.ID)
	if err != nil || taken.SHA256 == "" {
		return store.TakenExport{}, err
	}
	state, err := exportState(tx, row)
	if err != nil || state != taken.State {
		return store.TakenExport{}, err
	}
	return taken, nil
}

// exportState changes with anything that an export has.
func exportState(tx *store.Tx, row store.AgentRow) (string, error) {
	agent, err := agentJSON(row.Agent)
	if err != nil {
		return "", err
	}
	mark, err := tx.ExportMark(row.TeamID, row.ID)
	sum := sha256.Sum256(append(agent, mark...))
	return hex.EncodeToString(sum[:]), err
}

// makeExport writes the zip of one snapshot and fills what it is.
func (a *App) makeExport(ctx context.Context, by fleet.Actor, id fleet.AgentID, w io.Writer, x *fleet.Export) (state string, err error) {
	if err := by.May(fleet.ScopeRead); err != nil {
		return "", err
	}
	select {
	case a.exports <- struct{}{}:
		defer func() { <-a.exports }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	sum := &measured{hash: sha256.New(), to: w}
	err = a.store.Read(ctx, func(tx *store.Tx) error {
		row, err := tx.Agent(by.TeamID, id)
		if err != nil {
			return err
		}
		if state, err = exportState(tx, row); err != nil {
			return err
		}
		return writeExport(tx, row, sum)
	})
	*x = fleet.Export{Name: fleet.ExportName(id), SHA256: hex.EncodeToString(sum.hash.Sum(nil)), Size: sum.size}
	return state, noRoom(err)
}

// measured counts and hashes what is written through it.
type measured struct {
	hash hash.Hash
	size int64
	to   io.Writer
}

func (m *measured) Write(p []byte) (int, error) {
	n, err := m.to.Write(p)
	m.hash.Write(p[:n])
	m.size += int64(n)
	return n, err
}
