//go:build unix

package guard

import (
	"runtime/debug"
	"testing"
	"unsafe"
)

// touch reports whether a float can be read.
func touch(p *float32) (ok bool) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() { ok = recover() == nil }()
	sink = *p
	return
}

var sink float32

func TestGuards(t *testing.T) {
	for _, n := range []int{1, 3, 1024, 1025} {
		before, after := Before(t, n), After(t, n)
		for _, x := range [][]float32{before, after} {
			if len(x) != n || cap(x) != n {
				t.Errorf("%d floats: %d, room for %d", n, len(x), cap(x))
			}
			if !touch(&x[0]) || !touch(&x[n-1]) {
				t.Errorf("%d floats cannot be read", n)
			}
		}
		if touch((*float32)(unsafe.Add(unsafe.Pointer(&before[0]), -4))) {
			t.Errorf("the float before %d can be read", n)
		}
		if touch((*float32)(unsafe.Add(unsafe.Pointer(&after[n-1]), 4))) {
			t.Errorf("the float after %d can be read", n)
		}
	}
}
