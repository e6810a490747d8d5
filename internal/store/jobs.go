package store

import (
	"context"
	"database/sql"
)

// This file is what the package knows of the job queue's own tables, which the
// queue makes and reads itself.

// Queue is the one connection that writes, for the job queue alone: its jobs
// stand in the same file, and what it does takes turns with all other writes.
func (s *Store) Queue() *sql.DB { return s.writer }

// SQL is the transaction itself, for the job queue alone: a job is inserted
// with the change that asks for it.
func (tx *Tx) SQL() *sql.Tx { return tx.tx }

// ResetJobs gives back the jobs of a server that was killed, and its place as
// leader: one server works on a file, so nobody else can have them.
func (s *Store) ResetJobs(ctx context.Context) error {
	return s.Write(ctx, func(tx *Tx) error {
		if err := tx.run(`UPDATE river_job SET state = 'available' WHERE state = 'running'`); err != nil {
			return err
		}
		return tx.run(`DELETE FROM river_leader`)
	})
}
