// Command winograd writes the kernels of package winograd.
//
//	go run ./winograd -out ../winograd/kernel_amd64.s -stubs ../winograd/kernel_amd64.go -pkg winograd
//
// A transform multiplies a matrix of vectors from both sides. Its rows are made two at a
// time, those two that need the same rows of the source or none in common: twelve vectors,
// for which even AVX2 has registers. Then columns follow without a detour through memory.
// Some rows of the source are read more than once; stores would take longer.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/_asm/emit"
	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/_asm/vmath"
)

type V = vmath.V

const (
	side = 6 // of a tile of the input
	out  = 4 // of a tile of the output
)

// The argument structs of the package.
var (
	inputArgs  = emit.Struct("inputArgs", "src", "offsets", "dst", "pitch", "channels")
	outputArgs = emit.Struct("outputArgs", "src", "pitch", "dst", "dstLine", "dstPitch", "residual", "residualLine", "residualPitch",
		"rows", "cols", "channels", "clamp", "bounds")
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
	a, b  [side]V // the two rows that are being made
	spare V
}

func main() {
	ConstraintExpr("!purego")
	table := vmath.NewTable()
	for _, isa := range []*emit.ISA{emit.AVX512, emit.AVX2} {
		begin(isa, table, inputArgs, "input", "an Input's Bᵀ d B").input()
		begin(isa, table, outputArgs, "output", "an Output's Aᵀ m A and what follows it").output()
	}
	table.Emit()
	Generate()
}

