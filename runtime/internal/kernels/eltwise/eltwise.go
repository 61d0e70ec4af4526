// Package eltwise has the element-wise kernels: activations, sums, products and
// per-channel affine maps.
//
// Operands are rows of floats, consecutive rows a pitch apart: usually a row is a
// pixel. What lies between rows is not touched. dst may be an operand itself, element
// for element; otherwise they must not overlap.
//
// Infinities and NaNs come out as in PyTorch: a NaN goes through every function,
// clamps included; SiLU, HardSwish and the two GELUs of -Inf are NaN. Clamps, sums and
// products are exact to the last bit. Sigmoid, Tanh and SiLU have a relative error below
// 5e-7, down to numbers that are no longer normal; HardSigmoid, HardSwish and GELUTanh an
// error below 2e-7, or 4e-7 of a larger result; GELU below 4e-7, or 2e-7 of a larger result.
package eltwise

//go:generate go -C ../_asm run ./eltwise -out ../eltwise/kernel_amd64.s -stubs ../eltwise/kernel_amd64.go -pkg eltwise

import "math"

// Func is an activation function.
type Func uint8

// The functions, in the order of the runtime's ActKind.
const (
	None Func = iota
	ReLU
	ReLU6
	LeakyReLU // of a slope
	Sigmoid
	Tanh
	SiLU
	HardSigmoid
	HardSwish
	GELU     // exact, by erf
	GELUTanh // the tanh approximation
)

// Bounds returns the bounds of an f that only clamps: none, ReLU and ReLU6.
func (f Func) Bounds() (lo, hi float32, ok bool) {
	inf := float32(math.Inf(1))
	switch f {
	case None:
		return -inf, inf, true
	case ReLU:
		return 0, inf, true
	case ReLU6:
		return 0, 6, true
	}
	return 0, 0, false
}

// Rows is an operand.
type Rows struct {
	Data  []float32
	Pitch int // floats from one row to the next; 0 repeats the first
}

// check panics unless r holds rows rows of n floats.
func (r Rows) check(rows, n int) {
	_ = r.Data[(rows-1)*r.Pitch+n-1]
}

// row returns row i, n floats.
func (r Rows) row(i, n int) []float32 {
	return r.Data[i*r.Pitch:][:n]
}

// Act is dst[i][j] = f(src[i][j]) for i < rows, j < n. slope is LeakyReLU's.
func Act(f Func, slope float32, dst, src Rows, rows, n int) {
	if rows < 1 || n < 1 {
		return
	}
	dst.check(rows, n)
	src.check(rows, n)
	if dst.Pitch == n && src.Pitch == n {
		rows, n = 1, rows*n
	}
	act(f, slope, dst, src, rows, n)
}

// Add is dst[i][j] = min(max(a[i][j] + b[i][j], lo), hi) for i < rows, j < n.
func Add(dst, a, b Rows, rows, n int, lo, hi float32) {
	if rows < 1 || n < 1 {
		return
	}
	dst.check(rows, n)
	a.check(rows, n)
	b.check(rows, n)
	if dst.Pitch == n && a.Pitch == n && b.Pitch == n {
		rows, n = 1, rows*n
	}
	add(dst, a, b, rows, n, lo, hi)
}

// Mul is dst[i][j] = a[i][j] * b[i][j] for i < rows, j < n.
func Mul(dst, a, b Rows, rows, n int) {
	if rows < 1 || n < 1 {
		return
	}
	dst.check(rows, n)
	a.check(rows, n)
	b.check(rows, n)
	if dst.Pitch == n && a.Pitch == n && b.Pitch == n {
		rows, n = 1, rows*n
	}
	mul(dst, a, b, rows, n)
}

// Affine is dst[i][j] = min(max(src[i][j]*scale[j] + shift[j], lo), hi) for i < rows,
// j < n, with one rounding of the product and sum where the processor fuses them.
func Affine(dst, src Rows, scale, shift []float32, rows, n int, lo, hi float32) {
	if rows < 1 || n < 1 {
		return
	}
	dst.check(rows, n)
	src.check(rows, n)
	_, _ = scale[n-1], shift[n-1]
	affine(dst, src, scale, shift, rows, n, lo, hi)
}
