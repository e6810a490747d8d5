package web

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/http"
	"syscall"
	"testing"
	"time"
)

// failing is a listener that runs out of descriptors before it accepts.
type failing struct {
	net.Listener
	left []error
}

func (f *failing) Accept() (net.Conn, error) {
	if len(f.left) > 0 {
		err := f.left[0]
		f.left = f.left[1:]
		return nil, &net.OpError{Op: "accept", Err: err}
	}
	return f.Listener.Accept()
}

func TestListenerOutlivesLackOfDescriptors(t *testing.T) {
	inner, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	table := newConnTable(2)
	ln := newListener(&failing{inner, []error{syscall.EMFILE, syscall.ENFILE, syscall.ECONNABORTED}}, table, newWorld(t).server.log)
	defer ln.Close()
	var waiting []net.Conn
	for range 3 {
		c, err := net.Dial("tcp", ln.Addr().String())
		must(t, err)
		defer c.Close()
		waiting = append(waiting, c)
		_, err = ln.Accept()
		must(t, err)
	}
	// The limit is two: the one that waited longest had to go.
	must(t, waiting[0].SetReadDeadline(time.Now().Add(5*time.Second)))
	if _, err := waiting[0].Read(make([]byte, 1)); err == nil || errors.Is(err, syscall.ETIMEDOUT) {
		t.Errorf("the oldest is still open: %v", err)
	}
	if len(table.open) != 2 || table.waiting.Len() != 2 {
		t.Errorf("%d open, %d waiting", len(table.open), table.waiting.Len())
	}
	table.closeAll()
	must(t, ln.Close())
	if _, err := ln.Accept(); err == nil {
		t.Error("a closed listener accepts")
	}
}

// Slow clients that never finish their headers do not keep others out.
func TestSlowClientsMakeWay(t *testing.T) {
	w := newWorld(t)
	w.server.conns.mu.Lock()
	w.server.conns.limit = 20
	w.server.conns.mu.Unlock()
	for range 60 {
		c, err := net.Dial("tcp", w.server.Addr())
		must(t, err)
		defer c.Close()
		_, err = c.Write([]byte("GET /healthz HTTP/1.1\r\nHost: lo"))
		must(t, err)
	}
	for range 20 {
		if a := w.do("GET", "/healthz", "", "", "Connection: close"); a.status != 200 {
			t.Fatalf("got %d", a.status)
		}
	}
}

// Who uploads too much is answered, not reset.
func TestRefusedUploadSeesItsAnswer(t *testing.T) {
	w := newWorld(t)
	c, err := net.Dial("tcp", w.server.Addr())
	must(t, err)
	defer c.Close()
	_, err = fmt.Fprintf(c, "POST /agents/x/start HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n", 8<<20)
	must(t, err)
	chunk := make([]byte, 1<<20)
	for range 8 {
		if _, err := c.Write(chunk); err != nil {
			t.Fatalf("the upload was reset: %v", err)
		}
	}
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	must(t, err)
	defer res.Body.Close()
	if res.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("got %d", res.StatusCode)
	}
}
