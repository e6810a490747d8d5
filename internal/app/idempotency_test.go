package app_test

import (
	"testing"

	"agentry/internal/app"
	"agentry/internal/fleet"
)

// A server that is killed between the effect of a call and its answer must not
// let a repeat have the effect again; a call without effect may be made again.
func TestRepeatAfterACrash(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	made, err := b.Create(t.Context(), b.admin, app.CreateInput{Name: "Ada"})
	b.ok(err)
	keyed := b.admin
	keyed.IdempotencyKey = "once"
	effects := map[string]func() error{
		"create": func() error { _, err := b.Create(t.Context(), keyed, app.CreateInput{Name: "Bo"}); return err },
		"move":   func() error { _, err := b.End(t.Context(), keyed, made.ID, app.ReasonInput{}); return err },
		"create key": func() error {
			_, _, err := b.CreateKey(t.Context(), keyed, app.KeyInput{Name: "k", Scope: fleet.ScopeRead})
			return err
		},
		"refused": func() error {
			_, err := b.Relaunch(t.Context(), keyed, "unknown", app.ReasonInput{})
			wantErr(t, "refused", err, fleet.CodeNotFound, "")
			return nil
		},
		"nothing": func() error { return nil },
	}
	for name, effect := range effects {
		keyed.IdempotencyKey = "once: " + name
		done, err := b.BeginIdempotent(t.Context(), keyed, keyed.IdempotencyKey, []byte("request"))
		if b.ok(err); done != nil {
			t.Fatalf("%s: answered before it was made", name)
		}
		b.ok(effect())
		next := app.New(b.config) // the server after the crash
		done, err = next.BeginIdempotent(t.Context(), keyed, keyed.IdempotencyKey, []byte("request"))
		if done != nil {
			t.Errorf("%s: an answer that nobody gave", name)
		}
		if name == "nothing" || name == "refused" {
			b.ok(err)
			continue
		}
		wantErr(t, name, err, fleet.CodeConflict, "")
	}
}
