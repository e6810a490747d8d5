package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"agentry/internal/resource/fake"
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
// the requests that got no answer. Some of the agents have profiles at a vendor
// in this process: after each restart nothing may be left there that no agent
// holds. Its control leaves a killed server's programs alone.
func r2(ctx context.Context, t *trial) (*verdict, error) {
	fleet := t.size.pick(200, 10_000, 100_000)
	r, err := newRestarts(ctx, t, fleet)
	if err != nil {
		return nil, err
	}
	for i := range t.size.pick(2, 20, 200) {
		if err := r.round(ctx, t.rand, i); err != nil {
			return nil, fmt.Errorf("round %d: %w", i, err)
		}
	}
	if err := r.wrote.check(ctx, r.server); err != nil {
		return nil, err
	}
	cut, asked, drain, err := r.drains(ctx, t.size.pick(2, 10, 40), t.rand)
	if err != nil {
		return nil, err
	}
	books, err := r.finalBooks(ctx)
	if err != nil {
		return nil, err
	}
	ready := p99(r.ready)
	v := t.verdict()
	v.judge(r.wrote.lost == 0 && r.wrote.acks > 0, "%d of %d acknowledged writes lost in %d kills", r.wrote.lost, r.wrote.acks, len(r.ready))
	v.judge(r.orphans == 0, "%d orphan processes after %s", r.orphans, mostOrphan)
	v.judge(r.missing == 0, "%d of %d wanted agents not running again", r.missing, len(r.want))
	v.judge(r.disorder == 0 && books.clean() && books.held > 0, "%d times orphan or double profiles after %s, in the end %s", r.disorder, mostOrphan, books)
	v.judgeTime(ready < mostReady, "ready p99 %d ms with %d agents", ready.Milliseconds(), fleet)
	v.judgeTime(drain <= mostDrain, "SIGTERM ends in %d ms at most", drain.Milliseconds())
	v.judge(cut == 0 && asked > 0, "%d of %d requests cut by SIGTERM", cut, asked)
	return v, nil
}

// newRestarts serves a fleet of so many agents with some that run, and a vendor
// so slow that kills come between what it does and its answer.
func newRestarts(ctx context.Context, t *trial, fleet int) (*restarts, error) {
	mark := newMark()
	out, config, err := t.newOutside("vendor", plentyRate)
	if err != nil {
		return nil, err
	}
	if err := out.SetFaults(fake.Faults{Seed: t.rand.Uint64(), Rate: 0.5, Kinds: []fake.Fault{fake.FaultSlow}, Slow: 150 * time.Millisecond}); err != nil {
		return nil, err
	}
	s, err := t.newServer(ctx, "data", config+outsideKind(mark)+fmt.Sprintf(`
[kinds.family]
driver  = "process"
command = ["/bin/sh", "-c", %q, %q]
grace   = "1s"
`, family, mark))
	if err != nil {
		return nil, err
	}
	if _, err := s.admin(ctx, "admin", "seed", "--team", s.team, "--agents", strconv.Itoa(fleet)); err != nil {
		return nil, err
	}
	if _, err := s.serve(ctx); err != nil {
		return nil, err
	}
	r := &restarts{server: s, mark: mark, wrote: newLedger(out), want: map[string]bool{}}
	return r, r.populate(ctx)
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
	// disorder counts restarts after which profiles were not in order in time.
	disorder int
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
	until := time.Now().Add(mostOrphan)
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
	if err := r.profiles(ctx, until); err != nil {
		return err
	}
	_, missing, err := r.running(ctx, int64(n)+1)
	r.missing += missing
	return err
}

// profiles waits until what lives at the vendor is what agents hold, one each,
// and none is on its way. What was asked for by the killed server and never
// made may be waited for a little longer: nothing is there.
func (r *restarts) profiles(ctx context.Context, until time.Time) error {
	var open, held int
	var there fake.Counts
	ok, err := within(ctx, time.Until(until), 20*time.Millisecond, func() (_ bool, err error) {
		if open, err = r.rows(ctx, "state=wanted,acquiring"); err != nil {
			return false, err
		}
		held, err = r.rows(ctx, "state=held")
		there = r.wrote.out.Counts()
		return open == 0 && there.Alive == held && there.SameName == 0, err
	})
	if err == nil && !ok {
		r.disorder++
		r.t.say("%d profiles live, %d beside one of their name; %d are held, %d rows wait", there.Alive, there.SameName, held, open)
	}
	return err
}

// finalBooks waits until nothing waits, stops the server and compares.
func (r *restarts) finalBooks(ctx context.Context) (books, error) {
	_, err := within(ctx, 3*mostOrphan, 50*time.Millisecond, func() (bool, error) {
		open, err := r.rows(ctx, openRows)
		return open == 0, err
	})
	if err != nil {
		return books{}, err
	}
	if _, err := r.stop(); err != nil {
		return books{}, err
	}
	return r.wrote.out.balance(ctx, r.server)
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
