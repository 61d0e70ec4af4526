//go:build !purego

package permute

import (
	"unsafe"

	"github.com/cnnc-dev/cnnc/runtime/internal/cpu"
)

// args is what the assembly reads; dstStep and srcStep are in bytes. The generator has the
// same list of fields.
type args struct {
	dst, src         unsafe.Pointer
	dstStep, srcStep int
	turns            int
	steps            unsafe.Pointer
	vectors          int // of a turn
	rest             int // lanes of the last one, a bit each
}

// run makes n floats a turn.
func run(isa cpu.ISA, steps []step, n int, dst []float32, dstStep int, src []float32, srcStep, turns int) {
	lanes := lanesOf[isa]
	vectors := (n + lanes - 1) / lanes
	a := args{
		dst: unsafe.Pointer(unsafe.SliceData(dst)), src: unsafe.Pointer(unsafe.SliceData(src)),
		dstStep: 4 * dstStep, srcStep: 4 * srcStep, turns: turns,
		steps:   unsafe.Pointer(unsafe.SliceData(steps)),
		vectors: vectors, rest: 1<<(n-(vectors-1)*lanes) - 1,
	}
	if isa == cpu.AVX512 {
		permuteAVX512(&a)
	} else {
		permuteAVX2(&a)
	}
}