func begin(isa *emit.ISA, table *vmath.Table, args *emit.Args, name, what string) *function {
	f := &function{Machine: vmath.New(isa, 1, table)}
	for j := range side {
		f.a[j], f.b[j] = f.Reg(), f.Reg()
	}
	f.spare = f.Reg()
	args.Func(name+isa.Name, name+isa.Name+" is "+what+".")
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

// input makes the rows of Bᵀ d two by two, and each times B, which is alike:
//
//	     4  0 -5  0  1  0
//	     0 -4 -4  1  1  0
//	Bᵀ = 0  4 -4 -1  1  0
//	     0 -2 -1  2  1  0
//	     0  2 -1 -2  1  0
//	     0  4  0 -5  0  1
func (f *function) input() {
	offsets, line, offset := reg.R13, reg.R14, reg.RBP
	MOVQ(inputArgs.At(params, "offsets"), offsets)
	MOVQ(inputArgs.At(params, "pitch"), step)
	multiples()
	LEAQ(Mem{Base: step3, Index: step3, Scale: 1}, line)
	f.Pin(4, 5)
	f.Walk("vector", row, func(_ int, mask Op) {
		LEAQ(Mem{Base: src, Index: row.At, Scale: 1}, from)
		LEAQ(Mem{Base: dst, Index: row.At, Scale: 1}, to)
		pixel := func(r, c int) Mem {
			MOVQ(Mem{Base: offsets, Disp: 8 * (side*r + c)}, offset)
			return Mem{Base: from, Index: offset, Scale: 1}
		}

		Comment("Rows 1 and 2.")
		for c := range side {
			a, b, s := &f.a[c], &f.b[c], &f.spare
			f.Load(pixel(4, c), *a, mask)
			f.addTimes(-4, pixel(2, c), *a, mask)
			f.Load(pixel(3, c), *b, mask)
			f.addTimes(-4, pixel(1, c), *b, mask)
			VADDPS(*b, *a, *s)
			VSUBPS(*b, *a, *b)
			*a, *s = *s, *a
		}
		ADDQ(line, to)
		f.inputRow(f.a)
		ADDQ(line, to)
		f.inputRow(f.b)

		Comment("Rows 3 and 4.")
		for c := range side {
			a, b, s := &f.a[c], &f.b[c], &f.spare
			f.Load(pixel(4, c), *a, mask)
			f.subtract(pixel(2, c), *a, mask)
			f.Load(pixel(3, c), *b, mask)
			f.subtract(pixel(1, c), *b, mask)
			VMOVAPS(*a, *s)
			VFMADD231PS(f.K(2), *b, *s)
			VFNMADD231PS(f.K(2), *b, *a)
			*a, *b, *s = *s, *a, *b
		}
		ADDQ(line, to)
		f.inputRow(f.a)
		ADDQ(line, to)
		f.inputRow(f.b)

		Comment("Rows 5 and 0.")
		for c := range side {
			for _, v := range []struct {
				V
				r int
			}{{f.a[c], 5}, {f.b[c], 4}} {
				f.Load(pixel(v.r, c), v.V, mask)
				f.addTimes(-5, pixel(v.r-2, c), v.V, mask)
				f.addTimes(4, pixel(v.r-4, c), v.V, mask)
			}
		}
		ADDQ(line, to)
		f.inputRow(f.a)
		LEAQ(Mem{Base: dst, Index: row.At, Scale: 1}, to)
		f.inputRow(f.b)
	})
	VZEROUPPER()
	RET()
}

// inputRow stores a row times B.
func (f *function) inputRow(x [side]V) {
	store := func(v V, c int) { VMOVUPS(v, at(to, c)) }
	s := f.spare

	VMOVAPS(x[4], s)
	VFNMADD231PS(f.K(5), x[2], s)
	VFMADD231PS(f.K(4), x[0], s)
	store(s, 0)
	VFNMADD231PS(f.K(5), x[3], x[5])
	VFMADD231PS(f.K(4), x[1], x[5])
	store(x[5], 5)

	VMOVAPS(x[4], x[0])
	VFNMADD231PS(f.K(4), x[2], x[0])
	VMOVAPS(x[3], x[5])
	VFNMADD231PS(f.K(4), x[1], x[5])
	VADDPS(x[5], x[0], s)
	store(s, 1)
	VSUBPS(x[5], x[0], x[0])
	store(x[0], 2)

	VSUBPS(x[2], x[4], x[4])
	VSUBPS(x[1], x[3], x[3])
	VMOVAPS(x[4], x[5])
	VFMADD231PS(f.K(2), x[3], x[5])
	store(x[5], 3)
	VFNMADD231PS(f.K(2), x[3], x[4])
	store(x[4], 4)
}

// output makes the rows of Aᵀ m two by two, and each times A, which is alike:
//
//	     1  1  1  1  1  0
//	Aᵀ = 0  1 -1  2 -2  0
//	     0  1  1  4  4  0
//	     0  1 -1  8 -8  1
func (f *function) output() {
	MOVQ(outputArgs.At(params, "pitch"), step)
	LEAQ(Mem{Base: step, Index: step, Scale: 2}, step)
	ADDQ(step, step)
	multiples()
	lo, hi := f.Reg(), f.Reg()
	VBROADCASTSS(outputArgs.At(params, "bounds"), lo)
	VBROADCASTSS(outputArgs.At(params, "bounds").Offset(4), hi)
	parts := 0 // that were emitted: a full vector, a masked one
	f.Walk("vector", row, func(_ int, mask Op) {
		parts++
		column := func(c int) {
			if c == 0 {
				LEAQ(Mem{Base: src, Index: row.At, Scale: 1}, from)
			} else {
				ADDQ(outputArgs.At(params, "pitch"), from)
			}
		}
		Comment("Rows 0 and 2.")
		for c := range side {
			column(c)
			a, b, s := &f.a[c], &f.b[c], &f.spare
			VMOVUPS(at(from, 1), *b)
			VADDPS(at(from, 2), *b, *b)
			VMOVUPS(at(from, 3), *s)
			VADDPS(at(from, 4), *s, *s)
			VADDPS(at(from, 0), *b, *a)
			VADDPS(*s, *a, *a)
			VFMADD231PS(f.K(4), *s, *b)
		}
		f.outputRow(emit.Label("row", parts, 0), 0, f.a, mask, lo, hi)
		f.outputRow(emit.Label("row", parts, 2), 2, f.b, mask, lo, hi)

		Comment("Rows 1 and 3.")
		for c := range side {
			column(c)
			a, b, s := &f.a[c], &f.b[c], &f.spare
			VMOVUPS(at(from, 1), *a)
			VSUBPS(at(from, 2), *a, *a)
			VMOVUPS(at(from, 3), *s)
			VSUBPS(at(from, 4), *s, *s)
			VADDPS(at(from, 5), *a, *b)
			VFMADD231PS(f.K(2), *s, *a)
			VFMADD231PS(f.K(8), *s, *b)
		}
		f.outputRow(emit.Label("row", parts, 1), 1, f.a, mask, lo, hi)
		f.outputRow(emit.Label("row", parts, 3), 3, f.b, mask, lo, hi)
	})
	VZEROUPPER()
	RET()
}

// outputRow makes output row r, if it exists, of a row of Aᵀ m: times A, plus the
// residual, clamped.
func (f *function) outputRow(label string, r int, x [side]V, mask Op, lo, hi V) {
	residual, pitch, mode := reg.R13, reg.R14, reg.RBP
	if r > 0 {
		CMPQ(outputArgs.At(params, "rows"), Imm(uint64(r)))
		JLE(LabelRef(label + "End"))
	}

	s := f.spare
	VADDPS(x[2], x[1], s)
	VSUBPS(x[2], x[1], x[1])
	VADDPS(x[4], x[3], x[2])
	VSUBPS(x[4], x[3], x[3])
	VADDPS(s, x[0], x[0])
	VADDPS(x[2], x[0], x[0])
	VFMADD231PS(f.K(4), x[2], s)
	VMOVAPS(x[1], x[4])
	VFMADD231PS(f.K(2), x[3], x[4])
	VADDPS(x[5], x[1], x[1])
	VFMADD231PS(f.K(8), x[3], x[1])
	y := [out]V{x[0], x[4], s, x[1]}

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
			VMASKMOVPS(m, mask, x[5])
			VADDPS(x[5], v, v)
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
