package proxypool

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"agentry/internal/resource"
)

// loopback is where everything in these tests lives.
func loopback() []netip.Prefix {
	return []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
}

// echo is a check URL; answer is what it says.
type echo struct {
	*httptest.Server
	mu     sync.Mutex
	asked  []string // paths
	status int
	header http.Header
	body   string
}

func newEcho(t *testing.T, encrypted bool) *echo {
	t.Helper()
	e := &echo{status: 200, body: `{"ip":"203.0.113.7","country":"FR","city":"Paris","timezone":"Europe/Paris"}`}
	e.Server = httptest.NewUnstartedServer(e)
	e.Config.ErrorLog = log.New(io.Discard, "", 0)
	if encrypted {
		e.StartTLS()
	} else {
		e.Start()
	}
	t.Cleanup(e.Close)
	return e
}

func (e *echo) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.asked = append(e.asked, r.URL.Path)
	for name := range e.header {
		w.Header().Set(name, e.header.Get(name))
	}
	w.WriteHeader(e.status)
	_, _ = io.WriteString(w, e.body)
}

func (e *echo) requests() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.asked)
}

// pool makes a Pool that reaches this machine and trusts the echo.
func pool(t *testing.T, echoes ...*echo) *Pool {
	t.Helper()
	c := Config{AllowPrivate: loopback()}
	roots := x509.NewCertPool()
	for _, e := range echoes {
		c.CheckURLs = append(c.CheckURLs, e.URL)
		if e.Certificate() != nil {
			roots.AddCert(e.Certificate())
		}
	}
	p := New(c)
	p.dialer.Resolver = newResolver(t, nil)
	p.tls = &tls.Config{RootCAs: roots}
	return p
}

// proxy is a small gateway that speaks HTTP or SOCKS5.
type proxy struct {
	listener       net.Listener
	scheme         string
	user, password string
	refuse         string // a whole answer instead of connecting
	reply          byte   // of SOCKS5, 0 is yes
	after          func(net.Conn)
	wg             sync.WaitGroup
	mu             sync.Mutex
	conns          int
	targets        []string
}

func newProxy(t *testing.T, scheme string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: l, scheme: scheme}
	p.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			p.mu.Lock()
			p.conns++
			p.mu.Unlock()
			p.wg.Go(func() {
				defer c.Close()
				switch scheme {
				case "http":
					p.serveHTTP(c)
				case "socks5":
					p.serveSOCKS(c)
				default:
					_, _ = io.ReadFull(c, make([]byte, 3))
					fmt.Fprint(c, "HTTP/1.1 400 Bad Request\r\n\r\n")
				}
			})
		}
	})
	t.Cleanup(func() { l.Close(); p.wg.Wait() })
	return p
}

func (p *proxy) endpoint() resource.Endpoint {
	at := p.listener.Addr().(*net.TCPAddr)
	return resource.Endpoint{Scheme: p.scheme, Host: "127.0.0.1", Port: at.Port, Username: p.user, Password: p.password}
}

func (p *proxy) count() (conns int, targets string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.conns, strings.Join(p.targets, " ")
}

func (p *proxy) serveHTTP(c net.Conn) {
	in := bufio.NewReader(c)
	r, err := http.ReadRequest(in)
	if err != nil {
		return
	}
	want := ""
	if p.user != "" {
		want = "Basic " + base64.StdEncoding.EncodeToString([]byte(p.user+":"+p.password))
	}
	switch {
	case p.refuse != "":
		fmt.Fprint(c, p.refuse)
		return
	case r.Header.Get("Proxy-Authorization") != want:
		fmt.Fprint(c, "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
		return
	case r.Method == http.MethodConnect:
		p.tunnel(c, in, r.Host, "HTTP/1.1 200 Connection established\r\n\r\n")
		return
	}
	p.note(r.Host)
	r.Header.Del("Proxy-Authorization")
	r.RequestURI = ""
	res, err := http.DefaultTransport.RoundTrip(r)
	if err == nil {
		defer res.Body.Close()
		_ = res.Write(c)
	}
}

func (p *proxy) note(target string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.targets = append(p.targets, target)
}

func (p *proxy) tunnel(c net.Conn, in io.Reader, target, yes string) {
	p.note(target)
	out, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer out.Close()
	fmt.Fprint(c, yes)
	if p.after != nil {
		p.after(c)
		return
	}
	p.wg.Go(func() { _, _ = io.Copy(c, out); c.Close() })
	_, _ = io.Copy(out, in)
}

// serveSOCKS is RFC 1928 with the passwords of RFC 1929.
func (p *proxy) serveSOCKS(c net.Conn) {
	read := func(n int) []byte { b := make([]byte, n); _, _ = io.ReadFull(c, b); return b }
	methods := read(int(read(2)[1]))
	if p.user == "" {
		_, _ = c.Write([]byte{5, 0})
	} else {
		if !strings.Contains(string(methods), "\x02") {
			_, _ = c.Write([]byte{5, 0xff})
			return
		}
		_, _ = c.Write([]byte{5, 2})
		user := string(read(int(read(2)[1])))
		if password := string(read(int(read(1)[0]))); user != p.user || password != p.password {
			_, _ = c.Write([]byte{1, 1})
			return
		}
		_, _ = c.Write([]byte{1, 0})
	}
	head := read(4)
	host := ""
	switch head[3] {
	case 1:
		host = net.IP(read(4)).String()
	case 3:
		host = string(read(int(read(1)[0])))
	}
	port := binary.BigEndian.Uint16(read(2))
	_, _ = c.Write([]byte{5, p.reply, 0, 1, 0, 0, 0, 0, 0, 0})
	if p.reply == 0 {
		p.tunnel(c, c, net.JoinHostPort(host, strconv.Itoa(int(port))), "")
	}
}

// connects notes the addresses that a pool is let through to, and lets it on
// to this machine only.
type connects struct {
	mu   sync.Mutex
	list []string
}

func (n *connects) watch(p *Pool) {
	inner := p.dialer.ControlContext
	p.dialer.ControlContext = func(ctx context.Context, network, address string, c syscall.RawConn) error {
		if err := inner(ctx, network, address, c); err != nil {
			return err
		}
		n.mu.Lock()
		defer n.mu.Unlock()
		n.list = append(n.list, address)
		if at := netip.MustParseAddrPort(address); !at.Addr().Unmap().IsLoopback() {
			return syscall.ECONNREFUSED
		}
		return nil
	}
}

func (n *connects) made() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return strings.Join(n.list, " ")
}
