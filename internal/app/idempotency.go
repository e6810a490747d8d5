package app

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"

	"agentry/internal/fleet"
	"agentry/internal/secret"
	"agentry/internal/store"
)

// IdempotentAnswer is the first answer to a call under a key.
type IdempotentAnswer struct {
	Status      int
	ContentType string
	Body        []byte
}

// The codes of a repeated key, for the face that speaks of keys.
const (
	CodeIdempotencyMismatch   fleet.Code = "idempotency_mismatch"
	CodeIdempotencyInProgress fleet.Code = "idempotency_in_progress"
)

// BeginIdempotent claims the caller's key for a call with the fingerprint. It
// returns the stored answer when the call was made before.
func (a *App) BeginIdempotent(ctx context.Context, by fleet.Actor, key string, fingerprint []byte) (done *IdempotentAnswer, err error) {
	name, box, err := sealedKey(by, key)
	if err != nil {
		return nil, err
	}
	// Requests hold passwords: a stolen file must not let them be guessed.
	mixed := sha256.Sum256(append([]byte("idempotency request\n"+key+"\n"), fingerprint...))
	fingerprint = mixed[:]
	err = a.store.Write(ctx, func(tx *store.Tx) error {
		have, ok, err := tx.BeginIdempotent(by.ID, name, fingerprint, a.boot, a.Now())
		switch {
		case err != nil || ok:
			return err
		case !bytes.Equal(have.Fingerprint, fingerprint):
			return fleet.Errorf(CodeIdempotencyMismatch, "This idempotency key was used for another request")
		case have.Status == store.IdempotentEffect && have.Boot != a.boot:
			return fleet.Errorf(fleet.CodeConflict, "The first request with this idempotency key took effect, but the server stopped before it answered; look at what is there")
		case have.Status == store.IdempotentRunning, have.Status == store.IdempotentEffect:
			return fleet.Errorf(CodeIdempotencyInProgress, "The first request with this idempotency key is still running")
		}
		body, err := box.Open(have.Body, "idempotency", name, "body")
		done = &IdempotentAnswer{Status: have.Status, ContentType: have.ContentType, Body: body}
		return err
	})
	return done, err
}

// EndIdempotent keeps the answer of a claimed call for 24 hours; a server
// error gives the key back, so that the call can be made again.
func (a *App) EndIdempotent(ctx context.Context, by fleet.Actor, key string, status int, contentType string, body []byte) error {
	name, box, err := sealedKey(by, key)
	if err != nil {
		return err
	}
	return a.store.Write(ctx, func(tx *store.Tx) error {
		if status >= 500 {
			return tx.ForgetIdempotent(by.ID, name)
		}
		return tx.EndIdempotent(by.ID, name, status, contentType, box.Seal(body, "idempotency", name, "body"))
	})
}

// write is a transaction of somebody's call: with the effect goes the note
// that the call has had it, so that a repeat after a crash does not have it
// twice.
func (a *App) write(ctx context.Context, by fleet.Actor, f func(tx *store.Tx) error) error {
	if by.IdempotencyKey == "" {
		return a.store.Write(ctx, f)
	}
	name, _, err := sealedKey(by, by.IdempotencyKey)
	if err != nil {
		return err
	}
	return a.store.Write(ctx, func(tx *store.Tx) error {
		if err := f(tx); err != nil {
			return err
		}
		return tx.MarkIdempotent(by.ID, name)
	})
}

// sealedKey derives from the caller's key the name it is stored under and the
// key that seals the answer: answers hold names and once-shown API keys, and
// only who repeats the call can read them.
func sealedKey(by fleet.Actor, key string) (name string, box secret.DataKey, err error) {
	// A person's key in one team says nothing in another.
	key = string(by.TeamID) + "\n" + key
	sum := sha256.Sum256([]byte("idempotency name\n" + key))
	seed := sha256.Sum256([]byte("idempotency body\n" + key))
	box, err = secret.DeriveDataKey(seed[:])
	return hex.EncodeToString(sum[:]), box, err
}
