package store

import (
	"database/sql"
	"strings"
	"time"

	"agentry/internal/fleet"
)

const agentColumns = `a.id, a.team_id, a.name, a.kind, a.status, a.observed, a.login, a.country, a.avatar, a.tags,
	a.days, a.starts, a.stops, a.timezone, a.invitations_min, a.invitations_max, a.messages_min, a.messages_max,
	a.settings, a.incarnation, a.version, a.set_up, a.protected, a.end_reason, a.ended_at, a.pause_note, a.paused_by,
	a.resume_at, a.team_paused, a.status_at, a.open_alerts, a.draft, a.created_at, a.updated_at,
	r.wanted, r.epoch, r.handle, r.autonomy, r.settings, r.started_at, r.last_heard_at, r.restarts, r.failures,
	r.next_try, r.last_error,
	r.total_invitations, r.total_messages, r.today, r.today_invitations, r.today_messages, r.recent` + workColumns

const agentTables = ` FROM agents a JOIN runtimes r ON r.agent_id = a.id `

// AgentRow is an agent with its usage totals. Today's counts belong to the
// day named Today in the agent's zone.
type AgentRow struct {
	fleet.Agent
	TotalInvitations, TotalMessages int64
	Today                           string
	TodayInvitations, TodayMessages int64
	recent                          string // see CountedOn
	// Work is what the gate asks of the agent's tasks. What was handed out is
	// of the day that began at DaySince; what its program reported is not in it.
	Work     fleet.Work
	DaySince time.Time
	// TeamPause is set while the agent's team is paused.
	TeamPause *fleet.TeamPause
}

func agentTargets(a *AgentRow) []any {
	w := &a.Work
	return []any{&a.ID, &a.TeamID, &a.Name, &a.Kind, &a.Status, &a.Runtime.State, &a.Login, &a.Country, &a.Avatar,
		jsonText{&a.Tags}, &a.Hours.Days, &a.Hours.Start, &a.Hours.Stop, &a.Hours.Timezone,
		&a.Limits.InvitationsMin, &a.Limits.InvitationsMax, &a.Limits.MessagesMin, &a.Limits.MessagesMax,
		jsonText{&a.Settings}, &a.Incarnation, &a.Version, &a.IsSetUp, jsonText{&a.Protected}, &a.EndReason,
		stamp{&a.EndedAt}, &a.PauseNote, &a.PausedBy, stamp{&a.ResumeAt}, &a.TeamPaused, stamp{&a.StatusAt}, &a.OpenAlerts,
		jsonText{&a.Draft}, stamp{&a.CreatedAt}, stamp{&a.UpdatedAt},
		&a.Runtime.Wanted, &a.Runtime.Epoch, &a.Runtime.Handle, &a.Runtime.EnableAutonomy,
		jsonText{&a.Runtime.Settings}, stamp{&a.Runtime.StartedAt}, stamp{&a.Runtime.LastHeardAt},
		&a.Runtime.Restarts, &a.Runtime.Failures, stamp{&a.Runtime.NextTry},
		&a.Runtime.LastError, &a.TotalInvitations, &a.TotalMessages, &a.Today, &a.TodayInvitations, &a.TodayMessages, &a.recent,
		stamp{&a.DaySince}, stamp{&w.Messages.Due}, stamp{&w.Invitations.Due}, stamp{&w.OtherDue}, &w.Messages.Claimed, &w.Invitations.Claimed,
		&w.Messages.Handed, &w.Invitations.Handed, stamp{&w.Messages.LastHanded}, stamp{&w.Invitations.LastHanded}}
}

// Agent returns the team's agent. Another team's agent is forbidden, an
// unknown id not found, both in the API's words.
func (tx *Tx) Agent(team fleet.TeamID, id fleet.AgentID) (AgentRow, error) {
	a, ok, err := tx.oneAgent(`WHERE a.id = $1 AND a.team_id = $2`, id, team)
	if err != nil || ok {
		return a, err
	}
	var found int
	ok, err = tx.one([]any{&found}, `SELECT 1 FROM agents WHERE id = $1`, id)
	switch {
	case err != nil:
		return a, err
	case ok:
		return a, fleet.ErrAgentForeign()
	}
	return a, fleet.ErrAgentNotFound()
}

// AgentNamed returns the team's oldest agent of the name and kind that has not
// ended; ok is false when there is none.
func (tx *Tx) AgentNamed(team fleet.TeamID, name, kind string) (AgentRow, bool, error) {
	return tx.oneAgent(`WHERE a.team_id = $1 AND a.name = $2 AND a.kind = $3 AND a.status <> 'ended' ORDER BY a.id LIMIT 1`, team, name, kind)
}

