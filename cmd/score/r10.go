package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	// nextTry is how long a crashing program may wait for its next run: the
	// kind's back-off of at most 2 s, and what a busy machine adds.
	nextTry = 8 * time.Second
	// noTry is after how long none is expected any more.
	noTry = 30 * time.Second
	// tasksEach is how many tasks an agent gets, and messagesMax how many of
	// its messages it may send a day.
	tasksEach   = 60
	messagesMax = 5
	// openEnough is for how long a due task may stay with an agent that works
	// and asks all the time before it counts as skipped.
	openEnough = time.Hour
)

// r10 moves the server's wall clock while programs claim tasks: in steps
// through the nights in which Europe/Paris and America/New_York change their
// offset, then a day forward, two back, and one forward. It judges every task
// by its own reading of the agent's hours: handed out outside of them, twice,
// beyond the day's limit, or not at all although due in open hours; and that
// an agent paused for a while came back, that a crashing program's next run
// does not wait for the old time, that a silent clock change takes nobody for
// lost, and that a session that had expired stays so when the clock goes back.
//
// A process's clock cannot be set from outside without setting the machine's:
// Go reads it without a call that could be intercepted. The server is
// therefore the build with faults with none seeded, in which the wall clock of
// the rules is moved by what a file says; the monotonic clock and the timers
// go on, as they do where a clock is set. Its control lets the gate judge by a
// clock that nobody moved.
func r10(ctx context.Context, t *trial) (*verdict, error) {
	r, err := newTimes(ctx, t)
	if err != nil {
		return nil, err
	}
	v := t.verdict()
	nights := nightsAfter(time.Now())
	if n := t.size.pick(1, len(nights), len(nights)); n < len(nights) {
		t.rand.Shuffle(len(nights), func(i, j int) { nights[i], nights[j] = nights[j], nights[i] })
		nights = nights[:n]
	}
	for i, night := range nights {
		if err := r.night(ctx, night, i); err != nil {
			return nil, fmt.Errorf("%s, %s: %w", night.zone, night.change.Format(time.DateOnly), err)
		}
	}
	late, err := r.jumps(ctx, v)
	if err != nil {
		return nil, err
	}
	claims, err := r.judge(ctx, v)
	if err != nil {
		return nil, err
	}
	v.note("%d tasks in %d nights and 4 jumps", claims, len(nights))
	v.judge(late < noTry, "a crashing program runs again after a jump")
	v.judgeTime(late < nextTry, "in %.1f s", late.Seconds())
	return v, nil
}

// night is one in which a zone changes its offset.
type night struct {
	zone   string
	loc    *time.Location
	change time.Time
}

// nightsAfter returns the next two changes of both zones.
func nightsAfter(now time.Time) (list []night) {
	for _, zone := range []string{"Europe/Paris", "America/New_York"} {
		loc, err := time.LoadLocation(zone)
		if err != nil {
			loc = time.UTC // has no changes: the row then has no night and fails
		}
		at := now.In(loc)
		for range 2 {
			_, end := at.ZoneBounds()
			list = append(list, night{zone, loc, end})
			at = end.Add(time.Hour)
		}
	}
	return list
}

// times is a server whose clock is moved.
type times struct {
	*server
	rand      *rand.Rand
	clockFile string
	claims    string // folder of what programs were handed
	offset    time.Duration
	workers   []*worker
	crasher   string
	sleeper   string
	session   *session
	// walked are the spans of wall time that passed, in order.
	walked []span
}

// span is a time in which the clock was moved by the same.
type span struct {
	// from and to are by the moved clock.
	from, to time.Time
	// began and ended are by the clock that nobody moves, a little more than
	// the span: setting takes a moment in which both are read.
	began, ended time.Time
	offset       time.Duration
}

// worker is an agent that claims, and what it may do.
type worker struct {
	id, zone    string
	loc         *time.Location
	start, stop int // minutes of the day; every day of the week
	due         map[string]time.Time
	messages    map[string]bool
}

