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

// PinSigmoid pins what Sigmoid wants pinned.
func (m *Machine) PinSigmoid() {
	if !m.Is512() {
		m.Pin(1, SignBit)
		m.Pin(m.ExpConstants()...)
		return
	}
	var powers [Entries]float32
	for i := range powers {
		powers[i] = float32(math.Exp2(float64(i) / Entries))
	}
	m.powers = m.Lookup(powers)
	m.Pin(1, sigmoidLow, -sigmoidLow, roundPower, -log2E, ln2, powerPoly[1])
}

// Sigmoid returns those of the registers t, u, w, s, all of which it changes, that get
// 1/(1 + exp(-x)). x stays.
func (m *Machine) Sigmoid(x, t, u, w, s []V) []V {
	if m.Is512() {
		Each(x, func(i int) { VMAXPS(x[i], m.R(sigmoidLow), t[i]) })
		Each(x, func(i int) { VMINPS(t[i], m.R(-sigmoidLow), t[i]) })
		m.sigmoid512(x, t, u, w, s)
		return w
	}
	// By way of e = exp(-|x|): 1/(1+e), or e/(1+e) for negative x.
	Each(x, func(i int) { VORPS(m.K(SignBit), x[i], t[i]) })
	m.Exp(u, t, w, s)
	Each(x, func(i int) { VADDPS(m.K(1), u[i], w[i]) })
	m.Reciprocal(t, w)
	Each(x, func(i int) { VMULPS(u[i], t[i], u[i]) })
	Each(x, func(i int) { VBLENDVPS(x[i], u[i], t[i], u[i]) })
	return u
}

// SigmoidFactor is Sigmoid of what will be multiplied with x: where that is NaN, it returns
// some number.
func (m *Machine) SigmoidFactor(x, t, u, w, s []V) []V {
	if !m.Is512() {
		return m.Sigmoid(x, t, u, w, s)
	}
	const least = 2 // the smaller magnitude, the first one's sign
	Each(x, func(i int) { VRANGEPS(Imm(least), m.R(sigmoidLow), x[i], t[i]) })
	m.sigmoid512(x, t, u, w, s)
	return w
}

// sigmoidLow is where 1/(1+exp(-x)) is no longer normal; from there on it is taken for 0.
const sigmoidLow = float32(-87.5)

// roundPower is the number to add to x for the sum to be rounded to multiples of 1/32,
// and x*32 to be in its last bits.
const roundPower = float32(3 << 17)

// powerPoly approximates exp(-r) on [-ln2/64, ln2/64] to a relative error of 6e-8, lowest
// power first.
var powerPoly = []float32{1, -1.0000147, 0.5000049}

const ln2 = float32(math.Ln2)

// sigmoid512 is w = 1/(1 + exp(-x)), t being x held to [sigmoidLow, -sigmoidLow], where no
// infinity meets a zero. It goes by way of exp(-x) = 2^n * exp(-r), n a multiple of 1/32: its
// fraction's power comes from a table, so that the polynomial is short. Two ports serve
// vectors of 512 bits, and what counts is the number of operations.
func (m *Machine) sigmoid512(x, t, u, w, s []V) {
	Each(x, func(i int) { VMOVUPS(m.K(roundPower), u[i]) })
	Each(x, func(i int) { VFMADD231PS(m.K(-log2E), t[i], u[i]) })
	Each(x, func(i int) { VSUBPS(m.K(roundPower), u[i], w[i]) }) // n
	Each(x, func(i int) { VFMADD231PS(m.K(ln2), w[i], t[i]) })   // r
	Each(x, func(i int) { m.powers.At(u[i]) })
	Each(x, func(i int) { VSCALEFPS(w[i], u[i], u[i]) })
	m.Horner(s, t, powerPoly)
	Each(x, func(i int) { VFMADD213PS(m.K(1), u[i], s[i]) }) // 1 + exp(-x)
	Each(x, func(i int) { VRCP14PS(s[i], w[i]) })
	Each(x, func(i int) { VFNMADD213PS(m.K(1), w[i], s[i]) })
	Each(x, func(i int) { VCMPPS(Imm(cmpNotLess), m.R(sigmoidLow), x[i], m.signs[i]) })
	Each(x, func(i int) { VFMADD231PS_Z(s[i], w[i], m.signs[i], w[i]) })
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

// Predicates of VCMPPS.
const (
	cmpLess    = 1
	cmpNotLess = 5 // true where there is a NaN
)
