package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	mostReady  = time.Second
	mostOrphan = 10 * time.Second
	mostDrain  = 10 * time.Second
	keepAlive  = 40 // clients under way when the server is told to stop
	writers    = 4
)

// r2 kills the server with kill -9 in the middle of writes, again and again,
// while programs run that leave processes behind in every way, and looks after
// each restart whether an acknowledged write is lost, a process of the former
// life is left, a wanted agent is not running, and how long the server took to
// be ready on its fleet. Then it stops the server with SIGTERM under keep-alive
// clients, half of them asking without a pause and half with one, and counts
// the requests that got no answer. Outside resources have no part in it yet:
// there is no vendor. Its control leaves a killed server's programs alone.
func r2(ctx context.Context, t *trial) (*verdict, error) {
	mark := newMark()
	s, err := t.newServer(ctx, "data", fmt.Sprintf(`
[kinds.family]
driver  = "process"
command = ["/bin/sh", "-c", %q, %q]
grace   = "1s"
`, family, mark))
	if err != nil {
		return nil, err
	}
	fleet := t.size.pick(200, 10_000, 100_000)
	if _, err := s.admin(ctx, "admin", "seed", "--team", s.team, "--agents", strconv.Itoa(fleet)); err != nil {
		return nil, err
	}
	if _, err := s.serve(ctx); err != nil {
		return nil, err
	}
	r := &restarts{server: s, mark: mark, wrote: newLedger(), want: map[string]bool{}}
	if err := r.populate(ctx); err != nil {
		return nil, err
	}
	for i := range t.size.pick(2, 20, 200) {
		if err := r.round(ctx, t.rand, i); err != nil {
			return nil, fmt.Errorf("round %d: %w", i, err)
		}
	}
	if err := r.wrote.check(ctx, s); err != nil {
		return nil, err
	}
	cut, asked, drain, err := r.drains(ctx, t.size.pick(2, 10, 40), t.rand)
	if err != nil {
		return nil, err
	}
	slices.Sort(r.ready)
	p99 := r.ready[len(r.ready)*99/100]
	v := t.verdict()
	v.judge(r.wrote.lost == 0 && r.wrote.acks > 0, "%d of %d acknowledged writes lost in %d kills", r.wrote.lost, r.wrote.acks, len(r.ready))
	v.judge(r.orphans == 0, "%d orphan processes after %s", r.orphans, mostOrphan)
	v.judge(r.missing == 0, "%d of %d wanted agents not running again", r.missing, len(r.want))
	v.judgeTime(p99 < mostReady, "ready p99 %d ms with %d agents", p99.Milliseconds(), fleet)
	v.judgeTime(drain <= mostDrain, "SIGTERM ends in %d ms at most", drain.Milliseconds())
	v.judge(cut == 0 && asked > 0, "%d of %d requests cut by SIGTERM", cut, asked)
	v.note("no vendor yet")
	return v, nil
}

// family is a program that leaves processes behind in every way but with an
// empty environment, which R13 has: a child, a deaf child, one in a session of
// its own, one whose parent is gone. Each has the mark in its arguments. It
// speaks to nobody, so its agent is not heard of.
const family = `
trap '' TERM
sh -c 'sleep 1000.$0; :' "$0" &
sh -c 'trap "" TERM; while :; do sleep 1000.$0; done' "$0" &
setsid sh -c 'trap "" TERM; sleep 1000.$0; :' "$0" &
sh -c 'setsid sh -c "sleep 1000.$0; :" "$0" & exit 0' "$0"
while :; do sleep 1000.$0; done
`

// familySize is how many processes of a family have the mark.
const familySize = 10

// restarts is a server that is killed and what is known of it.
type restarts struct {
	*server
	mark  string
	wrote *ledger
	// want are the running agents; true: it speaks, so it is heard.
	want             map[string]bool
	ready            []time.Duration
	orphans, missing int
}

// populate starts sixteen agents of the built-in program and four families.
func (r *restarts) populate(ctx context.Context) error {
	for i := range 20 {
		kind := "assistant"
		if i%5 == 0 {
			kind = "family"
		}
		id, err := r.create(ctx, map[string]any{"kind": kind, "name": fmt.Sprint("Live ", i)})
		if err != nil {
			return err
		}
		r.want[id] = kind == "assistant"
		go r.act(ctx, id, "start", nil) // the start of one that says nothing is answered late
	}
	_, missing, err := r.running(ctx, 0)
	if err == nil && missing > 0 {
		err = fmt.Errorf("%d of %d agents do not start", missing, len(r.want))
	}
	return err
}

