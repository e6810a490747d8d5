package web

import (
	"container/list"
	"errors"
	"log/slog"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/valyala/fasthttp"
)

const (
	// writeTime is how long one write may wait for a client that does not
	// read. Streams write little at a time, so it does not end them.
	writeTime = 30 * time.Second
	// lingerTime and lingerBytes bound how long a refused upload is read on,
	// so that the client sees the answer and not a reset.
	lingerTime  = 2 * time.Second
	lingerBytes = 16 << 20
)

// connLimit is how many connections are held at once: three quarters of the
// descriptors that this process may open, the rest is for files and programs.
func connLimit() int {
	var r syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &r); err != nil || r.Cur > 1<<18 {
		return 200_000
	}
	return max(16, int(r.Cur)*3/4)
}

// listener accepts until it is closed: running out of descriptors costs the
// connection that has waited longest without asking anything, not the server.
type listener struct {
	net.Listener
	conns *connTable
	log   *slog.Logger
	done  chan struct{}
	once  sync.Once
	// finishing: only what has come is accepted.
	finishing atomic.Bool
}

func newListener(ln net.Listener, conns *connTable, log *slog.Logger) *listener {
	return &listener{Listener: ln, conns: conns, log: log, done: make(chan struct{})}
}

// Accept returns the next connection. Errors that pass by themselves are
// retried, so any other means that the listener is closed or broken.
func (l *listener) Accept() (net.Conn, error) {
	wait := 5 * time.Millisecond
	for {
		c, err := l.next()
		if err == nil {
			return l.conns.add(c), nil
		}
		if !passing(err) {
			return nil, err
		}
		l.log.Warn("cannot accept a connection", "error", err.Error())
		l.conns.evict()
		select {
		case <-time.After(wait):
		case <-l.done:
			return nil, net.ErrClosed
		}
		wait = min(2*wait, time.Second)
	}
}

// finishTime is how long Accept may take to hand over what came before the end.
const finishTime = time.Second

// finish has Accept hand over what has come and end then: closing a port resets
// the connections that nobody has accepted, with what they have asked. Who
// comes meanwhile hears nothing, and tries again when the port is closed, or
// somebody else's. The port is to be closed when Accept has ended, or after
// finishTime.
func (l *listener) finish() {
	l.finishing.Store(true)
	if tcp, ok := l.Listener.(*net.TCPListener); ok {
		_ = tcp.SetDeadline(time.Unix(1, 0)) // wakes Accept
	}
}

func (l *listener) next() (net.Conn, error) {
	if !l.finishing.Load() {
		// finish makes it fail; what it accepts all the same is as good.
		if c, err := l.Listener.Accept(); err == nil || !l.finishing.Load() {
			return c, err
		}
	}
	return l.rest()
}

// rest is next from finish on.
func (l *listener) rest() (net.Conn, error) {
	tcp, ok := l.Listener.(*net.TCPListener)
	if !ok {
		return nil, net.ErrClosed
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil, err
	}
	for {
		// One may wait, no more.
		if err := raw.Control(func(fd uintptr) { _ = syscall.Listen(int(fd), 0) }); err != nil {
			return nil, err
		}
		if err := tcp.SetDeadline(time.Now().Add(lineTime)); err != nil {
			return nil, err
		}
		c, err := tcp.Accept()
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return c, err
		}
		// The one that may wait is this server's own: it gets into line only
		// when nobody is there, and keeps everybody out until the close.
		if own, err := net.DialTimeout("tcp", tcp.Addr().String(), ownTime); err == nil {
			_ = l.Close()
			_ = own.Close()
			return nil, net.ErrClosed
		}
	}
}

// lineTime is how long nobody is to be in line.
const lineTime = 2 * time.Millisecond

// ownTime is how long the server tries to reach itself, on the same machine.
const ownTime = 50 * time.Millisecond

// Close ends Accept. It is safe to call twice.
func (l *listener) Close() error {
	var err error
	l.once.Do(func() {
		close(l.done)
		err = l.Listener.Close()
	})
	return err
}

func passing(err error) bool {
	for _, e := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ECONNABORTED, syscall.ENOBUFS, syscall.ENOMEM} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// connTable knows every open connection and which of them wait: those that
// have not sent a whole request, oldest first.
type connTable struct {
	mu      sync.Mutex
	limit   int
	open    map[*conn]struct{}
	waiting *list.List
}

