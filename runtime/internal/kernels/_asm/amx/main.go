// Command amx writes the kernels of package amx.
//
//	go run ./amx -out ../amx/kernel_amd64.s -stubs ../amx/kernel_amd64.go -pkg amx
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/_asm/emit"
)

// Sizes in bytes.
const (
	row      = 64 // of a tile
	tileSize = 16 * row
	parts    = 3
	halfSize = parts * tileSize
	block    = 2 * halfSize // of weights
	sumsRow  = 128
)

// splitArgs is amx.splitArgs, args is amx.args.
var (
	splitArgs = emit.Struct("splitArgs", "dst", "plane", "src", "pitch", "rows", "blocks", "rest")
	args      = emit.Struct("args", "config", "a", "plane", "tile", "aBlock", "aTap", "aStrip", "taps", "nTaps", "blocks",
		"b", "bStrip", "bias", "c", "ldc", "residual", "ldr", "adds", "rows", "strips", "stripRows", "cols",
		"next", "nextLen", "nextStep", "sums", "lo")
)

func main() {
	ConstraintExpr("!purego")
	split()
	multiply()
	burst()
	Generate()
}

// masks sets K1 and K2 to the lanes of two vectors that the first n of 32 are.
func masks(n Mem) {
	MOVQ(n, reg.RCX)
	MOVQ(U32(1), reg.RDX)
	SHLQ(reg.CL, reg.RDX)
	DECQ(reg.RDX)
	KMOVW(reg.EDX, reg.K1)
	SHRQ(Imm(16), reg.RDX)
	KMOVW(reg.EDX, reg.K2)
}

func split() {
	splitArgs.Func("split", "split is the assembly of Split.Run.")
	p, dst, plane, src, rows := reg.RDI, reg.RAX, reg.RBX, reg.RSI, reg.R8
	to, step, from, left := reg.R9, reg.R10, reg.R11, reg.R12
	half, high := reg.Z30, reg.Z31
	splitArgs.Load(p)
	masks(splitArgs.At(p, "rest"))
	MOVQ(splitArgs.At(p, "dst"), dst)
	MOVQ(splitArgs.At(p, "plane"), plane)
	MOVQ(splitArgs.At(p, "src"), src)
	MOVQ(splitArgs.At(p, "rows"), rows)
	LEAQ(Mem{Base: plane, Index: plane, Scale: 2}, step)
	MOVL(U32(0x8000), reg.EDX)
	VPBROADCASTD(reg.EDX, half)
	MOVL(U32(0xffff0000), reg.EDX)
	VPBROADCASTD(reg.EDX, high)

	// parts writes the parts of k in u and k+16 in v, one beside the other.
	u, v, a, b := reg.Z0, reg.Z1, reg.Z2, reg.Z3
	planes := []Mem{{Base: to}, {Base: to, Index: plane, Scale: 1}, {Base: to, Index: plane, Scale: 2}}
	parts := func() {
		for part := range 2 {
			VPADDD(half, u, a)
			VPADDD(half, v, b)
			VPANDD(high, a, a)
			VPANDD(high, b, b)
			VSUBPS(a, u, u)
			VSUBPS(b, v, v)
			VPSRLD(Imm(16), a, a)
			VPORD(b, a, a)
			VMOVDQU32(a, planes[part])
		}
		Comment("What is left has eight bits; of NaN only this part is sure to be NaN.")
		VPSRLD(Imm(16), u, u)
		VPTERNLOGD(U8(0xf8), high, v, u)
		VMOVDQU32(u, planes[2])
	}

	Label("row")
	MOVQ(src, from)
	MOVQ(dst, to)
	MOVQ(splitArgs.At(p, "blocks"), left)
	TESTQ(left, left)
	JZ(LabelRef("rest"))
	Label("block")
	VMOVUPS(Mem{Base: from}, u)
	VMOVUPS(Mem{Base: from, Disp: 64}, v)
	parts()
	emit.Add(128, from)
	ADDQ(step, to)
	DECQ(left)
	JNZ(LabelRef("block"))

	Label("rest")
	CMPQ(splitArgs.At(p, "rest"), Imm(0))
	JEQ(LabelRef("rowDone"))
	VMOVUPS_Z(Mem{Base: from}, reg.K1, u)
	VMOVUPS_Z(Mem{Base: from, Disp: 64}, reg.K2, v)
	parts()

	Label("rowDone")
	ADDQ(splitArgs.At(p, "pitch"), src)
	emit.Add(row, dst)
	DECQ(rows)
	JNZ(LabelRef("row"))
	VZEROUPPER()
	RET()
}

