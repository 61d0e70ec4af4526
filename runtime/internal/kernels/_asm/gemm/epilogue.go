package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/_asm/emit"
)

// tailMask sets K1 to the lanes of the last vector that are columns of C: the
// last cols - (width - lanes) are.
func (t *tile) tailMask(p reg.GPPhysical) {
	MOVQ(args.At(p, "cols"), reg.RCX)
	SUBQ(Imm(uint64(t.width-t.Lanes)), reg.RCX)
	MOVQ(U32(1), reg.RDX)
	SHLQ(reg.CL, reg.RDX)
	DECQ(reg.RDX)
	KMOVW(reg.EDX, reg.K1)
}

// epilogue adds the residual, clamps and stores a panel.
func (t *tile) epilogue(rows int) {
	label := func(name string) string { return t.label(rows, name) }
	p, c, ldc := reg.RAX, reg.RBX, reg.RCX
	res, ldr, mode := reg.RDX, reg.RSI, reg.RDI
	tail := reg.R8
	nv := t.vectors()
	lo, hi := t.V[rows*nv], t.V[rows*nv+1]
	mask := t.V[len(t.V)-1]

	args.Load(p)
	Comment("Only the last panel may be narrower than its width.")
	MOVQ(t.panels, tail)
	SUBQ(Imm(uint64(t.group)), tail)
	MOVQ(args.At(p, "cols"), reg.R9)
	SUBQ(Imm(uint64(t.width)), reg.R9)
	JNZ(LabelRef(label("narrow")))
	INCQ(tail)
	Label(label("narrow"))

	CMPQ(args.At(p, "adds"), Imm(0))
	JEQ(LabelRef(label("clamp")))
	MOVQ(t.residual, res)
	MOVQ(t.ldr, ldr)
	TESTQ(tail, tail)
	JZ(LabelRef(label("addTail")))
	t.each(rows, func(r, j int) { VADDPS(Mem{Base: res, Disp: j * t.Bytes()}, t.acc(r, j), t.acc(r, j)) }, func() { ADDQ(ldr, res) })
	JMP(LabelRef(label("clamp")))
	Label(label("addTail"))
	if !t.Is512() {
		t.loadMask(mask)
	}
	t.each(rows, func(r, j int) {
		m, v := Mem{Base: res, Disp: j * t.Bytes()}, t.acc(r, j)
		switch {
		case j < nv-1:
			VADDPS(m, v, v)
		case t.Is512():
			VADDPS(m, v, reg.K1, v)
		default:
			x := t.V[rows*nv]
			VMASKMOVPS(m, mask, x)
			VADDPS(x, v, v)
		}
	}, func() { ADDQ(ldr, res) })

	Label(label("clamp"))
	Comment("0: none, 1: from below, 2: on both sides.")
	MOVQ(args.At(p, "clamp"), mode)
	TESTQ(mode, mode)
	JZ(LabelRef(label("store")))
	VBROADCASTSS(args.At(p, "lo"), lo)
	t.each(rows, func(r, j int) { emit.Clamp(t.acc(r, j), lo, nil) }, nil)
	DECQ(mode)
	JZ(LabelRef(label("store")))
	VBROADCASTSS(args.At(p, "lo").Offset(4), hi)
	t.each(rows, func(r, j int) { emit.Clamp(t.acc(r, j), nil, hi) }, nil)

	Label(label("store"))
	MOVQ(t.c, c)
	MOVQ(args.At(p, "ldc"), ldc)
	TESTQ(tail, tail)
	JZ(LabelRef(label("storeTail")))
	t.each(rows, func(r, j int) { VMOVUPS(t.acc(r, j), Mem{Base: c, Disp: j * t.Bytes()}) }, func() { ADDQ(ldc, c) })
	JMP(LabelRef(label("stored")))
	Label(label("storeTail"))
	if !t.Is512() {
		t.loadMask(mask)
	}
	t.each(rows, func(r, j int) {
		m, v := Mem{Base: c, Disp: j * t.Bytes()}, t.acc(r, j)
		switch {
		case j < nv-1:
			VMOVUPS(v, m)
		case t.Is512():
			VMOVUPS(v, reg.K1, m)
		default:
			VMASKMOVPS(v, mask, m)
		}
	}, func() { ADDQ(ldc, c) })
	Label(label("stored"))
}

// loadMask loads the mask of the last vector's columns; R9 is cols - width.
func (t *tile) loadMask(mask reg.VecPhysical) {
	LEAQ(t.maskTable, reg.R10)
	NEGQ(reg.R9)
	LEAQ(Mem{Base: reg.R10, Index: reg.R9, Scale: 4}, reg.R10)
	NEGQ(reg.R9)
	VMOVUPS(Mem{Base: reg.R10}, mask)
}

// each calls do for every accumulator, row by row, and then after each row.
func (t *tile) each(rows int, do func(r, j int), after func()) {
	for r := range rows {
		for j := range t.vectors() {
			do(r, j)
		}
		if after != nil && r < rows-1 {
			after()
		}
	}
}
