package gologin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"agentry/internal/resource"
	"agentry/internal/resource/fake"

	"golang.org/x/time/rate"
)

// standIn starts the stand-in vendor and a client without a rate.
func standIn(t *testing.T, o fake.Options) (*fake.GoLogin, *Client) {
	t.Helper()
	if o.PlanPerMinute == 0 {
		o.PlanPerMinute = -1
	}
	s, err := fake.NewGoLogin(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	var log lockedLog
	c := newClient(t, Config{
		Base: s.URL(), Token: func() (string, error) { return s.Token(), nil }, StandIn: true,
		Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	c.bucket.SetLimit(rate.Inf)
	t.Cleanup(func() {
		if out := log.String(); strings.Contains(out, s.Canary()) || strings.Contains(out, s.Token()) || strings.Contains(out, "canary-password") {
			t.Errorf("the log shows a secret:\n%s", out)
		}
	})
	return s, c
}

type lockedLog struct {
	sync.Mutex
	strings.Builder
}

func (l *lockedLog) Write(p []byte) (int, error) {
	l.Lock()
	defer l.Unlock()
	return l.Builder.Write(p)
}

// TestTheStandInTakesEveryRequest: no request of a life is unknown to it.
func TestTheStandInTakesEveryRequest(t *testing.T) {
	s, c := standIn(t, fake.Options{TemplateProxy: &fake.Proxy{Mode: "http", Host: "template.invalid", Port: 80}})
	ctx := t.Context()
	if err := c.Check(ctx); err != nil {
		t.Fatal(err)
	}
	p, err := c.Create(ctx, testName)
	if err != nil {
		t.Fatal(err)
	}
	s.Add(testName + "-by-a-person")
	found, err := c.Find(ctx, testName)
	if err != nil || len(found) != 1 || found[0].ID != p.ID || found[0].CreatedAt.IsZero() {
		t.Errorf("found %v, %v", found, err)
	}
	e := endpoint()
	for _, e := range []*resource.Endpoint{nil, e, {Scheme: "http", Host: "h.example.com", Port: 80}, e} {
		if err := c.SetProxy(ctx, p.ID, e); err != nil {
			t.Errorf("proxy %v: %v", e, err)
		}
	}
	if list, more, err := c.List(ctx, "agentry-", 1); err != nil || len(list) != 2 || more {
		t.Errorf("listed %v, more %v, %v", list, more, err)
	}
	for range 2 {
		if err := c.Delete(ctx, p.ID, resource.Deletion{}); err != nil {
			t.Error(err)
		}
		if err := c.Delete(ctx, p.ID, resource.Deletion{Again: true}); err != nil {
			t.Error(err)
		}
	}
	trash := s.Trash()
	if len(trash) != 1 || trash[0].Proxy.Mode != "none" || trash[0].Proxy.Password != "" {
		t.Errorf("the trash holds %+v", trash)
	}
	for _, r := range s.Requests(0) {
		if r.Route == "" || r.Access != "ok" || r.Status >= 400 && r.Status != 404 {
			t.Errorf("the vendor does not take %+v", r)
		}
		if hasType := r.Header["Content-Type"] != ""; hasType != (r.Body != "") {
			t.Errorf("body and type differ: %+v", r)
		}
	}
}

// TestSecondDeletions: what a second deletion is answered is not known.
func TestSecondDeletions(t *testing.T) {
	for _, status := range []int{204, 404, 403} {
		for _, again := range []bool{false, true} {
			s, c := standIn(t, fake.Options{Choices: fake.Choices{SecondDelete: status}})
			p, err := c.Create(t.Context(), testName)
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if err := c.Delete(t.Context(), p.ID, resource.Deletion{Again: again}); err != nil {
					t.Errorf("%d, again %v: %v", status, again, err)
				}
			}
			if n := s.Counts(); n.Alive != 0 || n.DeletedTwice != 0 || again && n.AskedGone != 0 {
				t.Errorf("%d, again %v: %+v", status, again, n)
			}
		}
	}
	s, c := standIn(t, fake.Options{})
	id := s.Add(testName)
	s.Protect(id, true)
	wantError(t, c.Delete(t.Context(), id, resource.Deletion{}), resource.Refused, false)
}

// TestARunningBrowserIsStopped: a profile that runs is not deleted.
func TestARunningBrowserIsStopped(t *testing.T) {
	s, c := standIn(t, fake.Options{})
	id := s.Add(testName)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL()+"/browser/"+id+"/web", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.Token())
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode/100 != 2 || !s.Profiles()[0].Running {
		t.Fatalf("the browser does not run: %d", res.StatusCode)
	}
	if err := c.Delete(t.Context(), id, resource.Deletion{Again: true}); err != nil || len(s.Profiles()) != 0 {
		t.Errorf("%v, %v", err, s.Profiles())
	}
}

func TestTheStandInsToken(t *testing.T) {
	s, c := standIn(t, fake.Options{})
	if err := s.SetFaults(fake.Faults{Rate: 1, Kinds: []fake.Fault{fake.FaultLimit}, Times: 1}); err != nil {
		t.Fatal(err)
	}
	_, err := c.Create(t.Context(), testName)
	wantError(t, err, resource.Revoked, false)
	_, err = c.Find(t.Context(), testName)
	wantError(t, err, resource.Revoked, false)
	if n := len(s.Requests(0)); n != 1 || !s.TokenDead() {
		t.Errorf("%d requests, dead %v", n, s.TokenDead())
	}
	wantError(t, c.Check(t.Context()), resource.Unauthorized, false) // people want to know
	s.Reissue()
	if err := c.Check(t.Context()); err != nil {
		t.Errorf("the new token: %v", err)
	}
}

// TestFaults: each fault, at the creation, tells whether it may have worked.
func TestFaults(t *testing.T) {
	for _, kind := range fake.AllFaults() {
		t.Run(string(kind), func(t *testing.T) {
			s, c := standIn(t, fake.Options{})
			if err := s.SetFaults(fake.Faults{Rate: 1, Kinds: []fake.Fault{kind}, Times: 1, Hang: time.Minute, Slow: time.Millisecond}); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := t.Context(), context.CancelFunc(func() {})
			if strings.HasPrefix(string(kind), "hang") {
				ctx, cancel = context.WithTimeout(ctx, 50*time.Millisecond)
			}
			defer cancel()
			_, err := c.Create(ctx, testName)
			if kind == fake.FaultSlow {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wantError(t, err, resource.Unreachable, true)
			found, err := c.Find(t.Context(), testName)
			if err != nil || len(found) != s.Counts().Alive {
				t.Errorf("found %v, %v of %+v", found, err, s.Counts())
			}
		})
	}
	s, c := standIn(t, fake.Options{})
	if err := s.SetDown(fake.DownRefuse); err != nil {
		t.Fatal(err)
	}
	_, err := c.Create(t.Context(), testName)
	wantError(t, err, resource.Unreachable, false)
	if err := s.SetDown(fake.DownUnavailable); err != nil {
		t.Fatal(err)
	}
	wantError(t, c.Check(t.Context()), resource.Unreachable, false)
	if err := s.SetDown(fake.DownNot); err != nil {
		t.Fatal(err)
	}
	if err := c.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestLivesThroughFaults leads profiles through whole lives by the rules of
// the interface alone while a third of all requests fails.
func TestLivesThroughFaults(t *testing.T) {
	const lives, workers, seed = 40, 4, 7
	s, c := standIn(t, fake.Options{})
	foreign := s.Add("agentry-of-somebody-else")
	if err := s.SetFaults(fake.Faults{Seed: seed, Rate: 0.3, Kinds: fake.AllFaults(), Hang: 5 * time.Millisecond, Slow: time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			for i := w; i < lives; i += workers {
				if err := live(t.Context(), c, fmt.Sprintf("agentry-%04d", i)); err != nil {
					t.Errorf("seed %d: %v", seed, err)
				}
			}
		})
	}
	all.Wait()
	n := s.Counts()
	if n.Alive != 1 || s.Profiles()[0].ID != foreign || n.Made < lives+1 || n.DeletedTwice != 0 || n.Strange != 0 {
		t.Errorf("seed %d: %+v", seed, n)
	}
	for _, p := range s.Trash() {
		if p.Proxy.Password != "" {
			t.Errorf("%s went to the trash with its proxy", p.Name)
		}
	}
}

// live makes a profile, sets its proxy and deletes it, as the ledger does.
func live(ctx context.Context, c *Client, name string) error {
	const tries = 100
	id, doubt := "", false
	for range tries {
		if doubt {
			found, err := c.Find(ctx, name)
			if err != nil {
				continue
			}
			doubt = false
			if len(found) > 0 {
				id = found[0].ID
				break
			}
		}
		p, err := c.Create(ctx, name)
		if err == nil {
			id = p.ID
			break
		}
		if doubt = resource.IsUnclear(err); resource.ReasonOf(err) != resource.Unreachable {
			return err
		}
	}
	set, again := errors.New("not tried"), false
	for i := 0; i < tries && set != nil; i++ {
		if set = c.SetProxy(ctx, id, endpoint()); set != nil && resource.ReasonOf(set) != resource.Unreachable {
			return set
		}
	}
	for range tries {
		err := c.Delete(ctx, id, resource.Deletion{Again: again})
		if err == nil {
			return set
		}
		if resource.ReasonOf(err) != resource.Unreachable {
			return err
		}
		again = again || resource.IsUnclear(err)
	}
	return fmt.Errorf("%s is not gone after %d tries", name, tries)
}
