// Package window holds what the depthwise and the grouped kernels share: the walk
// over bands of output rows, tiles of a band and blocks of channels of a tile, and the
// way from sums to the output. Package kernels/window is its counterpart in Go.
//
// Loads are what these kernels are short of, not only multiply-adds: with one load to
// two multiply-adds, both of 64 bytes, an Intel core already falls to 90% of its peak.
package window

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/_asm/emit"
)

// Pixels is the width of a whole tile.
const Pixels = 7

// whole is a span of all pixels of a whole tile.
const whole = Pixels << 8

// Args is window.Args.
var Args = emit.Struct("args", "dst", "src", "residual", "srcOffset", "srcLine", "dstLine", "residualLine",
	"srcStep", "dstStep", "residualStep", "srcRow", "srcTap", "weights", "block", "weightRow", "bias",
	"bands", "bandCount", "tiles", "tileCount", "spans", "taps", "channels", "pairs", "clamp", "bounds")

// Fields of window.Band and window.Tile.
const (
	bandY     = 0
	bandN     = 8
	bandRow   = 16
	bandFirst = 24
	BandUpper = 32
	BandBoth  = 40
	BandLower = 48
	bandSize  = 56

	tileX    = 0
	tileN    = 8
	tileLo   = 16
	tileHi   = 24
	tileSize = 32
)

// General registers.
var (
	Step     = reg.RAX // a pixel or a column of the input
	step3    = reg.RBX // three of it
	RowsLeft = reg.RCX // of the input
	srcRow   = reg.RDX
	band     = reg.RSI
	Base     = reg.RDI // what At counts from
	lo, hi   = reg.R8, reg.R9
	Block    = reg.R10 // the block's weights
	Count    = reg.R11 // free within a block; Base + Step where At needs it
	Row      = reg.R12 // Base at kernel column 0
	tile     = reg.R13
	Weights  = reg.R14 // as they are used up
	channel  = reg.R15 // the block's first, in bytes, from the last on: not above 0

	// In the kernels that go tap by tap.
	span     = reg.R8
	tapsLeft = reg.R9
	Base1    = reg.R11 // Base + Step

	// Outside of the loops over the input.
	args = reg.RDI
)

// Kernel is one function under construction.
type Kernel struct {
	*emit.ISA
	Rows int  // of a band, at most
	Wide bool // all blocks read the same input

	// In the frame. The pointers dst, residual, src and bias are to behind the last
	// channel.
	bandsLeft, tilesLeft      Mem
	bandDst, bandRes, bandSrc Mem
	dst, residual, src, bias  Mem
	skip, spans               Mem
	mask                      reg.VecPhysical
	maskTable                 Mem
}

// New begins a function, everything up to the first block of a tile: kernels whose
// step is srcTap slide over columns, those whose step is srcStep go pixel by pixel.
// extra is how many more words the frame should have.
func New(isa *emit.ISA, maskTable Mem, rows int, wide bool, name, doc, stepArg string, extra int) (*Kernel, []Mem) {
	k := &Kernel{ISA: isa, Rows: rows, Wide: wide, mask: isa.V[len(isa.V)-1], maskTable: maskTable}
	Args.Func(name, doc)
	local := emit.Local(11 + extra)
	for i, m := range []*Mem{&k.bandsLeft, &k.tilesLeft, &k.bandDst, &k.bandRes, &k.bandSrc, &k.dst, &k.residual, &k.src, &k.bias, &k.skip, &k.spans} {
		*m = local[i]
	}
	x := Block
	load := func(arg string, to Op) {
		MOVQ(Args.At(args, arg), x)
		MOVQ(x, to)
	}

	Args.Load(args)
	MOVQ(Args.At(args, stepArg), Step)
	LEAQ(Mem{Base: Step, Index: Step, Scale: 2}, step3)
	MOVQ(Args.At(args, "srcRow"), srcRow)
	MOVQ(Args.At(args, "bands"), band)
	load("bandCount", k.bandsLeft)
	MOVQ(Args.At(args, "channels"), channel)
	SHLQ(Imm(2), channel)
	load("bias", k.bias)
	ADDQ(channel, k.bias)

	Label("band")
	Args.Load(args)
	load("spans", k.spans)
	load("tileCount", k.tilesLeft)
	MOVQ(Args.At(args, "tiles"), tile)
	MOVQ(Mem{Base: band, Disp: bandFirst}, x)
	IMULQ(Args.At(args, "weightRow"), x)
	MOVQ(x, k.skip)
	MOVQ(Args.At(args, "channels"), channel)
	SHLQ(Imm(2), channel)
	for _, f := range []struct {
		at         int
		line, base string
		to         Mem
	}{{bandY, "dstLine", "dst", k.bandDst}, {bandY, "residualLine", "residual", k.bandRes}, {bandRow, "srcLine", "src", k.bandSrc}} {
		MOVQ(Mem{Base: band, Disp: f.at}, x)
		IMULQ(Args.At(args, f.line), x)
		ADDQ(Args.At(args, f.base), x)
		if f.base == "src" {
			ADDQ(Args.At(args, "srcOffset"), x)
		}
		if f.base != "src" || !wide {
			ADDQ(channel, x)
		}
		MOVQ(x, f.to)
	}

	Label("tile")
	Args.Load(args)
	for _, f := range []struct {
		step     string
		base, to Mem
	}{{"dstStep", k.bandDst, k.dst}, {"residualStep", k.bandRes, k.residual}, {"srcStep", k.bandSrc, k.src}} {
		MOVQ(Mem{Base: tile, Disp: tileX}, x)
		IMULQ(Args.At(args, f.step), x)
		ADDQ(f.base, x)
		MOVQ(x, f.to)
	}
	if stepArg == "srcTap" {
		MOVQ(Mem{Base: tile, Disp: tileLo}, lo)
		MOVQ(Mem{Base: tile, Disp: tileHi}, hi)
	}
	MOVQ(Args.At(args, "weights"), Block)
	MOVQ(Args.At(args, "channels"), channel)
	SHLQ(Imm(2), channel)
	NEGQ(channel)
	return k, local[11:]
}

