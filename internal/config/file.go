package config

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"agentry/internal/fleet"

	"github.com/pelletier/go-toml/v2"
)

// document is what a configuration file says.
type document struct {
	// values holds options by name in the form of the environment.
	values map[string]string
	kinds  map[string]fleet.Kind
}

// readFile reads the TOML file; an empty path is an empty document.
func readFile(path string) (document, error) {
	if path == "" {
		return document{}, nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return document{}, fmt.Errorf("the configuration file cannot be read: %w", err)
	}
	doc, err := parseDocument(b)
	if err != nil {
		return document{}, fmt.Errorf("%s: %w", path, err)
	}
	return doc, nil
}

func parseDocument(b []byte) (document, error) {
	var tree map[string]any
	if err := toml.Unmarshal(b, &tree); err != nil {
		return document{}, positioned(err)
	}
	doc := document{values: map[string]string{}, kinds: map[string]fleet.Kind{}}
	known := fileKeys()
	for _, key := range sortedKeys(tree) {
		var err error
		switch {
		case key == kindsKey:
			doc.kinds, err = parseKinds(tree[key])
		case !slices.Contains(known, key):
			err = unknownKey(key, known)
		default:
			doc.values[strings.ToUpper(key)], err = plain(key, tree[key])
		}
		if err != nil {
			return document{}, err
		}
	}
	return doc, nil
}

// fileKeys returns every key the file may hold at its top.
func fileKeys() []string {
	keys := []string{kindsKey}
	for _, s := range settings() {
		keys = append(keys, s.fileKey())
		if s.secret {
			keys = append(keys, strings.ToLower(s.name+fileSuffix))
		}
	}
	return keys
}

// plain writes a TOML value as the text that the environment would hold.
func plain(key string, value any) (string, error) {
	switch v := value.(type) {
	case string:
		return v, nil
	case bool:
		return strconv.FormatBool(v), nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case []any:
		items, err := texts(key, v)
		if slices.ContainsFunc(items, func(s string) bool { return strings.Contains(s, ",") }) {
			return "", fmt.Errorf("%s: an item must not contain a comma", key)
		}
		return strings.Join(items, ","), err
	}
	return "", fmt.Errorf("%s: must be a text, a whole number, true, false or a list of texts", key)
}

func unknownKey(key string, known []string) error {
	return fmt.Errorf("%s: is not a key of the configuration; did you mean %s?", key, nearest(key, known))
}

// positioned says where the file is not TOML, without quoting it: the line may
// hold a secret.
func positioned(err error) error {
	var decode *toml.DecodeError
	if !errors.As(err, &decode) {
		return err
	}
	row, column := decode.Position()
	return fmt.Errorf("line %d, column %d: %w", row, column, err)
}
