package store

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
)

// read is one call of Read.
type read struct {
	ctx   context.Context
	f     func(tx *Tx) error
	err   error
	panic any
	stack []byte
	done  chan struct{}
}

// Read runs f over one snapshot, on one of the few goroutines that read:
// SQLite's code needs a deep stack, and each of thousands of requests that
// wait for something would keep one.
func (s *Store) Read(ctx context.Context, f func(tx *Tx) error) error {
	r := &read{ctx: ctx, f: f, done: make(chan struct{})}
	select {
	case s.asked <- r:
	case <-s.quit:
		return unavailable(errors.New("store is closed"))
	case <-ctx.Done():
		return ctx.Err()
	}
	<-r.done
	if r.panic != nil {
		panic(fmt.Sprintf("%v\n%s", r.panic, r.stack))
	}
	known, _ := classify(r.err)
	return known
}

// Version is a number that is another one after every commit to the file,
// whoever made it. Whatever a snapshot says that was begun after it was asked
// for holds for as long as it is the same.
func (s *Store) Version() (v int64, err error) {
	// One that begins while another is open would look at the same snapshot,
	// which may be older than what its caller has seen done.
	s.watching.Lock()
	defer s.watching.Unlock()
	err = s.watch.QueryRowContext(context.Background(), versionSQL).Scan(&v)
	return v, err
}

// readLoop answers what it takes, also while the store closes.
func (s *Store) readLoop() {
	defer s.owned.Done()
	for {
		select {
		case r := <-s.asked:
			s.answer(r)
		case <-s.quit:
			return
		}
	}
}

func (s *Store) answer(r *read) {
	defer close(r.done)
	defer func() {
		if r.panic = recover(); r.panic != nil {
			r.stack = debug.Stack()
		}
	}()
	t, err := s.reader.BeginTx(r.ctx, nil)
	if err != nil {
		r.err = err
		return
	}
	defer s.reads.prepare()
	defer t.Rollback()
	r.err = r.f(&Tx{ctx: r.ctx, tx: t, stmts: s.reads, ids: &s.ids})
}
