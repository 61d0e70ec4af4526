// Command winograd writes the kernels of package winograd.
//
//	go run ./winograd -out ../winograd/kernel_amd64.s -stubs ../winograd/kernel_amd64.go -pkg winograd
//
// A transform multiplies a matrix of vectors from both sides. Its rows are made two at a
// time, those two that need the same rows of the source or none in common: at most twelve
// vectors, for which even AVX2 has registers. Then columns follow without a detour through
// memory. Some rows of the source are read more than once; stores would take longer.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/_asm/emit"
	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/_asm/vmath"
)

type V = vmath.V

// variant is what the two algorithms differ in: their matrices.
type variant struct {
	name string // as functions have it
	side int    // of a tile of the input

	inputPairs  []pair // the last has row 0
	inputRow    func(f *function, x []V, store func(v V, column int))
	inputPinned []float32 // constants that these need in registers

	outputPairs []pair
	outputRow   func(f *function, x []V) []V // returns the pixels, and leaves the last of x free

	weightsFirst float64   // the first row of G is this and zeros; the last, zeros and one
	weightsPairs []product // the rows between
}

// pair is two rows of a transform, and what makes their elements a and b of one column of
// the source, whose elements are at(r). It may exchange registers, also with the spare s.
type pair struct {
	rows [2]int
	make func(f *function, at func(r int) Mem, a, b, s *V, mask Op)
}

// The argument structs of the package.
var (
	inputArgs  = emit.Struct("inputArgs", "src", "offsets", "dst", "pitch", "channels")
	outputArgs = emit.Struct("outputArgs", "src", "pitch", "dst", "dstLine", "dstPitch", "residual", "residualLine", "residualPitch",
		"rows", "cols", "channels", "clamp", "lo")
	weightsArgs = emit.Struct("weightsArgs", "src", "srcStep", "dst", "dstStep", "n")
)

// General registers.
var (
	row    = &vmath.Row{At: reg.RAX, N: reg.RBX, Last: reg.RCX, LastN: reg.RDX}
	params = reg.R15
	src    = reg.RSI
	dst    = reg.RDI
	from   = reg.R8 // places in the source and the destination
	to     = reg.R9
	step   = reg.R10
	step3  = reg.R11 // three times step
	step5  = reg.R12
)

// function is a kernel under construction.
type function struct {
	*vmath.Machine
	*variant
	a, b  []V // the two rows that are being made
	spare V
}

func main() {
	ConstraintExpr("!purego")
	table := vmath.NewTable()
	for _, isa := range []*emit.ISA{emit.AVX512, emit.AVX2} {
		for _, v := range []*variant{f2x2, f4x4} {
			begin(isa, v, table, inputArgs, "input", "an Input's Bᵀ d B").input()
			begin(isa, v, table, outputArgs, "output", "an Output's Aᵀ m A and what follows it").output()
			weights(isa, v)
		}
	}
	table.Emit()
	emitFactors()
	Generate()
}

func begin(isa *emit.ISA, v *variant, table *vmath.Table, args *emit.Args, name, what string) *function {
	f := &function{Machine: vmath.New(isa, 1, table), variant: v}
	for range v.side {
		f.a, f.b = append(f.a, f.Reg()), append(f.b, f.Reg())
	}
	f.spare = f.Reg()
	name += v.name + isa.Name
	args.Func(name, name+" is "+what+".")
	args.Load(params)
	MOVQ(args.At(params, "src"), src)
	MOVQ(args.At(params, "dst"), dst)
	MOVQ(args.At(params, "channels"), row.N)
	SHLQ(Imm(2), row.N)
	f.Bound(row)
	return f
}

// multiples sets step3 and step5.
func multiples() {
	LEAQ(Mem{Base: step, Index: step, Scale: 2}, step3)
	LEAQ(Mem{Base: step, Index: step, Scale: 4}, step5)
}

// at is i steps, at most five, from a register.
func at(base reg.Register, i int) Mem {
	switch i {
	case 0:
		return Mem{Base: base}
	case 3:
		return Mem{Base: base, Index: step3, Scale: 1}
	case 5:
		return Mem{Base: base, Index: step5, Scale: 1}
	}
	return Mem{Base: base, Index: step, Scale: uint8(i)}
}

// subtract is v -= m.
func (f *function) subtract(m Mem, v V, mask Op) {
	switch {
	case mask == nil:
		VSUBPS(m, v, v)
	case f.Is512():
		VSUBPS(m, v, mask, v)
	default:
		VMASKMOVPS(m, mask, f.spare)
		VSUBPS(f.spare, v, v)
	}
}

// addTimes is v += k*m, or v -= -k*m.
func (f *function) addTimes(k float32, m Mem, v V, mask Op) {
	op := VFMADD231PS
	if k < 0 {
		k, op = -k, VFNMADD231PS
	}
	switch {
	case mask == nil:
		op(m, f.R(k), v)
	case f.Is512():
		op(m, f.R(k), mask, v)
	default:
		VMASKMOVPS(m, mask, f.spare)
		op(f.spare, f.R(k), v)
	}
}

