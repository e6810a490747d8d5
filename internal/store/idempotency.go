package store

import "time"

// The states of a call that has no answer yet; an answer's is its HTTP status.
const (
	IdempotentRunning = 0
	// IdempotentEffect: what the call does is done, its answer is to come.
	IdempotentEffect = 1
)

// IdempotentCall is an unsafe call under a key. Status is an HTTP status or
// one of the states before it.
type IdempotentCall struct {
	Fingerprint []byte
	Status      int
	ContentType string
	Body        []byte
	Boot        string
}

// BeginIdempotent claims a key for a call. When somebody has it already, that
// call is returned and ok is false; a claim of a former life of the server
// that had no effect is taken over.
func (tx *Tx) BeginIdempotent(actor, key string, fingerprint []byte, boot string, at time.Time) (have IdempotentCall, ok bool, err error) {
	n, err := tx.exec(`INSERT INTO idempotency (actor_id, key, fingerprint, status, content_type, body, boot, created_at)
		VALUES ($1, $2, $3, 0, '', x'', $4, $5)
		ON CONFLICT (actor_id, key) DO UPDATE SET boot = excluded.boot, created_at = excluded.created_at
			WHERE idempotency.status = 0 AND idempotency.boot <> excluded.boot AND idempotency.fingerprint = excluded.fingerprint`,
		actor, key, fingerprint, boot, micros(at))
	if err != nil || n == 1 {
		return have, n == 1, err
	}
	_, err = tx.one([]any{&have.Fingerprint, &have.Status, &have.ContentType, &have.Body, &have.Boot},
		`SELECT fingerprint, status, content_type, body, boot FROM idempotency WHERE actor_id = $1 AND key = $2`, actor, key)
	return have, false, err
}

// MarkIdempotent notes, in the transaction of the effect, that a running call
// has had it.
func (tx *Tx) MarkIdempotent(actor, key string) error {
	return tx.run(`UPDATE idempotency SET status = 1 WHERE actor_id = $1 AND key = $2 AND status = 0`, actor, key)
}

// EndIdempotent stores the answer of a claimed call.
func (tx *Tx) EndIdempotent(actor, key string, status int, contentType string, body []byte) error {
	return tx.run(`UPDATE idempotency SET status = $1, content_type = $2, body = $3 WHERE actor_id = $4 AND key = $5`,
		status, contentType, body, actor, key)
}

// ForgetIdempotent gives a key back.
func (tx *Tx) ForgetIdempotent(actor, key string) error {
	return tx.run(`DELETE FROM idempotency WHERE actor_id = $1 AND key = $2`, actor, key)
}

// DropIdempotent forgets calls that are too long ago.
func (tx *Tx) DropIdempotent(late Late) error {
	return tx.run(`DELETE FROM idempotency WHERE `+late.sql("created_at"), late.args()...)
}
