package runtime

import "unsafe"

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