// input makes the rows of Bᵀ d two by two, and each times B.
func (f *function) input() {
	offsets, line, offset := reg.R13, reg.R14, reg.RBP
	MOVQ(inputArgs.At(params, "offsets"), offsets)
	MOVQ(inputArgs.At(params, "pitch"), step)
	multiples()
	IMUL3Q(Imm(uint64(f.side)), step, line)
	f.Pin(f.inputPinned...)
	f.Walk("vector", row, func(_ int, mask Op) {
		LEAQ(Mem{Base: src, Index: row.At, Scale: 1}, from)
		LEAQ(Mem{Base: dst, Index: row.At, Scale: 1}, to)
		for _, p := range f.inputPairs {
			Commentf("Rows %d and %d.", p.rows[0], p.rows[1])
			for c := range f.side {
				p.make(f, func(r int) Mem {
					MOVQ(Mem{Base: offsets, Disp: 8 * (f.side*r + c)}, offset)
					return Mem{Base: from, Index: offset, Scale: 1}
				}, &f.a[c], &f.b[c], &f.spare, mask)
			}
			for i, x := range [][]V{f.a, f.b} {
				if p.rows[i] == 0 {
					LEAQ(Mem{Base: dst, Index: row.At, Scale: 1}, to)
				} else {
					ADDQ(line, to)
				}
				f.inputRow(f, x, func(v V, column int) { VMOVUPS(v, at(to, column)) })
			}
		}
	})
	VZEROUPPER()
	RET()
}

// output makes the rows of Aᵀ m two by two, and each times A.
func (f *function) output() {
	MOVQ(outputArgs.At(params, "pitch"), step)
	IMUL3Q(Imm(uint64(f.side)), step, step)
	multiples()
	lo, hi := f.Reg(), f.Reg()
	VBROADCASTSS(outputArgs.At(params, "lo"), lo)
	VBROADCASTSS(outputArgs.At(params, "lo").Offset(4), hi)
	parts := 0 // that were emitted: a full vector, a masked one
	f.Walk("vector", row, func(_ int, mask Op) {
		parts++
		for _, p := range f.outputPairs {
			Commentf("Rows %d and %d.", p.rows[0], p.rows[1])
			for c := range f.side {
				if c == 0 {
					LEAQ(Mem{Base: src, Index: row.At, Scale: 1}, from)
				} else {
					ADDQ(outputArgs.At(params, "pitch"), from)
				}
				p.make(f, func(r int) Mem { return at(from, r) }, &f.a[c], &f.b[c], &f.spare, nil)
			}
			for i, x := range [][]V{f.a, f.b} {
				f.finish(emit.Label("row", parts, p.rows[i]), p.rows[i], x, mask, lo, hi)
			}
		}
	})
	VZEROUPPER()
	RET()
}

// finish makes output row r, if it exists, of a row of Aᵀ m: times A, plus the
// residual, clamped.
func (f *function) finish(label string, r int, x []V, mask Op, lo, hi V) {
	residual, pitch, mode := reg.R13, reg.R14, reg.RBP
	if r > 0 {
		CMPQ(outputArgs.At(params, "rows"), Imm(uint64(r)))
		JLE(LabelRef(label + "End"))
	}
	y, free := f.outputRow(f, x), x[f.side-1]

	// each emits do for the pixels that exist.
	each := func(label, line, pitchArg string, base reg.GPPhysical, do func(v V, m Mem)) {
		ADDQ(row.At, base)
		for range r {
			ADDQ(outputArgs.At(params, line), base)
		}
		MOVQ(outputArgs.At(params, pitchArg), pitch)
		for c, v := range y {
			if c > 0 {
				CMPQ(outputArgs.At(params, "cols"), Imm(uint64(c)))
				JLE(LabelRef(label))
				ADDQ(pitch, base)
			}
			do(v, Mem{Base: base})
		}
		Label(label)
	}

	MOVQ(outputArgs.At(params, "residual"), residual)
	TESTQ(residual, residual)
	JZ(LabelRef(label + "Clamp"))
	each(label+"Clamp", "residualLine", "residualPitch", residual, func(v V, m Mem) {
		switch {
		case mask == nil:
			VADDPS(m, v, v)
		case f.Is512():
			VADDPS(m, v, mask, v)
		default:
			VMASKMOVPS(m, mask, free)
			VADDPS(free, v, v)
		}
	})

	Comment("0: none, 1: from below, 2: on both sides.")
	MOVQ(outputArgs.At(params, "clamp"), mode)
	TESTQ(mode, mode)
	JZ(LabelRef(label + "Store"))
	for _, v := range y {
		emit.Clamp(v, lo, nil)
	}
	DECQ(mode)
	JZ(LabelRef(label + "Store"))
	for _, v := range y {
		emit.Clamp(v, nil, hi)
	}

	Label(label + "Store")
	MOVQ(dst, to)
	each(label+"End", "dstLine", "dstPitch", to, func(v V, m Mem) { f.Store(v, m, mask) })
}
