//go:build !purego

package winograd

import (
	"math"
	"unsafe"

	"github.com/cnnc-dev/cnnc/runtime/internal/cpu"
)

// inputArgs, outputArgs and weightsArgs are an Input, an Output and Weights as the assembly reads them; sizes
// are in bytes. The generator has the same lists of fields, eight bytes each.
//
// They are filled in field by field: the Go compiler would make a literal elsewhere and copy it,
// in pieces larger than those just stored, which the processor has to wait for.
type inputArgs struct {
	src      unsafe.Pointer
	offsets  unsafe.Pointer
	dst      unsafe.Pointer
	pitch    int
	channels int
}

type outputArgs struct {
	src           unsafe.Pointer
	pitch         int
	dst           unsafe.Pointer
	dstLine       int
	dstPitch      int
	residual      unsafe.Pointer
	residualLine  int
	residualPitch int
	rows, cols    int
	channels      int
	clamp         int // 0: none, 1: Lo, 2: Lo and Hi
	lo, hi        float32
}

type weightsArgs struct {
	src     unsafe.Pointer
	srcStep int
	dst     unsafe.Pointer
	dstStep int
	n       int
}

// weights transforms the first n kernels, a multiple of eight.
func (k Kernel) weights(w *Weights, n int) {
	var a weightsArgs
	a.src = unsafe.Pointer(unsafe.SliceData(w.Src))
	a.srcStep = 4 * w.SrcStep
	a.dst = unsafe.Pointer(unsafe.SliceData(w.Dst))
	a.dstStep = 4 * w.DstStep
	a.n = n
	switch k {
	case Kernel{F2x2, cpu.AVX512}:
		weights2x2AVX512(&a)
	case Kernel{F2x2, cpu.AVX2}:
		weights2x2AVX2(&a)
	case Kernel{F4x4, cpu.AVX512}:
		weights4x4AVX512(&a)
	case Kernel{F4x4, cpu.AVX2}:
		weights4x4AVX2(&a)
	}
}

func (k Kernel) input(t *Input) {
	var a inputArgs
	a.src = unsafe.Pointer(unsafe.SliceData(t.Src))
	a.offsets = unsafe.Pointer(unsafe.SliceData(t.Offsets))
	a.dst = unsafe.Pointer(unsafe.SliceData(t.Dst))
	a.pitch = 4 * t.Pitch
	a.channels = t.Channels
	switch k {
	case Kernel{F2x2, cpu.AVX512}:
		input2x2AVX512(&a)
	case Kernel{F2x2, cpu.AVX2}:
		input2x2AVX2(&a)
	case Kernel{F4x4, cpu.AVX512}:
		input4x4AVX512(&a)
	case Kernel{F4x4, cpu.AVX2}:
		input4x4AVX2(&a)
	}
}

func (k Kernel) output(t *Output) {
	var a outputArgs
	a.src = unsafe.Pointer(unsafe.SliceData(t.Src))
	a.pitch = 4 * t.Pitch
	a.dst = unsafe.Pointer(unsafe.SliceData(t.Dst))
	a.dstLine = 4 * t.DstLine
	a.dstPitch = 4 * t.DstPitch
	a.residual = unsafe.Pointer(unsafe.SliceData(t.Residual))
	a.residualLine = 4 * t.ResidualLine
	a.residualPitch = 4 * t.ResidualPitch
	a.rows = t.Rows
	a.cols = t.Cols
	a.channels = t.Channels
	a.lo = t.Lo
	a.hi = t.Hi
	switch {
	case t.Hi < float32(math.Inf(1)):
		a.clamp = 2
	case t.Lo > float32(math.Inf(-1)):
		a.clamp = 1
	}
	switch k {
	case Kernel{F2x2, cpu.AVX512}:
		output2x2AVX512(&a)
	case Kernel{F2x2, cpu.AVX2}:
		output2x2AVX2(&a)
	case Kernel{F4x4, cpu.AVX512}:
		output4x4AVX512(&a)
	case Kernel{F4x4, cpu.AVX2}:
		output4x4AVX2(&a)
	}
}
