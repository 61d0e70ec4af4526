//go:build race

package gentest

const raceDetector = true
