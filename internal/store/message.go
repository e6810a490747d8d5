package store

import (
	"database/sql"
	"errors"
	"slices"
	"time"

	"agentry/internal/fleet"
)

const messageColumns = `id, agent_id, conversation, sender, text, reply, state, created_at, replied_at`

func (tx *Tx) messages(query string, values ...any) (list []fleet.Message, err error) {
	err = tx.each(func(rows *sql.Rows) error {
		m, err := scanMessage(rows)
		list = append(list, m)
		return err
	}, `SELECT `+messageColumns+` FROM messages `+query, values...)
	return list, err
}

func scanMessage(rows *sql.Rows) (m fleet.Message, err error) {
	err = rows.Scan(messageTargets(&m)...)
	return m, err
}

func messageTargets(m *fleet.Message) []any {
	return []any{&m.ID, &m.AgentID, &m.Conversation, &m.From, &m.Text, &m.Reply, &m.State, stamp{&m.CreatedAt}, stamp{&m.RepliedAt}}
}

// InsertMessage stores a new message.
func (tx *Tx) InsertMessage(m fleet.Message) error {
	return tx.run(`INSERT INTO messages (`+messageColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		m.ID, m.AgentID, m.Conversation, m.From, m.Text, m.Reply, m.State, micros(m.CreatedAt), micros(m.RepliedAt))
}

// Messages returns the agent's messages before an id, newest first;
// conversation "" is any.
func (tx *Tx) Messages(id fleet.AgentID, conversation, before string, limit int) ([]fleet.Message, error) {
	if conversation == "" {
		return tx.messages(`WHERE agent_id = $1 AND ($2 = '' OR id < $2) ORDER BY id DESC LIMIT $3 + 0`, id, before, limit)
	}
	return tx.messages(`WHERE agent_id = $1 AND conversation = $2 AND ($3 = '' OR id < $3) ORDER BY id DESC LIMIT $4 + 0`, id, conversation, before, limit)
}

// Conversation returns what was said in an agent's conversation before a
// message, oldest first: the newest messages, at most limit of them, with at
// most maxBytes of texts and replies together.
func (tx *Tx) Conversation(id fleet.AgentID, conversation, before string, limit, maxBytes int) (list []fleet.Message, err error) {
	full := errors.New("no more fits")
	err = tx.each(func(rows *sql.Rows) error {
		m := fleet.Message{AgentID: id, Conversation: conversation}
		if err := rows.Scan(&m.ID, &m.From, &m.Text, &m.Reply); err != nil {
			return err
		}
		if maxBytes -= len(m.Text) + len(m.Reply); maxBytes < 0 {
			return full
		}
		list = append(list, m)
		return nil
	}, `SELECT id, sender, text, reply FROM messages WHERE agent_id = $1 AND conversation = $2 AND id < $3 ORDER BY id DESC LIMIT $4 + 0`,
		id, conversation, before, limit)
	if err == full {
		err = nil
	}
	slices.Reverse(list)
	return list, err
}

// Message returns one of the agent's messages.
func (tx *Tx) Message(id fleet.AgentID, messageID string) (fleet.Message, error) {
	list, err := tx.messages(`WHERE agent_id = $1 AND id = $2`, id, messageID)
	if err == nil && len(list) == 0 {
		return fleet.Message{}, fleet.Errorf(fleet.CodeNotFound, "Message not found")
	}
	if err != nil {
		return fleet.Message{}, err
	}
	return list[0], nil
}

// Reply stores the agent's reply to a message that has none; false when there
// is no such message.
func (tx *Tx) Reply(id fleet.AgentID, messageID, text string, at time.Time) (bool, error) {
	n, err := tx.exec(`UPDATE messages SET reply = $1, state = 'replied', replied_at = $2
		WHERE agent_id = $3 AND id = $4 AND state <> 'replied'`, text, micros(at), id, messageID)
	return n == 1, err
}

// FailPendingMessages marks what the agent will not answer any more.
func (tx *Tx) FailPendingMessages(id fleet.AgentID) error {
	return tx.run(`UPDATE messages SET state = 'failed' WHERE agent_id = $1 AND state = 'pending'`, id)
}
