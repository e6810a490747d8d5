package brain

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
)

// tokenFD is the descriptor on which a server passes the run token.
const tokenFD = 3

// maxToken bounds what is read as a token, in bytes.
const maxToken = 4 << 10

// ReadToken returns the run token: AGENTRY_RUN_TOKEN where that is set, else
// what a pipe on file descriptor 3 holds.
func ReadToken(getenv func(string) string) (string, error) {
	if token := getenv("AGENTRY_RUN_TOKEN"); token != "" {
		return token, nil
	}
	return readPipe(tokenFD)
}

// readPipe reads and closes a pipe. Any other descriptor is left alone: it may
// be one of this program's own.
func readPipe(fd int) (string, error) {
	var stat syscall.Stat_t
	if err := syscall.Fstat(fd, &stat); err != nil || stat.Mode&syscall.S_IFMT != syscall.S_IFIFO {
		return "", errors.New("no run token: this program is started by a server, with the token on file descriptor 3")
	}
	f := os.NewFile(uintptr(fd), "token")
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxToken))
	if err != nil {
		return "", fmt.Errorf("cannot read the run token: %w", err)
	}
	return strings.TrimSpace(string(raw)), nil
}
