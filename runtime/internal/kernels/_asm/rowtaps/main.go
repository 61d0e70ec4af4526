// Command rowtaps writes the tiles of package rowtaps.
//
//	go run ./rowtaps -out ../rowtaps/tile_amd64.s -stubs ../rowtaps/tile_amd64.go -pkg rowtaps
//
// A tile holds some pixels by the columns of a panel in registers, as those of package
// gemm do. But its taps are short, too short for the pointer a pixel that a table of rows
// takes: as pixels are evenly spaced, three pointers and an index reach fourteen.
package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/_asm/emit"
)

// unroll is how many k one turn of the main loop takes: pictures have three channels.
const unroll = 3

// args is rowtaps.args.
var args = emit.Struct("args", "a", "aLine", "aPixel", "aTap", "b", "bias", "c", "cLine", "cPixel",
	"residual", "rLine", "rPixel", "adds", "fetch", "lines", "tiles", "pixels", "taps", "k", "panels", "tail", "clamp", "lo")

// tiles generates one function: all numbers of pixels up to the most, of one width.
type tiles struct {
	*emit.ISA
	width     int // columns of a panel
	most      int // pixels
	maskTable Mem

	// The frame: where the line, its panel and its tile begin, and how many are left.
	lineA, tileA, lineC, panelC, lineR, panelR, tileR, bias, linesLeft, tilesLeft Mem
}

// General registers.
var (
	bases      = []reg.GPPhysical{reg.RAX, reg.RBX, reg.RCX} // of five pixels each
	step       = reg.RDX                                     // from a pixel to the next
	step3      = reg.RSI
	b          = reg.RDI
	kLeft      = reg.R8
	tapsLeft   = reg.R9
	c          = reg.R10 // the tile's
	panelB     = reg.R11
	fetched    = reg.R12 // of C
	p          = reg.R13 // the arguments
	panelsLeft = reg.R14
	tapGap     = reg.R15 // from the end of a tap to the beginning of the next
	tmp        = reg.RBP
)

const eachBase = 5 // pixels

func main() {
	ConstraintExpr("!purego")
	maskTable := emit.MaskTable("tailMasks")
	for _, t := range []*tiles{
		{ISA: emit.AVX512, width: 16, most: 14},
		{ISA: emit.AVX512, width: 32, most: 14},
		{ISA: emit.AVX512, width: 48, most: 7},
		{ISA: emit.AVX2, width: 8, most: 6},
		{ISA: emit.AVX2, width: 16, most: 6},
	} {
		t.maskTable = maskTable
		t.function()
	}
	Generate()
}

// vectors is how many vectors of sums a pixel has.
func (t *tiles) vectors() int { return t.width / t.Lanes }

// acc is the j-th vector of sums of pixel i.
func (t *tiles) acc(i, j int) reg.VecPhysical { return t.V[i*t.vectors()+j] }

func (t *tiles) function() {
	name := fmt.Sprintf("tile%dx%d%s", t.most, t.width, t.Name)
	args.Func(name, fmt.Sprintf("%s computes panels of %d columns, up to %d pixels at a time, see Call.", name, t.width, t.most))
	words := []*Mem{&t.lineA, &t.tileA, &t.lineC, &t.panelC, &t.lineR, &t.panelR, &t.tileR, &t.bias, &t.linesLeft, &t.tilesLeft}
	for i, m := range emit.Local(len(words)) {
		*words[i] = m
	}
	args.Load(p)
	t.move("a", t.lineA)
	t.move("c", t.lineC)
	t.move("residual", t.lineR)
	t.move("lines", t.linesLeft)
	MOVQ(args.At(p, "pixels"), tmp)
	for n := t.most; n > 1; n-- {
		CMPQ(tmp, Imm(uint64(n)))
		JEQ(LabelRef(emit.Label("line", n)))
	}
	for n := 1; n <= t.most; n++ {
		t.pixels(n)
	}
}

// move copies an argument to the frame.
func (t *tiles) move(arg string, to Mem) {
	MOVQ(args.At(p, arg), tmp)
	MOVQ(tmp, to)
}

// copy copies a word of the frame to another.
func (t *tiles) copy(from, to Mem) {
	MOVQ(from, tmp)
	MOVQ(tmp, to)
}

// advance adds n times an argument to a register or a word of the frame.
func (t *tiles) advance(word Op, arg string, n int) {
	IMUL3Q(Imm(uint64(n)), args.At(p, arg), tmp)
	ADDQ(tmp, word)
}

