package vmath

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"

	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/_asm/emit"
)

// SignBit is the bit of negative numbers.
var SignBit = math.Float32frombits(1 << 31)

// ln2 in two parts: n*ln2Hi is exact for the n that occur.
const (
	log2E = float32(math.Log2E)
	ln2Hi = float32(0.693359375)
	ln2Lo = float32(math.Ln2 - 0.693359375)
)

// expPoly approximates exp on [-ln2/2, ln2/2] to a relative error of 7.5e-8, lowest
// power first.
var expPoly = []float32{1.0000001, 0.9999997, 0.49998894, 0.16667575, 0.041915383, 0.00829765}

// Below expLow the exponential is taken for 0. AVX2 cannot make numbers that are not
// normal; AVX-512 gets so far as to round to 0 by itself.
func expLow(isa *emit.ISA) float32 {
	if isa.Is512() {
		return -104
	}
	return -87.336
}

// ExpConstants are those that Exp wants pinned, the most needed first.
func (m *Machine) ExpConstants() []float32 {
	return append([]float32{expLow(m.ISA), log2E, expPoly[5], ln2Hi, ln2Lo}, expPoly[:5]...)
}

// Exp is u = exp(t) for t <= 0, NaN for NaN, with a relative error below 2e-7. It
// changes t, w and, with AVX2, s.
func (m *Machine) Exp(u, t, w, s []V) {
	lo := m.R(expLow(m.ISA))
	if !m.Is512() {
		Each(t, func(i int) { VCMPPS(Imm(cmpLess), lo, t[i], s[i]) })
	}
	Each(t, func(i int) { VMAXPS(t[i], lo, t[i]) })
	// exp(t) = 2^u * exp(t - u*ln2)
	Each(t, func(i int) { VMULPS(m.K(log2E), t[i], u[i]) })
	Each(t, func(i int) {
		if m.Is512() {
			VRNDSCALEPS(Imm(0), u[i], u[i])
		} else {
			VROUNDPS(Imm(0), u[i], u[i])
		}
	})
	Each(t, func(i int) { VFNMADD231PS(m.K(ln2Hi), u[i], t[i]) })
	Each(t, func(i int) { VFNMADD231PS(m.K(ln2Lo), u[i], t[i]) })
	m.Horner(w, t, expPoly)
	if m.Is512() {
		Each(t, func(i int) { VSCALEFPS(u[i], w[i], u[i]) })
		return
	}
	Each(t, func(i int) { VCVTPS2DQ(u[i], u[i]) })
	Each(t, func(i int) { VPSLLD(Imm(23), u[i], u[i]) })
	Each(t, func(i int) { VPADDD(u[i], w[i], u[i]) })
	Each(t, func(i int) { VANDNPS(u[i], s[i], u[i]) })
}

// Horner is p = the polynomial in x, lowest power first.
func (m *Machine) Horner(p, x []V, coefficients []float32) {
	n := len(coefficients)
	Each(x, func(i int) { VMOVUPS(m.K(coefficients[n-1]), p[i]) })
	for k := n - 2; k >= 0; k-- {
		Each(x, func(i int) { VFMADD213PS(m.K(coefficients[k]), x[i], p[i]) })
	}
}

// Reciprocal is r = 1/d for 1 <= d <= 2, to within a unit in the last place. It changes
// d. The constant 1 must be pinned.
func (m *Machine) Reciprocal(r, d []V) {
	if !m.Is512() {
		Each(d, func(i int) { VDIVPS(d[i], m.R(1), r[i]) })
		return
	}
	// One step of Newton's doubles the 14 bits of the estimate; dividing is slower.
	Each(d, func(i int) { VRCP14PS(d[i], r[i]) })
	Each(d, func(i int) { VFNMADD213PS(m.K(1), r[i], d[i]) })
	Each(d, func(i int) { VFMADD231PS(d[i], r[i], r[i]) })
}

// SigmoidConstants are those that Sigmoid wants pinned.
func (m *Machine) SigmoidConstants() []float32 {
	return append([]float32{1, SignBit}, m.ExpConstants()...)
}

// Sigmoid returns those of the registers t, u, w, s, all of which it changes, that get
// 1/(1 + exp(-x)). It goes by way of e = exp(-|x|): 1/(1+e), or e/(1+e) for negative x.
// x stays.
func (m *Machine) Sigmoid(x, t, u, w, s []V) []V {
	Each(x, func(i int) { VORPS(m.K(SignBit), x[i], t[i]) })
	m.Exp(u, t, w, s)
	Each(x, func(i int) { VADDPS(m.K(1), u[i], w[i]) })
	m.Reciprocal(t, w)
	if m.Is512() {
		Each(x, func(i int) { VPMOVD2M(x[i], m.signs[i]) })
		Each(x, func(i int) { VMULPS(u[i], t[i], m.signs[i], t[i]) })
		return t
	}
	Each(x, func(i int) { VMULPS(u[i], t[i], u[i]) })
	Each(x, func(i int) { VBLENDVPS(x[i], u[i], t[i], u[i]) })
	return u
}

// ScaleNegative is x = x*factor where x is negative. It changes t.
func (m *Machine) ScaleNegative(x []V, factor Op, t []V) {
	if m.Is512() {
		Each(x, func(i int) { VPMOVD2M(x[i], m.signs[i]) })
		Each(x, func(i int) { VMULPS(factor, x[i], m.signs[i], x[i]) })
		return
	}
	Each(x, func(i int) { VMULPS(factor, x[i], t[i]) })
	Each(x, func(i int) { VBLENDVPS(x[i], t[i], x[i], x[i]) })
}

// SelectLess is d = a < b ? y : d, b being a pinned constant. It changes a.
func (m *Machine) SelectLess(d, a []V, b float32, y []V) {
	if m.Is512() {
		Each(d, func(i int) { VCMPPS(Imm(cmpLess), m.R(b), a[i], m.signs[i]) })
		Each(d, func(i int) { VMOVAPS(y[i], m.signs[i], d[i]) })
		return
	}
	Each(d, func(i int) { VCMPPS(Imm(cmpLess), m.R(b), a[i], a[i]) })
	Each(d, func(i int) { VBLENDVPS(a[i], y[i], d[i], d[i]) })
}

const cmpLess = 1 // the predicate of VCMPPS
