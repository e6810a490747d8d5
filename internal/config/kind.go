package config

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"agentry/internal/fleet"
)

const (
	kindsKey      = "kinds"
	driverProcess = fleet.DriverProcess
	driverElizaOS = fleet.DriverElizaOS
)

// kindKey is one key of a kind's table. driver names the only driver it is
// for, or is empty.
type kindKey struct {
	key    string
	driver string
	set    func(k *fleet.Kind, at string, value any) error
}

func kindKeys() []kindKey {
	return []kindKey{
		{"driver", "", setText(func(k *fleet.Kind) *string { return &k.Driver }, oneOf(driverProcess, driverElizaOS))},
		{"setup", driverProcess, setSetup},
		{"profile", driverProcess, setNeed(func(k *fleet.Kind) *fleet.Need { return &k.Profile })},
		{"proxy", driverProcess, setNeed(func(k *fleet.Kind) *fleet.Need { return &k.Proxy })},
		{"command", driverProcess, setCommand},
		{"env", driverProcess, setEnv},
		{"token", driverProcess, setToken},
		{"restart", "", setRestart},
		{"grace", "", setGrace},
		{"limits", driverProcess, setLimits},
		{"url", driverElizaOS, setText(func(k *fleet.Kind) *string { return &k.URL }, parseURL)},
		{"api_key_file", driverElizaOS, setText(func(k *fleet.Kind) *string { return &k.APIKeyFile }, parseNotEmpty)},
	}
}

func parseKinds(value any) (map[string]fleet.Kind, error) {
	table, err := tableOf(kindsKey, value)
	if err != nil {
		return nil, err
	}
	out := map[string]fleet.Kind{}
	for _, name := range sortedKeys(table) {
		if out[name], err = parseKind(name, table[name]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func parseKind(name string, value any) (fleet.Kind, error) {
	at := kindsKey + "." + name
	if !regexp.MustCompile(`^[a-z][a-z0-9_-]{0,31}$`).MatchString(name) {
		return fleet.Kind{}, fmt.Errorf("%s: a kind's name is 1 to 32 of a-z, 0-9, - and _, a letter first", at)
	}
	table, err := tableOf(at, value)
	if err != nil {
		return fleet.Kind{}, err
	}
	kind := fleet.Kind{Name: name, Restart: fleet.DefaultRestart(), Grace: fleet.DefaultGrace}
	keys := kindKeys()
	if err := refuseUnknown(at, table, names(keys)); err != nil {
		return fleet.Kind{}, err
	}
	for _, k := range keys {
		value, given := table[k.key]
		if !given {
			continue
		}
		if k.driver != "" && k.driver != kind.Driver && kind.Driver != "" {
			return fleet.Kind{}, fmt.Errorf("%s.%s: is for the driver %s, not %s", at, k.key, k.driver, kind.Driver)
		}
		if err := k.set(&kind, at+"."+k.key, value); err != nil {
			return fleet.Kind{}, err
		}
	}
	if kind.Driver == driverProcess && kind.Limits.Pids == 0 {
		kind.Limits.Pids = fleet.DefaultPids
	}
	return kind, checkKind(at, kind)
}

func checkKind(at string, k fleet.Kind) error {
	switch {
	case k.Driver == "":
		return fmt.Errorf("%s: driver is missing; it is %s or %s", at, driverProcess, driverElizaOS)
	case k.Driver == driverProcess && len(k.Command) == 0:
		return fmt.Errorf("%s: command is missing", at)
	case k.Driver == driverElizaOS && k.URL == "":
		return fmt.Errorf("%s: url is missing", at)
	}
	return nil
}

func names(keys []kindKey) []string {
	out := make([]string, len(keys))
	for i, k := range keys {
		out[i] = k.key
	}
	return out
}

// refuseUnknown says which key of the table is not known, by its full path.
func refuseUnknown(at string, table map[string]any, known []string) error {
	for _, key := range sortedKeys(table) {
		if !slices.Contains(known, key) {
			return unknownKey(at+"."+key, prefixed(at+".", known))
		}
	}
	return nil
}

func prefixed(prefix string, items []string) []string {
	out := make([]string, len(items))
	for i, item := range items {
		out[i] = prefix + item
	}
	return out
}

func tableOf(at string, value any) (map[string]any, error) {
	table, ok := value.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%s: must be a table", at)
	}
	return table, nil
}

func texts(at string, value any) ([]string, error) {
	list, ok := value.([]any)
	if !ok {
		return nil, fmt.Errorf("%s: must be a list of texts", at)
	}
	out := make([]string, len(list))
	for i, item := range list {
		if out[i], ok = item.(string); !ok || strings.ContainsRune(out[i], 0) {
			return nil, fmt.Errorf("%s: item %d must be a text", at, i+1)
		}
	}
	return out, nil
}

func sortedKeys(table map[string]any) []string { return slices.Sorted(maps.Keys(table)) }
