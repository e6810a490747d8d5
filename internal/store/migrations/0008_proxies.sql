-- +goose Up
-- The teams' pools of proxies. The password is sealed with a data key of the
-- entry's own, which goes with the entry.
CREATE TABLE proxies (
  id            TEXT NOT NULL PRIMARY KEY,
  team_id       TEXT NOT NULL REFERENCES teams (id),
  label         TEXT NOT NULL,
  scheme        TEXT NOT NULL,
  host          TEXT NOT NULL,
  port          INTEGER NOT NULL,
  username      TEXT NOT NULL, -- a template
  data_key      BLOB NOT NULL, -- sealed
  password      BLOB NOT NULL, -- sealed; empty is none
  country       TEXT NOT NULL,
  ip_mode       TEXT NOT NULL,
  session_ttl   INTEGER NOT NULL, -- minutes
  capacity      INTEGER NOT NULL,
  enabled       INTEGER NOT NULL,
  health        TEXT NOT NULL,
  fails         INTEGER NOT NULL,
  last_check_at INTEGER NOT NULL,
  last_ok_at    INTEGER NOT NULL,
  last_ip       TEXT NOT NULL,
  last_country  TEXT NOT NULL,
  latency       INTEGER NOT NULL, -- microseconds
  last_error    TEXT NOT NULL,
  next_check_at INTEGER NOT NULL,
  created_at    INTEGER NOT NULL,
  updated_at    INTEGER NOT NULL,
  version       INTEGER NOT NULL,
  UNIQUE (team_id, country, scheme, host, port, username)
) STRICT;
CREATE INDEX proxies_team ON proxies (team_id, id);
CREATE INDEX proxies_due ON proxies (next_check_at, id);
CREATE INDEX proxies_checked ON proxies (last_check_at);
