package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
)

const (
	callers    = 64
	batch      = 10
	wantEvents = 10_000
)

// p4 lets 64 programs tell events over HTTP at once, each waiting for its
// answer: batches of ten, as a busy program sends them, and one by one beside
// it. Every event is a line of log and its id; an answer means that both are
// on the disk. The callers are in this process and cost their share of the
// machine too. Its control gives every event a commit of its own.
func p4(ctx context.Context, t *trial) (*verdict, error) {
	tokens := filepath.Join(t.dir, "tokens")
	if err := os.Mkdir(tokens, 0o700); err != nil {
		return nil, err
	}
	kind, err := selfKind("relay", "relay", "")
	if err != nil {
		return nil, err
	}
	kind = strings.Replace(kind, "env = {", fmt.Sprintf("env = { SCORE_DIR = %q,", tokens), 1)
	s, err := t.newServer(ctx, "data", kind)
	if err != nil {
		return nil, err
	}
	if _, err := s.serve(ctx); err != nil {
		return nil, err
	}
	list, err := s.relays(ctx, tokens, callers)
	if err != nil {
		return nil, err
	}
	span := time.Duration(t.size.pick(3, 10, 60)) * time.Second
	v := t.verdict()
	for _, n := range []int{batch, 1} {
		rate, err := s.tell(ctx, list, n, span)
		if err != nil {
			return nil, err
		}
		t.say("%d at a time: %.0f/s", n, rate)
		if n == batch {
			v.judgeTime(rate >= wantEvents, "%.0f/s in batches of %d", rate, n)
		} else {
			v.note("%.0f/s one by one", rate)
		}
	}
	stored, err := s.storedLines(ctx)
	if err != nil {
		return nil, err
	}
	v.judge(stored, "answered events are stored: %t", stored)
	return v, nil
}

// relays starts so many agents and returns their run tokens.
func (s *server) relays(ctx context.Context, dir string, n int) (tokens []string, err error) {
	for i := range n {
		id, err := s.create(ctx, map[string]any{"kind": "relay", "name": fmt.Sprint("Relay ", i)})
		if err != nil {
			return nil, err
		}
		go s.act(ctx, id, "start", nil) // nobody says hello: the answer is late, the token is what counts
		path := filepath.Join(dir, id)
		err = poll(ctx, 5*time.Millisecond, func() (bool, error) {
			raw, err := os.ReadFile(path)
			if err != nil || len(raw) == 0 {
				return false, nil
			}
			tokens = append(tokens, string(raw))
			return true, nil
		})
		if err != nil {
			return nil, fmt.Errorf("a program does not start: %w", err)
		}
	}
	return tokens, nil
}

// tell sends events for the time, n in each call, and returns how many a
// second were answered as stored.
func (s *server) tell(ctx context.Context, tokens []string, n int, span time.Duration) (float64, error) {
	client := &fasthttp.HostClient{Addr: strings.TrimPrefix(s.url, "http://"), MaxConns: len(tokens), ReadTimeout: 10 * time.Second}
	var stored atomic.Int64
	var wg sync.WaitGroup
	failed := make([]error, len(tokens))
	began := time.Now()
	for i, token := range tokens {
		wg.Go(func() {
			for k := 0; time.Since(began) < span && ctx.Err() == nil; k++ {
				if failed[i] = tellOnce(client, s.url, token, fmt.Sprintf("%d-%d-%d", n, i, k), n); failed[i] != nil {
					return
				}
				stored.Add(int64(n))
			}
		})
	}
	wg.Wait()
	client.CloseIdleConnections()
	return float64(stored.Load()) / time.Since(began).Seconds(), errors.Join(failed...)
}

func tellOnce(client *fasthttp.HostClient, url, token, id string, n int) error {
	req, res := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(req)
	defer fasthttp.ReleaseResponse(res)
	body := make([]byte, 0, 100*n)
	body = append(body, `{"events":[`...)
	for i := range n {
		if i > 0 {
			body = append(body, ',')
		}
		body = fmt.Appendf(body, `{"id":"%s-%d","type":"log","level":"info","text":"Event %s of the score"}`, id, i, id)
	}
	req.SetBodyRaw(append(body, "]}"...))
	req.SetRequestURI(url + "/runtime/v1/events")
	req.Header.SetMethod("POST")
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.SetContentType("application/json")
	if err := client.Do(req, res); err != nil {
		return err
	}
	answer := string(res.Body())
	if res.StatusCode() != 200 || strings.Count(answer, `"ok":true`) != n || strings.Contains(answer, `"duplicate":true`) {
		return fmt.Errorf("events are not taken: %d %s", res.StatusCode(), answer)
	}
	return nil
}

// storedLines tells whether the last lines that were told are in the agents'
// logs after a kill -9.
func (s *server) storedLines(ctx context.Context) (bool, error) {
	var agents []agent
	if err := s.call(ctx, "GET", "/v1/agents?limit=1", nil, &agents); err != nil {
		return false, err
	}
	read := func() (texts []string, err error) {
		var lines []struct{ Text string }
		err = s.call(ctx, "GET", "/v1/agents/"+agents[0].ID+"/logs?limit=200", nil, &lines)
		for _, l := range lines {
			if strings.HasPrefix(l.Text, "Event ") {
				texts = append(texts, l.Text)
			}
		}
		return texts, err
	}
	before, err := read()
	if err != nil {
		return false, err
	}
	s.kill()
	if _, err := s.serve(ctx); err != nil {
		return false, err
	}
	after, err := read()
	return len(before) > 0 && strings.Join(before, "\n") == strings.Join(after, "\n"), err
}
