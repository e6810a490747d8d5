package gologin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"agentry/internal/resource"
)

// TestRate: in no minute more than the rate and the rest's burst, at most two
// at once, and the sustained rate is used.
func TestRate(t *testing.T) {
	for _, c := range []struct{ rate, burst int }{{120, 60}, {60, 30}, {1200, 1}, {1, 1}, {3, 1}} {
		t.Run(fmt.Sprint(c.rate), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				var at []time.Time
				now, most := 0, 0
				client := newClient(t, Config{Base: "https://api.gologin.com", Token: fixed(testToken), Rate: c.rate, Transport: transport(func(*http.Request) (*http.Response, error) {
					mu.Lock()
					at = append(at, time.Now())
					now++
					most = max(most, now)
					mu.Unlock()
					time.Sleep(time.Millisecond)
					mu.Lock()
					now--
					mu.Unlock()
					return respond(200, "application/json", `{}`), nil
				})})
				calls := c.burst + 4*c.rate
				var all sync.WaitGroup
				for range calls {
					all.Go(func() {
						if err := client.Check(t.Context()); err != nil {
							t.Error(err)
						}
					})
				}
				began := time.Now()
				all.Wait()
				if took := time.Since(began); took < 3*time.Minute || took > 5*time.Minute {
					t.Errorf("%d requests took %v", calls, took)
				}
				if most > 2 {
					t.Errorf("%d at once", most)
				}
				for i := range at {
					if j := i + c.rate + c.burst + 1; j < len(at) && at[j].Sub(at[i]) < time.Minute {
						t.Fatalf("more than %d within a minute", c.rate+c.burst)
					}
				}
			})
		})
	}
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		c := newClient(t, Config{Base: "https://api.gologin.com", Token: fixed(testToken), Rate: 2, Transport: transport(func(r *http.Request) (*http.Response, error) {
			asked++
			<-r.Context().Done()
			return nil, r.Context().Err()
		})})
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		for range atOnce { // one under way, one waits for its turn
			all.Go(func() { c.Create(ctx, testName) })
		}
		synctest.Wait()
		all.Go(func() { // this one waits for a place
			_, err := c.Create(ctx, testName)
			wantError(t, err, resource.Unreachable, false)
			if !errors.Is(err, context.Canceled) {
				t.Errorf("error %v, want the context's", err)
			}
		})
		synctest.Wait()
		cancel()
		all.Wait()
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := c.Create(short, testName)
		wantError(t, err, resource.Unreachable, false)
		if !errors.Is(err, context.DeadlineExceeded) || asked != 1 {
			t.Errorf("error %v after %d requests, want the context's after 1", err, asked)
		}
	})
}

// TestTimeOuts: a request without an answer ends after its time, one whose
// answer never ends too, and what changes something may have happened.
func TestTimeOuts(t *testing.T) {
	for name, answer := range map[string]transport{
		"no answer": func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		},
		"an answer without an end": func(r *http.Request) (*http.Response, error) {
			res := respond(201, "application/json", "")
			res.Body = io.NopCloser(readerFunc(func([]byte) (int, error) {
				<-r.Context().Done()
				return 0, r.Context().Err()
			}))
			return res, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newClient(t, Config{Base: "https://api.gologin.com", Token: fixed(testToken), Transport: answer})
				began := time.Now()
				_, err := c.Create(t.Context(), testName)
				says(t, wantError(t, err, resource.Unreachable, true), "did not answer in time")
				if took := time.Since(began); took != callTime {
					t.Errorf("took %v, want %v", took, callTime)
				}
				_, err = c.Find(t.Context(), testName)
				wantError(t, err, resource.Unreachable, false)

				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				_, err = c.Create(ctx, testName)
				wantError(t, err, resource.Unreachable, true)
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("error %v, want the context's", err)
				}
			})
		})
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestNoConnectionIsNoDoubt(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := "http://" + listener.Addr().String()
	listener.Close()
	tls := httptest.NewTLSServer(http.NotFoundHandler())
	defer tls.Close()
	for name, base := range map[string]string{"nobody listens": nobody, "no such host": "https://api.invalid", "a certificate of nobody's": tls.URL} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, Config{Base: base, Token: fixed(testToken)})
			_, err := c.Create(t.Context(), testName)
			says(t, wantError(t, err, resource.Unreachable, false), "cannot be reached at "+base)
			wantError(t, c.Delete(t.Context(), testID, resource.Deletion{}), resource.Unreachable, false)
		})
	}
}

// TestResetAfterTheEffect: the profile is made and the answer lost.
func TestResetAfterTheEffect(t *testing.T) {
	for name, wire := range map[string]string{
		"nothing": "", "half a header": "HTTP/1.1 20", "half a body": "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{",
		"no HTTP": "canary-password\r\n" + testToken + "\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
				conn, _, err := out.(http.Hijacker).Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				io.WriteString(conn, wire)
				conn.Close()
			}))
			defer server.Close()
			c := newClient(t, Config{Base: server.URL, Token: fixed(testToken)})
			_, err := c.Create(t.Context(), testName)
			wantError(t, err, resource.Unreachable, true)
			err = c.SetProxy(t.Context(), testID, &resource.Endpoint{Scheme: "http", Host: "h", Port: 1, Password: "canary-password"})
			wantError(t, err, resource.Unreachable, true)
			wantError(t, c.Check(t.Context()), resource.Unreachable, false)
		})
	}
}

func TestOnlyBodiesHaveAType(t *testing.T) {
	c := newClient(t, Config{Base: "https://api.gologin.com/base/", Token: fixed(testToken), Transport: transport(func(r *http.Request) (*http.Response, error) {
		if hasType := r.Header.Get("Content-Type") != ""; hasType != (r.Body != nil) {
			t.Errorf("%s %s: a type %v, a body %v", r.Method, r.URL, hasType, r.Body != nil)
		}
		if !strings.HasPrefix(r.URL.String(), "https://api.gologin.com/base/") || r.Header.Get("User-Agent") != "agentry" {
			t.Errorf("%s as %s", r.URL, r.Header.Get("User-Agent"))
		}
		return respond(503, "", ""), nil
	})})
	for _, err := range everyCall(t, c) {
		if err == nil {
			t.Error("a 503 is no success")
		}
	}
}
