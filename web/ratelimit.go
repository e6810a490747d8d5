package web

import (
	"fmt"
	"math"
	"strconv"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"

	"agentry/internal/fleet"
)

const rateWindow = time.Minute

// limiter counts requests over a sliding minute: this window's, and of the
// former one the share that the minute still covers. It uses the monotonic
// clock, and forgets what is two windows old.
type limiter struct {
	mu     sync.Mutex
	since  func() time.Duration // monotonic, from any start
	window int64
	counts map[limitKey]int
	former map[limitKey]int
}

// limitKey is who and what is counted together.
type limitKey struct {
	team  fleet.TeamID
	actor string
	route string
}

func newLimiter() *limiter {
	start := time.Now()
	return &limiter{
		since:  func() time.Duration { return time.Since(start) },
		counts: map[limitKey]int{},
		former: map[limitKey]int{},
	}
}

// take counts one request. When it is one too many it is not counted, and wait
// says when the next one passes.
func (l *limiter) take(key limitKey, limit int) (left int, wait time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.since()
	l.turn(int64(now / rateWindow))
	into := float64(now%rateWindow) / float64(rateWindow)
	count, former := float64(l.counts[key]), float64(l.former[key])
	used := count + former*(1-into)
	if used+1 > float64(limit) {
		return 0, untilFree(count, former, float64(limit), into), false
	}
	l.counts[key]++
	return int(float64(limit) - used - 1), 0, true
}

func (l *limiter) turn(window int64) {
	if window == l.window {
		return
	}
	l.former = map[limitKey]int{}
	if window == l.window+1 {
		l.former = l.counts
	}
	l.counts = map[limitKey]int{}
	l.window = window
}

// untilFree is the time until one more request fits; into is how far the
// window has gone, 0 to 1.
func untilFree(count, former, limit, into float64) time.Duration {
	share := 1 - (limit-1-count)/max(former, 1)
	if count+1 > limit {
		share = 2 - (limit-1)/max(count, 1)
	}
	return max(time.Second, time.Duration(math.Ceil((share-into)*rateWindow.Seconds()))*time.Second)
}

// limit holds a caller to its requests a minute on a route, and says so in
// the answer's headers.
func (s *Server) limit(c *fiber.Ctx, r *route, who *caller) error {
	name, most := "write", s.config.RateWrite
	if safeMethod(c.Method()) {
		name, most = "read", s.config.RateRead
	}
	if r.access.kind != byKey || most <= 0 {
		return nil
	}
	key := limitKey{who.actor.TeamID, who.actor.ID, r.method + " " + r.path}
	left, wait, ok := s.limiter.take(key, most)
	seconds := int(rateWindow / time.Second)
	c.Set("RateLimit-Policy", fmt.Sprintf(`"%s";q=%d;w=%d`, name, most, seconds))
	if ok {
		c.Set("RateLimit", fmt.Sprintf(`"%s";r=%d;t=%d`, name, left, seconds))
		return nil
	}
	again := strconv.Itoa(int(wait / time.Second))
	c.Set("RateLimit", fmt.Sprintf(`"%s";r=0;t=%s`, name, again))
	c.Set(fiber.HeaderRetryAfter, again)
	return fleet.Errorf(fleet.CodeRateLimited, "Too many requests: at most %d a minute here; try again in %s s", most, again)
}
