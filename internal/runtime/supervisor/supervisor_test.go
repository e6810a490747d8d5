package supervisor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"agentry/internal/app"
	"agentry/internal/fleet"
	agentruntime "agentry/internal/runtime"
	"agentry/internal/runtime/fake"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bench is a started supervisor in a bubble of virtual time.
type bench struct {
	*testing.T
	app    *fakeApp
	driver *fake.Driver
	sup    *Supervisor
	dir    string
}

// supervise makes a test of a supervisor over the app and the program. Every
// goroutine has to be gone when it returns.
func supervise(t *testing.T, a *fakeApp, p fake.Program, f func(b *bench)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		b := &bench{T: t, app: a, driver: fake.New(p), dir: dir}
		b.sup = New(Config{
			App: a, Drivers: map[string]agentruntime.Driver{"fake": b.driver},
			URL: "http://here", Dir: dir, Log: slog.New(slog.DiscardHandler), MaxStarting: 2,
		})
		f(b)
		if err := b.sup.Stop(context.Background()); err != nil {
			t.Error(err)
		}
		if n := b.driver.Live(); n != 0 {
			t.Errorf("%d programs left", n)
		}
	})
}

// start starts the supervisor and lets everything come to rest.
func (b *bench) start() {
	b.Helper()
	if err := b.sup.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	synctest.Wait()
}

// wake wakes the agent and lets everything come to rest.
func (b *bench) wake(id fleet.AgentID) {
	b.sup.Wake(id)
	synctest.Wait()
}

// after lets the time pass and everything come to rest.
func (b *bench) after(d time.Duration) {
	time.Sleep(d) // virtual
	synctest.Wait()
}

// calls compares what the app was told.
func (b *bench) calls(words []string, want ...string) {
	b.Helper()
	if got := b.app.list(words...); !slices.Equal(got, want) {
		b.Errorf("the app was told %q,\nwant %q", got, want)
	}
}

func told() []string {
	return []string{"begin", "spawned", "notspawned", "exited", "stopping"}
}

func (b *bench) idle() {
	b.Helper()
	b.sup.mu.Lock()
	defer b.sup.mu.Unlock()
	if n := len(b.sup.agents); n != 0 {
		b.Errorf("%d agents are not forgotten", n)
	}
}

func TestStartsWhatIsWanted(t *testing.T) {
	supervise(t, newFakeApp("a"), nil, func(b *bench) {
		b.start()
		b.calls(told(), "begin a", "spawned a/1 fake:a:1")
		spec := b.driver.Started()[0]
		if spec.Token != "token" || spec.URL != "http://here" || spec.Dir != filepath.Join(b.dir, "a", "1") || spec.AgentName != "Ann" {
			b.Errorf("spec %+v", spec)
		}
		b.app.want("b", true)
		b.wake("b")
		if b.driver.Live() != 2 {
			b.Errorf("%d programs", b.driver.Live())
		}
	})
}

func TestPauseStopsAndResumeStarts(t *testing.T) {
	supervise(t, newFakeApp("a"), nil, func(b *bench) {
		b.start()
		b.app.want("a", false)
		b.wake("a")
		b.calls(told(), "begin a", "spawned a/1 fake:a:1", "stopping a/1", "exited a/1 exit 0 expected=true", "begin a")
		b.idle()
		b.app.want("a", true)
		b.wake("a")
		if b.driver.Live() != 1 {
			b.Error("not resumed")
		}
	})
}

func TestDeafProgramIsKilledAfterItsGrace(t *testing.T) {
	supervise(t, newFakeApp("a"), fake.Deaf, func(b *bench) {
		b.start()
		b.app.want("a", false)
		b.wake("a")
		b.after(9 * time.Second)
		if b.driver.Live() != 1 {
			b.Error("killed too early")
		}
		b.after(time.Second)
		b.calls([]string{"exited"}, "exited a/1 killed expected=true")
	})
}

func TestNewerRunReplacesOlder(t *testing.T) {
	supervise(t, newFakeApp("a"), nil, func(b *bench) {
		b.start()
		b.app.restart("a")
		b.wake("a")
		b.calls(told(), "begin a", "spawned a/1 fake:a:1", "stopping a/1", "exited a/1 exit 0 expected=true",
			"begin a", "spawned a/2 fake:a:2")
		if b.driver.Most() != 1 {
			b.Errorf("%d programs at once", b.driver.Most())
		}
	})
}

