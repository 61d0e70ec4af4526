// Package emit holds what the kernel generators share: register files, argument
// structs, masks, epilogues.
package emit

import (
	"fmt"
	"go/token"
	"go/types"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// ISA is a vector instruction set as the generators see it.
type ISA struct {
	Name  string // as it ends the kernels' names
	Lanes int    // float32 a vector
	V     []reg.VecPhysical
}

// Bytes returns the size of a vector.
func (isa *ISA) Bytes() int { return 4 * isa.Lanes }

// AVX512 is AVX-512 F, VL, DQ and BW with the 512-bit registers.
var AVX512 = &ISA{"AVX512", 16, []reg.VecPhysical{
	reg.Z0, reg.Z1, reg.Z2, reg.Z3, reg.Z4, reg.Z5, reg.Z6, reg.Z7,
	reg.Z8, reg.Z9, reg.Z10, reg.Z11, reg.Z12, reg.Z13, reg.Z14, reg.Z15,
	reg.Z16, reg.Z17, reg.Z18, reg.Z19, reg.Z20, reg.Z21, reg.Z22, reg.Z23,
	reg.Z24, reg.Z25, reg.Z26, reg.Z27, reg.Z28, reg.Z29, reg.Z30, reg.Z31,
}}

// AVX2 is AVX2 and FMA.
var AVX2 = &ISA{"AVX2", 8, []reg.VecPhysical{
	reg.Y0, reg.Y1, reg.Y2, reg.Y3, reg.Y4, reg.Y5, reg.Y6, reg.Y7,
	reg.Y8, reg.Y9, reg.Y10, reg.Y11, reg.Y12, reg.Y13, reg.Y14, reg.Y15,
}}

// Is512 reports whether the instruction set is AVX512.
func (isa *ISA) Is512() bool { return isa == AVX512 }

// Zero clears a vector register.
func (isa *ISA) Zero(v reg.VecPhysical) {
	if isa.Is512() {
		build.VPXORD(v, v, v)
	} else {
		build.VXORPS(v, v, v)
	}
}

// Clamp is v = min(max(v, lo), hi) with v as the second source, so that a NaN in
// v stays one, as PyTorch has it. A nil bound is left out.
func Clamp(v, lo, hi reg.VecPhysical) {
	if lo != nil {
		build.VMAXPS(v, lo, v)
	}
	if hi != nil {
		build.VMINPS(v, hi, v)
	}
}

// Args is a kernel's argument struct: fields of eight bytes each, in the order of
// the Go declaration. The package with the declaration checks the two against each
// other in a test.
type Args struct {
	typ  string
	disp map[string]int
}

// Struct describes the argument struct typ.
func Struct(typ string, fields ...string) *Args {
	a := &Args{typ, make(map[string]int)}
	for i, name := range fields {
		a.disp[name] = 8 * i
	}
	// Signatures are parsed among the predeclared types: this makes it one of them.
	name := types.NewTypeName(token.NoPos, nil, typ, nil)
	types.NewNamed(name, types.NewStruct(nil, nil), nil)
	types.Universe.Insert(name)
	return a
}

// At is the field's place in the struct that base points to.
func (a *Args) At(base reg.Register, name string) operand.Mem {
	disp, ok := a.disp[name]
	if !ok {
		panic("emit: " + a.typ + " has no field " + name)
	}
	return operand.Mem{Base: base, Disp: disp}
}

// Func begins a function of one pointer to the struct, called a.
func (a *Args) Func(name, doc string) {
	build.TEXT(name, attr.NOSPLIT, "func(a *"+a.typ+")")
	build.Pragma("noescape")
	build.Doc(doc)
}

// Load loads the pointer to the struct.
func (a *Args) Load(dst reg.Register) { build.Load(build.Param("a"), dst) }

// Local returns n words of the function's frame.
func Local(n int) []operand.Mem {
	base := build.AllocLocal(8 * n)
	words := make([]operand.Mem, n)
	for i := range words {
		words[i] = base.Offset(8 * i)
	}
	return words
}

// MaskTable declares eight words of ones followed by eight of zeros. Loaded at
// byte 32-4*n it is an AVX2 mask of the first n lanes.
func MaskTable(name string) operand.Mem {
	m := build.GLOBL(name, attr.RODATA|attr.NOPTR)
	for i := range 16 {
		v := uint32(0)
		if i < 8 {
			v = ^v
		}
		build.DATA(4*i, operand.U32(v))
	}
	return m
}

// Add adds a constant to a register or a word in memory.
func Add(n int, to operand.Op) { build.ADDQ(operand.I32(int32(n)), to) }

// Label joins its arguments to a label's name.
func Label(args ...any) string {
	s := ""
	for i, a := range args {
		if i > 0 {
			s += "_"
		}
		s += fmt.Sprint(a)
	}
	return s
}

// Align starts the next instruction at a multiple of n bytes.
func Align(n int) {
	build.Instruction(&ir.Instruction{Opcode: "PCALIGN", Operands: []operand.Op{operand.Imm(uint64(n))}})
}
