package store

import (
	"database/sql"
	"encoding/json"
	"slices"
	"time"

	"agentry/internal/fleet"
)

const chatColumns = `id, team_id, agent_id, user_id, conversation, metadata, minutes, auto_renew, max_minutes, warn_minutes,
	renewals, created_at, active_at, expires_at`

func (tx *Tx) chats(query string, values ...any) (list []fleet.Chat, err error) {
	err = tx.each(func(rows *sql.Rows) error {
		var c fleet.Chat
		var metadata string
		err := rows.Scan(&c.ID, &c.TeamID, &c.AgentID, &c.UserID, &c.Conversation, &metadata,
			&c.Timeout.Minutes, &c.Timeout.AutoRenew, &c.Timeout.MaxMinutes, &c.Timeout.WarnMinutes,
			&c.Renewals, stamp{&c.CreatedAt}, stamp{&c.ActiveAt}, stamp{&c.ExpiresAt})
		c.Metadata = json.RawMessage(metadata)
		list = append(list, c)
		return err
	}, `SELECT `+chatColumns+` FROM chats `+query, values...)
	return list, err
}

// InsertChat stores a new chat.
func (tx *Tx) InsertChat(c fleet.Chat) error {
	return tx.run(`INSERT INTO chats (`+chatColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
		c.ID, c.TeamID, c.AgentID, c.UserID, c.Conversation, string(c.Metadata),
		c.Timeout.Minutes, c.Timeout.AutoRenew, c.Timeout.MaxMinutes, c.Timeout.WarnMinutes,
		c.Renewals, micros(c.CreatedAt), micros(c.ActiveAt), micros(c.ExpiresAt))
}

// Chat returns the team's chat, open or not; ok is false when there is none.
// Another team's is forbidden, as its agent is.
func (tx *Tx) Chat(team fleet.TeamID, id string) (c fleet.Chat, ok bool, err error) {
	list, err := tx.chats(`WHERE id = $1`, id)
	if err != nil || len(list) == 0 {
		return c, false, err
	}
	if list[0].TeamID != team {
		return c, false, fleet.ErrAgentForeign()
	}
	return list[0], true, nil
}

// SetChat stores the chat's time-out and times.
func (tx *Tx) SetChat(c fleet.Chat) error {
	return tx.run(`UPDATE chats SET minutes = $1, auto_renew = $2, max_minutes = $3, warn_minutes = $4, renewals = $5,
			active_at = $6, expires_at = $7 WHERE id = $8 AND team_id = $9`,
		c.Timeout.Minutes, c.Timeout.AutoRenew, c.Timeout.MaxMinutes, c.Timeout.WarnMinutes, c.Renewals,
		micros(c.ActiveAt), micros(c.ExpiresAt), c.ID, c.TeamID)
}

// DeleteChat removes a chat; its messages stay the agent's.
func (tx *Tx) DeleteChat(c fleet.Chat) error {
	return tx.run(`DELETE FROM chats WHERE id = $1 AND team_id = $2`, c.ID, c.TeamID)
}

// DeleteChats removes all chats of an agent.
func (tx *Tx) DeleteChats(team fleet.TeamID, id fleet.AgentID) error {
	return tx.run(`DELETE FROM chats WHERE agent_id = $1 AND team_id = $2`, id, team)
}

// DropChatsBefore forgets chats that ended before the instant.
func (tx *Tx) DropChatsBefore(at time.Time) error {
	return tx.run(`DELETE FROM chats WHERE expires_at < $1`, micros(at))
}

// OpenChats returns up to limit of the team's open chats, the last to end
// first.
func (tx *Tx) OpenChats(team fleet.TeamID, now time.Time, limit int) ([]fleet.Chat, error) {
	return tx.chats(`WHERE team_id = $1 AND expires_at > $2 ORDER BY expires_at DESC, id DESC LIMIT $3 + 0`, team, micros(now), limit)
}

// CountChats returns how many chats of the team are kept, and how many of them
// end behind the instant.
func (tx *Tx) CountChats(team fleet.TeamID, at time.Time) (all, open int64, err error) {
	_, err = tx.one([]any{&all, &open}, `SELECT (SELECT COUNT(*) FROM chats WHERE team_id = $1),
		(SELECT COUNT(*) FROM chats WHERE team_id = $1 AND expires_at > $2)`, team, micros(at))
	return all, open, err
}

// CountOpenChats returns how many chats of an agent are open.
func (tx *Tx) CountOpenChats(team fleet.TeamID, id fleet.AgentID, now time.Time) (n int, err error) {
	_, err = tx.one([]any{&n}, `SELECT COUNT(*) FROM chats WHERE agent_id = $1 AND team_id = $2 AND expires_at > $3`, id, team, micros(now))
	return n, err
}

// SetMessageMetadata keeps what came with a message, a JSON object.
func (tx *Tx) SetMessageMetadata(messageID string, metadata json.RawMessage) error {
	return tx.run(`INSERT INTO message_metadata (message_id, metadata) VALUES ($1, $2)`, messageID, string(metadata))
}

// ChatTexts returns up to limit texts of a conversation of the agent that were
// written from from on and before to (zero is open), newest first: the newest,
// or the oldest where oldest is true.
func (tx *Tx) ChatTexts(team fleet.TeamID, id fleet.AgentID, conversation string, from, to time.Time, oldest bool, limit int) (list []fleet.ChatText, err error) {
	w := &where{}
	agent, conv, owner := w.arg(id), w.arg(conversation), w.arg(team)
	text := func(columns, more string) string {
		return `SELECT m.id AS id, ` + columns + ` FROM messages m LEFT JOIN message_metadata d ON d.message_id = m.id
			WHERE m.agent_id = ` + agent + ` AND m.conversation = ` + conv + more +
			` AND EXISTS (SELECT 1 FROM agents WHERE id = ` + agent + ` AND team_id = ` + owner + `)`
	}
	query := `SELECT id, reply, text, at, metadata FROM (` +
		text(`0 AS reply, m.text AS text, m.created_at AS at, COALESCE(d.metadata, '') AS metadata`, ``) + ` UNION ALL ` +
		text(`1, m.reply, m.replied_at, ''`, ` AND m.state = 'replied'`) + `) t`
	cond := ` WHERE `
	if !from.IsZero() {
		query += cond + `at >= ` + w.arg(micros(from))
		cond = ` AND `
	}
	if !to.IsZero() {
		query += cond + `at < ` + w.arg(micros(to))
	}
	order := ` ORDER BY at DESC, reply DESC, id DESC`
	if oldest {
		order = ` ORDER BY at, reply, id`
	}
	query += order + w.limit(limit)
	err = tx.each(func(rows *sql.Rows) error {
		var t fleet.ChatText
		var metadata string
		err := rows.Scan(&t.MessageID, &t.IsReply, &t.Text, stamp{&t.At}, &metadata)
		t.Metadata = json.RawMessage(metadata)
		list = append(list, t)
		return err
	}, query, w.args...)
	if oldest {
		slices.Reverse(list)
	}
	return list, err
}
