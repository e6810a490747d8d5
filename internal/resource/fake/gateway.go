package fake

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// GatewayOptions are how a Gateway is set up; the zero value works.
type GatewayOptions struct {
	// Addr and EchoAddr are where gateway and echo listen, loopback addresses;
	// "" is 127.0.0.1:0.
	Addr, EchoAddr string
	// User and Password are the customer's; "" makes them.
	User, Password string
	// Fixed are user names that stand for one address each and take no
	// parameters, with the country of their exit, as {"isp1": "FR"}.
	Fixed map[string]string
	// Now is the clock of the sessions; nil is the machine's.
	Now func() time.Time
}

// Gateway is a stand-in for a provider of residential proxies (§9): one
// address that speaks HTTP (CONNECT and plain) and SOCKS5, with country and
// session in the user name as Decodo has them:
// user-NAME-country-us-session-ID-sessionduration-30. Exits differ by session
// and stay the same for its time. It leads to its own echo alone.
type Gateway struct {
	listener net.Listener
	echo     *door
	opts     GatewayOptions
	done     chan struct{}
	once     sync.Once
	work     sync.WaitGroup

	mu       sync.Mutex
	conns    map[net.Conn]bool
	exits    map[string]exit // by the address from which the echo is asked
	sessions map[string]*Session
	order    []*Session
	refused  int
	direct   int
	troubles map[string]Trouble // by country, "" is all
}

// Trouble is a way in which the gateway fails.
type Trouble struct {
	Kind TroubleKind
	// Country is the exit's of TroubleElsewhere, two letters.
	Country string
	// Wait is TroubleSlow's.
	Wait time.Duration
}

// TroubleKind names a trouble.
type TroubleKind string

// The troubles.
const (
	TroubleNone        TroubleKind = ""
	TroubleCredentials TroubleKind = "407"       // they are refused, although right
	TroubleQuota       TroubleKind = "402"       // the traffic is used up
	TroubleNoPeer      TroubleKind = "502"       // nobody at home now
	TroubleDead        TroubleKind = "dead"      // connections end at once
	TroubleSilent      TroubleKind = "silent"    // no answer
	TroubleSlow        TroubleKind = "slow"      // the right answer, Wait later
	TroubleGarbage     TroubleKind = "garbage"   // what is answered is no protocol
	TroublePage        TroubleKind = "page"      // the echo is answered by a page of somebody else
	TroubleElsewhere   TroubleKind = "elsewhere" // the exit is in another country than was asked for
)

// NewGateway serves at once, until Close.
func NewGateway(o GatewayOptions) (*Gateway, error) {
	if o.User == "" {
		o.User = "standin" + strings.ToLower(rand.Text()[:6])
	}
	if o.Password == "" {
		o.Password = rand.Text()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	g := &Gateway{
		opts: o, done: make(chan struct{}), conns: map[net.Conn]bool{}, exits: map[string]exit{},
		sessions: map[string]*Session{}, troubles: map[string]Trouble{},
	}
	var err error
	if g.listener, err = listenLoopback(o.Addr); err != nil {
		return nil, err
	}
	if g.echo, err = openDoor(o.EchoAddr, http.HandlerFunc(g.serveEcho)); err != nil {
		_ = g.listener.Close()
		return nil, err
	}
	g.work.Go(g.accept)
	return g, nil
}

// Host and Port are where the gateway listens.
func (g *Gateway) Host() string { return g.listener.Addr().(*net.TCPAddr).IP.String() }

// Port is the gateway's.
func (g *Gateway) Port() int { return g.listener.Addr().(*net.TCPAddr).Port }

// EchoURL answers with the exit of whoever asks through the gateway.
func (g *Gateway) EchoURL() string { return g.echo.url() + "/" }

// User is the customer's name, Password the password.
func (g *Gateway) User() string { return g.opts.User }

// Password is the customer's.
func (g *Gateway) Password() string { return g.opts.Password }

// Username is the template of user names, with the places of a pool's entry.
func (g *Gateway) Username() string {
	return "user-" + g.opts.User + "-country-{cc}-session-{sid}-sessionduration-{ttl_min}"
}

// SetTrouble makes the exits in a country fail, or all with "" as the country;
// the zero value ends it. Before it is known which country is asked for only
// the trouble of all counts.
func (g *Gateway) SetTrouble(country string, t Trouble) error {
	kinds := []TroubleKind{
		TroubleNone, TroubleCredentials, TroubleQuota, TroubleNoPeer, TroubleDead, TroubleSilent,
		TroubleSlow, TroubleGarbage, TroublePage, TroubleElsewhere,
	}
	if !slices.Contains(kinds, t.Kind) || t.Kind == TroubleElsewhere && len(t.Country) != 2 {
		return fmt.Errorf("no trouble is called %q, or its country is missing", t.Kind)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.troubles[strings.ToUpper(country)] = t
	return nil
}

// trouble is the country's own, or that of all.
func (g *Gateway) trouble(country string) Trouble {
	g.mu.Lock()
	defer g.mu.Unlock()
	if t := g.troubles[country]; t.Kind != TroubleNone {
		return t
	}
	return g.troubles[""]
}

func (g *Gateway) accept() {
	for {
		conn, err := g.listener.Accept()
		if err != nil {
			return
		}
		g.mu.Lock()
		g.conns[conn] = true
		g.mu.Unlock()
		select {
		case <-g.done: // Close may have looked before
			_ = conn.Close()
		default:
		}
		g.work.Go(func() {
			g.serve(conn)
			_ = conn.Close()
			g.mu.Lock()
			delete(g.conns, conn)
			g.mu.Unlock()
		})
	}
}

// socksVersion is the first byte of SOCKS5; no HTTP method begins with it.
const socksVersion = 5

func (g *Gateway) serve(conn net.Conn) {
	in := bufio.NewReader(conn)
	first, err := in.Peek(1)
	switch {
	case err != nil:
	case first[0] == socksVersion:
		g.serveSOCKS(conn, in)
	default:
		g.serveHTTP(conn, in)
	}
}

// endures does what a trouble does to a connection before anything is said. It
// tells whether the connection goes on.
func (g *Gateway) endures(conn net.Conn, t Trouble) bool {
	switch t.Kind {
	case TroubleDead:
		return false
	case TroubleSilent:
		_, _ = io.Copy(io.Discard, conn)
		return false
	case TroubleGarbage:
		_, _ = conn.Write([]byte("\x00\x01\x02 is this a proxy? \xff\xfe\r\n\r\n"))
		return false
	case TroubleSlow:
		wait := time.NewTimer(t.Wait)
		defer wait.Stop()
		select {
		case <-wait.C:
		case <-g.done:
			return false
		}
	}
	return true
}

// Close ends all connections and waits for them until the context ends.
func (g *Gateway) Close(ctx context.Context) error {
	g.once.Do(func() { close(g.done) })
	_ = g.listener.Close()
	g.mu.Lock()
	for conn := range g.conns {
		_ = conn.Close()
	}
	g.mu.Unlock()
	err := g.echo.close(ctx)
	ended := make(chan struct{})
	go func() {
		g.work.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-ctx.Done():
		err = errors.Join(err, ctx.Err())
	}
	return err
}
