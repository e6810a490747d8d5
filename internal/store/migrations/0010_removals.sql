-- +goose Up
-- Agents in other servers are rows of the ledger like everything outside: those
-- that are still to be deleted there, and those that the agents here have. The
-- ids are made here, of version 7, because the rows come from another table.
INSERT INTO resources (id, team_id, agent_id, incarnation, type, vendor, state, external_id, country, proxy_id, session, label,
    tries, next_try, last_error, asked_at, turn, forgotten, created_at, state_at, held_at, released_at, updated_at)
  SELECT printf('%08x-%04x-7%03x-%04x-%012x', (r.created_at / 1000) >> 16, (r.created_at / 1000) & 65535,
      random() & 4095, 32768 | (random() & 16383), random() & 281474976710655),
    r.team_id, r.agent_id, COALESCE(d.incarnation, 1), 'agent', r.kind, 'releasing', lower(r.agent_id), '', '', '', r.kind,
    r.tries, r.next_try, r.last_error, 0, 0, '', r.created_at, r.created_at, 0, 0, r.created_at
  FROM removals r LEFT JOIN deletions d ON d.agent_id = r.agent_id AND d.team_id = r.team_id;
INSERT INTO resources (id, team_id, agent_id, incarnation, type, vendor, state, external_id, country, proxy_id, session, label,
    tries, next_try, last_error, asked_at, turn, forgotten, created_at, state_at, held_at, released_at, updated_at)
  SELECT printf('%08x-%04x-7%03x-%04x-%012x', (a.created_at / 1000) >> 16, (a.created_at / 1000) & 65535,
      random() & 4095, 32768 | (random() & 16383), random() & 281474976710655),
    a.team_id, a.id, a.incarnation, 'agent', a.kind, 'held', lower(a.id), '', '', '', a.kind,
    0, 0, '', 0, 0, '', a.created_at, CASE WHEN r.started_at > 0 THEN r.started_at ELSE a.created_at END,
    CASE WHEN r.started_at > 0 THEN r.started_at ELSE a.created_at END, 0, a.updated_at
  FROM agents a JOIN runtimes r ON r.agent_id = a.id
  WHERE r.driver = 'elizaos' AND r.epoch > 0;
DROP TABLE removals;
