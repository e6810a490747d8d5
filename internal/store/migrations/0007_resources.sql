-- +goose Up
-- The ledger: what is held outside for agents. A row is there before the thing
-- and stays when the agent has gone.
CREATE TABLE resources (
  id          TEXT NOT NULL PRIMARY KEY,
  team_id     TEXT NOT NULL,
  agent_id    TEXT NOT NULL,
  incarnation INTEGER NOT NULL,
  type        TEXT NOT NULL,
  vendor      TEXT NOT NULL,
  state       TEXT NOT NULL,
  external_id TEXT NOT NULL, -- '' until known
  country     TEXT NOT NULL,
  proxy_id    TEXT NOT NULL, -- '' or the entry of the pool
  session     TEXT NOT NULL,
  label       TEXT NOT NULL,
  tries       INTEGER NOT NULL,
  next_try    INTEGER NOT NULL, -- 0 is: when what it waits for has happened
  last_error  TEXT NOT NULL,
  asked_at    INTEGER NOT NULL, -- 0 is: no question whose outcome is unknown
  turn        INTEGER NOT NULL,
  forgotten   TEXT NOT NULL, -- JSON or ''
  created_at  INTEGER NOT NULL,
  state_at    INTEGER NOT NULL,
  held_at     INTEGER NOT NULL,
  released_at INTEGER NOT NULL,
  updated_at  INTEGER NOT NULL,
  open        INTEGER NOT NULL GENERATED ALWAYS AS (
    CASE WHEN state IN ('wanted', 'acquiring', 'releasing') OR (state = 'leaked' AND forgotten = '') THEN 1 ELSE 0 END
  ) STORED
) STRICT;
CREATE INDEX resources_team ON resources (team_id, id);
CREATE INDEX resources_state ON resources (team_id, state, id);
CREATE INDEX resources_agent ON resources (agent_id, id);
CREATE INDEX resources_due ON resources (next_try, id) WHERE open = 1;
CREATE INDEX resources_open ON resources (id) WHERE open = 1;
CREATE INDEX resources_transit ON resources (team_id, agent_id, id) WHERE open = 1;
CREATE INDEX resources_stuck ON resources (team_id, id) WHERE open = 1 AND (last_error <> '' OR state = 'leaked');
CREATE INDEX resources_external ON resources (external_id, vendor) WHERE external_id <> '';
CREATE INDEX resources_proxy ON resources (proxy_id, state) WHERE proxy_id <> '';

-- Vendors that must not be asked until people have mended the access.
CREATE TABLE vendors (
  name       TEXT NOT NULL PRIMARY KEY,
  mark       TEXT NOT NULL, -- of the access that was refused
  message    TEXT NOT NULL,
  stopped_at INTEGER NOT NULL
) STRICT;
