-- +goose Up
-- A saved view is a name for a filter and order of the fleet's list.
CREATE TABLE views (
  id         TEXT NOT NULL PRIMARY KEY,
  team_id    TEXT NOT NULL REFERENCES teams (id),
  owner_id   TEXT, -- NULL: nobody's, made by an API key or left behind
  by_name    TEXT NOT NULL,
  name       TEXT NOT NULL,
  query      TEXT NOT NULL,
  shared     INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  FOREIGN KEY (team_id, owner_id) REFERENCES members (team_id, user_id) ON DELETE CASCADE
) STRICT;
CREATE UNIQUE INDEX views_owner ON views (team_id, COALESCE(owner_id, ''), name);
CREATE INDEX views_shared ON views (team_id, name) WHERE shared = 1;
