package web

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// raw sends bytes over a fresh connection and returns everything that comes
// back until the server closes, or until one second passes in silence.
func (w *world) raw(text string) (first *http.Response, all string, closed bool) {
	w.t.Helper()
	nc, err := net.Dial("tcp", w.server.Addr())
	must(w.t, err)
	defer nc.Close()
	_, err = nc.Write([]byte(text))
	must(w.t, err)
	must(w.t, nc.SetReadDeadline(time.Now().Add(500*time.Millisecond)))
	out, err := io.ReadAll(nc)
	res, _ := http.ReadResponse(bufio.NewReader(strings.NewReader(string(out))), nil)
	return res, string(out), err == nil
}

const okHost = "Host: localhost\r\n"

func TestFramingIsStrict(t *testing.T) {
	w := newWorld(t)
	chunked := "Transfer-Encoding: chunked\r\n"
	for _, tt := range []struct{ name, request string }{
		{"length twice", "POST /v1/agents HTTP/1.1\r\n" + okHost + "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}"},
		{"two lengths", "POST /v1/agents HTTP/1.1\r\n" + okHost + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}"},
		{"lengths in a list", "POST /v1/agents HTTP/1.1\r\n" + okHost + "Content-Length: 2, 2\r\n\r\n{}"},
		{"length and chunks", "POST /v1/agents HTTP/1.1\r\n" + okHost + "Content-Length: 5\r\n" + chunked + "\r\n0\r\n\r\n"},
		{"chunks and length", "POST /v1/agents HTTP/1.1\r\n" + okHost + chunked + "Content-Length: 5\r\n\r\n0\r\n\r\n"},
		{"chunked twice", "POST /v1/agents HTTP/1.1\r\n" + okHost + chunked + chunked + "\r\n0\r\n\r\n"},
		{"unknown coding", "POST /v1/agents HTTP/1.1\r\n" + okHost + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"},
		{"two codings", "POST /v1/agents HTTP/1.1\r\n" + okHost + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"},
		{"identity", "POST /v1/agents HTTP/1.1\r\n" + okHost + "Transfer-Encoding: identity\r\n\r\n"},
		{"coding with a tab", "POST /v1/agents HTTP/1.1\r\n" + okHost + "Transfer-Encoding:\tchunked, identity\r\n\r\n0\r\n\r\n"},
		{"coding name with a blank", "POST /v1/agents HTTP/1.1\r\n" + okHost + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"},
		{"chunks in 1.0", "POST /v1/agents HTTP/1.0\r\n" + okHost + chunked + "\r\n0\r\n\r\n"},
		{"negative length", "POST /v1/agents HTTP/1.1\r\n" + okHost + "Content-Length: -1\r\n\r\n"},
		{"signed length", "POST /v1/agents HTTP/1.1\r\n" + okHost + "Content-Length: +2\r\n\r\n{}"},
		{"hexadecimal length", "POST /v1/agents HTTP/1.1\r\n" + okHost + "Content-Length: 0x2\r\n\r\n{}"},
		{"empty length", "POST /v1/agents HTTP/1.1\r\n" + okHost + "Content-Length: \r\n\r\n{}"},
		{"huge length", "POST /v1/agents HTTP/1.1\r\n" + okHost + "Content-Length: 99999999999999999999999\r\n\r\n{}"},
		{"folded line", "GET /healthz HTTP/1.1\r\n" + okHost + "X-A: b\r\n c\r\n\r\n"},
		{"folded with a tab", "GET /healthz HTTP/1.1\r\n" + okHost + "X-A: b\r\n\tc\r\n\r\n"},
		{"folded coding", "POST /v1/agents HTTP/1.1\r\n" + okHost + "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"},
		{"first line folded", "GET /healthz HTTP/1.1\r\n X-A: b\r\n" + okHost + "\r\n"},
		{"two hosts", "GET /healthz HTTP/1.1\r\n" + okHost + "Host: other\r\n\r\n"},
		{"same host twice", "GET /healthz HTTP/1.1\r\n" + okHost + okHost + "\r\n"},
		{"no host", "GET /healthz HTTP/1.1\r\nX-A: b\r\n\r\n"},
		{"empty host", "GET /healthz HTTP/1.1\r\nHost: \r\n\r\n"},
		{"two authorizations", "GET /v1/verify HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer x\r\nAuthorization: Bearer y\r\n\r\n"},
		{"encoded body", "POST /v1/agents HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}"},
		{"host with a path", "GET /healthz HTTP/1.1\r\nHost: a/b\r\n\r\n"},
		{"host with a user", "GET /healthz HTTP/1.1\r\nHost: a@b\r\n\r\n"},
		{"host with a comma", "GET /healthz HTTP/1.1\r\nHost: a, b\r\n\r\n"},
		{"other host in the target", "GET http://evil.example/healthz HTTP/1.1\r\n" + okHost + "\r\n"},
		{"NUL in a value", "GET /healthz HTTP/1.1\r\n" + okHost + "X-A: a\x00b\r\n\r\n"},
		{"NUL in a name", "GET /healthz HTTP/1.1\r\n" + okHost + "X\x00A: b\r\n\r\n"},
		{"NUL in the target", "GET /health\x00z HTTP/1.1\r\n" + okHost + "\r\n"},
		{"bare CR in a value", "GET /healthz HTTP/1.1\r\n" + okHost + "X-A: a\rX-B: b\r\n\r\n"},
		{"bare line feeds", "GET /healthz HTTP/1.1\nHost: localhost\n\n"},
		{"a bare line feed inside", "GET /healthz HTTP/1.1\r\nHost: localhost\nX-A: b\r\n\r\n"},
		{"no colon", "GET /healthz HTTP/1.1\r\n" + okHost + "X-A\r\n\r\n"},
		{"no name", "GET /healthz HTTP/1.1\r\n" + okHost + ": b\r\n\r\n"},
		{"blank in a name", "GET /healthz HTTP/1.1\r\n" + okHost + "X A: b\r\n\r\n"},
		{"blank before the colon", "GET /healthz HTTP/1.1\r\nHost : localhost\r\n\r\n"},
		{"version 2.0", "GET /healthz HTTP/2.0\r\n" + okHost + "\r\n"},
		{"version 1.2", "GET /healthz HTTP/1.2\r\n" + okHost + "\r\n"},
		{"no version", "GET /healthz\r\n" + okHost + "\r\n"},
		{"blank in the target", "GET /health z HTTP/1.1\r\n" + okHost + "\r\n"},
		{"backslash in the target", "GET /v1\\agents HTTP/1.1\r\n" + okHost + "\r\n"},
		{"fragment in the target", "GET /healthz#x HTTP/1.1\r\n" + okHost + "\r\n"},
		{"chunk of a bad size", "POST /v1/agents HTTP/1.1\r\n" + okHost + chunked + "\r\nzz\r\n{}\r\n0\r\n\r\n"},
		{"chunk of a negative size", "POST /v1/agents HTTP/1.1\r\n" + okHost + chunked + "\r\n-2\r\n{}\r\n0\r\n\r\n"},
		{"chunk longer than its size", "POST /v1/agents HTTP/1.1\r\n" + okHost + chunked + "\r\n1\r\n{}\r\n0\r\n\r\n"},
		{"headers too large", "GET /healthz HTTP/1.1\r\n" + okHost + "X-A: " + strings.Repeat("a", 20<<10) + "\r\n\r\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			// A second request rides behind: it must not be answered.
			res, all, closed := w.raw(tt.request + "GET /readyz HTTP/1.1\r\n" + okHost + "\r\n")
			if res != nil && (res.StatusCode < 400 || res.StatusCode >= 500) && res.StatusCode != 501 {
				t.Errorf("answered %d", res.StatusCode)
			}
			if !closed {
				t.Error("the connection stays open")
			}
			if strings.Count(all, "HTTP/1.1 ") > 1 {
				t.Errorf("the request behind was answered:\n%s", all)
			}
		})
	}
}

func TestGoodFramingPasses(t *testing.T) {
	w := newWorld(t)
	for _, tt := range []struct {
		name, request string
		status        int
	}{
		{"plain", "GET /healthz HTTP/1.1\r\n" + okHost + "Connection: close\r\n\r\n", 200},
		{"1.0 without a host", "GET /healthz HTTP/1.0\r\n\r\n", 200},
		{"absolute target", "GET http://localhost/healthz HTTP/1.1\r\n" + okHost + "Connection: close\r\n\r\n", 200},
		{"chunks", "POST /v1/agents HTTP/1.1\r\n" + okHost + "Connection: close\r\nAuthorization: Bearer " + w.keys["admin"] + "\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 201},
		{"body on GET", "GET /healthz HTTP/1.1\r\n" + okHost + "Connection: close\r\nContent-Length: 2\r\n\r\n{}", 200},
		{"dots in the path", "GET /v1/../healthz HTTP/1.1\r\n" + okHost + "Connection: close\r\n\r\n", 404},
		{"encoded slash", "GET /v1%2fagents HTTP/1.1\r\n" + okHost + "Connection: close\r\n\r\n", 404},
		{"two slashes", "GET //healthz HTTP/1.1\r\n" + okHost + "Connection: close\r\n\r\n", 404},
		{"other case", "GET /HEALTHZ HTTP/1.1\r\n" + okHost + "Connection: close\r\n\r\n", 404},
		{"OPTIONS *", "OPTIONS * HTTP/1.1\r\n" + okHost + "Connection: close\r\n\r\n", 404},
	} {
		t.Run(tt.name, func(t *testing.T) {
			res, all, closed := w.raw(tt.request)
			if res == nil || res.StatusCode != tt.status || !closed {
				t.Errorf("closed %v, want %d:\n%s", closed, tt.status, all)
			}
		})
	}
}
