package fleet

import (
	"fmt"
	"time"
)

// RelaunchWindow is how far back relaunches are counted.
const RelaunchWindow = 7 * 24 * time.Hour

// heldAfter relaunches out of the same end in the window, another one is held.
const heldAfter = 2

// RelaunchHold says why a relaunch needs a reason: the agent ended by itself
// for the end reason it was relaunched out of before, so many times in the
// window. "" is no hold; ends by people never hold.
func RelaunchHold(endReason string, before int) string {
	if endReason != EndCrashLoop || before < heldAfter {
		return ""
	}
	return fmt.Sprintf("The agent was relaunched %d times in 7 days and ended in a crash loop each time; say in a reason why it will be different now", before)
}
