package proxypool

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"agentry/internal/resource"
)

// tricks are hosts that lead inside, in every spelling.
func tricks() []string {
	list := []string{
		// this machine
		"127.0.0.1", "127.0.0.2", "127.1.2.3", "127.255.255.254", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.1", "0x7f.0.0.1",
		"0x7f.0x0.0x0.0x1", "017700000001", "0177.0.0.1", "0177.0.0.01", "127.0.0.1.", "0127.0.0.1", "127.000.000.001", "127.0.0.1%00", "①②⑦.⓪.⓪.①", "127。0。0。1",
		"localhost", "LOCALHOST", "localhost.", "localhost.localdomain", "ip6-localhost", "ip6-loopback", "0", "0.0.0.0", "0x0", "00", "0.0", "0.1.2.3",
		"::1", "0:0:0:0:0:0:0:1", "0000::1", "::", "::1%lo", "::ffff:127.0.0.1", "::ffff:7f00:1", "::ffff:0:127.0.0.1", "::127.0.0.1", "0:0:0:0:0:ffff:127.0.0.1",
		"[::1]", "[::ffff:127.0.0.1]", "[::]", "user@127.0.0.1", "example.com@127.0.0.1", "127.0.0.1#.example.com", "127.0.0.1/.example.com", "127.0.0.1?x", `127.0.0.1\@example.com`,
		// other spellings of IPv6 that hold an IPv4 address
		"64:ff9b::7f00:1", "64:ff9b::127.0.0.1", "64:ff9b:1::7f00:1", "2002:7f00:1::", "2002:7f00:0001::1", "2001:0:7f00:1::1", "2002:a00:1::1", "::ffff:a00:1", "64:ff9b::a9fe:a9fe",
		// private networks, link-local and the metadata of clouds
		"10.0.0.1", "10.255.255.255", "0xa000001", "167772161", "012.0.0.1", "172.16.0.1", "172.31.255.254", "192.168.0.1", "192.168.1.1", "3232235777", "0xc0a80101",
		"169.254.169.254", "169.254.170.2", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.43518", "::ffff:169.254.169.254", "100.64.0.1", "100.100.100.200", "192.0.0.192",
		"fd00::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "ff05::2", "::ffff:10.0.0.1", "::ffff:192.168.1.1",
		// multicast, broadcast, reserved, documentation
		"224.0.0.1", "239.255.255.250", "255.255.255.255", "240.0.0.1", "198.18.0.1", "192.0.2.1", "198.51.100.1", "203.0.113.1", "192.88.99.1", "2001:db8::1", "3fff::1", "100::1", "5f00::1",
	}
	// names of a stranger's zone that lead inside
	for name := range zone() {
		list = append(list, name)
	}
	return list
}

// zone is what the resolver of these tests knows: a name's addresses, look-up
// by look-up.
func zone() map[string][]string {
	return map[string][]string{
		"loop.evil.example":      {"127.0.0.1"},
		"loop6.evil.example":     {"::1"},
		"mapped.evil.example":    {"::ffff:127.0.0.1"},
		"zero.evil.example":      {"0.0.0.0"},
		"private.evil.example":   {"10.0.0.1"},
		"metadata.evil.example":  {"169.254.169.254"},
		"nat64.evil.example":     {"64:ff9b::7f00:1"},
		"sixtofour.evil.example": {"2002:7f00:1::"},
		"ula.evil.example":       {"fd00::1"},
		"cgnat.evil.example":     {"100.64.0.1"},
		"both.evil.example":      {"127.0.0.1,10.0.0.1,169.254.169.254"},
	}
}

