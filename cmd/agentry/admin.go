package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strings"

	"agentry/internal/app"
	"agentry/internal/config"
	"agentry/internal/fleet"
)

// onFolder is a command on a data folder: its flags, and whether it prints JSON.
type onFolder struct {
	fs    *flag.FlagSet
	flags *config.Flags
	json  *bool
	io    streams
}

// initName is the one command on a folder that may make it.
const initName = "init"

func newOnFolder(name string, io streams) onFolder {
	fs := flag.NewFlagSet(name, flag.ContinueOnError)
	return onFolder{fs, config.Register(fs, "DATA", "CONFIG", "MASTER_KEY_FILE"), fs.Bool("json", false, "print JSON"), io}
}

// do parses the flags, opens the folder and runs f with a printer for its
// result: values by name, in JSON or one a line.
func (o onFolder) do(ctx context.Context, args []string, f func(h *installation) ([]string, error)) error {
	if err := parse(o.fs, args, o.io); err != nil {
		return err
	}
	c, err := o.flags.Load(os.Environ(), nil)
	if err != nil {
		return usageError(err, o.io)
	}
	if _, err := os.Stat(databaseIn(c.Data)); o.fs.Name() != initName && errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no installation in %s: make one with agentry init, or name its folder with --data", c.Data)
	}
	h, err := openInstallation(ctx, c, vendors{}, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		return err
	}
	result, err := f(h)
	if err = errors.Join(err, h.Close()); err != nil {
		return err
	}
	return o.print(result)
}

// print writes pairs of name and value.
func (o onFolder) print(pairs []string) error {
	if *o.json {
		values := map[string]string{}
		for i := 0; i+1 < len(pairs); i += 2 {
			values[pairs[i]] = pairs[i+1]
		}
		return json.NewEncoder(o.io.out).Encode(values)
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		fmt.Fprintf(o.io.out, "%s: %s\n", pairs[i], pairs[i+1])
	}
	return nil
}

func initTeam(ctx context.Context, args []string, io streams) error {
	o := newOnFolder(initName, io)
	team, email := o.fs.String("team", "", "name of the team"), o.fs.String("email", "", "e-mail of the owner")
	name, file := o.fs.String("name", "", "name of the owner"), o.fs.String("password-file", "", "file with the password; - is standard input")
	return o.do(ctx, args, func(h *installation) ([]string, error) {
		password, err := readPassword(*file, io.in)
		if err != nil {
			return nil, err
		}
		teamID, userID, key, err := h.app.InitTeam(ctx, app.FirstRunInput{TeamName: *team, Name: *name, Email: *email, Password: password})
		return []string{"teamId", string(teamID), "userId", string(userID), "apiKey", key}, err
	})
}

func addTeam(ctx context.Context, args []string, io streams) error {
	o := newOnFolder("admin team add", io)
	name := o.fs.String("name", "", "name of the team")
	return o.do(ctx, args, func(h *installation) ([]string, error) {
		t, err := h.app.AddTeam(ctx, *name)
		return []string{"teamId", string(t.ID)}, err
	})
}

func addMember(ctx context.Context, args []string, io streams) error {
	o := newOnFolder("admin member add", io)
	team, email := o.fs.String("team", "", "id of the team"), o.fs.String("email", "", "e-mail of the member")
	role, name := o.fs.String("role", "", "viewer, operator, admin or owner"), o.fs.String("name", "", "name of the member")
	file := o.fs.String("password-file", "", "file with the password; - is standard input")
	return o.do(ctx, args, func(h *installation) ([]string, error) {
		password, err := readPassword(*file, io.in)
		if err != nil {
			return nil, err
		}
		id, err := h.app.AddMember(ctx, fleet.TeamID(*team), app.MemberInput{Email: *email, Name: *name, Password: password, Role: fleet.Role(*role)})
		return []string{"userId", string(id)}, err
	})
}

func setPassword(ctx context.Context, args []string, io streams) error {
	o := newOnFolder("admin member password", io)
	email, file := o.fs.String("email", "", "e-mail of the person"), o.fs.String("password-file", "", "file with the new password; - is standard input")
	return o.do(ctx, args, func(h *installation) ([]string, error) {
		password, err := readPassword(*file, io.in)
		if err != nil {
			return nil, err
		}
		id, err := h.app.SetPassword(ctx, *email, password)
		return []string{"userId", string(id)}, err
	})
}

func addKey(ctx context.Context, args []string, io streams) error {
	o := newOnFolder("admin key add", io)
	team, scope := o.fs.String("team", "", "id of the team"), o.fs.String("scope", "read", "read, operate, delete or admin")
	name := o.fs.String("name", "", "what the key is for")
	return o.do(ctx, args, func(h *installation) ([]string, error) {
		k, key, err := h.app.AddKey(ctx, fleet.TeamID(*team), app.KeyInput{Name: *name, Scope: fleet.Scope(*scope)})
		return []string{"keyId", k.ID, "apiKey", key}, err
	})
}

func seed(ctx context.Context, args []string, io streams) error {
	o := newOnFolder("admin seed", io)
	team := o.fs.String("team", "", "id of the team")
	in := app.SeedInput{}
	o.fs.IntVar(&in.Agents, "agents", 100, "how many agents")
	o.fs.IntVar(&in.Running, "running", 0, "how many of them are to run when the server starts")
	o.fs.Uint64Var(&in.Seed, "seed", 1, "the same seed makes the same mix")
	return o.do(ctx, args, func(h *installation) ([]string, error) {
		n, err := h.app.Seed(ctx, fleet.TeamID(*team), in)
		return []string{"agents", fmt.Sprint(n)}, err
	})
}

// readPassword reads the first line of a file, or of standard input for "-".
func readPassword(file string, in io.Reader) (string, error) {
	switch file {
	case "":
		return "", fleet.Invalid("password-file", "is missing: name a file, or - for standard input")
	case "-":
	default:
		f, err := os.Open(file)
		if err != nil {
			return "", fmt.Errorf("cannot read the password: %w", err)
		}
		defer f.Close()
		in = f
	}
	line, err := bufio.NewReader(io.LimitReader(in, 1<<16)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("cannot read the password: %w", err)
	}
	return strings.TrimRight(line, "\r\n"), nil
}
