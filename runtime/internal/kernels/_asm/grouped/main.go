// Command grouped writes the kernels of package grouped.
//
//	go run ./grouped -out ../grouped/kernel_amd64.s -stubs ../grouped/kernel_amd64.go -pkg grouped
//
// A lane of a vector is an output channel, and needs every input channel of its group.
// To permute the input into place would cost the port that multiplies (Intel's port 5).
// So a vector of input is loaded in a way that costs nothing beyond the load, which
// brings each lane one or another channel of its group, and several sets of sums share
// it: in set s, lane i sums up for output channel i xor s, counted in channels or in
// pairs of them. Once a tile, the sets are permuted and added.
//
// What led here, as shares of the multiply-adds of a core with two 512-bit ports, hot in
// the first-level cache, one vector of input to two multiply-adds: permuted as it is
// loaded (VPERMILPS) 64%, duplicated (VMOVSLDUP) or broadcast 93 to 96%. Tap by tap, with
// nine loads to fourteen multiply-adds, 83%; sliding, with fifteen to forty-two, 92%. Whole
// layers: BenchmarkWindowed of package runtime.
package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/_asm/emit"
	. "github.com/cnnc-dev/cnnc/runtime/internal/kernels/_asm/window"
)

func main() {
	ConstraintExpr("!purego")
	masks := emit.MaskTable("tailMasks")
	wide := kind{name: "wide", sets: 2, wide: true}
	of := func(n int) kind { return kind{name: fmt.Sprintf("of%d", n), sets: n / 2} }
	for _, kind := range []kind{of(2), of(4), of(8)} {
		tapByTap(emit.AVX512, masks, kind)
	}
	for _, kind := range []kind{of(4), of(8), wide} {
		sliding(emit.AVX512, masks, kind, 1)
		sliding(emit.AVX512, masks, kind, 2)
	}
	for _, kind := range []kind{of(2), of(4), wide} {
		tapByTap(emit.AVX2, masks, kind)
	}
	Generate()
}

// kind is what groups a kernel is for: small ones, several to a vector, or wide, one
// at a time.
type kind struct {
	name string
	sets int // of sums, to reach every channel of a group
	wide bool
}

// kernel is one function.
type kernel struct {
	*Kernel
	kind
	held int // sets that there are registers for at a time
	back Mem // in the frame, if wide: the bytes of a group's input at a pixel
}

// pairsLeft counts pairs of input channels.
var pairsLeft = reg.RBP

// acc is set s's sum of pixel p, s counted from the first set held.
func (k *kernel) acc(s, p int) reg.VecPhysical { return k.V[s*Pixels+p] }

// sums are the registers of all sets held.
func (k *kernel) sums() []reg.VecPhysical { return k.V[:k.held*Pixels] }

// begin starts the first set at the bias, the others at zero.
func (k *kernel) begin() {
	Begin(k.sums()[:Pixels]...)
	for _, v := range k.sums()[Pixels:] {
		k.Zero(v)
	}
}

// inputs emits body for each vector of input that a place in memory has: the even and
// the odd channels of small groups, pair by pair the channels of a wide one, which
// moves the register at on to behind them. size is the length of their weights.
func (k *kernel) inputs(label string, masked bool, size int, at []reg.GPPhysical, body func(label string, load func(m Mem, x reg.VecPhysical))) {
	if k.wide {
		Args.Load(pairsLeft)
		MOVQ(Args.At(pairsLeft, "pairs"), pairsLeft)
		Label(label + "Pairs")
		body(label+"Pair", func(m Mem, x reg.VecPhysical) { VBROADCASTSD(m, x) })
		for _, r := range at {
			emit.Add(8, r)
		}
		emit.Add(size, Weights)
		DECQ(pairsLeft)
		JNZ(LabelRef(label + "Pairs"))
		return
	}
	for _, v := range []struct {
		name      string
		duplicate func(ops ...Op)
	}{{"Even", VMOVSLDUP}, {"Odd", VMOVSHDUP}} {
		body(label+v.name, func(m Mem, x reg.VecPhysical) {
			if masked { // a masked load that duplicates would still read it all
				k.Load(m, masked, x)
				v.duplicate(x, x)
			} else {
				v.duplicate(m, x)
			}
		})
		emit.Add(size, Weights)
	}
}

// join adds the sets held, the first of which is the given one, output channel by
// output channel.
func (k *kernel) join(first int) {
	for s := range k.held {
		for p := range Pixels {
			v := k.acc(s, p)
			switch {
			case first+s == 0:
				continue
			case k.wide:
				VPERMILPS(Imm(0xb1), v, v) // neighbours change places
			case first+s == 1:
				VPERMILPS(Imm(0x4e), v, v) // pairs of neighbours
			case first+s == 2:
				VPERMPD(Imm(0x4e), v, v) // pairs of those
			case first+s == 3:
				VPERMPD(Imm(0x1b), v, v) // both
			}
			if s > 0 {
				VADDPS(v, k.acc(0, p), k.acc(0, p))
			}
		}
	}
}

