package fleet

import "testing"

func TestCharacterSettings(t *testing.T) {
	t.Parallel()
	texts, number := []any{"a", "b"}, 1.0
	for _, c := range []struct {
		what      string
		character map[string]any
		field     string // that is wrong, "" for none
	}{
		{"nothing", map[string]any{}, ""},
		{"bio as a text", map[string]any{"bio": "x"}, ""},
		{"bio as texts", map[string]any{"bio": texts}, ""},
		{"bio as a number", map[string]any{"bio": number}, "bio"},
		{"username as texts", map[string]any{"username": texts}, "username"},
		{"system as a number", map[string]any{"system": number}, "system"},
		{"topics as a text", map[string]any{"topics": "x"}, "topics"},
		{"adjectives of numbers", map[string]any{"adjectives": []any{number}}, "adjectives"},
		{"style of a text", map[string]any{"style": map[string]any{"all": "x"}}, "style"},
		{"style of texts", map[string]any{"style": map[string]any{"all": texts}}, ""},
		{"examples that are flat", map[string]any{"messageExamples": []any{map[string]any{}}}, "messageExamples"},
		{"examples", map[string]any{"messageExamples": []any{[]any{map[string]any{"name": "x", "content": texts}}}}, ""},
		{"examples of texts", map[string]any{"messageExamples": []any{texts}}, "messageExamples"},
		{"knowledge of anything", map[string]any{"knowledge": []any{"x", map[string]any{}}}, ""},
		{"knowledge as an object", map[string]any{"knowledge": map[string]any{}}, "knowledge"},
		{"templates of numbers", map[string]any{"templates": map[string]any{"t": number}}, "templates"},
		{"plugins, lore and posts", map[string]any{"plugins": texts, "lore": texts, "postExamples": texts}, ""},
		{"settings as a list", map[string]any{"settings": texts}, "settings"},
		{"a field among the settings", map[string]any{"settings": map[string]any{"bio": "x"}}, "settings.bio"},
	} {
		_, err := CharacterSettings(c.character)
		known, _ := err.(*Error)
		if (c.field == "") != (err == nil) || c.field != "" && known.Fields[c.field] == "" {
			t.Errorf("%s: %v", c.what, err)
		}
	}
}

func TestCharacterKeepsNoSecret(t *testing.T) {
	t.Parallel()
	list, err := CharacterSettings(map[string]any{"secrets": map[string]any{"a": "b"}, "bio": nil, "name": "x", "settings": map[string]any{"secrets": "c", "model": "m"}})
	if err != nil || len(list) != 2 || list[0] != (Setting{Key: "bio"}) || list[1] != (Setting{Key: "model", Value: "m"}) {
		t.Errorf("%v, %v", list, err)
	}
	fields, others := Settings{"secrets": "old", "bio": "b", "model": "m"}.Character()
	if len(fields) != 1 || fields["bio"] != "b" || len(others) != 1 || others["model"] != "m" {
		t.Errorf("%v, %v", fields, others)
	}
}

func TestBio(t *testing.T) {
	t.Parallel()
	for want, bio := range map[string]any{"text": "text", "first": []any{"first", "second"}, "": []any{}} {
		if got := (Settings{"bio": bio}).Bio(); got != want {
			t.Errorf("%v: %q", bio, got)
		}
	}
	if got := (Settings{"bio": []any{1}}).Bio() + (Settings{}).Bio(); got != "" {
		t.Error(got)
	}
}
