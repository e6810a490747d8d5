package eliza

import (
	"net/http"
	"strconv"
	"sync"
	"time"
)

const (
	// reserve is how many percent of the server's limit messages leave for
	// looking after agents: lists, starts and stops.
	reserve = 15
	// defaultBlock is how long the server is left alone after a 429 that does
	// not say for how long.
	defaultBlock = time.Minute
)

// limit follows the server's count of requests (1,000 in 15 minutes for each
// client address), which the server tells with every answer. Others who call
// from this machine are in that count too.
type limit struct {
	mu      sync.Mutex
	blocked time.Time // until then nothing is asked
	scarce  time.Time // until then messages wait
}

// learn reads what an answer says of the limit.
func (l *limit) learn(res *http.Response, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if res.StatusCode == http.StatusTooManyRequests {
		wait, ok := seconds(res.Header, "Retry-After")
		if !ok || wait == 0 {
			wait = defaultBlock
		}
		l.blocked = now.Add(wait)
		return
	}
	left, err := strconv.Atoi(res.Header.Get("RateLimit-Remaining"))
	most, err2 := strconv.Atoi(res.Header.Get("RateLimit-Limit"))
	reset, ok := seconds(res.Header, "RateLimit-Reset")
	if err != nil || err2 != nil || !ok {
		return
	}
	l.scarce = time.Time{}
	if left < most*reserve/100 {
		l.scarce = now.Add(reset)
	}
}

// blockedUntil is when the server may be asked again; zero is now.
func (l *limit) blockedUntil() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return later(l.blocked)
}

// scarceUntil is when a message may be sent again; zero is now.
func (l *limit) scarceUntil() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	if until := later(l.blocked); !until.IsZero() {
		return until
	}
	return later(l.scarce)
}

func later(t time.Time) time.Time {
	if time.Now().Before(t) {
		return t
	}
	return time.Time{}
}
