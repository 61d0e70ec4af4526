package main

import (
	"math"
	"slices"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/_asm/emit"
)

// factors are the constants of the weights' transform.
var factors = []float64{1. / 2, 1. / 4, 1. / 6, -1. / 6, 1. / 12, 1. / 24}

const factorTable = "factors"

// emitFactors declares them, each as a vector.
func emitFactors() {
	GLOBL(factorTable, attr.RODATA|attr.NOPTR)
	for i, v := range factors {
		for j := range 8 {
			DATA(64*i+8*j, U64(math.Float64bits(v)))
		}
	}
}

// times is v = x*factor.
func times(factor float64, x, v V) {
	if factor == 1 {
		VMOVAPD(x, v)
		return
	}
	i := slices.Index(factors, factor)
	VMULPD(NewDataAddr(NewStaticSymbol(factorTable), 64*i), x, v)
}

// product is two elements p and q of G times a column x. It changes s.
type product func(x [3]V, p, q, s V)

// weights makes the rows of G g Gᵀ, those between the first and the last in pairs. It
// multiplies and adds as plain Go does, so that all instruction sets have the same weights.
// A vector of float64 has half as many kernels as one of float32.
func weights(isa *emit.ISA, v *variant) {
	name := "weights" + v.name + isa.Name
	weightsArgs.Func(name, name+" is the assembly of Weights.")
	left, line, srcStep, srcLine := reg.RAX, reg.R13, reg.R14, reg.RBX
	taps := [3]reg.Register{src, reg.RCX, reg.RDX} // the first of each row
	weightsArgs.Load(params)
	MOVQ(weightsArgs.At(params, "src"), src)
	MOVQ(weightsArgs.At(params, "srcStep"), srcStep)
	MOVQ(weightsArgs.At(params, "dst"), dst)
	MOVQ(weightsArgs.At(params, "dstStep"), step)
	MOVQ(weightsArgs.At(params, "n"), left)
	LEAQ(Mem{Base: srcStep, Index: srcStep, Scale: 2}, srcLine)
	LEAQ(Mem{Base: taps[0], Index: srcLine, Scale: 1}, taps[1])
	LEAQ(Mem{Base: taps[1], Index: srcLine, Scale: 1}, taps[2])
	multiples()
	IMUL3Q(Imm(uint64(v.side)), step, line)

	var a, b, g [3]V // two rows of G g; a column of g
	for c := range a {
		a[c], b[c], g[c] = isa.V[c], isa.V[3+c], isa.V[6+c]
	}
	p, q, s := isa.V[9], isa.V[10], isa.V[11]
	load := func(row, column int) {
		m := Mem{Base: taps[row]}
		if column > 0 {
			m.Index, m.Scale = srcStep, uint8(column)
		}
		VCVTPS2PD(m, g[row])
	}
	// store stores a row times Gᵀ and goes on to the next.
	store := func(x [3]V) {
		element := func(v V, i int) {
			if isa.Is512() {
				VCVTPD2PS(v, s.AsY())
				VMOVUPS(s.AsY(), at(to, i))
			} else {
				VCVTPD2PSY(v, s.AsX())
				VMOVUPS(s.AsX(), at(to, i))
			}
		}
		times(v.weightsFirst, x[0], p)
		element(p, 0)
		for i, product := range v.weightsPairs {
			product(x, p, q, s)
			element(p, 1+2*i)
			element(q, 2+2*i)
		}
		element(x[2], v.side-1)
		ADDQ(line, to)
	}

	Label("vector")
	MOVQ(dst, to)
	Comment("Row 0.")
	for c := range 3 {
		load(0, c)
		times(v.weightsFirst, g[0], a[c])
	}
	store(a)
	for i, product := range v.weightsPairs {
		Commentf("Rows %d and %d.", 1+2*i, 2+2*i)
		for c := range 3 {
			for r := range 3 {
				load(r, c)
			}
			product(g, a[c], b[c], s)
		}
		store(a)
		store(b)
	}
	Commentf("Row %d.", v.side-1)
	for c := range 3 {
		load(2, c)
		VMOVAPD(g[2], a[c])
	}
	store(a)

	for _, base := range []reg.Register{taps[0], taps[1], taps[2], dst} {
		emit.Add(isa.Bytes()/2, base)
	}
	SUBQ(Imm(uint64(isa.Lanes/2)), left)
	JNZ(LabelRef("vector"))
	VZEROUPPER()
	RET()
}
