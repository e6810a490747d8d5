package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"agentry/internal/fleet"
)

// streams are where a command reads and writes.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// The exit codes.
const (
	exitDone       = 0
	exitFailed     = 1
	exitUsage      = 2
	exitNotAllowed = 4
	exitNotFound   = 5
	exitStatus     = 6
)

// command is one word, or two, of the command line.
type command struct {
	name, args, help string
	run              func(ctx context.Context, args []string, io streams) error
}

func commands() []command {
	return []command{
		{"serve", "[--data DIR] [--addr HOST:PORT] [--config FILE]", "run the server", serve},
		{"demo", "[--addr HOST:PORT]", "run the server on a throw-away folder with a realistic team", demo},
		{"init", "--data DIR --team NAME --email E --password-file F|- [--json]", "make the first team, its owner and an API key", initTeam},
		{"admin team add", "--data DIR --name N [--json]", "add a team", addTeam},
		{"admin member add", "--data DIR --team ID --email E --role R --password-file F|- [--json]", "add a member", addMember},
		{"admin member password", "--data DIR --email E --password-file F|- [--json]", "replace a forgotten password; it signs the person out everywhere", setPassword},
		{"admin key add", "--data DIR --team ID --scope S --name N [--json]", "add an API key", addKey},
		{"admin seed", "--data DIR --team ID --agents N [--running N] [--seed N] [--json]", "fill a team with a realistic mix and history", seed},
		{"agent", "[--rehearse]", "the built-in agent program; a server starts it", builtinAgent},
		{"version", "", "print the version", printVersion},
	}
}

// errUsage means that the command line was wrong; what is right has been said.
var errUsage = errors.New("usage")

// run does what the command line says and returns the exit code.
func run(ctx context.Context, args []string, io streams) int {
	cmd, rest := find(args)
	if cmd == nil {
		return usage(args, io)
	}
	return exitCode(cmd.run(ctx, rest, io), io)
}

// find takes the longest command name that the arguments begin with.
func find(args []string) (*command, []string) {
	for n := min(3, len(args)); n > 0; n-- {
		for _, c := range commands() {
			if c.name == strings.Join(args[:n], " ") {
				return &c, args[n:]
			}
		}
	}
	return nil, nil
}

func usage(args []string, io streams) int {
	out, code := io.err, exitUsage
	if len(args) > 0 && (args[0] == "help" || args[0] == "-h" || args[0] == "--help") {
		out, code = io.out, exitDone
	} else if len(args) > 0 {
		fmt.Fprintf(out, "agentry: there is no command %q\n\n", strings.Join(args, " "))
	}
	fmt.Fprintln(out, "agentry runs a team's fleet of agents.")
	fmt.Fprintln(out)
	for _, c := range commands() {
		fmt.Fprintf(out, "  agentry %s %s\n        %s\n", c.name, c.args, c.help)
	}
	return code
}

func exitCode(err error, io streams) int {
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return exitDone
	}
	if errors.Is(err, errUsage) {
		return exitUsage
	}
	var exit exitError
	if errors.As(err, &exit) {
		return int(exit)
	}
	var known *fleet.Error
	if !errors.As(err, &known) {
		fmt.Fprintln(io.err, "agentry:", err)
		return exitFailed
	}
	fmt.Fprintln(io.err, "agentry:", known.Message)
	switch known.Code {
	case fleet.CodeForbidden, fleet.CodeProtected:
		return exitNotAllowed
	case fleet.CodeNotFound:
		return exitNotFound
	case fleet.CodeInvalidStatus:
		return exitStatus
	case fleet.CodeValidation:
		return exitUsage
	}
	return exitFailed
}

// exitError ends the program with a code that was explained already.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit %d", int(e)) }

// parse reads a command's flags and refuses what is left over.
func parse(fs *flag.FlagSet, args []string, io streams) error {
	fs.SetOutput(io.err)
	err := fs.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return err
	case err != nil:
		return errUsage
	case fs.NArg() > 0:
		fmt.Fprintf(io.err, "agentry %s: unexpected %q\n", fs.Name(), fs.Arg(0))
		return errUsage
	}
	return nil
}

func printVersion(_ context.Context, args []string, io streams) error {
	if err := parse(flag.NewFlagSet("version", flag.ContinueOnError), args, io); err != nil {
		return err
	}
	fmt.Fprintln(io.out, "agentry", version)
	return nil
}
