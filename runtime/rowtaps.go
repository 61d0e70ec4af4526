package runtime

import (
	"slices"

	"github.com/cnnc-dev/cnnc/runtime/internal/cpu"
	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/eltwise"
	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/gemm"
	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/rowtaps"
)

// rowTaps is the algorithm RowTaps: a whole kernel row is one tap of the product, which
// for the three channels of a picture makes a few long taps of many short ones. It needs
// rows without gaps between the pixels and with their padding: a band of input rows at a
// time is copied to scratch, unless the map is like that already.
//
// Where two pixels of the output fit into a vector, they are one row of the product: its
// taps are what either reads, with zeros for weights where one does not look.
type rowTaps struct {
	product
	isa    cpu.ISA
	op     *Conv
	strips []strip
	side   int // pixels of the output in a row of the product
	line   int // floats of a padded row
	band   int // most output rows of a band
	bands  int // of an image
}

const (
	// bandFloats is what the rows of a band should fit into.
	bandFloats = 16 << 10
	// mostBand is a limit to the rows of a band: the garbage collector waits for them.
	mostBand = 8
	// fetchFrom is how many floats of output are too many for what the caches have to spare.
	fetchFrom = 1 << 20
)

func newRowTaps(op *Conv, isa cpu.ISA) *rowTaps {
	side := 1
	if op.Out.W%2 == 0 && 2*op.Out.C <= gemm.For(isa).Lanes {
		side = 2
	}
	reach := op.Kernel.W + (side-1)*op.Stride.W // columns that a row of the product reads
	r := &rowTaps{
		product: newProduct(isa, op.Kernel.H, reach*op.In.C, 1, side*op.Out.C, op.Act),
		isa:     isa,
		op:      op,
		side:    side,
		line:    ((op.Out.W-1)*op.Stride.W + op.Kernel.W) * op.In.C,
		band:    1,
	}
	r.strips = r.block(r.panels).strips
	for r.band < min(op.Out.H, mostBand) && r.lines(r.band+1)*r.line <= bandFloats {
		r.band++
	}
	r.bands = (op.Out.H + r.band - 1) / r.band
	return r
}

// lines is how many input rows so many output rows need.
func (r *rowTaps) lines(band int) int {
	return (band-1)*r.op.Stride.H + (r.op.Kernel.H-1)*r.op.Dilation.H + 1
}

// scratch is the lines of a band, and its outputs if they cannot be computed in place.
func (r *rowTaps) scratch() int { return r.linesFloats() + r.band*r.op.Out.W*r.op.Out.C }

func (r *rowTaps) linesFloats() int { return roundUp(r.lines(r.band)*r.line, lineFloats) }

func (r *rowTaps) zeros() int { return 0 }

func (r *rowTaps) pack(f *filter) {
	if r.side > 1 {
		f = r.beside(f)
	}
	h := r.op.Kernel.H
	w := f.taps / h
	r.product.pack(f, func(t, i int) int {
		x, c := i/r.op.In.C, i%r.op.In.C
		return (c*h+t)*w + x
	})
}

// beside returns the filter of a row of the product.
func (r *rowTaps) beside(f *filter) *filter {
	kw, step := r.op.Kernel.W, r.op.Stride.W
	wide := kw + (r.side-1)*step
	var weights []float32
	for p := range r.side {
		for line := range slices.Chunk(f.all(), kw) { // of the kernel of any channels
			at := len(weights)
			weights = append(weights, make([]float32, wide)...)
			copy(weights[at+p*step:], line)
		}
	}
	return &filter{
		weights: weights, bias: slices.Repeat(f.bias, r.side),
		taps: r.op.Kernel.H * wide, loader: f.loader, memory: f.memory,
	}
}

func (r *rowTaps) run(s *Session) {
	products := s.images * r.op.products()
	s.share(r, min(s.images*r.bands, s.tasks(products)), products)
}

func (r *rowTaps) task(s *Session, worker, i int) {
	from, to := s.part(i, s.images*r.bands)
	for i := from; i < to; i++ {
		image, band := i/r.bands, i%r.bands
		r.rows(s, worker, image, r.op.Out.H*band/r.bands, r.op.Out.H*(band+1)/r.bands)
	}
}

