package fleet_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"agentry/internal/fleet"
)

func resourceSteps() []fleet.ResourceStep {
	return []fleet.ResourceStep{
		fleet.StepAsk, fleet.StepHold, fleet.StepReshape, fleet.StepDrop, fleet.StepGone, fleet.StepRefuse, fleet.StepRetry, fleet.StepForget,
	}
}

// The golden file was written by hand from what the ledger promises: there is
// no other way to update it.
func TestLedgerMatrix(t *testing.T) {
	want, err := os.ReadFile("testdata/ledger.txt")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, s := range fleet.ResourceStates() {
		fmt.Fprintf(&b, " %s", s)
	}
	for _, step := range resourceSteps() {
		b.WriteString("\n" + string(step))
		for _, from := range fleet.ResourceStates() {
			to, err := fleet.NextResource(from, step)
			if err != nil {
				if to != from || fleet.CodeOf(err) != fleet.CodeConflict {
					t.Errorf("%s from %s is refused and gives %s, %v", step, from, to, err)
				}
				to = "-"
			}
			b.WriteString(" " + string(to))
		}
	}
	if diff := cmp.Diff(words(string(want)), words(b.String())); diff != "" {
		t.Errorf("the ledger is not the promised one (-promised +is):\n%s", diff)
	}
	for _, r := range fleet.ResourceRules() {
		if !slices.Contains(resourceSteps(), r.Step) {
			t.Errorf("%s is not in this test", r.Step)
		}
	}
}

func TestLedgerRefusals(t *testing.T) {
	for _, c := range []struct {
		step fleet.ResourceStep
		from fleet.ResourceState
		want string
	}{
		{fleet.StepRetry, fleet.ResourceReleased, "There is nothing to try again: the resource is released"},
		{fleet.StepForget, fleet.ResourceHeld, "Only what is to be released can be forgotten; the resource is held"},
		{fleet.StepHold, fleet.ResourceReleasing, "A resource that is releasing cannot hold"},
	} {
		_, err := fleet.NextResource(c.from, c.step)
		if known, ok := err.(*fleet.Error); !ok || known.Message != c.want {
			t.Errorf("%s from %s: %v, want %q", c.step, c.from, err, c.want)
		}
	}
}

// Whatever happens in whatever order: what may exist outside is let go by
// nothing but the outside's confirmation, what was dropped is never had again,
// and what is gone stays gone.
func TestNothingIsLetGoUnconfirmed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		state, asked, dropped := fleet.ResourceWanted, false, false
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			step := rapid.SampledFrom(resourceSteps()).Draw(t, "step")
			from := state
			to, err := fleet.NextResource(from, step)
			if err != nil {
				if to != from {
					t.Fatalf("a refused %s leads from %s to %s", step, from, to)
				}
				continue
			}
			state = to
			asked, dropped = asked || step == fleet.StepAsk, dropped || step == fleet.StepDrop
			r := fleet.Resource{State: state}
			switch {
			case from == fleet.ResourceReleased:
				t.Fatalf("%s leads out of released to %s", step, to)
			case to == fleet.ResourceReleased && step != fleet.StepGone:
				t.Fatalf("%s releases from %s without a confirmation", step, from)
			case asked && to == fleet.ResourceWanted:
				t.Fatalf("%s from %s forgets that the outside was asked", step, from)
			case dropped && r.Live():
				t.Fatalf("%s from %s gives back what was dropped", step, from)
			case to != fleet.ResourceReleased && !r.Live() && !r.Open():
				t.Fatalf("%s from %s leaves %s, which nobody works at", step, from, to)
			}
		}
	})
}

func TestWhatStatesMean(t *testing.T) {
	given := &fleet.Forgotten{By: "Ann"}
	for _, c := range []struct {
		r    fleet.Resource
		want string
	}{
		{fleet.Resource{State: fleet.ResourceWanted}, "pending live open"},
		{fleet.Resource{State: fleet.ResourceAcquiring, LastError: "no"}, "pending live open stuck"},
		{fleet.Resource{State: fleet.ResourceHeld, LastError: "no"}, "live"},
		{fleet.Resource{State: fleet.ResourceReleasing}, "open"},
		{fleet.Resource{State: fleet.ResourceReleasing, LastError: "no"}, "open stuck"},
		{fleet.Resource{State: fleet.ResourceReleased, LastError: "no"}, ""},
		{fleet.Resource{State: fleet.ResourceLeaked}, "open stuck"},
		{fleet.Resource{State: fleet.ResourceLeaked, LastError: "no", Forgotten: given}, ""},
	} {
		got := []string{}
		for _, w := range []struct {
			word string
			is   bool
		}{{"pending", c.r.Pending()}, {"live", c.r.Live()}, {"open", c.r.Open()}, {"stuck", c.r.Stuck()}} {
			if w.is {
				got = append(got, w.word)
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%+v is %q, want %q", c.r, got, c.want)
		}
	}
}

// Only what carries the exact name of a row may be taken for ours.
func TestNamesOutside(t *testing.T) {
	const id = "01890000-0000-7000-8000-00000000abcd"
	if got, ok := fleet.ResourceOfName(fleet.Resource{ID: id}.Name()); got != id || !ok {
		t.Errorf("our own name is %q, %v", got, ok)
	}
	for _, name := range []string{
		"", id, "agentry-", "agentry-x", "agentry-" + id + " copy", "agentry-" + strings.ToUpper(id), "Agentry-" + id, " agentry-" + id,
		"agentry-agentry-" + id, "agentry-{" + id + "}", "agentry-" + strings.ReplaceAll(id, "-", ""),
	} {
		if got, ok := fleet.ResourceOfName(name); ok {
			t.Errorf("%q is taken for %q", name, got)
		}
	}
}
