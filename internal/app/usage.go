package app

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"agentry/internal/fleet"
	"agentry/internal/store"
)

// UsageInput narrows usage to days "2006-01-02", both included, "" for open,
// and to an incarnation, 0 for all.
type UsageInput struct {
	From, To    string
	Incarnation int
}

// usageBatch is how many counters are read at once.
const usageBatch = 1000

// EachUsage yields an agent's counters per day of its zone, oldest first.
func (a *App) EachUsage(ctx context.Context, by fleet.Actor, id fleet.AgentID, in UsageInput, yield func(fleet.Usage) error) error {
	if err := by.May(fleet.ScopeRead); err != nil {
		return err
	}
	for name, day := range map[string]string{"from": in.From, "to": in.To} {
		if _, err := time.Parse(time.DateOnly, day); err != nil && day != "" {
			return fleet.Invalid(name, "must be a day such as 2026-01-31")
		}
	}
	part := store.UsageRange{From: in.From, To: in.To, Incarnation: in.Incarnation, Limit: usageBatch}
	for {
		var list []fleet.Usage
		err := a.store.Read(ctx, func(tx *store.Tx) error {
			if _, err := tx.Agent(by.TeamID, id); err != nil {
				return err
			}
			var err error
			list, err = tx.Usage(id, part)
			return err
		})
		if err != nil {
			return err
		}
		for _, u := range list {
			if err := yield(u); err != nil {
				return err
			}
		}
		if len(list) < usageBatch {
			return nil
		}
		part.After = &list[len(list)-1]
	}
}

// spark are the sums of messages and invitations of the agent's last days,
// oldest first.
func spark(r store.AgentRow, now time.Time) []int64 {
	sums := make([]int64, sparkDays)
	for i, day := range lastDays(r.Hours, now, sparkDays) {
		sums[i] = r.CountedOn(day)
	}
	return sums
}

// lastDays are n days of the hours' zone, oldest first, the last is today.
func lastDays(hours fleet.WorkingHours, now time.Time, n int) []string {
	// At noon, so that a day is stepped over once also where the clock is set.
	y, m, d := now.In(hours.Location()).Date()
	noon := time.Date(y, m, d, 12, 0, 0, 0, time.UTC)
	days := make([]string, n)
	for i := range days {
		days[i] = noon.AddDate(0, 0, i-n+1).Format(time.DateOnly)
	}
	return days
}

// UsageHistoryInput asks for 1 to 366 days that end today and up to 6 kinds of
// counters. Without Kinds it is messages and invitations, or, where neither was
// counted, the two largest.
type UsageHistoryInput struct {
	Days        int
	Kinds       []string
	Incarnation int // 0 is all
}

// UsageHistory is what a plot of usage is made of.
type UsageHistory struct {
	// Days are days of the agent's zone, oldest first, the last is today.
	Days []string
	// Born is the agent's first day.
	Born string
	// Counters are the kinds that were counted in these days with what they
	// came to: the ones that every agent has first, then the largest.
	Counters []UsageSum
	// Kinds are those asked for, or chosen; Usage are their counters, oldest
	// first.
	Kinds []string
	Usage []fleet.Usage
	// Starts are the incarnations that began in these days, oldest first.
	Starts []IncarnationStart
}

// UsageSum is what a kind came to.
type UsageSum struct {
	Kind  string
	Count int64
}

// IncarnationStart says on which day an incarnation began.
type IncarnationStart struct {
	Incarnation int
	Day         string
}

const (
	maxHistoryDays  = 366
	maxHistoryKinds = 6
	maxStarts       = 100
)

