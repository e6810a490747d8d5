package fleet

import (
	"testing"
	"time"
)

func TestEventMarks(t *testing.T) {
	at := time.Date(2026, 3, 12, 9, 30, 0, 123_000, time.UTC)
	for text, want := range map[string]EventMark{
		"0":                                   {},
		"41":                                  {Seq: 41},
		Event{Seq: 7, At: at}.Mark().String(): {Seq: 7, At: at},
	} {
		got, ok := ParseEventMark(text)
		if !ok || got.Seq != want.Seq || !got.At.Equal(want.At) {
			t.Errorf("%s: %v %v, want %v", text, got, ok, want)
		}
		if got.String() != text {
			t.Errorf("%s is written back as %s", text, got)
		}
	}
	for _, text := range []string{"", "x", "-1", "1-", "1--5", "1-!", "1-0", "1 ", "99999999999999999999"} {
		if got, ok := ParseEventMark(text); ok {
			t.Errorf("%q is read as %v", text, got)
		}
	}
}
