// Command permute writes the kernel of package permute.
//
//	go run ./permute -out ../permute/kernel_amd64.s -stubs ../permute/kernel_amd64.go -pkg permute
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/_asm/emit"
)

// args is permute.args.
var args = emit.Struct("args", "dst", "src", "dstStep", "srcStep", "turns", "steps", "vectors", "rest")

// Of a step, see permute.step: where its fields lie, and its size.
const (
	offset = 0
	lanes  = 8
	last   = 12
	index  = 16
	mask   = index + 32 // AVX2: after eight indices
	size   = 80
)

func main() {
	ConstraintExpr("!purego")
	table := emit.MaskTable("ones")
	for _, isa := range []*emit.ISA{emit.AVX512, emit.AVX2} {
		kernel(isa, table)
	}
	Generate()
}

// kernel makes vector after vector of each turn, and each of the windows that its steps
// look at.
func kernel(isa *emit.ISA, table Mem) {
	name := "permute" + isa.Name
	args.Func(name, name+" is the assembly of Run.")
	params, dst, src, turns, vectors, step, to, at := reg.RAX, reg.RDI, reg.RSI, reg.RCX, reg.RDX, reg.RBX, reg.R8, reg.R9
	sum, order, part, merge, rest := isa.V[0], isa.V[1], isa.V[2], isa.V[3], isa.V[4]

	args.Load(params)
	MOVQ(args.At(params, "dst"), dst)
	MOVQ(args.At(params, "src"), src)
	MOVQ(args.At(params, "turns"), turns)
	Comment("The lanes of a turn's last vector.")
	MOVQ(args.At(params, "rest"), at)
	if isa.Is512() {
		KMOVW(at.As32(), reg.K2)
	} else {
		emit.Add(1, at)
		BSFQ(at, at)
		NEGQ(at)
		LEAQ(table, to)
		VMOVUPS(Mem{Base: to, Disp: 32, Index: at, Scale: 4}, rest)
	}

	Label("turn")
	MOVQ(args.At(params, "steps"), step)
	MOVQ(args.At(params, "vectors"), vectors)
	MOVQ(dst, to)

	Label("vector")
	MOVQ(Mem{Base: step, Disp: offset}, at)
	VMOVUPS(Mem{Base: step, Disp: index}, order)
	VPERMPS(Mem{Base: src, Index: at, Scale: 1}, order, sum)
	Label("step")
	emit.Add(size, step)
	CMPL(Mem{Base: step, Disp: last - size}, Imm(0))
	JNE(LabelRef("made"))
	MOVQ(Mem{Base: step, Disp: offset}, at)
	VMOVUPS(Mem{Base: step, Disp: index}, order)
	if isa.Is512() {
		KMOVW(Mem{Base: step, Disp: lanes}, reg.K1)
		VPERMPS(Mem{Base: src, Index: at, Scale: 1}, order, reg.K1, sum)
	} else {
		VPERMPS(Mem{Base: src, Index: at, Scale: 1}, order, part)
		VMOVUPS(Mem{Base: step, Disp: mask}, merge)
		VBLENDVPS(merge, part, sum, sum)
	}
	JMP(LabelRef("step"))

	Label("made")
	DECQ(vectors)
	JZ(LabelRef("end"))
	VMOVUPS(sum, Mem{Base: to})
	emit.Add(isa.Bytes(), to)
	JMP(LabelRef("vector"))

	Label("end")
	if isa.Is512() {
		VMOVUPS(sum, reg.K2, Mem{Base: to})
	} else {
		VMASKMOVPS(sum, rest, Mem{Base: to})
	}
	ADDQ(args.At(params, "dstStep"), dst)
	ADDQ(args.At(params, "srcStep"), src)
	DECQ(turns)
	JNZ(LabelRef("turn"))
	VZEROUPPER()
	RET()
}
