package app

import (
	"fmt"
	"testing"
	"time"
)

// An address under attack cannot be crowded out by many others, and what is
// remembered is bounded.
func TestGuessesAreNotCrowdedOut(t *testing.T) {
	t.Parallel()
	g, now := newGuesses(), time.Hour
	for range maxGuesses {
		if !g.admit("target", now) {
			t.Fatal("refused too early")
		}
	}
	for i := range maxGuessed + 500 {
		if !g.admit(fmt.Sprint("other ", i), now+time.Second) {
			t.Fatal("another address is refused")
		}
	}
	if g.admit("target", now+2*time.Second) {
		t.Error("the target may be guessed again")
	}
	if len(g.seen) > maxGuessed {
		t.Errorf("%d addresses are remembered", len(g.seen))
	}
	if !g.admit("target", now+guessWindow+time.Second) {
		t.Error("the target is refused for ever")
	}
}
