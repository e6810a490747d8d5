-- +goose Up
-- The window of exits slides: each has its own time.
ALTER TABLE runtimes DROP COLUMN failures_since;
ALTER TABLE runtimes ADD COLUMN exits TEXT NOT NULL DEFAULT '[]'; -- JSON array of microseconds, oldest first
ALTER TABLE runtimes ADD COLUMN last_output TEXT NOT NULL DEFAULT '[]'; -- JSON array: what the run that failed last wrote last
ALTER TABLE runtimes ADD COLUMN overdue TEXT NOT NULL DEFAULT ''; -- why the present run is being ended by rule
ALTER TABLE runtimes ADD COLUMN stopping_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runtimes ADD COLUMN sign_in_at INTEGER NOT NULL DEFAULT 0; -- when the sign-in was last heard of
-- Reads of credentials that no audit entry counts yet, by which run, and when one was written last.
ALTER TABLE runtimes ADD COLUMN reads INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runtimes ADD COLUMN reads_epoch INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runtimes ADD COLUMN reads_at INTEGER NOT NULL DEFAULT 0;
CREATE INDEX runtimes_reads ON runtimes (reads_at) WHERE reads > 0;

-- The cause went by itself; until is then the end of a snooze that still holds.
ALTER TABLE alerts ADD COLUMN recovered INTEGER NOT NULL DEFAULT 0;
-- Every query of alerts has the team.
DROP INDEX alerts_live;
CREATE UNIQUE INDEX alerts_live ON alerts (agent_id, team_id, type, sub_type) WHERE state <> 'resolved';

-- A key seen expired stays so, whatever the clock says later.
ALTER TABLE api_keys ADD COLUMN expired_at INTEGER NOT NULL DEFAULT 0;
CREATE INDEX api_keys_expiry ON api_keys (expires_at) WHERE expires_at > 0 AND expired_at = 0;

CREATE INDEX tasks_claimed ON tasks (updated_at) WHERE state = 'claimed';
