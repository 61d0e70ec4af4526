package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/_asm/emit"
)

// layerRows is how many rows the layer normalisation takes at a time: one waits for its
// sums longer than it computes.
const layerRows = 4

// lines is rows of an operand: where the first begins, and distances of one and three.
type lines struct{ first, pitch, pitch3 reg.GPPhysical }

var (
	srcLines = lines{src, reg.R11, reg.R12}
	dstLines = lines{dst, reg.R13, reg.R14}
	at       = reg.RCX // the vector in the first row
	channel  = reg.RDX // weights or biases
)

func (l lines) load(arg string) {
	MOVQ(args.At(params, arg), l.pitch)
	LEAQ(Mem{Base: l.pitch, Index: l.pitch, Scale: 2}, l.pitch3)
}

// point sets at, which vector takes its address from.
func (l lines) point() { LEAQ(Mem{Base: l.first, Index: row.At, Scale: 1}, at) }

// vector is the one that at points to, i rows further down.
func (l lines) vector(i int) Mem {
	switch i {
	case 0:
		return Mem{Base: at}
	case 3:
		return Mem{Base: at, Index: l.pitch3, Scale: 1}
	}
	return Mem{Base: at, Index: l.pitch, Scale: uint8(i)}
}

// skip goes n rows down.
func (l lines) skip(n int) { LEAQ(Mem{Base: l.first, Index: l.pitch, Scale: uint8(n)}, l.first) }

// layer takes rows by fours, then one by one. Each is summed up in the same order.
func (f *function) layer() {
	srcLines.load("srcPitch")
	dstLines.load("dstPitch")
	x, sum, mean := f.rows(), f.rows(), f.rows()
	w, b := f.Reg(), f.Reg()
	for _, n := range []int{layerRows, 1} {
		loop, end := emit.Label("rows", n), emit.Label("end", n)
		Label(loop)
		CMPQ(rows, Imm(uint64(n)))
		JL(LabelRef(end))
		f.layerOf(x[:n], sum[:n], mean[:n], w, b)
		srcLines.skip(n)
		dstLines.skip(n)
		SUBQ(Imm(uint64(n)), rows)
		JMP(LabelRef(loop))
		Label(end)
	}
	VZEROUPPER()
	RET()
}

// rows takes a register for each row.
func (f *function) rows() []V {
	v := make([]V, layerRows)
	for i := range v {
		v[i] = f.Reg()
	}
	return v
}

// layerOf walks along some rows three times: for their means, for their variances, and to
// scale them. Dividing one number takes a quarter of the time of dividing a vector.
func (f *function) layerOf(x, sum, mean []V, w, b V) {
	pass := func(name string, step func(mask Op)) {
		f.Walk(emit.Label(name, len(x)), row, func(_ int, mask Op) {
			srcLines.point()
			each(x, func(i int) { f.Load(srcLines.vector(i), x[i], mask) })
			step(mask)
		})
	}
	reduce := func() {
		each(sum, func(i int) { f.Reduce(VADDPS, sum[i:i+1], w) })
		each(sum, func(i int) { VDIVSS(args.At(params, "eps").Offset(4), sum[i].AsX(), sum[i].AsX()) }) // by the count
	}

	each(sum, func(i int) { f.Zero(sum[i]) })
	pass("sum", func(Op) {
		each(x, func(i int) { VADDPS(x[i], sum[i], sum[i]) })
	})
	reduce()
	each(mean, func(i int) { VBROADCASTSS(sum[i].AsX(), mean[i]) })

	each(sum, func(i int) { f.Zero(sum[i]) })
	pass("squares", func(mask Op) {
		each(x, func(i int) { VSUBPS(mean[i], x[i], x[i]) })
		each(x, func(i int) { f.Keep(x[i], mask) })
		each(x, func(i int) { VFMADD231PS(x[i], x[i], sum[i]) })
	})
	reduce()
	factor := sum
	VMOVSS(f.K(1).(Mem), w.AsX())
	each(factor, func(i int) {
		single := factor[i].AsX()
		VADDSS(args.At(params, "eps"), single, single)
		VSQRTSS(single, single, single)
		VDIVSS(single, w.AsX(), single)
		VBROADCASTSS(single, factor[i])
	})

	pass("scale", func(mask Op) {
		for _, p := range []struct {
			arg string
			to  V
		}{{"weight", w}, {"bias", b}} {
			MOVQ(args.At(params, p.arg), channel)
			f.Load(f.Vector(channel, row, 0), p.to, mask)
		}
		dstLines.point()
		each(x, func(i int) { VSUBPS(mean[i], x[i], x[i]) })
		each(x, func(i int) { VMULPS(factor[i], x[i], x[i]) })
		each(x, func(i int) { VFMADD213PS(b, w, x[i]) })
		each(x, func(i int) { f.Store(x[i], dstLines.vector(i), mask) })
	})
}
