// Command transpose writes the kernel of package transpose.
//
//	go run ./transpose -out ../transpose/kernel_amd64.s -stubs ../transpose/kernel_amd64.go -pkg transpose
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/_asm/emit"
)

// args is transpose.args.
var args = emit.Struct("args", "dst", "pitch", "order", "n", "src", "stride", "scale")

func main() {
	ConstraintExpr("!purego")
	for _, isa := range []*emit.ISA{emit.AVX512, emit.AVX2} {
		kernel(isa)
	}
	Generate()
}

// bank is a vector a row; there are two of them, from one to the other and back.
type bank []reg.VecPhysical

// kernel turns square after square of as many floats a side as a vector has.
func kernel(isa *emit.ISA) {
	name := "transpose" + isa.Name
	args.Func(name, name+" is the assembly of Run.")
	params, dst, pitch, order, left, at := reg.RAX, reg.RDI, reg.RSI, reg.RBX, reg.RCX, reg.RDX
	stride, stride3, scale := reg.R8, reg.R9, reg.R10
	bases := []reg.Register{reg.R11, reg.R12, reg.R13, reg.R15}[:isa.Lanes/4] // of every fourth row
	args.Load(params)
	MOVQ(args.At(params, "dst"), dst)
	MOVQ(args.At(params, "pitch"), pitch)
	MOVQ(args.At(params, "order"), order)
	MOVQ(args.At(params, "n"), left)
	MOVQ(args.At(params, "stride"), stride)
	MOVQ(args.At(params, "scale"), scale)
	LEAQ(Mem{Base: stride, Index: stride, Scale: 2}, stride3)
	for i, base := range bases {
		if i == 0 {
			MOVQ(args.At(params, "src"), base)
		} else {
			LEAQ(Mem{Base: bases[i-1], Index: stride, Scale: 4}, base)
		}
	}

	Label("square")
	a, b := bank(isa.V[:isa.Lanes]), bank(isa.V[isa.Lanes:2*isa.Lanes])
	for r := range a {
		VMOVUPS(row(bases[r/4], r%4, stride, stride3), a[r])
	}
	a, b = turn(isa, a, b)
	TESTQ(scale, scale)
	JZ(LabelRef("store"))
	for _, v := range a {
		multiply(isa, v, b, scale)
	}
	Label("store")
	for i, v := range a {
		MOVQ(Mem{Base: order, Disp: 8 * i}, at)
		IMULQ(pitch, at)
		VMOVUPS(v, Mem{Base: dst, Index: at, Scale: 1})
	}

	Comment("The next square; the last one ends where the rows do.")
	SUBQ(Imm(uint64(isa.Lanes)), left)
	JZ(LabelRef("done"))
	MOVQ(U32(isa.Lanes), at)
	CMPQ(left, at)
	CMOVQLT(left, at)
	LEAQ(Mem{Base: order, Index: at, Scale: 8}, order)
	for _, base := range bases {
		LEAQ(Mem{Base: base, Index: at, Scale: 4}, base)
	}
	CMPQ(left, Imm(uint64(isa.Lanes)))
	JGE(LabelRef("square"))
	MOVQ(U32(isa.Lanes), left)
	JMP(LabelRef("square"))

	Label("done")
	VZEROUPPER()
	RET()
}

// row is row i of four.
func row(base reg.Register, i int, stride, stride3 reg.Register) Mem {
	switch i {
	case 0:
		return Mem{Base: base}
	case 3:
		return Mem{Base: base, Index: stride3, Scale: 1}
	}
	return Mem{Base: base, Index: stride, Scale: uint8(i)}
}

// turn transposes a with the help of b, and returns where the result is and the other.
func turn(isa *emit.ISA, a, b bank) (result, other bank) {
	Comment("Within quarters of vectors: pairs of rows, pairs of pairs.")
	for r := 0; r < isa.Lanes; r += 2 {
		VUNPCKLPS(a[r+1], a[r], b[r])
		VUNPCKHPS(a[r+1], a[r], b[r+1])
	}
	for r := 0; r < isa.Lanes; r += 4 {
		VUNPCKLPD(b[r+2], b[r], a[r])
		VUNPCKHPD(b[r+2], b[r], a[r+1])
		VUNPCKLPD(b[r+3], b[r+1], a[r+2])
		VUNPCKHPD(b[r+3], b[r+1], a[r+3])
	}
	Comment("Quarters change places: column c of each is in every fourth vector.")
	if !isa.Is512() {
		for c := range 4 {
			VPERM2F128(U8(0x20), a[4+c], a[c], b[c])
			VPERM2F128(U8(0x31), a[4+c], a[c], b[4+c])
		}
		return b, a
	}
	for c := range 4 {
		for half, quarters := range []uint8{0x44, 0xee} {
			VSHUFF32X4(U8(quarters), a[4+c], a[c], b[8*half+c])
			VSHUFF32X4(U8(quarters), a[12+c], a[8+c], b[8*half+4+c])
		}
	}
	for c := range 4 {
		for half := range 2 {
			VSHUFF32X4(U8(0x88), b[8*half+4+c], b[8*half+c], a[8*half+c])
			VSHUFF32X4(U8(0xdd), b[8*half+4+c], b[8*half+c], a[8*half+4+c])
		}
	}
	return a, b
}

// multiply is v times the factors, which are float64, with one rounding. It changes the
// first two of other.
func multiply(isa *emit.ISA, v reg.VecPhysical, other bank, scale reg.Register) {
	lower, upper := other[0], other[1]
	if isa.Is512() {
		VEXTRACTF64X4(Imm(1), v, upper.AsY())
		VCVTPS2PD(v.AsY(), lower)
		VCVTPS2PD(upper.AsY(), upper)
	} else {
		VEXTRACTF128(Imm(1), v, upper.AsX())
		VCVTPS2PD(v.AsX(), lower)
		VCVTPS2PD(upper.AsX(), upper)
	}
	VMULPD(Mem{Base: scale}, lower, lower)
	VMULPD(Mem{Base: scale, Disp: isa.Bytes()}, upper, upper)
	if isa.Is512() {
		VCVTPD2PS(lower, lower.AsY())
		VCVTPD2PS(upper, upper.AsY())
		VINSERTF64X4(Imm(1), upper.AsY(), lower, v)
	} else {
		VCVTPD2PSY(lower, lower.AsX())
		VCVTPD2PSY(upper, upper.AsX())
		VINSERTF128(Imm(1), upper.AsX(), lower, v)
	}
}
