package ui

import (
	"strings"
	"testing"
	"time"
)

func TestTimeLeft(t *testing.T) {
	for _, c := range []struct {
		over, total int
		took, want  time.Duration
	}{
		{0, 200, time.Minute, 0},
		{50, 200, time.Minute, 3 * time.Minute},
		{200, 200, time.Minute, 0},
		{201, 200, time.Minute, 0},
		{5, 10, 0, 0},
		{99_999, 100_000, 24 * time.Hour, 864 * time.Millisecond},
	} {
		if got := TimeLeft(c.over, c.total, c.took); got.Round(time.Millisecond) != c.want {
			t.Errorf("TimeLeft(%d, %d, %v) = %v, want %v", c.over, c.total, c.took, got, c.want)
		}
	}
}

func TestProgressSaysWhatItDraws(t *testing.T) {
	for _, c := range []struct {
		p      Progress
		spoken string
		wide   []int
	}{
		{Progress{}, "Counting", nil},
		{Progress{Total: 200}, "0 of 200", nil},
		{Progress{Total: 200, Done: 100, Left: 90 * time.Second}, "100 of 200, about 1 min left", []int{500}},
		{Progress{Total: 200, Done: 125, Failed: 3, Skipped: 12, Note: "stopped by Ada"}, "140 of 200, 3 failed, 12 skipped, stopped by Ada", []int{625, 15, 60}},
		{Progress{Total: 200, Done: 197, Failed: 3}, "200 of 200, 3 failed, all over", []int{985, 15}},
		{Progress{Total: 10_000, Done: 9_999, Failed: 1}, "10,000 of 10,000, 1 failed, all over", []int{999, 1}},
		{Progress{Total: 10_000, Failed: 1}, "1 of 10,000, 1 failed", []int{4}},
		{Progress{Total: 1, Done: 3}, "1 of 1, all over", []int{1000}},
	} {
		if got := c.p.spoken(); got != c.spoken {
			t.Errorf("%+v is spoken %q, want %q", c.p, got, c.spoken)
		}
		at := 0
		parts := c.p.parts()
		if len(parts) != len(c.wide) {
			t.Errorf("%+v has %d parts, want %d", c.p, len(parts), len(c.wide))
			continue
		}
		for i, part := range parts {
			if part.x != at || part.wide != c.wide[i] {
				t.Errorf("%+v: part %d is %d at %d, want %d at %d", c.p, i, part.wide, part.x, c.wide[i], at)
			}
			at += part.wide
		}
	}
}

func TestProgressBarIsOne(t *testing.T) {
	var out strings.Builder
	if err := ProgressBar(Progress{Label: "Relaunching 200 agents", Total: 200, Done: 125, Failed: 3}).Render(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`role="progressbar"`, `aria-valuenow="128"`, `aria-valuemax="200"`, `aria-label="Relaunching 200 agents"`, `128 of 200 · 3 failed`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %s in %s", want, &out)
		}
	}
	out.Reset()
	if err := ProgressBar(Progress{Label: "Counting"}).Render(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "aria-valuenow") {
		t.Errorf("a bar that does not know its length has a value: %s", &out)
	}
}
