-- +goose Up
-- The audit is read newest first by time; every index ends in the row's id.
DROP INDEX audit_team;
DROP INDEX audit_agent;
CREATE INDEX audit_team ON audit (team_id, at);
CREATE INDEX audit_agent ON audit (agent_id, at);
CREATE INDEX audit_actor ON audit (team_id, actor_id, at);
CREATE INDEX audit_kind ON audit (team_id, actor_kind, at);
CREATE INDEX audit_action ON audit (team_id, action, at);
CREATE INDEX audit_refused ON audit (team_id, at) WHERE outcome <> 'done';

-- The export of an agent that was taken last, and of what state of it.
CREATE TABLE exports (
  agent_id TEXT NOT NULL PRIMARY KEY REFERENCES agents (id) ON DELETE CASCADE,
  sha256   TEXT NOT NULL,
  size     INTEGER NOT NULL, -- bytes
  state    TEXT NOT NULL,
  taken_at INTEGER NOT NULL
) STRICT;
