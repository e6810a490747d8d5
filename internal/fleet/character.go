package fleet

import "slices"

// A character is how ElizaOS describes who an agent is: fields with known
// names and free settings beside them. An agent keeps it in its settings, each
// field under its own name, so that its program reads it there.

// characterField is one of the fields, with what its value must be.
type characterField struct {
	name string
	word string
	fits func(v any) bool
}

func characterFields() []characterField {
	return []characterField{
		{"username", "a text", isText},
		{"system", "a text", isText},
		{"bio", "a text or a list of texts", func(v any) bool { return isText(v) || isTexts(v) }},
		{"lore", "a list of texts", isTexts},
		{"topics", "a list of texts", isTexts},
		{"adjectives", "a list of texts", isTexts},
		{"style", "an object of lists of texts", func(v any) bool { return isObjectOf(v, isTexts) }},
		{"messageExamples", "a list of conversations", isConversations},
		{"postExamples", "a list of texts", isTexts},
		{"knowledge", "a list", isList},
		{"plugins", "a list of texts", isTexts},
		{"templates", "an object of texts", func(v any) bool { return isObjectOf(v, isText) }},
	}
}

// secrets is where a character may carry keys and passwords. They are never
// taken: what an agent may know in secret is given to it at its setup.
const secrets = "secrets"

// CharacterSettings are the changes of settings that lay a character, or a
// part of one, over an agent's. A field that is null is removed; fields that
// are not a character's, its id and name among them, are left out, and so are
// secrets.
func CharacterSettings(character map[string]any) ([]Setting, error) {
	var list []Setting
	for _, f := range characterFields() {
		v, given := character[f.name]
		if !given {
			continue
		}
		if v != nil && !f.fits(v) {
			return nil, Invalid(f.name, "must be %s", f.word)
		}
		list = append(list, Setting{Key: f.name, Value: v})
	}
	free, ok := character["settings"].(map[string]any)
	if character["settings"] != nil && !ok {
		return nil, Invalid("settings", "must be an object")
	}
	for name, v := range free {
		if isCharacterField(name) {
			return nil, Invalid("settings."+name, "is a field of the character itself, not one of its settings")
		}
		if name != secrets {
			list = append(list, Setting{Key: name, Value: v})
		}
	}
	return list, nil
}

// Character takes the settings apart again: the fields of the character that
// are set, and all others.
func (s Settings) Character() (fields map[string]any, others Settings) {
	fields, others = map[string]any{}, Settings{}
	for name, v := range s {
		switch {
		case isCharacterField(name):
			fields[name] = v
		case name != secrets:
			others[name] = v
		}
	}
	return fields, others
}

// Bio is the setting of that name as one text: a text, or the first of a list.
func (s Settings) Bio() string {
	switch bio := s["bio"].(type) {
	case string:
		return bio
	case []any:
		if len(bio) > 0 {
			first, _ := bio[0].(string)
			return first
		}
	}
	return ""
}

func isCharacterField(name string) bool {
	return slices.ContainsFunc(characterFields(), func(f characterField) bool { return f.name == name })
}

func isText(v any) bool {
	_, ok := v.(string)
	return ok
}

func isList(v any) bool {
	_, ok := v.([]any)
	return ok
}

func isTexts(v any) bool { return isListOf(v, isText) }

func isConversations(v any) bool {
	isObject := func(v any) bool { return isObjectOf(v, func(any) bool { return true }) }
	return isListOf(v, func(v any) bool { return isListOf(v, isObject) })
}

func isListOf(v any, fits func(any) bool) bool {
	list, ok := v.([]any)
	return ok && !slices.ContainsFunc(list, func(v any) bool { return !fits(v) })
}

func isObjectOf(v any, fits func(any) bool) bool {
	object, ok := v.(map[string]any)
	for _, v := range object {
		ok = ok && fits(v)
	}
	return ok
}