// open is this row's own reading of the hours.
func (w *worker) open(at time.Time) bool {
	local := at.In(w.loc)
	minute := local.Hour()*60 + local.Minute()
	if w.start < w.stop {
		return w.start <= minute && minute < w.stop
	}
	return minute >= w.start || minute < w.stop
}

func newTimes(ctx context.Context, t *trial) (*times, error) {
	r := &times{rand: t.rand, clockFile: filepath.Join(t.dir, "clock"), claims: filepath.Join(t.dir, "claims")}
	if err := errors.Join(os.Mkdir(r.claims, 0o700), r.setClock(time.Now())); err != nil {
		return nil, err
	}
	t.env = append(t.env, "CLOCK_FILE="+r.clockFile)
	kind, err := selfKind("claimer", "claim", "")
	if err != nil {
		return nil, err
	}
	kind = strings.Replace(kind, "env = {", fmt.Sprintf("env = { SCORE_DIR = %q,", r.claims), 1)
	r.server, err = t.newServer(ctx, "data", kind+`
[kinds.crasher]
driver  = "process"
command = ["/bin/sh", "-c", "exit 3"]
restart = { backoff = "1s..2s", give_up_after = 1000, within = "1s" }
`)
	if err != nil {
		return nil, err
	}
	if _, err := r.serve(ctx); err != nil {
		return nil, err
	}
	return r, r.populate(ctx)
}

// populate makes agents with hours around the change, over midnight and by
// day, in both zones.
func (r *times) populate(ctx context.Context) error {
	for _, zone := range []string{"Europe/Paris", "America/New_York"} {
		for _, hours := range [][2]string{{"01:30", "03:30"}, {"22:00", "02:30"}, {"09:00", "17:00"}, {"02:15", "02:45"}} {
			loc, err := time.LoadLocation(zone)
			if err != nil {
				return err
			}
			w := &worker{zone: zone, loc: loc, start: minutes(hours[0]), stop: minutes(hours[1]), due: map[string]time.Time{}, messages: map[string]bool{}}
			w.id, err = r.create(ctx, map[string]any{
				"kind": "claimer", "name": zone + " " + hours[0],
				"workingHours": map[string]any{"days": "1:1:1:1:1:1:1", "start": hours[0], "stop": hours[1], "timezone": zone},
				"limits":       map[string]any{"messagesMin": 1, "messagesMax": messagesMax},
			})
			if err != nil {
				return err
			}
			if err := r.act(ctx, w.id, "start", nil); err != nil {
				return err
			}
			r.workers = append(r.workers, w)
		}
	}
	var err error
	if r.crasher, err = r.create(ctx, map[string]any{"kind": "crasher", "name": "Crasher"}); err != nil {
		return err
	}
	go r.act(ctx, r.crasher, "start", nil) // it never says hello
	r.sleeper, err = r.create(ctx, map[string]any{"kind": "assistant", "name": "Sleeper"})
	if err != nil {
		return err
	}
	if err := r.act(ctx, r.sleeper, "start", nil); err != nil {
		return err
	}
	return r.followsClock(ctx)
}

func minutes(clock string) (n int) {
	at, err := time.Parse("15:04", clock)
	if err != nil {
		panic(err) // it stands above
	}
	return at.Hour()*60 + at.Minute()
}

// now is the moved clock.
func (r *times) now() time.Time { return time.Now().Add(r.offset) }

// notSetAgain is longer than any row takes: the last span has no end.
const notSetAgain = 24 * time.Hour

// setClock moves the clock, in one step, and notes what passed before.
func (r *times) setClock(at time.Time) error {
	if n := len(r.walked); n > 0 {
		r.walked[n-1].to = r.now()
	}
	r.offset = time.Until(at).Truncate(time.Second)
	r.walked = append(r.walked, span{from: r.now(), began: time.Now(), ended: time.Now().Add(notSetAgain), offset: r.offset})
	next := r.clockFile + ".next"
	if err := os.WriteFile(next, fmt.Appendf(nil, "%d\n", int64(r.offset/time.Second)), 0o600); err != nil {
		return err
	}
	if err := os.Rename(next, r.clockFile); err != nil {
		return err
	}
	if n := len(r.walked); n > 1 {
		r.walked[n-2].ended = time.Now()
	}
	return nil
}

