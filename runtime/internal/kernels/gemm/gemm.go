// Package gemm holds the tiles that convolutions and linear layers are made of:
// matrix products whose left-hand rows lie wherever a table of offsets says.
package gemm

//go:generate go -C ../_asm run ./gemm -out ../gemm/tile_amd64.s -stubs ../gemm/tile_amd64.go -pkg gemm

import (
	"fmt"
	"slices"

	"github.com/cnnc-dev/cnnc/runtime/internal/cpu"
)

// Call is what one call computes: one tile after the other, each Rows rows of C below the
// one before. A tile is Panels panels of C of Width columns each, the last one perhaps
// narrower. Panel p of the first tile is
//
//	for r := range Rows {
//		for j := range Width { // Cols in the last panel
//			sum := Bias[p*Width+j]
//			for t := range Taps {
//				a := A[p*AStep+Offsets[t*Kernel.Rows+r]/4:]
//				for k := range K {
//					sum += a[k] * B[((p*Taps+t)*K+k)*Width+j]
//				}
//			}
//			sum += Residual[r*LDR+p*Width+j]
//			C[r*LDC+p*Width+j] = min(max(sum, Lo), Hi)
//		}
//	}
//
// in this order of additions, whatever the rows and the width. The assembly
// multiplies and adds with one rounding. NaN stays NaN.
type Call struct {
	Tiles int // at least 1
	Rows  int // 1 to Kernel.Rows
	Taps  int // at least 1
	K     int // at least 1

	Width  int // of a panel: one of Kernel.Widths
	Panels int // at least 1
	Cols   int // of C in the last panel: they reach into its last vector

	A       []float32
	ATile   int   // from a tile's A to the next one's, in floats
	AStep   int   // from a panel's A to the next one's, in floats; 0 if all share it
	Offsets []int // [Taps][Kernel.Rows], where rows begin in A, in bytes

	B    []float32 // [Panels][Taps][K][Width]
	Bias []float32 // [Panels][Width]

	C        []float32
	LDC      int       // floats from one row of C to the next
	Residual []float32 // nil for none; may be C
	LDR      int
	Lo, Hi   float32 // bounds; infinities for none

	// Next is what a later call reads of B. It is asked for in passing, so that
	// it is in the cache by then; it changes nothing else.
	Next []float32
}

// Kernel is the tiles of one instruction set.
type Kernel struct {
	ISA    cpu.ISA
	Rows   int   // most rows of a call, and the rows of a table of offsets
	Width  int   // columns of most panels
	Widths []int // what panels there are, ascending
	Lanes  int   // columns of a vector
}

var kernels = [...]Kernel{
	cpu.Generic: {cpu.Generic, 4, 8, []int{4, 8}, 4},
	cpu.AVX2:    {cpu.AVX2, 6, 16, []int{8, 16}, 8},
	cpu.AVX512:  {cpu.AVX512, 14, 32, []int{16, 32, 48}, 16},
}

// For returns the tiles of an instruction set.
func For(isa cpu.ISA) *Kernel { return &kernels[isa] }

// Run computes c. It panics if c reaches outside its slices; where in A the
// offsets lead is the caller's to answer for.
func (k *Kernel) Run(c *Call) {
	columns := (c.Panels-1)*c.Width + c.Cols
	last := c.Tiles*c.Rows - 1
	if c.Tiles < 1 || c.Rows < 1 || c.Rows > k.Rows || c.Taps < 1 || c.K < 1 || c.Panels < 1 ||
		c.Cols <= c.Width-k.Lanes || c.Cols > c.Width || !slices.Contains(k.Widths, c.Width) ||
		len(c.Offsets) < (c.Taps-1)*k.Rows+c.Rows ||
		len(c.B) < c.Panels*c.Taps*c.K*c.Width || len(c.Bias) < c.Panels*c.Width ||
		c.LDC < 0 || len(c.C) < last*c.LDC+columns ||
		c.Residual != nil && (c.LDR < 0 || len(c.Residual) < last*c.LDR+columns) {
		c.refuse()
	}
	if k.ISA == cpu.Generic {
		k.generic(c)
		return
	}
	k.assembly(c)
}

// refuse says what Run was called with: there is a mistake in what called it.
func (c *Call) refuse() {
	panic(fmt.Sprintf("gemm: %d tiles of %d rows, %d taps of %d, %d panels of %d with %d columns in the last, with %d offsets, %d weights, %d biases, rows of C %d apart in %d, of the residual %d in %d",
		c.Tiles, c.Rows, c.Taps, c.K, c.Panels, c.Width, c.Cols, len(c.Offsets), len(c.B), len(c.Bias), c.LDC, len(c.C), c.LDR, len(c.Residual)))
}
