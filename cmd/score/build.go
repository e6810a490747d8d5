package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// builds are the program as it is and with faults that can be seeded, each
// built when first asked for.
type builds struct {
	dir  string
	made map[string]bool
}

func (b *builds) binary(ctx context.Context, faults bool) (string, error) {
	name, tags := "agentry", ""
	if faults {
		name, tags = "agentry-faults", "faults"
	}
	path := filepath.Join(b.dir, name)
	if b.made[path] {
		return path, nil
	}
	top, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("cannot find the module: %w", err)
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-tags", tags, "-ldflags", "-X main.version=score", "-o", path, "./cmd/agentry")
	cmd.Dir = filepath.Dir(strings.TrimSpace(string(top)))
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0") // as make build does
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("cannot build the program: %w\n%s", err, out)
	}
	if b.made == nil {
		b.made = map[string]bool{}
	}
	b.made[path] = true
	return path, nil
}
