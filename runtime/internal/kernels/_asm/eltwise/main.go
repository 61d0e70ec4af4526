// Command eltwise writes the kernels of package eltwise.
//
//	go run ./eltwise -out ../eltwise/kernel_amd64.s -stubs ../eltwise/kernel_amd64.go -pkg eltwise
//
// Each walks along one row after the other.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/_asm/emit"
	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/_asm/vmath"
)

type V = vmath.V

// each is vmath.Each.
var each = vmath.Each

// args is eltwise.args.
var args = emit.Struct("args", "dst", "a", "b", "c", "rows", "n", "dstPitch", "aPitch", "bPitch", "lo")

var table *vmath.Table

// kernel is one function: dst = f(a, b, c), row by row. b, if it is there, has a pitch of
// its own; c is the same row every time.
type kernel struct {
	name, doc string
	operands  int  // 1 to 3
	bounds    bool // lo and hi are used
	side      int  // vectors side by side in 512 bits; half as many in 256
	temps     int  // registers a vector that the function needs besides the operands
	// pin pins constants.
	pin func(f *function)
	// function computes x from the vectors x[0], x[1], x[2] of a, b, c to x[0], or returns
	// the registers where the result is.
	function func(f *function, x, temps [][]V) []V
}

// function is a kernel for one instruction set.
type function struct {
	*kernel
	*vmath.Machine
	lo, hi   V
	x, temps [][]V
	normal   *integral // of gelu
}

// General registers.
var (
	dst    = reg.RDI
	srcs   = []reg.GPPhysical{reg.RSI, reg.RDX, reg.RCX}
	row    = &vmath.Row{At: reg.RAX, N: reg.RBX, Last: reg.R8, LastN: reg.R9}
	rows   = reg.R10
	dstGap = reg.R11
	gaps   = []reg.GPPhysical{reg.R12, reg.R13}
)

func main() {
	ConstraintExpr("!purego")
	table = vmath.NewTable()
	for _, k := range kernels {
		for _, isa := range []*emit.ISA{emit.AVX512, emit.AVX2} {
			k.emit(isa)
		}
	}
	table.Emit()
	Generate()
}

func (k *kernel) emit(isa *emit.ISA) {
	side := k.side
	if !isa.Is512() {
		side = max(1, side/2)
	}
	f := &function{kernel: k, Machine: vmath.New(isa, side, table)}
	args.Func(k.name+isa.Name, k.name+isa.Name+" is "+k.doc)
	p := reg.R15
	args.Load(p)
	MOVQ(args.At(p, "n"), row.N)
	f.Bound(row)
	if k.bounds {
		f.lo, f.hi = f.Reg(), f.Reg()
		bounds := args.At(p, "lo")
		VBROADCASTSS(bounds, f.lo)
		VBROADCASTSS(bounds.Offset(4), f.hi)
	}
	for range k.operands {
		f.x = append(f.x, f.Regs())
	}
	for range k.temps {
		f.temps = append(f.temps, f.Regs())
	}
	if k.pin != nil {
		k.pin(f)
	}
	MOVQ(args.At(p, "rows"), rows)
	MOVQ(args.At(p, "dst"), dst)
	MOVQ(args.At(p, "dstPitch"), dstGap)
	for i, s := range srcs[:k.operands] {
		MOVQ(args.At(p, string("abc"[i])), s)
		if i < len(gaps) {
			MOVQ(args.At(p, string("ab"[i])+"Pitch"), gaps[i])
		}
	}

	Label("row")
	f.Walk("row", row, f.step)
	ADDQ(dstGap, dst)
	for i, s := range srcs[:k.operands] {
		if i < len(gaps) {
			ADDQ(gaps[i], s)
		}
	}
	DECQ(rows)
	JNE(LabelRef("row"))
	VZEROUPPER()
	RET()
}

// step loads, computes and stores side vectors, under a mask if there is one.
func (f *function) step(side int, mask Op) {
	x := first(f.x, side)
	for i, v := range x {
		each(v, func(j int) { f.Load(f.Vector(srcs[i], row, j), v[j], mask) })
	}
	result := f.function(f, x, first(f.temps, side))
	each(result, func(j int) { f.Store(result[j], f.Vector(dst, row, j), mask) })
}

