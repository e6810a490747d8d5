package fake

import (
	"bufio"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
)

// serveHTTP is CONNECT and requests with whole URLs, one a connection.
func (g *Gateway) serveHTTP(conn net.Conn, in *bufio.Reader) {
	req, err := http.ReadRequest(in)
	if err != nil {
		return
	}
	user, password := basic(req.Header.Get("Proxy-Authorization"))
	s, known := g.parameters(user)
	t := g.trouble(s.Country)
	if !g.endures(conn, t) {
		return
	}
	out, kind := g.admit(s, known, password, t)
	if kind != TroubleNone {
		refuseHTTP(conn, kind)
		return
	}
	target := req.URL.Host
	if req.Method == http.MethodConnect {
		target = req.RequestURI
	}
	up, err := g.dial(target, out)
	if err != nil {
		say(conn, http.StatusForbidden, "", err.Error())
		return
	}
	defer g.hangUp(up)
	if req.Method == http.MethodConnect {
		_, _ = io.WriteString(conn, "HTTP/1.1 200 Connection established\r\n\r\n")
		g.relay(conn, in, up)
		return
	}
	req.Header.Del("Proxy-Authorization")
	req.Header.Del("Proxy-Connection")
	req.Close = true
	if req.Write(up) == nil {
		_, _ = io.Copy(conn, up)
	}
}

// basic reads a Proxy-Authorization.
func basic(header string) (user, password string) {
	raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(header, "Basic "))
	if err != nil {
		return "", ""
	}
	user, password, _ = strings.Cut(string(raw), ":")
	return user, password
}

// refuseHTTP answers as gateways do (§9).
func refuseHTTP(conn net.Conn, kind TroubleKind) {
	switch kind {
	case TroubleCredentials:
		say(conn, http.StatusProxyAuthRequired, "Proxy-Authenticate: Basic realm=\"stand-in\"\r\n", "proxy credentials are wrong")
	case TroubleQuota:
		say(conn, http.StatusPaymentRequired, "", "traffic limit reached")
	default:
		say(conn, http.StatusBadGateway, "", "no peer available")
	}
}

func say(conn net.Conn, status int, header, text string) {
	_, _ = fmt.Fprintf(conn, "HTTP/1.1 %d %s\r\n%sContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
		status, http.StatusText(status), header, len(text), text)
}

// dial leads to the echo alone; the echo knows the exit by where it is asked
// from.
func (g *Gateway) dial(target string, e exit) (net.Conn, error) {
	echo := strings.TrimPrefix(g.echo.url(), "http://")
	if target != echo {
		return nil, fmt.Errorf("the stand-in leads to %s only", echo)
	}
	up, err := net.Dial("tcp", echo)
	if err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.exits[up.LocalAddr().String()] = e
	return up, nil
}

func (g *Gateway) hangUp(up net.Conn) {
	g.mu.Lock()
	delete(g.exits, up.LocalAddr().String())
	g.mu.Unlock()
	_ = up.Close()
}

// relay copies both ways until one side ends.
func (g *Gateway) relay(conn net.Conn, in io.Reader, up net.Conn) {
	back := make(chan struct{})
	go func() {
		defer close(back)
		_, _ = io.Copy(conn, up)
		_ = conn.Close()
	}()
	_, _ = io.Copy(up, in)
	_ = up.Close()
	<-back
}

// The words of SOCKS5 (RFC 1928, RFC 1929).
const (
	socksPassword    = 2 // the method
	socksNoMethod    = 0xff
	socksConnect     = 1
	socksFailed      = 1
	socksForbidden   = 2
	socksUnreachable = 4
)

// serveSOCKS is CONNECT with a user name and password.
func (g *Gateway) serveSOCKS(conn net.Conn, in *bufio.Reader) {
	head := make([]byte, 2)
	if _, err := io.ReadFull(in, head); err != nil {
		return
	}
	methods := make([]byte, head[1])
	if _, err := io.ReadFull(in, methods); err != nil {
		return
	}
	if !strings.ContainsRune(string(methods), socksPassword) {
		_, _ = conn.Write([]byte{socksVersion, socksNoMethod})
		return
	}
	_, _ = conn.Write([]byte{socksVersion, socksPassword})
	_, err := in.Discard(1) // the version of what follows
	user, err1 := counted(in)
	password, err2 := counted(in)
	if err != nil || err1 != nil || err2 != nil {
		return
	}
	s, known := g.parameters(user)
	t := g.trouble(s.Country)
	if !g.endures(conn, t) {
		return
	}
	out, kind := g.admit(s, known, password, t)
	if kind == TroubleCredentials {
		_, _ = conn.Write([]byte{1, 1})
		return
	}
	_, _ = conn.Write([]byte{1, 0})
	target, err := socksTarget(in)
	if err != nil {
		return
	}
	g.connectSOCKS(conn, in, target, out, kind)
}

func (g *Gateway) connectSOCKS(conn net.Conn, in *bufio.Reader, target string, out exit, kind TroubleKind) {
	reply := func(code byte) { _, _ = conn.Write([]byte{socksVersion, code, 0, 1, 0, 0, 0, 0, 0, 0}) }
	switch kind {
	case TroubleQuota:
		reply(socksForbidden)
		return
	case TroubleNoPeer:
		reply(socksUnreachable)
		return
	}
	up, err := g.dial(target, out)
	if err != nil {
		reply(socksForbidden)
		return
	}
	defer g.hangUp(up)
	reply(0)
	g.relay(conn, in, up)
}

// counted is a text after its length.
func counted(in *bufio.Reader) (string, error) {
	n, err := in.ReadByte()
	if err != nil {
		return "", err
	}
	text := make([]byte, n)
	_, err = io.ReadFull(in, text)
	return string(text), err
}

// socksTarget is where a request wants to go, host:port.
func socksTarget(in *bufio.Reader) (string, error) {
	head := make([]byte, 4) // version, command, nothing, kind of address
	if _, err := io.ReadFull(in, head); err != nil {
		return "", err
	}
	var host string
	var err error
	switch {
	case head[1] != socksConnect:
		err = fmt.Errorf("command %d is not CONNECT", head[1])
	case head[3] == 3:
		host, err = counted(in)
	default:
		ip := make([]byte, map[byte]int{1: net.IPv4len, 4: net.IPv6len}[head[3]])
		_, err = io.ReadFull(in, ip)
		host = net.IP(ip).String()
	}
	if err != nil {
		return "", err
	}
	port := make([]byte, 2)
	_, err = io.ReadFull(in, port)
	return net.JoinHostPort(host, strconv.Itoa(int(binary.BigEndian.Uint16(port)))), err
}