// No spelling of an address inside this network is connected to, whatever the
// form of proxy; judged by the connections that are made and that arrive.
func TestFence(t *testing.T) {
	t.Parallel()
	inside := newListeners(t)
	names := newResolver(t, zone())
	if n := len(tricks()); n < 80 {
		t.Fatalf("%d tricks", n)
	}
	for _, scheme := range []string{"http", "socks5"} {
		p := New(Config{CheckURLs: []string{"https://echo.example"}})
		p.dialer.Resolver = names
		var n connects
		n.watch(p)
		for _, host := range tricks() {
			_, err := p.Check(t.Context(), resource.Endpoint{Scheme: scheme, Host: host, Port: inside.port, Username: "u", Password: secret}, "FR")
			if err == nil {
				t.Errorf("%s %s: worked", scheme, host)
				continue
			}
			saysNothing(t, err)
		}
		if made := n.made(); made != "" {
			t.Errorf("%s: connected to %s", scheme, made)
		}
	}
	if n := inside.count(); n != 0 {
		t.Errorf("%d connections arrived", n)
	}
	// With the fence open the same tricks do arrive: the test can fail.
	open := New(Config{CheckURLs: []string{"https://echo.example"}, AllowPrivate: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}})
	open.dialer.Resolver = names
	var n connects
	n.watch(open)
	for _, host := range []string{"127.0.0.1", "localhost", "::ffff:127.0.0.1", "loop.evil.example", "169.254.169.254"} {
		_, _ = open.Check(t.Context(), resource.Endpoint{Scheme: "http", Host: host, Port: inside.port}, "FR")
	}
	if made := n.made(); inside.count() < 4 || !strings.Contains(made, "169.254.169.254:") {
		t.Errorf("an open fence lets %d connections arrive, to %s", inside.count(), made)
	}
}

// A name that is public when it is first looked up and inside afterwards does
// not get inside: every connection is judged by its own address.
func TestFenceRebinding(t *testing.T) {
	t.Parallel()
	inside := newListeners(t)
	p := New(Config{CheckURLs: []string{"https://echo.example"}})
	p.dialer.Resolver = newResolver(t, map[string][]string{"rebind.evil.example": {"93.184.215.14", "127.0.0.1", "93.184.215.14,127.0.0.1", "127.0.0.1"}})
	var n connects
	n.watch(p)
	for range 4 {
		if _, err := p.Check(t.Context(), resource.Endpoint{Scheme: "http", Host: "rebind.evil.example", Port: inside.port}, "FR"); err == nil {
			t.Error("worked")
		}
	}
	public := fmt.Sprintf("93.184.215.14:%d", inside.port)
	if made := n.made(); !strings.HasPrefix(made, public) || strings.Trim(strings.ReplaceAll(made, public, ""), " ") != "" {
		t.Errorf("connected to %q", made)
	}
	if n := inside.count(); n != 0 {
		t.Errorf("%d connections arrived", n)
	}
}

// Neither the proxy's answer nor that of the check URL leads anywhere else.
func TestFenceRedirects(t *testing.T) {
	t.Parallel()
	inside := newListeners(t)
	to := fmt.Sprintf("http://127.0.0.1:%d/", inside.port)
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, encrypted := range []bool{false, true} {
			e, p := newEcho(t, encrypted), newProxy(t, "http")
			e.status, e.header = status, http.Header{"Location": {to}}
			_, err := pool(t, e).Check(t.Context(), p.endpoint(), "FR")
			if err == nil || !strings.Contains(err.Error(), "not followed") {
				t.Errorf("%d: %v", status, err)
			}
			p.refuse = fmt.Sprintf("HTTP/1.1 %d x\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n", status, to)
			if _, err := pool(t, e).Check(t.Context(), p.endpoint(), "FR"); err == nil {
				t.Errorf("%d of the proxy worked", status)
			}
		}
	}
	if n := inside.count(); n != 0 {
		t.Errorf("%d connections arrived", n)
	}
}

