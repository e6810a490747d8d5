// Package web is the HTTP server: one listener, one table of routes, one guard
// in front of them, one place where errors become answers. What the calls do
// is in internal/app; how each face looks is in the folders below.
package web

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"agentry/internal/app"
	"agentry/internal/fleet"
	"agentry/internal/live"
	"agentry/web/eliza"
	"agentry/web/pages"
	"agentry/web/runtimeapi"
	"agentry/web/stream"
	"agentry/web/v1"
)

const (
	bodyLimit = 1 << 20
	// drainTime is how long Stop waits for requests under way.
	drainTime = 10 * time.Second
	// readTime is how long a request may take to come.
	readTime = 10 * time.Second
	// requestTime bounds every request but streams; the longest long poll
	// holds for 55 seconds.
	requestTime = 75 * time.Second
	beatEvery   = 15 * time.Second
)

// Config is what the server is made of.
type Config struct {
	App *app.App
	// Hub is closed first when the server stops, so that streams and long
	// polls end; nil when somebody else does that.
	Hub *live.Hub
	// Addr is host:port; port 0 takes a free one.
	Addr string
	// BasePath is "" or a prefix such as "/agentry" that every path has.
	BasePath string
	// TrustLoopback lets requests without a key, from this machine and not
	// from a foreign page, act as an operator of LoopbackTeam.
	TrustLoopback bool
	LoopbackTeam  fleet.TeamID
	// RateRead and RateWrite are requests a minute per key and route; 0 is no
	// limit.
	RateRead, RateWrite int
	// EnvName and EnvColor mark the pages of this installation.
	EnvName, EnvColor string
	// InsecureHTTP: people sign in over plain http beyond this machine.
	InsecureHTTP bool
	// TrustedProxies are addresses or CIDR ranges whose X-Forwarded headers
	// count.
	TrustedProxies []string
	// Beat is how often an open stream shows that it lives; 0 is every 15 s.
	Beat    time.Duration
	Version string
	// Ready tells whether requests can be served; nil is always.
	Ready func(context.Context) error
	Log   *slog.Logger
}

// Server serves every face. Make it with New.
type Server struct {
	config  Config
	app     *app.App
	log     *slog.Logger
	fiber   *fiber.App
	streams *stream.Streams
	limiter *limiter
	conns   *connTable

	sessions *sessionStore
	pages    *pages.Pages

	v1      *v1.API
	eliza   *eliza.API
	elizaV1 *eliza.V1
	runtime *runtimeapi.API

	// draining: every answer says that its connection ends.
	draining atomic.Bool

	mu       sync.Mutex
	listener *listener
	served   chan struct{} // closed when the accept loop has ended
}

// New makes a server that does not listen yet.
func New(c Config) *Server {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Beat == 0 {
		c.Beat = beatEvery
	}
	streams := stream.New(c.App, c.Beat, c.Log)
	s := &Server{
		config:  c,
		app:     c.App,
		log:     c.Log,
		streams: streams,
		limiter: newLimiter(),
		conns:   newConnTable(connLimit()),
		v1:      v1.New(c.App, streams, c.BasePath),
		eliza:   eliza.New(c.App),
		elizaV1: eliza.NewV1(c.App, streams, c.Version),
		runtime: runtimeapi.New(c.App),
	}
	s.sessions = newSessionStore(c.App, c.InsecureHTTP)
	s.pages = pages.New(pages.Config{
		App: c.App, Streams: streams, Beat: c.Beat, EnvName: c.EnvName, EnvColor: c.EnvColor, InsecureHTTP: c.InsecureHTTP, SignIn: s.signIn, SignOut: s.signOut,
	})
	s.fiber = fiber.New(fiber.Config{
		Immutable:                    true,
		CaseSensitive:                true,
		StrictRouting:                true,
		ReadTimeout:                  readTime,
		IdleTimeout:                  60 * time.Second,
		ReadBufferSize:               8 << 10,
		BodyLimit:                    bodyLimit,
		ReduceMemoryUsage:            true,
		DisableStartupMessage:        true,
		DisablePreParseMultipartForm: true,
		EnableTrustedProxyCheck:      true,
		EnableIPValidation:           true,
		TrustedProxies:               c.TrustedProxies,
		ProxyHeader:                  fiber.HeaderXForwardedFor,
		ErrorHandler:                 s.unread,
	})
	s.fiber.Use(s.first)
	s.mount()
	s.wire(s.fiber.Handler())
	return s
}

