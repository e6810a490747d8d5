package process

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// pipes are the descriptors between the server and one program. They are raw:
// the program's ends must be blocking, ours must not.
type pipes struct {
	outRead, outWrite int
	tokenRead         int // -1 when nothing is handed over
}

// openPipes makes a program's pipes; handover "" is no descriptor 3.
func openPipes(handover string) (pipes, error) {
	p := pipes{tokenRead: -1}
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		return p, fmt.Errorf("process: output pipe: %w", err)
	}
	p.outRead, p.outWrite = fds[0], fds[1]
	err := unix.SetNonblock(p.outRead, true)
	if err == nil && handover != "" {
		p.tokenRead, err = tokenPipe(handover)
	}
	if err != nil {
		unix.Close(p.outRead)
		p.closeTheirs()
		return p, fmt.Errorf("process: %w", err)
	}
	return p, nil
}

// tokenPipe returns the reading end of a pipe that holds the text and nothing
// else, its writing end closed.
func tokenPipe(text string) (int, error) {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		return -1, fmt.Errorf("token pipe: %w", err)
	}
	w := os.NewFile(uintptr(fds[1]), "token")
	_, err := io.WriteString(w, text)
	if closeErr := w.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		unix.Close(fds[0])
		return -1, fmt.Errorf("token pipe: %w", err)
	}
	return fds[0], nil
}

// closeTheirs closes the program's ends in this process.
func (p pipes) closeTheirs() {
	unix.Close(p.outWrite)
	if p.tokenRead >= 0 {
		unix.Close(p.tokenRead)
	}
}
