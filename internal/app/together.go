package app

import (
	"context"

	"agentry/internal/store"
)

// together answers equal questions that wait at the same time with one read:
// many people have the same page open, and one event has all of them ask again.
// A question joins another only until that one begins to read, so nobody is
// told less than was true when they asked. The key holds all that the answer
// depends on, the team first; who gets the answer does not change it.
func together[T any](ctx context.Context, a *App, key string, read func(tx *store.Tx) (T, error)) (answer T, err error) {
	shared, err, _ := a.waiting.Do(key, func() (any, error) {
		var answer T
		// The one who asked first may go away; the others still want to know.
		err := a.store.Read(context.WithoutCancel(ctx), func(tx *store.Tx) (err error) {
			a.waiting.Forget(key)
			answer, err = read(tx)
			return err
		})
		return answer, err
	})
	if err != nil {
		return answer, err
	}
	return shared.(T), nil
}
