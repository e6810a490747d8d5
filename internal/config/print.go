package config

import (
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
)

const redacted = "[secret]"

// Secret is a text that prints, logs and encodes as "[secret]", or as nothing
// when it is empty.
type Secret struct {
	text string
	path string // of the file it came from, "" for none
}

// NewSecret wraps a text.
func NewSecret(text string) Secret { return Secret{text: text} }

// Reveal returns the text: for the call that needs it, never for print.
func (s Secret) Reveal() string { return s.text }

// Reread returns the text of a secret's file as it is now, and the text itself
// of a secret that came from no file. The error holds no part of it.
func (s Secret) Reread() (string, error) {
	if s.path == "" {
		return s.text, nil
	}
	return readSecret(s.path)
}

// IsSet tells whether there is a text.
func (s Secret) IsSet() bool { return s.text != "" }

// String is "[secret]", or "" when nothing is set.
func (s Secret) String() string {
	if s.IsSet() {
		return redacted
	}
	return ""
}

// Format prints String for every verb.
func (s Secret) Format(f fmt.State, _ rune) { io.WriteString(f, s.String()) }

// LogValue is String.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText is String, so that no encoder shows the text.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// String shows every option as name=value, one a line, without secrets. Of the
// kinds it shows the names: their environment may hold secrets.
func (c Config) String() string {
	var b strings.Builder
	for _, s := range settings() {
		fmt.Fprintf(&b, "%s=%s\n", s.fileKey(), s.show(c))
	}
	fmt.Fprintf(&b, "kinds=%s\n", strings.Join(c.kindNames(), ","))
	return b.String()
}

// Format prints String for every verb.
func (c Config) Format(f fmt.State, _ rune) { io.WriteString(f, c.String()) }

// LogValue groups what String shows.
func (c Config) LogValue() slog.Value {
	var attrs []slog.Attr
	for _, s := range settings() {
		attrs = append(attrs, slog.String(s.fileKey(), s.show(c)))
	}
	return slog.GroupValue(append(attrs, slog.String("kinds", strings.Join(c.kindNames(), ",")))...)
}

// MarshalText is String, so that no encoder shows more.
func (c Config) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

func (c Config) kindNames() []string { return slices.Sorted(maps.Keys(c.Kinds)) }
