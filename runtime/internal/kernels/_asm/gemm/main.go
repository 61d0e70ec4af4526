// Command gemm writes the tiles of package gemm.
//
//	go run ./gemm -out ../gemm/tile_amd64.s -stubs ../gemm/tile_amd64.go -pkg gemm
//
// A tile holds C[rows x width] in registers and walks over taps and k once:
// every step loads the width of B, broadcasts one float of A a row, and
// multiplies and adds. The rows of A are wherever a table says, which makes the
// same code a matrix product, a strided, padded or dilated convolution, and a
// linear layer.
package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/_asm/emit"
)

// unroll is how many k one turn of the main loop takes.
const unroll = 8

// ahead is how far before their use, in bytes, weights are asked for: enough for the
// second-level cache always, and for memory where nothing fetched them earlier.
const ahead = 2048

// half is the rows that turns ask for one by one, each together with the row half further
// down.
const half = 8

// groupAhead is the same for each panel of a group: across the ends of pages, where the
// processor's own foresight ends.
const groupAhead = 1024

// args is gemm.args.
var args = emit.Struct("args", "a", "aStep", "offsets", "b", "bias", "c", "ldc", "residual", "ldr", "adds", "next", "nextStep",
	"tiles", "aNext", "cNext", "resNext", "rows", "taps", "k8", "k1", "panels", "cols", "clamp", "lo")

// tile generates one function: all row counts up to maxRows of one width.
type tile struct {
	*emit.ISA
	width   int // columns of a panel
	group   int // panels at a time
	stride  int // rows of the table of offsets
	maxRows int

	// The frame: what has no register in the loop.
	tiles, count, taps, panels, offsets, base, bias, c, residual, ldr, ldrHalf, next, nextStep, lastRow Mem
	maskTable                                                                                           Mem
}

// General registers: thirteen rows, the pointer into B, and one for everything
// else. A fourteenth row lives in the frame and visits scratch. A group of panels,
// which has one row, takes the last registers for its pointers.
var (
	rowRegs = []reg.GPPhysical{reg.RAX, reg.RBX, reg.RCX, reg.RDX, reg.RSI, reg.RDI, reg.R8, reg.R9, reg.R10, reg.R11, reg.R12, reg.R13, reg.R14}
	bRegs   = []reg.GPPhysical{reg.R15, reg.R14, reg.R13, reg.R12}
	scratch = reg.RBP
)

func main() {
	ConstraintExpr("!purego")
	maskTable := emit.MaskTable("tailMasks")
	for _, t := range []*tile{
		{ISA: emit.AVX512, width: 32, group: 1, stride: 14, maxRows: 14},
		{ISA: emit.AVX512, width: 48, group: 1, stride: 14, maxRows: 7},
		{ISA: emit.AVX512, width: 16, group: 1, stride: 14, maxRows: 14},
		{ISA: emit.AVX512, width: 32, group: 4, stride: 14, maxRows: 1},
		{ISA: emit.AVX2, width: 16, group: 1, stride: 6, maxRows: 6},
		{ISA: emit.AVX2, width: 8, group: 1, stride: 6, maxRows: 6},
		{ISA: emit.AVX2, width: 16, group: 4, stride: 6, maxRows: 1},
	} {
		t.maskTable = maskTable
		t.function()
	}
	Generate()
}

// vectors is how many vectors of sums a row has.
func (t *tile) vectors() int { return t.group * t.width / t.Lanes }

// acc is the j-th vector of sums of row r.
func (t *tile) acc(r, j int) reg.VecPhysical { return t.V[r*t.vectors()+j] }

func (t *tile) label(rows int, name string) string { return fmt.Sprintf("%s%d", name, rows) }