// pixels is the tiles of so many pixels, from the first line to the return.
func (t *tiles) pixels(n int) {
	label := func(name string) string { return emit.Label(name, n) }

	Label(label("line"))
	MOVQ(args.At(p, "b"), panelB)
	MOVQ(args.At(p, "panels"), panelsLeft)
	t.move("bias", t.bias)
	t.copy(t.lineC, t.panelC)
	t.copy(t.lineR, t.panelR)

	Label(label("panel"))
	t.copy(t.lineA, t.tileA)
	t.copy(t.panelR, t.tileR)
	MOVQ(t.panelC, c)
	t.move("tiles", t.tilesLeft)

	Label(label("tile"))
	t.tile(n)
	t.advance(t.tileA, "aPixel", n)
	t.advance(t.tileR, "rPixel", n)
	t.advance(c, "cPixel", n)
	DECQ(t.tilesLeft)
	JNZ(LabelRef(label("tile")))

	MOVQ(b, panelB)
	emit.Add(4*t.width, t.panelC)
	emit.Add(4*t.width, t.panelR)
	emit.Add(4*t.width, t.bias)
	DECQ(panelsLeft)
	JNZ(LabelRef(label("panel")))

	t.advance(t.lineA, "aLine", 1)
	t.advance(t.lineC, "cLine", 1)
	t.advance(t.lineR, "rLine", 1)
	DECQ(t.linesLeft)
	JNZ(LabelRef(label("line")))
	VZEROUPPER()
	RET()
}

// tile is one tile.
func (t *tiles) tile(n int) {
	label := func(name string) string { return emit.Label(name, n) }
	Comment("Sums begin at the bias.")
	MOVQ(t.bias, tmp)
	for j := range t.vectors() {
		VMOVUPS(Mem{Base: tmp, Disp: j * t.Bytes()}, t.acc(0, j))
	}
	for i := 1; i < n; i++ {
		for j := range t.vectors() {
			VMOVAPS(t.acc(0, j), t.acc(i, j))
		}
	}
	t.point(n, t.tileA, "aPixel")
	MOVQ(args.At(p, "aTap"), tapGap)
	MOVQ(args.At(p, "k"), tmp)
	SHLQ(Imm(2), tmp)
	SUBQ(tmp, tapGap)
	MOVQ(args.At(p, "taps"), tapsLeft)
	MOVQ(panelB, b)
	IMUL3Q(Imm(uint64(n)), args.At(p, "cPixel"), fetched)
	ADDQ(c, fetched)

	Label(label("tap"))
	t.fetch(label("fetch"))
	MOVQ(args.At(p, "k"), kLeft)
	SUBQ(Imm(unroll), kLeft)
	JLT(LabelRef(label("few")))
	Label(label("loop"))
	t.steps(n, unroll)
	SUBQ(Imm(unroll), kLeft)
	JGE(LabelRef(label("loop")))
	Label(label("few"))
	ADDQ(Imm(unroll), kLeft)
	JZ(LabelRef(label("next")))
	Label(label("one"))
	t.steps(n, 1)
	DECQ(kLeft)
	JNZ(LabelRef(label("one")))
	Label(label("next"))
	for _, base := range t.bases(n) {
		ADDQ(tapGap, base)
	}
	DECQ(tapsLeft)
	JNZ(LabelRef(label("tap")))

	t.epilogue(n)
}

// bases is the pointers that so many pixels take.
func (t *tiles) bases(n int) []reg.GPPhysical { return bases[:(n+eachBase-1)/eachBase] }

// point sets pointers and step to pixels from the given one on, as far apart as an
// argument says.
func (t *tiles) point(n int, from Op, apart string) {
	MOVQ(args.At(p, apart), step)
	LEAQ(Mem{Base: step, Index: step, Scale: 2}, step3)
	MOVQ(from, bases[0])
	for i := range t.bases(n)[1:] {
		LEAQ(Mem{Base: bases[i], Index: step, Scale: 2}, bases[i+1])
		ADDQ(step3, bases[i+1])
	}
}

// at is a place in pixel i.
func at(i, disp int) Mem {
	m := Mem{Base: bases[i/eachBase], Disp: disp}
	switch i %= eachBase; i {
	case 1, 2, 4:
		m.Index, m.Scale = step, uint8(i)
	case 3:
		m.Index, m.Scale = step3, 1
	}
	return m
}

// fetch asks for the places of some pixels of the next tile in C: the epilogue meets them
// all at once, and stores to what no cache holds wait for each other.
func (t *tiles) fetch(label string) {
	MOVQ(args.At(p, "fetch"), tmp)
	TESTQ(tmp, tmp)
	JZ(LabelRef(label + "Done"))
	Label(label)
	for at := 0; at < 4*t.width; at += 64 {
		PREFETCHT0(Mem{Base: fetched, Disp: at})
	}
	ADDQ(args.At(p, "cPixel"), fetched)
	DECQ(tmp)
	JNZ(LabelRef(label))
	Label(label + "Done")
}

// steps is n steps of k; pointers advance behind them.
func (t *tiles) steps(pixels, n int) {
	nv := t.vectors()
	spare := t.V[pixels*nv:]
	w, x := spare[:nv], spare[nv:min(nv+4, len(spare))]
	for k := range n {
		for j := range nv {
			VMOVUPS(Mem{Base: b, Disp: (k*nv + j) * t.Bytes()}, w[j])
		}
		for i := range pixels {
			if nv == 1 && t.Is512() {
				VFMADD231PS_BCST(at(i, 4*k), w[0], t.acc(i, 0))
				continue
			}
			x := x[i%len(x)]
			VBROADCASTSS(at(i, 4*k), x)
			for j := range nv {
				VFMADD231PS(x, w[j], t.acc(i, j))
			}
		}
	}
	for _, base := range t.bases(pixels) {
		emit.Add(4*n, base)
	}
	emit.Add(4*n*t.width, b)
}