// first returns the first n of the vectors side by side, of each operand.
func first(v [][]V, n int) [][]V {
	out := make([][]V, len(v))
	for i := range v {
		out[i] = v[i][:n]
	}
	return out
}

// clamp is x = min(max(x, lo), hi); x is the second source, so that NaN stays.
func (f *function) clamp(x []V) {
	each(x, func(i int) { VMAXPS(x[i], f.lo, x[i]) })
	each(x, func(i int) { VMINPS(x[i], f.hi, x[i]) })
}

var kernels = []*kernel{
	{
		name: "clamp", doc: "dst[i][j] = min(max(a[i][j], lo), hi).",
		operands: 1, bounds: true, side: 4,
		function: func(f *function, x, _ [][]V) []V {
			f.clamp(x[0])
			return x[0]
		},
	},
	{
		name: "add", doc: "dst[i][j] = min(max(a[i][j] + b[i][j], lo), hi).",
		operands: 2, bounds: true, side: 4,
		function: func(f *function, x, _ [][]V) []V {
			each(x[0], func(i int) { VADDPS(x[1][i], x[0][i], x[0][i]) })
			f.clamp(x[0])
			return x[0]
		},
	},
	{
		name: "mul", doc: "dst[i][j] = a[i][j] * b[i][j].",
		operands: 2, side: 4,
		function: func(f *function, x, _ [][]V) []V {
			each(x[0], func(i int) { VMULPS(x[1][i], x[0][i], x[0][i]) })
			return x[0]
		},
	},
	{
		name: "affine", doc: "dst[i][j] = min(max(a[i][j]*b[i][j] + c[j], lo), hi).",
		operands: 3, bounds: true, side: 4,
		function: func(f *function, x, _ [][]V) []V {
			each(x[0], func(i int) { VFMADD213PS(x[2][i], x[1][i], x[0][i]) })
			f.clamp(x[0])
			return x[0]
		},
	},
	{
		name: "leakyReLU", doc: "dst[i][j] = a[i][j] < 0 ? a[i][j]*lo : a[i][j].",
		operands: 1, bounds: true, side: 4, temps: 1,
		function: func(f *function, x, t [][]V) []V {
			f.ScaleNegative(x[0], f.lo, t[0])
			return x[0]
		},
	},
	{
		name: "hardSigmoid", doc: "dst[i][j] = min(max(a[i][j]+3, 0), 6) / 6.",
		operands: 1, side: 4,
		pin: func(f *function) { f.Pin(0, 6, 3, 1.0/6) },
		function: func(f *function, x, _ [][]V) []V {
			f.sixClamp(x[0], x[0])
			each(x[0], func(i int) { VMULPS(f.K(1.0/6), x[0][i], x[0][i]) })
			return x[0]
		},
	},
	{
		name: "hardSwish", doc: "dst[i][j] = a[i][j] * (min(max(a[i][j]+3, 0), 6) / 6).",
		operands: 1, side: 4, temps: 1,
		pin: func(f *function) { f.Pin(0, 6, 3, 1.0/6) },
		function: func(f *function, x, t [][]V) []V {
			f.sixClamp(t[0], x[0])
			each(x[0], func(i int) { VMULPS(f.K(1.0/6), t[0][i], t[0][i]) })
			each(x[0], func(i int) { VMULPS(t[0][i], x[0][i], x[0][i]) })
			return x[0]
		},
	},
	{
		name: "sigmoid", doc: "dst[i][j] = 1 / (1 + exp(-a[i][j])).",
		operands: 1, side: 4, temps: 4,
		pin: func(f *function) { f.PinSigmoid() },
		function: func(f *function, x, t [][]V) []V {
			return f.Sigmoid(x[0], t[0], t[1], t[2], t[3])
		},
	},
	{
		name: "silu", doc: "dst[i][j] = a[i][j] / (1 + exp(-a[i][j])).",
		operands: 1, side: 4, temps: 4,
		pin: func(f *function) { f.PinSigmoid() },
		function: func(f *function, x, t [][]V) []V {
			s := f.SigmoidFactor(x[0], t[0], t[1], t[2], t[3])
			each(s, func(i int) { VMULPS(s[i], x[0][i], x[0][i]) })
			return x[0]
		},
	},
	{
		name: "tanh", doc: "dst[i][j] = tanh(a[i][j]).",
		operands: 1, side: 2, temps: 4,
		pin: func(f *function) {
			f.Pin(1, tanhSmall, vmath.SignBit)
			f.Pin(f.ExpConstants()...)
			f.Pin(tanhPoly...)
		},
		function: (*function).tanh,
	},
	{
		name: "gelu", doc: "dst[i][j] = a[i][j] * (1 + erf(a[i][j]/sqrt(2))) / 2.",
		operands: 1, side: 2, temps: 5,
		pin:      (*function).pinGELU,
		function: (*function).gelu,
	},
	{
		name: "geluTanh", doc: "dst[i][j] = a[i][j] / (1 + exp(-2*sqrt(2/pi)*(a[i][j] + 0.044715*a[i][j]^3))).",
		operands: 1, side: 4, temps: 5,
		pin: func(f *function) {
			f.PinSigmoid()
			f.Pin(geluTanhLinear, geluTanhCubic)
		},
		function: func(f *function, x, t [][]V) []V {
			z := t[4]
			each(z, func(i int) { VMULPS(x[0][i], x[0][i], z[i]) })
			each(z, func(i int) { VMOVUPS(f.K(geluTanhCubic), t[0][i]) })
			each(z, func(i int) { VFMADD213PS(f.K(geluTanhLinear), t[0][i], z[i]) })
			each(z, func(i int) { VMULPS(x[0][i], z[i], z[i]) })
			s := f.SigmoidFactor(z, t[0], t[1], t[2], t[3])
			each(s, func(i int) { VMULPS(s[i], x[0][i], x[0][i]) })
			return x[0]
		},
	},
}

