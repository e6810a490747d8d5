package brain

import (
	"log/slog"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func ruleOf(pattern, reply any) any {
	return map[string]any{"pattern": pattern, "reply": reply}
}

func TestRules(t *testing.T) {
	list := []any{
		ruleOf(`(?i)price of (\w+)`, "{name}: {1} costs 10, {2}you said “{text}”"),
		ruleOf(`^who`, "I am {name}, {persona}"),
		ruleOf(`braces`, "{unknown} {text}"),
		ruleOf(`blank`, " {1} "),
	}
	r := NewRules(map[string]any{"rules": list, "persona": " a helper "}, slog.New(slog.DiscardHandler))
	for text, want := range map[string]string{
		"The PRICE of tea?": "Ann: tea costs 10, you said “The PRICE of tea?”",
		"who are you":       "I am Ann, a helper",
		"braces {name}":     "{unknown} braces {name}",
		"blank":             "…",
		"hello":             "Hello, this is Ann, a helper. Your message has arrived; I know no answer to it.",
	} {
		if got := r.Reply("Ann", text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestBadRulesAreSkipped(t *testing.T) {
	var logged syncBuffer
	log := slog.New(slog.NewTextHandler(&logged, nil))
	list := []any{
		ruleOf("(", "x"), ruleOf(1, "x"), ruleOf("a", nil), ruleOf("a", ""), "text", nil,
		ruleOf(strings.Repeat("a", maxPattern+1), "x"), ruleOf("(a{1000}){1000}", "x"), ruleOf("good", "yes"),
	}
	r := NewRules(map[string]any{"rules": list}, log)
	if got := r.Reply("Ann", "good"); got != "yes" {
		t.Errorf("reply %q", got)
	}
	if n := strings.Count(logged.String(), "a rule is skipped"); n != 8 {
		t.Errorf("%d lines:\n%s", n, logged.String())
	}
	NewRules(map[string]any{"rules": "text"}, log)
	if !strings.Contains(logged.String(), "the setting rules is no list") {
		t.Error("no word about rules that are no list")
	}
	var many []any
	for range maxRules + 50 {
		many = append(many, ruleOf("never", "x"))
	}
	if r := NewRules(map[string]any{"rules": many}, log); len(r.list) != maxRules {
		t.Errorf("%d rules", len(r.list))
	}
}

func TestDefaultReply(t *testing.T) {
	r := NewRules(nil, slog.New(slog.DiscardHandler))
	if got := r.Reply("Ann", "hi"); got != "Hello, this is Ann. Your message has arrived; I know no answer to it." {
		t.Errorf("reply %q", got)
	}
}

func TestRepliesKeepTheirBounds(t *testing.T) {
	list := []any{ruleOf("", strings.Repeat("{text}", 50))}
	r := NewRules(map[string]any{"rules": list}, slog.New(slog.DiscardHandler))
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Repeat(rapid.String().Draw(t, "text"), rapid.IntRange(0, 400).Draw(t, "times"))
		got := r.Reply("Ann", text)
		if got == "" || len(got) > maxReply || !utf8.ValidString(got) {
			t.Fatalf("a reply of %d bytes", len(got))
		}
	})
}
