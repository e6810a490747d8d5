//go:build !race

package main_test

// raceDetector tells whether these tests run with the race detector.
const raceDetector = false
