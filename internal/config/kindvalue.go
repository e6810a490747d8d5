package config

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"agentry/internal/fleet"
)

// maxWait bounds every duration of a kind.
const maxWait = 24 * time.Hour

func setText(field func(*fleet.Kind) *string, parse func(string) (string, error)) func(*fleet.Kind, string, any) error {
	return func(k *fleet.Kind, at string, value any) error {
		s, err := textOf(at, value)
		if err != nil {
			return err
		}
		if s, err = parse(s); err != nil {
			return fmt.Errorf("%s: %w", at, err)
		}
		*field(k) = s
		return nil
	}
}

func setNeed(field func(*fleet.Kind) *fleet.Need) func(*fleet.Kind, string, any) error {
	return func(k *fleet.Kind, at string, value any) error {
		words := map[string]fleet.Need{"none": fleet.NeedNone, "optional": fleet.NeedOptional, "required": fleet.NeedRequired}
		word, _ := value.(string)
		need, ok := words[word]
		if !ok {
			return fmt.Errorf("%s: must be none, optional or required", at)
		}
		*field(k) = need
		return nil
	}
}

func setSetup(k *fleet.Kind, at string, value any) (err error) {
	if k.Setup, err = texts(at, value); err != nil {
		return err
	}
	known := fleet.SetupFields()
	for i, field := range k.Setup {
		if !slices.Contains(known, field) {
			return fmt.Errorf("%s: %q is not one of %s", at, field, strings.Join(known, ", "))
		}
		if slices.Contains(k.Setup[:i], field) {
			return fmt.Errorf("%s: %q stands there twice", at, field)
		}
	}
	return nil
}

func setCommand(k *fleet.Kind, at string, value any) (err error) {
	if k.Command, err = texts(at, value); err != nil {
		return err
	}
	if len(k.Command) == 0 || k.Command[0] == "" {
		return fmt.Errorf("%s: must name a program first", at)
	}
	return nil
}

// setEnv refuses the names through which a program finds its server: those are
// set for each run.
func setEnv(k *fleet.Kind, at string, value any) error {
	table, err := tableOf(at, value)
	if err != nil {
		return err
	}
	k.Env = map[string]string{}
	for _, name := range sortedKeys(table) {
		if !regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`).MatchString(name) {
			return fmt.Errorf("%s: %q is not the name of an environment variable", at, name)
		}
		if bare, ours := strings.CutPrefix(name, envPrefix); ours && slices.Contains(clientNames(), bare) {
			return fmt.Errorf("%s: %s is set for each run and cannot be given", at, name)
		}
		if k.Env[name], err = textOf(at+"."+name, table[name]); err != nil {
			return err
		}
	}
	return nil
}

func setToken(k *fleet.Kind, at string, value any) error {
	if value != "fd" && value != "env" {
		return fmt.Errorf("%s: must be fd (descriptor 3) or env (AGENTRY_RUN_TOKEN)", at)
	}
	k.TokenInEnv = value == "env"
	return nil
}

func setRestart(k *fleet.Kind, at string, value any) error {
	table, err := tableOf(at, value)
	if err != nil {
		return err
	}
	if err := refuseUnknown(at, table, []string{"backoff", "give_up_after", "within"}); err != nil {
		return err
	}
	if v, given := table["backoff"]; given {
		if k.Restart.BackoffMin, k.Restart.BackoffMax, err = rangeOf(at+".backoff", v); err != nil {
			return err
		}
	}
	if v, given := table["give_up_after"]; given {
		n, err := countOf(at+".give_up_after", v, 1000)
		if err != nil {
			return err
		}
		k.Restart.GiveUpAfter = int(n)
	}
	if v, given := table["within"]; given {
		k.Restart.Within, err = durationOf(at+".within", v)
	}
	return err
}

func setGrace(k *fleet.Kind, at string, value any) (err error) {
	k.Grace, err = durationOf(at, value)
	return err
}

func setLimits(k *fleet.Kind, at string, value any) error {
	table, err := tableOf(at, value)
	if err != nil {
		return err
	}
	if err := refuseUnknown(at, table, []string{"memory", "pids", "output"}); err != nil {
		return err
	}
	if v, given := table["memory"]; given {
		if k.Limits.MemoryBytes, err = sizeOf(at+".memory", v, "", "512MiB"); err != nil {
			return err
		}
	}
	if v, given := table["pids"]; given {
		n, err := countOf(at+".pids", v, math.MaxInt32)
		if err != nil {
			return err
		}
		k.Limits.Pids = int(n)
	}
	if v, given := table["output"]; given {
		k.Limits.OutputBytesPerMinute, err = sizeOf(at+".output", v, "/min", "1MiB/min")
	}
	return err
}

func textOf(at string, value any) (string, error) {
	s, ok := value.(string)
	if !ok || strings.ContainsRune(s, 0) {
		return "", fmt.Errorf("%s: must be a text", at)
	}
	return s, nil
}

func countOf(at string, value any, most int64) (int64, error) {
	n, ok := value.(int64)
	if !ok || n < 1 || n > most {
		return 0, fmt.Errorf("%s: must be a whole number from 1 to %d", at, most)
	}
	return n, nil
}

func durationOf(at string, value any) (time.Duration, error) {
	s, _ := value.(string)
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 || d > maxWait {
		return 0, fmt.Errorf("%s: %q is not a time like 10s or 5m, at most %s", at, fmt.Sprint(value), "24h")
	}
	return d, nil
}

// rangeOf reads "1s..60s": a shortest and a longest wait.
func rangeOf(at string, value any) (shortest, longest time.Duration, err error) {
	s, _ := value.(string)
	low, high, ok := strings.Cut(s, "..")
	if !ok {
		return 0, 0, fmt.Errorf("%s: %q is not a range like 1s..60s", at, fmt.Sprint(value))
	}
	if shortest, err = durationOf(at, low); err != nil {
		return 0, 0, err
	}
	if longest, err = durationOf(at, high); err != nil {
		return 0, 0, err
	}
	if shortest > longest {
		return 0, 0, fmt.Errorf("%s: %s is longer than %s", at, low, high)
	}
	return shortest, longest, nil
}

// sizeOf reads a whole number with a unit and the suffix: 512MiB, 1MiB/min.
func sizeOf(at string, value any, suffix, example string) (int64, error) {
	units := map[string]int64{
		"B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30,
	}
	s, _ := value.(string)
	m := regexp.MustCompile(`^([1-9][0-9]{0,15})(B|KB|MB|GB|KiB|MiB|GiB)` + suffix + `$`).FindStringSubmatch(s)
	if m == nil {
		return 0, fmt.Errorf("%s: %q is not a size like %s", at, fmt.Sprint(value), example)
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil || n > math.MaxInt64/units[m[2]] {
		return 0, fmt.Errorf("%s: %q is too large", at, s)
	}
	return n * units[m[2]], nil
}