// followsClock makes sure that the server's clock is moved at all.
func (r *times) followsClock(ctx context.Context) error {
	if err := r.setClock(time.Now().Add(48 * time.Hour)); err != nil {
		return err
	}
	var made struct{ CreatedAt time.Time }
	if err := r.call(ctx, "POST", "/v1/agents", map[string]any{"name": "Clock"}, &made); err != nil {
		return err
	}
	if off := r.now().Sub(made.CreatedAt).Abs(); off > time.Minute {
		return fmt.Errorf("the server's clock does not follow: it is off by %s", off)
	}
	return nil
}

// night walks from the evening before the change to noon after it, in steps of
// some minutes, with tasks that become due all the way.
func (r *times) night(ctx context.Context, n night, index int) error {
	from, to := n.change.Add(-6*time.Hour), n.change.Add(12*time.Hour)
	if err := r.setClock(from); err != nil {
		return err
	}
	for _, w := range r.workers {
		for i := range tasksEach / (index + 1) {
			due := from.Add(time.Duration(r.rand.Int64N(int64(to.Sub(from))))).Truncate(time.Millisecond)
			typ := "note"
			if i%3 == 0 {
				typ = "message"
			}
			var made struct{ ID string }
			if err := r.call(ctx, "POST", "/v1/agents/"+w.id+"/tasks", map[string]any{"type": typ, "dueAt": due}, &made); err != nil {
				return err
			}
			w.due[made.ID], w.messages[made.ID] = due, typ == "message"
		}
	}
	// The walk begins anew: making tasks took a while.
	if err := r.setClock(from); err != nil {
		return err
	}
	if err := r.act(ctx, r.sleeper, "pause", map[string]any{"until": n.change}); err != nil {
		return err
	}
	for at := from; at.Before(to); at = at.Add(time.Duration(3+r.rand.IntN(8)) * time.Minute) {
		if err := r.setClock(at); err != nil {
			return err
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
	awake, err := within(ctx, 10*time.Second, 50*time.Millisecond, func() (bool, error) {
		a, err := r.agent(ctx, r.sleeper)
		return a.Status == "running", err
	})
	if err == nil && !awake {
		err = errors.New("the agent that was paused until the change did not come back")
	}
	return err
}

// jumps moves the clock by days and returns how long the crashing program's
// next run took at most.
func (r *times) jumps(ctx context.Context, v *verdict) (latest time.Duration, err error) {
	if r.session, err = r.signIn(ctx); err != nil {
		return 0, err
	}
	for _, by := range []int{+1, -1, -1, +1} {
		if err := r.setClock(r.now().AddDate(0, 0, by)); err != nil {
			return 0, err
		}
		took, err := r.nextRun(ctx)
		if err != nil {
			return 0, err
		}
		r.t.say("%+d day: next run in %s", by, took)
		if latest = max(latest, took); took >= noTry {
			break // the others would wait as long
		}
	}
	begin := r.now()
	if err := r.setClock(begin.AddDate(0, 2, 0)); err != nil {
		return 0, err
	}
	after, err := r.session.signedIn(ctx)
	if err != nil {
		return 0, err
	}
	if err := r.setClock(begin); err != nil {
		return 0, err
	}
	again, err := r.session.signedIn(ctx)
	v.judge(!after && !again, "session after two months: %s, with the clock back: %s", liveOrDead(after), liveOrDead(again))
	return latest, err
}

func liveOrDead(live bool) string {
	if live {
		return "alive"
	}
	return "dead"
}

// nextRun is how long the crashing program takes to run again.
func (r *times) nextRun(ctx context.Context) (time.Duration, error) {
	before, err := r.agent(ctx, r.crasher)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	_, err = within(ctx, noTry, 20*time.Millisecond, func() (bool, error) {
		a, err := r.agent(ctx, r.crasher)
		return a.Runtime.Epoch > before.Runtime.Epoch, err
	})
	return time.Since(began), err
}