// The registers of multiply. What a strip's loop holds in the others the epilogue may
// change.
var (
	p    = reg.RDI
	a    = [parts][2]reg.GPPhysical{{reg.RAX, reg.RBX}, {reg.RDX, reg.RSI}, {reg.R8, reg.R9}} // tiles of A
	b    = reg.R10
	next = reg.R11

	stride = reg.RCX // of a tile's rows
	blocks = reg.R12
	tap    = reg.R13
	bStep  = reg.R14 // to the next block of B
	aStep  = reg.R15 // of A
	tmp    = reg.RBP

	bias   = [2]reg.VecPhysical{reg.Z4, reg.Z5}
	lo, hi = reg.Z6, reg.Z7
)

// frame is what has no register.
type frame struct{ strips, rows, lastTap, nextEnd Mem }

func multiply() {
	args.Func("multiply", "multiply is the assembly of Call.Run.")
	local := emit.Local(4)
	f := &frame{local[0], local[1], local[2], local[3]}
	args.Load(p)
	f.setUp()

	Label("strip")
	MOVQ(U32(row), stride)
	MOVQ(args.At(p, "taps"), tap)
	for t := range tile(4) {
		zero(t)
	}

	Label("tap")
	MOVQ(args.At(p, "blocks"), blocks)
	Label("block")
	f.steps()
	products()
	f.fetch()
	for _, tiles := range a {
		ADDQ(aStep, tiles[0])
		ADDQ(aStep, tiles[1])
	}
	ADDQ(bStep, b)
	TESTQ(blocks, blocks)
	JNZ(LabelRef("block"))
	emit.Add(8, tap)
	CMPQ(tap, f.lastTap)
	JLE(LabelRef("tap"))

	f.epilogue()
	DECQ(f.strips)
	JNZ(LabelRef("strip"))
	release()
	VZEROUPPER()
	RET()
}

func (f *frame) setUp() {
	MOVQ(args.At(p, "config"), tmp)
	loadConfig(Mem{Base: tmp})
	masks(args.At(p, "cols"))
	MOVQ(args.At(p, "bias"), tmp)
	VMOVUPS(Mem{Base: tmp}, bias[0])
	VMOVUPS(Mem{Base: tmp, Disp: 64}, bias[1])
	VBROADCASTSS(args.At(p, "lo"), lo)
	VBROADCASTSS(args.At(p, "lo").Offset(4), hi)
	MOVQ(args.At(p, "strips"), tmp)
	MOVQ(tmp, f.strips)
	MOVQ(args.At(p, "rows"), tmp)
	MOVQ(tmp, f.rows)
	MOVQ(args.At(p, "next"), next)
	MOVQ(next, tmp)
	ADDQ(args.At(p, "nextLen"), tmp)
	MOVQ(tmp, f.nextEnd)
	MOVQ(args.At(p, "taps"), tap)
	MOVQ(args.At(p, "nTaps"), tmp)
	LEAQ(Mem{Base: tap, Index: tmp, Scale: 8, Disp: -8}, tmp)
	MOVQ(tmp, f.lastTap)
	MOVQ(Mem{Base: tap}, a[0][0])
	SHLQ(Imm(6), a[0][0])
	ADDQ(args.At(p, "a"), a[0][0])
	for part, tiles := range a {
		if part > 0 {
			MOVQ(a[part-1][0], tiles[0])
			ADDQ(args.At(p, "plane"), tiles[0])
		}
		MOVQ(tiles[0], tiles[1])
		ADDQ(args.At(p, "tile"), tiles[1])
	}
	MOVQ(args.At(p, "b"), b)
}

// steps counts a block and sets how far it is to the next one, which may be the next
// tap's or the next strip's first.
func (f *frame) steps() {
	MOVQ(args.At(p, "aBlock"), aStep)
	MOVQ(U32(block), bStep)
	DECQ(blocks)
	JNZ(LabelRef("products"))
	MOVQ(args.At(p, "aTap"), aStep)
	LEAQ(Mem{Base: tap, Disp: 8}, tmp)
	CMPQ(tap, f.lastTap)
	JLT(LabelRef("move"))
	MOVQ(args.At(p, "aStrip"), aStep)
	MOVQ(args.At(p, "taps"), tmp)
	Comment("After the last strip weights go on: those are the next call's.")
	CMPQ(f.strips, Imm(1))
	CMOVQNE(args.At(p, "bStrip"), bStep)
	Label("move")
	MOVQ(Mem{Base: tmp}, tmp)
	SUBQ(Mem{Base: tap}, tmp)
	SHLQ(Imm(6), tmp)
	ADDQ(tmp, aStep)
}

