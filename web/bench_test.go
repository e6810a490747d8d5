package web

import (
	"context"
	"fmt"
	"syscall"
	"testing"

	"github.com/valyala/fasthttp"

	"agentry/internal/app"
	"agentry/internal/fleet"
)

// The fleet page as a signed-in person opens it, from the request to the
// compressed answer, without the network, for fleets of two sizes. Beside the
// time, which others on the machine share, stands what it cost the processor.
// Nothing is written meanwhile, so that the list itself is read once a second;
// app's BenchmarkFleet reads it each time.
func BenchmarkFleetPage(b *testing.B) {
	for _, n := range []int{100, 10_000} {
		b.Run(fmt.Sprint("of=", n), func(b *testing.B) {
			w := newWorld(b)
			if _, err := w.app.Seed(context.Background(), w.team.ID, app.SeedInput{Agents: n, Seed: 1}); err != nil {
				b.Fatal(err)
			}
			cookie := w.cookie(w.team.ID, fleet.RoleOperator)
			for name, query := range map[string]string{
				"opened": "", "name": "?sort=name", "changed": "?sort=-updatedAt", "paused": "?status=paused", "country": "?country=FR", "tag": "?tag=vip", "text": "?q=petra", "alerts": "?alerts=open",
			} {
				b.Run(name, func(b *testing.B) { w.benchPage(b, "/fleet"+query, cookie) })
			}
		})
	}
}

func (w *world) benchPage(b *testing.B, path, cookie string) {
	var req fasthttp.Request
	req.Header.SetRequestURI(path)
	req.Header.SetHost(w.server.Addr())
	req.Header.Set("Cookie", cookie)
	req.Header.Set("Accept-Encoding", "gzip")
	handle, size := w.server.fiber.Server().Handler, 0
	b.ReportAllocs()
	before := processorTime(b)
	for b.Loop() {
		var c fasthttp.RequestCtx
		c.Init(&req, nil, nil)
		if handle(&c); c.Response.StatusCode() != 200 {
			b.Fatalf("%s: %d", path, c.Response.StatusCode())
		}
		size = len(c.Response.Body())
	}
	b.ReportMetric(float64(processorTime(b)-before)/float64(b.N), "cpu-ns/op")
	b.ReportMetric(float64(size), "bytes/page")
}

// processorTime is what this process has used, in nanoseconds.
func processorTime(b *testing.B) int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}