// AgentNames returns the names of those of the ids that are the team's agents.
func (tx *Tx) AgentNames(team fleet.TeamID, ids []fleet.AgentID) (map[fleet.AgentID]string, error) {
	names := map[fleet.AgentID]string{}
	if len(ids) == 0 {
		return names, nil
	}
	w := &where{}
	err := tx.each(func(rows *sql.Rows) error {
		var id fleet.AgentID
		var name string
		err := rows.Scan(&id, &name)
		names[id] = name
		return err
	}, `SELECT id, name FROM agents WHERE id IN (`+args(w, ids)+`) AND team_id = `+w.arg(team), w.args...)
	return names, err
}

// oneAgent is the first agent that a condition finds.
func (tx *Tx) oneAgent(condition string, values ...any) (a AgentRow, ok bool, err error) {
	if err := tx.settle(); err != nil {
		return a, false, err
	}
	var p fleet.TeamPause
	ok, err = tx.one(append(agentTargets(&a), stamp{&p.At}, &p.By, &p.Note),
		`SELECT `+agentColumns+`, t.paused_at, t.paused_by, t.pause_note`+agentTables+`JOIN teams t ON t.id = a.team_id `+condition, values...)
	if !p.At.IsZero() {
		a.TeamPause = &p
	}
	return a, ok, err
}

// AgentOfRun returns the agent of a run, whatever its team: the run's token
// has already said who it is.
func (tx *Tx) AgentOfRun(id fleet.AgentID) (AgentRow, error) {
	var team fleet.TeamID
	ok, err := tx.one([]any{&team}, `SELECT team_id FROM agents WHERE id = $1`, id)
	if err != nil {
		return AgentRow{}, err
	}
	if !ok {
		return AgentRow{}, fleet.ErrAgentNotFound()
	}
	return tx.Agent(team, id)
}

// InsertAgent stores a new agent with an empty runtime and its sealed data key.
func (tx *Tx) InsertAgent(a fleet.Agent, sealedKey []byte) error {
	var buried int
	used, err := tx.one([]any{&buried}, `SELECT 1 FROM deletions WHERE agent_id = $1`, a.ID)
	if err != nil {
		return err
	}
	if used {
		return fleet.Errorf(fleet.CodeConflict, "An agent with this id was deleted; an id is for life")
	}
	err = tx.run(`INSERT INTO agents (id, team_id, name, kind, status, observed, login, country, avatar, tags,
			days, starts, stops, timezone, invitations_min, invitations_max, messages_min, messages_max, settings,
			incarnation, version, set_up, protected, end_reason, ended_at, pause_note, paused_by, resume_at, status_at,
			open_alerts, draft, search, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, 'none', $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
			$19, $20, $21, '', '', 0, '', '', 0, $22, 0, '', $23, $24, $25)`,
		a.ID, a.TeamID, a.Name, a.Kind, a.Status, a.Login, a.Country, a.Avatar, toJSON(orEmpty(a.Tags)),
		a.Hours.Days, a.Hours.Start, a.Hours.Stop, a.Hours.Timezone,
		a.Limits.InvitationsMin, a.Limits.InvitationsMax, a.Limits.MessagesMin, a.Limits.MessagesMax, settingsJSON(a.Settings),
		a.Incarnation, a.Version, a.IsSetUp, micros(a.StatusAt), searchText(a), micros(a.CreatedAt), micros(a.UpdatedAt))
	if isDuplicate(err) {
		return fleet.Errorf(fleet.CodeConflict, "An agent with this id exists already").Because(err)
	}
	if err != nil {
		return err
	}
	if err := tx.run(`INSERT INTO runtimes (agent_id, team_id, wanted, fresh, epoch, driver, handle, autonomy, settings,
			started_at, last_heard_at, restarts, failures, next_try, last_error,
			total_invitations, total_messages, today, today_invitations, today_messages)
		VALUES ($1, $2, 0, 0, 0, '', '', 0, '{}', 0, 0, 0, 0, 0, '', 0, 0, '', 0, 0)`, a.ID, a.TeamID); err != nil {
		return err
	}
	if err := tx.run(`INSERT INTO agent_keys (agent_id, sealed) VALUES ($1, $2)`, a.ID, sealedKey); err != nil {
		return err
	}
	if err := tx.setTags(a); err != nil {
		return err
	}
	return tx.countStatus(a.TeamID, a.Status, 1)
}

// UpdateAgent stores what people may edit, raises the version and returns the
// agent as it then is. The caller has read a in the same transaction.
func (tx *Tx) UpdateAgent(a fleet.Agent, at time.Time) (fleet.Agent, error) {
	a.Version, a.UpdatedAt = a.Version+1, at
	err := tx.run(`UPDATE agents SET name = $1, country = $2, avatar = $3, tags = $4, days = $5, starts = $6, stops = $7,
			timezone = $8, invitations_min = $9, invitations_max = $10, messages_min = $11, messages_max = $12,
			settings = $13, protected = $14, search = $15, version = $16, updated_at = $17
		WHERE id = $18 AND team_id = $19`,
		a.Name, a.Country, a.Avatar, toJSON(orEmpty(a.Tags)), a.Hours.Days, a.Hours.Start, a.Hours.Stop, a.Hours.Timezone,
		a.Limits.InvitationsMin, a.Limits.InvitationsMax, a.Limits.MessagesMin, a.Limits.MessagesMax,
		settingsJSON(a.Settings), protectedJSON(a.Protected), searchText(a), a.Version, micros(at), a.ID, a.TeamID)
	if err != nil {
		return a, err
	}
	return a, tx.setTags(a)
}

