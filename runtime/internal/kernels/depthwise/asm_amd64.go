//go:build !purego

package depthwise

import (
	"github.com/cnnc-dev/cnnc/runtime/internal/cpu"
	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/window"
)

type args = window.Args

// run computes, for each row, pixel x and channel c of the call:
//
//	sum = bias[c]
//	for each kernel row and column, if inside:
//		sum += weights[c] * src[c]
//	dst[x][c] = clamp(sum + residual[x][c])
func (c *Conv) run(a *args) {
	width, stride := 0, 0
	if slides(&c.window.Geometry) {
		width, stride = c.window.KernelW, c.window.StrideW
	}
	if c.isa == cpu.AVX512 {
		switch [2]int{width, stride} {
		case [2]int{3, 1}:
			slide3S1AVX512(a)
		case [2]int{3, 2}:
			slide3S2AVX512(a)
		case [2]int{5, 1}:
			slide5S1AVX512(a)
		case [2]int{5, 2}:
			slide5S2AVX512(a)
		case [2]int{7, 1}:
			slide7S1AVX512(a)
		case [2]int{7, 2}:
			slide7S2AVX512(a)
		default:
			anyWidthAVX512(a)
		}
		return
	}
	switch [2]int{width, stride} {
	case [2]int{3, 1}:
		slide3S1AVX2(a)
	case [2]int{3, 2}:
		slide3S2AVX2(a)
	case [2]int{5, 1}:
		slide5S1AVX2(a)
	case [2]int{5, 2}:
		slide5S2AVX2(a)
	case [2]int{7, 1}:
		slide7S1AVX2(a)
	case [2]int{7, 2}:
		slide7S2AVX2(a)
	default:
		anyWidthAVX2(a)
	}
}
