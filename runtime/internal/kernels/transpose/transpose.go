// Package transpose lays rows side by side: a checkpoint has the weights of an output
// channel in a row, kernels want those of neighbouring channels next to each other.
package transpose

//go:generate go -C ../_asm run ./transpose -out ../transpose/kernel_amd64.s -stubs ../transpose/kernel_amd64.go -pkg transpose

import (
	"fmt"
	"slices"

	"github.com/cnnc-dev/cnnc/runtime/internal/cpu"
)

// Call is
//
//	for i, at := range Order {
//		for j := range Rows {
//			Dst[at*Pitch+j] = float32(float64(Src[j*Stride+i]) * Scale[j])
//		}
//	}
//
// Dst and Src must not overlap.
type Call struct {
	Dst   []float32
	Pitch int
	Order []int // no place twice

	Src          []float32
	Stride, Rows int
	Scale        []float64 // a factor a row; nil for ones
}

// Run computes c for an instruction set. It panics if c reaches outside its slices.
func Run(isa cpu.ISA, c *Call) {
	n := len(c.Order)
	if n == 0 || c.Rows == 0 {
		return
	}
	if c.Rows < 0 || c.Stride < 0 || c.Pitch < 0 || len(c.Src) < (c.Rows-1)*c.Stride+n ||
		slices.Min(c.Order) < 0 || len(c.Dst) < slices.Max(c.Order)*c.Pitch+c.Rows ||
		c.Scale != nil && len(c.Scale) < c.Rows {
		panic(fmt.Sprintf("transpose: %d rows of %d, %d apart in %d, to places up to %d, %d apart in %d, %d factors",
			c.Rows, n, c.Stride, len(c.Src), slices.Max(c.Order), c.Pitch, len(c.Dst), len(c.Scale)))
	}
	lanes := [...]int{cpu.Generic: 0, cpu.AVX2: 8, cpu.AVX512: 16}[isa]
	if lanes == 16 && min(c.Rows, n) < lanes {
		lanes = 8
	}
	if lanes == 0 || min(c.Rows, n) < lanes {
		c.generic()
		return
	}
	// The last rows may be done twice, and so may the last of each row.
	for row := 0; row < c.Rows; row += lanes {
		c.block(lanes, min(row, c.Rows-lanes))
	}
}

func (c *Call) generic() {
	for j := range c.Rows {
		row := c.Src[j*c.Stride:][:len(c.Order)]
		if c.Scale == nil {
			for i, at := range c.Order {
				c.Dst[at*c.Pitch+j] = row[i]
			}
			continue
		}
		scale := c.Scale[j]
		for i, at := range c.Order {
			c.Dst[at*c.Pitch+j] = float32(float64(row[i]) * scale)
		}
	}
}
