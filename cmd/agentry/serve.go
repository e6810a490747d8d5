package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"agentry/internal/config"
	"agentry/internal/fleet"
	"agentry/internal/resource/gologin"
	"agentry/internal/resource/proxypool"
	agentruntime "agentry/internal/runtime"
	"agentry/internal/runtime/eliza"
	"agentry/internal/runtime/process"
	"agentry/internal/runtime/supervisor"
	"agentry/internal/worker"
	"agentry/web"
)

// stopTime bounds how long a stop may take: requests have ten seconds, then
// programs their grace.
const stopTime = 30 * time.Second

func serve(ctx context.Context, args []string, io streams) error {
	fs := flag.NewFlagSet("serve", flag.ContinueOnError)
	flags := config.Register(fs, serveFlags()...)
	if err := parse(fs, args, io); err != nil {
		return err
	}
	c, err := flags.Load(os.Environ(), nil)
	if err != nil {
		return usageError(err, io)
	}
	s, err := startServer(ctx, c, newLogger(c, io.err), serverOptions{})
	if err != nil {
		return unlessStopped(ctx, err)
	}
	if err := unlessStopped(ctx, s.announce(ctx, io.out)); err != nil {
		return errors.Join(err, s.stop())
	}
	<-ctx.Done()
	return s.stop()
}

// unlessStopped forgets that a start was not finished because it was told to
// stop: that is no failure.
func unlessStopped(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

func usageError(err error, io streams) error {
	fmt.Fprintln(io.err, "agentry:", err)
	return errUsage
}

// server is a running installation.
type server struct {
	*installation
	unlock     func() error
	driver     *process.Driver
	eliza      *eliza.Driver
	supervisor *supervisor.Supervisor
	worker     *worker.Worker
	web        *web.Server
	log        *slog.Logger
}

// serverOptions are what the demo has and a configuration cannot say.
type serverOptions struct {
	// trustedTeam is who requests from this machine act for.
	trustedTeam fleet.TeamID
	// standIn says that the vendors are local imitations.
	standIn bool
	// prepare fills an opened, not yet served installation.
	prepare func(ctx context.Context, h *installation) (fleet.TeamID, error)
}

// startServer opens the folder, listens and starts the wanted programs, in
// this order; what was started is stopped when a later step fails.
func startServer(ctx context.Context, c config.Config, log *slog.Logger, o serverOptions) (s *server, err error) {
	if err := errors.Join(checkBuilt(c), harden()); err != nil {
		return nil, err
	}
	v, err := openVendors(c, o, log)
	if err != nil {
		return nil, err
	}
	s = &server{log: log}
	if s.unlock, err = lockFolder(c.Data); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.stop())
		}
	}()
	if s.installation, err = openInstallation(ctx, c, v, log, s.diskLost); err != nil {
		return s, err
	}
	if o.prepare != nil {
		if o.trustedTeam, err = o.prepare(ctx, s.installation); err != nil {
			return s, err
		}
	}
	if c.TrustLoopback && o.trustedTeam == "" {
		if o.trustedTeam, err = s.app.OldestTeam(ctx); err != nil {
			return s, err
		}
	}
	if err = s.listen(ctx, o); err != nil {
		return s, err
	}
	if err = s.openDrivers(ctx); err != nil {
		return s, err
	}
	if s.worker, err = worker.New(s.app, s.store, log); err != nil {
		return s, err
	}
	return s, errors.Join(s.worker.Start(ctx), s.startPrograms(ctx))
}

// openVendors makes the vendors that the configuration names, and asks them for
// nothing yet: another one of profiles is another line here.
func openVendors(c config.Config, o serverOptions, log *slog.Logger) (v vendors, err error) {
	v.proxies = proxypool.New(proxypool.Config{CheckURLs: c.ProxyCheckURLs, AllowPrivate: c.ProxyAllowPrivate})
	if c.GoLoginToken.IsSet() {
		v.profiles, err = gologin.New(gologin.Config{Base: c.GoLoginAPIBase, Token: c.GoLoginToken.Reread, Rate: c.GoLoginRate, StandIn: o.standIn, Version: version, Log: log})
	}
	return v, err
}

