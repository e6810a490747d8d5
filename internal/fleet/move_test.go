package fleet_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"agentry/internal/fleet"
)

func moves() []fleet.Move {
	return []fleet.Move{
		fleet.MoveCreate, fleet.MoveSetup, fleet.MoveVerify, fleet.MoveStart, fleet.MoveResume, fleet.MovePause, fleet.MoveEnd,
		fleet.MoveDisable, fleet.MoveEnable, fleet.MoveRelaunch, fleet.MoveDelete, fleet.MoveSignedIn, fleet.MoveChallenged,
		fleet.MoveRejected, fleet.MoveAuthTimeout, fleet.MoveGiveUp, fleet.MoveStartFailed,
	}
}

// The golden file was written from the product's table of moves, not by the
// code: there is no way to update it but by hand.
func TestLifecycleMatrix(t *testing.T) {
	want, err := os.ReadFile("testdata/lifecycle.txt")
	if err != nil {
		t.Fatal(err)
	}
	got := matrix(`A kind that needs setup ("/": what is set up goes left, what is not goes right)`, true) + "\n" +
		matrix("A kind that needs no setup", false)
	if diff := cmp.Diff(words(string(want)), words(got)); diff != "" {
		t.Errorf("the lifecycle is not the promised one (-promised +is):\n%s", diff)
	}
}

func matrix(title string, needsSetup bool) string {
	var b strings.Builder
	b.WriteString(title + "\n")
	for _, s := range fleet.Statuses() {
		fmt.Fprintf(&b, " %s", s)
	}
	b.WriteString("\n")
	for _, m := range moves() {
		b.WriteString(string(m))
		for _, s := range fleet.Statuses() {
			done := cell(s, m, fleet.Facts{NeedsSetup: needsSetup, IsSetUp: true})
			bare := cell(s, m, fleet.Facts{NeedsSetup: needsSetup})
			if done != bare {
				done += "/" + bare
			}
			b.WriteString(" " + done)
		}
		b.WriteString("\n")
	}
	return b.String()
}

func cell(s fleet.Status, m fleet.Move, f fleet.Facts) string {
	rule, err := fleet.Next(s, m, f)
	if allowed := fleet.Allowed(s, m, f); allowed != (err == nil) {
		return fmt.Sprintf("Allowed=%v, Next=%v", allowed, err)
	}
	switch {
	case err != nil:
		return "-"
	case rule.To == "":
		return "gone"
	}
	return string(rule.To)
}

