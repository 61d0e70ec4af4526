//go:build !purego

package norm

import (
	"unsafe"

	"github.com/cnnc-dev/cnnc/runtime/internal/cpu"
)

// args is what the assembly reads; n and the pitches are in bytes. The generator has the
// same list of fields, eight bytes each: two floats share one.
type args struct {
	dst, src, weight, bias unsafe.Pointer
	rows                   int
	n                      int
	dstPitch, srcPitch     int
	eps, count             float32
	floats                 int // of n
	first, size            int
	k, scale               float32
}

func arguments(dst, src Rows, rows, n int) args {
	return args{
		dst: pointer(dst.Data), dstPitch: 4 * dst.Pitch,
		src: pointer(src.Data), srcPitch: 4 * src.Pitch,
		rows: rows, n: 4 * n, floats: n,
	}
}

func pointer(s []float32) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(s)) }

func layer(dst, src Rows, weight, bias []float32, eps float32, rows, n int) {
	a := arguments(dst, src, rows, n)
	a.weight, a.bias, a.eps, a.count = pointer(weight), pointer(bias), eps, float32(n)
	switch cpu.Level() {
	case cpu.AVX512:
		layerAVX512(&a)
	case cpu.AVX2:
		layerAVX2(&a)
	default:
		layerGeneric(dst, src, weight, bias, eps, rows, n)
	}
}

func softmax(dst, src Rows, rows, n int) {
	a := arguments(dst, src, rows, n)
	switch cpu.Level() {
	case cpu.AVX512:
		softmaxAVX512(&a)
	case cpu.AVX2:
		softmaxAVX2(&a)
	default:
		softmaxGeneric(dst, src, rows, n)
	}
}

func lrn(dst, src Rows, size int, alpha, beta, k float32, rows, n int) {
	a := arguments(dst, src, rows, n)
	a.first, a.size, a.k, a.scale = -(size / 2), size, k, alpha/float32(size)
	isa := cpu.Level()
	switch {
	case isa == cpu.AVX512 && beta == assemblyBeta:
		lrnAVX512(&a)
	case isa == cpu.AVX2 && beta == assemblyBeta:
		lrnAVX2(&a)
	default:
		lrnGeneric(dst, src, size, alpha, beta, k, rows, n)
	}
}

// assemblyBeta is the only exponent that the assembly knows. It is the one of AlexNet and
// of all that took LRN over from it.
const assemblyBeta = 0.75