func (t *tile) function() {
	name := fmt.Sprintf("tile%dx%d%s", t.maxRows, t.group*t.width, t.Name)
	doc := fmt.Sprintf("%s computes panels of %d columns and up to %d rows, see Call.", name, t.width, t.maxRows)
	if t.group > 1 {
		doc = fmt.Sprintf("%s computes one row and panels of %d columns, %d at a time, see Call.", name, t.width, t.group)
	}
	args.Func(name, doc)
	words := []*Mem{&t.tiles, &t.count, &t.taps, &t.panels, &t.offsets, &t.base, &t.bias, &t.c, &t.residual, &t.ldr, &t.ldrHalf, &t.next, &t.nextStep, &t.lastRow}
	for i, m := range emit.Local(len(words)) {
		*words[i] = m
	}

	p := reg.RAX
	type field struct {
		name  string
		local Mem
	}
	load := func(fields ...field) {
		for _, f := range fields {
			MOVQ(args.At(p, f.name), reg.RBX)
			MOVQ(reg.RBX, f.local)
		}
	}
	args.Load(p)
	load(field{"tiles", t.tiles}, field{"a", t.base}, field{"c", t.c}, field{"residual", t.residual}, field{"ldr", t.ldr}, field{"next", t.next}, field{"nextStep", t.nextStep})
	MOVQ(t.ldr, reg.RBX)
	IMUL3Q(U32(half), reg.RBX, reg.RBX)
	MOVQ(reg.RBX, t.ldrHalf)
	if t.Is512() {
		t.tailMask(p)
	}

	Label("tile")
	args.Load(p)
	load(field{"panels", t.panels}, field{"bias", t.bias})
	MOVQ(args.At(p, "b"), bRegs[0])
	MOVQ(args.At(p, "rows"), reg.RBX)
	for rows := t.maxRows; rows > 1; rows-- {
		CMPQ(reg.RBX, Imm(uint64(rows)))
		JEQ(LabelRef(t.label(rows, "panel")))
	}
	for rows := 1; rows <= t.maxRows; rows++ {
		t.rows(rows)
	}

	Label("done")
	DECQ(t.tiles)
	JZ(LabelRef("return"))
	args.Load(p)
	for _, f := range []field{{"aNext", t.base}, {"cNext", t.c}, {"resNext", t.residual}} {
		MOVQ(args.At(p, f.name), reg.RBX)
		ADDQ(reg.RBX, f.local)
	}
	JMP(LabelRef("tile"))
	Label("return")
	VZEROUPPER()
	RET()
}

// rows is the tile of one row count, from the first panel to the last.
func (t *tile) rows(rows int) {
	label := func(name string) string { return t.label(rows, name) }
	p := reg.RAX

	Label(label("panel"))
	t.groupPointers()
	Comment("Sums begin at the bias.")
	MOVQ(t.bias, p)
	for j := range t.vectors() {
		VMOVUPS(Mem{Base: p, Disp: j * t.Bytes()}, t.acc(0, j))
	}
	for r := 1; r < rows; r++ {
		for j := range t.vectors() {
			VMOVAPS(t.acc(0, j), t.acc(r, j))
		}
	}
	args.Load(p)
	MOVQ(args.At(p, "offsets"), reg.RBX)
	MOVQ(reg.RBX, t.offsets)
	MOVQ(args.At(p, "taps"), reg.RBX)
	MOVQ(reg.RBX, t.taps)

	Label(label("tap"))
	args.Load(p)
	MOVQ(args.At(p, "k8"), reg.RBX)
	MOVQ(reg.RBX, t.count)
	MOVQ(t.offsets, scratch)
	for r := rows - 1; r >= 0; r-- {
		row := rowRegs[r%len(rowRegs)]
		MOVQ(Mem{Base: scratch, Disp: 8 * r}, row)
		ADDQ(t.base, row)
		if r >= len(rowRegs) {
			MOVQ(row, t.lastRow)
		}
	}
	emit.Add(8*t.stride, t.offsets)
	CMPQ(t.count, Imm(0))
	JEQ(LabelRef(label("rest")))

	Label(label("loop"))
	t.steps(rows, unroll)
	if t.group == 1 {
		t.fetch(rows)
	}
	DECQ(t.count)
	JNZ(LabelRef(label("loop")))

	Label(label("rest"))
	Comment("Up to seven k are left.")
	for n := unroll / 2; n > 0; n /= 2 {
		skip := label(fmt.Sprintf("no%dOf", n))
		args.Load(scratch)
		TESTQ(I32(int32(n)), args.At(scratch, "k1"))
		JZ(LabelRef(skip))
		t.steps(rows, n)
		Label(skip)
	}

	DECQ(t.taps)
	JNZ(LabelRef(label("tap")))

	t.epilogue(rows)

	SUBQ(Imm(uint64(t.group)), t.panels)
	JZ(LabelRef("done"))
	step := 4 * t.group * t.width
	emit.Add(step, t.bias)
	emit.Add(step, t.c)
	emit.Add(step, t.residual)
	args.Load(p)
	MOVQ(args.At(p, "aStep"), reg.RBX)
	ADDQ(reg.RBX, t.base)
	JMP(LabelRef(label("panel")))
}

// spreads reports whether a turn asks for the next calls' weights step by step: they come
// from memory, and all at once they keep what the turn itself reads waiting. It takes a
// register, which a tile of all rows has not.
func (t *tile) spreads(rows int) bool { return rows <= len(rowRegs) }

