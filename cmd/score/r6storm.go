package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// storm is the part of R6 in which three in ten requests fail and the server
// is killed.
type storm struct {
	*outsider
	agents, kills int
	span          time.Duration
	random        *rand.Rand
	failed        int // requests that were dealt a fault
	places        int // at proxies that are taken in the end
	took          time.Duration
}

func newStorm(ctx context.Context, t *trial) (outsidePart, error) {
	o, err := t.newOutsider(ctx, "storm")
	return &storm{
		outsider: o, agents: t.size.pick(100, 100, 1000), kills: t.size.pick(3, 4, 30),
		span: time.Duration(t.size.pick(12, 15, 480)) * time.Second, random: rand.New(rand.NewPCG(t.rand.Uint64(), 6)),
	}, err
}

func (s *storm) run(ctx context.Context) error {
	if _, err := s.serve(ctx); err != nil {
		return err
	}
	// Not enough for all: some agents have a proxy and some have none.
	if err := s.addProxy(ctx, s.out, s.agents*2/3); err != nil {
		return err
	}
	if err := s.out.faults(s.random.Uint64(), 0.3); err != nil {
		return err
	}
	members, err := s.all(ctx, s.agents)
	if err != nil {
		return err
	}
	stop, killed := context.WithCancel(ctx)
	defer killed()
	killing := make(chan error, 1)
	plans, seed := make([][]step, len(members)), s.random.Uint64()
	for i := range plans {
		plans[i] = s.plan(i)
	}
	go func() { killing <- s.killAgainAndAgain(stop, seed) }()
	err = each(members, func(m *member) error {
		for _, p := range plans[m.number] {
			if err := pause(ctx, p.after); err != nil {
				return err
			}
			if err := m.do(ctx, p.verb); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := <-killing; err != nil {
		return err
	}
	for _, m := range members {
		if m.has {
			s.live++
		}
	}
	// Long enough that what fails is made and released under faults too.
	if _, err := within(ctx, 2*s.span, 50*time.Millisecond, func() (bool, error) { return s.countFailed() >= s.agents*3/2, nil }); err != nil {
		return err
	}
	s.t.say("%d requests failed in the storm of %d", s.countFailed(), s.out.Counts().Requests)
	if err := s.out.faults(0, 0); err != nil {
		return err
	}
	s.failed = s.countFailed()
	// Beside the promised minute, what is left goes through the throttle.
	if s.took, err = s.settled(ctx, mostRelease+time.Duration(s.agents)*time.Second/4, s.live); err != nil {
		return err
	}
	return errors.Join(s.countPlaces(ctx), s.balance(ctx))
}

// countPlaces asks the pool how many of its places are taken.
func (s *storm) countPlaces(ctx context.Context) error {
	var pool []struct{ InUse int }
	err := s.call(ctx, "GET", "/v1/proxies", nil, &pool)
	for _, p := range pool {
		s.places += p.InUse
	}
	return err
}

func (s *storm) countFailed() (n int) {
	for _, q := range s.out.Requests(0) {
		if q.Fault != "" {
			n++
		}
	}
	return n
}

// step is one act in an agent's life and the pause before it.
type step struct {
	after time.Duration
	verb  string
}

// plan draws a life: in one of five the agent stays, the others end, most of
// them while their profile is still being made.
func (s *storm) plan(n int) (list []step) {
	lives := [][]string{
		{"setup"},
		{"setup", "end"},
		{"setup", "end", "relaunch"},
		{"setup", "end", "relaunch", "setup"},
		{"setup", "end", "delete"},
		{"setup", "end", "relaunch", "setup", "end", "delete"},
	}
	life := lives[n%len(lives)]
	for range life {
		list = append(list, step{after: time.Duration(s.random.Int64N(int64(s.span) / int64(len(life))))})
	}
	for i, verb := range life {
		list[i].verb = verb
	}
	return list
}

// killAgainAndAgain kills the server in the middle of it all, so many times in
// the span.
func (s *storm) killAgainAndAgain(ctx context.Context, seed uint64) error {
	random := rand.New(rand.NewPCG(seed, 7))
	for n := range s.kills {
		if err := pause(ctx, time.Duration(random.Int64N(2*int64(s.span)/int64(s.kills+1)))); err != nil {
			return err
		}
		if err := s.again(ctx, s.crash); err != nil {
			return fmt.Errorf("kill %d: %w", n, err)
		}
	}
	return nil
}

func (s *storm) judge(v *verdict) []time.Duration {
	n := s.out.Counts()
	s.judgeBooks(v, fmt.Sprintf("%d agents, 30 %% faults, %d kills", s.agents, s.kills))
	v.judge(s.failed >= s.agents && n.Trash > 0, "%d of %d requests failed, %d profiles made", s.failed, n.Requests, n.Made)
	v.judge(s.proxied > 0 && s.places == s.proxied, "%d of %d held with a proxy, %d places taken", s.proxied, s.held, s.places)
	v.judgeTime(s.took <= mostRelease+time.Duration(s.agents)*time.Second/4, "all in order %.1f s after the faults", s.took.Seconds())
	// The server starts hundreds of programs after each kill: that is no
	// measure of a relaunch.
	v.note("relaunch and delete p99 %d ms of %d", p99(s.waits).Milliseconds(), len(s.waits))
	return nil
}
