CREATE TABLE agent_counts (
  team_id TEXT NOT NULL,
  status  TEXT NOT NULL,
  n       INTEGER NOT NULL,
  PRIMARY KEY (team_id, status)
) STRICT;
CREATE TABLE agent_keys (
  agent_id TEXT NOT NULL PRIMARY KEY REFERENCES agents (id) ON DELETE CASCADE,
  sealed   BLOB NOT NULL
) STRICT;
CREATE TABLE agent_tags (
  team_id  TEXT NOT NULL,
  tag      TEXT NOT NULL,
  agent_id TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
  PRIMARY KEY (team_id, tag, agent_id)
) STRICT;
CREATE INDEX agent_tags_agent ON agent_tags (agent_id);
CREATE TRIGGER agents_attention_came AFTER INSERT ON agents WHEN new.attention = 1 BEGIN
  INSERT INTO team_counts (team_id, name, n) VALUES (new.team_id, 'attention', 1) ON CONFLICT (team_id, name) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER agents_attention_turned AFTER UPDATE OF status, observed, open_alerts ON agents WHEN new.attention <> old.attention BEGIN
  INSERT INTO team_counts (team_id, name, n) VALUES (new.team_id, 'attention', new.attention - old.attention)
    ON CONFLICT (team_id, name) DO UPDATE SET n = n + excluded.n;
END;
CREATE TRIGGER agents_attention_went AFTER DELETE ON agents WHEN old.attention = 1 BEGIN
  UPDATE team_counts SET n = n - 1 WHERE team_id = old.team_id AND name = 'attention';
