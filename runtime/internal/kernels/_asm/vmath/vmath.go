// Package vmath emits functions of vectors: the exponential and what is made of it, and
// the constants they need. The generators of eltwise and norm share it.
package vmath

import (
	"math"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/_asm/emit"
)

// V is a vector register.
type V = reg.VecPhysical

// A Table collects the constants of a file, each as a vector of equal floats.
type Table struct {
	name   string
	values []uint32
}

// NewTable returns an empty table that will have the given symbol.
func NewTable(name string) *Table { return &Table{name: name} }

// entry is the size of a constant in the table.
const entry = 64

// at returns where a constant is.
func (t *Table) at(v float32) Mem {
	bits := math.Float32bits(v)
	i := 0
	for ; i < len(t.values) && t.values[i] != bits; i++ {
	}
	if i == len(t.values) {
		t.values = append(t.values, bits)
	}
	return NewDataAddr(NewStaticSymbol(t.name), entry*i)
}

// Emit declares the table; call it when all functions are there.
func (t *Table) Emit() {
	GLOBL(t.name, attr.RODATA|attr.NOPTR)
	for i, v := range t.values {
		for j := range entry / 4 {
			DATA(entry*i+4*j, U32(v))
		}
	}
}

// Machine is the state of one function: its instruction set, the registers left, the
// constants that have one, and how many vectors it treats side by side.
type Machine struct {
	*emit.ISA
	N      int
	table  *Table
	free   []V
	pinned map[uint32]V
	masks  []reg.Register // AVX-512: one a vector side by side
}

// New returns a machine with all vector registers free, and mask registers K2 on.
func New(isa *emit.ISA, n int, table *Table) *Machine {
	return &Machine{
		ISA: isa, N: n, table: table, free: isa.V, pinned: make(map[uint32]V),
		masks: []reg.Register{reg.K2, reg.K3, reg.K4, reg.K5, reg.K6, reg.K7},
	}
}

// Reg takes a register.
func (m *Machine) Reg() V {
	v := m.free[0]
	m.free = m.free[1:]
	return v
}

// Regs takes a register for each vector side by side.
func (m *Machine) Regs() []V {
	v := make([]V, m.N)
	for i := range v {
		v[i] = m.Reg()
	}
	return v
}

// Pin loads constants to registers while there are any.
func (m *Machine) Pin(values ...float32) {
	for _, v := range values {
		bits := math.Float32bits(v)
		if _, ok := m.pinned[bits]; ok || len(m.free) == 0 {
			continue
		}
		r := m.Reg()
		VMOVUPS(m.table.at(v), r)
		m.pinned[bits] = r
	}
}

// K is a constant as the operand that may be in memory.
func (m *Machine) K(v float32) Op {
	if r, ok := m.pinned[math.Float32bits(v)]; ok {
		return r
	}
	return m.table.at(v)
}

// R is a constant that has been pinned.
func (m *Machine) R(v float32) V {
	r, ok := m.pinned[math.Float32bits(v)]
	if !ok {
		panic("vmath: a constant that must be in a register is not")
	}
	return r
}

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
		Each(x, func(i int) { VPMOVD2M(x[i], m.masks[i]) })
		Each(x, func(i int) { VMULPS(u[i], t[i], m.masks[i], t[i]) })
		return t
	}
	Each(x, func(i int) { VMULPS(u[i], t[i], u[i]) })
	Each(x, func(i int) { VBLENDVPS(x[i], u[i], t[i], u[i]) })
	return u
}

// ScaleNegative is x = x*factor where x is negative. It changes t.
func (m *Machine) ScaleNegative(x []V, factor Op, t []V) {
	if m.Is512() {
		Each(x, func(i int) { VPMOVD2M(x[i], m.masks[i]) })
		Each(x, func(i int) { VMULPS(factor, x[i], m.masks[i], x[i]) })
		return
	}
	Each(x, func(i int) { VMULPS(factor, x[i], t[i]) })
	Each(x, func(i int) { VBLENDVPS(x[i], t[i], x[i], x[i]) })
}

// SelectLess is d = a < b ? y : d, b being a pinned constant. It changes a.
func (m *Machine) SelectLess(d, a []V, b float32, y []V) {
	if m.Is512() {
		Each(d, func(i int) { VCMPPS(Imm(cmpLess), m.R(b), a[i], m.masks[i]) })
		Each(d, func(i int) { VMOVAPS(y[i], m.masks[i], d[i]) })
		return
	}
	Each(d, func(i int) { VCMPPS(Imm(cmpLess), m.R(b), a[i], a[i]) })
	Each(d, func(i int) { VBLENDVPS(a[i], y[i], d[i], d[i]) })
}

const cmpLess = 1 // the predicate of VCMPPS

// Each calls f for each of the vectors side by side: what it emits is interleaved.
func Each(v []V, f func(i int)) {
	for i := range v {
		f(i)
	}
}