// Blocks emits the loop over the blocks of a tile, one vector of channels each, and
// the end of the function. sum adds up a block, from the bias at Base on, the last
// channels under a mask. Where there is no input its code is not to be reached: it
// goes to the label label+"Summed", which stands behind it. join has the sums of row
// r's pixel p; tmp is a free vector beside it.
func (k *Kernel) Blocks(sum func(label string, masked bool), join func(), acc func(r, p int) reg.VecPhysical, tmp reg.VecPhysical) {
	next := func() {
		CMPQ(channel, I32(int32(-k.Bytes())))
		JLE(LabelRef("block"))
		TESTQ(channel, channel)
		JNZ(LabelRef("last"))
	}
	next()

	Label("next")
	Args.Load(args)
	MOVQ(Args.At(args, "taps"), Row)
	SHLQ(Imm(3), Row)
	ADDQ(Row, k.spans)
	emit.Add(tileSize, tile)
	DECQ(k.tilesLeft)
	JNZ(LabelRef("tile"))
	emit.Add(bandSize, band)
	DECQ(k.bandsLeft)
	JNZ(LabelRef("band"))
	VZEROUPPER()
	RET()

	for _, masked := range []bool{false, true} {
		label := "block"
		if masked {
			label = "last"
		}
		emit.Align(64)
		Label(label)
		if masked {
			k.loadMask()
		}
		MOVQ(k.skip, Weights)
		ADDQ(Block, Weights)
		k.firstRow()
		MOVQ(k.bias, Base)
		ADDQ(channel, Base)
		sum(label, masked)
		Label(label + "Summed")
		join()
		k.store(label, masked, acc, tmp)
		if masked {
			JMP(LabelRef("next"))
			continue
		}
		ADDQ(Args.At(args, "block"), Block)
		emit.Add(k.Bytes(), channel)
		next()
		JMP(LabelRef("next"))
	}
}

// loadMask sets the mask to the channels left, less than a vector.
func (k *Kernel) loadMask() {
	if k.Is512() {
		MOVQ(channel, RowsLeft)
		NEGQ(RowsLeft)
		SHRQ(Imm(2), RowsLeft)
		MOVQ(U32(1), Weights)
		SHLQ(reg.CL, Weights)
		DECQ(Weights)
		KMOVW(reg.R14L, reg.K1)
		return
	}
	LEAQ(k.maskTable, Weights)
	VMOVUPS(Mem{Base: Weights, Disp: 32, Index: channel, Scale: 1}, k.mask)
}

// NextPass goes back to the block's first input row, and on to the weights of its
// second half.
func (k *Kernel) NextPass() {
	Args.Load(Base)
	MOVQ(Args.At(Base, "block"), Weights)
	SHRQ(Imm(1), Weights)
	ADDQ(k.skip, Weights)
	ADDQ(Block, Weights)
	k.firstRow()
}

func (k *Kernel) firstRow() {
	MOVQ(k.src, Row)
	if !k.Wide {
		ADDQ(channel, Row)
	}
}

// Begin starts sums at the bias.
func Begin(sums ...reg.VecPhysical) {
	VMOVUPS(Mem{Base: Base}, sums[0])
	for _, v := range sums[1:] {
		VMOVAPS(sums[0], v)
	}
}

// Rows emits the loop over so many input rows as the field of Band says.
func (k *Kernel) Loop(label string, field int, body func()) {
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
func (k *Kernel) Fetch(n, columns int) {
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
	k.each(label+"Add", k.residual, "residualLine", "residualStep", acc, func(v reg.VecPhysical, at Mem) {
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
	k.each(label+"Put", k.dst, "dstLine", "dstStep", acc, func(v reg.VecPhysical, at Mem) {
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

// each emits do for each pixel of the band's rows of the tile, with its place in memory.
func (k *Kernel) each(label string, end Mem, line, pitch string, acc func(r, p int) reg.VecPhysical, do func(v reg.VecPhysical, at Mem)) {
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