// running waits until each wanted agent runs in an epoch above this one, and
// returns their processes and how many do not.
func (r *restarts) running(ctx context.Context, epoch int64) (list []proc, missing int, err error) {
	_, err = within(ctx, 20*time.Second, 50*time.Millisecond, func() (bool, error) {
		var agents []agent
		if err := r.call(ctx, "GET", "/v1/agents?status=running&limit=200&q=Live", nil, &agents); err != nil {
			return false, err
		}
		up := 0
		for _, a := range agents {
			speaks, ours := r.want[a.ID]
			if ours && a.Runtime.Epoch > epoch && (a.Runtime.State == "up" || !speaks) {
				up++
			}
		}
		marked, err := processesWith(r.mark)
		if err != nil {
			return false, err
		}
		list = marked
		missing = len(r.want) - up
		return missing == 0 && len(marked) >= familySize*len(r.want)/5, nil
	})
	return list, missing, err
}

// round kills the server under load, starts it, and looks.
func (r *restarts) round(ctx context.Context, random *rand.Rand, n int) error {
	before, err := r.processes()
	if err != nil {
		return err
	}
	wait, err := r.wrote.load(ctx, r.server, writers, 10+random.IntN(100))
	if err != nil {
		return err
	}
	r.kill()
	wait()
	ready, err := r.serve(ctx)
	if err != nil {
		return err
	}
	r.ready = append(r.ready, ready)
	if _, err := within(ctx, mostOrphan, 20*time.Millisecond, func() (bool, error) {
		before = slices.DeleteFunc(before, func(p proc) bool { return !p.alive() })
		return len(before) == 0, nil
	}); err != nil {
		return err
	}
	r.orphans += len(before)
	for _, p := range before {
		r.t.say("round %d: left is %d %s", n, p.pid, p.what)
		p.kill()
	}
	_, missing, err := r.running(ctx, int64(n)+1)
	r.missing += missing
	return err
}

// processes are all that run for agents now.
func (r *restarts) processes() (list []proc, err error) {
	seen := map[int]bool{}
	for _, mark := range append([]string{r.mark}, r.ids()...) {
		more, err := processesWith(mark)
		if err != nil {
			return nil, err
		}
		for _, p := range more {
			if !seen[p.pid] {
				list, seen[p.pid] = append(list, p), true
			}
		}
	}
	return list, nil
}

func (r *restarts) ids() (list []string) {
	for id := range r.want {
		list = append(list, "AGENTRY_AGENT_ID="+id)
	}
	return list
}

// drains stops the server under load with SIGTERM, and starts it again.
func (r *restarts) drains(ctx context.Context, times int, random *rand.Rand) (cut, asked int, longest time.Duration, err error) {
	for range times {
		var wg sync.WaitGroup
		results := make([]asker, keepAlive)
		begun := make(chan struct{}, keepAlive)
		for i := range results {
			results[i] = asker{address: strings.TrimPrefix(r.url, "http://"), key: r.key, begun: begun}
			if i%2 == 1 {
				results[i].rest = time.Duration(1+random.IntN(50)) * time.Millisecond
			}
			wg.Go(results[i].run)
		}
		for range keepAlive {
			select {
			case <-begun:
			case <-ctx.Done():
				return 0, 0, 0, ctx.Err()
			}
		}
		took, err := r.stop()
		if err != nil {
			return 0, 0, 0, err
		}
		wg.Wait()
		longest = max(longest, took)
		for _, a := range results {
			cut, asked = cut+a.cut, asked+a.asked
			if a.cut > 0 {
				r.t.say("cut: %v", a.why)
			}
		}
		if _, err := r.serve(ctx); err != nil {
			return 0, 0, 0, err
		}
	}
	return cut, asked, longest, nil
}

// asker is a client that keeps its connection and asks until the server is
// gone. It does not repeat what was cut, as http.Client would do unseen.
type asker struct {
	address, key string
	rest         time.Duration
	begun        chan<- struct{}

	asked, cut int
	why        error
}

func (a *asker) run() {
	told := false
	for {
		c, err := net.Dial("tcp", a.address)
		if err != nil {
			return // nothing was asked
		}
		closed := a.ask(c, &told)
		c.Close()
		if !closed {
			return
		}
	}
}

// ask asks over one connection; true means that the server said that it ends.
func (a *asker) ask(c net.Conn, told *bool) (closed bool) {
	in := bufio.NewReader(c)
	for {
		_ = c.SetDeadline(time.Now().Add(30 * time.Second))
		_, err := fmt.Fprintf(c, "GET /v1/agents?limit=5 HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n\r\n", a.address, a.key)
		a.asked++
		var res *http.Response
		if err == nil {
			res, err = http.ReadResponse(in, nil)
		}
		if err == nil {
			_, err = in.Discard(int(res.ContentLength))
		}
		if err != nil {
			a.cut++
			a.why = err
			return false
		}
		if !*told {
			*told = true
			a.begun <- struct{}{}
		}
		if res.Close {
			return true
		}
		if a.rest > 0 {
			time.Sleep(a.rest)
		}
		// Who rested looks whether the connection was ended meanwhile, as
		// clients do that keep connections: then nothing is asked on it.
		_ = c.SetReadDeadline(time.Now().Add(100 * time.Microsecond))
		if _, err := in.Peek(1); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			return true
		}
	}
}
