// Package eliza is the driver for agents that live in an ElizaOS 1.x server
// (checked against @elizaos/server 1.7.2). An agent of agentry is made, started,
// stopped and deleted there under its own id; a light bridge for each run speaks
// agentry's runtime protocol for it and carries messages to the server's
// sessions and the replies back.
//
// Whether an agent runs is read from the server's list of agents: one request
// every 15 seconds, whatever the number of agents. A server that does not
// answer makes no run end: the run is not heard, until the server is back.
package eliza

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"agentry/internal/fleet"
	agentruntime "agentry/internal/runtime"
	"agentry/internal/runtime/protocol"
)

// Name is how kinds call this driver.
const Name = fleet.DriverElizaOS

// Config is what a driver needs.
type Config struct {
	// Kinds are the kinds that use this driver; those of another are left out.
	Kinds []fleet.Kind
	// Unwanted returns those of the agents that are this installation's, have
	// one of the kinds' names, and should not run.
	Unwanted func(ctx context.Context, ids []fleet.AgentID) ([]fleet.AgentID, error)
	// Log takes what nobody can be told otherwise; nil is slog.Default.
	Log *slog.Logger

	pace pace // zero is normalPace
}

// Driver looks after agents in ElizaOS servers between New and Close.
type Driver struct {
	conf    Config
	servers map[string]*server // by kind; kinds with the same server share one
	http    *http.Client       // to ElizaOS servers
	own     *http.Client       // to this server
	home    context.Context
	close   context.CancelFunc
	work    sync.WaitGroup
	mu      sync.Mutex
	closed  bool
}

var (
	_ agentruntime.Driver  = (*Driver)(nil)
	_ agentruntime.Remover = (*Driver)(nil)
)

// New makes a driver and begins to watch the servers of its kinds. It refuses
// a key file that cannot be read.
func New(c Config) (*Driver, error) {
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Unwanted == nil {
		c.Unwanted = func(context.Context, []fleet.AgentID) ([]fleet.AgentID, error) { return nil, nil }
	}
	if c.pace == (pace{}) {
		c.pace = normalPace()
	}
	home, cancel := context.WithCancel(context.Background())
	d := &Driver{
		conf: c, servers: map[string]*server{}, home: home, close: cancel,
		http: &http.Client{
			Transport:     &http.Transport{MaxIdleConnsPerHost: talksAtOnce, IdleConnTimeout: 4 * time.Second},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		// Each agent has one long poll open; their connections are used again.
		own: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1 << 14, IdleConnTimeout: 30 * time.Second}},
	}
	shared := map[string]*server{}
	for _, k := range c.Kinds {
		if k.Driver != Name {
			continue
		}
		if err := Check(k); err != nil {
			cancel()
			return nil, err
		}
		at := k.URL + "\n" + k.APIKeyFile
		if shared[at] == nil {
			shared[at] = newServer(&api{url: k.URL, keyFile: k.APIKeyFile, kind: k.Name, http: d.http, limit: &limit{}}, c)
			warnOpenKey(c.Log, k)
		}
		d.servers[k.Name] = shared[at]
	}
	for _, s := range shared {
		d.work.Go(func() { s.watch(home) })
	}
	return d, nil
}

// Check refuses a kind of this driver whose key file cannot be read; other
// kinds pass.
func Check(k fleet.Kind) error {
	if k.Driver != Name {
		return nil
	}
	if _, err := readKey(k.APIKeyFile); err != nil {
		return fmt.Errorf("kind %s: api_key_file: %w", k.Name, err)
	}
	return nil
}

// warnOpenKey says that a key goes through a network unencrypted.
func warnOpenKey(log *slog.Logger, k fleet.Kind) {
	u, err := url.Parse(k.URL)
	if err != nil || k.APIKeyFile == "" || u.Scheme == "https" {
		return
	}
	if host := u.Hostname(); host != "localhost" && host != "::1" && !strings.HasPrefix(host, "127.") {
		log.Warn("the API key of a kind goes through the network unencrypted; use https", "kind", k.Name, "url", k.URL)
	}
}

// Close ends the driver's own work and waits for it. Agents that Stop was not
// called for go on there. Safe to call twice.
func (d *Driver) Close() error {
	d.mu.Lock()
	d.closed = true
	d.mu.Unlock()
	d.close()
	d.work.Wait()
	d.http.CloseIdleConnections()
	d.own.CloseIdleConnections()
	return nil
}

// Start implements runtime.Driver. It waits some seconds for the agent to be
// started there; one that takes longer is a process whose start is under way.
// A run that somebody asked for fails when the server is in trouble; one that
// follows another waits for it.
func (d *Driver) Start(ctx context.Context, spec agentruntime.Spec) (agentruntime.Process, error) {
	s := d.servers[spec.Kind.Name]
	if s == nil {
		return nil, fmt.Errorf("kind %s has no ElizaOS server", spec.Kind.Name)
	}
	if err := s.trouble(); err != nil && !spec.Restart {
		s.lookSoon()
		return nil, err
	}
	r, err := d.newRun(s, spec)
	if err != nil {
		return nil, err
	}
	if spec.Restart && s.trouble() != nil {
		return r, nil // it waits for the server, and nobody for it
	}
	timer := time.NewTimer(d.conf.pace.patience)
	defer timer.Stop()
	select {
	case err = <-r.begun:
	case <-timer.C:
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err == nil {
		return r, nil
	}
	// The start may have reached the server all the same.
	_ = r.Stop(ctx, 0)
	return nil, err
}

func (d *Driver) newRun(s *server, spec agentruntime.Spec) (*run, error) {
	c, err := newCharacter(spec.AgentName, spec.Settings)
	if err != nil {
		return nil, err
	}
	client, err := protocol.New(protocol.Options{URL: spec.URL, Token: spec.Token, HTTP: d.own})
	if err != nil {
		return nil, err
	}
	life, end := context.WithCancel(d.home)
	r := &run{
		track: d.track, spec: spec, id: strings.ToLower(string(spec.Run.AgentID)), server: s, client: client, said: c,
		life: life, home: d.home, end: end,
		begun: make(chan error, 1), idle: make(chan struct{}), done: make(chan struct{}), changed: make(chan struct{}, 1),
		troubles: map[string]bool{},
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		end()
		return nil, errors.New("the elizaos driver is closed")
	}
	s.add(r)
	d.work.Go(r.live)
	return r, nil
}

// track runs f unless the driver is closed.
func (d *Driver) track(f func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.closed {
		d.work.Go(f)
	}
}

// Reap implements runtime.Driver: agents of a killed server are left to run,
// because Start takes them over, and a look ends those that nobody wants.
func (d *Driver) Reap(context.Context, []string) error {
	for _, s := range d.servers {
		s.lookSoon()
	}
	return nil
}

// Remove implements runtime.Remover. It asks nothing of a server that the last
// look met in trouble.
func (d *Driver) Remove(ctx context.Context, kind fleet.Kind, id fleet.AgentID) error {
	s := d.servers[kind.Name]
	if s == nil {
		return fmt.Errorf("kind %s has no ElizaOS server", kind.Name)
	}
	if err := s.trouble(); err != nil {
		return err
	}
	low := strings.ToLower(string(id))
	release, err := s.hold(ctx, low)
	if err != nil {
		return err
	}
	defer release()
	s.remember(low, nil)
	return s.remove(ctx, low)
}