// UsageHistory returns an agent's counters of the days up to today.
func (a *App) UsageHistory(ctx context.Context, by fleet.Actor, id fleet.AgentID, in UsageHistoryInput) (h UsageHistory, err error) {
	if err := by.May(fleet.ScopeRead); err != nil {
		return h, err
	}
	if in.Days < 1 || in.Days > maxHistoryDays {
		return h, fleet.Invalid("days", "must be between 1 and %d", maxHistoryDays)
	}
	if in.Incarnation < 0 {
		return h, fleet.Invalid("incarnation", "must not be negative")
	}
	if len(in.Kinds) > maxHistoryKinds {
		return h, fleet.Invalid("counter", "at most %d at once", maxHistoryKinds)
	}
	now := a.Now()
	err = a.store.Read(ctx, func(tx *store.Tx) error {
		row, err := tx.Agent(by.TeamID, id)
		if err != nil {
			return err
		}
		h.Days, h.Born = lastDays(row.Hours, now, in.Days), row.Hours.Day(row.CreatedAt)
		first := h.Days[0]
		sums, err := tx.UsageSummary(id, first)
		if err != nil {
			return err
		}
		h.Counters = counters(sums, in.Incarnation)
		if h.Kinds = in.Kinds; len(h.Kinds) == 0 {
			h.Kinds = usualKinds(h.Counters)
		}
		relaunches, err := tx.Relaunches(by.TeamID, id, now.AddDate(0, 0, -in.Days-1), maxStarts)
		if err != nil {
			return err
		}
		h.Starts = starts(sums, relaunches, row.Agent, first)
		h.Usage, err = tx.Usage(id, store.UsageRange{From: first, Kinds: h.Kinds, Incarnation: in.Incarnation, Limit: maxHistoryDays * maxHistoryKinds * maxStarts})
		return err
	})
	return h, err
}

// counters adds the summary up by kind.
func counters(sums []fleet.Usage, incarnation int) []UsageSum {
	by := map[string]int64{}
	for _, u := range sums {
		if incarnation == 0 || u.Incarnation == incarnation {
			by[u.Kind] += u.Count
		}
	}
	standard := []string{fleet.UsageMessages, fleet.UsageInvitations, fleet.UsageTokens, fleet.UsageErrors}
	rank := func(s UsageSum) int {
		if i := slices.Index(standard, s.Kind); i >= 0 {
			return i
		}
		return len(standard)
	}
	var list []UsageSum
	for _, kind := range slices.Sorted(maps.Keys(by)) {
		list = append(list, UsageSum{kind, by[kind]})
	}
	slices.SortStableFunc(list, func(x, y UsageSum) int {
		if c := cmp.Compare(rank(x), rank(y)); c != 0 || rank(x) < len(standard) {
			return c
		}
		return cmp.Compare(y.Count, x.Count)
	})
	return list
}

// usualKinds are shown where nobody says which.
func usualKinds(list []UsageSum) []string {
	limited := []string{fleet.UsageMessages, fleet.UsageInvitations}
	for _, s := range list {
		if slices.Contains(limited, s.Kind) {
			return limited
		}
	}
	if len(list) == 0 {
		return limited
	}
	largest := slices.Clone(list)
	slices.SortStableFunc(largest, func(x, y UsageSum) int { return cmp.Compare(y.Count, x.Count) })
	var kinds []string
	for _, s := range largest[:min(2, len(largest))] {
		kinds = append(kinds, s.Kind)
	}
	return kinds
}

// starts says when incarnations began: as the audit has it, else the first day
// that counts for one.
func starts(sums []fleet.Usage, relaunches []fleet.AuditEntry, agent fleet.Agent, first string) (list []IncarnationStart) {
	days := map[int]string{}
	for _, u := range sums {
		if day, ok := days[u.Incarnation]; u.Incarnation > 1 && (!ok || u.Day < day) {
			days[u.Incarnation] = u.Day
		}
	}
	for _, e := range relaunches {
		if n, ok := e.Detail["incarnation"].(float64); ok {
			days[int(n)] = agent.Hours.Day(e.At)
		}
	}
	for _, n := range slices.Sorted(maps.Keys(days)) {
		// What counts on the first day of the plot may have begun before it.
		if days[n] > first {
			list = append(list, IncarnationStart{n, days[n]})
		}
	}
	return list
}
