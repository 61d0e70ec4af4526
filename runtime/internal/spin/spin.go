// Package spin has what a loop does that only waits.
package spin
