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
	if c.isa == cpu.AVX2 {
		switch c.in {
		case 2:
			of2AVX2(a)
		case 4:
			of4AVX2(a)
		default:
			wideAVX2(a)
		}
		return
	}
	stride := c.window.StrideW
	switch {
	case c.perGroup && stride == 1:
		wideSlide3S1AVX512(a)
	case c.perGroup:
		wideSlide3S2AVX512(a)
	case c.slides && c.in == 8 && stride == 1:
		of8Slide3S1AVX512(a)
	case c.slides && c.in == 8:
		of8Slide3S2AVX512(a)
	case c.slides && stride == 1:
		of4Slide3S1AVX512(a)
	case c.slides:
		of4Slide3S2AVX512(a)
	case c.in == 8:
		of8AVX512(a)
	case c.in == 4:
		of4AVX512(a)
	default:
		of2AVX512(a)
	}
}