func newConnTable(limit int) *connTable {
	return &connTable{limit: limit, open: map[*conn]struct{}{}, waiting: list.New()}
}

// conn is one connection with a bound on every write.
type conn struct {
	net.Conn
	table *connTable
	// heard tells that bytes of a request have come since the last answer.
	heard atomic.Bool
	// ending tells that the connection ends when nothing more has come.
	ending atomic.Bool
	// place and linger are guarded by table.mu; place is nil while a request
	// is served.
	place  *list.Element
	linger bool
}

func (t *connTable) add(nc net.Conn) *conn {
	c := &conn{Conn: nc, table: t}
	t.mu.Lock()
	t.open[c] = struct{}{}
	c.place = t.waiting.PushBack(c)
	full := len(t.open) > t.limit
	t.mu.Unlock()
	if full {
		t.evict()
	}
	return c
}

// evict closes the connection that has waited longest.
func (t *connTable) evict() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if front := t.waiting.Front(); front != nil {
		t.drop(front.Value.(*conn))
	}
}

// drop needs the lock.
func (t *connTable) drop(c *conn) {
	t.forget(c)
	_ = c.Conn.Close()
}

// forget needs the lock.
func (t *connTable) forget(c *conn) {
	delete(t.open, c)
	if c.place != nil {
		t.waiting.Remove(c.place)
		c.place = nil
	}
}

// state follows the server: a connection that turned idle waits again.
func (t *connTable) state(nc net.Conn, state fasthttp.ConnState) {
	c, ok := nc.(*conn)
	if !ok {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, open := t.open[c]; !open {
		return
	}
	if state == fasthttp.StateIdle && c.place == nil {
		c.heard.Store(false)
		c.place = t.waiting.PushBack(c)
	}
}

// serving says that a whole request has come: it is not evicted any more.
func (t *connTable) serving(nc net.Conn) {
	c, ok := nc.(*conn)
	if !ok {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if c.place != nil {
		t.waiting.Remove(c.place)
		c.place = nil
	}
}

// endUnused ends the connections on which nothing was asked: their next read
// fails. What came already, read or not, is still answered.
func (t *connTable) endUnused() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for c := range t.open {
		if c.place != nil && !c.heard.Load() && !c.unread() {
			c.ending.Store(true)
			_ = c.SetReadDeadline(time.Unix(1, 0)) // fails when it is closed
		}
	}
}

// unread tells whether something came that nobody has read yet.
func (c *conn) unread() bool {
	tcp, ok := c.Conn.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return false
	}
	n := 0
	err = raw.Control(func(fd uintptr) {
		n, _, _ = syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	})
	return err == nil && n > 0
}

// count is how many connections are open.
func (t *connTable) count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.open)
}

func (t *connTable) closeAll() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for c := range t.open {
		t.drop(c)
	}
}

// Read notes that something came. A read that was ended because nothing came
// looks once more, now that it is its turn; what came meanwhile is read.
func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n == 0 && errors.Is(err, os.ErrDeadlineExceeded) && c.ending.Swap(false) {
		if !c.unread() {
			_ = c.Conn.Close() // at once: Close is called later
			return 0, err
		}
		if err = c.SetReadDeadline(time.Now().Add(readTime)); err == nil {
			n, err = c.Conn.Read(b)
		}
	}
	if n > 0 && !c.heard.Load() {
		c.heard.Store(true)
	}
	return n, err
}

// Write writes with a deadline of its own.
func (c *conn) Write(b []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(writeTime)); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}

// Close closes the connection; after a refused upload it first reads on for a
// moment.
func (c *conn) Close() error {
	c.table.mu.Lock()
	c.table.forget(c)
	linger := c.linger
	c.linger = false
	c.table.mu.Unlock()
	if linger {
		c.readOn()
	}
	return c.Conn.Close()
}

// lingerOnClose makes Close read on.
func (t *connTable) lingerOnClose(nc net.Conn) {
	if c, ok := nc.(*conn); ok {
		t.mu.Lock()
		defer t.mu.Unlock()
		c.linger = true
	}
}

func (c *conn) readOn() {
	half, ok := c.Conn.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil || c.SetReadDeadline(time.Now().Add(lingerTime)) != nil {
		return
	}
	buf := make([]byte, 32<<10)
	for read := 0; read < lingerBytes; {
		n, err := c.Read(buf)
		if err != nil {
			return
		}
		read += n
	}
}
