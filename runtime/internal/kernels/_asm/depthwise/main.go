// Command depthwise writes the kernels of package depthwise.
//
//	go run ./depthwise -out ../depthwise/kernel_amd64.s -stubs ../depthwise/kernel_amd64.go -pkg depthwise
//
// A kernel keeps one vector of channels of seven pixels of two output rows in
// registers: two multiply-adds a cycle of four cycles' latency want eight sums under
// way, and rows that share input share its loads. AVX2 has registers for one row.
//
// Hot in the first-level cache, on a core with two 512-bit ports, layers of 14x14x16 reach
// 61, 93 and 100% of the peak of multiply-adds (3x3, 5x5, 7x7), those of stride 2 39 and
// 66% (3x3, 5x5); taps beyond the border count, though they are not computed. From the
// second-level cache, 3x3 layers of 14x14x384 and 7x7x960 reach 54 and 56%:
//
//	go test -run '^$' -bench 'Run/(14x14x16|14x14x384|7x7x960)$' -cpu 1 ./runtime/internal/kernels/depthwise
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
	for _, isa := range []*emit.ISA{emit.AVX512, emit.AVX2} {
		rows := 1
		if isa.Is512() {
			rows = 2
		}
		for _, width := range []int{3, 5, 7} {
			for _, stride := range []int{1, 2} {
				sliding(isa, masks, rows, width, stride)
			}
		}
		anyWidth(isa, masks)
	}
	Generate()
}

// slider is a kernel of one width and stride, without dilation: every input column is
// loaded once and multiplied by all weights that meet it.
type slider struct {
	*Kernel
	width, stride int
}

func sliding(isa *emit.ISA, masks Mem, rows, width, stride int) {
	name := fmt.Sprintf("slide%dS%d%s", width, stride, isa.Name)
	doc := fmt.Sprintf("%s is run for kernels %d wide of stride %d without dilation.", name, width, stride)
	base, _ := New(isa, masks, rows, false, name, doc, "srcTap", 0)
	k := &slider{base, width, stride}
	k.Blocks(k.sum, k.acc, k.V[Pixels*rows])
}

// acc is the sum of row r's pixel p.
func (k *slider) acc(r, p int) reg.VecPhysical { return k.V[r*Pixels+p] }

func (k *slider) columns() int { return (Pixels-1)*k.stride + k.width }

// sum adds up a block: first the input rows that only the band's upper row reads, then
// those that both read, then the lower row's.
func (k *slider) sum(label string, masked bool) {
	Begin(k.V[:Pixels*k.Rows]...)
	if !masked {
		margin := k.width / 2
		IfMissing(label+"Any", k.columns(), margin)
		k.phases(label+"Edge", masked, margin)
		JMP(LabelRef(label + "Summed"))
		Label(label + "Any")
	}
	k.phases(label+"Any", masked, k.columns())
}

func (k *slider) phases(label string, masked bool, margin int) {
	k.phase(label+"Upper", BandUpper, []int{0}, masked, margin)
	if k.Rows > 1 {
		k.phase(label+"Both", BandBoth, []int{0, 1}, masked, margin)
		k.phase(label+"Lower", BandLower, []int{1}, masked, margin)
	}
}

// phase adds the input rows that the given rows of the band read. So many columns as
// margin says may be missing on either side.
func (k *slider) phase(label string, count int, rows []int, masked bool, margin int) {
	spare := k.Spare(Pixels*k.Rows, masked)
	weights, inputs := spare[:k.width*len(rows)], spare[k.width*len(rows):]
	Loop(label, count, func() {
		for i, r := range rows {
			for kx := range k.width {
				VMOVUPS(Mem{Base: Weights, Disp: (kx - r*k.stride*k.width) * k.Bytes()}, weights[i*k.width+kx])
			}
		}
		Columns(label+"Column", k.columns(), margin, margin, func(j int, m Mem) {
			x := inputs[j%len(inputs)]
			k.Load(m, masked, x)
			for kx := range k.width {
				if p := j - kx; p >= 0 && p%k.stride == 0 && p/k.stride < Pixels {
					for i, r := range rows {
						VFMADD231PS(x, weights[i*k.width+kx], k.acc(r, p/k.stride))
					}
				}
			}
		})
		emit.Add(k.width*k.Bytes(), Weights)
	})
}

// anyWidth is the kernel of any width, stride and dilation, one row at a time, tap by
// tap.
func anyWidth(isa *emit.ISA, masks Mem) {
	name := "anyWidth" + isa.Name
	k, local := New(isa, masks, 1, false, name, name+" is run for every kernel.", "srcStep", 1)
	srcTap := local[0]
	MOVQ(Args.At(Base, "srcTap"), Base)
	MOVQ(Base, srcTap)
	acc := func(_, p int) reg.VecPhysical { return k.V[p] }
	k.Blocks(func(label string, masked bool) {
		Begin(k.V[:Pixels]...)
		Loop(label+"Row", BandUpper, func() {
			k.Taps(label+"Tap", srcTap, func(label string, partial bool) {
				w, x := k.V[Pixels], k.V[Pixels+1]
				VMOVUPS(Mem{Base: Weights}, w)
				EachPixel(label+"Pixel", partial, func(p int, m Mem) {
					if masked {
						k.Load(m, masked, x)
						VFMADD231PS(x, w, acc(0, p))
					} else {
						VFMADD231PS(m, w, acc(0, p))
					}
				})
				emit.Add(k.Bytes(), Weights)
			})
		})
	}, acc, k.V[Pixels])
}
