// Command pool writes the kernels of package pool.
//
//	go run ./pool -out ../pool/kernel_amd64.s -stubs ../pool/kernel_amd64.go -pkg pool
//
// For each output pixel, several vectors of channels side by side, then single vectors,
// then a masked one, walk over the window.
package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/_asm/emit"
	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/_asm/vmath"
)

type V = vmath.V

// each is vmath.Each.
var each = vmath.Each

// args is pool.args.
var args = emit.Struct("args", "dst", "src", "rows", "cols", "rowPitch", "colPitch", "dstPitch", "srcPitch",
	"count", "channels", "scale", "shift", "factor", "hi")

// General registers.
var (
	dst      = reg.RDI
	src      = reg.RSI // the window
	channels = &vmath.Row{At: reg.RAX, N: reg.RBX, Last: reg.R8, LastN: reg.R9}
	row      = reg.R10 // the window's row
	pixel    = reg.R11 // the pixel of the row
	rows     = reg.R12 // left
	cols     = reg.R13 // left
	colPitch = reg.RCX
	rowPitch = reg.RDX
	count    = reg.R14 // outputs left
	params   = reg.R15
)

// function is a kernel for one instruction set.
type function struct {
	*vmath.Machine
	x       []V // pixels
	windows int // emitted, to number the labels
	pooling
}

// pooling is what one function does with the pixels of a window.
type pooling interface {
	alloc(f *function)                    // takes its registers
	start(f *function, side int, mask Op) // before the window
	take(f *function, x []V)              // each pixel
	endRow(f *function, side int)         // after each row
	result(f *function, side int) []V
}

func main() {
	ConstraintExpr("!purego")
	table := vmath.NewTable()
	for _, isa := range []*emit.ISA{emit.AVX512, emit.AVX2} {
		side := 4
		if !isa.Is512() {
			side = 2
		}
		for _, k := range []struct {
			name, doc string
			pooling
		}{
			{"max", "dst[p*dstPitch+c] = max over y < rows, x < cols of src[p*srcPitch + y*rowPitch + x*colPitch + c].", &maximum{}},
			{"sum", "dst[p*dstPitch+c] = factor * sum over y < rows, x < cols of src[p*srcPitch + y*rowPitch + x*colPitch + c].", &sum{}},
			{"squares", "dst[p*dstPitch+c] = factor * sum over y < rows, x < cols of src[p*srcPitch + y*rowPitch + x*colPitch + c]^2.", &squares{}},
			{"sumAffine", "dst[p*dstPitch+c] = factor * sum over y < rows, x < cols of min(max(src[p*srcPitch + y*rowPitch + x*colPitch + c]*scale[c] + shift[c], lo), hi).", &sumAffine{}},
		} {
			f := &function{Machine: vmath.New(isa, side, table), pooling: k.pooling}
			f.x = f.Regs()
			args.Func(k.name+isa.Name, k.name+isa.Name+" is "+k.doc)
			args.Load(params)
			f.alloc(f)
			f.body()
		}
	}
	table.Emit()
	Generate()
}

func (f *function) body() {
	MOVQ(args.At(params, "channels"), channels.N)
	f.Bound(channels)
	MOVQ(args.At(params, "dst"), dst)
	MOVQ(args.At(params, "src"), src)
	MOVQ(args.At(params, "rowPitch"), rowPitch)
	MOVQ(args.At(params, "colPitch"), colPitch)
	MOVQ(args.At(params, "count"), count)

	Label("output")
	f.Walk("channels", channels, f.window)
	ADDQ(args.At(params, "dstPitch"), dst)
	ADDQ(args.At(params, "srcPitch"), src)
	DECQ(count)
	JNE(LabelRef("output"))
	VZEROUPPER()
	RET()
}

// window pools side vectors of channels, under a mask if there is one.
func (f *function) window(side int, mask Op) {
	f.windows++
	label := emit.Label("window", f.windows)
	f.start(f, side, mask)
	LEAQ(Mem{Base: src, Index: channels.At, Scale: 1}, row)
	MOVQ(args.At(params, "rows"), rows)
	TESTQ(rows, rows)
	JLE(LabelRef(label + "_done"))
	CMPQ(args.At(params, "cols"), Imm(0))
	JLE(LabelRef(label + "_done"))

	Label(label + "_row")
	MOVQ(row, pixel)
	MOVQ(args.At(params, "cols"), cols)
	Label(label + "_pixel")
	x := f.x[:side]
	each(x, func(j int) { f.Load(Mem{Base: pixel, Disp: j * f.Bytes()}, x[j], mask) })
	f.take(f, x)
	ADDQ(colPitch, pixel)
	DECQ(cols)
	JNE(LabelRef(label + "_pixel"))
	f.endRow(f, side)
	ADDQ(rowPitch, row)
	DECQ(rows)
	JNE(LabelRef(label + "_row"))

	Label(label + "_done")
	result := f.result(f, side)
	each(result, func(j int) {
		f.Store(result[j], f.Vector(dst, channels, j), mask)
	})
}

