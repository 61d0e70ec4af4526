// Command depthwise writes the kernels of package depthwise.
//
//	go run ./depthwise -out ../depthwise/kernel_amd64.s -stubs ../depthwise/kernel_amd64.go -pkg depthwise
//
// A kernel keeps one vector of channels of seven pixels of two output rows in
// registers: two multiply-adds a cycle of four cycles' latency want eight sums under
// way, and rows that share input share its loads. AVX2 has registers for one row.
package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/_asm/emit"
	. "github.com/cnnc-dev/cnnc/runtime/internal/kernels/_asm/window"
)

var (
	rowsLeft = reg.RCX
	lo, hi   = reg.R8, reg.R9 // the tile's columns that exist
	span     = reg.R8         // in the kernels of any width
	tapsLeft = reg.R9
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

func (k *slider) acc(r, p int) reg.VecPhysical { return k.V[r*Pixels+p] }
func (k *slider) columns() int                 { return (Pixels-1)*k.stride + k.width }

// spare returns the registers beside the sums.
func (k *slider) spare(masked bool) []reg.VecPhysical {
	end := len(k.V)
	if masked && !k.Is512() {
		end-- // the mask
	}
	return k.V[Pixels*k.Rows : end]
}

func sliding(isa *emit.ISA, masks Mem, rows, width, stride int) {
	name := fmt.Sprintf("slide%dS%d%s", width, stride, isa.Name)
	doc := fmt.Sprintf("%s is run for kernels %d wide of stride %d without dilation.", name, width, stride)
	base, _ := New(isa, masks, rows, name, doc, "srcTap", 0)
	k := &slider{base, width, stride}
	MOVQ(Mem{Base: Tile, Disp: TileLo}, lo)
	MOVQ(Mem{Base: Tile, Disp: TileHi}, hi)
	k.Blocks(k.sum, k.acc, k.V[Pixels*rows:], true)
}

// sum adds up a block: first the input rows that only the band's upper row reads, then
// those that both read, then the lower row's.
func (k *slider) sum(label string, masked bool) {
	begin(k.Kernel, k.acc)
	if !masked {
		TESTQ(lo, lo)
		JNZ(LabelRef(label + "Edge"))
		CMPQ(hi, Imm(uint64(k.columns())))
		JNE(LabelRef(label + "Edge"))
		k.phases(label+"Inner", label+"Summed", masked, false)
		JMP(LabelRef(label + "Summed"))
	}
	Label(label + "Edge")
	k.phases(label+"Edge", label+"Summed", masked, true)
	Label(label + "Summed")
}

// begin starts every sum at the bias.
func begin(k *Kernel, acc func(r, p int) reg.VecPhysical) {
	VMOVUPS(Mem{Base: Base}, acc(0, 0))
	for r := range k.Rows {
		for p := range Pixels {
			if r+p > 0 {
				VMOVAPS(acc(0, 0), acc(r, p))
			}
		}
	}
}

func (k *slider) phases(label, summed string, masked, edge bool) {
	k.phase(label+"Upper", BandUpper, []int{0}, masked, edge)
	if k.Rows > 1 {
		k.phase(label+"Both", BandBoth, []int{0, 1}, masked, edge)
		k.phase(label+"Lower", BandLower, []int{1}, masked, edge)
	}
}

// phase is the loop over input rows that the given rows of the band read.
func (k *slider) phase(label string, countAt int, rows []int, masked, edge bool) {
	spare := k.spare(masked)
	weights, inputs := spare[:k.width*len(rows)], spare[k.width*len(rows):]
	MOVQ(k.Band, rowsLeft)
	MOVQ(Mem{Base: rowsLeft, Disp: countAt}, rowsLeft)
	TESTQ(rowsLeft, rowsLeft)
	JZ(LabelRef(label + "Done"))
	Label(label)
	for i, r := range rows {
		for kx := range k.width {
			VMOVUPS(Mem{Base: Weights, Disp: (kx - r*k.stride*k.width) * k.Bytes()}, weights[i*k.width+kx])
		}
	}
	MOVQ(Row, Base)
	for j := range k.columns() {
		skip := emit.Label(label, j)
		if edge {
			CMPQ(lo, Imm(uint64(j)))
			JGT(LabelRef(skip))
			CMPQ(hi, Imm(uint64(j)))
			JLE(LabelRef(label + "End"))
		}
		x := inputs[j%len(inputs)]
		k.Load(At(j%3, 0), masked, x)
		for kx := range k.width {
			if p := j - kx; p >= 0 && p%k.stride == 0 && p/k.stride < Pixels {
				for i, r := range rows {
					VFMADD231PS(x, weights[i*k.width+kx], k.acc(r, p/k.stride))
				}
			}
		}
		if edge {
			Label(skip)
		}
		if j%3 == 2 && j < k.columns()-1 {
			ADDQ(Step3, Base)
		}
	}
	if edge {
		Label(label + "End")
	}
	emit.Add(k.width*k.Bytes(), Weights)
	ADDQ(SrcRow, Row)
	DECQ(rowsLeft)
	JNZ(LabelRef(label))
	Label(label + "Done")
}

// anyWidth is the kernel of any width, stride and dilation, one row at a time, tap by
// tap.
func anyWidth(isa *emit.ISA, masks Mem) {
	name := "anyWidth" + isa.Name
	k, local := New(isa, masks, 1, name, name+" is run for every kernel.", "srcStep", 1)
	srcTap := local[0]
	MOVQ(Args.At(Base, "srcTap"), Base)
	MOVQ(Base, srcTap)
	acc := func(_, p int) reg.VecPhysical { return k.V[p] }
	w, x := k.V[Pixels], k.V[Pixels+1]
	k.Blocks(func(label string, masked bool) {
		begin(k, acc)
		MOVQ(k.Band, rowsLeft)
		MOVQ(Mem{Base: rowsLeft, Disp: BandUpper}, rowsLeft)
		TESTQ(rowsLeft, rowsLeft)
		JZ(LabelRef(label + "Summed"))
		Label(label + "Row")
		Args.Load(tapsLeft)
		MOVQ(Args.At(tapsLeft, "taps"), tapsLeft)
		MOVQ(k.Spans, span)
		MOVQ(Row, Base)
		Label(label + "Tap")
		LEAQ(Mem{Base: Base, Index: Step, Scale: 1}, Base1)
		VMOVUPS(Mem{Base: Weights}, w)
		CMPQ(Mem{Base: span}, U32(Whole))
		JNE(LabelRef(label + "Partial"))
		for p := range Pixels {
			if masked {
				k.Load(At(p, 0), masked, x)
				VFMADD231PS(x, w, acc(0, p))
			} else {
				VFMADD231PS(At(p, 0), w, acc(0, p))
			}
		}
		JMP(LabelRef(label + "NextTap"))
		Label(label + "Partial")
		for p := range Pixels {
			skip := emit.Label(label+"Partial", p)
			CMPB(Mem{Base: span}, Imm(uint64(p)))
			JGT(LabelRef(skip))
			CMPB(Mem{Base: span, Disp: 1}, Imm(uint64(p)))
			JLE(LabelRef(label + "NextTap"))
			k.Load(At(p, 0), masked, x)
			VFMADD231PS(x, w, acc(0, p))
			Label(skip)
		}
		Label(label + "NextTap")
		emit.Add(k.Bytes(), Weights)
		ADDQ(srcTap, Base)
		emit.Add(8, span)
		DECQ(tapsLeft)
		JNZ(LabelRef(label + "Tap"))
		ADDQ(SrcRow, Row)
		DECQ(rowsLeft)
		JNZ(LabelRef(label + "Row"))
		Label(label + "Summed")
	}, acc, k.V[Pixels:], true)
}
