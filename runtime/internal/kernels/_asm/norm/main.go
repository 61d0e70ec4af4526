// Command norm writes the kernels of package norm.
//
//	go run ./norm -out ../norm/kernel_amd64.s -stubs ../norm/kernel_amd64.go -pkg norm
//
// Each walks along a row as often as it needs to, then along the next.
package main

import (
	"math"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/_asm/emit"
	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/_asm/vmath"
)

type V = vmath.V

// each is vmath.Each.
var each = vmath.Each

// args is norm.args.
var args = emit.Struct("args", "dst", "src", "weight", "bias", "rows", "n", "dstPitch", "srcPitch",
	"eps", "floats", "first", "size", "k")

// General registers.
var (
	dst    = reg.RDI
	src    = reg.RSI
	row    = &vmath.Row{At: reg.RAX, N: reg.RBX, Last: reg.R8, LastN: reg.R9}
	rows   = reg.R10
	params = reg.R15
)

// function is a kernel for one instruction set.
type function struct{ *vmath.Machine }

func main() {
	ConstraintExpr("!purego")
	table := vmath.NewTable()
	lanes := GLOBL("lanes", attr.RODATA|attr.NOPTR)
	for i := range 16 {
		DATA(4*i, U32(uint32(i)))
	}
	for _, isa := range []*emit.ISA{emit.AVX512, emit.AVX2} {
		several := 4
		if !isa.Is512() {
			several = 2
		}
		begin := func(name, doc string, side int) *function {
			f := &function{vmath.New(isa, side, table)}
			args.Func(name+isa.Name, name+isa.Name+" is "+doc)
			args.Load(params)
			MOVQ(args.At(params, "n"), row.N)
			f.Bound(row)
			MOVQ(args.At(params, "dst"), dst)
			MOVQ(args.At(params, "src"), src)
			MOVQ(args.At(params, "rows"), rows)
			return f
		}
		begin("layer", "dst[i][j] = (src[i][j] - mean) / sqrt(variance + eps) * weight[j] + bias[j].", 1).layer()
		begin("softmax", "dst[i][j] = exp(src[i][j] - max) / sum of exp(src[i][k] - max).", several).softmax()
		begin("lrn", "dst[i][j] = src[i][j] / (k + scale * sum of src[i][j+first+l]^2, l < size)^0.75, where there is no src outside of the row.", 1).lrn(lanes)
	}
	table.Emit()
	Generate()
}

// eachRow emits body for one row after the other, and the end of the function.
func (f *function) eachRow(body func()) {
	Label("row")
	body()
	ADDQ(args.At(params, "dstPitch"), dst)
	ADDQ(args.At(params, "srcPitch"), src)
	DECQ(rows)
	JNE(LabelRef("row"))
	VZEROUPPER()
	RET()
}

// load loads the vectors side by side of a row to x.
func (f *function) load(from reg.Register, x []V, mask Op) {
	each(x, func(j int) { f.Load(f.Vector(from, row, j), x[j], mask) })
}

func (f *function) store(x []V, mask Op) {
	each(x, func(j int) { f.Store(x[j], f.Vector(dst, row, j), mask) })
}

var lowest = float32(math.Inf(-1))

// softmax walks along each row for its maximum, to write the exponentials and add them up,
// and to scale them.
func (f *function) softmax() {
	x, t, u, w, s := f.Regs(), f.Regs(), f.Regs(), f.Regs(), f.Regs()
	sum, top := f.Regs(), f.Reg()
	f.Pin(f.ExpConstants()...)

	f.eachRow(func() {
		best := sum
		VMOVUPS(f.K(lowest), top)
		each(best, func(j int) { VMOVAPS(top, best[j]) })
		f.Walk("max", row, func(side int, mask Op) {
			f.load(src, x[:side], mask)
			each(x[:side], func(j int) { f.Fill(x[j], top, mask) })
			each(x[:side], func(j int) { VMAXPS(x[j], best[j], best[j]) })
		})
		f.Reduce(VMAXPS, best, x[0])
		VMOVAPS(best[0], top)

		each(sum, func(j int) { f.Zero(sum[j]) })
		f.Walk("exp", row, func(side int, mask Op) {
			f.load(src, t[:side], mask)
			each(t[:side], func(j int) { VSUBPS(top, t[j], t[j]) })
			f.Exp(u[:side], t[:side], w[:side], s[:side])
			each(u[:side], func(j int) { f.Keep(u[j], mask) })
			each(u[:side], func(j int) { VADDPS(u[j], sum[j], sum[j]) })
			f.store(u[:side], mask)
		})
		f.Reduce(VADDPS, sum, x[0])

		f.Walk("scale", row, func(side int, mask Op) {
			f.load(dst, x[:side], mask)
			each(x[:side], func(j int) { VDIVPS(sum[0], x[j], x[j]) })
			f.store(x[:side], mask)
		})
	})
}

