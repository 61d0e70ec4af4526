//go:build !unix

package guard

import (
	"testing"
	"unsafe"
)

// pages returns ordinary memory: here nothing traps.
func pages(_ testing.TB, n int) []byte { return make([]byte, 4*n+4) }

func floats(b []byte, n int) []float32 {
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(b))), n)
}
