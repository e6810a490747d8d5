package main_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// peers is where the programs of ElizaOS are that these tests run.
const peers = "../../internal/runtime/eliza/testdata/peers/node_modules"

// peer returns a file of theirs.
func peer(t testing.TB, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(peers, pattern))
	must(t, err)
	if len(found) == 0 {
		t.Fatalf("%s is missing: run make peers", pattern)
	}
	path, err := filepath.Abs(found[0])
	must(t, err)
	return path
}

// The published client of ElizaOS 1.7.2 calls everything that it has for
// agents, sessions and the server; testdata/eliza says what must come back.
func TestElizaClient(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	out, err := exec.CommandContext(ctx, "node", filepath.Join("testdata", "eliza", "client.mjs"),
		peer(t, "@elizaos/api-client/dist/index.js"), w.url, w.key, w.foreign().key, w.keyOf("", "read").key).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if n := strings.Count("\n"+string(out), "\nok "); n != 96 {
		t.Errorf("%d calls were as they must be, not 96:\n%s", n, out)
	}
}

// elizaos runs the published command line of ElizaOS 1.7.2 on agents.
type elizaos struct {
	t        *testing.T
	bun, cli string
	dir      string
	url      string
	env      []string
}

// run returns what it writes and its exit code.
func (e elizaos) run(args ...string) (string, int) {
	e.t.Helper()
	ctx, cancel := context.WithTimeout(e.t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, e.bun, append([]string{e.cli, "agent"}, append(args, "-r", e.url)...)...)
	cmd.Dir = e.dir
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + e.dir, "NO_COLOR=1"}, e.env...)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		e.t.Fatalf("elizaos agent %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// says fails unless it exits with the code and writes the words.
func (e elizaos) says(code int, words string, args ...string) string {
	e.t.Helper()
	out, got := e.run(args...)
	if got != code || !strings.Contains(out, words) {
		e.t.Errorf("elizaos agent %s: exit %d, want %d with %q\n%s", strings.Join(args, " "), got, code, words, out)
	}
	return out
}

func TestElizaCommandLine(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	e := elizaos{t, peer(t, "@oven/bun-*/bin/bun"), peer(t, "@elizaos/cli/dist/index.js"), t.TempDir(), w.url, []string{"ELIZAOS_API_KEY=" + w.key}}
	must(t, os.WriteFile(filepath.Join(e.dir, "toy.json"), []byte(`{"name":"Toy","bio":["a toy"],"settings":{"model":"m"}}`), 0o600))

	e.says(1, "Unable to connect", "list", "--auth-token", "sekret")
	e.says(0, "Agent Toy started successfully!", "start", "--path", "toy.json")
	var list []struct{ Name, ID, Status string }
	out := e.says(0, `"Toy"`, "list", "--json", "--auth-token", w.key)
	from := strings.Index(out, "[")
	if from < 0 || json.NewDecoder(strings.NewReader(out[from:])).Decode(&list) != nil || len(list) != 1 || list[0].Name != "Toy" || list[0].Status != "active" {
		t.Fatalf("%+v is listed, want Toy alone and active\n%s", list, out)
	}
	id := list[0].ID
	w.becomes(id, "running", "up")
	e.says(0, "Successfully updated configuration for agent "+id, "set", "-n", "toy", "-c", `{"bio":["another toy"],"system":"s"}`)
	e.says(0, "Saved agent configuration", "get", "-n", id, "-o", "saved")
	var saved map[string]any
	raw, err := os.ReadFile(filepath.Join(e.dir, "saved.json"))
	must(t, err)
	must(t, json.Unmarshal(raw, &saved))
	if bio, _ := saved["bio"].([]any); len(bio) != 1 || bio[0] != "another toy" || saved["system"] != "s" || saved["name"] != "Toy" {
		t.Errorf("saved as %s", raw)
	}
	for range 2 {
		e.says(0, "Agent Toy stopped successfully!", "stop", "-n", "Toy")
		w.becomes(id, "paused", "")
	}
	e.says(0, "Agent Toy started successfully!", "start", "--path", "saved.json")
	w.becomes(id, "running", "up")
	e.says(1, "Agent can only be deleted when status is ended", "remove", "-n", "0")
	w.act(id, "end", "")
	e.says(0, "Successfully removed agent Toy", "remove", "-n", "Toy")
	w.want(404, "-", "GET", "/v1/agents/"+id, "")
}
