//go:build !purego

package grouped

import (
	"github.com/cnnc-dev/cnnc/runtime/internal/cpu"
	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/window"
)

type args = window.Args

// run computes, for each row, pixel x and output channel o of the call:
//
//	sum = bias[o]
//	for each kernel row and column, if inside:
//		for each input channel i of o's group:
//			sum += weights[o][i] * src[i]
//	dst[x][o] = clamp(sum + residual[x][o])
func (c *Conv) run(a *args) {
	avx512 := c.isa == cpu.AVX512
	stride2 := c.window.StrideW == 2
	switch {
	case c.slides && c.wide && stride2:
		wideSlide3S2AVX512(a)
	case c.slides && c.wide:
		wideSlide3S1AVX512(a)
	case c.slides && c.in == 8 && stride2:
		of8Slide3S2AVX512(a)
	case c.slides && c.in == 8:
		of8Slide3S1AVX512(a)
	case c.slides && stride2:
		of4Slide3S2AVX512(a)
	case c.slides:
		of4Slide3S1AVX512(a)
	case c.wide && avx512:
		wideAVX512(a)
	case c.wide:
		wideAVX2(a)
	case c.in == 8:
		of8AVX512(a)
	case c.in == 4 && avx512:
		of4AVX512(a)
	case c.in == 4:
		of4AVX2(a)
	case avx512:
		of2AVX512(a)
	default:
		of2AVX2(a)
	}
}