// fetch asks for what is needed later: for the second-level cache, what the next calls
// read of B; two rows of the residual, or of C, which the epilogue meets all at once: eight
// turns ask for all. Which rows follows from the counts, so that nothing else has to be
// counted: the rows of a tap with two turns are not those of the next.
func (t *tile) fetch(rows int) {
	if !t.spreads(rows) {
		MOVQ(t.next, scratch)
		for line := range unroll / 2 {
			PREFETCHT1(Mem{Base: scratch, Disp: 64 * line})
		}
	}
	ADDQ(t.nextStep, scratch)
	MOVQ(scratch, t.next)

	MOVQ(t.count, scratch)
	ADDQ(t.taps, scratch)
	ADDQ(t.taps, scratch)
	ANDQ(Imm(half-1), scratch)
	IMULQ(t.ldr, scratch)
	ADDQ(t.residual, scratch)
	for first := 0; first < rows; first += half {
		if first > 0 {
			ADDQ(t.ldrHalf, scratch)
		}
		for at := 0; at < 4*t.width; at += 64 {
			PREFETCHT0(Mem{Base: scratch, Disp: at})
		}
	}
}

// groupPointers sets the pointers into the weights of a group's panels: the first
// follows the last of the group before.
func (t *tile) groupPointers() {
	if t.group == 1 {
		return
	}
	p, size := reg.RAX, reg.RBX
	first := LabelRef(t.label(1, "first"))
	args.Load(p)
	MOVQ(args.At(p, "k8"), size)
	SHLQ(Imm(3), size)
	ADDQ(args.At(p, "k1"), size)
	IMULQ(args.At(p, "taps"), size)
	IMUL3Q(U32(uint32(4*t.width)), size, size)
	MOVQ(args.At(p, "panels"), p)
	CMPQ(p, t.panels)
	JEQ(first)
	MOVQ(bRegs[t.group-1], bRegs[0])
	Label(string(first))
	for g := 1; g < t.group; g++ {
		LEAQ(Mem{Base: bRegs[g-1], Index: size, Scale: 1}, bRegs[g])
	}
}

// groupSteps is steps for a group of panels, whose one row is in rowRegs[0].
func (t *tile) groupSteps(n int) {
	x := t.V[t.vectors():]
	nv := t.width / t.Lanes
	for k := range n {
		x := x[k%len(x)]
		VBROADCASTSS(Mem{Base: rowRegs[0], Disp: 4 * k}, x)
		for g, b := range bRegs[:t.group] {
			for j := range nv {
				m := Mem{Base: b, Disp: (k*nv + j) * t.Bytes()}
				VFMADD231PS(m, x, t.acc(0, g*nv+j))
				if m.Disp%64 == 0 {
					PREFETCHT0(m.Offset(groupAhead))
				}
			}
		}
	}
	emit.Add(4*n, rowRegs[0])
	for _, b := range bRegs[:t.group] {
		emit.Add(4*n*t.width, b)
	}
}

// steps is n steps of k; pointers advance behind them.
func (t *tile) steps(rows, n int) {
	if t.group > 1 {
		t.groupSteps(n)
		return
	}
	nv := t.vectors()
	spare := t.V[rows*nv:]
	b, tmp := spare[:nv], spare[nv:min(nv+4, len(spare))]
	if rows > len(rowRegs) {
		MOVQ(t.lastRow, scratch)
	}
	spread := n == unroll && t.spreads(rows)
	if spread {
		MOVQ(t.next, scratch)
	}
	for k := range n {
		if spread && k%2 == 1 {
			PREFETCHT1(Mem{Base: scratch, Disp: 64 * (k / 2)})
		}
		for j := range nv {
			m := Mem{Base: bRegs[0], Disp: (k*nv + j) * t.Bytes()}
			VMOVUPS(m, b[j])
			if m.Disp%64 == 0 {
				PREFETCHT0(m.Offset(ahead))
			}
		}
		for r := range rows {
			m := Mem{Base: scratch, Disp: 4 * k}
			if r < len(rowRegs) {
				m.Base = rowRegs[r]
			}
			if nv == 1 && t.Is512() {
				VFMADD231PS_BCST(m, b[0], t.acc(r, 0))
				continue
			}
			x := tmp[r%len(tmp)]
			VBROADCASTSS(m, x)
			for j := range nv {
				VFMADD231PS(x, b[j], t.acc(r, j))
			}
		}
	}
	for r := range min(rows, len(rowRegs)) {
		emit.Add(4*n, rowRegs[r])
	}
	if rows > len(rowRegs) {
		emit.Add(4*n, scratch)
		MOVQ(scratch, t.lastRow)
	}
	emit.Add(4*n*t.width, bRegs[0])
}
