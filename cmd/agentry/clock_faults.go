//go:build faults

package main

import (
	"os"
	"strconv"
	"strings"
	"time"
	"unsafe"
)

// clock is the wall clock as if somebody had set it: moved by as many seconds
// as the file named by CLOCK_FILE says now.
func clock() func() time.Time {
	path := os.Getenv("CLOCK_FILE")
	if path == "" {
		return time.Now
	}
	return func() time.Time {
		raw, err := os.ReadFile(path)
		by, parseErr := strconv.ParseInt(strings.TrimSpace(string(raw)), 10, 64)
		if err != nil || parseErr != nil {
			panic("CLOCK_FILE has no number of seconds")
		}
		return setBy(time.Now(), by)
	}
}

// setBy moves the wall clock's part of a time and leaves the monotonic part,
// which goes on whatever the wall clock is set to; no function of package time
// does. While there is a monotonic part, the seconds are the bits from 30 of
// the first word (see time.Time).
func setBy(t time.Time, seconds int64) time.Time {
	words := (*struct {
		wall uint64
		ext  int64
		loc  *time.Location
	})(unsafe.Pointer(&t))
	words.wall += uint64(seconds) << 30
	return t
}
