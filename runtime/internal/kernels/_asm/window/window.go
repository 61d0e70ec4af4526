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
	"bands", "bandCount", "tiles", "tileCount", "spans", "taps", "channels", "pairs", "fetchDst", "clamp", "bounds")

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
	Rows       int  // of a band, at most
	Wide       bool // all blocks read the same input
	FetchesDst bool // if the arguments say so

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
// the end of the function. sum emits what adds up a block, from the bias at Base on; the
// last channels come under a mask. It may jump to label+"Summed", which follows. acc is
// where the sum of row r's pixel p is by then, and tmp is another register.
func (k *Kernel) Blocks(sum func(label string, masked bool), acc func(r, p int) reg.VecPhysical, tmp reg.VecPhysical) {
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
