package fleet

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestBulkNext(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		b       Bulk
		failure string
		want    BulkState
		why     string
	}{
		"goes on":                   {Bulk{State: BulkRunning, Total: 3, Done: 1}, "", BulkRunning, ""},
		"all have an outcome":       {Bulk{State: BulkRunning, Total: 3, Done: 1, Failed: 1, Skipped: 1}, "x", BulkDone, ""},
		"one failed":                {Bulk{State: BulkRunning, Total: 3, Failed: 1}, "x", BulkRunning, ""},
		"a canary failed":           {Bulk{State: BulkRunning, Total: 9, Canary: 3, Done: 2, Failed: 1}, "x", BulkStopped, "One of the first 3 agents failed: x"},
		"a canary failed, one left": {Bulk{State: BulkRunning, Total: 9, Canary: 1, Failed: 1, Waiting: 1}, "x", BulkStopping, "The first agent failed: x"},
		"behind the canaries":       {Bulk{State: BulkRunning, Total: 9, Canary: 2, Done: 2, Failed: 1}, "x", BulkRunning, ""},
		"too many failed":           {Bulk{State: BulkRunning, Total: 9, StopAfterFailures: 2, Failed: 2}, "x", BulkStopped, "2 agents failed, the last one with: x"},
		"not enough failed":         {Bulk{State: BulkRunning, Total: 9, StopAfterFailures: 2, Failed: 1}, "x", BulkRunning, ""},
		"failed before":             {Bulk{State: BulkRunning, Total: 9, StopAfterFailures: 2, Failed: 2}, "", BulkRunning, ""},
		"stopped by people":         {Bulk{State: BulkStopping, Why: "Stopped by Ann", Total: 9}, "", BulkStopped, "Stopped by Ann"},
		"still waits":               {Bulk{State: BulkStopping, Why: "Stopped by Ann", Total: 9, Waiting: 1}, "x", BulkStopping, "Stopped by Ann"},
		"stopped at its end":        {Bulk{State: BulkStopping, Why: "Stopped by Ann", Total: 1, Done: 1}, "", BulkDone, ""},
		"is prepared":               {Bulk{State: BulkPreparing, Total: 1, Skipped: 1}, "", BulkPreparing, ""},
		"over":                      {Bulk{State: BulkStopped, Why: "w", Total: 2, Skipped: 1}, "x", BulkStopped, "w"},
	} {
		if got, why := c.b.Next(c.failure); got != c.want || why != c.why {
			t.Errorf("%s: %s because of %q, want %s and %q", what, got, why, c.want, c.why)
		}
	}
}

// What a bulk skips is exactly what the lifecycle refuses, and what is protected.
func TestSkipBulk(t *testing.T) {
	t.Parallel()
	for _, a := range BulkActions() {
		for _, s := range Statuses() {
			for _, needs := range []bool{false, true} {
				c := BulkCandidate{ID: "a", Status: s, IsSetUp: true}
				skip := a.SkipBulk(c, needs)
				want := a == BulkTag || Allowed(s, Move(a), Facts{NeedsSetup: needs, IsSetUp: true})
				if (skip == nil) != want {
					t.Errorf("%s when %s: %v", a, s, skip)
				}
				c.Protected = true
				if skip := a.SkipBulk(c, needs); (skip == nil) != (a == BulkTag) || skip != nil && skip.Code != CodeProtected {
					t.Errorf("%s when protected: %v", a, skip)
				}
			}
		}
		if skip := a.SkipBulk(BulkCandidate{Unknown: true}, false); skip == nil || skip.Code != CodeNotFound {
			t.Errorf("%s of nobody: %v", a, skip)
		}
		if need := a.Need(); (need == ScopeDelete) != (a == BulkDelete) || need != ScopeDelete && need != ScopeOperate {
			t.Errorf("%s needs %s", a, need)
		}
	}
}

func TestCheckBulkTags(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		action      BulkAction
		add, remove []string
		want        string
	}{
		"both":           {BulkTag, []string{" a ", "a"}, []string{"b"}, ""},
		"none":           {BulkTag, nil, nil, "addTags: name a tag"},
		"for others":     {BulkEnd, []string{"a"}, nil, "addTags: is only for"},
		"the same":       {BulkTag, []string{"a"}, []string{"a"}, "removeTags: a tag cannot"},
		"a comma":        {BulkTag, []string{"a,b"}, nil, "addTags: a tag must not"},
		"too long":       {BulkTag, nil, []string{strings.Repeat("x", 41)}, "removeTags: "},
		"nothing needed": {BulkEnd, nil, nil, ""},
	} {
		_, _, err := CheckBulkTags(c.action, c.add, c.remove)
		known, _ := err.(*Error)
		if (err == nil) != (c.want == "") || err != nil && !strings.HasPrefix(known.Message, c.want) {
			t.Errorf("%s: %v, want %q", what, err, c.want)
		}
	}
}

func TestWithTags(t *testing.T) {
	t.Parallel()
	words := rapid.SliceOfDistinct(rapid.SampledFrom([]string{"a", "b", "c", "d"}), rapid.ID[string])
	rapid.Check(t, func(rt *rapid.T) {
		tags, add := words.Draw(rt, "tags"), words.Draw(rt, "add")
		out, changed := WithTags(tags, add, nil)
		if len(out) < len(tags) || changed != (len(out) > len(tags)) {
			rt.Errorf("%q with %q are %q", tags, add, out)
		}
		back, _ := WithTags(out, nil, add)
		for _, t := range back {
			for _, a := range add {
				if t == a {
					rt.Errorf("%q was not removed from %q", a, out)
				}
			}
		}
		if _, changed := WithTags(out, add, nil); changed {
			rt.Errorf("%q twice", add)
		}
	})
}

func TestBulkPlanCounts(t *testing.T) {
	t.Parallel()
	var p BulkPlan
	for range 300 {
		p.Add(BulkCandidate{Name: "n"}, nil)
		p.Add(BulkCandidate{Name: "n"}, ErrBulkProtected())
		p.Add(BulkCandidate{}, ErrAgentNotFound())
	}
	if p.Total != 900 || p.Will != 300 || len(p.Skips) != 2 || p.Skips[0].N != 300 || len(p.Skips[0].Names) != 200 || len(p.Skips[1].Names) != 0 || len(p.Names) != 200 {
		t.Errorf("%+v", p)
	}
	if BulkConfirm(1) != "delete 1 agent" || BulkConfirm(37) != "delete 37 agents" {
		t.Error(BulkConfirm(1), BulkConfirm(37))
	}
}
