package views

import (
	"fmt"
	"time"
)

// tookText writes how long a commit took: "3.4 ms".
func tookText(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
}
