// Package guard gives tests memory next to pages that trap: a kernel that reads or
// writes beyond its slices crashes.
package guard

import "testing"

// Before returns n zeros that an unmapped page ends at, until the test is over.
func Before(t testing.TB, n int) []float32 { return floats(pages(t, n), n)[:n:n] }

// After returns n zeros that an unmapped page follows, until the test is over.
func After(t testing.TB, n int) []float32 {
	mem := pages(t, n)
	return floats(mem[len(mem)-4*n:], n)[:n:n]
}