// products multiplies two tiles of A and two of B, each in three parts. Large products
// come late, as in a sum that begins with what is small, in an order that loads few tiles
// twice. In between the next tiles are asked for.
func products() {
	Label("products")
	const a0, b0 = tile(4), tile(6)
	loadA := func(part int) {
		for i := range 2 {
			load(a0+tile(i), Mem{Base: a[part][i], Index: stride, Scale: 1})
		}
	}
	loadB := func(part int) {
		for half := range 2 {
			load(b0+tile(half), Mem{Base: b, Index: stride, Scale: 1, Disp: half*halfSize + part*tileSize})
		}
	}
	var lines []Mem
	for part := range parts {
		for i := range 2 {
			for r := range 16 {
				lines = append(lines, Mem{Base: a[part][i], Index: aStep, Scale: 1, Disp: r * row})
			}
		}
	}
	for at := 0; at < block; at += 64 {
		lines = append(lines, Mem{Base: b, Index: bStep, Scale: 1, Disp: at})
	}
	order := [][2]int{{1, 1}, {0, 1}, {0, 2}, {0, 0}, {1, 0}, {2, 0}}
	each := len(lines) / (4 * len(order))
	last := [2]int{-1, -1}
	for _, pair := range order {
		if pair[0] != last[0] {
			loadA(pair[0])
		}
		if pair[1] != last[1] {
			loadB(pair[1])
		}
		last = pair
		for t := range tile(4) {
			for _, line := range lines[:each] {
				PREFETCHT0(line)
			}
			lines = lines[each:]
			multiplyAdd(t, a0+t/2, b0+t%2)
		}
	}
}

// fetch asks for a piece of what the next calls read.
func (f *frame) fetch() {
	MOVQ(next, tmp)
	ADDQ(args.At(p, "nextStep"), tmp)
	CMPQ(tmp, f.nextEnd)
	CMOVQGT(f.nextEnd, tmp)
	CMPQ(next, tmp)
	JGE(LabelRef("fetched"))
	Label("fetch")
	PREFETCHT1(Mem{Base: next})
	emit.Add(64, next)
	CMPQ(next, tmp)
	JLT(LabelRef("fetch"))
	Label("fetched")
}

// epilogue stores the sums of a strip, with all that is added, in C.
func (f *frame) epilogue() {
	sums, rows, left, at := reg.R12, reg.R13, reg.R14, reg.R15
	v := [2]reg.VecPhysical{reg.Z0, reg.Z1}
	MOVQ(args.At(p, "sums"), sums)
	MOVQ(args.At(p, "tile"), tmp)
	MOVQ(U32(sumsRow), stride)
	LEAQ(Mem{Base: sums, Index: tmp, Scale: sumsRow / row}, tmp)
	for t := range tile(4) {
		store(t, Mem{Base: []reg.Register{sums, tmp}[t/2], Index: stride, Scale: 1, Disp: int(t%2) * 64})
	}
	MOVQ(f.rows, rows)
	MOVQ(args.At(p, "stripRows"), left)

	Label("row")
	MOVLQSX(Mem{Base: rows}, at)
	TESTQ(at, at)
	JLT(LabelRef("skip"))
	for half, v := range v {
		VADDPS(Mem{Base: sums, Disp: half * 64}, bias[half], v)
	}
	CMPQ(args.At(p, "adds"), Imm(0))
	JEQ(LabelRef("clamp"))
	MOVQ(at, tmp)
	IMULQ(args.At(p, "ldr"), tmp)
	ADDQ(args.At(p, "residual"), tmp)
	for half, v := range v {
		VADDPS(Mem{Base: tmp, Disp: half * 64}, v, []reg.OpmaskPhysical{reg.K1, reg.K2}[half], v)
	}
	Label("clamp")
	IMULQ(args.At(p, "ldc"), at)
	ADDQ(args.At(p, "c"), at)
	for half, v := range v {
		emit.Clamp(v, lo, hi)
		VMOVUPS(v, []reg.OpmaskPhysical{reg.K1, reg.K2}[half], Mem{Base: at, Disp: half * 64})
	}
	Label("skip")
	emit.Add(4, rows)
	emit.Add(sumsRow, sums)
	DECQ(left)
	JNZ(LabelRef("row"))
	MOVQ(rows, f.rows)
}

// burst does what multiply would if loads took no time.
func burst() {
	TEXT("burst", NOSPLIT, "func(config *byte, data *uint16, n int)")
	Pragma("noescape")
	Doc("burst multiplies two tiles of A with two of B n times; data has them, one after the other.")
	config := Load(Param("config"), reg.RAX)
	data := Load(Param("data"), reg.RBX)
	n := Load(Param("n"), reg.RDX)
	loadConfig(Mem{Base: config})
	MOVQ(U32(row), stride)
	for t := range tile(4) {
		zero(t)
		load(4+t, Mem{Base: data, Index: stride, Scale: 1, Disp: int(t) * tileSize})
	}
	Label("loop")
	for t := range tile(4) {
		multiplyAdd(t, 4+t/2, 6+t%2)
	}
	DECQ(n)
	JNZ(LabelRef("loop"))
	release()
	VZEROUPPER()
	RET()
}
