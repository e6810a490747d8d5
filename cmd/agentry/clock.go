//go:build !faults

package main

import "time"

// clock is the wall clock.
func clock() func() time.Time { return time.Now }
