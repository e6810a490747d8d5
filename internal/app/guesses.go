package app

import (
	"sync"
	"time"
)

const (
	guessWindow = 15 * time.Minute
	maxGuesses  = 20
	maxGuessed  = 10_000 // addresses that are remembered
)

// guesses counts wrong passwords per address.
type guesses struct {
	mu   sync.Mutex
	seen map[string]guess
}

type guess struct {
	since time.Duration
	n     int
}

func newGuesses() *guesses { return &guesses{seen: map[string]guess{}} }

// admit counts a guess before it is checked, so that many at once are no more
// than many one by one; forget takes the right one's count back. now is of the
// time that really passes, which nobody can set.
func (g *guesses) admit(email string, now time.Duration) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	have, known := g.seen[email]
	if !known || now-have.since > guessWindow {
		have = guess{since: now}
	}
	if have.n >= maxGuesses {
		return false
	}
	if !known && len(g.seen) >= maxGuessed {
		g.makeRoom(now)
	}
	have.n++
	g.seen[email] = have
	return true
}

// makeRoom drops what is over, or else the address with the fewest guesses: an
// address under attack is not crowded out by many that were tried once.
func (g *guesses) makeRoom(now time.Duration) {
	least, fewest := "", maxGuesses+1
	for email, old := range g.seen {
		if now-old.since > guessWindow {
			delete(g.seen, email)
		} else if old.n < fewest {
			least, fewest = email, old.n
		}
	}
	if len(g.seen) >= maxGuessed {
		delete(g.seen, least)
	}
}

func (g *guesses) forget(email string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.seen, email)
}
