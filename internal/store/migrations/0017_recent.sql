-- +goose Up
-- What was counted of late, beside the run, so that a list of agents reads no
-- counters: see work.go.
ALTER TABLE runtimes ADD COLUMN recent TEXT NOT NULL DEFAULT ''; -- day:sum of messages and invitations, parted by spaces
UPDATE runtimes SET recent = COALESCE((SELECT string_agg(day || ':' || n, ' ') FROM (
  SELECT u.day, SUM(u.n) AS n FROM usage_days u
  WHERE u.agent_id = runtimes.agent_id AND u.kind IN ('messages', 'invitations')
    AND u.day >= (SELECT date(MAX(m.day), '-15 days') FROM usage_days m WHERE m.agent_id = runtimes.agent_id)
  GROUP BY u.day)), '');
