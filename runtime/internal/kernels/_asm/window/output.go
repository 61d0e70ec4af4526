package window

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/_asm/emit"
)

// store adds the residual, clamps and stores. It leaves args pointing to the arguments.
func (k *Kernel) store(label string, masked bool, acc func(r, p int) reg.VecPhysical, tmp reg.VecPhysical) {
	all := func(do func(v reg.VecPhysical)) {
		for r := range k.Rows {
			for p := range Pixels {
				do(acc(r, p))
			}
		}
	}

	Args.Load(args)
	CMPQ(Args.At(args, "residual"), Imm(0))
	JEQ(LabelRef(label + "Clamp"))
	k.each(label+"Add", k.residual, "residualLine", "residualStep", acc, false, func(v reg.VecPhysical, at Mem) {
		switch {
		case !masked:
			VADDPS(at, v, v)
		case k.Is512():
			VADDPS(at, v, reg.K1, v)
		default:
			VMASKMOVPS(at, k.mask, tmp)
			VADDPS(tmp, v, v)
		}
	})

	Label(label + "Clamp")
	Comment("0: none, 1: from below, 2: on both sides.")
	MOVQ(Args.At(args, "clamp"), Count)
	TESTQ(Count, Count)
	JZ(LabelRef(label + "Store"))
	VBROADCASTSS(Args.At(args, "bounds"), tmp)
	all(func(v reg.VecPhysical) { emit.Clamp(v, tmp, nil) })
	DECQ(Count)
	JZ(LabelRef(label + "Store"))
	VBROADCASTSS(Args.At(args, "bounds").Offset(4), tmp)
	all(func(v reg.VecPhysical) { emit.Clamp(v, nil, tmp) })

	Label(label + "Store")
	k.each(label+"Put", k.dst, "dstLine", "dstStep", acc, k.FetchesDst, func(v reg.VecPhysical, at Mem) {
		switch {
		case !masked:
			VMOVUPS(v, at)
		case k.Is512():
			VMOVUPS(v, reg.K1, at)
		default:
			VMASKMOVPS(v, k.mask, at)
		}
	})
}

// each emits do for each pixel of the band's rows of the tile, with its place in memory. If
// fetch, it asks for the same of the next tile, if the arguments say so.
func (k *Kernel) each(label string, end Mem, line, pitch string, acc func(r, p int) reg.VecPhysical, fetch bool, do func(v reg.VecPhysical, at Mem)) {
	base, base1, one, three := Row, RowsLeft, Weights, Count
	MOVQ(Args.At(args, pitch), one)
	LEAQ(Mem{Base: one, Index: one, Scale: 2}, three)
	MOVQ(end, base)
	ADDQ(channel, base)
	for r := range k.Rows {
		name := emit.Label(label, r)
		if r > 0 {
			CMPQ(Mem{Base: band, Disp: bandN}, Imm(uint64(r)))
			JEQ(LabelRef(name + "Done"))
			MOVQ(end, base)
			ADDQ(channel, base)
			ADDQ(Args.At(args, line), base)
		}
		CMPQ(Mem{Base: tile, Disp: tileN}, Imm(Pixels))
		JNE(LabelRef(name + "Few"))
		LEAQ(Mem{Base: base, Index: one, Scale: 1}, base1)
		for p := range Pixels {
			do(acc(r, p), pixel(p, base, base1, one, three))
		}
		if fetch {
			CMPQ(Args.At(args, "fetchDst"), Imm(0))
			JEQ(LabelRef(name + "Done"))
			LEAQ(Mem{Base: base1, Index: three, Scale: 2}, base)
			LEAQ(Mem{Base: base, Index: one, Scale: 1}, base1)
			for p := range Pixels {
				PREFETCHT0(pixel(p, base, base1, one, three))
			}
		}
		JMP(LabelRef(name + "Done"))
		Label(name + "Few")
		for p := range Pixels - 1 {
			do(acc(r, p), Mem{Base: base})
			CMPQ(Mem{Base: tile, Disp: tileN}, Imm(uint64(p+1)))
			JEQ(LabelRef(name + "Done"))
			ADDQ(one, base)
		}
		Label(name + "Done")
	}
}
