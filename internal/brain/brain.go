// Package brain is the built-in agent program: it lives by the runtime
// protocol alone, as a program in any other language would, and shares no code
// with the server but the protocol's client. It answers messages by a language
// model where the host names one, else by rules in the agent's settings, and
// rehearses tasks by writing what it would do.
package brain

import (
	"fmt"
	"log/slog"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	// maxRules and maxPattern (bytes) bound what settings may ask of it.
	maxRules   = 100
	maxPattern = 500
	// maxReply is how long a reply may be, in bytes.
	maxReply = 32 << 10
)

// defaultReply answers what no rule does.
const (
	defaultReply        = "Hello, this is {name}. Your message has arrived; I know no answer to it."
	defaultReplyPersona = "Hello, this is {name}, {persona}. Your message has arrived; I know no answer to it."
)

// Rules answer messages: the first pattern that matches gives the reply.
type Rules struct {
	list    []rule
	persona string
}

type rule struct {
	pattern *regexp.Regexp
	reply   string
}

// NewRules reads the settings "rules", a list of objects with a "pattern" (a
// regular expression of Go, matched anywhere in the text) and a "reply", and
// "persona", a few words that the replies may use. What cannot be used is
// skipped and logged.
func NewRules(settings map[string]any, log *slog.Logger) *Rules {
	r := &Rules{}
	if s, ok := settings["persona"].(string); ok {
		r.persona = strings.TrimSpace(s)
	}
	if settings["rules"] == nil {
		return r
	}
	list, ok := settings["rules"].([]any)
	if !ok {
		log.Warn("the setting rules is no list")
	}
	for i, item := range list {
		if len(r.list) == maxRules {
			log.Warn("there are too many rules", "used", maxRules)
			break
		}
		one, err := newRule(item)
		if err != nil {
			log.Warn("a rule is skipped", "rule", i+1, "error", err)
			continue
		}
		r.list = append(r.list, one)
	}
	return r
}

func newRule(item any) (rule, error) {
	fields, _ := item.(map[string]any)
	pattern, ok1 := fields["pattern"].(string)
	reply, ok2 := fields["reply"].(string)
	if !ok1 || !ok2 || reply == "" {
		return rule{}, fmt.Errorf("it needs a pattern and a reply")
	}
	if len(pattern) > maxPattern {
		return rule{}, fmt.Errorf("its pattern is longer than %d bytes", maxPattern)
	}
	compiled, err := regexp.Compile(pattern)
	if err != nil {
		return rule{}, err
	}
	return rule{pattern: compiled, reply: reply}, nil
}

// Reply answers a message to the agent of the name. In a template {text} is
// the message, {name} and {persona} are the agent's, {1} to {9} what the
// pattern's groups matched. It is never empty and at most maxReply bytes.
func (r *Rules) Reply(name, text string) string {
	template, groups := defaultReply, []string(nil)
	if r.persona != "" {
		template = defaultReplyPersona
	}
	for _, one := range r.list {
		if groups = one.pattern.FindStringSubmatch(text); groups != nil {
			template = one.reply
			break
		}
	}
	pairs := []string{"{text}", text, "{name}", name, "{persona}", r.persona}
	for i := 1; i <= 9; i++ {
		value := ""
		if i < len(groups) {
			value = groups[i]
		}
		pairs = append(pairs, "{"+strconv.Itoa(i)+"}", value)
	}
	out := cut(strings.NewReplacer(pairs...).Replace(template), maxReply)
	if strings.TrimSpace(out) == "" {
		return "…"
	}
	return out
}

// cut shortens s to at most n bytes without splitting a character.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
