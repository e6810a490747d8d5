-- +goose Up
-- An alert may belong to the team alone: agent_id is then NULL.
ALTER TABLE alerts RENAME TO alerts_before;
CREATE TABLE alerts (
  id         TEXT NOT NULL PRIMARY KEY,
  team_id    TEXT NOT NULL,
  agent_id   TEXT REFERENCES agents (id) ON DELETE CASCADE, -- NULL: the team's
  type       TEXT NOT NULL,
  sub_type   TEXT NOT NULL,
  message    TEXT NOT NULL,
  severity   TEXT NOT NULL,
  state      TEXT NOT NULL,
  n          INTEGER NOT NULL,
  by_name    TEXT NOT NULL,
  until      INTEGER NOT NULL,
  recovered  INTEGER NOT NULL, -- its cause went by itself
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
INSERT INTO alerts (id, team_id, agent_id, type, sub_type, message, severity, state, n, by_name, until, recovered, created_at, updated_at)
  SELECT id, team_id, agent_id, type, sub_type, message, severity, state, n, by_name, until, recovered, created_at, updated_at FROM alerts_before;
DROP TABLE alerts_before;
CREATE INDEX alerts_agent ON alerts (agent_id, id);
CREATE INDEX alerts_snoozed ON alerts (until) WHERE state = 'snoozed';
CREATE INDEX alerts_team ON alerts (team_id, state, id);
CREATE INDEX alerts_team_alone ON alerts (team_id, id) WHERE agent_id IS NULL;
CREATE UNIQUE INDEX alerts_live ON alerts (agent_id, team_id, type, sub_type) WHERE state <> 'resolved';
-- In alerts_live no NULL is like another.
CREATE UNIQUE INDEX alerts_live_alone ON alerts (team_id, type, sub_type) WHERE agent_id IS NULL AND state <> 'resolved';