END;
CREATE TABLE agents (
  id              TEXT NOT NULL PRIMARY KEY,
  team_id         TEXT NOT NULL REFERENCES teams (id),
  name            TEXT NOT NULL,
  kind            TEXT NOT NULL,
  status          TEXT NOT NULL,
  observed        TEXT NOT NULL,
  login           TEXT NOT NULL,
  country         TEXT NOT NULL,
  avatar          TEXT NOT NULL,
  tags            TEXT NOT NULL, -- JSON array
  days            TEXT NOT NULL,
  starts          TEXT NOT NULL,
  stops           TEXT NOT NULL,
  timezone        TEXT NOT NULL,
  invitations_min INTEGER NOT NULL,
  invitations_max INTEGER NOT NULL,
  messages_min    INTEGER NOT NULL,
  messages_max    INTEGER NOT NULL,
  settings        TEXT NOT NULL, -- JSON object
  incarnation     INTEGER NOT NULL,
  version         INTEGER NOT NULL,
  set_up          INTEGER NOT NULL,
  protected       TEXT NOT NULL, -- JSON or ''
  end_reason      TEXT NOT NULL,
  ended_at        INTEGER NOT NULL,
  pause_note      TEXT NOT NULL,
  paused_by       TEXT NOT NULL,
  resume_at       INTEGER NOT NULL,
  status_at       INTEGER NOT NULL,
  open_alerts     INTEGER NOT NULL,
  draft           TEXT NOT NULL, -- JSON or ''
  search          TEXT NOT NULL, -- lower case: name, login, tags, id
  created_at      INTEGER NOT NULL,
  updated_at      INTEGER NOT NULL,
  attention       INTEGER NOT NULL GENERATED ALWAYS AS (
    CASE WHEN status = 'auth_needed' OR (open_alerts > 0 AND status <> 'ended')
           OR (status = 'running' AND observed IN ('lost', 'backoff')) THEN 1 ELSE 0 END
  ) STORED
, team_paused INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE INDEX agents_alerting ON agents (team_id, name, id) WHERE open_alerts > 0;
CREATE INDEX agents_attention ON agents (team_id, attention DESC, name, id);
CREATE INDEX agents_attention_alive ON agents (team_id, attention DESC, name, id) WHERE status <> 'ended';
CREATE INDEX agents_attention_status ON agents (team_id, status, attention DESC, name, id);
CREATE INDEX agents_country ON agents (team_id, country, status, id);
CREATE INDEX agents_created ON agents (team_id, created_at, id);
CREATE INDEX agents_kind ON agents (team_id, kind, status, id);
CREATE INDEX agents_name ON agents (team_id, name, id);
CREATE INDEX agents_needing ON agents (team_id, name, id) WHERE attention = 1;
CREATE INDEX agents_resume ON agents (resume_at, team_id, id) WHERE resume_at > 0;
CREATE INDEX agents_search ON agents (team_id, search, status, id);
CREATE INDEX agents_signing_in ON agents (status_at) WHERE status = 'auth_in_progress';
CREATE INDEX agents_status ON agents (team_id, status, name, id);
CREATE INDEX agents_team_paused ON agents (team_id, id) WHERE team_paused = 1;
CREATE INDEX agents_updated ON agents (team_id, updated_at, id);
CREATE TRIGGER alerts_open_came AFTER INSERT ON alerts WHEN new.state = 'open' BEGIN
  INSERT INTO team_counts (team_id, name, n) VALUES (new.team_id, 'open_alerts', 1) ON CONFLICT (team_id, name) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER alerts_open_turned AFTER UPDATE OF state ON alerts WHEN (new.state = 'open') <> (old.state = 'open') BEGIN
  INSERT INTO team_counts (team_id, name, n) VALUES (new.team_id, 'open_alerts', (new.state = 'open') - (old.state = 'open'))
    ON CONFLICT (team_id, name) DO UPDATE SET n = n + excluded.n;
END;
CREATE TRIGGER alerts_open_went AFTER DELETE ON alerts WHEN old.state = 'open' BEGIN
  UPDATE team_counts SET n = n - 1 WHERE team_id = old.team_id AND name = 'open_alerts';
END;
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
CREATE INDEX alerts_agent ON alerts (agent_id, id);
CREATE UNIQUE INDEX alerts_live ON alerts (agent_id, team_id, type, sub_type) WHERE state <> 'resolved';
CREATE UNIQUE INDEX alerts_live_alone ON alerts (team_id, type, sub_type) WHERE agent_id IS NULL AND state <> 'resolved';
CREATE INDEX alerts_snoozed ON alerts (until) WHERE state = 'snoozed';
CREATE INDEX alerts_team ON alerts (team_id, state, id);
CREATE INDEX alerts_team_agent ON alerts (team_id, state, agent_id, id);
CREATE INDEX alerts_team_alone ON alerts (team_id, id) WHERE agent_id IS NULL;
CREATE INDEX alerts_team_type ON alerts (team_id, state, type, sub_type, id);
CREATE TABLE api_keys (
  id           TEXT NOT NULL PRIMARY KEY,
  team_id      TEXT NOT NULL REFERENCES teams (id),
  hash         BLOB NOT NULL UNIQUE,
  name         TEXT NOT NULL,
  prefix       TEXT NOT NULL,
  scope        TEXT NOT NULL,
  created_by   TEXT NOT NULL,
  created_at   INTEGER NOT NULL,
  last_used_at INTEGER NOT NULL,
  expires_at   INTEGER NOT NULL,
  revoked_at   INTEGER NOT NULL
, expired_at INTEGER NOT NULL DEFAULT 0, creator_id TEXT NOT NULL DEFAULT '') STRICT;
CREATE INDEX api_keys_expiry ON api_keys (expires_at) WHERE expires_at > 0 AND expired_at = 0;
CREATE INDEX api_keys_team ON api_keys (team_id, id);
CREATE TABLE audit (
  id         INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  team_id    TEXT NOT NULL,
  at         INTEGER NOT NULL,
  actor_kind TEXT NOT NULL,
  actor_id   TEXT NOT NULL,
  actor_name TEXT NOT NULL,
  action     TEXT NOT NULL,
  agent_id   TEXT NOT NULL, -- '' for what is not about one agent; no reference: the entry outlives it
  outcome    TEXT NOT NULL,
  detail     TEXT NOT NULL, -- JSON object of codes, ids and counts
  request_id TEXT NOT NULL
) STRICT;
CREATE INDEX audit_action ON audit (team_id, action, at);
CREATE INDEX audit_actor ON audit (team_id, actor_id, at);
CREATE INDEX audit_agent ON audit (agent_id, at);
CREATE INDEX audit_kind ON audit (team_id, actor_kind, at);
CREATE INDEX audit_refused ON audit (team_id, at) WHERE outcome <> 'done';
CREATE INDEX audit_relaunches ON audit (agent_id, id) WHERE action = 'relaunch';
CREATE INDEX audit_team ON audit (team_id, at);
CREATE TABLE audit_notes (
  audit_id INTEGER NOT NULL PRIMARY KEY REFERENCES audit (id),
  agent_id TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
  text     TEXT NOT NULL
) STRICT;
CREATE INDEX audit_notes_agent ON audit_notes (agent_id);
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
CREATE INDEX bulks_open ON bulks (id) WHERE ended_at = 0;
CREATE INDEX bulks_retry ON bulks (retry_of) WHERE retry_of <> '';
CREATE INDEX bulks_team ON bulks (team_id, id);
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
CREATE INDEX chats_agent ON chats (agent_id, expires_at);
CREATE INDEX chats_expiry ON chats (expires_at);
CREATE INDEX chats_team ON chats (team_id, expires_at, id);
CREATE TABLE commands (
  id         TEXT NOT NULL PRIMARY KEY,
  agent_id   TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
  type       TEXT NOT NULL,
  body       TEXT NOT NULL, -- JSON object
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX commands_agent ON commands (agent_id, id);
CREATE TABLE credentials (
  agent_id   TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
  field      TEXT NOT NULL,
  sealed     BLOB NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (agent_id, field)
) STRICT;
CREATE TABLE deletions (
  id            TEXT NOT NULL PRIMARY KEY,
  team_id       TEXT NOT NULL,
  agent_id      TEXT NOT NULL UNIQUE,
  at            INTEGER NOT NULL,
  by_kind       TEXT NOT NULL,
  by_name       TEXT NOT NULL,
  reason        TEXT NOT NULL,
  removed       TEXT NOT NULL, -- JSON counts
  incarnation   INTEGER NOT NULL,
  export_sha256 TEXT NOT NULL
) STRICT;
CREATE INDEX deletions_team ON deletions (team_id, id);
CREATE TABLE events (
  seq      INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  team_id  TEXT NOT NULL,
  agent_id TEXT NOT NULL,
  type     TEXT NOT NULL,
  at       INTEGER NOT NULL
) STRICT;
CREATE INDEX events_team ON events (team_id, seq);
CREATE TABLE exports (
  agent_id TEXT NOT NULL PRIMARY KEY REFERENCES agents (id) ON DELETE CASCADE,
  sha256   TEXT NOT NULL,
  size     INTEGER NOT NULL, -- bytes
  state    TEXT NOT NULL,
  taken_at INTEGER NOT NULL
) STRICT;
CREATE TABLE first_run (
  token_hash BLOB NOT NULL PRIMARY KEY,
  expires_at INTEGER NOT NULL
) STRICT;
CREATE TABLE idempotency (
  actor_id     TEXT NOT NULL,
  key          TEXT NOT NULL,
  fingerprint  BLOB NOT NULL,
  status       INTEGER NOT NULL, -- 0 while running
  content_type TEXT NOT NULL,
  body         BLOB NOT NULL,
  boot         TEXT NOT NULL, -- the life of the server that runs it
  created_at   INTEGER NOT NULL,
  PRIMARY KEY (actor_id, key)
) STRICT;
CREATE INDEX idempotency_age ON idempotency (created_at);
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
CREATE INDEX invitations_expiry ON invitations (expires_at) WHERE accepted_at = 0 AND revoked_at = 0 AND expired_at = 0;
CREATE UNIQUE INDEX invitations_open ON invitations (team_id, email) WHERE accepted_at = 0 AND revoked_at = 0;
CREATE INDEX invitations_team ON invitations (team_id, id) WHERE accepted_at = 0 AND revoked_at = 0;
CREATE TABLE logs (
  id       INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  agent_id TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
  at       INTEGER NOT NULL,
  epoch    INTEGER NOT NULL,
  level    TEXT NOT NULL,
  text     TEXT NOT NULL
) STRICT;
CREATE INDEX logs_agent ON logs (agent_id, id);
CREATE TABLE members (
  team_id    TEXT NOT NULL REFERENCES teams (id),
  user_id    TEXT NOT NULL REFERENCES users (id),
  role       TEXT NOT NULL,
  created_at INTEGER NOT NULL, seen_at INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (team_id, user_id)
) STRICT;
CREATE INDEX members_user ON members (user_id);
CREATE TABLE message_metadata (
  message_id TEXT NOT NULL PRIMARY KEY REFERENCES messages (id) ON DELETE CASCADE,
  metadata   TEXT NOT NULL -- JSON object
) STRICT;
CREATE TABLE messages (
  id           TEXT NOT NULL PRIMARY KEY,
  agent_id     TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
  conversation TEXT NOT NULL,
  sender       TEXT NOT NULL,
  text         TEXT NOT NULL,
  reply        TEXT NOT NULL,
  state        TEXT NOT NULL,
  created_at   INTEGER NOT NULL,
  replied_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX messages_agent ON messages (agent_id, id);
CREATE INDEX messages_conversation ON messages (agent_id, conversation, id);
CREATE TABLE meta (
  name  TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
) STRICT;
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
CREATE INDEX proxies_checked ON proxies (last_check_at);
CREATE INDEX proxies_due ON proxies (next_check_at, id);
CREATE INDEX proxies_team ON proxies (team_id, id);
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
CREATE INDEX resources_agent ON resources (agent_id, id);
CREATE INDEX resources_due ON resources (next_try, id) WHERE open = 1;
CREATE INDEX resources_external ON resources (external_id, vendor) WHERE external_id <> '';
CREATE INDEX resources_open ON resources (id) WHERE open = 1;
CREATE INDEX resources_proxy ON resources (proxy_id, state) WHERE proxy_id <> '';
CREATE INDEX resources_state ON resources (team_id, state, id);
CREATE INDEX resources_stuck ON resources (team_id, id) WHERE open = 1 AND (last_error <> '' OR state = 'leaked');
CREATE INDEX resources_team ON resources (team_id, id);
CREATE INDEX resources_transit ON resources (team_id, agent_id, id) WHERE open = 1;
CREATE TABLE run_events (
  agent_id TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
  id       TEXT NOT NULL,
  at       INTEGER NOT NULL,
  PRIMARY KEY (agent_id, id)
) STRICT;
CREATE INDEX run_events_at ON run_events (at);
CREATE TABLE runtimes (
  agent_id          TEXT NOT NULL PRIMARY KEY REFERENCES agents (id) ON DELETE CASCADE,
  team_id           TEXT NOT NULL,
  wanted            INTEGER NOT NULL,
  fresh             INTEGER NOT NULL, -- a person asked for a new run, whatever runs
  epoch             INTEGER NOT NULL,
  token_hash        BLOB, -- of the present run
  driver            TEXT NOT NULL,
  handle            TEXT NOT NULL,
  autonomy          INTEGER NOT NULL,
  settings          TEXT NOT NULL, -- JSON object, of the start
  started_at        INTEGER NOT NULL,
  last_heard_at     INTEGER NOT NULL,
  restarts          INTEGER NOT NULL,
  failures          INTEGER NOT NULL,
  next_try          INTEGER NOT NULL,
  last_error        TEXT NOT NULL,
  total_invitations INTEGER NOT NULL,
  total_messages    INTEGER NOT NULL,
  today             TEXT NOT NULL,
  today_invitations INTEGER NOT NULL,
  today_messages    INTEGER NOT NULL
, day_since INTEGER NOT NULL DEFAULT 0, due_messages INTEGER NOT NULL DEFAULT 0, due_invitations INTEGER NOT NULL DEFAULT 0, due_other INTEGER NOT NULL DEFAULT 0, held_messages INTEGER NOT NULL DEFAULT 0, held_invitations INTEGER NOT NULL DEFAULT 0, handed_messages INTEGER NOT NULL DEFAULT 0, handed_invitations INTEGER NOT NULL DEFAULT 0, last_message INTEGER NOT NULL DEFAULT 0, last_invitation INTEGER NOT NULL DEFAULT 0, exits TEXT NOT NULL DEFAULT '[]', last_output TEXT NOT NULL DEFAULT '[]', overdue TEXT NOT NULL DEFAULT '', stopping_at INTEGER NOT NULL DEFAULT 0, sign_in_at INTEGER NOT NULL DEFAULT 0, reads INTEGER NOT NULL DEFAULT 0, reads_epoch INTEGER NOT NULL DEFAULT 0, reads_at INTEGER NOT NULL DEFAULT 0, recent TEXT NOT NULL DEFAULT '') STRICT;
CREATE INDEX runtimes_handle ON runtimes (agent_id) WHERE handle <> '';
CREATE INDEX runtimes_reads ON runtimes (reads_at) WHERE reads > 0;
CREATE UNIQUE INDEX runtimes_token ON runtimes (token_hash);
CREATE INDEX runtimes_wanted ON runtimes (last_heard_at, agent_id) WHERE wanted = 1;
CREATE TABLE sessions (
  id         TEXT NOT NULL PRIMARY KEY,
  token_hash BLOB NOT NULL UNIQUE,
  user_id    TEXT NOT NULL, -- '' before sign-in
  team_id    TEXT NOT NULL,
  data       BLOB NOT NULL,
  user_agent TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  seen_at    INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_expiry ON sessions (expires_at);
CREATE INDEX sessions_user ON sessions (user_id, id);
CREATE TABLE tasks (
  id          TEXT NOT NULL PRIMARY KEY,
  agent_id    TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
  type        TEXT NOT NULL,
  payload     TEXT NOT NULL, -- JSON
  due_at      INTEGER NOT NULL,
  state       TEXT NOT NULL,
  incarnation INTEGER NOT NULL,
  error       TEXT NOT NULL,
  created_at  INTEGER NOT NULL,
  updated_at  INTEGER NOT NULL
, claimed_at INTEGER NOT NULL DEFAULT 0, counter TEXT NOT NULL GENERATED ALWAYS AS (
  CASE type WHEN 'message' THEN 'messages' WHEN 'invitation' THEN 'invitations' ELSE '' END
) VIRTUAL) STRICT;
CREATE INDEX tasks_agent ON tasks (agent_id, id);
CREATE INDEX tasks_claimed ON tasks (updated_at) WHERE state = 'claimed';
CREATE INDEX tasks_handed ON tasks (agent_id, counter, claimed_at, state) WHERE claimed_at > 0 AND counter <> '';
CREATE INDEX tasks_held ON tasks (agent_id, counter) WHERE state = 'claimed';
CREATE INDEX tasks_waiting ON tasks (agent_id, counter, due_at, id) WHERE state = 'pending';
CREATE TABLE team_counts (
  team_id TEXT NOT NULL,
  name    TEXT NOT NULL,
  n       INTEGER NOT NULL,
  PRIMARY KEY (team_id, name)
) STRICT;
CREATE TABLE teams (
  id         TEXT NOT NULL PRIMARY KEY,
  name       TEXT NOT NULL,
  created_at INTEGER NOT NULL
, paused_at INTEGER NOT NULL DEFAULT 0, paused_by TEXT NOT NULL DEFAULT '', pause_note TEXT NOT NULL DEFAULT '') STRICT;
CREATE INDEX teams_paused ON teams (id) WHERE paused_at > 0;
CREATE TABLE usage_days (
  agent_id    TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
  day         TEXT NOT NULL,
  kind        TEXT NOT NULL,
  incarnation INTEGER NOT NULL,
  n           INTEGER NOT NULL,
  PRIMARY KEY (agent_id, day, kind, incarnation)
) STRICT;
CREATE TABLE users (
  id            TEXT NOT NULL PRIMARY KEY,
  email         TEXT NOT NULL UNIQUE, -- lower case
  name          TEXT NOT NULL,
  password_hash TEXT NOT NULL,
  created_at    INTEGER NOT NULL
) STRICT;
CREATE TABLE vendors (
  name       TEXT NOT NULL PRIMARY KEY,
  mark       TEXT NOT NULL, -- of the access that was refused
  message    TEXT NOT NULL,
  stopped_at INTEGER NOT NULL
) STRICT;
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
