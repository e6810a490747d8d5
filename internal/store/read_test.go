package store

import (
	"fmt"
	"sync"
	"testing"
)

// Whoever asks after a commit is told another number than before it, however
// many ask at once.
func TestVersionTellsEveryCommit(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{})
	version := func() int64 {
		v, err := s.Version()
		if err != nil {
			t.Error(err)
		}
		return v
	}
	var writers, askers sync.WaitGroup
	done := make(chan struct{})
	for range 16 {
		askers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					version()
				}
			}
		})
	}
	for w := range 4 {
		writers.Go(func() {
			for i := range 40 {
				before := version()
				mustWrite(t, s, func(tx *Tx) error { return tx.SetMeta(fmt.Sprint("n", w), fmt.Sprint(i)) })
				if version() == before {
					t.Errorf("a commit did not change version %d", before)
				}
			}
		})
	}
	writers.Wait()
	close(done)
	askers.Wait()
}
