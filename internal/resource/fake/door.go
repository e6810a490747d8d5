package fake

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// door is an HTTP server on a loopback address that can be shut, so that
// connections are refused, and opened again at the same address.
type door struct {
	handler http.Handler

	mu     sync.Mutex
	addr   string // the one that was got
	server *http.Server
	served chan struct{} // closed when the server has ended
	opened bool          // it was, at least once
	closed bool
}

// listenLoopback refuses every address that others could reach.
func listenLoopback(addr string) (net.Listener, error) {
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("a stand-in's address is host:port: %w", err)
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return nil, fmt.Errorf("a stand-in serves on a loopback address only, not on %s", host)
	}
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("a stand-in cannot listen: %w", err)
	}
	return ln, nil
}

// openDoor serves at once.
func openDoor(addr string, h http.Handler) (*door, error) {
	d := &door{handler: h, addr: addr}
	return d, d.open()
}

// open is nothing when it is open. Another process may have taken the port
// meanwhile; that is waited for a little.
func (d *door) open() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.server != nil || d.closed {
		return nil
	}
	ln, err := listenLoopback(d.addr)
	for end := time.Now().Add(5 * time.Second); err != nil && d.opened && time.Now().Before(end); {
		time.Sleep(20 * time.Millisecond)
		ln, err = listenLoopback(d.addr)
	}
	if err != nil {
		return err
	}
	d.addr, d.opened = ln.Addr().String(), true
	server, served := &http.Server{Handler: d.handler, ReadHeaderTimeout: 10 * time.Second}, make(chan struct{})
	d.server, d.served = server, served
	go func() {
		defer close(served)
		_ = server.Serve(ln)
	}()
	return nil
}

// shut cuts all connections and refuses new ones.
func (d *door) shut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.server == nil {
		return
	}
	_ = d.server.Close()
	<-d.served
	d.server = nil
}

// close lets requests end until the context does; afterwards it stays shut.
func (d *door) close(ctx context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	if d.server == nil {
		return nil
	}
	err := d.server.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, d.server.Close())
	}
	<-d.served
	d.server = nil
	return err
}

func (d *door) url() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return "http://" + d.addr
}
