package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	email    = "mara@northwind.example"
	password = "correct horse battery staple"
	// startTime and stopTime bound how long the server may take before the
	// row has no verdict.
	startTime = 60 * time.Second
	stopTime  = 45 * time.Second
)

// server is a data folder with a team and the program on it while it runs.
type server struct {
	t         *trial
	dir       string
	team, key string
	url       string
	http      *http.Client
	env       []string // beside the trial's

	cmd    *exec.Cmd
	stdout *output
	stderr *os.File
	gone   chan struct{} // closed when the program ended
	exit   error         // valid then
}

// newServer makes the folder and the team; config is TOML.
func (t *trial) newServer(ctx context.Context, name, config string) (*server, error) {
	s := &server{t: t, dir: filepath.Join(t.dir, name), http: &http.Client{Timeout: 30 * time.Second}}
	if err := os.Mkdir(s.dir, 0o700); err != nil {
		return nil, err
	}
	for file, text := range map[string]string{"agentry.toml": config, "password": password + "\n"} {
		if err := os.WriteFile(filepath.Join(s.dir, file), []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	made, err := s.admin(ctx, "init", "--team", "Northwind", "--email", email, "--password-file", "password")
	if err != nil {
		return nil, err
	}
	s.team, s.key = made["teamId"], made["apiKey"]
	t.opened = append(t.opened, s)
	return s, nil
}

// command is the program with nothing of this environment but what it needs.
func (s *server) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, s.t.binary, args...)
	cmd.Dir = s.dir
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir, "TMPDIR=" + s.dir}, slices.Concat(s.t.env, s.env)...)
	return cmd
}

// admin runs a command on the folder and returns what it prints.
func (s *server) admin(ctx context.Context, args ...string) (fields map[string]string, err error) {
	cmd := s.command(ctx, append(args, "--data", "data", "--config", "agentry.toml", "--json")...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("agentry %s: %w\n%s", strings.Join(args, " "), err, &stderr)
	}
	return fields, json.Unmarshal(out, &fields)
}

// serve starts the program and returns when it answers that it is ready, and
// how long that took.
func (s *server) serve(ctx context.Context) (ready time.Duration, err error) {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	if s.stderr, err = os.Create(filepath.Join(s.dir, "stderr")); err != nil {
		return 0, err
	}
	s.stdout = newOutput()
	s.cmd = s.command(context.Background(), "serve", "--data", "data", "--addr", "127.0.0.1:0", "--config", "agentry.toml",
		"--rate-limit-read", "0", "--rate-limit-write", "0", "--log-format", "json")
	s.cmd.Stdout, s.cmd.Stderr, s.cmd.WaitDelay = s.stdout, s.stderr, 5*time.Second
	if err := s.cmd.Start(); err != nil {
		return 0, err
	}
	cmd, gone := s.cmd, make(chan struct{})
	s.gone = gone
	go func() {
		s.exit = cmd.Wait()
		close(gone)
	}()
	if s.url, err = s.serving(ctx); err != nil {
		return 0, err
	}
	err = poll(ctx, 2*time.Millisecond, func() (bool, error) {
		res, err := s.http.Get(s.url + "/readyz")
		if err != nil {
			return false, nil
		}
		defer res.Body.Close()
		return res.StatusCode == http.StatusOK, nil
	})
	return time.Since(began), err
}

// serving waits for the line that says where the server is.
func (s *server) serving(ctx context.Context) (string, error) {
	address := regexp.MustCompile(`(?m)^agentry \S+ serves on (http://\S+)$`)
	for {
		if m := address.FindStringSubmatch(s.stdout.String()); m != nil {
			return m[1], nil
		}
		select {
		case <-s.stdout.more:
		case <-s.gone:
			return "", fmt.Errorf("the server does not start: %w\n%s", s.exit, s.lastWords())
		case <-ctx.Done():
			return "", fmt.Errorf("the server does not serve: %w", ctx.Err())
		}
	}
}

// kill is kill -9. It is safe on a server that does not run.
func (s *server) kill() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill()
	<-s.gone
	s.cmd = nil
	s.stderr.Close()
}