func TestFenceLets(t *testing.T) {
	t.Parallel()
	for ip, want := range map[string]bool{
		"8.8.8.8": true, "1.1.1.1": true, "172.15.255.255": true, "172.32.0.1": true, "11.0.0.1": true, "100.63.0.1": true, "100.128.0.1": true,
		"169.253.0.1": true, "192.167.0.1": true, "223.255.255.255": true, "2606:4700::1": true, "2001:4860:4860::8888": true, "::ffff:8.8.8.8": true,
		"9.255.255.255": true, "224.0.0.0": false, "172.16.0.0": false, "2001:1::1": false, "4000::1": false,
	} {
		if got := (fence{}).lets(netip.MustParseAddr(ip)); got != want {
			t.Errorf("%s: %v", ip, got)
		}
	}
	allow := fence{[]netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd00::/8")}}
	for ip, want := range map[string]bool{"10.1.2.3": true, "::ffff:10.1.2.3": true, "10.2.0.1": false, "127.0.0.1": false, "fd12::1": true, "fe80::1": false, "fe80::1%eth0": false, "fd12::1%eth0": true} {
		if got := allow.lets(netip.MustParseAddr(ip)); got != want {
			t.Errorf("with 10.1.0.0/16 allowed, %s: %v", ip, got)
		}
	}
	if err := (fence{}).control(t.Context(), "tcp", "not an address", nil); err == nil {
		t.Error("what is no address is let through")
	}
}

// listeners count what arrives at one port of every address of this machine.
type listeners struct {
	port int
	mu   sync.Mutex
	n    int
}

func (l *listeners) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.n
}

func newListeners(t *testing.T) *listeners {
	t.Helper()
	in, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	l := &listeners{port: in.Addr().(*net.TCPAddr).Port}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := in.Accept()
			if err != nil {
				return
			}
			l.mu.Lock()
			l.n++
			l.mu.Unlock()
			c.Close()
		}
	})
	t.Cleanup(func() { in.Close(); wg.Wait() })
	return l
}

// newResolver answers from a zone and knows nothing else. Each look-up of a
// name takes the next of its lists of addresses, the last one for ever.
func newResolver(t *testing.T, zone map[string][]string) *net.Resolver {
	t.Helper()
	var mu sync.Mutex
	var wg sync.WaitGroup
	looked := map[string]int{}
	answer := func(name string, kind uint16) []string {
		mu.Lock()
		defer mu.Unlock()
		lists := zone[name]
		if len(lists) == 0 {
			return nil
		}
		// The two kinds of addresses are asked for together.
		at := min(looked[name]/2, len(lists)-1)
		looked[name]++
		var out []string
		for s := range strings.SplitSeq(lists[at], ",") {
			if is6 := netip.MustParseAddr(s).Is6(); is6 == (kind == 28) {
				out = append(out, s)
			}
		}
		return out
	}
	t.Cleanup(wg.Wait)
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		wg.Go(func() {
			defer far.Close()
			for {
				var size [2]byte
				if _, err := io.ReadFull(far, size[:]); err != nil {
					return
				}
				q := make([]byte, binary.BigEndian.Uint16(size[:]))
				if _, err := io.ReadFull(far, q); err != nil {
					return
				}
				if _, err := far.Write(dnsAnswer(q, answer)); err != nil {
					return
				}
			}
		})
		return near, nil
	}}
}

// dnsAnswer makes the answer (RFC 1035) to a question, led by its length.
func dnsAnswer(q []byte, answer func(name string, kind uint16) []string) []byte {
	var labels []string
	at := 12
	for q[at] != 0 {
		labels = append(labels, string(q[at+1:at+1+int(q[at])]))
		at += 1 + int(q[at])
	}
	end := at + 5
	kind := binary.BigEndian.Uint16(q[at+1:])
	list := answer(strings.Join(labels, "."), kind)
	flags := uint16(0x8180)
	if len(list) == 0 {
		flags = 0x8183 // no such name
	}
	out := append([]byte{}, q[:2]...)
	out = binary.BigEndian.AppendUint16(out, flags)
	out = append(out, 0, 1, 0, byte(len(list)), 0, 0, 0, 0)
	out = append(out, q[12:end]...)
	for _, s := range list {
		ip := netip.MustParseAddr(s)
		out = append(out, 0xc0, 12)
		out = binary.BigEndian.AppendUint16(out, kind)
		out = append(out, 0, 1, 0, 0, 0, 0)
		out = binary.BigEndian.AppendUint16(out, uint16(ip.BitLen()/8))
		out = append(out, ip.AsSlice()...)
	}
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(out))), out...)
}
