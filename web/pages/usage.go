package pages

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/views"
	"agentry/views/ui"
	"agentry/web/stream"
)

const (
	// maxLines is how many counters a plot shows, countersListed how many can
	// be chosen.
	maxLines       = 6
	countersListed = 16
	usualDays      = 30
)

// usageAsked is what the address of the tab asks for.
type usageAsked struct {
	days, incarnation int
	kinds             []string
}

func usageOf(c *fiber.Ctx) usageAsked {
	u := usageAsked{days: usualDays}
	if query(c, "days") == "90" {
		u.days = 90
	}
	if n, err := strconv.Atoi(query(c, "incarnation")); err == nil && n > 0 {
		u.incarnation = n
	}
	for _, raw := range c.Context().QueryArgs().PeekMulti("counter") {
		kind := string(raw)
		if fleet.CheckText("counter", kind, 1, 40) == nil && !slices.Contains(u.kinds, kind) && len(u.kinds) < maxLines {
			u.kinds = append(u.kinds, kind)
		}
	}
	return u
}

func (u usageAsked) href(id fleet.AgentID) string {
	values := url.Values{"tab": {"usage"}}
	if u.days != usualDays {
		values.Set("days", strconv.Itoa(u.days))
	}
	if u.incarnation > 0 {
		values.Set("incarnation", strconv.Itoa(u.incarnation))
	}
	for _, kind := range u.kinds {
		values.Add("counter", kind)
	}
	return agentPath(id, "?"+values.Encode())
}

// usage is the tab of what the agent did by day.
func (p *Pages) usage(c *fiber.Ctx, who Viewer, v app.AgentView) (*views.Usage, error) {
	asked := usageOf(c)
	h, err := p.app.UsageHistory(c.UserContext(), who.Actor, v.ID, app.UsageHistoryInput{Days: asked.days, Kinds: asked.kinds, Incarnation: asked.incarnation})
	if err != nil {
		return nil, err
	}
	m := &views.Usage{AgentID: string(v.ID), Marked: v.Incarnation > 1, CSVHref: agentPath(v.ID, "/usage.csv")}
	for _, days := range []int{30, 90} {
		to := asked
		to.days = days
		m.Spans = append(m.Spans, ui.Tab{Href: to.href(v.ID), Label: fmt.Sprintf("%d days", days), Current: days == asked.days})
	}
	m.Incarnations = incarnationTabs(asked, h, v)
	m.Counters, m.Hidden = counterChips(asked, h, v.ID)
	m.Plot, m.Rows = plotOf(h)
	return m, nil
}

// incarnationTabs choose among the incarnations of these days; one alone is no
// choice.
func incarnationTabs(asked usageAsked, h app.UsageHistory, v app.AgentView) (tabs []ui.Tab) {
	if len(h.Starts) == 0 && asked.incarnation == 0 {
		return nil
	}
	numbers := []int{0}
	if len(h.Starts) > 0 {
		numbers = append(numbers, h.Starts[0].Incarnation-1)
	}
	for _, s := range h.Starts {
		numbers = append(numbers, s.Incarnation)
	}
	if asked.incarnation > 0 && !slices.Contains(numbers, asked.incarnation) {
		numbers = append(numbers, asked.incarnation)
	}
	for _, n := range numbers {
		to, label := asked, "All incarnations"
		if to.incarnation = n; n > 0 {
			label = fmt.Sprintf("Incarnation %d", n)
		}
		tabs = append(tabs, ui.Tab{Href: to.href(v.ID), Label: label, Current: n == asked.incarnation})
	}
	return tabs
}

// counterChips are the counters that can be shown or hidden. What is shown is
// always among them.
func counterChips(asked usageAsked, h app.UsageHistory, id fleet.AgentID) (chips []views.Counter, hidden int) {
	if len(h.Counters) == 0 && len(asked.kinds) == 0 {
		return nil, 0
	}
	sums := h.Counters
	for _, kind := range h.Kinds {
		if !slices.ContainsFunc(sums, func(s app.UsageSum) bool { return s.Kind == kind }) {
			sums = append(sums, app.UsageSum{Kind: kind})
		}
	}
	for _, s := range sums {
		line := slices.Index(h.Kinds, s.Kind) + 1
		if line == 0 && len(chips) >= countersListed {
			hidden++
			continue
		}
		to := asked
		if to.kinds = slices.Clone(h.Kinds); line > 0 {
			to.kinds = slices.Delete(to.kinds, line-1, line)
		} else if to.kinds = append(to.kinds, s.Kind); len(to.kinds) > maxLines {
			to.kinds = to.kinds[1:]
		}
		chips = append(chips, views.Counter{Kind: s.Kind, Total: int(s.Count), Line: line, Href: to.href(id)})
	}
	return chips, hidden
}

// plotOf makes the lines, the marks and the table's rows of the same figures.
func plotOf(h app.UsageHistory) (views.Plot, []views.UsageRow) {
	plot := views.Plot{Days: h.Days, Marks: []views.PlotMark{}}
	at := map[string]int{}
	for i, day := range h.Days {
		at[day] = i
	}
	for _, kind := range h.Kinds {
		values := make([]*int, len(h.Days))
		for i, day := range h.Days {
			if day >= h.Born {
				values[i] = new(int)
			}
		}
		plot.Lines = append(plot.Lines, views.PlotLine{Name: kind, Values: values})
	}
	type row struct {
		day         string
		incarnation int
	}
	places := map[row]int{}
	var rows []views.UsageRow
	for _, u := range h.Usage {
		key, line := row{u.Day, u.Incarnation}, slices.Index(h.Kinds, u.Kind)
		n, ok := places[key]
		if !ok {
			n, places[key] = len(rows), len(rows)
			rows = append(rows, views.UsageRow{Day: u.Day, Incarnation: u.Incarnation, Counts: make([]int, len(h.Kinds))})
		}
		rows[n].Counts[line] += int(u.Count)
		if i, ok := at[u.Day]; ok {
			if plot.Lines[line].Values[i] == nil {
				plot.Lines[line].Values[i] = new(int)
			}
			*plot.Lines[line].Values[i] += int(u.Count)
		}
	}
	slices.SortFunc(rows, func(a, b views.UsageRow) int {
		return cmp.Or(strings.Compare(b.Day, a.Day), b.Incarnation-a.Incarnation)
	})
	for _, s := range h.Starts {
		if i, ok := at[s.Day]; ok {
			plot.Marks = append(plot.Marks, views.PlotMark{At: i, Label: fmt.Sprintf("Incarnation %d", s.Incarnation)})
		}
	}
	return plot, rows
}

// UsageCSV answers GET /fleet/{id}/usage.csv: every counter that is kept.
func (p *Pages) UsageCSV(c *fiber.Ctx, who Viewer) error {
	id, err := agentID(c)
	if err != nil {
		return err
	}
	v, err := p.app.Agent(c.UserContext(), who.Actor, id)
	if err != nil {
		return err
	}
	in := app.UsageInput{From: query(c, "from"), To: query(c, "to")}
	return stream.UsageCSV(p.config.Streams, c, who.Actor, fileName(v, "usage.csv"), func(ctx context.Context, yield func(fleet.Usage) error) error {
		return p.app.EachUsage(ctx, who.Actor, id, in, yield)
	})
}

// fileName is that of a download of an agent: its name, the end of its id, since
// ids that were made at one time begin the same, and what it is.
func fileName(v app.AgentView, what string) string {
	id := string(v.ID)
	return v.Name + "-" + id[len(id)-8:] + "-" + what
}
