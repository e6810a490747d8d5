//go:build faults

package fault

import (
	"os"
	"slices"
	"strings"
)

// seeded is what the environment named at the start, such as
// FAULTS=reaper-off,stuck-clock.
var seeded = strings.Split(os.Getenv("FAULTS"), ",")

// On tells whether the fault is seeded in this process.
func On(name string) bool { return slices.Contains(seeded, name) }
