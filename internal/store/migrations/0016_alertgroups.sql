-- +goose Up
-- Alerts of a type, and of an agent, in a state: counted and grouped by the
-- index alone.
CREATE INDEX alerts_team_type ON alerts (team_id, state, type, sub_type, id);
CREATE INDEX alerts_team_agent ON alerts (team_id, state, agent_id, id);
