-- +goose Up
ALTER TABLE teams ADD COLUMN paused_at INTEGER NOT NULL DEFAULT 0; -- 0: it works
ALTER TABLE teams ADD COLUMN paused_by TEXT NOT NULL DEFAULT '';
ALTER TABLE teams ADD COLUMN pause_note TEXT NOT NULL DEFAULT '';
CREATE INDEX teams_paused ON teams (id) WHERE paused_at > 0;

-- The team's pause took this agent from running; the team's resume gives it back.
ALTER TABLE agents ADD COLUMN team_paused INTEGER NOT NULL DEFAULT 0;
CREATE INDEX agents_team_paused ON agents (team_id, id) WHERE team_paused = 1;
DROP INDEX agents_resume;
CREATE INDEX agents_resume ON agents (resume_at, team_id, id) WHERE resume_at > 0;

ALTER TABLE tasks ADD COLUMN claimed_at INTEGER NOT NULL DEFAULT 0; -- when it was handed out last
-- The counter whose daily limit holds for the task, '' for none.
ALTER TABLE tasks ADD COLUMN counter TEXT NOT NULL GENERATED ALWAYS AS (
  CASE type WHEN 'message' THEN 'messages' WHEN 'invitation' THEN 'invitations' ELSE '' END
) VIRTUAL;
DROP INDEX tasks_due;
CREATE INDEX tasks_waiting ON tasks (agent_id, counter, due_at, id) WHERE state = 'pending';
CREATE INDEX tasks_held ON tasks (agent_id, counter) WHERE state = 'claimed';
CREATE INDEX tasks_handed ON tasks (agent_id, counter, claimed_at, state) WHERE claimed_at > 0 AND counter <> '';

-- What the gate asks of an agent's tasks, counted again whenever they change,
-- so that lists do not count. 0 is none; the last four are of the agent's day
-- that began at day_since.
ALTER TABLE runtimes ADD COLUMN day_since INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runtimes ADD COLUMN due_messages INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runtimes ADD COLUMN due_invitations INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runtimes ADD COLUMN due_other INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runtimes ADD COLUMN held_messages INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runtimes ADD COLUMN held_invitations INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runtimes ADD COLUMN handed_messages INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runtimes ADD COLUMN handed_invitations INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runtimes ADD COLUMN last_message INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runtimes ADD COLUMN last_invitation INTEGER NOT NULL DEFAULT 0;
UPDATE runtimes SET
  due_messages = COALESCE((SELECT MIN(due_at) FROM tasks t WHERE t.agent_id = runtimes.agent_id AND t.state = 'pending' AND t.counter = 'messages'), 0),
  due_invitations = COALESCE((SELECT MIN(due_at) FROM tasks t WHERE t.agent_id = runtimes.agent_id AND t.state = 'pending' AND t.counter = 'invitations'), 0),
  due_other = COALESCE((SELECT MIN(due_at) FROM tasks t WHERE t.agent_id = runtimes.agent_id AND t.state = 'pending' AND t.counter = ''), 0),
  held_messages = (SELECT COUNT(*) FROM tasks t WHERE t.agent_id = runtimes.agent_id AND t.state = 'claimed' AND t.counter = 'messages'),
  held_invitations = (SELECT COUNT(*) FROM tasks t WHERE t.agent_id = runtimes.agent_id AND t.state = 'claimed' AND t.counter = 'invitations');