func (s *server) listen(ctx context.Context, o serverOptions) error {
	c := s.config
	var proxies []string
	for _, p := range c.TrustedProxies {
		proxies = append(proxies, p.String())
	}
	s.web = web.New(web.Config{
		App: s.app, Hub: s.hub, Addr: c.Addr,
		TrustLoopback: c.TrustLoopback, LoopbackTeam: o.trustedTeam, RateRead: c.RateLimitRead, RateWrite: c.RateLimitWrite, Beat: time.Duration(c.EventBeat) * time.Second,
		EnvName: c.EnvName, EnvColor: c.EnvColor, InsecureHTTP: c.InsecureHTTP, TrustedProxies: proxies,
		Version: version, Ready: s.app.Ready, Log: s.log,
	})
	return s.web.Start(ctx)
}

// openDrivers makes the ways to run programs; some of them keep agents
// elsewhere, and jobs delete those there.
func (s *server) openDrivers(ctx context.Context) error {
	instance, err := s.instance(ctx)
	if err != nil {
		return err
	}
	env, secrets := builtinTold(s.config)
	if len(secrets) > 0 && inTheOpen(s.config.LLMBaseURL) {
		s.log.Warn("the model's key travels unencrypted: AGENTRY_LLM_BASE_URL is plain http")
	}
	if s.driver, err = process.New(process.Config{Instance: instance, BuiltinEnv: env, BuiltinSecrets: secrets, Log: s.log}); err != nil {
		return err
	}
	if s.eliza, err = eliza.New(eliza.Config{Kinds: slices.Collect(maps.Values(s.config.Kinds)), Unwanted: s.app.UnwantedRuns, Log: s.log}); err != nil {
		return err
	}
	s.app.SetRemovers(map[string]agentruntime.Remover{fleet.DriverElizaOS: s.eliza})
	return nil
}

func (s *server) startPrograms(ctx context.Context) error {
	dir, err := filepath.Abs(filepath.Join(s.config.Data, "runs"))
	if err != nil {
		return err
	}
	s.supervisor = supervisor.New(supervisor.Config{
		App: s.app, Drivers: map[string]agentruntime.Driver{fleet.DriverProcess: s.driver, fleet.DriverElizaOS: s.eliza},
		URL: s.url(), Dir: dir, Log: s.log, MaxStarting: 2 * runtime.NumCPU(),
	})
	s.app.SetRunner(s.supervisor)
	return s.supervisor.Start(ctx)
}

// builtinTold is what the built-in agent program is told: to make do with one
// processor, because it waits nearly all the time and many start at once, and
// of the model.
func builtinTold(c config.Config) (env, secrets map[string]string) {
	env = map[string]string{"GOMAXPROCS": "1"}
	if c.LLMBaseURL == "" {
		return env, nil
	}
	env[envLLMBaseURL], env[envLLMModel] = c.LLMBaseURL, c.LLMModel
	if c.LLMAPIKey.IsSet() {
		secrets = map[string]string{secretLLMKey: c.LLMAPIKey.Reveal()}
	}
	return env, secrets
}

// inTheOpen tells whether what is sent there leaves this machine unencrypted.
func inTheOpen(base string) bool {
	u, err := url.Parse(base)
	return err == nil && u.Scheme == "http" && u.Hostname() != "localhost" && !net.ParseIP(u.Hostname()).IsLoopback()
}

