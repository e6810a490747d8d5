package eliza

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"agentry/internal/fleet"
)

// marker is the key of a character's settings under which the names of what
// agentry set are kept, so that it can take back what is no longer set here
// and leaves alone what somebody set there.
const marker = "agentry"

// character is what agentry says of an agent there: fields of the character
// itself and its settings.
type character struct {
	fields   map[string]any
	settings map[string]any
}

// shape is what a field of a character must look like, and what it is when
// nothing is set. A change of an existing agent is not checked there, so it is
// here.
type shape struct {
	empty any
	what  string
	fits  func(v any) bool
}

// shapes are the fields that an agent's settings may set directly; every other
// setting becomes one of the character's settings.
func shapes() map[string]shape {
	texts := shape{[]string{}, "a list of texts", func(v any) bool { _, ok := textsOf(v); return ok }}
	list := shape{[]any{}, "a list", func(v any) bool { _, ok := v.([]any); return ok }}
	object := shape{map[string]any{}, "an object", func(v any) bool { _, ok := v.(map[string]any); return ok }}
	text := shape{"", "a text", func(v any) bool { _, ok := v.(string); return ok }}
	return map[string]shape{
		"plugins": texts, "topics": texts, "adjectives": texts, "postExamples": texts,
		"messageExamples": list, "knowledge": list, "style": object, "username": text,
	}
}

// numbers are settings by which the server knows what start calls temperature
// and maxTokens.
func numbers() map[string]string {
	return map[string]string{"temperature": "DEFAULT_TEMPERATURE", "maxTokens": "DEFAULT_MAX_TOKENS"}
}

// newCharacter lays an agent's name and settings out as the server wants them.
// The error names the setting that cannot be used.
func newCharacter(name string, from fleet.Settings) (character, error) {
	c := character{fields: map[string]any{"name": name}, settings: map[string]any{}}
	bio, err := bioOf(name, from)
	if err != nil {
		return c, err
	}
	c.fields["bio"] = bio
	if c.fields["system"], err = text(from, "system"); err != nil {
		return c, err
	}
	known, alias := shapes(), numbers()
	for key, v := range from {
		s, direct := known[key]
		switch {
		case key == "secrets":
			return c, errors.New("the setting secrets cannot be used: settings are readable for the whole team; put secrets into the ElizaOS server's environment")
		case key == "system", key == "bio", key == "persona", key == "name", key == "rules", key == marker:
		case direct && !s.fits(v):
			return c, fmt.Errorf("the setting %s must be %s", key, s.what)
		case direct:
			c.fields[key] = v
		default:
			c.settings[key] = v
			if other := alias[key]; other != "" {
				c.settings[other] = v
			}
		}
	}
	return c, nil
}

// bioOf is never empty: the server asks for it.
func bioOf(name string, from fleet.Settings) ([]string, error) {
	var bio []string
	if v, given := from["bio"]; given && v != nil {
		list, ok := textsOf(v)
		if one, isText := v.(string); isText {
			list, ok = []string{one}, true
		}
		if !ok {
			return nil, errors.New("the setting bio must be a text or a list of texts")
		}
		bio = append(bio, list...)
	}
	persona, err := text(from, "persona")
	if err != nil {
		return nil, err
	}
	bio = append(bio, persona)
	bio = slices.DeleteFunc(bio, func(s string) bool { return strings.TrimSpace(s) == "" })
	if len(bio) == 0 {
		bio = []string{name}
	}
	return bio, nil
}

func text(from fleet.Settings, key string) (string, error) {
	v, given := from[key]
	s, ok := v.(string)
	if given && v != nil && !ok {
		return "", fmt.Errorf("the setting %s must be a text", key)
	}
	return s, nil
}

func textsOf(v any) ([]string, bool) {
	if list, ok := v.([]string); ok {
		return list, true
	}
	list, ok := v.([]any)
	if !ok {
		return nil, false
	}
	out := make([]string, len(list))
	for i, item := range list {
		if out[i], ok = item.(string); !ok {
			return nil, false
		}
	}
	return out, true
}

// names lists what the character sets beside name, bio and system.
func (c character) names() map[string]bool {
	out := map[string]bool{}
	for key := range c.fields {
		if _, direct := shapes()[key]; direct {
			out[key] = true
		}
	}
	for key := range c.settings {
		out[key] = true
	}
	return out
}

// body is the character as a whole, for a new agent (id in lower case) or, with
// id "", for a change of one. Whatever the server merges, the marker grows.
func (c character) body(id string) map[string]any {
	out := maps.Clone(c.fields)
	settings := maps.Clone(c.settings)
	settings[marker] = c.names()
	out["settings"] = settings
	if id != "" {
		out["id"] = id
	}
	return out
}

// leftovers is a change that takes back what was set by agentry before (the
// marker in the server's answer) and is not any more; nil when there is none.
func (c character) leftovers(marked map[string]json.RawMessage) map[string]any {
	now, known := c.names(), shapes()
	settings, unmarked, out := map[string]any{}, map[string]any{}, map[string]any{}
	for key := range marked {
		if now[key] {
			continue
		}
		unmarked[key] = nil
		if s, direct := known[key]; direct {
			out[key] = s.empty
		} else {
			settings[key] = nil
		}
	}
	if len(unmarked) == 0 {
		return nil
	}
	settings[marker] = unmarked
	out["settings"] = settings
	return out
}

// same tells whether two characters say the same.
func (c character) same(other character) bool {
	a, errA := json.Marshal(c.body(""))
	b, errB := json.Marshal(other.body(""))
	return errA == nil && errB == nil && string(a) == string(b)
}