// lrn takes a vector at a time. For each of the neighbours it loads the vector that begins
// there, under a mask of what lies in the row.
func (f *function) lrn(lanes Mem) {
	from, left := reg.RCX, reg.RDX
	x, sum, r, t := f.Reg(), f.Reg(), f.Reg(), f.Reg()
	k, scale, first, block, index, end := f.Reg(), f.Reg(), f.Reg(), f.Reg(), f.Reg(), f.Reg()
	f.Pin(1, 0.5, math.MaxFloat32)
	VBROADCASTSS(args.At(params, "k"), k)
	VBROADCASTSS(args.At(params, "k").Offset(4), scale)
	// Lanes count the floats of the row that they come from; those from 0 to n exist.
	VPBROADCASTD(args.At(params, "first"), first)
	VPADDD(lanes, first, first)
	VPBROADCASTD(args.At(params, "floats"), end)
	one, vector := integer(1), integer(f.Lanes)

	blocks := 0
	f.eachRow(func() {
		VMOVAPS(first, block)
		f.Walk("block", row, func(_ int, mask Op) {
			MOVQ(args.At(params, "first"), from)
			LEAQ(Mem{Base: src, Index: from, Scale: 4}, from)
			ADDQ(row.At, from)
			MOVQ(args.At(params, "size"), left)
			VMOVAPS(block, index)
			f.Zero(sum)

			blocks++
			label := emit.Label("neighbour", blocks)
			Label(label)
			f.loadInside(Mem{Base: from}, x, index, end, t)
			VFMADD231PS(x, x, sum)
			VPADDD(f.K(one), index, index)
			emit.Add(4, from)
			DECQ(left)
			JNE(LabelRef(label))
			VPADDD(f.K(vector), block, block)

			base := sum
			VFMADD213PS(k, scale, base)
			f.Load(f.Vector(src, row, 0), x, mask)
			if f.Is512() {
				VMINPS(base, f.R(math.MaxFloat32), base) // what is infinite would become NaN
				f.inverseRoot(r, base, t)                // base^-1/2
				f.inverseRoot(base, r, t)                // base^1/4
				VMULPS(r, r, r)
				VMULPS(r, base, base)
				VMULPS(base, x, x)
			} else {
				VSQRTPS(base, r)
				VSQRTPS(r, t)
				VMULPS(t, r, r)
				VDIVPS(r, x, x)
			}
			f.Store(x, f.Vector(dst, row, 0), mask)
		})
	})
}

// loadInside loads the lanes whose index is from 0 to end; zeros otherwise.
func (f *function) loadInside(from Mem, to, index, end, t V) {
	if f.Is512() {
		VPCMPUD(U8(1), end, index, reg.K2) // less
		VMOVUPS_Z(from, reg.K2, to)
		return
	}
	VPCMPGTD(index, end, to)
	VPSRAD(U8(31), index, t) // ones where it is negative
	VPANDN(to, t, t)
	VMASKMOVPS(from, t, to)
}

// inverseRoot is r = 1/sqrt(x): an estimate of 14 bits and a step of Newton's.
func (f *function) inverseRoot(r, x, t V) {
	VRSQRT14PS(x, r)
	VMULPS(r, x, t)
	VFNMADD213PS(f.K(1), r, t) // 1 - x*r^2
	VMULPS(r, t, t)
	VFMADD231PS(f.K(0.5), t, r)
}

// integer is an integer as vmath takes its constants.
func integer(i int) float32 { return math.Float32frombits(uint32(i)) }
