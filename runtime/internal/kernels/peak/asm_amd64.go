//go:build !purego

package peak

import (
	goruntime "runtime"

	"github.com/cnnc-dev/cnnc/runtime/internal/cpu"
)

// fma runs the loop and returns how many floats a turn has.
func fma(isa cpu.ISA, turns int) int {
	switch isa {
	case cpu.AVX512:
		fmaAVX512(turns)
		return 12 * 16
	case cpu.AVX2:
		fmaAVX2(turns)
		return 12 * 8
	}
	goruntime.KeepAlive(genericFMA(turns)) // a sum nobody wants, but computed
	return 8
}

func read(isa cpu.ISA, data []float32) {
	const streams, turn = 4, 64 // floats
	n := len(data) / (streams * turn)
	switch {
	case n == 0 || isa == cpu.Generic:
		goruntime.KeepAlive(genericRead(data))
	case isa == cpu.AVX512:
		readAVX512(&data[0], 4*turn*n, n)
	default:
		readAVX2(&data[0], 4*turn*n, n)
	}
}
