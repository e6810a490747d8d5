package app_test

import (
	"bytes"
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/internal/secret"
)

func TestKeys(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	var k fleet.Key
	var raw string
	b.effectsOf(func() {
		var err error
		k, raw, err = b.CreateKey(t.Context(), b.admin, app.KeyInput{Name: " ci ", Scope: fleet.ScopeOperate, ExpiresAt: t0.Add(time.Hour)})
		b.ok(err)
	}).want(t, "create", effects{Audit: []string{"key.create done user admin"}, Events: []string{"key.changed"}})
	if k.Name != "ci" || k.Prefix != raw[:12] || k.CreatedBy != "Ann admin" || secret.CheckAPIKey(raw) != nil || b.holds(raw) {
		t.Errorf("%+v, readable in the file: %v", k, b.holds(raw))
	}
	by, got, team, err := b.ActorForKey(t.Context(), raw)
	if err != nil || by != (fleet.Actor{Kind: fleet.ActorKey, ID: k.ID, Name: "ci", TeamID: b.team, Scope: fleet.ScopeOperate}) || got.ID != k.ID || team.Name != "Ours" {
		t.Errorf("%+v %+v %+v %v", by, got, team, err)
	}
	used := func() time.Time { return must[[]fleet.Key](t)(b.Keys(t.Context(), b.admin))[0].LastUsedAt }
	b.clock.step(90 * time.Second)
	_, _, _, err = b.ActorForKey(t.Context(), raw)
	b.ok(err)
	if at := used(); !at.Equal(t0.Add(time.Minute)) {
		t.Errorf("used at %s", at)
	}
	b.clock.step(10 * time.Second)
	_, _, _, err = b.ActorForKey(t.Context(), raw)
	b.ok(err)
	if at := used(); !at.Equal(t0.Add(time.Minute)) {
		t.Errorf("used at %s", at)
	}
	b.clock.step(time.Hour - 100*time.Second)
	_, _, _, err = b.ActorForKey(t.Context(), raw)
	wantErr(t, "expired", err, fleet.CodeUnauthorized, "The API key is not valid: unknown, revoked or expired")
	forever, raw2, err := b.CreateKey(t.Context(), b.admin, app.KeyInput{Name: "x", Scope: fleet.ScopeAdmin})
	b.ok(err)
	if !forever.ExpiresAt.IsZero() {
		t.Errorf("%+v", forever)
	}
	b.effectsOf(func() { b.ok(b.RevokeKey(t.Context(), b.admin, forever.ID)) }).
		want(t, "revoke", effects{Audit: []string{"key.revoke done user admin"}, Events: []string{"key.changed"}})
	_, _, _, err = b.ActorForKey(t.Context(), raw2)
	wantErr(t, "revoked", err, fleet.CodeUnauthorized, "")
	_, _, _, err = b.ActorForKey(t.Context(), secret.NewAPIKey())
	wantErr(t, "unknown", err, fleet.CodeUnauthorized, "")
	wantErr(t, "revoke again", b.RevokeKey(t.Context(), b.admin, forever.ID), fleet.CodeNotFound, "API key not found")
	for what, in := range map[string]app.KeyInput{"name": {Scope: fleet.ScopeRead}, "scope": {Name: "x", Scope: "root"}, "past": {Name: "x", Scope: fleet.ScopeRead, ExpiresAt: b.Now()}} {
		_, _, err := b.CreateKey(t.Context(), b.admin, in)
		wantErr(t, what, err, fleet.CodeValidation, "")
	}
	_, _, err = b.AddKey(t.Context(), "no team", app.KeyInput{Name: "x", Scope: fleet.ScopeRead})
	wantErr(t, "no team", err, fleet.CodeNotFound, "Team not found")
}

func TestIdempotency(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	const key, answer = "Key-Canary-1", "Answer-Canary-2"
	begin := func(a *app.App, by fleet.Actor, fingerprint string) (*app.IdempotentAnswer, error) {
		return a.BeginIdempotent(t.Context(), by, key, []byte(fingerprint))
	}
	if done, err := begin(b.App, b.admin, "f"); done != nil || err != nil {
		t.Fatal(done, err)
	}
	_, err := begin(b.App, b.admin, "f")
	wantErr(t, "in progress", err, app.CodeIdempotencyInProgress, "")
	_, err = begin(b.App, b.admin, "other")
	wantErr(t, "mismatch while in progress", err, app.CodeIdempotencyMismatch, "")
	b.ok(b.EndIdempotent(t.Context(), b.admin, key, 201, "application/json", []byte(answer)))
	for range 2 {
		done, err := begin(b.App, b.admin, "f")
		if err != nil || done == nil || done.Status != 201 || done.ContentType != "application/json" || !bytes.Equal(done.Body, []byte(answer)) {
			t.Errorf("%+v, %v", done, err)
		}
	}
	_, err = begin(b.App, b.admin, "other")
	wantErr(t, "mismatch", err, app.CodeIdempotencyMismatch, "")
	if b.holds(key) || b.holds(answer) {
		t.Error("a key or an answer is readable in the file")
	}
	// Nobody else's, and not the same person's in another team.
	there := b.admin
	there.TeamID = b.stranger.TeamID
	for _, by := range []fleet.Actor{b.operator, there} {
		if done, err := begin(b.App, by, "f"); done != nil || err != nil {
			t.Errorf("%s sees %+v, %v", by.ID, done, err)
		}
	}
	// A server error gives the key back.
	b.ok(b.EndIdempotent(t.Context(), b.operator, key, 500, "", nil))
	if done, err := begin(b.App, b.operator, "another"); done != nil || err != nil {
		t.Error(done, err)
	}
	// The server was killed in the middle: its next life takes the key over, once.
	next := app.New(b.config)
	_, err = begin(next, b.operator, "f")
	wantErr(t, "mismatch after a restart", err, app.CodeIdempotencyMismatch, "")
	if done, err := begin(next, b.operator, "another"); done != nil || err != nil {
		t.Error(done, err)
	}
	_, err = begin(next, b.operator, "another")
	wantErr(t, "twice after a restart", err, app.CodeIdempotencyInProgress, "")
	if done, err := begin(next, b.admin, "f"); err != nil || done == nil || string(done.Body) != answer {
		t.Errorf("%+v, %v", done, err)
	}
	b.clock.step(24*time.Hour + time.Minute)
	b.ok(b.Tick(t.Context()))
	if done, err := begin(next, b.admin, "new"); done != nil || err != nil {
		t.Error("after a day:", done, err)
	}
}

// Of many at once under one key, one runs.
func TestIdempotencyAtOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	var ran, waited atomic.Int64
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			done, err := b.BeginIdempotent(context.Background(), b.admin, "k", []byte("f"))
			switch {
			case err == nil && done == nil:
				ran.Add(1)
			case fleet.CodeOf(err) == app.CodeIdempotencyInProgress:
				waited.Add(1)
			}
		})
	}
	all.Wait()
	if ran.Load() != 1 || waited.Load() != 19 {
		t.Errorf("%d ran, %d were told to wait", ran.Load(), waited.Load())
	}
}
