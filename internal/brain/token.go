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

// maxHandover bounds what is read of that descriptor, in bytes.
const maxHandover = 4 << 10

// Handover is what a server passes to a program that it starts.
type Handover struct {
	Token string
	// Secrets are the host's, by name, such as LLM_API_KEY.
	Secrets map[string]string
}

// ReadHandover returns the run token: AGENTRY_RUN_TOKEN where that is set,
// else the first line of the pipe on file descriptor 3, whose further lines
// are secrets, NAME=value each.
func ReadHandover(getenv func(string) string) (Handover, error) {
	if token := getenv("AGENTRY_RUN_TOKEN"); token != "" {
		return Handover{Token: token}, nil
	}
	return readPipe(tokenFD)
}

// readPipe reads and closes a pipe. Any other descriptor is left alone: it may
// be one of this program's own.
func readPipe(fd int) (h Handover, err error) {
	var stat syscall.Stat_t
	if err := syscall.Fstat(fd, &stat); err != nil || stat.Mode&syscall.S_IFMT != syscall.S_IFIFO {
		return h, errors.New("no run token: this program is started by a server, with the token on file descriptor 3")
	}
	f := os.NewFile(uintptr(fd), "token")
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxHandover))
	if err != nil {
		return h, fmt.Errorf("cannot read the run token: %w", err)
	}
	token, rest, _ := strings.Cut(string(raw), "\n")
	h = Handover{Token: strings.TrimSpace(token), Secrets: map[string]string{}}
	for line := range strings.Lines(rest) {
		if name, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "="); ok {
			h.Secrets[name] = value
		}
	}
	return h, nil
}
