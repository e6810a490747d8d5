package fake_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"agentry/internal/resource/fake"
)

func TestEveryFault(t *testing.T) {
	for _, v := range []struct {
		fault  fake.Fault
		status int // 0 is no answer
		text   string
		made   int // profiles by a create that met it
	}{
		{fake.FaultError, 500, `{"error":"Internal Server Error","message":"Internal server error","statusCode":500}`, 0},
		{fake.FaultGateway, 502, "<html>", 0},
		{fake.FaultBusy, 503, `"statusCode":503`, 0},
		{fake.FaultCloudflare, 429, "error code: 1015", 0},
		{fake.FaultHang, 0, "", 0},
		{fake.FaultReset, 0, "", 0},
		{fake.FaultSlow, 201, `"id"`, 1},
		{fake.FaultErrorLate, 500, "Internal server error", 1},
		{fake.FaultGateLate, 502, "502 Bad Gateway", 1},
		{fake.FaultHangLate, 0, "", 1},
		{fake.FaultResetLate, 0, "", 1},
	} {
		t.Run(string(v.fault), func(t *testing.T) {
			t.Parallel()
			s := start(t, fake.Options{})
			if err := s.SetFaults(fake.Faults{Rate: 1, Kinds: []fake.Fault{v.fault}, Times: 1, Hang: 50 * time.Millisecond, Slow: 20 * time.Millisecond}); err != nil {
				t.Fatal(err)
			}
			begun := time.Now()
			r := ask(t, s, "POST /browser/quick", `{"os":"lin","name":"x"}`)
			if r.status != v.status || !strings.Contains(r.text, v.text) || (v.status == 0) != (r.err != nil) {
				t.Errorf("answered %d %q %v, want %d %q", r.status, r.text, r.err, v.status, v.text)
			}
			if v.fault == fake.FaultSlow && time.Since(begun) < 20*time.Millisecond {
				t.Error("was not slow")
			}
			if v.fault == fake.FaultReset && !errors.Is(r.err, syscall.ECONNRESET) {
				t.Errorf("was not reset: %v", r.err)
			}
			if (r.kind == "application/json; charset=utf-8") != strings.HasPrefix(r.text, "{") {
				t.Errorf("%q is called %s", r.text, r.kind)
			}
			if n := len(s.Profiles()); n != v.made {
				t.Errorf("made %d profiles, want %d", n, v.made)
			}
			rec := s.Requests(0)
			if len(rec) != 1 || rec[0].Fault != v.fault || rec[0].Status != v.status || rec[0].Effect != (v.made == 1) {
				t.Errorf("recorded %+v", rec)
			}
			want(t, ask(t, s, "GET /user", ""), 200)
		})
	}
}

func TestTheFault429KillsTheToken(t *testing.T) {
	s := start(t, fake.Options{})
	limit := fake.Faults{Rate: 1, Kinds: []fake.Fault{fake.FaultLimit}, Times: 1}
	if err := s.SetFaults(limit); err != nil {
		t.Fatal(err)
	}
	want(t, ask(t, s, "GET /user", ""), 429)
	want(t, ask(t, s, "GET /user", ""), 401)
	s.Revive()
	want(t, ask(t, s, "GET /user", ""), 200)
	s.SetChoices(fake.Choices{TokenSurvives: true})
	if err := s.SetFaults(limit); err != nil {
		t.Fatal(err)
	}
	want(t, ask(t, s, "GET /user", ""), 429)
	want(t, ask(t, s, "GET /user", ""), 200)
}

func TestFaultsAreDealtByTheSeed(t *testing.T) {
	deal := func(seed uint64) (kinds string, failed int) {
		s := start(t, fake.Options{PlanPerMinute: -1})
		err := s.SetFaults(fake.Faults{Seed: seed, Rate: 0.3, Kinds: []fake.Fault{fake.FaultError, fake.FaultBusy, fake.FaultReset}, Routes: []string{"GET /user"}})
		if err != nil {
			t.Fatal(err)
		}
		for range 200 {
			ask(t, s, "GET /user", "")
			want(t, ask(t, s, "GET /browser/v2", ""), 200)
		}
		for _, r := range s.Requests(0) {
			if r.Route == "GET /user" {
				kinds += string(r.Fault) + ","
			}
			if r.Fault != "" {
				failed++
			}
		}
		return kinds, failed
	}
	a, failed := deal(7)
	b, _ := deal(7)
	c, _ := deal(8)
	if a != b || a == c {
		t.Errorf("seed 7 dealt\n%s\n%s\nand 8\n%s", a, b, c)
	}
	if failed < 40 || failed > 80 {
		t.Errorf("%d of 200 failed at a rate of 0.3", failed)
	}
}

func TestFaultsThatAreNoneAreRefused(t *testing.T) {
	s := start(t, fake.Options{})
	for _, f := range []fake.Faults{
		{Rate: 1, Kinds: []fake.Fault{"flood"}},
		{Rate: 1, Kinds: []fake.Fault{"500"}, Routes: []string{"GET /nothing"}},
		{Rate: 1},
	} {
		if s.SetFaults(f) == nil {
			t.Errorf("accepted %+v", f)
		}
	}
}

func TestAHangEndsWhenTheClientLeaves(t *testing.T) {
	s := start(t, fake.Options{})
	if err := s.SetFaults(fake.Faults{Rate: 1, Kinds: []fake.Fault{fake.FaultHang}, Times: 1, Hang: time.Hour}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	req, err := http.NewRequestWithContext(ctx, "GET", s.URL()+"/user", nil)
	if err != nil {
		t.Fatal(err)
	}
	left := make(chan reply)
	go func() { left <- do(http.DefaultClient, req) }()
	for len(s.Requests(0)) == 0 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	if r := <-left; !errors.Is(r.err, context.Canceled) {
		t.Errorf("ended by %v", r.err)
	}
}

func TestAVendorThatIsAwayComesBackWhereItWas(t *testing.T) {
	s := start(t, fake.Options{})
	id := create(t, s, "x")
	url := s.URL()

	if err := s.SetDown(fake.DownRefuse); err != nil {
		t.Fatal(err)
	}
	r := ask(t, s, "GET /user", "")
	var refused *net.OpError
	if !errors.As(r.err, &refused) || !errors.Is(r.err, syscall.ECONNREFUSED) {
		t.Fatalf("answered %d %v", r.status, r.err)
	}
	if err := s.SetDown(fake.DownUnavailable); err != nil {
		t.Fatal(err)
	}
	want(t, ask(t, s, "DELETE /browser/"+id, ""), 503)
	if err := s.SetDown(fake.DownNot); err != nil {
		t.Fatal(err)
	}
	want(t, ask(t, s, "GET /browser/"+id, ""), 200)
	if s.URL() != url {
		t.Errorf("came back at %s, not %s", s.URL(), url)
	}
	if s.SetDown("away") == nil {
		t.Error("there is no such way")
	}
}
