package stream

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"agentry/internal/fleet"
)

// Who takes four files at once is refused a fifth and told when to ask again;
// others are not, and one that is done makes room.
func TestDownloadsAtOnceAreBounded(t *testing.T) {
	s := New(nil, time.Second, slog.New(slog.DiscardHandler))
	going := make(chan struct{})
	server := fiber.New(fiber.Config{DisableStartupMessage: true, ErrorHandler: func(c *fiber.Ctx, err error) error {
		return c.Status(http.StatusTooManyRequests).SendString(string(fleet.CodeOf(err)))
	}})
	server.Get("/:who", func(c *fiber.Ctx) error {
		by := fleet.Actor{TeamID: "t", ID: c.Params("who")}
		return Download(s, c, by, Form{ContentType: "text/plain"}, func(_ context.Context, yield func(int) error) error {
			for i := range 3 { // one is sent, one is looked ahead at
				if i == 2 {
					<-going
				}
				if err := yield(i); err != nil {
					return err
				}
			}
			return nil
		}, func(w *bufio.Writer, _ int) error {
			_, err := w.Write(make([]byte, chunk))
			return err
		})
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Listener(l) }()
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	get := func(who string) *http.Response {
		res, err := client.Get("http://" + l.Addr().String() + "/" + who)
		if err != nil {
			t.Fatal(err)
		}
		return res
	}
	var open []*http.Response
	for range maxDownloads {
		open = append(open, get("mara"))
	}
	refused := get("mara")
	if refused.StatusCode != http.StatusTooManyRequests || refused.Header.Get("Retry-After") != "5" {
		t.Errorf("the fifth gets %d, %v", refused.StatusCode, refused.Header)
	}
	open = append(open, refused, get("vera"))
	for i, res := range open {
		if i != maxDownloads && res.StatusCode != http.StatusOK {
			t.Errorf("%d gets %d", i, res.StatusCode)
		}
	}
	close(going)
	for _, res := range open {
		if _, err := io.Copy(io.Discard, res.Body); err != nil {
			t.Error(err)
		}
		res.Body.Close()
	}
	for deadline := time.Now().Add(5 * time.Second); ; {
		res := get("mara")
		res.Body.Close()
		if res.StatusCode == http.StatusOK {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("no room is made")
		}
	}
	if err := server.Shutdown(); err != nil {
		t.Error(err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
