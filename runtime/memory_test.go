package runtime

import (
	"math/rand/v2"
	"testing"
	"unsafe"
)

func TestSlabs(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var s slabs
	for i := range 200 {
		if i%50 == 0 {
			s.reserve(rng.IntN(1 << 20))
		}
		n := rng.IntN(1 << (4 + rng.IntN(17)))
		p := s.floats(n)
		if len(p) != n || cap(p) != n || n > 0 && uintptr(unsafe.Pointer(&p[0]))%64 != 0 {
			t.Fatalf("%d floats: length %d, capacity %d, at %p", n, len(p), cap(p), p)
		}
		for i := range p {
			if p[i] != 0 {
				t.Fatalf("float %d of %d belongs to another piece", i, n)
			}
			p[i] = 1
		}
	}
}
