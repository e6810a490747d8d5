package config

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"

	"agentry/internal/fleet"
)

// maxSecretFile is more than any token or key is long.
const maxSecretFile = 64 * 1024

// Flags remembers which options the command line set.
type Flags struct {
	given map[string]string
}

// Register adds the options' flags to fs and returns what collects them. With
// names (in the form of the environment, without prefix: "DATA", "CONFIG") it
// adds those alone, for commands that need few; the environment and the file
// count for all options all the same.
func Register(fs *flag.FlagSet, names ...string) *Flags {
	f := &Flags{given: map[string]string{}}
	add := func(s setting) {
		if s.fileOnly || (len(names) > 0 && !slices.Contains(names, s.name)) {
			return
		}
		doc := s.doc
		if s.fallback != "" && !s.isBool {
			doc += " (default " + s.fallback + ")"
		}
		keep := func(value string) error {
			f.given[s.name] = value
			return s.set(&Config{}, value)
		}
		if s.isBool {
			fs.BoolFunc(s.flagName(), doc, keep)
			return
		}
		fs.Func(s.flagName(), doc, keep)
	}
	add(setting{name: configName, doc: "TOML `file` of options and kinds", set: func(*Config, string) error { return nil }})
	for _, s := range settings() {
		if s.secret {
			s = s.asFile()
		}
		add(s)
	}
	return f
}

// asFile is the NAME_FILE option of a secret, as a flag.
func (s setting) asFile() setting {
	return setting{
		name: s.name + fileSuffix, doc: "`file` that holds the " + s.doc,
		set: func(*Config, string) error { return nil },
	}
}

// Load makes the configuration of the flags that were parsed, the environment
// (as of os.Environ; empty variables count as not set), the file and the
// defaults. presets, by the names of Register, come before the defaults and
// after everything else. Errors are one sentence that names the option's source.
func (f *Flags) Load(environ []string, presets map[string]string) (Config, error) {
	env, err := readEnviron(environ)
	if err != nil {
		return Config{}, err
	}
	path := f.given[configName]
	if path == "" {
		path = env[configName]
	}
	doc, err := readFile(path)
	if err != nil {
		return Config{}, err
	}
	layers := []layer{
		{f.given, func(name string) string { return "--" + setting{name: name}.flagName() }},
		{env, func(name string) string { return envPrefix + name }},
		{doc.values, func(name string) string { return path + ": " + strings.ToLower(name) }},
		{presets, func(name string) string { return "preset " + name }},
	}
	cfg := Config{Kinds: shippedKinds()}
	for name, kind := range doc.kinds {
		cfg.Kinds[name] = kind
	}
	for _, s := range settings() {
		if err := apply(&cfg, s, layers); err != nil {
			return Config{}, err
		}
	}
	cfg.resolve()
	return cfg, cfg.check()
}

// layer is one source of options by name, and how it calls them.
type layer struct {
	values map[string]string
	title  func(name string) string
}

// apply sets the option from the first layer that has it.
func apply(c *Config, s setting, layers []layer) error {
	for _, l := range layers {
		name, value, found, err := l.find(s)
		if err == nil && found {
			err = s.set(c, value)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", l.title(name), err)
		}
		if found && name != s.name {
			s.from(c, l.values[name])
		}
		if found {
			return nil
		}
	}
	return s.set(c, s.fallback)
}

// find returns the layer's value of the option, of a secret also from its file.
func (l layer) find(s setting) (name, value string, found bool, err error) {
	value, found = l.values[s.name]
	if !s.secret {
		return s.name, value, found, nil
	}
	name = s.name + fileSuffix
	path, asFile := l.values[name]
	switch {
	case found && asFile:
		return name, "", true, fmt.Errorf("give %s or %s, not both", l.title(s.name), l.title(name))
	case asFile:
		value, err = readSecret(path)
		return name, value, true, err
	}
	return s.name, value, found, nil
}

// readSecret returns the file's text without the line end.
func readSecret(path string) (string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	value := strings.TrimRight(string(b), "\r\n")
	if value == "" || len(value) > maxSecretFile || strings.ContainsAny(value, "\r\n\x00") {
		return "", fmt.Errorf("%s must hold the secret on one line and nothing else", path)
	}
	return value, nil
}

// shippedKinds are there without a file; a kind of the same name in the file
// takes the place of the whole.
func shippedKinds() map[string]fleet.Kind {
	return map[string]fleet.Kind{
		"assistant": {
			Name: "assistant", Driver: driverProcess, Command: []string{"@agentry", "agent"},
			Restart: fleet.DefaultRestart(), Grace: fleet.DefaultGrace, Limits: fleet.ProgramLimits{Pids: fleet.DefaultPids},
		},
		"rehearsal": {
			Name: "rehearsal", Driver: driverProcess, Command: []string{"@agentry", "agent", "--rehearse"},
			Setup: fleet.SetupFields(), Profile: fleet.NeedOptional, Proxy: fleet.NeedOptional,
			Restart: fleet.DefaultRestart(), Grace: fleet.DefaultGrace, Limits: fleet.ProgramLimits{Pids: fleet.DefaultPids},
		},
	}
}
