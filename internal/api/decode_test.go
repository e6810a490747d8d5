package api

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
)

type sample struct {
	Name   string         `json:"name"`
	Count  int            `json:"count"`
	On     bool           `json:"on"`
	Tags   []string       `json:"tags"`
	Until  *Stamp         `json:"until"`
	Zone   *Zone          `json:"zone"`
	Free   map[string]any `json:"free"`
	Nested struct {
		Inner int `json:"inner"`
	} `json:"nested"`
}

func TestDecodeNamesWhatIsWrong(t *testing.T) {
	for _, tt := range []struct{ name, body, field, text string }{
		{"unknown field", `{"nmae":"x"}`, "nmae", "is not a field of this call"},
		{"unknown field inside", `{"nested":{"x":1}}`, "x", "is not a field of this call"},
		{"text for a number", `{"count":"3"}`, "count", "must be a whole number"},
		{"fraction for a whole number", `{"count":1.5}`, "count", "must be a whole number"},
		{"number for text", `{"name":3}`, "name", "must be text"},
		{"text for a switch", `{"on":"yes"}`, "on", "must be true or false"},
		{"text for a list", `{"tags":"a"}`, "tags", "must be a list"},
		{"number in a list of texts", `{"tags":[1]}`, "tags", "must be text"},
		{"wrong type inside", `{"nested":{"inner":"x"}}`, "nested.inner", "must be a whole number"},
		{"no time", `{"until":"tomorrow"}`, "until", `must be a time such as "2026-01-31T09:00:00Z"`},
		{"a number for a time", `{"until":3}`, "until", `must be a time such as "2026-01-31T09:00:00Z"`},
		{"a time without end", `{"until":"9999-12-31T23:59:59-12:00"}`, "until", `must be a time such as "2026-01-31T09:00:00Z"`},
		{"two objects", `{} {}`, "body", "must be one JSON object and nothing after it"},
		{"rubbish behind", `{}x`, "body", "must be one JSON object and nothing after it"},
		{"list", `[]`, "body", "must be a JSON object"},
		{"null", `null`, "body", "must be a JSON object"},
		{"text", `"x"`, "body", "must be a JSON object"},
		{"cut off", `{"name":`, "body", "must be valid JSON"},
		{"rubbish", `hello`, "body", "must be a JSON object"},
		{"not UTF-8", "{\"name\":\"\xff\"}", "body", "must be valid UTF-8"},
		{"huge number", `{"free":{"a":1e999}}`, "free", "must be a number"},
		{"deep lists", `{"free":{"a":` + strings.Repeat("[", 500_000) + `}}`, "body", "is nested too deeply"},
		{"deep objects", strings.Repeat(`{"free":`, 100) + `1` + strings.Repeat(`}`, 100), "body", "is nested too deeply"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var into sample
			var field *FieldError
			err := Decode([]byte(tt.body), &into)
			if !errors.As(err, &field) {
				t.Fatalf("got %v, want a field error", err)
			}
			if field.Field != tt.field || field.Text != tt.text {
				t.Errorf("got %q %q, want %q %q", field.Field, field.Text, tt.field, tt.text)
			}
		})
	}
}

func TestDecodeAccepts(t *testing.T) {
	for _, body := range []string{
		"", " \r\n", `{}`, `{"name":"a","name":"b"}`, `{"name":"[[[[{{{{\"["}`, `{"name":null}`, `{"zone":"Europe/Paris"}`, `{"zone":2}`,
		`{"until":"2026-01-31T09:00:00+02:00"}`,
	} {
		var into sample
		if err := Decode([]byte(body), &into); err != nil {
			t.Errorf("%q: %v", body, err)
		}
	}
	var into sample
	if err := DecodeLax([]byte(`{"name":"b","more":1}`), &into); err != nil || into.Name != "b" {
		t.Errorf("lax: %v, %q", err, into.Name)
	}
}

func TestTimeOnTheWire(t *testing.T) {
	at := time.Date(2026, 1, 31, 10, 0, 0, 123_999_000, time.FixedZone("", 3600))
	for want, in := range map[string]Time{`"2026-01-31T09:00:00.123Z"`: At(at), "null": {}} {
		if got, err := json.Marshal(in); err != nil || string(got) != want {
			t.Errorf("got %s, %v, want %s", got, err, want)
		}
	}
}

func TestZoneRoundTrip(t *testing.T) {
	for _, text := range []string{`"UTC"`, `-5`} {
		var z Zone
		if err := json.Unmarshal([]byte(text), &z); err != nil {
			t.Fatal(err)
		}
		if got, err := json.Marshal(z); err != nil || string(got) != text {
			t.Errorf("got %s, %v, want %s", got, err, text)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{`{}`, `{"name":1}`, `{"until":"x"}`, `{"a":[{}]}`, "{\"name\":\"\xff\"}", `{"zone":{}}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var into sample
		var field *FieldError
		if err := Decode(body, &into); err != nil && !errors.As(err, &field) {
			t.Fatalf("%q: %v is no field error", body, err)
		}
	})
}
