package web

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
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

// Who is in line when the server stops is served, and nobody gets into line
// between the last look and the close.
func TestFinishServesTheLine(t *testing.T) {
	for _, line := range []int{0, 1, 5} {
		tcp, err := net.Listen("tcp", "127.0.0.1:0")
		must(t, err)
		l := newListener(tcp, newConnTable(100), slog.New(slog.DiscardHandler))
		defer l.Close()
		var clients []net.Conn
		for range line {
			c, err := net.Dial("tcp", l.Addr().String())
			must(t, err)
			defer c.Close()
			_, err = c.Write([]byte("ask"))
			must(t, err)
			clients = append(clients, c)
		}
		l.finish()
		for i, client := range clients {
			c, err := l.Accept()
			if err != nil || c.RemoteAddr().String() != client.LocalAddr().String() {
				t.Fatalf("%d of %d: %v", i, line, err)
			}
			defer c.Close()
		}
		if c, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("behind a line of %d: %v %v", line, c, err)
		}
		if _, err := net.Dial("tcp", l.Addr().String()); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("the port is not closed: %v", err)
		}
	}
}

// An Accept that waits for somebody ends too.
func TestFinishWakesAccept(t *testing.T) {
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	l := newListener(tcp, newConnTable(100), slog.New(slog.DiscardHandler))
	ended := make(chan error, 1)
	go func() {
		_, err := l.Accept()
		ended <- err
	}()
	l.finish()
	if err := within(t, "the end", ended); !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
}

// What comes after an unused connection was told to end, but before it does,
// is read.
func TestAnEndingConnectionLooksOnceMore(t *testing.T) {
	for _, asks := range []bool{true, false} {
		tcp, err := net.Listen("tcp", "127.0.0.1:0")
		must(t, err)
		defer tcp.Close()
		client, err := net.Dial("tcp", tcp.Addr().String())
		must(t, err)
		defer client.Close()
		accepted, err := tcp.Accept()
		must(t, err)
		table := newConnTable(100)
		c := table.add(accepted)
		defer c.Close()
		table.endUnused()
		if asks {
			_, err = client.Write([]byte("ask"))
			must(t, err)
			wait(t, "what was asked", c.unread)
		}
		b := make([]byte, 8)
		n, err := c.Read(b)
		if got := string(b[:n]); asks && (got != "ask" || err != nil) || !asks && (n > 0 || !errors.Is(err, os.ErrDeadlineExceeded)) {
			t.Errorf("asks %t: %q %v", asks, got, err)
		}
		if !asks {
			if _, err := client.Read(b); err != io.EOF {
				t.Errorf("the client hears %v", err)
			}
		}
	}
}