// serveFlags are the options that this version acts on.
func serveFlags() []string {
	return []string{"DATA", "ADDR", "CONFIG", "LOG_LEVEL", "LOG_FORMAT", "ENV_NAME", "ENV_COLOR", "TRUSTED_PROXIES", "INSECURE_HTTP",
		"TRUST_LOOPBACK", "RATE_LIMIT_READ", "RATE_LIMIT_WRITE", "EVENT_BEAT", "MASTER_KEY_FILE",
		"GOLOGIN_API_BASE", "GOLOGIN_TOKEN_FILE", "GOLOGIN_RATE", "PROXY_CHECK_URL", "PROXY_ALLOW_PRIVATE", "LLM_BASE_URL", "LLM_MODEL", "LLM_API_KEY_FILE", "DISABLE"}
}

// checkBuilt refuses what a configuration may say and this version does not
// do: an option without effect would be a lie.
func checkBuilt(c config.Config) error {
	for name, set := range map[string]bool{
		"METRICS_ADDR": c.MetricsAddr != "", "READ_ONLY": c.ReadOnly, "BASE_PATH": c.BasePath != "",
	} {
		if set {
			return fmt.Errorf("AGENTRY_%s: this version has no use for it; remove the option", name)
		}
	}
	switch {
	case c.LLMBaseURL != "" && c.LLMModel == "":
		return errors.New("AGENTRY_LLM_BASE_URL needs AGENTRY_LLM_MODEL: name the model to ask for at that endpoint")
	case c.LLMBaseURL == "" && (c.LLMModel != "" || c.LLMAPIKey.IsSet()):
		return errors.New("AGENTRY_LLM_MODEL and AGENTRY_LLM_API_KEY have no use without AGENTRY_LLM_BASE_URL: name the endpoint, or remove them")
	}
	for _, k := range c.Kinds {
		if err := eliza.Check(k); err != nil {
			return err
		}
	}
	return nil
}

// url is where this machine reaches the server.
func (s *server) url() string {
	host, port, err := net.SplitHostPort(s.web.Addr())
	if err != nil {
		return "http://" + s.web.Addr()
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// announce says where the server is and, on an empty one, how to begin.
func (s *server) announce(ctx context.Context, out io.Writer) error {
	fmt.Fprintf(out, "agentry %s serves on %s\n", version, s.url())
	empty, err := s.app.NeedsFirstRun(ctx)
	if err != nil || !empty {
		return err
	}
	token, err := s.app.FirstRunToken(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "Make the first team (the link works once, for a day): %s/first-run/%s\n", s.url(), token)
	return nil
}

// diskLost ends the process at once: what the disk was told to keep may be
// gone, and nothing more must be acknowledged. Programs go with it.
func (s *server) diskLost(err error) {
	s.log.Error("the disk failed to keep what was written; stopping", "error", err)
	os.Exit(exitFailed)
}

// stop ends requests, then programs, then the file. What is wanted of agents
// does not change: they run again with the server.
func (s *server) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	var errs []error
	if s.web != nil {
		errs = append(errs, s.web.Stop(ctx))
	}
	if s.worker != nil {
		errs = append(errs, s.worker.Stop(ctx))
	}
	if s.supervisor != nil {
		errs = append(errs, s.supervisor.Stop(ctx))
	}
	if s.driver != nil {
		errs = append(errs, s.driver.Close())
	}
	if s.eliza != nil {
		errs = append(errs, s.eliza.Close())
	}
	if s.installation != nil {
		errs = append(errs, s.installation.Close())
	}
	return errors.Join(append(errs, s.unlock())...)
}

// newLogger writes text to a terminal and JSON to anything else.
func newLogger(c config.Config, out io.Writer) *slog.Logger {
	o := &slog.HandlerOptions{Level: c.LogLevel}
	if c.LogFormat == "text" || c.LogFormat == "auto" && isTerminal(out) {
		return slog.New(slog.NewTextHandler(out, o))
	}
	return slog.New(slog.NewJSONHandler(out, o))
}

func isTerminal(out io.Writer) bool {
	f, ok := out.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && !strings.HasSuffix(f.Name(), "null")
}
