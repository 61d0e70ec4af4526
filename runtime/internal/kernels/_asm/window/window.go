// Package window holds what the depthwise and the grouped kernels share: the walk
// over bands of output rows, tiles of a band and blocks of channels of a tile, and the
// way from sums to the output. Package kernels/window is its counterpart in Go.
package window

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/_asm/emit"
)

// Pixels is the width of a whole tile.
const Pixels = 7

// Whole is a span of all pixels of a whole tile.
const Whole = Pixels << 8

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
	TileLo   = 16
	TileHi   = 24
	tileSize = 32
)

// General registers. Those not listed are free within a block.
var (
	Step     = reg.RAX // between what At tells apart
	Step3    = reg.RBX // three of it
	SrcRow   = reg.RDX
	Src      = reg.RSI // first row inside, under pixel 0 of the tile and kernel column 0, the block's first channel
	Base     = reg.RDI // of At; also scratch between loops
	Block    = reg.R10 // the block's weights
	Base1    = reg.R11 // Base + Step, for At
	Row      = reg.R12 // Base at kernel column 0
	Tile     = reg.R13
	Weights  = reg.R14 // as they are used up
	Channels = reg.R15 // left

	count   = reg.RCX
	scratch = reg.RDI
	pointer = reg.R12
	step    = reg.R14
)

// Kernel is one function under construction.
type Kernel struct {
	*emit.ISA
	Rows int // of a band, at most

	Band, Spans Mem // in the frame: pointers to the band and to the tile's spans

	bandsLeft, tilesLeft Mem
	bandDst, bandRes     Mem // the first pixel of the band
	bandSrc              Mem
	dst, residual, bias  Mem // the block's
	mask                 reg.VecPhysical
	maskTable            Mem
}

// New begins a function: everything up to the first block of a tile. step is the
// argument that Step holds. extra is how many more words the frame should have.
func New(isa *emit.ISA, maskTable Mem, rows int, name, doc, step string, extra int) (*Kernel, []Mem) {
	k := &Kernel{ISA: isa, Rows: rows, mask: isa.V[len(isa.V)-1], maskTable: maskTable}
	Args.Func(name, doc)
	local := emit.Local(10 + extra)
	for i, m := range []*Mem{&k.Band, &k.Spans, &k.bandsLeft, &k.tilesLeft, &k.bandDst, &k.bandRes, &k.bandSrc, &k.dst, &k.residual, &k.bias} {
		*m = local[i]
	}
	load := func(arg string, to Mem) {
		MOVQ(Args.At(scratch, arg), Src)
		MOVQ(Src, to)
	}

	Args.Load(scratch)
	MOVQ(Args.At(scratch, step), Step)
	LEAQ(Mem{Base: Step, Index: Step, Scale: 2}, Step3)
	load("bands", k.Band)
	load("bandCount", k.bandsLeft)

	Label("band")
	Args.Load(scratch)
	load("spans", k.Spans)
	load("tileCount", k.tilesLeft)
	MOVQ(Args.At(scratch, "tiles"), Tile)
	MOVQ(k.Band, count)
	for _, f := range []struct {
		at         int
		line, base string
		to         Mem
	}{{bandY, "dstLine", "dst", k.bandDst}, {bandY, "residualLine", "residual", k.bandRes}, {bandRow, "srcLine", "src", k.bandSrc}} {
		MOVQ(Mem{Base: count, Disp: f.at}, Src)
		IMULQ(Args.At(scratch, f.line), Src)
		ADDQ(Args.At(scratch, f.base), Src)
		if f.base == "src" {
			ADDQ(Args.At(scratch, "srcOffset"), Src)
		}
		MOVQ(Src, f.to)
	}

	Label("tile")
	Args.Load(scratch)
	for _, f := range []struct {
		step     string
		base, to Op
	}{{"dstStep", k.bandDst, k.dst}, {"residualStep", k.bandRes, k.residual}, {"srcStep", k.bandSrc, Src}} {
		MOVQ(Mem{Base: Tile, Disp: tileX}, Src)
		IMULQ(Args.At(scratch, f.step), Src)
		ADDQ(f.base, Src)
		if f.to != Op(Src) {
			MOVQ(Src, f.to)
		}
	}
	MOVQ(Args.At(scratch, "bias"), Block)
	MOVQ(Block, k.bias)
	MOVQ(Args.At(scratch, "weights"), Block)
	MOVQ(Args.At(scratch, "channels"), Channels)
	return k, local[10:]
}

// Blocks emits the loop over the blocks of a tile, one vector of channels each, and
// the end of the function. sum adds up a block, the last channels under a mask; acc
// is where row r's pixel p is then, and tmp are two free vectors. advance moves Src on
// by a block.
func (k *Kernel) Blocks(sum func(label string, masked bool), acc func(r, p int) reg.VecPhysical, tmp []reg.VecPhysical, advance bool) {
	next := func() {
		CMPQ(Channels, Imm(uint64(k.Lanes)))
		JGE(LabelRef("block"))
		TESTQ(Channels, Channels)
		JNZ(LabelRef("last"))
	}
	next()

	Label("next")
	Args.Load(scratch)
	MOVQ(Args.At(scratch, "taps"), pointer)
	SHLQ(Imm(3), pointer)
	ADDQ(pointer, k.Spans)
	emit.Add(tileSize, Tile)
	DECQ(k.tilesLeft)
	JNZ(LabelRef("tile"))
	emit.Add(bandSize, k.Band)
	DECQ(k.bandsLeft)
	JNZ(LabelRef("band"))
	VZEROUPPER()
	RET()

	for _, masked := range []bool{false, true} {
		label := "block"
		if masked {
			label = "last"
		}
		Label(label)
		if masked {
			k.loadMask()
		}
		k.begin()
		sum(label, masked)
		k.store(label, masked, acc, tmp)
		if masked {
			JMP(LabelRef("next"))
			continue
		}
		Args.Load(scratch)
		ADDQ(Args.At(scratch, "block"), Block)
		for _, m := range []Mem{k.bias, k.dst, k.residual} {
			emit.Add(k.Bytes(), m)
		}
		if advance {
			emit.Add(k.Bytes(), Src)
		}
		emit.Add(-k.Lanes, Channels)
		next()
		JMP(LabelRef("next"))
	}
}