// stop is SIGTERM; it returns how long the program took to end.
func (s *server) stop() (time.Duration, error) {
	began := time.Now()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return 0, err
	}
	select {
	case <-s.gone:
	case <-time.After(stopTime):
		s.kill()
		return time.Since(began), fmt.Errorf("the server does not stop within %s", stopTime)
	}
	s.cmd = nil
	took := time.Since(began)
	s.stderr.Close()
	if s.exit != nil {
		return took, fmt.Errorf("after SIGTERM: %w\n%s", s.exit, s.lastWords())
	}
	return took, nil
}

// lastWords are the last lines the program logged.
func (s *server) lastWords() string {
	raw, _ := os.ReadFile(filepath.Join(s.dir, "stderr"))
	if len(raw) > 2000 {
		raw = raw[len(raw)-2000:]
	}
	return string(raw)
}

// call makes a request with the key and reads a JSON answer into out, unless
// that is nil. An answer other than 2xx is a refused.
func (s *server) call(ctx context.Context, method, path string, in, out any) error {
	_, err := s.request(ctx, method, path, in, out)
	return err
}

// page reads one page of a list and returns where the next one is, "" for
// nowhere.
func (s *server) page(ctx context.Context, path string, out any) (next string, err error) {
	header, err := s.request(ctx, "GET", path, nil, out)
	if err != nil {
		return "", err
	}
	for _, link := range header.Values("Link") {
		if m := regexp.MustCompile(`<([^>]+)>; rel="next"`).FindStringSubmatch(link); m != nil {
			return m[1], nil
		}
	}
	return "", nil
}

func (s *server) request(ctx context.Context, method, path string, in, out any) (http.Header, error) {
	var body io.Reader
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, s.url+path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+s.key)
	req.Header.Set("Content-Type", "application/json")
	res, err := s.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	switch {
	case err != nil:
		return nil, err
	case res.StatusCode/100 != 2:
		return nil, refused{method + " " + path, res.StatusCode, string(raw)}
	case out == nil:
		return res.Header, nil
	}
	return res.Header, json.Unmarshal(raw, out)
}

// refused is an answer that is not 2xx.
type refused struct {
	what   string
	status int
	body   string
}

func (r refused) Error() string { return fmt.Sprintf("%s: %d %s", r.what, r.status, r.body) }

// isRefused tells whether the server answered, and said no.
func isRefused(err error) bool { return errors.As(err, new(refused)) }

// agent is what rows read of an agent.
type agent struct {
	ID, Name, Status string
	Incarnation      int
	EndReason        *string
	Runtime          struct {
		State       string
		LastHeardAt *time.Time
		Epoch       int64
		Restarts    int
	}
	Alerts []struct{ Type, SubType, Message, State string }
}

// create makes an agent.
func (s *server) create(ctx context.Context, fields map[string]any) (string, error) {
	var a agent
	err := s.call(ctx, "POST", "/v1/agents", fields, &a)
	return a.ID, err
}

func (s *server) agent(ctx context.Context, id string) (a agent, err error) {
	return a, s.call(ctx, "GET", "/v1/agents/"+id, nil, &a)
}

// act posts to an agent.
func (s *server) act(ctx context.Context, id, verb string, in any) error {
	return s.call(ctx, "POST", "/v1/agents/"+id+"/"+verb, in, nil)
}

// up counts the running agents that have been heard.
func (s *server) up(ctx context.Context) (n int, err error) {
	var agents []agent
	err = s.call(ctx, "GET", "/v1/agents?status=running", nil, &agents)
	for _, a := range agents {
		if a.Runtime.State == "up" && a.Runtime.LastHeardAt != nil {
			n++
		}
	}
	return n, err
}

// poll asks every so often until yes, an error or the end of the context.
func poll(ctx context.Context, every time.Duration, ask func() (bool, error)) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if yes, err := ask(); yes || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// within is poll with a bound of its own; no is no error.
func within(ctx context.Context, bound, every time.Duration, ask func() (bool, error)) (yes bool, err error) {
	short, cancel := context.WithTimeout(ctx, bound)
	defer cancel()
	err = poll(short, every, ask)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return false, nil
	}
	return err == nil, err
}

// pause waits, or returns the context's error.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// output is what a program wrote so far.
type output struct {
	mu   sync.Mutex
	buf  bytes.Buffer
	more chan struct{} // holds one: there is more
}

func newOutput() *output { return &output{more: make(chan struct{}, 1)} }

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	select {
	case o.more <- struct{}{}:
	default:
	}
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}