// tapByTap is a kernel of any width, stride and dilation.
func tapByTap(isa *emit.ISA, masks Mem, kind kind) {
	name := kind.name + isa.Name
	base, local := New(isa, masks, 1, kind.wide, name, name+" is run for every kernel.", "srcStep", 1)
	base.FetchesDst = true
	k := &kernel{Kernel: base, kind: kind, held: kind.sets}
	next := local[0] // from the end of a tap's input to the next's
	MOVQ(Args.At(Base, "srcTap"), Row)
	if k.wide {
		MOVQ(Args.At(Base, "pairs"), Base)
		SHLQ(Imm(3), Base)
		SUBQ(Base, Row)
	}
	MOVQ(Row, next)
	first := func(_, p int) reg.VecPhysical { return k.acc(0, p) }
	k.Blocks(func(label string, masked bool) {
		k.begin()
		Loop(label+"Row", BandUpper, func() {
			k.Taps(label+"Tap", next, func(label string, partial bool) { k.tap(label, masked, partial) })
		})
		k.join(0)
	}, first, k.V[Pixels])
}

// tap adds one tap. Sets that there is no register for read their weights from memory.
func (k *kernel) tap(label string, masked, partial bool) {
	spare := k.Spare(len(k.sums()), masked)
	x, weights := spare[0], spare[1:]
	if len(weights) > k.held {
		weights = weights[:k.held]
	}
	k.inputs(label, masked, k.held*k.Bytes(), []reg.GPPhysical{Base, Base1}, func(label string, load func(m Mem, x reg.VecPhysical)) {
		for s, w := range weights {
			VMOVUPS(Mem{Base: Weights, Disp: s * k.Bytes()}, w)
		}
		EachPixel(label, partial, func(p int, m Mem) {
			load(m, x)
			for s := range k.held {
				if s < len(weights) {
					VFMADD231PS(x, weights[s], k.acc(s, p))
				} else {
					VFMADD231PS(Mem{Base: Weights, Disp: s * k.Bytes()}, x, k.acc(s, p))
				}
			}
		})
	})
}

// width is the width of the kernels that have a function of their own.
const width = 3

// sliding is a kernel of width 3, one stride and no dilation: every input column is
// loaded once and multiplied by all weights that meet it. It takes two sets at a time.
func sliding(isa *emit.ISA, masks Mem, kind kind, stride int) {
	name := fmt.Sprintf("%sSlide%dS%d%s", kind.name, width, stride, isa.Name)
	doc := fmt.Sprintf("%s is run for kernels %d wide of stride %d without dilation.", name, width, stride)
	base, local := New(isa, masks, 1, kind.wide, name, doc, "srcTap", 1)
	base.FetchesDst = true
	k := &kernel{Kernel: base, kind: kind, held: 2, back: local[0]}
	if k.wide {
		MOVQ(Args.At(Base, "pairs"), Base)
		SHLQ(Imm(3), Base)
		MOVQ(Base, k.back)
	}
	columns := (Pixels-1)*stride + width
	const margin = width / 2
	first := func(_, p int) reg.VecPhysical { return k.acc(0, p) }
	k.Blocks(func(label string, masked bool) {
		IfMissing(label+"Any", columns, margin)
		k.passes(label+"Edge", masked, stride, columns, margin)
		Fetch(stride, Pixels*stride)
		JMP(LabelRef(label + "Summed"))
		Label(label + "Any")
		k.passes(label+"Any", masked, stride, columns, columns)
	}, first, k.V[Pixels])
}

// passes adds up a block, two sets at a time.
func (k *kernel) passes(label string, masked bool, stride, columns, margin int) {
	spare := k.V[len(k.sums()):]
	weights, spare := spare[:width*k.held], spare[width*k.held:]
	sum, inputs := spare[:Pixels], spare[Pixels:]
	for first := 0; first < k.sets; first += k.held {
		if first == 0 {
			k.begin()
		} else {
			k.NextPass()
			for p, v := range sum {
				VMOVAPS(k.acc(0, p), v)
			}
			for _, v := range k.sums() {
				k.Zero(v)
			}
		}
		label := emit.Label(label, first)
		Loop(label, BandUpper, func() {
			k.inputs(label+"Input", masked, len(weights)*k.Bytes(), []reg.GPPhysical{Row}, func(label string, load func(m Mem, x reg.VecPhysical)) {
				for i, w := range weights {
					VMOVUPS(Mem{Base: Weights, Disp: i * k.Bytes()}, w)
				}
				Columns(label, columns, margin, margin, func(j int, m Mem) {
					x := inputs[j%len(inputs)]
					load(m, x)
					for kx := range width {
						if p := j - kx; p >= 0 && p%stride == 0 && p/stride < Pixels {
							for s := range k.held {
								VFMADD231PS(x, weights[kx*k.held+s], k.acc(s, p/stride))
							}
						}
					}
				})
			})
			if k.wide {
				SUBQ(k.back, Row)
			}
		})
		k.join(first)
		if first > 0 {
			for p, v := range sum {
				VADDPS(v, k.acc(0, p), k.acc(0, p))
			}
		}
	}
}
