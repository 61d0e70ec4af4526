package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/_asm/emit"
)

// epilogue adds the residual, clamps and stores a panel.
func (t *tiles) epilogue(n int) {
	label := func(name string) string { return emit.Label(name, n) }
	sums, spare := t.V[:n*t.vectors()], t.V[n*t.vectors()]

	t.tailMask(label("whole"))
	CMPQ(args.At(p, "adds"), Imm(0))
	JEQ(LabelRef(label("clamp")))
	t.point(n, t.tileR, "rPixel")
	t.each(n, label("add"), func(v reg.VecPhysical, m Mem, masked bool) {
		switch {
		case !masked:
			VADDPS(m, v, v)
		case t.Is512():
			VADDPS(m, v, reg.K1, v)
		default:
			VMASKMOVPS(m, t.mask(), spare)
			VADDPS(spare, v, v)
		}
	})

	Label(label("clamp"))
	Comment("0: none, 1: from below, 2: on both sides.")
	MOVQ(args.At(p, "clamp"), tmp)
	TESTQ(tmp, tmp)
	JZ(LabelRef(label("store")))
	VBROADCASTSS(args.At(p, "lo"), spare)
	for _, v := range sums {
		emit.Clamp(v, spare, nil)
	}
	DECQ(tmp)
	JZ(LabelRef(label("store")))
	VBROADCASTSS(args.At(p, "lo").Offset(4), spare)
	for _, v := range sums {
		emit.Clamp(v, nil, spare)
	}

	Label(label("store"))
	t.point(n, c, "cPixel")
	t.each(n, label("put"), func(v reg.VecPhysical, m Mem, masked bool) {
		switch {
		case !masked:
			VMOVUPS(v, m)
		case t.Is512():
			VMOVUPS(v, reg.K1, m)
		default:
			VMASKMOVPS(v, t.mask(), m)
		}
	})
}

// mask is AVX2's register of it.
func (t *tiles) mask() reg.VecPhysical { return t.V[len(t.V)-1] }

// tailMask sets the mask to the lanes of a pixel's last vector that are columns of C: all
// but in the last panel.
func (t *tiles) tailMask(whole string) {
	MOVQ(U32(uint32(t.Lanes)), tmp)
	CMPQ(panelsLeft, Imm(1))
	JNE(LabelRef(whole))
	MOVQ(args.At(p, "tail"), tmp)
	Label(whole)
	if t.Is512() {
		MOVQ(U32(1<<16-1), reg.RAX)
		BZHIL(reg.EBP, reg.EAX, reg.EAX)
		KMOVW(reg.EAX, reg.K1)
		return
	}
	LEAQ(t.maskTable, reg.RAX)
	SHLQ(Imm(2), tmp)
	SUBQ(tmp, reg.RAX)
	VMOVUPS(Mem{Base: reg.RAX, Disp: 32}, t.mask())
}

// each calls do for every vector of sums and its place, its last one masked. Where
// masks are slow, those that have all their lanes do without.
func (t *tiles) each(n int, label string, do func(v reg.VecPhysical, m Mem, masked bool)) {
	vectors := func(masked bool) {
		for i := range n {
			for j := range t.vectors() {
				do(t.acc(i, j), at(i, j*t.Bytes()), masked && j == t.vectors()-1)
			}
		}
	}
	if !t.Is512() {
		VMOVMSKPS(t.mask(), reg.EBP)
		CMPL(reg.EBP, Imm(1<<8-1))
		JNE(LabelRef(label + "Tail"))
		vectors(false)
		JMP(LabelRef(label + "Done"))
		Label(label + "Tail")
	}
	vectors(true)
	if !t.Is512() {
		Label(label + "Done")
	}
}
