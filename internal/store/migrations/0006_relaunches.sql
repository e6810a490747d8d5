-- +goose Up
-- Where an incarnation began is asked for with every plot of usage, and an
-- agent's audit grows without end.
CREATE INDEX audit_relaunches ON audit (agent_id, id) WHERE action = 'relaunch';