// maximum keeps the maximum, and beside it whether there was a NaN: VMAXPS lets a NaN of
// one of its sources through, not of both.
type maximum struct {
	best  []V
	clean []reg.Register // AVX-512: the lanes without a NaN
	nan   []V            // AVX2: ones in the lanes with a NaN
	test  []V            // AVX2
}

// Predicates of VCMPPS.
const (
	unordered = U8(3)
	ordered   = U8(7)
)

func (m *maximum) alloc(f *function) {
	m.best = f.Regs()
	if f.Is512() {
		m.clean = []reg.Register{reg.K2, reg.K3, reg.K4, reg.K5}
	} else {
		m.nan, m.test = f.Regs(), f.Regs()
	}
	f.Pin(lowest, nan)
}

var lowest, nan = float32(math.Inf(-1)), float32(math.NaN())

func (m *maximum) start(f *function, side int, _ Op) {
	each(m.best[:side], func(i int) {
		VMOVAPS(f.R(lowest), m.best[i])
		if f.Is512() {
			KXNORW(m.clean[i], m.clean[i], m.clean[i])
		} else {
			f.Zero(m.nan[i])
		}
	})
}

func (m *maximum) take(f *function, x []V) {
	each(x, func(i int) { VMAXPS(x[i], m.best[i], m.best[i]) })
	if f.Is512() {
		each(x, func(i int) { VCMPPS(ordered, x[i], x[i], m.clean[i], m.clean[i]) })
		return
	}
	each(x, func(i int) { VCMPPS(unordered, x[i], x[i], m.test[i]) })
	each(x, func(i int) { VORPS(m.test[i], m.nan[i], m.nan[i]) })
}

func (*maximum) endRow(*function, int) {}

func (m *maximum) result(f *function, side int) []V {
	best := m.best[:side]
	each(best, func(i int) {
		if f.Is512() {
			VBLENDMPS(best[i], f.R(nan), m.clean[i], best[i])
		} else {
			VORPS(m.nan[i], best[i], best[i])
		}
	})
	return best
}

// sum adds rows up, and then their sums.
type sum struct {
	total, row []V
	factor     V
}

func (s *sum) alloc(f *function) {
	s.total, s.row, s.factor = f.Regs(), f.Regs(), f.Reg()
	VBROADCASTSS(args.At(params, "factor"), s.factor)
}

func (s *sum) start(f *function, side int, _ Op) {
	each(s.total[:side], func(i int) { f.Zero(s.total[i]) })
	each(s.total[:side], func(i int) { f.Zero(s.row[i]) })
}

func (s *sum) take(_ *function, x []V) {
	each(x, func(i int) { VADDPS(x[i], s.row[i], s.row[i]) })
}

func (s *sum) endRow(f *function, side int) {
	each(s.total[:side], func(i int) { VADDPS(s.row[i], s.total[i], s.total[i]) })
	each(s.total[:side], func(i int) { f.Zero(s.row[i]) })
}

func (s *sum) result(_ *function, side int) []V {
	each(s.total[:side], func(i int) { VMULPS(s.factor, s.total[i], s.total[i]) })
	return s.total[:side]
}

// squares is sum of the squares.
type squares struct{ sum }

func (s *squares) take(_ *function, x []V) {
	each(x, func(i int) { VFMADD231PS(x[i], x[i], s.row[i]) })
}

// sumAffine adds up what has been scaled, shifted and clamped.
type sumAffine struct {
	sum
	scale, shift []V
	lo, hi       V
}

func (s *sumAffine) alloc(f *function) {
	s.sum.alloc(f)
	s.scale, s.shift, s.lo, s.hi = f.Regs(), f.Regs(), f.Reg(), f.Reg()
	VBROADCASTSS(args.At(params, "factor").Offset(4), s.lo)
	VBROADCASTSS(args.At(params, "hi"), s.hi)
}

func (s *sumAffine) start(f *function, side int, mask Op) {
	s.sum.start(f, side, mask)
	load := func(name string, to []V) {
		MOVQ(args.At(params, name), row)
		each(to[:side], func(j int) { f.Load(f.Vector(row, channels, j), to[j], mask) })
	}
	load("scale", s.scale)
	load("shift", s.shift)
}

func (s *sumAffine) take(f *function, x []V) {
	each(x, func(i int) { VFMADD213PS(s.shift[i], s.scale[i], x[i]) })
	each(x, func(i int) { emit.Clamp(x[i], s.lo, s.hi) })
	s.sum.take(f, x)
}
