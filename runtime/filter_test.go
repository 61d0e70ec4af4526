package runtime

import (
	"testing"
	"unsafe"
)

func TestFilterFloats(t *testing.T) {
	for _, n := range []int{1, 15, 16, 17, 1000, hugeFloats + 1} {
		for _, m := range []int{1, 16, 33} {
			f := filter{memory: alignedFloats(packedFloats(n, m))}
			weights, bias := f.floats(n), f.floats(m)
			if len(weights) != n || cap(weights) != n || len(bias) != m || cap(bias) != m || len(f.memory) != 0 {
				t.Errorf("%d and %d floats: lengths %d and %d, capacities %d and %d; %d remain",
					n, m, len(weights), len(bias), cap(weights), cap(bias), len(f.memory))
			}
			if uintptr(unsafe.Pointer(&weights[0]))%64 != 0 || uintptr(unsafe.Pointer(&bias[0]))%64 != 0 {
				t.Errorf("%d floats at %p, %d at %p", n, weights, m, bias)
			}
		}
	}
}
