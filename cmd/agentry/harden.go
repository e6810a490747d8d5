package main

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// harden hides this process's memory, environment and descriptors from other
// programs of the same user, such as the agents' own, and keeps them out of
// core files, also those of the programs it starts. Files that it makes are
// for its user alone.
func harden() error {
	unix.Umask(0o077)
	err := errors.Join(
		unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0),
		unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}),
	)
	if err != nil {
		return fmt.Errorf("cannot hide this process from other programs: %w", err)
	}
	return nil
}
