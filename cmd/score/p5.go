package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
)

const (
	fewAgents   = 100
	pageRows    = 50
	pageRate    = 300 // pages a second
	changeRate  = 10  // changes of agents a second meanwhile
	mostPage    = 25 * time.Millisecond
	mostSlower  = 1.10
	turnsOfLoad = 5
	// patience is long: a server that has too much to do is slow, not wrong.
	patience = 5 * time.Minute
	byName   = "/fleet?sort=name"
)

// p5 opens the fleet page as a signed-in person's browser does, compressed and
// with all its rows, on a fleet of 100,000 agents and on one of 100 beside it.
// People come at moments of their own, 300 a second on average, whether or not
// the former ones were answered, while agents change 10 times a second; a
// page's time counts from the moment when it was due. First the large fleet
// alone, as it opens. Then both in turns, sorted by name, so that both show the
// same mix of agents. What one page costs when nobody else asks and nothing was
// kept for it stands beside. The browser is in this process and costs its share
// of the machine too. The control sorts the whole fleet for each page.
func p5(ctx context.Context, t *trial) (*verdict, error) {
	many := t.size.pick(2000, 100_000, 100_000)
	few, err := t.newVisitor(ctx, "few", fewAgents)
	if err != nil {
		return nil, err
	}
	lots, err := t.newVisitor(ctx, "lots", many)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(few.looks(byName), lots.looks("/fleet", byName)); err != nil {
		return nil, err
	}
	alone, err := inTurns(ctx, few, lots, byName, t.size.pick(3, 20, 100))
	if err != nil {
		return nil, err
	}
	span := time.Duration(t.size.pick(2, 10, 60)) * time.Second
	if _, err := lots.arrivals(ctx, t.rand, "/fleet", span/5); err != nil { // warms up
		return nil, err
	}
	opened, err := lots.arrivals(ctx, t.rand, "/fleet", span)
	if err != nil {
		return nil, err
	}
	var ofFew, ofLots []time.Duration
	for range turnsOfLoad {
		a, err := few.arrivals(ctx, t.rand, byName, span/turnsOfLoad)
		b, err2 := lots.arrivals(ctx, t.rand, byName, span/turnsOfLoad)
		if err := errors.Join(err, err2); err != nil {
			return nil, err
		}
		ofFew, ofLots = append(ofFew, a...), append(ofLots, b...)
	}
	worst, slower := p99(opened), median(ofLots).Seconds()/median(ofFew).Seconds()
	v := t.verdict()
	v.judgeTime(worst < mostPage, "p99 %.1f ms at %d/s with %d agents", ms(worst), pageRate, many)
	v.judgeTime(slower <= mostSlower, "%.2f times the page of %d agents", slower, fewAgents)
	v.note("median %.1f ms, of %d agents %.1f ms", ms(median(ofLots)), fewAgents, ms(median(ofFew)))
	v.note("one at a time and read anew %.1f ms, %.2f times", ms(alone.b), alone.ratio)
	return v, nil
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// visitor is a signed-in browser on a fleet of its own.
type visitor struct {
	*session
	client *fasthttp.HostClient
	cookie string
	// agent is one to change; it is on no page that is opened.
	agent   string
	changes int
}

func (t *trial) newVisitor(ctx context.Context, name string, agents int) (*visitor, error) {
	s, err := t.newServer(ctx, name, "")
	if err != nil {
		return nil, err
	}
	began := time.Now()
	if _, err := s.admin(ctx, "admin", "seed", "--team", s.team, "--agents", strconv.Itoa(agents),
		"--seed", strconv.FormatUint(t.rand.Uint64()>>1, 10)); err != nil {
		return nil, err
	}
	t.say("%d agents made in %.1f s", agents, time.Since(began).Seconds())
	if _, err := s.serve(ctx); err != nil {
		return nil, err
	}
	p, err := s.signIn(ctx)
	if err != nil {
		return nil, err
	}
	v := &visitor{session: p, client: &fasthttp.HostClient{Addr: strings.TrimPrefix(s.url, "http://"), MaxConns: 1024, MaxConnWaitTimeout: patience, ReadTimeout: patience}}
	s.http.Timeout = patience
	if v.agent, err = s.create(ctx, map[string]any{"name": "Ω, the last of all"}); err != nil {
		return nil, err
	}
	for _, c := range p.browser.Jar.Cookies(&url.URL{}) {
		v.cookie += c.Name + "=" + c.Value
	}
	return v, nil
}

// open reads a page; check is told its text where it is not nil.
func (v *visitor) open(path string, check func(page string) error) error {
	req, res := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(req)
	defer fasthttp.ReleaseResponse(res)
	req.SetRequestURI(v.url + path)
	req.Header.Set("Cookie", v.cookie)
	req.Header.Set("Accept-Encoding", "gzip")
	if err := v.client.Do(req, res); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if res.StatusCode() != 200 || string(res.Header.ContentEncoding()) != "gzip" {
		return fmt.Errorf("%s: %d %s", path, res.StatusCode(), res.Header.ContentEncoding())
	}
	if check == nil {
		return nil
	}
	page, err := res.BodyGunzip()
	if err != nil {
		return err
	}
	return check(string(page))
}

// change writes something of the fleet.
func (v *visitor) change(ctx context.Context) error {
	v.changes++
	return v.call(ctx, "PUT", "/v1/agents/"+v.agent, map[string]any{"country": []string{"FR", "DE"}[v.changes%2]}, nil)
}

// looks opens each page a few times and wants it to have all its rows.
func (v *visitor) looks(paths ...string) error {
	for _, path := range paths {
		for range 20 {
			err := v.open(path, func(page string) error {
				if n := strings.Count(page, `data-testid="row"`); n != pageRows {
					return fmt.Errorf("%s has %d rows", path, n)
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// turns are the medians of two that were asked in turns, and of their ratios.
type turns struct {
	a, b  time.Duration
	ratio float64
}

// nextSecond waits until a second of the clock has begun.
func nextSecond(ctx context.Context) error {
	select {
	case <-time.After(time.Until(time.Now().Truncate(time.Second).Add(time.Second + 50*time.Millisecond))):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func inTurns(ctx context.Context, a, b *visitor, path string, n int) (t turns, err error) {
	took := func(v *visitor) (time.Duration, error) {
		began := time.Now()
		err := v.open(path, nil)
		return time.Since(began), err
	}
	var ofA, ofB []time.Duration
	var ratios []float64
	for i := range n {
		if err := nextSecond(ctx); err != nil {
			return t, err
		}
		first, second := a, b
		if i%2 == 1 {
			first, second = b, a
		}
		x, err := took(first)
		y, err2 := took(second)
		if err := errors.Join(err, err2); err != nil {
			return t, err
		}
		if i%2 == 1 {
			x, y = y, x
		}
		ofA, ofB, ratios = append(ofA, x), append(ofB, y), append(ratios, y.Seconds()/x.Seconds())
	}
	return turns{a: median(ofA), b: median(ofB), ratio: median(ratios)}, nil
}

// median sorts the list, which has at least one.
func median[T cmp.Ordered](list []T) T {
	slices.Sort(list)
	return list[len(list)/2]
}

// arrivals opens the page at moments that come by chance, pageRate a second on
// average, while the fleet changes, and returns how long each took from its
// moment on.
func (v *visitor) arrivals(ctx context.Context, rnd *rand.Rand, path string, span time.Duration) ([]time.Duration, error) {
	var all sync.WaitGroup
	var mu sync.Mutex
	var times []time.Duration
	var failed error
	began := time.Now()
	all.Go(func() {
		for due := time.Duration(0); due < span && ctx.Err() == nil; due += time.Second / changeRate {
			time.Sleep(time.Until(began.Add(due)))
			err := v.change(ctx)
			mu.Lock()
			failed = cmp.Or(failed, err)
			mu.Unlock()
		}
	})
	for due := time.Duration(0); ctx.Err() == nil; {
		due += time.Duration(rnd.ExpFloat64() * float64(time.Second) / pageRate)
		if due >= span {
			break
		}
		time.Sleep(time.Until(began.Add(due)))
		all.Go(func() {
			err := v.open(path, nil)
			took := time.Since(began) - due
			mu.Lock()
			defer mu.Unlock()
			times, failed = append(times, took), cmp.Or(failed, err)
		})
	}
	all.Wait()
	if failed == nil && len(times) == 0 {
		failed = fmt.Errorf("nobody came: %w", ctx.Err())
	}
	return times, failed
}