// sixClamp is t = min(max(x+3, 0), 6).
func (f *function) sixClamp(t, x []V) {
	each(x, func(i int) { VADDPS(f.K(3), x[i], t[i]) })
	each(x, func(i int) { VMAXPS(t[i], f.R(0), t[i]) })
	each(x, func(i int) { VMINPS(t[i], f.R(6), t[i]) })
}

const (
	geluTanhLinear = float32(2 * 0.7978845608028654) // 2*sqrt(2/pi)
	geluTanhCubic  = float32(2 * 0.7978845608028654 * 0.044715)
)

// tanhPoly approximates tanh(x)/x in x^2 for |x| < tanhSmall, where 1 - exp(-2|x|) would
// cancel.
var tanhPoly = []float32{1, -0.33333308, 0.1333236, -0.053831898, 0.020993667, -0.006168142}

const tanhSmall = float32(0.55)

// tanh is (1-e) / (1+e) with e = exp(-2|x|) and the sign of x; a polynomial near 0.
func (f *function) tanh(x, temps [][]V) []V {
	y, t, u, w, s := x[0], temps[0], temps[1], temps[2], temps[3]
	each(y, func(i int) { VORPS(f.K(vmath.SignBit), y[i], t[i]) })
	each(y, func(i int) { VADDPS(t[i], t[i], t[i]) })
	f.Exp(u, t, w, s)
	each(y, func(i int) { VADDPS(f.K(1), u[i], w[i]) })
	f.Reciprocal(t, w)
	each(y, func(i int) { VSUBPS(u[i], f.R(1), u[i]) })
	each(y, func(i int) { VMULPS(t[i], u[i], u[i]) })
	each(y, func(i int) { VANDPS(f.K(vmath.SignBit), y[i], t[i]) })
	each(y, func(i int) { VORPS(t[i], u[i], u[i]) }) // the result for all but small x

	each(y, func(i int) { VMULPS(y[i], y[i], s[i]) })
	f.Horner(w, s, tanhPoly)
	each(y, func(i int) { VMULPS(y[i], w[i], w[i]) }) // for small x
	each(y, func(i int) { VXORPS(y[i], t[i], t[i]) }) // |x|
	f.SelectLess(u, t, tanhSmall, w)
	return u
}
