package store

import (
	"database/sql"
	"time"

	"agentry/internal/fleet"
)

const keyColumns = `id, team_id, name, prefix, scope, created_by, created_at, last_used_at, expires_at, revoked_at, expired_at, creator_id`

func keyTargets(k *fleet.Key) []any {
	return []any{&k.ID, &k.TeamID, &k.Name, &k.Prefix, &k.Scope, &k.CreatedBy, stamp{&k.CreatedAt}, stamp{&k.LastUsedAt},
		stamp{&k.ExpiresAt}, stamp{&k.RevokedAt}, stamp{&k.ExpiredAt}, &k.CreatorID}
}

// InsertKey stores a new API key by its hash.
func (tx *Tx) InsertKey(k fleet.Key, hash []byte) error {
	return tx.run(`INSERT INTO api_keys (`+keyColumns+`, hash) VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, 0, 0, $9, $10)`,
		k.ID, k.TeamID, k.Name, k.Prefix, k.Scope, k.CreatedBy, micros(k.CreatedAt), micros(k.ExpiresAt), k.CreatorID, hash)
}

// KeyByHash returns an API key; ok is false when there is none.
func (tx *Tx) KeyByHash(hash []byte) (k fleet.Key, ok bool, err error) {
	ok, err = tx.one(keyTargets(&k), `SELECT `+keyColumns+` FROM api_keys WHERE hash = $1`, hash)
	return k, ok, err
}

// Key returns one of the team's API keys; ok is false when there is none.
func (tx *Tx) Key(team fleet.TeamID, id string) (k fleet.Key, ok bool, err error) {
	ok, err = tx.one(keyTargets(&k), `SELECT `+keyColumns+` FROM api_keys WHERE id = $1 AND team_id = $2`, id, team)
	return k, ok, err
}

// Keys returns the team's API keys, newest first.
func (tx *Tx) Keys(team fleet.TeamID) (list []fleet.Key, err error) {
	err = tx.each(func(rows *sql.Rows) error {
		var k fleet.Key
		err := rows.Scan(keyTargets(&k)...)
		list = append(list, k)
		return err
	}, `SELECT `+keyColumns+` FROM api_keys WHERE team_id = $1 ORDER BY id DESC LIMIT 1000`, team)
	return list, err
}

// LiveKeysBy returns the team's API keys that a member made and that work,
// newest first.
func (tx *Tx) LiveKeysBy(team fleet.TeamID, user fleet.UserID, at time.Time) (list []fleet.Key, err error) {
	err = tx.each(func(rows *sql.Rows) error {
		var k fleet.Key
		err := rows.Scan(keyTargets(&k)...)
		list = append(list, k)
		return err
	}, `SELECT `+keyColumns+` FROM api_keys WHERE team_id = $1 AND creator_id = $2 AND revoked_at = 0 AND expired_at = 0
		AND (expires_at = 0 OR expires_at > $3) ORDER BY id DESC LIMIT 1000`, team, user, micros(at))
	return list, err
}

// LiveKey tells whether a key of the team works, and with which scope; ok is
// false when it does not.
func (tx *Tx) LiveKey(team fleet.TeamID, id string, at time.Time) (scope fleet.Scope, ok bool, err error) {
	ok, err = tx.one([]any{&scope}, `SELECT scope FROM api_keys WHERE team_id = $1 AND id = $2 AND revoked_at = 0 AND expired_at = 0
		AND (expires_at = 0 OR expires_at > $3)`, team, id, micros(at))
	return scope, ok, err
}

// TouchKey records that a key was used.
func (tx *Tx) TouchKey(id string, at time.Time) error {
	return tx.run(`UPDATE api_keys SET last_used_at = $1 WHERE id = $2`, micros(at), id)
}

// MarkExpiredKeys notes of keys whose time is over that they were seen so.
func (tx *Tx) MarkExpiredKeys(at time.Time) error {
	return tx.run(`UPDATE api_keys SET expired_at = $1 WHERE expires_at > 0 AND expires_at <= $1 AND expired_at = 0`, micros(at))
}

// RevokeKey voids one of the team's keys; false when it has no such live key.
func (tx *Tx) RevokeKey(team fleet.TeamID, id string, at time.Time) (bool, error) {
	n, err := tx.exec(`UPDATE api_keys SET revoked_at = $1 WHERE team_id = $2 AND id = $3 AND revoked_at = 0`, micros(at), team, id)
	return n == 1, err
}
