package runtime

import (
	"sync"
	"unsafe"
)

const (
	// lineFloats is a cache line, and an AVX-512 vector, in floats.
	lineFloats = 16
	// hugeFloats is a huge page, in floats.
	hugeFloats = 2 << 20 / 4
)

func roundUp(n, to int) int { return (n + to - 1) / to * to }

// alignedFloats returns n zeros that begin at a cache line. Large ones begin at a huge
// page and ask for such pages: a map or a matrix of some megabytes has more ordinary pages
// than the processor has places for their addresses, and is read up to a tenth slower.
func alignedFloats(n int) []float32 {
	align := lineFloats
	if n >= hugeFloats {
		align = hugeFloats
	}
	mem := make([]float32, n+align-1)
	skip := int(-uintptr(unsafe.Pointer(unsafe.SliceData(mem))) / 4 % uintptr(align))
	mem = mem[skip : skip+n : skip+n]
	if n >= hugeFloats {
		preferHuge(mem[:n/hugeFloats*hugeFloats])
	}
	return mem
}

// slabs hands out memory that stays as long as a model, from large pieces: what the layers
// pack lies on huge pages and side by side.
type slabs struct {
	mu   sync.Mutex
	free []float32 // of the newest slab
	next int       // floats of the next slab
}

// reserve makes the next slab one of n floats.
func (s *slabs) reserve(n int) { s.free = alignedFloats(n) }

// floats returns n zeros that begin at a cache line.
func (s *slabs) floats(n int) []float32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	size := roundUp(n, lineFloats)
	if size > len(s.free) {
		const smallest, largest = hugeFloats / 16, 8 * hugeFloats
		s.next = min(max(smallest, 2*s.next), largest)
		if size > s.next/2 {
			return alignedFloats(n) // a slab of its own
		}
		s.free = alignedFloats(s.next)
	}
	mem := s.free[:n:n]
	s.free = s.free[size:]
	return mem
}