// words makes one line of each, single-spaced.
func words(s string) (lines []string) {
	for line := range strings.SplitSeq(strings.TrimSpace(s), "\n") {
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	return lines
}

func TestWhatMovesMeanForTheProgram(t *testing.T) {
	want := map[fleet.Move]fleet.RunEffect{
		fleet.MoveSetup: fleet.RunStart, fleet.MoveStart: fleet.RunStart, fleet.MoveResume: fleet.RunStart,
		fleet.MoveVerify:   fleet.RunEnsure,
		fleet.MoveSignedIn: fleet.RunKeep, fleet.MoveChallenged: fleet.RunKeep,
	}
	seen := map[fleet.Move]bool{}
	for _, r := range rules() {
		seen[r.Move] = true
		effect, ok := want[r.Move]
		if !ok {
			effect = fleet.RunStop
		}
		if r.Run != effect {
			t.Errorf("%s: effect %d, want %d", r.Move, r.Run, effect)
		}
		// A program runs where the team wants one: in running, while signing in
		// and while a code is waited for.
		if alive := r.To == fleet.Running || r.To == fleet.AuthInProgress; alive && r.Run == fleet.RunStop || !alive && r.Run == fleet.RunStart {
			t.Errorf("%s to %s has effect %d", r.Move, r.To, r.Run)
		}
	}
	for _, m := range moves() {
		if m != fleet.MoveCreate && !seen[m] {
			t.Errorf("no rule for %s", m)
		}
	}
}

// rules are all moves that some agent can make, by where they lead.
func rules() (list []fleet.Rule) {
	for _, m := range moves() {
		for _, s := range fleet.Statuses() {
			for _, setUp := range []bool{true, false} {
				if r, err := fleet.Next(s, m, fleet.Facts{IsSetUp: setUp}); err == nil {
					list = append(list, r)
				}
			}
		}
	}
	return list
}

func TestRefusalSentences(t *testing.T) {
	for _, c := range []struct {
		move fleet.Move
		from fleet.Status
		want string
	}{
		{fleet.MoveRelaunch, fleet.Running, "Agent can only be relaunched when status is ended"},
		{fleet.MoveRelaunch, fleet.SetupNeeded, "Agent can only be relaunched when status is ended"},
		{fleet.MoveDelete, fleet.Paused, "Agent can only be deleted when status is ended"},
		{fleet.MoveDelete, fleet.Disabled, "Agent can only be deleted when status is ended"},
		{fleet.MoveStart, fleet.Running, "Agent is already running"},
		{fleet.MoveStart, fleet.Ended, "Agent cannot be started when status is ended"},
		{fleet.MoveStart, fleet.SetupNeeded, "Agent cannot be started when status is setup_needed"},
		{fleet.MoveStart, fleet.AuthNeeded, "Agent cannot be started when status is auth_needed"},
		{fleet.MoveStart, fleet.AuthInProgress, "Agent cannot be started when status is auth_in_progress"},
		{fleet.MoveStart, fleet.Disabled, "Agent cannot be started when status is disabled"},
		{fleet.MoveSetup, fleet.Running, "Agent can only be set up when status is setup_needed or auth_needed"},
		{fleet.MoveVerify, fleet.Running, "Agent can only take a code when status is auth_needed"},
		{fleet.MoveResume, fleet.Running, "Agent can only be resumed when status is paused"},
		{fleet.MovePause, fleet.Paused, "Agent can only be paused when status is running"},
		{fleet.MoveEnd, fleet.Ended, "Agent has already ended"},
		{fleet.MoveDisable, fleet.Ended, "Agent cannot be disabled when status is ended"},
		{fleet.MoveEnable, fleet.Running, "Agent can only be enabled when status is disabled"},
		{fleet.MoveSignedIn, fleet.Paused, "The agent is paused; signed_in is not expected now"},
	} {
		_, err := fleet.Next(c.from, c.move, fleet.Facts{NeedsSetup: true})
		known, ok := err.(*fleet.Error)
		if !ok || known.Message != c.want || known.Code != fleet.CodeInvalidStatus || known.CurrentStatus != c.from {
			t.Errorf("%s from %s: %#v, want %q", c.move, c.from, err, c.want)
		}
	}
}

// Whatever is tried in whatever order, a status changes only along the table.
func TestMovesStayInTheTable(t *testing.T) {
	golden, err := os.ReadFile("testdata/lifecycle.txt")
	if err != nil {
		t.Fatal(err)
	}
	promised := edges(string(golden))
	if len(promised) < 20 {
		t.Fatalf("only %d edges in the golden file", len(promised))
	}
	rapid.Check(t, func(t *rapid.T) {
		facts := fleet.Facts{NeedsSetup: rapid.Bool().Draw(t, "needsSetup")}
		at := fleet.SetupNeeded
		for _, m := range rapid.SliceOfN(rapid.SampledFrom(moves()), 1, 60).Draw(t, "moves") {
			rule, err := fleet.Next(at, m, facts)
			if err != nil {
				if fleet.CodeOf(err) != fleet.CodeInvalidStatus {
					t.Fatalf("%s from %s: %v", m, at, err)
				}
				continue
			}
			if !promised[edge{m, at, rule.To}] {
				t.Fatalf("%s led from %s to %q", m, at, rule.To)
			}
			if at = rule.To; at == "" {
				return
			}
			if !at.Valid() {
				t.Fatalf("%s led to the status %q", m, at)
			}
			facts.IsSetUp = facts.IsSetUp && m != fleet.MoveRelaunch || m == fleet.MoveSetup
		}
	})
}

type edge struct {
	move     fleet.Move
	from, to fleet.Status
}

func edges(golden string) map[edge]bool {
	out := map[edge]bool{}
	var columns []fleet.Status
	for line := range strings.SplitSeq(golden, "\n") {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 7:
			columns = nil
			for _, f := range fields {
				columns = append(columns, fleet.Status(f))
			}
		case len(fields) == 8 && !strings.HasPrefix(line, "A kind"):
			for i, to := range fields[1:] {
				for part := range strings.SplitSeq(to, "/") {
					if part == "gone" {
						part = ""
					}
					if part != "-" {
						out[edge{fleet.Move(fields[0]), columns[i], fleet.Status(part)}] = true
					}
				}
			}
		}
	}
	return out
}

func TestStatuses(t *testing.T) {
	words := map[fleet.Status]string{
		fleet.Running: "running", fleet.Paused: "paused", fleet.AuthNeeded: "sign-in needed", fleet.AuthInProgress: "signing in",
		fleet.SetupNeeded: "setup needed", fleet.Disabled: "disabled", fleet.Ended: "ended",
	}
	if len(fleet.Statuses()) != len(words) {
		t.Errorf("%d statuses", len(fleet.Statuses()))
	}
	for _, s := range fleet.Statuses() {
		if s.Word() != words[s] || !s.Valid() {
			t.Errorf("%s: %q, valid %v", s, s.Word(), s.Valid())
		}
	}
	for _, s := range []fleet.Status{"", "RUNNING", "deleted", "active"} {
		if s.Valid() {
			t.Errorf("%q counts as a status", s)
		}
	}
}
