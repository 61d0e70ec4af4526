// Package vmath is what the generators of eltwise, pool and norm share: vectors of floats
// side by side, with a masked one at the end of a row; their constants; and functions of
// them, the exponential and what is made of it.
package vmath

import (
	"math"
	"slices"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/_asm/emit"
)

// V is a vector register.
type V = reg.VecPhysical

// A Table collects the constants of a file, vectors most of which are equal floats.
type Table struct {
	vectors [][lanes]uint32
	masks   Mem
}

// NewTable returns an empty table.
func NewTable() *Table { return &Table{masks: emit.MaskTable("tailMasks")} }

// symbol is the table's.
const symbol = "constants"

// lanes is the length of a vector of the table.
const lanes = 16

// at returns where a constant is.
func (t *Table) at(v float32) Mem {
	var vector [lanes]float32
	for i := range vector {
		vector[i] = v
	}
	return t.vector(vector)
}

// vector returns where a vector is.
func (t *Table) vector(floats [lanes]float32) Mem {
	var bits [lanes]uint32
	for i, v := range floats {
		bits[i] = math.Float32bits(v)
	}
	i := slices.Index(t.vectors, bits)
	if i < 0 {
		i = len(t.vectors)
		t.vectors = append(t.vectors, bits)
	}
	return NewDataAddr(NewStaticSymbol(symbol), 4*lanes*i)
}

