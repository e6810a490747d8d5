package config

import (
	"fmt"
	"slices"
	"strings"
)

// fileSuffix makes the name under which a secret's file is given.
const fileSuffix = "_FILE"

// clientNames are variables with the prefix that are not the server's: the
// command line's, and those that agent programs get.
func clientNames() []string { return []string{"URL", "API_KEY", "RUN_TOKEN"} }

// knownNames returns every name the environment may hold, without prefix.
func knownNames() []string {
	names := []string{configName}
	for _, s := range settings() {
		if s.fileOnly {
			continue
		}
		names = append(names, s.name)
		if s.secret {
			names = append(names, s.name+fileSuffix)
		}
	}
	return names
}

// readEnviron returns the AGENTRY_* variables by name without prefix and
// refuses unknown ones: a mistyped option must not be a silent default.
func readEnviron(environ []string) (map[string]string, error) {
	known, client := knownNames(), clientNames()
	out := map[string]string{}
	for _, entry := range environ {
		key, value, _ := strings.Cut(entry, "=")
		name, ours := strings.CutPrefix(key, envPrefix)
		if !ours || slices.Contains(client, name) {
			continue
		}
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("%s is not an option of agentry; did you mean %s%s?", key, envPrefix, nearest(name, known))
		}
		if value != "" {
			out[name] = value
		}
	}
	return out, nil
}
