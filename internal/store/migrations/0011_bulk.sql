-- +goose Up
-- One act on many agents: a frozen list with an outcome for each.
CREATE TABLE bulks (
  id           TEXT NOT NULL PRIMARY KEY,
  team_id      TEXT NOT NULL REFERENCES teams (id),
  action       TEXT NOT NULL,
  state        TEXT NOT NULL,
  why          TEXT NOT NULL,
  by_kind      TEXT NOT NULL,
  by_id        TEXT NOT NULL,
  by_name      TEXT NOT NULL,
  reason       TEXT NOT NULL,
  add_tags     TEXT NOT NULL, -- JSON array
  remove_tags  TEXT NOT NULL, -- JSON array
  per_minute   INTEGER NOT NULL,
  first_n      INTEGER NOT NULL, -- that must succeed before the others begin
  stop_after   INTEGER NOT NULL,
  total        INTEGER NOT NULL,
  done         INTEGER NOT NULL,
  failed       INTEGER NOT NULL,
  skipped      INTEGER NOT NULL,
  waiting      INTEGER NOT NULL, -- acted on and not observed yet
  retry_of     TEXT NOT NULL,
  stopped_by   TEXT NOT NULL,
  created_at   INTEGER NOT NULL,
  started_at   INTEGER NOT NULL, -- 0 while the list is written down
  ended_at     INTEGER NOT NULL
) STRICT;
CREATE INDEX bulks_team ON bulks (team_id, id);
CREATE INDEX bulks_open ON bulks (id) WHERE ended_at = 0;
CREATE INDEX bulks_retry ON bulks (retry_of) WHERE retry_of <> '';

-- Only the agent's id: its name is asked of the agent and goes with it.
CREATE TABLE bulk_items (
  bulk_id  TEXT NOT NULL REFERENCES bulks (id),
  n        INTEGER NOT NULL,
  agent_id TEXT NOT NULL, -- no reference: the outcome outlives it
  outcome  TEXT NOT NULL,
  code     TEXT NOT NULL,
  message  TEXT NOT NULL,
  version  INTEGER NOT NULL, -- of the agent after the act that is not observed yet; 0 is no act
  epoch    INTEGER NOT NULL, -- of the run before that act
  at       INTEGER NOT NULL,
  PRIMARY KEY (bulk_id, n)
) STRICT, WITHOUT ROWID;
CREATE INDEX bulk_items_outcome ON bulk_items (bulk_id, outcome, n);