func TestCrashRestartsAfterTheWaitAndGivesUp(t *testing.T) {
	supervise(t, newFakeApp("a"), fake.Exits(3, "last words"), func(b *bench) {
		b.start()
		b.calls(told(), "begin a", "spawned a/1 fake:a:1", "exited a/1 exit 3 expected=false", "begin a")
		b.after(29 * time.Second)
		b.calls([]string{"spawned"}, "spawned a/1 fake:a:1")
		b.after(time.Second)
		b.calls([]string{"spawned"}, "spawned a/1 fake:a:1", "spawned a/2 fake:a:2")
		b.after(time.Hour)
		b.calls([]string{"exited"}, "exited a/1 exit 3 expected=false", "exited a/2 exit 3 expected=false",
			"exited a/3 exit 3 expected=false")
		b.idle()
		if got := b.app.exits[0].Output; !slices.Equal(got, []string{"last words"}) {
			b.Errorf("last output %q", got)
		}
	})
}

func TestPauseInBackoffCancelsIt(t *testing.T) {
	supervise(t, newFakeApp("a"), fake.Exits(1), func(b *bench) {
		b.start()
		b.app.want("a", false)
		b.wake("a")
		b.idle()
		b.after(time.Hour)
		b.calls([]string{"spawned"}, "spawned a/1 fake:a:1")
	})
}

func TestExitOfARunThatIsOverIsNoCrash(t *testing.T) {
	a := newFakeApp("a")
	leave := make(chan struct{})
	p := func(agentruntime.Spec, <-chan struct{}, <-chan struct{}) agentruntime.Exit {
		a.want("a", false) // as if it had heard 410 before we were woken
		close(leave)
		return agentruntime.Exit{}
	}
	supervise(t, a, p, func(b *bench) {
		b.start()
		<-leave
		b.calls([]string{"exited"}, "exited a/1 exit 0 expected=true")
		b.idle()
	})
}

func TestStartThatFails(t *testing.T) {
	supervise(t, newFakeApp("a"), nil, func(b *bench) {
		b.driver.Fail(errors.New("no such file"))
		b.start()
		b.calls(told(), "begin a", "notspawned a/1 no such file", "begin a")
		b.idle()
		b.driver.Fail(nil)
		b.app.kind.Driver = "unknown"
		b.app.want("a", true)
		b.wake("a")
		b.calls([]string{"notspawned"}, "notspawned a/1 no such file", `notspawned a/2 there is no driver "unknown"`)
	})
}

func TestWakeStorm(t *testing.T) {
	supervise(t, newFakeApp("a"), nil, func(b *bench) {
		b.start()
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				for range 1000 {
					b.sup.Wake("a")
				}
			})
		}
		wg.Wait()
		synctest.Wait()
		if len(b.driver.Started()) != 1 || b.driver.Live() != 1 {
			b.Errorf("%d starts", len(b.driver.Started()))
		}
		asked := len(b.app.list("wanted"))
		for range 1000 {
			b.sup.Wake("a")
		}
		synctest.Wait()
		if n := len(b.app.list("wanted")) - asked; n < 1 || n > 1000 {
			b.Errorf("asked %d times", n)
		}
	})
}

func TestPauseAndResumeStorm(t *testing.T) {
	supervise(t, newFakeApp("a"), nil, func(b *bench) {
		b.start()
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				for j := range 50 {
					b.app.want("a", (i+j)%2 == 0)
					b.sup.Wake("a")
				}
			})
		}
		wg.Wait()
		b.app.want("a", true)
		b.wake("a")
		if b.driver.Live() != 1 || b.driver.Most() != 1 {
			b.Errorf("live %d, most %d", b.driver.Live(), b.driver.Most())
		}
	})
}

