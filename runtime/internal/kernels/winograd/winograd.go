// Package winograd has the transforms of Winograd's F(4x4,3x3): convolutions by 3x3
// kernels of stride 1 in a quarter of the multiplications.
//
// A tile of 4x4 output pixels is made of 6x6 input pixels, their neighbours included. It
// is a polynomial product in either direction, evaluated at the points 0, 1, -1, 2, -2 and
// infinity: transformed, tile and kernel are multiplied element by element, so that all
// tiles, input and output channels are 36 matrix products. With matrices Aᵀ, Bᵀ and G,
//
//	output = Aᵀ [(G kernel Gᵀ) * (Bᵀ input B)] A
//
// A sum's terms are larger than the convolution's and cancel, which costs about a decimal
// of accuracy. A NaN or an infinity spreads over the tiles that read it, as NaN.
package winograd

//go:generate go -C ../_asm run ./winograd -out ../winograd/kernel_amd64.s -stubs ../winograd/kernel_amd64.go -pkg winograd

import (
	"fmt"

	"github.com/cnnc-dev/cnnc/runtime/internal/cpu"
)

const (
	// Out is the side of a tile of the output, in pixels.
	Out = 4
	// In is the side of the tile of the input that it is made of.
	In = 6
	// Planes is the number of elements of a transformed tile.
	Planes = In * In
	// BiasPlane is the element of a transformed tile that every pixel of the output tile
	// is the sum of with factor one: what is added to it is added to them all.
	BiasPlane = In + 1
	// Align is what Input.Pitch and Output.Pitch are multiples of.
	Align = 16
)

// Input is a tile of the input on its way in: Dst[p*Pitch+c], for planes p and channels
// c, is element p of Bᵀ d B, where d is 6x6 pixels of channel c. What is in Dst between the
// last channel and Pitch may be overwritten.
type Input struct {
	Src      []float32
	Offsets  []int // [6][6], where the pixels begin in Src, in bytes
	Dst      []float32
	Pitch    int // from one plane to the next
	Channels int
}

// Output is a tile on its way out: pixels [0, Rows) x [0, Cols) of Aᵀ m A, where m is
// Src[p*Pitch+c] for planes p and channels c, become
//
//	Dst[y*DstLine+x*DstPitch+c] = min(max(pixel[y][x][c]+Residual[y*ResidualLine+x*ResidualPitch+c], Lo), Hi)
//
// NaN stays NaN.
type Output struct {
	Src      []float32
	Pitch    int // from one plane to the next
	Channels int

	Rows, Cols        int // 1 to 4
	Dst               []float32
	DstLine, DstPitch int // from a row, from a pixel to the next

	Residual                    []float32 // nil for none; may be Dst
	ResidualLine, ResidualPitch int
	Lo, Hi                      float32 // bounds; infinities for none
}

// Kernel is the transforms of one instruction set.
type Kernel struct{ isa cpu.ISA }

// For returns the transforms of an instruction set.
func For(isa cpu.ISA) Kernel { return Kernel{isa} }

// Input transforms a tile. It panics if t reaches outside of Dst; where in Src the offsets
// lead is the caller's to answer for.
func (k Kernel) Input(t *Input) {
	if t.Channels < 1 || t.Channels > t.Pitch || t.Pitch%Align != 0 || len(t.Offsets) < Planes || len(t.Dst) < Planes*t.Pitch {
		panic(fmt.Sprintf("winograd: %d channels, pitch %d, %d offsets, %d floats of result", t.Channels, t.Pitch, len(t.Offsets), len(t.Dst)))
	}
	if k.isa == cpu.Generic {
		t.generic()
	} else {
		k.input(t)
	}
}

// Output transforms a tile. It panics if t reaches outside its slices.
func (k Kernel) Output(t *Output) {
	if t.Channels < 1 || t.Channels > t.Pitch || t.Pitch%Align != 0 || len(t.Src) < Planes*t.Pitch ||
		t.Rows < 1 || t.Rows > Out || t.Cols < 1 || t.Cols > Out ||
		!t.inside(t.Dst, t.DstLine, t.DstPitch) || t.Residual != nil && !t.inside(t.Residual, t.ResidualLine, t.ResidualPitch) {
		t.refuse()
	}
	if k.isa == cpu.Generic {
		t.generic()
	} else {
		k.output(t)
	}
}

// inside reports whether x holds the pixels of the tile.
func (t *Output) inside(x []float32, line, pitch int) bool {
	return line >= 0 && pitch >= 0 && len(x) >= (t.Rows-1)*line+(t.Cols-1)*pitch+t.Channels
}

// refuse says what Kernel.Output was called with: there is a mistake in what called it.
func (t *Output) refuse() {
	panic(fmt.Sprintf("winograd: %d channels, pitch %d of %d floats, %dx%d pixels, lines and pixels %d and %d apart in %d, of the residual %d and %d in %d",
		t.Channels, t.Pitch, len(t.Src), t.Rows, t.Cols, t.DstLine, t.DstPitch, len(t.Dst), t.ResidualLine, t.ResidualPitch, len(t.Residual)))
}

// Weights returns the elements of G g Gᵀ, where g is a kernel of 3x3:
//
//	    1/4     0     0
//	   -1/6  -1/6  -1/6
//	G = -1/6   1/6  -1/6
//	    1/24  1/12   1/6
//	    1/24 -1/12   1/6
//	       0     0     1
func Weights(g []float32) (u [Planes]float32) {
	var columns [3][In]float64
	for c := range columns {
		columns[c] = evaluate(float64(g[c]), float64(g[3+c]), float64(g[6+c]))
	}
	for r := range In {
		for c, v := range evaluate(columns[0][r], columns[1][r], columns[2][r]) {
			u[r*In+c] = float32(v)
		}
	}
	return u
}

// evaluate is G times a column.
func evaluate(x, y, z float64) [In]float64 {
	even, odd := (x+z)*(1./6), y*(1./6)
	even2, odd2 := x*(1./24)+z*(1./6), y*(1./12)
	return [In]float64{x * (1. / 4), -even - odd, odd - even, even2 + odd2, even2 - odd2, z}
}
