-- +goose Up
-- What is still to be deleted outside for an agent that is deleted here. The
-- row outlives the agent until the deletion is confirmed.
CREATE TABLE removals (
  agent_id   TEXT NOT NULL PRIMARY KEY,
  team_id    TEXT NOT NULL,
  kind       TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  tries      INTEGER NOT NULL,
  next_try   INTEGER NOT NULL,
  last_error TEXT NOT NULL
) STRICT;
CREATE INDEX removals_due ON removals (next_try, agent_id);
