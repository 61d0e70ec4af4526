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

// powers is how a sigmoid gets powers of 2: multiples of 1/entries from a table, and exp of
// what is left from a polynomial, lowest power first.
type powers struct {
	// round is the number to add to x for the sum to be rounded to multiples of 1/entries,
	// and x*entries to be in its last bits.
	round float32
	// poly approximates exp(-r) on [-ln2/2/entries, ln2/2/entries] to a relative error
	// below 8e-8.
	poly []float32
}

var (
	powers512 = powers{3 << 17, []float32{1, -1.0000147, 0.5000049}}     // 32 entries
	powers256 = powers{3 << 19, []float32{1, -1, 0.5000391, -0.1666784}} // 8 entries
)

func (m *Machine) powersOf2() powers {
	if m.Is512() {
		return powers512
	}
	return powers256
}

// PinSigmoid pins what Sigmoid wants pinned.
func (m *Machine) PinSigmoid() {
	if m.Is512() {
		var table [Entries]float32
		for i := range table {
			table[i] = float32(math.Exp2(float64(i) / Entries))
		}
		m.powers = m.Lookup(table)
	}
	p := m.powersOf2()
	m.Pin(1, sigmoidLow, -sigmoidLow, p.round, -log2E, ln2, p.poly[1])
}

// Sigmoid returns those of the registers t, u, w, s, all of which it changes, that get
// 1/(1 + exp(-x)). x stays.
func (m *Machine) Sigmoid(x, t, u, w, s []V) []V {
	Each(x, func(i int) { VMAXPS(x[i], m.R(sigmoidLow), t[i]) })
	Each(x, func(i int) { VMINPS(t[i], m.R(-sigmoidLow), t[i]) })
	m.sigmoid(x, t, u, w, s)
	return w
}

// SigmoidFactor is Sigmoid of what will be multiplied with x: where that is NaN, it returns
// some number.
func (m *Machine) SigmoidFactor(x, t, u, w, s []V) []V {
	if !m.Is512() {
		return m.Sigmoid(x, t, u, w, s)
	}
	const least = 2 // the smaller magnitude, the first one's sign
	Each(x, func(i int) { VRANGEPS(Imm(least), m.R(sigmoidLow), x[i], t[i]) })
	m.sigmoid(x, t, u, w, s)
	return w
}

// sigmoidLow is where 1/(1+exp(-x)) is no longer normal; from there on it is taken for 0.
const sigmoidLow = float32(-87.5)

const ln2 = float32(math.Ln2)

// sigmoid is w = 1/(1 + exp(-x)), t being x held to [sigmoidLow, -sigmoidLow], where no
// infinity meets a zero. It goes by way of exp(-x) = 2^n * exp(-r), n a multiple of 1/32 or
// 1/8: its fraction's power comes from a table, so that the polynomial is short. What counts
// is the number of operations.
func (m *Machine) sigmoid(x, t, u, w, s []V) {
	p := m.powersOf2()
	Each(x, func(i int) { VMOVUPS(m.K(p.round), u[i]) })
	Each(x, func(i int) { VFMADD231PS(m.K(-log2E), t[i], u[i]) })
	Each(x, func(i int) { VSUBPS(m.K(p.round), u[i], w[i]) })  // n
	Each(x, func(i int) { VFMADD231PS(m.K(ln2), w[i], t[i]) }) // r
	if m.Is512() {
		Each(x, func(i int) { m.powers.At(u[i]) })
		Each(x, func(i int) { VSCALEFPS(w[i], u[i], u[i]) })
	} else {
		m.scaledPower(u, w)
	}
	m.Horner(s, t, p.poly)
	Each(x, func(i int) { VFMADD213PS(m.K(1), u[i], s[i]) }) // 1 + exp(-x)
	if !m.Is512() {
		Each(x, func(i int) { VDIVPS(s[i], m.R(1), w[i]) })
		Each(x, func(i int) { VCMPPS(Imm(cmpNotLess), m.R(sigmoidLow), x[i], s[i]) })
		Each(x, func(i int) { VANDPS(s[i], w[i], w[i]) })
		return
	}
	Each(x, func(i int) { VRCP14PS(s[i], w[i]) })
	Each(x, func(i int) { VFNMADD213PS(m.K(1), w[i], s[i]) })
	Each(x, func(i int) { VCMPPS(Imm(cmpNotLess), m.R(sigmoidLow), x[i], m.signs[i]) })
	Each(x, func(i int) { VFMADD231PS_Z(s[i], w[i], m.signs[i], w[i]) })
}

// scaledPower is u = 2^n with AVX2, 8*n being in the last bits of u. It changes w. n's integer
// is added to the exponent, and with it its fraction to the mantissa; entries are less by
// that.
func (m *Machine) scaledPower(u, w []V) {
	const entries = 8
	table := make([]float32, entries)
	for i := range table {
		power := math.Float32bits(float32(math.Exp2(float64(i) / entries)))
		table[i] = math.Float32frombits(power - uint32(i)<<20)
	}
	Each(u, func(i int) { VPSLLD(Imm(20), u[i], w[i]) })
	Each(u, func(i int) { VPERMPS(m.Constants(table), u[i], u[i]) })
	Each(u, func(i int) { VPADDD(w[i], u[i], u[i]) })
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
