package app

import (
	"fmt"
	"math/rand/v2"
	"time"

	"agentry/internal/fleet"
)

// This file decides what follows when a run failed.

const (
	// stableFor is how long a run has to live at least to count as stable, so
	// that the next back-off begins anew.
	stableFor = time.Minute
	// outputLines of a run that failed are kept.
	outputLines = 20
)

// exited records a failed run and decides: a restart after a back-off, or
// giving up once the kind's number of exits lies within the window.
func (c *change) exited(run fleet.Run, text string, output []string, exits []time.Time, within time.Duration) error {
	rt, rule := c.agent.Runtime, c.kind.Restart
	exits, recent := slide(exits, c.now, within, rule.GiveUpAfter)
	rt.Failures = min(rt.Failures+1, recent)
	if lived := c.now.Sub(rt.StartedAt); lived >= max(stableFor, rule.BackoffMax) {
		rt.Failures = 1
	}
	rt.Restarts++
	rt.NextTry = c.now.Add(backoff(rule, rt.Failures))
	rt.LastError = text
	enough := recent >= rule.GiveUpAfter
	if enough {
		rt.LastError = fmt.Sprintf("%s, %d times in %s", text, recent, short(within))
	}
	output = output[max(len(output)-outputLines, 0):]
	if err := c.tx.RunFailed(run.AgentID, rt, exits, output); err != nil {
		return err
	}
	c.agent.Runtime = rt
	c.agent.Runtime.Handle = ""
	if !enough && c.agent.Status != fleet.AuthNeeded {
		return observed(c.tx, run, fleet.ObservedBackoff, c.now)
	}
	return c.giveUp(output)
}

// slide adds an exit now to those before and returns the newest that can still
// matter, oldest first, and how many lie within the window. Exits of a clock
// that was set back since count as of now.
func slide(exits []time.Time, now time.Time, within time.Duration, most int) (kept []time.Time, recent int) {
	for _, at := range append(exits, now) {
		if at.After(now) {
			at = now
		}
		kept = append(kept, at)
		if now.Sub(at) <= within {
			recent++
		}
	}
	return kept[max(len(kept)-max(most, 1), 0):], recent
}

// overdueWindow is the window for runs that are ended by rule: they take so
// long that the kind's own may never see enough of them.
func overdueWindow(kind fleet.Kind) time.Duration {
	each := helloLimit + kind.Grace + kind.Restart.BackoffMax
	return max(kind.Restart.Within, time.Duration(kind.Restart.GiveUpAfter)*each).Round(time.Minute)
}

func (c *change) giveUp(output []string) error {
	message := "The program keeps ending by itself: " + c.agent.Runtime.LastError
	if len(output) > 0 {
		message += ". Last output: " + output[len(output)-1]
	}
	if c.agent.Status != fleet.AuthNeeded {
		if err := c.raise("runtime", fleet.EndCrashLoop, fleet.SeverityError, cutText(message)); err != nil {
			return err
		}
	}
	if c.agent.Status != fleet.Running {
		return c.failSignIn()
	}
	c.agent.EndReason, c.agent.EndedAt = fleet.EndCrashLoop, c.now
	if err := c.tx.FailPendingMessages(c.agent.ID); err != nil {
		return err
	}
	return c.systemMove(fleet.MoveGiveUp)
}

// backoff doubles from the rule's minimum to its maximum; up to a quarter is
// taken off at random, so that many agents do not come back at once.
func backoff(rule fleet.Restart, failures int) time.Duration {
	d := rule.BackoffMin
	for i := 1; i < failures && d < rule.BackoffMax; i++ {
		d *= 2
	}
	d = min(d, rule.BackoffMax)
	if d <= 0 {
		return 0
	}
	return d - time.Duration(rand.Int64N(int64(d)/4+1))
}

func short(d time.Duration) string {
	if d%time.Minute == 0 {
		return fmt.Sprintf("%d min", d/time.Minute)
	}
	return d.String()
}

// cutText keeps a text inside what an alert may hold.
func cutText(s string) string {
	if r := []rune(s); len(r) > fleet.MaxText {
		return string(r[:fleet.MaxText-1]) + "…"
	}
	return s
}
