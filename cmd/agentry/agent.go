package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"

	"agentry/internal/brain"
)

// How a server tells the built-in agent program of the model: the address and
// the model's name in the environment, where a kind's env may name others; the
// key beside the run token.
const (
	envLLMBaseURL = "AGENTRY_LLM_BASE_URL"
	envLLMModel   = "AGENTRY_LLM_MODEL"
	secretLLMKey  = "LLM_API_KEY"
)

// builtinAgent runs the built-in agent program for one run. It is started by a
// server, which passes the address and the run token.
func builtinAgent(ctx context.Context, args []string, io streams) error {
	fs := flag.NewFlagSet("agent", flag.ContinueOnError)
	rehearse := fs.Bool("rehearse", false, "sign in nowhere, and do tasks by writing what would be done")
	if err := parse(fs, args, io); err != nil {
		return err
	}
	if err := harden(); err != nil {
		return err
	}
	given, err := brain.ReadHandover(os.Getenv)
	if err != nil {
		fmt.Fprintln(io.err, "agentry agent:", err)
		return errUsage
	}
	o := brain.Options{URL: os.Getenv("AGENTRY_URL"), Token: given.Token, Rehearse: *rehearse, Log: agentLogger(io)}
	if base := os.Getenv(envLLMBaseURL); base != "" && !*rehearse { // which touches nothing outside
		o.LLM = &brain.LLM{BaseURL: base, Model: os.Getenv(envLLMModel), Key: given.Secrets[secretLLMKey]}
	}
	code := brain.Run(ctx, o)
	if code != exitDone {
		return exitError(code)
	}
	return nil
}

// agentLogger writes without times: the server adds its own to every line.
func agentLogger(io streams) *slog.Logger {
	return slog.New(slog.NewTextHandler(io.out, &slog.HandlerOptions{
		Level: slog.LevelDebug,
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	}))
}
