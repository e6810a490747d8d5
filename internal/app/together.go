package app

import (
	"context"
	"sync"

	"agentry/internal/store"
)

// maxAnswers bounds the answers that are kept.
const maxAnswers = 32

// answers are those of one state of the file and one second: what depends on
// the time is told to the second.
type answers struct {
	mu   sync.Mutex
	of   moment
	kept map[string]any
}

type moment struct{ version, second int64 }

func (a *answers) get(of moment, key string) (answer any, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.of == of {
		answer, ok = a.kept[key]
	}
	return answer, ok
}

func (a *answers) put(of moment, key string, answer any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.of != of {
		a.of, a.kept = of, map[string]any{}
	}
	if len(a.kept) < maxAnswers {
		a.kept[key] = answer
	}
}

// moment is asked for before what is read at it; known is false where the file
// does not say.
func (a *App) moment() (m moment, known bool) {
	version, err := a.store.Version()
	return moment{version, a.Now().Unix()}, err == nil
}

// together answers equal questions with one read: many people have the same
// page open, and one event has all of them ask again. While nothing was written
// an answer is given again; else a question joins one that has not begun to
// read. So nobody is told less than was true when they asked. The key holds all
// that the answer depends on, the team first; who gets it does not change it.
func together[T any](ctx context.Context, a *App, key string, read func(tx *store.Tx) (T, error)) (answer T, err error) {
	if now, known := a.moment(); known {
		if kept, ok := a.answers.get(now, key); ok {
			return kept.(T), nil
		}
	}
	shared, err, _ := a.waiting.Do(key, func() (any, error) {
		var answer T
		var then moment
		var known bool
		// The one who asked first may go away; the others still want to know.
		err := a.store.Read(context.WithoutCancel(ctx), func(tx *store.Tx) (err error) {
			a.waiting.Forget(key)
			then, known = a.moment()
			answer, err = read(tx)
			return err
		})
		if err == nil && known {
			a.answers.put(then, key, answer)
		}
		return answer, err
	})
	if err != nil {
		return answer, err
	}
	return shared.(T), nil
}
