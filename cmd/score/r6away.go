package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"agentry/internal/resource/fake"
)

// away is the part of R6 in which the vendor is away for an hour.
type away struct {
	*outsider
	how    fake.Down
	agents int
	clock  string // the file that moves the server's
	told   bool   // GET /v1/resources names all that waits
	shown  bool   // so does the page, and that the vendor does not answer
	asked  int    // requests while the gate was shut
	took   time.Duration
}

const (
	// quietFor is how long a vendor that is away is watched, and mostProbes how
	// often it may be asked meanwhile.
	quietFor   = 11 * time.Second
	mostProbes = 2
)

func newRefusing(ctx context.Context, t *trial) (outsidePart, error) {
	return newAway(ctx, t, "refusing", fake.DownRefuse)
}

func newBusy(ctx context.Context, t *trial) (outsidePart, error) {
	return newAway(ctx, t, "busy", fake.DownUnavailable)
}

func newAway(ctx context.Context, t *trial, name string, how fake.Down) (outsidePart, error) {
	o, err := t.newOutsider(ctx, name)
	if err != nil {
		return nil, err
	}
	a := &away{outsider: o, how: how, agents: t.size.pick(10, 10, 50), clock: filepath.Join(t.dir, name+".clock")}
	o.env = append(o.env, "CLOCK_FILE="+a.clock)
	return a, a.setClock(0)
}

func (a *away) setClock(by time.Duration) error {
	return os.WriteFile(a.clock, fmt.Append(nil, int64(by.Seconds())), 0o600)
}

func (a *away) run(ctx context.Context) error {
	if _, err := a.serve(ctx); err != nil {
		return err
	}
	members, err := a.all(ctx, a.agents, "setup")
	if err != nil {
		return err
	}
	if _, err := a.settled(ctx, 2*mostRelease, a.agents); err != nil {
		return err
	}
	if err := a.out.SetDown(a.how); err != nil {
		return err
	}
	if err := a.goOn(ctx, members); err != nil {
		return err
	}
	if err := a.out.SetDown(fake.DownNot); err != nil {
		return err
	}
	if a.took, err = a.settled(ctx, 2*mostRelease, 0); err != nil {
		return err
	}
	return a.balance(ctx)
}

// goOn lets all agents end while the vendor is away: half of them at once, an
// hour passes, the server is killed, and the other half.
func (a *away) goOn(ctx context.Context, members []*member) error {
	half := len(members) / 2
	if err := a.finish(ctx, members[:half]); err != nil {
		return err
	}
	if err := a.setClock(time.Hour); err != nil {
		return err
	}
	// What is left is released at the rate that a host has by default.
	if err := a.setRate("gologin_rate = 120\n"); err != nil {
		return err
	}
	if err := a.again(ctx, a.crash); err != nil {
		return err
	}
	if err := a.finish(ctx, members[half:]); err != nil {
		return err
	}
	var err error
	a.told, err = within(ctx, 30*time.Second, 50*time.Millisecond, func() (bool, error) {
		n, err := a.rows(ctx, "stuck=true")
		return n == a.agents, err
	})
	if err != nil {
		return err
	}
	if a.shown, err = a.isShown(ctx); err != nil {
		return err
	}
	// The gate has shut by now: from here on only one probe now and then comes.
	before := a.out.Counts().Requests
	err = pause(ctx, quietFor)
	a.asked = a.out.Counts().Requests - before
	return err
}

// isShown tells whether the page Resources says the same to a person.
func (a *away) isShown(ctx context.Context) (bool, error) {
	who, err := a.signIn(ctx)
	if err != nil {
		return false, err
	}
	status, page, err := who.see(ctx, "/resources")
	down := strings.Contains(page, `data-testid="vendor" data-state="down"`)
	waits := regexp.MustCompile(`data-testid="chip-attention"[^>]*>[^<]*<b>(\d+)</b>`).FindStringSubmatch(page)
	return status == http.StatusOK && down && waits != nil && waits[1] == strconv.Itoa(a.agents), err
}

// setRate puts another rate into the server's configuration, for its next start.
func (a *away) setRate(line string) error {
	path := filepath.Join(a.dir, "agentry.toml")
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return os.WriteFile(path, regexp.MustCompile(`gologin_rate = \d+\n`).ReplaceAll(raw, []byte(line)), 0o600)
}

func (a *away) judge(v *verdict) []time.Duration {
	what := fmt.Sprintf("%d agents, away for an hour by %s", a.agents, a.how)
	a.judgeBooks(v, what)
	v.judge(a.told, "all said to be stuck")
	v.judge(a.shown, "on the page too")
	v.judge(a.asked <= mostProbes, "%d asked in %s", a.asked, quietFor)
	v.judgeTime(a.took <= mostRelease, "released %.1f s after", a.took.Seconds())
	return a.waits
}
