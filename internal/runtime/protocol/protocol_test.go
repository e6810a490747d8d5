package protocol

import (
	"context"
	"testing"
	"time"
)

func TestPausesGrowAndKeepTheirBounds(t *testing.T) {
	c, err := New(Options{URL: "http://127.0.0.1:1", Token: "t"})
	if err != nil {
		t.Fatal(err)
	}
	for n := range 100 {
		pause, again := c.pause(n, context.DeadlineExceeded)
		most := min(100*time.Millisecond<<min(n, 20), 10*time.Second)
		if !again || pause < most/2 || pause > most {
			t.Errorf("pause %d is %v of %v", n, pause, most)
		}
	}
	if pause, again := c.pause(0, &Refusal{Status: 429, After: 30 * time.Second}); !again || pause != 30*time.Second {
		t.Errorf("Retry-After: %v %v", pause, again)
	}
	if _, again := c.pause(0, &Refusal{Status: 422}); again {
		t.Error("a refused call is repeated")
	}
}

func TestAddressesAndTokensThatCannotWork(t *testing.T) {
	for _, o := range []Options{{}, {URL: "http://x"}, {URL: "x", Token: "t"}, {URL: "ftp://x", Token: "t"}} {
		if _, err := New(o); err == nil {
			t.Errorf("%+v is taken", o)
		}
	}
}
