package process

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	agentruntime "agentry/internal/runtime"
)

// The names of a run's environment. The first three find its processes again.
const (
	envInstance = "AGENTRY_INSTANCE"
	envAgent    = "AGENTRY_AGENT_ID"
	envRun      = "AGENTRY_RUN"
	envURL      = "AGENTRY_URL"
	envToken    = "AGENTRY_RUN_TOKEN"
)

// builtin as a command's first element is the running binary.
const builtin = "@agentry"

const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// environ is the program's whole environment. A kind may replace PATH, HOME,
// LANG and TZ, and nothing that names the run.
func (d *Driver) environ(spec agentruntime.Spec) []string {
	vars := map[string]string{"PATH": defaultPath, "HOME": spec.Dir, "LANG": "C.UTF-8"}
	for _, name := range []string{"PATH", "LANG", "TZ"} {
		if v := os.Getenv(name); v != "" {
			vars[name] = v
		}
	}
	if isBuiltin(spec) {
		for k, v := range d.builtinEnv {
			vars[k] = v
		}
	}
	for k, v := range spec.Kind.Env {
		vars[k] = v
	}
	delete(vars, envToken)
	if spec.Kind.TokenInEnv && !isBuiltin(spec) {
		vars[envToken] = spec.Token
	}
	vars[envURL] = spec.URL
	vars[envAgent] = string(spec.Run.AgentID)
	vars[envRun] = strconv.FormatInt(spec.Run.Epoch, 10)
	vars[envInstance] = d.instance
	out := make([]string, 0, len(vars))
	for k, v := range vars {
		out = append(out, k+"="+v)
	}
	return out
}

func isBuiltin(spec agentruntime.Spec) bool { return spec.Kind.Command[0] == builtin }

// maxSecrets keeps what is handed over within the smallest pipe the kernel
// makes: nobody reads while it is written.
const maxSecrets = 3 << 10

// secretLines writes NAME=value lines, in the order of their names.
func secretLines(secrets map[string]string) (string, error) {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(secrets)) {
		if strings.ContainsAny(name+secrets[name], "\r\n\x00") {
			return "", fmt.Errorf("process: the secret %s must be one line", name)
		}
		b.WriteString(name + "=" + secrets[name] + "\n")
	}
	if b.Len() > maxSecrets {
		return "", fmt.Errorf("process: the secrets of the built-in program have more than %d bytes together", maxSecrets)
	}
	return b.String(), nil
}

// handover is what a program finds on file descriptor 3; "" is none.
func (d *Driver) handover(spec agentruntime.Spec) string {
	switch {
	case isBuiltin(spec):
		return spec.Token + "\n" + d.secrets
	case spec.Kind.TokenInEnv:
		return ""
	}
	return spec.Token + "\n"
}

// resolve returns the file to execute and its arguments. A name without a
// slash is looked up in the server's PATH.
func resolve(command []string) (path string, argv []string, err error) {
	if len(command) == 0 || command[0] == "" {
		return "", nil, errors.New("process: the kind has no command")
	}
	if command[0] == builtin {
		path, err = os.Executable()
	} else if path, err = exec.LookPath(command[0]); err == nil {
		path, err = filepath.Abs(path)
	}
	if err != nil {
		return "", nil, fmt.Errorf("start %s: %w", command[0], err)
	}
	return path, append([]string{path}, command[1:]...), nil
}

// makeDir makes the run's private folder and tells whether it was not there.
func makeDir(dir string) (made bool, err error) {
	if dir == "" {
		return false, errors.New("process: no working folder")
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return false, fmt.Errorf("process: working folder: %w", err)
	}
	err = os.Mkdir(dir, 0o700)
	if errors.Is(err, fs.ErrExist) {
		return false, os.Chmod(dir, 0o700)
	}
	if err != nil {
		return false, fmt.Errorf("process: working folder: %w", err)
	}
	return true, nil
}
