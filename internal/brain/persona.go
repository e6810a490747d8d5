package brain

import (
	"fmt"
	"log/slog"
	"math"
	"strings"

	"agentry/internal/brain/llm"
	"agentry/internal/runtime/protocol"
)

const (
	// maxCharacter bounds what settings may say of who the agent is, in bytes.
	maxCharacter = 32 << 10
	// maxMaxTokens bounds the length of an answer.
	maxMaxTokens = 1_000_000
)

// character is who answers and how, as the agent's settings say: "system" and
// "persona" are texts, "bio" a text or a list of texts, "model" another model
// than the host's, "temperature" 0 to 2, "maxTokens" the greatest length of an
// answer. What cannot be used is left out and logged.
type character struct {
	name        string
	system      string
	model       string
	temperature *float64
	maxTokens   int
}

func newCharacter(name, model string, settings map[string]any, log *slog.Logger) character {
	c := character{name: name, model: model}
	if text := setText(settings, "model", log); text != "" {
		c.model = text
	}
	if v, ok := number(settings, "temperature", 0, 2, log); ok {
		c.temperature = &v
	}
	if v, ok := number(settings, "maxTokens", 1, maxMaxTokens, log); ok {
		c.maxTokens = int(v)
	}
	parts := []string{setText(settings, "system", log)}
	if parts[0] == "" {
		parts[0] = "You answer the messages that people write to you: helpfully, briefly and truthfully."
	}
	parts = append(parts, "Your name is "+name+".")
	if text := setText(settings, "persona", log); text != "" {
		parts = append(parts, "You are "+strings.TrimSuffix(text, ".")+".")
	}
	if text := bio(settings, log); text != "" {
		parts = append(parts, "About you:\n"+text)
	}
	c.system = cut(strings.Join(parts, "\n\n"), maxCharacter)
	return c
}

func setText(settings map[string]any, name string, log *slog.Logger) string {
	v, given := settings[name]
	text, ok := v.(string)
	if given && v != nil && !ok {
		log.Warn("a setting is left out: it is no text", "setting", name)
	}
	return strings.TrimSpace(text)
}

func bio(settings map[string]any, log *slog.Logger) string {
	list, ok := settings["bio"].([]any)
	if !ok {
		return setText(settings, "bio", log)
	}
	var lines []string
	for _, v := range list {
		if text, _ := v.(string); strings.TrimSpace(text) != "" {
			lines = append(lines, "- "+strings.TrimSpace(text))
		}
	}
	return strings.Join(lines, "\n")
}

func number(settings map[string]any, name string, least, most float64, log *slog.Logger) (float64, bool) {
	v, given := settings[name]
	n, ok := v.(float64)
	if !given || v == nil {
		return 0, false
	}
	if !ok || n < least || n > most || least == 1 && n != math.Trunc(n) {
		log.Warn("a setting is left out: it is no number that can be used", "setting", name, "from", least, "to", most)
		return 0, false
	}
	return n, true
}

// prompt asks for the reply to a text after what was said before it. Texts
// that got no reply are joined with the next, because roles have to alternate.
func (c character) prompt(history []protocol.Turn, text string) llm.Prompt {
	p := llm.Prompt{Model: c.model, Temperature: c.temperature, MaxTokens: c.maxTokens}
	p.Messages = []llm.Message{{Role: "system", Content: c.system}}
	open := ""
	for _, turn := range history {
		open = join(open, turn.Text)
		if turn.Reply != "" && open != "" {
			p.Messages = append(p.Messages, llm.Message{Role: "user", Content: open}, llm.Message{Role: "assistant", Content: turn.Reply})
			open = ""
		}
	}
	p.Messages = append(p.Messages, llm.Message{Role: "user", Content: join(open, text)})
	return p
}

func join(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return fmt.Sprint(a, "\n\n", b)
}
