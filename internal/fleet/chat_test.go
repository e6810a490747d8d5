package fleet

import (
	"testing"
	"time"
)

func TestChatEnds(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 1, 14, 9, 0, 0, 0, time.UTC)
	at := func(minutes int) time.Time { return start.Add(time.Duration(minutes) * time.Minute) }
	for _, c := range []struct {
		what    string
		timeout ChatTimeout
		touched []int // minutes
		ends    int
		renewed bool // by the last touch
	}{
		{"left alone", DefaultChatTimeout(), nil, 30, false},
		{"renewed", DefaultChatTimeout(), []int{20}, 50, true},
		{"renewed twice", DefaultChatTimeout(), []int{20, 40}, 70, true},
		{"near its longest", ChatTimeout{Minutes: 30, AutoRenew: true, MaxMinutes: 45}, []int{20}, 45, true},
		{"at its longest", ChatTimeout{Minutes: 30, AutoRenew: true, MaxMinutes: 45}, []int{20, 45}, 45, false},
		{"that does not renew itself", ChatTimeout{Minutes: 30, MaxMinutes: 60}, []int{20}, 30, false},
		{"longer than it may", ChatTimeout{Minutes: 90, MaxMinutes: 60}, nil, 60, false},
	} {
		chat, renewed := Chat{CreatedAt: start, ActiveAt: start}.Retimed(c.timeout), false
		for _, m := range c.touched {
			chat, renewed = chat.Touched(at(m))
		}
		if !chat.ExpiresAt.Equal(at(c.ends)) || renewed != c.renewed {
			t.Errorf("%s: ends %s, renewed %v; want minute %d, %v", c.what, chat.ExpiresAt, renewed, c.ends, c.renewed)
		}
		if !chat.Open(at(c.ends-1)) || chat.Open(at(c.ends)) || chat.Left(at(c.ends+1)) != 0 {
			t.Errorf("%s: open and left are wrong", c.what)
		}
	}
	chat := Chat{CreatedAt: start, ActiveAt: start}.Retimed(DefaultChatTimeout())
	if chat.NearEnd(at(24)) || !chat.NearEnd(at(25)) || chat.NearEnd(at(30)) {
		t.Error("near its end is wrong")
	}
	fixed := Chat{CreatedAt: start, ActiveAt: start}.Retimed(ChatTimeout{Minutes: 30, MaxMinutes: 60})
	if fixed, ok := fixed.Renewed(at(20)); !ok || !fixed.ExpiresAt.Equal(at(50)) || fixed.Renewals != 1 {
		t.Errorf("renewed by hand: %+v", fixed)
	}
}

func TestChatTimeoutApply(t *testing.T) {
	t.Parallel()
	number := func(n float64) *float64 { return &n }
	no := false
	for _, c := range []struct {
		change ChatTimeoutChange
		want   ChatTimeout
	}{
		{ChatTimeoutChange{}, ChatTimeout{30, true, 720, 5}},
		{ChatTimeoutChange{Minutes: number(60), MaxMinutes: number(90), WarnMinutes: number(10), AutoRenew: &no}, ChatTimeout{60, false, 90, 10}},
		{ChatTimeoutChange{Minutes: number(1), MaxMinutes: number(1), WarnMinutes: number(0)}, ChatTimeout{5, true, 5, 1}},
		{ChatTimeoutChange{Minutes: number(1e300), MaxMinutes: number(1e300), WarnMinutes: number(-1e300)}, ChatTimeout{1440, true, 2880, 1}},
	} {
		if got := DefaultChatTimeout().Apply(c.change); got != c.want {
			t.Errorf("%+v, want %+v", got, c.want)
		}
	}
}

func TestReplyID(t *testing.T) {
	t.Parallel()
	a, b := ReplyID("a"), ReplyID("b")
	if _, ok := ParseID(a); !ok || a == b || a != ReplyID("a") || a[14] != '8' {
		t.Error(a, b)
	}
}
