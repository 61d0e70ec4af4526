//go:build !purego

package pool

import (
	"unsafe"

	"github.com/cnnc-dev/cnnc/runtime/internal/cpu"
)

// args is what the assembly reads; pitches and channels are in bytes. The generator has
// the same list of fields.
type args struct {
	dst, src           unsafe.Pointer
	rows, cols         int
	rowPitch, colPitch int
	dstPitch, srcPitch int
	count              int
	channels           int
	scale, shift       unsafe.Pointer
	factor, lo, hi     float32
}

func (w *Window) args(dst, src []float32, factor float32) args {
	return args{
		dst: unsafe.Pointer(unsafe.SliceData(dst)), src: unsafe.Pointer(unsafe.SliceData(src)),
		rows: w.Rows, cols: w.Cols,
		rowPitch: 4 * w.RowPitch, colPitch: 4 * w.ColPitch,
		dstPitch: 4 * w.DstPitch, srcPitch: 4 * w.SrcPitch,
		count: w.Count, channels: 4 * w.Channels, factor: factor,
	}
}

func maximum(dst, src []float32, w *Window) {
	a := w.args(dst, src, 0)
	switch cpu.Level() {
	case cpu.AVX512:
		maxAVX512(&a)
	case cpu.AVX2:
		maxAVX2(&a)
	default:
		maxGeneric(dst, src, w)
	}
}

func sum(dst, src []float32, w *Window, factor float32) {
	a := w.args(dst, src, factor)
	switch cpu.Level() {
	case cpu.AVX512:
		sumAVX512(&a)
	case cpu.AVX2:
		sumAVX2(&a)
	default:
		sumGeneric(dst, src, w, factor)
	}
}

func sumAffine(dst, src []float32, w *Window, f *Affine, factor float32) {
	a := w.args(dst, src, factor)
	a.scale, a.shift = unsafe.Pointer(unsafe.SliceData(f.Scale)), unsafe.Pointer(unsafe.SliceData(f.Shift))
	a.lo, a.hi = f.Lo, f.Hi
	switch cpu.Level() {
	case cpu.AVX512:
		sumAffineAVX512(&a)
	case cpu.AVX2:
		sumAffineAVX2(&a)
	default:
		sumAffineGeneric(dst, src, w, f, factor)
	}
}

func squares(dst, src []float32, w *Window, factor float32) {
	a := w.args(dst, src, factor)
	switch cpu.Level() {
	case cpu.AVX512:
		squaresAVX512(&a)
	case cpu.AVX2:
		squaresAVX2(&a)
	default:
		squaresGeneric(dst, src, w, factor)
	}
}
