// Package winograd has the transforms of Winograd's F(4x4,3x3) and F(2x2,3x3): convolutions
// by 3x3 kernels of stride 1 in a quarter of the multiplications, or 4/9 of them.
//
// A tile of n x n output pixels is made of n+2 x n+2 input pixels, their neighbours included.
// It is a polynomial product in either direction, evaluated at the points 0, 1, -1, for
// F(4x4,3x3) also 2 and -2, and infinity: transformed, tile and kernel are multiplied
// element by element, so that all tiles, input and output channels are (n+2)² matrix
// products. With matrices Aᵀ, Bᵀ and G,
//
//	output = Aᵀ [(G kernel Gᵀ) * (Bᵀ input B)] A
//
// A sum's terms are larger than the convolution's and cancel, which costs about a decimal
// of accuracy; less with F(2x2,3x3), whose matrices have no element above 1. A NaN or an
// infinity spreads over the tiles that read it, as NaN.
package winograd

//go:generate go -C ../_asm run ./winograd -out ../winograd/kernel_amd64.s -stubs ../winograd/kernel_amd64.go -pkg winograd

import (
	"fmt"

	"github.com/cnnc-dev/cnnc/runtime/internal/cpu"
)

const (
	// Taps is the number of elements of a kernel.
	Taps = 9
	// Align is what Input.Pitch and Output.Pitch are multiples of.
	Align = 16
)

// Variant is the algorithm for tiles of so many output pixels a side.
type Variant int

const (
	F2x2 Variant = 2 // F(2x2,3x3)
	F4x4 Variant = 4 // F(4x4,3x3)
)

// Out is the side of a tile of the output, in pixels.
func (v Variant) Out() int { return int(v) }

// In is the side of the tile of the input that it is made of.
func (v Variant) In() int { return int(v) + 2 }

// Planes is the number of elements of a transformed tile.
func (v Variant) Planes() int { return v.In() * v.In() }

// BiasPlane is the element of a transformed tile, that at the points 1 and 1, that every
// pixel of the output tile is the sum of with factor one: what is added to it is added to
// them all.
func (v Variant) BiasPlane() int { return v.In() + 1 }

// Input is a tile of the input on its way in: Dst[p*Pitch+c], for planes p and channels
// c, is element p of Bᵀ d B, where d is In x In pixels of channel c. What is in Dst between the
// last channel and Pitch may be overwritten.
type Input struct {
	Src      []float32
	Offsets  []int // [In][In], where the pixels begin in Src, in bytes
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

	Rows, Cols        int // 1 to Out
	Dst               []float32
	DstLine, DstPitch int // from a row, from a pixel to the next

	Residual                    []float32 // nil for none; may be Dst
	ResidualLine, ResidualPitch int
	Lo, Hi                      float32 // bounds; infinities for none
}

// Weights is N kernels on their way in: Dst[p*DstStep+i] is element p of G g Gᵀ, computed in
// float64, where Src[t*SrcStep+i] is tap t of g.
type Weights struct {
	Src     []float32
	SrcStep int // from one tap to the next
	Dst     []float32
	DstStep int // from one plane to the next
	N       int
}

// Kernel is a variant's transforms for one instruction set.
type Kernel struct {
	Variant
	isa cpu.ISA
}

// For returns a variant's transforms for an instruction set.
func For(v Variant, isa cpu.ISA) Kernel { return Kernel{v, isa} }

// Input transforms a tile. It panics if t reaches outside of Dst; where in Src the offsets
// lead is the caller's to answer for.
func (k Kernel) Input(t *Input) {
	if t.Channels < 1 || t.Channels > t.Pitch || t.Pitch%Align != 0 || len(t.Offsets) < k.Planes() || len(t.Dst) < k.Planes()*t.Pitch {
		panic(fmt.Sprintf("winograd: %d channels, pitch %d, %d offsets, %d floats of result", t.Channels, t.Pitch, len(t.Offsets), len(t.Dst)))
	}
	if k.isa == cpu.Generic {
		t.generic(k.Variant)
	} else {
		k.input(t)
	}
}

// Output transforms a tile. It panics if t reaches outside its slices.
func (k Kernel) Output(t *Output) {
	if t.Channels < 1 || t.Channels > t.Pitch || t.Pitch%Align != 0 || len(t.Src) < k.Planes()*t.Pitch ||
		t.Rows < 1 || t.Rows > k.Out() || t.Cols < 1 || t.Cols > k.Out() ||
		!t.inside(t.Dst, t.DstLine, t.DstPitch) || t.Residual != nil && !t.inside(t.Residual, t.ResidualLine, t.ResidualPitch) {
		t.refuse()
	}
	if k.isa == cpu.Generic {
		t.generic(k.Variant)
	} else {
		k.output(t)
	}
}

// Weights transforms kernels. It panics if w reaches outside its slices.
func (k Kernel) Weights(w *Weights) {
	if w.N < 1 || w.SrcStep < 0 || w.DstStep < 0 ||
		len(w.Src) < (Taps-1)*w.SrcStep+w.N || len(w.Dst) < (k.Planes()-1)*w.DstStep+w.N {
		panic(fmt.Sprintf("winograd: %d kernels, taps %d apart in %d floats, planes %d apart in %d", w.N, w.SrcStep, len(w.Src), w.DstStep, len(w.Dst)))
	}
	done := 0
	if k.isa != cpu.Generic {
		const lanes = 8 // of float64
		if done = w.N / lanes * lanes; done > 0 {
			k.weights(w, done)
		}
	}
	w.generic(k.Variant, done)
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
