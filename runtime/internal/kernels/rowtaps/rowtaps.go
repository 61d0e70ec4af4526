// Package rowtaps holds the tiles of convolutions of few input channels: matrix products
// of rows that are evenly spaced and overlap. A row of A is an output pixel, a tap of it a
// row of the kernel, which is one stretch of floats.
package rowtaps

//go:generate go -C ../_asm run ./rowtaps -out ../rowtaps/tile_amd64.s -stubs ../rowtaps/tile_amd64.go -pkg rowtaps

import (
	"fmt"
	"slices"

	"github.com/cnnc-dev/cnnc/runtime/internal/cpu"
	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/gemm"
)

// Call is what one call computes: lines of pixels, and of these panels of Width columns
// each, the last one perhaps narrower.
//
//	for y := range Lines {
//		for x := range Pixels {
//			a, c, r := A[y*ALine+x*APixel:], C[y*CLine+x*CPixel:], Residual[y*RLine+x*RPixel:]
//			for p := range Panels {
//				for j := range Width { // Cols in the last panel
//					sum := Bias[p*Width+j]
//					for t := range Taps {
//						for k := range K {
//							sum += a[t*ATap+k] * B[((p*Taps+t)*K+k)*Width+j]
//						}
//					}
//					c[p*Width+j] = min(max(sum+r[p*Width+j], Lo), Hi)
//				}
//			}
//		}
//	}
//
// in this order of additions. The assembly multiplies and adds with one rounding. NaN
// stays NaN.
type Call struct {
	Lines, Pixels int // at least 1
	Taps, K       int // at least 1

	Width  int // of a panel: one of gemm's
	Panels int // at least 1
	Cols   int // of C in the last panel: they reach into its last vector

	A                   []float32
	ALine, APixel, ATap int // floats from one to the next

	B    []float32 // [Panels][Taps][K][Width]
	Bias []float32 // [Panels][Width]

	C             []float32
	CLine, CPixel int
	Residual      []float32 // nil for none; may be C
	RLine, RPixel int
	Lo, Hi        float32 // bounds; infinities for none

	// Fetch says that no cache holds C: it is asked for a tile ahead then. It changes
	// nothing else.
	Fetch bool
}

// Run computes c with the tiles of an instruction set. It panics if c reaches outside of
// its slices.
func Run(isa cpu.ISA, c *Call) {
	k := gemm.For(isa)
	columns := (c.Panels-1)*c.Width + c.Cols
	last := func(line, pixel int) int { return (c.Lines-1)*line + (c.Pixels-1)*pixel }
	if c.Lines < 1 || c.Pixels < 1 || c.Taps < 1 || c.K < 1 || c.Panels < 1 ||
		c.Cols <= c.Width-k.Lanes || c.Cols > c.Width || !slices.Contains(k.Widths, c.Width) ||
		min(c.ALine, c.APixel, c.ATap, c.CLine, c.CPixel, c.RLine, c.RPixel) < 0 ||
		len(c.A) < last(c.ALine, c.APixel)+(c.Taps-1)*c.ATap+c.K ||
		len(c.B) < c.Panels*c.Taps*c.K*c.Width || len(c.Bias) < c.Panels*c.Width ||
		len(c.C) < last(c.CLine, c.CPixel)+columns ||
		c.Residual != nil && len(c.Residual) < last(c.RLine, c.RPixel)+columns {
		c.refuse()
	}
	if isa == cpu.Generic {
		c.generic()
		return
	}
	c.assembly(isa)
}

// refuse says what Run was called with: there is a mistake in what called it.
func (c *Call) refuse() {
	a, b, bias, to, residual := len(c.A), len(c.B), len(c.Bias), len(c.C), len(c.Residual)
	d := *c
	d.A, d.B, d.Bias, d.C, d.Residual = nil, nil, nil, nil, nil
	panic(fmt.Sprintf("rowtaps: %+v with %d floats of A, %d of B, %d of Bias, %d of C, %d of the residual", d, a, b, bias, to, residual))
}