// Not in a bubble: the race detector fails inside one with many goroutines
// (golang/go#78156).
func TestManyAgents(t *testing.T) {
	const many = 1000
	a, d := newFakeApp(), fake.New(nil)
	for i := range many {
		a.want(fleet.AgentID(fmt.Sprint("agent", i)), true)
	}
	s := New(Config{App: a, Drivers: map[string]agentruntime.Driver{"fake": d}, Dir: t.TempDir()})
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	deadline, tick := time.After(20*time.Second), time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for d.Live() < many {
		select {
		case <-deadline:
			t.Fatalf("%d programs", d.Live())
		case <-tick.C:
		}
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if n := len(a.list("exited")); n != many || d.Live() != 0 {
		t.Errorf("%d exits recorded, %d programs left", n, d.Live())
	}
}

func TestStopIsParallelAndKeepsWhatIsWanted(t *testing.T) {
	a := newFakeApp("a", "b", "c")
	supervise(t, a, fake.Deaf, func(b *bench) {
		b.start()
		began := time.Now()
		if err := b.sup.Stop(context.Background()); err != nil {
			b.Error(err)
		}
		if took := time.Since(began); took != 10*time.Second {
			b.Errorf("took %v", took)
		}
		b.sup.Wake("a")
		if err := b.sup.Start(b.Context()); err == nil {
			b.Error("started after its stop")
		}
	})
	if got := a.list("exited"); len(got) != 3 || !a.exits[0].Expected || !a.wanted["a"] {
		t.Errorf("exits %q", got)
	}
}

func TestStopOutOfTimeKills(t *testing.T) {
	a := newFakeApp("a")
	supervise(t, a, fake.Deaf, func(b *bench) {
		b.start()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := b.sup.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
			b.Errorf("error %v", err)
		}
		if b.driver.Live() != 0 {
			b.Error("a program is left")
		}
	})
}

func TestStopUnstarted(t *testing.T) {
	supervise(t, newFakeApp("a"), nil, func(b *bench) {
		b.sup.Wake("a")
		synctest.Wait()
		b.calls(nil)
	})
}

func TestBootReapsFirst(t *testing.T) {
	const left = "01890000-0000-7000-8000-000000000001"
	a := newFakeApp("a")
	a.handles = []app.RunHandle{
		{Run: fleet.Run{AgentID: "a", Epoch: 4}, Driver: "fake", Handle: "h1"},
		{Run: fleet.Run{AgentID: "z", Epoch: 1}, Driver: "gone", Handle: "h2"},
	}
	a.epoch["a"] = 4
	a.setBroken("handles", true)
	supervise(t, a, nil, func(b *bench) {
		for _, name := range []string{left, "no-agent"} {
			if err := os.Mkdir(filepath.Join(b.dir, name), 0o700); err != nil {
				b.Fatal(err)
			}
		}
		b.start()
		b.wake("a")
		b.calls(nil)
		a.setBroken("handles", false)
		b.after(time.Second)
		if got := b.driver.Reaped(); len(got) != 1 || !slices.Equal(got[0], []string{"h1"}) {
			b.Errorf("reaped %q", got)
		}
		calls := b.app.list("handles", "exited", "spawned")
		slices.Sort(calls[1:3]) // recorded at once
		want := []string{"handles ", "exited a/4 the server was restarted expected=true",
			"exited z/1 the server was restarted expected=true", "spawned a/5 fake:a:5"}
		if !slices.Equal(calls, want) {
			b.Errorf("calls %q", calls)
		}
		if _, err := os.Stat(filepath.Join(b.dir, left)); !os.IsNotExist(err) {
			b.Errorf("a folder of nobody is left: %v", err)
		}
		if _, err := os.Stat(filepath.Join(b.dir, "no-agent")); err != nil {
			b.Errorf("a folder that is no agent's is gone: %v", err)
		}
	})
}

func TestAppOutOfOrder(t *testing.T) {
	for _, word := range []string{"begin", "spawned", "wanted", "exited", "stopping", "wantedruns"} {
		t.Run(word, func(t *testing.T) {
			a := newFakeApp("a")
			a.setBroken(word, true)
			supervise(t, a, nil, func(b *bench) {
				b.start()
				a.want("a", false)
				b.wake("a")
				b.after(3 * time.Second)
				a.setBroken(word, false)
				b.after(time.Minute)
				if b.driver.Live() != 0 {
					b.Error("not stopped")
				}
				a.want("a", true)
				b.wake("a")
				if b.driver.Live() != 1 {
					b.Error("not started again")
				}
			})
		})
	}
}

func TestTick(t *testing.T) {
	a := newFakeApp()
	a.setBroken("tick", true)
	supervise(t, a, nil, func(b *bench) {
		b.start()
		b.after(10 * time.Second)
	})
	if a.ticks != 10 {
		t.Errorf("%d ticks in 10 s", a.ticks)
	}
}
