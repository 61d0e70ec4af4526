package window

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/_asm/emit"
)

// Begin starts sums at the bias.
func Begin(sums ...reg.VecPhysical) {
	VMOVUPS(Mem{Base: Base}, sums[0])
	for _, v := range sums[1:] {
		VMOVAPS(sums[0], v)
	}
}

// Loop emits the loop over so many input rows as the field of Band says.
func Loop(label string, field int, body func()) {
	MOVQ(Mem{Base: band, Disp: field}, RowsLeft)
	TESTQ(RowsLeft, RowsLeft)
	JZ(LabelRef(label + "Done"))
	Label(label)
	body()
	ADDQ(srcRow, Row)
	DECQ(RowsLeft)
	JNZ(LabelRef(label))
	Label(label + "Done")
}

// Columns emits do for each of the n input columns under a tile that exists, with its
// place in memory. Only the first left columns and the last right ones may be missing.
func Columns(label string, n, left, right int, do func(j int, m Mem)) {
	MOVQ(Row, Base)
	for j := range n {
		skip := emit.Label(label, j)
		if j < left {
			CMPQ(lo, Imm(uint64(j)))
			JGT(LabelRef(skip))
		}
		if j >= n-right {
			CMPQ(hi, Imm(uint64(j)))
			JLE(LabelRef(label + "End"))
		}
		m := Mem{Base: Base}
		if j%3 > 0 {
			m.Index, m.Scale = Step, uint8(j%3)
		}
		do(j, m)
		if j < left {
			Label(skip)
		}
		if j%3 == 2 && j < n-1 {
			ADDQ(step3, Base)
		}
	}
	if right > 0 {
		Label(label + "End")
	}
}

// Fetch asks for so many columns of the n input rows behind the last one: what the
// next band reads at this tile and block that this one does not. Rows are far apart, too
// far for the processor to see a pattern.
func Fetch(n, columns int) {
	for r := range n {
		MOVQ(Row, Base)
		for j := range columns {
			m := Mem{Base: Base}
			if j%3 > 0 {
				m.Index, m.Scale = Step, uint8(j%3)
			}
			PREFETCHT0(m)
			if j%3 == 2 && j < columns-1 {
				ADDQ(step3, Base)
			}
		}
		if r < n-1 {
			ADDQ(srcRow, Row)
		}
	}
}

// IfMissing jumps to the label if more than margin of the n columns under the tile are
// missing on one side.
func IfMissing(label string, n, margin int) {
	CMPQ(lo, Imm(uint64(margin)))
	JGT(LabelRef(label))
	CMPQ(hi, Imm(uint64(n-margin)))
	JLT(LabelRef(label))
}

// Taps emits the loop over the taps of a kernel row: body twice, for taps that all
// pixels have input for and for the others. next is what separates the end of one
// tap's input from the next one's beginning.
func (k *Kernel) Taps(label string, next Mem, body func(label string, partial bool)) {
	Args.Load(tapsLeft)
	MOVQ(Args.At(tapsLeft, "taps"), tapsLeft)
	MOVQ(k.spans, span)
	MOVQ(Row, Base)
	Label(label)
	LEAQ(Mem{Base: Base, Index: Step, Scale: 1}, Base1)
	CMPQ(Mem{Base: span}, U32(whole))
	JNE(LabelRef(label + "Partial"))
	body(label+"Whole", false)
	JMP(LabelRef(label + "Next"))
	Label(label + "Partial")
	body(label+"Partial", true)
	Label(label + "Next")
	ADDQ(next, Base)
	emit.Add(8, span)
	DECQ(tapsLeft)
	JNZ(LabelRef(label))
}

// EachPixel emits do for each pixel of a tile, with its input's place in memory; if
// partial, only for those in the tap's span.
func EachPixel(label string, partial bool, do func(p int, m Mem)) {
	for p := range Pixels {
		skip := emit.Label(label, p)
		if partial {
			CMPB(Mem{Base: span}, Imm(uint64(p)))
			JGT(LabelRef(skip))
			CMPB(Mem{Base: span, Disp: 1}, Imm(uint64(p)))
			JLE(LabelRef(label + "End"))
		}
		do(p, pixel(p, Base, Base1, Step, step3))
		if partial {
			Label(skip)
		}
	}
	if partial {
		Label(label + "End")
	}
}

// pixel is the place p steps from base: base1 is one step from there, step3 three steps.
func pixel(p int, base, base1, step, step3 reg.Register) Mem {
	switch p {
	case 1, 2, 4:
		return Mem{Base: base, Index: step, Scale: uint8(p)}
	case 3, 6:
		return Mem{Base: base, Index: step3, Scale: uint8(p / 3)}
	case 5:
		return Mem{Base: base1, Index: step, Scale: 4}
	}
	return Mem{Base: base}
}

// Spare returns the registers behind the first n, without the mask's if there is one.
func (k *Kernel) Spare(n int, masked bool) []reg.VecPhysical {
	end := len(k.V)
	if masked && !k.Is512() {
		end--
	}
	return k.V[n:end]
}

// Load loads a vector of input, or its channels under the mask.
func (k *Kernel) Load(m Mem, masked bool, v reg.VecPhysical) {
	switch {
	case !masked:
		VMOVUPS(m, v)
	case k.Is512():
		VMOVUPS_Z(m, reg.K1, v)
	default:
		VMASKMOVPS(m, k.mask, v)
	}
}