// rows computes output rows [from, to) of an image.
func (r *rowTaps) rows(s *Session, worker, image, from, to int) {
	op := r.op
	first, n := (image*op.Out.H+from)*op.Out.W, (to-from)*op.Out.W
	dst, arg := s.call.dst.from(first), s.call.arg
	if arg.data != nil {
		arg = arg.from(first)
	}
	c := dst
	inPlace := r.side == 1 || dst.pitch == op.Out.C && (arg.data == nil || arg.pitch == op.Out.C)
	if !inPlace { // pixels are not side by side
		c = tensor{data: s.scratch(worker)[r.linesFloats():][:n*op.Out.C], pitch: op.Out.C}
		if arg.data != nil {
			c.copyPixels(0, arg, 0, n, op.Out.C)
			arg = c
		}
	}
	a, line := r.source(s, worker, image, from*op.Stride.H-op.Pad.Top, r.lines(to-from))
	call := rowtaps.Call{
		Lines: to - from, Pixels: op.Out.W / r.side, Taps: r.taps, K: r.depth,
		A: a, ALine: op.Stride.H * line, APixel: r.side * op.Stride.W * op.In.C, ATap: op.Dilation.H * line,
		CLine: op.Out.W * c.pitch, CPixel: r.side * c.pitch, RLine: op.Out.W * arg.pitch, RPixel: r.side * arg.pitch,
		Lo: r.lo, Hi: r.hi, Fetch: len(s.call.dst.data) > fetchFrom,
	}
	for i := range r.strips {
		q := &r.strips[i]
		call.Width, call.Panels, call.Cols = q.Width, q.panels, q.last
		call.B, call.Bias = r.b[q.B:], r.bias[q.Bias:]
		call.C = c.data[q.First:]
		if arg.data != nil {
			call.Residual = arg.data[q.First:]
		}
		rowtaps.Run(r.isa, &call)
	}
	if !r.clamps {
		d := c.rows(0)
		eltwise.Act(r.act.kernel(), r.act.Slope, d, d, n, op.Out.C)
	}
	if !inPlace {
		dst.copyPixels(0, c, 0, n, op.Out.C)
	}
}

// source returns n rows of an image's input, from row y on, padded, and how far they are
// apart.
func (r *rowTaps) source(s *Session, worker, image, y, n int) (lines []float32, line int) {
	src, in := s.call.src, r.op.In
	if r.op.Pad == (Padding{}) && src.pitch == in.C {
		line = in.W * in.C
		return src.data[(image*in.H+y)*line:], line
	}
	lines = s.scratch(worker)
	r.fill(s, lines, image, y, n)
	return lines, r.line
}

// fill copies n rows of the image, from row y on, with zeros around the map.
func (r *rowTaps) fill(s *Session, lines []float32, image, y, n int) {
	src, in := s.call.src, r.op.In
	for i := range n {
		line := lines[i*r.line:][:r.line]
		if y+i < 0 || y+i >= in.H {
			clear(line)
			continue
		}
		left := r.op.Pad.Left * in.C
		w := min(in.W, r.line/in.C-r.op.Pad.Left) // columns beyond are never read
		clear(line[:left])
		clear(line[left+w*in.C:])
		compact(line[left:], src.data[(image*in.H+y+i)*in.W*src.pitch:], src.pitch, w, in.C)
	}
}

// compact copies n pixels of so many channels from src, where they are a pitch apart,
// to dst, where they are not.
func compact(dst, src []float32, pitch, n, channels int) {
	switch {
	case pitch == channels:
		copy(dst[:n*channels], src)
	case channels == 1:
		for i := range n {
			dst[i] = src[i*pitch]
		}
	case channels == 3: // images
		for i := range n {
			*(*[3]float32)(dst[3*i:]) = *(*[3]float32)(src[i*pitch:])
		}
	default:
		for i := range n {
			copy(dst[i*channels:][:channels], src[i*pitch:])
		}
	}
}

func (r *rowTaps) resized(op *Conv) algorithm {
	other := *r
	other.op, other.bands = op, (op.Out.H+r.band-1)/r.band
	return &other
}