// Emit declares the table; call it when all functions are there.
func (t *Table) Emit() {
	GLOBL(symbol, attr.RODATA|attr.NOPTR)
	for i, bits := range t.vectors {
		for j, v := range bits {
			DATA(4*(lanes*i+j), U32(v))
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
	powers Lookup         // AVX-512: see PinSigmoid
	signs  []reg.Register // AVX-512: a mask a vector side by side, for passing use
}

// New returns a machine with all vector registers free, and the mask registers.
func New(isa *emit.ISA, n int, table *Table) *Machine {
	return &Machine{
		ISA: isa, N: n, table: table, free: isa.V, pinned: make(map[uint32]V),
		signs: []reg.Register{reg.K2, reg.K3, reg.K4, reg.K5, reg.K6, reg.K7},
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

// Entries is how many floats a Lookup has.
const Entries = 2 * lanes

// Lookup is a table in registers, of AVX-512.
type Lookup [2]V

// Lookup loads a table to registers.
func (m *Machine) Lookup(floats [Entries]float32) Lookup {
	l := Lookup{m.Reg(), m.Reg()}
	for i, v := range l {
		VMOVUPS(m.table.vector([lanes]float32(floats[lanes*i:])), v)
	}
	return l
}

// At replaces numbers of entries, in their last five bits, by the entries.
func (l Lookup) At(v V) { VPERMI2PS(l[1], l[0], v) }

// Constants is where a vector of constants is, which need not be equal.
func (m *Machine) Constants(floats []float32) Mem {
	var vector [lanes]float32
	copy(vector[:], floats)
	return m.table.vector(vector)
}

// TailMask makes a mask of the floats at the end of n bytes that do not fill a vector. It
// takes K1 or a vector register, and changes s and t.
func (m *Machine) TailMask(n, s, t reg.GPPhysical) Op {
	MOVQ(n, s)
	SHRQ(Imm(2), s)
	ANDQ(Imm(uint64(m.Lanes-1)), s)
	if m.Is512() {
		MOVL(I32(-1), t.As32())
		BZHIL(s.As32(), t.As32(), t.As32())
		KMOVW(t.As32(), reg.K1)
		return reg.K1
	}
	mask := m.Reg()
	NEGQ(s)
	LEAQ(m.table.masks, t)
	VMOVDQU(Mem{Base: t, Disp: 4 * m.Lanes, Index: s, Scale: 4}, mask)
	return mask
}

// Row is a row of floats that a function walks along.
type Row struct {
	At    reg.GPPhysical // bytes into the row
	N     reg.GPPhysical // bytes of the row
	Last  reg.GPPhysical // the greatest At for one vector
	LastN reg.GPPhysical // and for several
	Mask  Op             // of the floats at the end that do not fill a vector
}

// Bound sets the limits of the walk from r.N and the mask. It changes r.At and r.Last.
func (m *Machine) Bound(r *Row) {
	r.Mask = m.TailMask(r.N, r.At, r.Last)
	LEAQ(Mem{Base: r.N, Disp: -m.Bytes()}, r.Last)
	LEAQ(Mem{Base: r.N, Disp: -m.N * m.Bytes()}, r.LastN)
}

// Walk emits a walk along a row: step for m.N vectors side by side as often as they fit,
// then for single vectors, then for a masked one. Labels begin with label. The flags are
// free for the step, but not r.
func (m *Machine) Walk(label string, r *Row, step func(side int, mask Op)) {
	XORQ(r.At, r.At)
	loop := func(from, done string, side int, limit reg.Register) {
		Label(label + from)
		CMPQ(r.At, limit)
		JG(LabelRef(label + done))
		step(side, nil)
		emit.Add(side*m.Bytes(), r.At)
		JMP(LabelRef(label + from))
	}
	if m.N > 1 {
		loop("Several", "Single", m.N, r.LastN)
	}
	loop("Single", "Tail", 1, r.Last)
	Label(label + "Tail")
	CMPQ(r.At, r.N)
	JGE(LabelRef(label + "End"))
	step(1, r.Mask)
	Label(label + "End")
}

// Vector is the j-th of the vectors side by side in the row that begins at base.
func (m *Machine) Vector(base reg.Register, r *Row, j int) Mem {
	return Mem{Base: base, Index: r.At, Scale: 1, Disp: j * m.Bytes()}
}

// Load loads a vector, or the floats of it that a mask admits; zeros otherwise.
func (m *Machine) Load(from Mem, to V, mask Op) {
	switch {
	case mask == nil:
		VMOVUPS(from, to)
	case m.Is512():
		VMOVUPS_Z(from, mask, to)
	default:
		VMASKMOVPS(from, mask, to)
	}
}

// Store stores a vector, or the floats of it that a mask admits.
func (m *Machine) Store(from V, to Mem, mask Op) {
	switch {
	case mask == nil:
		VMOVUPS(from, to)
	case m.Is512():
		VMOVUPS(from, mask, to)
	default:
		VMASKMOVPS(from, mask, to)
	}
}

// Keep clears the floats of v that a mask does not admit.
func (m *Machine) Keep(v V, mask Op) {
	switch {
	case mask == nil:
	case m.Is512():
		VMOVAPS_Z(v, mask, v)
	default:
		VANDPS(mask, v, v)
	}
}

// Fill sets the floats of v that a mask does not admit to those of other.
func (m *Machine) Fill(v, other V, mask Op) {
	switch {
	case mask == nil:
	case m.Is512():
		VBLENDMPS(v, other, mask, v)
	default:
		VBLENDVPS(mask, v, other, v)
	}
}

// Reduce sets all lanes of v[0] to the reduction of all lanes of v by op, such as VADDPS.
// It changes v and t.
func (m *Machine) Reduce(op func(ops ...Op), v []V, t V) {
	for n := len(v); n > 1; n /= 2 {
		for i := range n / 2 {
			op(v[i+n/2], v[i], v[i])
		}
	}
	x := v[0]
	if m.Is512() {
		for _, halves := range []uint8{0x4e, 0xb1} { // 256 bits, 128
			VSHUFF32X4(U8(halves), x, x, t)
			op(t, x, x)
		}
	} else {
		VPERM2F128(U8(1), x, x, t)
		op(t, x, x)
	}
	for _, halves := range []uint8{0x4e, 0xb1} { // 64 bits, 32
		VPERMILPS(U8(halves), x, t)
		op(t, x, x)
	}
}

// Each calls f for each of the vectors side by side: what it emits is interleaved.
func Each(v []V, f func(i int)) {
	for i := range v {
		f(i)
	}
}
