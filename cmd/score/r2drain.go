package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

// drains stops the server under load with SIGTERM, and starts it again.
func (r *restarts) drains(ctx context.Context, times int, random *rand.Rand) (cut, asked int, longest time.Duration, err error) {
	for range times {
		var wg sync.WaitGroup
		results := make([]asker, keepAlive)
		begun := make(chan struct{}, keepAlive)
		for i := range results {
			results[i] = asker{address: strings.TrimPrefix(r.url, "http://"), key: r.key, begun: begun}
			if i%2 == 1 {
				results[i].rest = time.Duration(1+random.IntN(50)) * time.Millisecond
			}
			wg.Go(results[i].run)
		}
		for range keepAlive {
			select {
			case <-begun:
			case <-ctx.Done():
				return 0, 0, 0, ctx.Err()
			}
		}
		took, err := r.stop()
		if err != nil {
			return 0, 0, 0, err
		}
		wg.Wait()
		longest = max(longest, took)
		for _, a := range results {
			cut, asked = cut+a.cut, asked+a.asked
			if a.cut > 0 {
				r.t.say("cut: %v", a.why)
			}
		}
		if _, err := r.serve(ctx); err != nil {
			return 0, 0, 0, err
		}
	}
	return cut, asked, longest, nil
}

// asker is a client that keeps its connection and asks until the server is
// gone. It does not repeat what was cut, as http.Client would do unseen.
type asker struct {
	address, key string
	rest         time.Duration
	begun        chan<- struct{}

	asked, cut int
	why        error
}

func (a *asker) run() {
	told := false
	for {
		c, err := net.Dial("tcp", a.address)
		if err != nil {
			return // nothing was asked
		}
		closed := a.ask(c, &told)
		c.Close()
		if !closed {
			return
		}
	}
}

// ask asks over one connection; true means that the server said that it ends.
func (a *asker) ask(c net.Conn, told *bool) (closed bool) {
	in := bufio.NewReader(c)
	for {
		_ = c.SetDeadline(time.Now().Add(30 * time.Second))
		_, err := fmt.Fprintf(c, "GET /v1/agents?limit=5 HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n\r\n", a.address, a.key)
		a.asked++
		var res *http.Response
		if err == nil {
			res, err = http.ReadResponse(in, nil)
		}
		if err == nil {
			_, err = in.Discard(int(res.ContentLength))
		}
		if err != nil {
			a.cut++
			a.why = err
			return false
		}
		if !*told {
			*told = true
			a.begun <- struct{}{}
		}
		if res.Close {
			return true
		}
		if a.rest > 0 {
			time.Sleep(a.rest)
		}
		// Who rested looks whether the connection was ended meanwhile, as
		// clients do that keep connections: then nothing is asked on it.
		_ = c.SetReadDeadline(time.Now().Add(100 * time.Microsecond))
		if _, err := in.Peek(1); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			return true
		}
	}
}
