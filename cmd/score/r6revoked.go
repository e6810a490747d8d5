package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"agentry/internal/resource/fake"
)

// inFlight is how long what was sent beside the request that got the 429 may
// take to arrive, and mostInFlight how many such there may be: the client has
// two requests under way at most.
const (
	inFlight     = time.Second
	mostInFlight = 1
)

// revoked is the part of R6 in which the vendor answers 429 once: the token is
// dead from then on, until people put another in its place.
type revoked struct {
	*outsider
	agents       int
	beside, more int  // requests after the 429: at the same moment, and later
	alert        bool // people are told
	took         time.Duration
}

func newRevoked(ctx context.Context, t *trial) (outsidePart, error) {
	o, err := t.newOutsider(ctx, "revoked")
	return &revoked{outsider: o, agents: t.size.pick(10, 10, 50)}, err
}

func (r *revoked) run(ctx context.Context) error {
	if _, err := r.serve(ctx); err != nil {
		return err
	}
	members, err := r.all(ctx, r.agents, "setup")
	if err != nil {
		return err
	}
	if _, err := r.settled(ctx, mostRelease, r.agents); err != nil {
		return err
	}
	if err := r.out.SetFaults(fake.Faults{Rate: 1, Times: 1, Kinds: []fake.Fault{fake.FaultLimit}}); err != nil {
		return err
	}
	if err := r.goOn(ctx, members); err != nil {
		return err
	}
	r.countAfter()
	if err := os.WriteFile(r.out.tokenFile, []byte(r.out.Reissue()+"\n"), 0o600); err != nil {
		return err
	}
	if _, err := r.ask(ctx, "POST", "/v1/vendors/gologin/check", nil, nil); err != nil {
		return err
	}
	// The one that was set up while nothing was asked has its profile now.
	r.live = 1
	if r.took, err = r.settled(ctx, 2*mostRelease, r.live); err != nil {
		return err
	}
	return r.balance(ctx)
}

// goOn lets all agents end after the token's death, and one begin: before and
// after a restart.
func (r *revoked) goOn(ctx context.Context, members []*member) error {
	half := len(members) / 2
	if err := r.finish(ctx, members[:half]); err != nil {
		return err
	}
	dead, err := within(ctx, 10*time.Second, 10*time.Millisecond, func() (bool, error) { return r.out.TokenDead(), nil })
	if err != nil || !dead {
		return fmt.Errorf("the vendor did not take the token away: %w", err)
	}
	r.alert, err = within(ctx, 10*time.Second, 20*time.Millisecond, func() (bool, error) {
		var list []struct{ Type, SubType string }
		_, err := r.ask(ctx, "GET", "/v1/alerts", nil, &list)
		for _, al := range list {
			if al.Type == "resource" && al.SubType == "vendor_stopped" {
				return true, err
			}
		}
		return false, err
	})
	if err != nil {
		return err
	}
	if err := r.again(ctx, r.crash); err != nil {
		return err
	}
	if err := r.finish(ctx, members[half:]); err != nil {
		return err
	}
	if _, err := r.all(ctx, 1, "setup"); err != nil {
		return err
	}
	return pause(ctx, quietFor)
}

// countAfter counts what the vendor was asked after its 429.
func (r *revoked) countAfter() {
	var end time.Time
	for _, q := range r.out.Requests(0) {
		switch {
		case q.Status == 429 && end.IsZero():
			end = q.At
		case end.IsZero():
		case q.At.Sub(end) < inFlight:
			r.beside++
		default:
			r.more++
		}
	}
}

func (r *revoked) judge(v *verdict) []time.Duration {
	r.judgeBooks(v, fmt.Sprintf("%d agents, 429", r.agents))
	v.judge(r.more == 0 && r.beside <= mostInFlight, "%d asked at the same moment, %d later", r.beside, r.more)
	v.judge(r.alert, "people told")
	v.judgeTime(r.took <= mostRelease, "released %.1f s after a new token", r.took.Seconds())
	return r.waits
}