func (tx *Tx) setTags(a fleet.Agent) error {
	if err := tx.run(`DELETE FROM agent_tags WHERE agent_id = $1`, a.ID); err != nil {
		return err
	}
	for _, t := range a.Tags {
		if err := tx.run(`INSERT INTO agent_tags (team_id, tag, agent_id) VALUES ($1, $2, $3)`, a.TeamID, t, a.ID); err != nil {
			return err
		}
	}
	return nil
}

// DeleteAgent removes the agent and everything that refers to it.
func (tx *Tx) DeleteAgent(a fleet.Agent) error {
	if err := tx.run(`DELETE FROM agents WHERE id = $1 AND team_id = $2`, a.ID, a.TeamID); err != nil {
		return err
	}
	return tx.countStatus(a.TeamID, a.Status, -1)
}

// countStatus keeps the number of agents per status, so that the fleet page
// costs the same for 100 agents and for 100,000.
func (tx *Tx) countStatus(team fleet.TeamID, status fleet.Status, by int) error {
	return tx.run(`INSERT INTO agent_counts (team_id, status, n) VALUES ($1, $2, $3)
		ON CONFLICT (team_id, status) DO UPDATE SET n = agent_counts.n + excluded.n`, team, status, by)
}

// DataKey returns the agent's sealed data key.
func (tx *Tx) DataKey(id fleet.AgentID) (sealed []byte, err error) {
	_, err = tx.one([]any{&sealed}, `SELECT sealed FROM agent_keys WHERE agent_id = $1`, id)
	return sealed, err
}

// ReplaceDataKey makes everything sealed with the former key unreadable.
func (tx *Tx) ReplaceDataKey(id fleet.AgentID, sealed []byte) error {
	return tx.run(`UPDATE agent_keys SET sealed = $1 WHERE agent_id = $2`, sealed, id)
}

// SetCredential stores a sealed credential of an agent.
func (tx *Tx) SetCredential(id fleet.AgentID, field string, sealed []byte, at time.Time) error {
	return tx.run(`INSERT INTO credentials (agent_id, field, sealed, created_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (agent_id, field) DO UPDATE SET sealed = excluded.sealed, created_at = excluded.created_at`,
		id, field, sealed, micros(at))
}

// Credentials returns an agent's sealed credentials by field.
func (tx *Tx) Credentials(id fleet.AgentID) (map[string][]byte, error) {
	sealed := map[string][]byte{}
	err := tx.each(func(rows *sql.Rows) error {
		var field string
		var value []byte
		err := rows.Scan(&field, &value)
		sealed[field] = value
		return err
	}, `SELECT field, sealed FROM credentials WHERE agent_id = $1`, id)
	return sealed, err
}

// DeleteCredentials removes an agent's credentials.
func (tx *Tx) DeleteCredentials(id fleet.AgentID) error {
	return tx.run(`DELETE FROM credentials WHERE agent_id = $1`, id)
}

// Counts returns what the agent has.
func (tx *Tx) Counts(id fleet.AgentID) (c fleet.Counts, err error) {
	_, err = tx.one([]any{&c.Credentials, &c.Tasks, &c.Alerts, &c.UsageDays, &c.Messages, &c.Logs},
		`SELECT (SELECT COUNT(*) FROM credentials WHERE agent_id = $1), (SELECT COUNT(*) FROM tasks WHERE agent_id = $1),
			(SELECT COUNT(*) FROM alerts WHERE agent_id = $1), (SELECT COUNT(DISTINCT day) FROM usage_days WHERE agent_id = $1),
			(SELECT COUNT(*) FROM messages WHERE agent_id = $1), (SELECT COUNT(*) FROM logs WHERE agent_id = $1)`, id)
	return c, err
}

func settingsJSON(s fleet.Settings) string {
	if len(s) == 0 {
		return "{}"
	}
	return toJSON(s)
}

func protectedJSON(p *fleet.Protection) string {
	if p == nil {
		return ""
	}
	return toJSON(p)
}

func orEmpty(tags []string) []string {
	if tags == nil {
		return []string{}
	}
	return tags
}

func searchText(a fleet.Agent) string {
	return strings.ToLower(strings.Join(append([]string{a.Name, a.Login, string(a.ID)}, a.Tags...), "\n"))
}
