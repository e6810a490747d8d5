-- +goose Up
-- When a member last used the team: sign-in goes to the team last used.
ALTER TABLE members ADD COLUMN seen_at INTEGER NOT NULL DEFAULT 0;

CREATE TABLE invitations (
  id          TEXT NOT NULL PRIMARY KEY,
  team_id     TEXT NOT NULL REFERENCES teams (id),
  email       TEXT NOT NULL, -- lower case
  role        TEXT NOT NULL,
  token_hash  BLOB NOT NULL UNIQUE,
  by_kind     TEXT NOT NULL,
  by_id       TEXT NOT NULL,
  by_name     TEXT NOT NULL,
  created_at  INTEGER NOT NULL,
  expires_at  INTEGER NOT NULL,
  accepted_at INTEGER NOT NULL,
  revoked_at  INTEGER NOT NULL,
  expired_at  INTEGER NOT NULL -- first seen expired
) STRICT;
CREATE UNIQUE INDEX invitations_open ON invitations (team_id, email) WHERE accepted_at = 0 AND revoked_at = 0;
CREATE INDEX invitations_team ON invitations (team_id, id) WHERE accepted_at = 0 AND revoked_at = 0;
CREATE INDEX invitations_expiry ON invitations (expires_at) WHERE accepted_at = 0 AND revoked_at = 0 AND expired_at = 0;

-- Who made a key, beside the name that is read: keys outlive their makers' membership.
ALTER TABLE api_keys ADD COLUMN creator_id TEXT NOT NULL DEFAULT '';
UPDATE api_keys SET creator_id = made.actor_id
  FROM (SELECT actor_id, json_extract(detail, '$.keyId') AS key_id FROM audit WHERE action = 'key.create' AND outcome = 'done' AND actor_kind = 'member') AS made
  WHERE made.key_id = api_keys.id;
