//go:build !purego

package eltwise

import (
	"unsafe"

	"github.com/cnnc-dev/cnnc/runtime/internal/cpu"
)

// args is what the assembly reads; n and the pitches are in bytes. The generator has
// the same list of fields.
type args struct {
	dst, a, b, c             unsafe.Pointer
	rows                     int
	n                        int
	dstPitch, aPitch, bPitch int
	lo, hi                   float32
}

// arguments returns args without b and c.
func arguments(dst, a Rows, rows, n int) args {
	return args{
		dst: pointer(dst.Data), dstPitch: 4 * dst.Pitch,
		a: pointer(a.Data), aPitch: 4 * a.Pitch,
		rows: rows, n: 4 * n,
	}
}

func pointer(s []float32) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(s)) }

func act(f Func, slope float32, dst, src Rows, rows, n int) {
	a := arguments(dst, src, rows, n)
	var clamps bool
	if a.lo, a.hi, clamps = f.Bounds(); !clamps {
		a.lo = slope
	}
	switch cpu.Level() {
	case cpu.AVX512:
		switch f {
		case LeakyReLU:
			leakyReLUAVX512(&a)
		case Sigmoid:
			sigmoidAVX512(&a)
		case Tanh:
			tanhAVX512(&a)
		case SiLU:
			siluAVX512(&a)
		case HardSigmoid:
			hardSigmoidAVX512(&a)
		case HardSwish:
			hardSwishAVX512(&a)
		case GELU:
			geluAVX512(&a)
		case GELUTanh:
			geluTanhAVX512(&a)
		default:
			clampAVX512(&a)
		}
	case cpu.AVX2:
		switch f {
		case LeakyReLU:
			leakyReLUAVX2(&a)
		case Sigmoid:
			sigmoidAVX2(&a)
		case Tanh:
			tanhAVX2(&a)
		case SiLU:
			siluAVX2(&a)
		case HardSigmoid:
			hardSigmoidAVX2(&a)
		case HardSwish:
			hardSwishAVX2(&a)
		case GELU:
			geluAVX2(&a)
		case GELUTanh:
			geluTanhAVX2(&a)
		default:
			clampAVX2(&a)
		}
	default:
		actGeneric(f, slope, dst, src, rows, n)
	}
}

func add(dst, a, b Rows, rows, n int, lo, hi float32) {
	args := arguments(dst, a, rows, n)
	args.b, args.bPitch, args.lo, args.hi = pointer(b.Data), 4*b.Pitch, lo, hi
	switch cpu.Level() {
	case cpu.AVX512:
		addAVX512(&args)
	case cpu.AVX2:
		addAVX2(&args)
	default:
		addGeneric(dst, a, b, rows, n, lo, hi)
	}
}

func mul(dst, a, b Rows, rows, n int) {
	args := arguments(dst, a, rows, n)
	args.b, args.bPitch = pointer(b.Data), 4*b.Pitch
	switch cpu.Level() {
	case cpu.AVX512:
		mulAVX512(&args)
	case cpu.AVX2:
		mulAVX2(&args)
	default:
		mulGeneric(dst, a, b, rows, n)
	}
}

func affine(dst, src Rows, scale, shift []float32, rows, n int, lo, hi float32) {
	args := arguments(dst, src, rows, n)
	args.b, args.c, args.lo, args.hi = pointer(scale), pointer(shift), lo, hi // the same row again and again
	switch cpu.Level() {
	case cpu.AVX512:
		affineAVX512(&args)
	case cpu.AVX2:
		affineAVX2(&args)
	default:
		affineGeneric(dst, src, scale, shift, rows, n, lo, hi)
	}
}