// wire puts this server's own handling around fiber's.
func (s *Server) wire(routed fasthttp.RequestHandler) {
	server := s.fiber.Server()
	server.CloseOnShutdown = true
	server.ConnState = s.conns.state
	server.Handler = func(rctx *fasthttp.RequestCtx) {
		if knownMethod(string(rctx.Method())) {
			routed(rctx)
			return
		}
		c := s.fiber.AcquireCtx(rctx)
		defer s.fiber.ReleaseCtx(c)
		_ = s.unread(c, fiber.ErrNotImplemented)
	}
}

// Start listens and serves; it returns as soon as connections are accepted.
// It refuses to trust loopback on an address that is not loopback.
func (s *Server) Start(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listener != nil {
		return fmt.Errorf("web: already started")
	}
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", s.config.Addr)
	if err != nil {
		return fmt.Errorf("web: %w", err)
	}
	if s.config.TrustLoopback && !loopbackAddr(ln.Addr()) {
		_ = ln.Close()
		return fmt.Errorf("web: loopback is only trusted on a loopback address, not on %s", ln.Addr())
	}
	s.listener = newListener(ln, s.conns, s.log)
	s.served = make(chan struct{})
	go func() {
		defer close(s.served)
		if err := s.fiber.Server().Serve(s.listener); err != nil {
			s.log.Error("listener ended", "error", err.Error())
		}
	}()
	return nil
}

// Addr is the address that the server listens on, "" before Start.
func (s *Server) Addr() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listener == nil {
		return ""
	}
	return s.listener.Addr().String()
}

// Stop ends streams, takes no more connections, lets requests finish for up to
// ten seconds or until the context ends, then cuts what is left. It is safe to
// call twice and without Start.
func (s *Server) Stop(ctx context.Context) error {
	s.streams.Close()
	if s.config.Hub != nil {
		s.config.Hub.Close()
	}
	s.mu.Lock()
	ln := s.listener
	s.mu.Unlock()
	if ln == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, drainTime)
	defer cancel()
	// First the port, then the word: who hears it connects anew at once, and must
	// not come to a port that is about to close.
	ln.finish()
	select {
	case <-s.served: // all that came is being served
	case <-time.After(finishTime):
	case <-ctx.Done():
	}
	_ = ln.Close()
	<-s.served
	s.draining.Store(true)
	s.farewell(ctx)
	err := s.fiber.Server().ShutdownWithContext(ctx)
	if err != nil {
		s.conns.closeAll()
	}
	return err
}

// Clients that keep their connection have farewellLooks times lookEvery to
// hear, with the answer to their next request, that it ends: closed without a
// word, it would cut a request that is on its way. Looks are counted, not time,
// so that a machine that is too busy to look gives its clients longer too.
const (
	farewellLooks = 50
	lookEvery     = 5 * time.Millisecond
)

// farewell waits until all connections are gone. Those that had the time to
// hear that they end, and ask nothing, are ended.
func (s *Server) farewell(ctx context.Context) {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for looks := 0; s.conns.count() > 0; looks++ {
		if looks >= farewellLooks {
			s.conns.endUnused()
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return
		}
	}
}

// knownMethod tells whether routing knows the method at all.
func knownMethod(m string) bool {
	for _, known := range fiber.DefaultMethods {
		if m == known {
			return true
		}
	}
	return false
}

// loopbackAddr tells whether an address is of this machine only.
func loopbackAddr(a net.Addr) bool {
	at, err := netip.ParseAddrPort(a.String())
	return err == nil && at.Addr().Unmap().IsLoopback()
}
