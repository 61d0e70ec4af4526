//go:build race

package verifytest

const raceDetector = true
