-- +goose Up
-- Conversations that clients opened with agents. What was said in them is in
-- messages, under their conversation.
CREATE TABLE chats (
  id           TEXT NOT NULL PRIMARY KEY,
  team_id      TEXT NOT NULL REFERENCES teams (id),
  agent_id     TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
  user_id      TEXT NOT NULL, -- as the client names who writes
  conversation TEXT NOT NULL,
  metadata     TEXT NOT NULL, -- JSON object or ''
  minutes      INTEGER NOT NULL,
  auto_renew   INTEGER NOT NULL,
  max_minutes  INTEGER NOT NULL,
  warn_minutes INTEGER NOT NULL,
  renewals     INTEGER NOT NULL,
  created_at   INTEGER NOT NULL,
  active_at    INTEGER NOT NULL,
  expires_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX chats_team ON chats (team_id, expires_at, id);
CREATE INDEX chats_agent ON chats (agent_id, expires_at);
CREATE INDEX chats_expiry ON chats (expires_at);

-- What a client sent beside a message's text.
CREATE TABLE message_metadata (
  message_id TEXT NOT NULL PRIMARY KEY REFERENCES messages (id) ON DELETE CASCADE,
  metadata   TEXT NOT NULL -- JSON object
) STRICT;