// loadMask sets the mask to the channels left.
func (k *Kernel) loadMask() {
	MOVQ(Channels, count)
	if k.Is512() {
		MOVQ(U32(1), Weights)
		SHLQ(reg.CL, Weights)
		DECQ(Weights)
		KMOVW(reg.R14L, reg.K1)
		return
	}
	LEAQ(k.maskTable, Weights)
	NEGQ(count)
	VMOVUPS(Mem{Base: Weights, Disp: 32, Index: count, Scale: 4}, k.mask)
}

// begin points Weights at the kernel row that meets the first row inside, and Row at
// that. Base points to the bias.
func (k *Kernel) begin() {
	Args.Load(scratch)
	MOVQ(Args.At(scratch, "srcRow"), SrcRow)
	MOVQ(k.Band, count)
	MOVQ(Mem{Base: count, Disp: bandFirst}, Weights)
	IMULQ(Args.At(scratch, "weightRow"), Weights)
	ADDQ(Block, Weights)
	MOVQ(Src, Row)
	MOVQ(k.bias, Base)
}

// At is place i: so many Steps from Base. Base1 must be Base + Step for i = 5.
func At(i, disp int) Mem {
	switch i {
	case 0:
		return Mem{Base: Base, Disp: disp}
	case 1, 2, 4:
		return Mem{Base: Base, Disp: disp, Index: Step, Scale: uint8(i)}
	case 3, 6:
		return Mem{Base: Base, Disp: disp, Index: Step3, Scale: uint8(i / 3)}
	case 5:
		return Mem{Base: Base1, Disp: disp, Index: Step, Scale: 4}
	}
	panic("window: no such place")
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

// store adds the residual, clamps and stores.
func (k *Kernel) store(label string, masked bool, acc func(r, p int) reg.VecPhysical, tmp []reg.VecPhysical) {
	name := func(s string) string { return label + s }
	// each goes over the pixels that there are, pointer beside them.
	each := func(from Mem, line, pitch, done string, do func(v reg.VecPhysical)) {
		MOVQ(Args.At(scratch, pitch), step)
		for r := range k.Rows {
			MOVQ(from, pointer)
			if r > 0 {
				CMPQ(Mem{Base: count, Disp: bandN}, Imm(uint64(r)))
				JEQ(LabelRef(done))
				ADDQ(Args.At(scratch, line), pointer)
			}
			rowDone := done
			if r < k.Rows-1 {
				rowDone = emit.Label(done, r)
			}
			for p := range Pixels {
				do(acc(r, p))
				if p < Pixels-1 {
					CMPQ(Mem{Base: Tile, Disp: tileN}, Imm(uint64(p+1)))
					JEQ(LabelRef(rowDone))
					ADDQ(step, pointer)
				}
			}
			if r < k.Rows-1 {
				Label(rowDone)
			}
		}
	}
	all := func(do func(v reg.VecPhysical)) {
		for r := range k.Rows {
			for p := range Pixels {
				do(acc(r, p))
			}
		}
	}
	at := Mem{Base: pointer}

	Args.Load(scratch)
	MOVQ(k.Band, count)
	CMPQ(Args.At(scratch, "residual"), Imm(0))
	JEQ(LabelRef(name("Clamp")))
	each(k.residual, "residualLine", "residualStep", name("Clamp"), func(v reg.VecPhysical) {
		switch {
		case !masked:
			VADDPS(at, v, v)
		case k.Is512():
			VADDPS(at, v, reg.K1, v)
		default:
			VMASKMOVPS(at, k.mask, tmp[0])
			VADDPS(tmp[0], v, v)
		}
	})

	Label(name("Clamp"))
	Comment("0: none, 1: from below, 2: on both sides.")
	MOVQ(Args.At(scratch, "clamp"), step)
	TESTQ(step, step)
	JZ(LabelRef(name("Store")))
	VBROADCASTSS(Args.At(scratch, "bounds"), tmp[0])
	all(func(v reg.VecPhysical) { emit.Clamp(v, tmp[0], nil) })
	DECQ(step)
	JZ(LabelRef(name("Store")))
	VBROADCASTSS(Args.At(scratch, "bounds").Offset(4), tmp[0])
	all(func(v reg.VecPhysical) { emit.Clamp(v, nil, tmp[0]) })

	Label(name("Store"))
	each(k.dst, "dstLine", "dstStep", name("Stored"), func(v reg.VecPhysical) {
		switch {
		case !masked:
			VMOVUPS(v, at)
		case k.Is512():
			VMOVUPS(v, reg.K1, at)
		default:
			VMASKMOVPS(v, k.mask, at)
		}
	})
	Label(name("Stored"))
}
