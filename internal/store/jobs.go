package store

import (
	"context"
	"database/sql"
	"errors"
)

// This file is what the package knows of the job queue's own tables, which the
// queue makes and reads itself.

// Queue is the one connection that writes, for the job queue alone: its jobs
// stand in the same file, and what it does takes turns with all other writes.
func (s *Store) Queue() *sql.DB { return s.writer }

// SQL is the transaction itself, for the job queue alone: a job is inserted
// with the change that asks for it.
func (tx *Tx) SQL() *sql.Tx { return tx.tx }

// ResetJobs forgets the jobs of a former server, and its place as leader: the
// ledger says what is to be done, and whoever starts inserts it anew. What
// people asked a vendor for stands nowhere else and is given back.
func (s *Store) ResetJobs(ctx context.Context) error {
	return s.Write(ctx, func(tx *Tx) error {
		return errors.Join(
			tx.run(`DELETE FROM river_job WHERE kind <> 'vendor_check'`),
			tx.run(`UPDATE river_job SET state = 'available' WHERE state = 'running'`),
			tx.run(`DELETE FROM river_leader`),
		)
	})
}

// CheckQueue looks for what the queue's tables must have; the error is about
// the first that is missing.
func (s *Store) CheckQueue(ctx context.Context) error {
	return s.Read(ctx, func(tx *Tx) error {
		for _, query := range []string{
			`SELECT id, args, attempt, attempted_at, created_at, errors, finalized_at, kind, max_attempts, metadata, priority, queue, state,
				scheduled_at, tags, unique_key, unique_states FROM river_job LIMIT 0`,
			`SELECT elected_at, expires_at, leader_id, name FROM river_leader LIMIT 0`,
			`SELECT name, paused_at, updated_at FROM river_queue LIMIT 0`,
		} {
			if err := tx.each(func(*sql.Rows) error { return nil }, query); err != nil {
				return err
			}
		}
		return nil
	})
}

// DropQueue removes the queue's tables, for making them anew.
func (s *Store) DropQueue(ctx context.Context) error {
	return s.Write(ctx, func(tx *Tx) error {
		for _, name := range []string{"river_job", "river_leader", "river_queue", "river_notification", "river_migration"} {
			if err := tx.run(`DROP TABLE IF EXISTS ` + name); err != nil {
				return err
			}
		}
		return nil
	})
}

// IsWrongSchema tells whether an error says that tables or columns are not
// those that a statement needs, and nothing of the disk.
func IsWrongSchema(err error) bool { return isStatementError(err) }
