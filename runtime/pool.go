package runtime

import "github.com/cnnc-dev/cnnc/runtime/internal/kernels/pool"

// axis is how windows lie along the height or the width.
type axis struct {
	in, out          int // pixels
	kernel           int // taps
	stride, dilation int
	before, after    int // padding
	adaptive         bool
}

// window returns the taps of output o inside the input: count of them, dilation apart,
// from pixel first on.
func (a *axis) window(o int) (first, count int) {
	if a.adaptive {
		first = o * a.in / a.out
		return first, ((o+1)*a.in+a.out-1)/a.out - first
	}
	start := o*a.stride - a.before
	from := 0 // the first tap that is not before the input
	if start < 0 {
		from = (-start + a.dilation - 1) / a.dilation
	}
	to := a.kernel
	if room := a.in - start; room < (a.kernel-1)*a.dilation+1 {
		to = max(from, (room+a.dilation-1)/a.dilation)
	}
	return start + from*a.dilation, to - from
}

// padded returns how many taps of output o lie inside the padded input (dilation 1).
func (a *axis) padded(o int) int {
	start := o*a.stride - a.before
	return min(start+a.kernel, a.in+a.after) - start
}

// pooling is what the three pooling ops have in common.
type pooling struct {
	in, out  Shape
	h, w     axis
	max      bool
	countPad bool
}

// Run computes the maximum over each window. dst must not overlap src.
func (op *MaxPool) Run(s *Session, dst, src View) { s.pool(dst, src, maxPooling(op.window())) }

func maxPooling(o window) pooling {
	return pooling{
		in: o.in, out: o.out, max: true,
		h: axis{in: o.in.H, out: o.out.H, kernel: o.kernel.H, stride: o.stride.H, dilation: o.dilation.H, before: o.pad.Top, after: o.pad.Bottom},
		w: axis{in: o.in.W, out: o.out.W, kernel: o.kernel.W, stride: o.stride.W, dilation: o.dilation.W, before: o.pad.Left, after: o.pad.Right},
	}
}

// CanChain reports whether it may be part of a chain: any may.
func (op *MaxPool) CanChain() bool { return true }

func (op *MaxPool) window() window {
	return window{op.In, op.Out, op.Kernel, op.Stride, op.Dilation, op.Pad}
}

func (op *MaxPool) scratch() int { return 0 }

func (op *MaxPool) resized(w window) runner {
	p := maxPooling(w)
	return &p
}

// Run computes the mean over each window. dst must not overlap src.
func (op *AvgPool) Run(s *Session, dst, src View) {
	s.pool(dst, src, pooling{
		in: op.In, out: op.Out, countPad: op.CountPad,
		h: axis{in: op.In.H, out: op.Out.H, kernel: op.Kernel.H, stride: op.Stride.H, dilation: 1, before: op.Pad.Top, after: op.Pad.Bottom},
		w: axis{in: op.In.W, out: op.Out.W, kernel: op.Kernel.W, stride: op.Stride.W, dilation: 1, before: op.Pad.Left, after: op.Pad.Right},
	})
}

// Run computes the maximum or the mean over each of PyTorch's adaptive windows: output o
// of n covers the pixels from floor(o*size/n) to ceil((o+1)*size/n). dst must not
// overlap src.
func (op *AdaptivePool) Run(s *Session, dst, src View) {
	if op.isGlobalMean() {
		s.call = call{dst: s.tensor(dst, op.Out), src: s.tensor(src, op.In)}
		s.mean = globalMean{in: op.In}
		s.mean.run(s)
		return
	}
	s.pool(dst, src, pooling{
		in: op.In, out: op.Out, max: op.Max,
		h: axis{in: op.In.H, out: op.Out.H, dilation: 1, adaptive: true},
		w: axis{in: op.In.W, out: op.Out.W, dilation: 1, adaptive: true},
	})
}

func (s *Session) pool(dst, src View, p pooling) {
	s.call = call{dst: s.tensor(dst, p.out), src: s.tensor(src, p.in)}
	p.run(s)
}

// run cuts the work into rows of outputs, and these into strips of channels where rows are
// few, as in global pooling.
func (p *pooling) run(s *Session) {
	s.pooling = *p
	read := s.images * p.out.H * p.out.W * p.out.C * max(1, p.in.Pixels()/p.out.Pixels())
	s.run(&s.pooling, s.split(read, s.images*p.out.H*p.strips()))
}

// stripChannels is four vectors of AVX-512.
const stripChannels = 64

// strips is how many strips of channels a row of outputs is cut into.
func (p *pooling) strips() int {
	if p.out.H > 1 {
		return 1
	}
	return (p.out.C + stripChannels - 1) / stripChannels
}

func (p *pooling) task(s *Session, _, i int) {
	strips := p.strips()
	from, to := s.part(i, s.images*p.out.H*strips)
	for item := from; item < to; item++ {
		row := item / strips
		c, n := 0, p.out.C
		if strips > 1 {
			c = item % strips * stripChannels
			n = min(stripChannels, p.out.C-c)
		}
		p.row(s, row/p.out.H, row%p.out.H, c, n)
	}
}

// row pools one row of outputs of an image, channels [c, c+n).
func (p *pooling) row(s *Session, image, oy, c, n int) {
	dst, src := s.call.dst, s.call.src
	y, rows := p.h.window(oy)
	line := (image*p.in.H + y) * p.in.W // its first pixel
	w := pool.Window{
		Rows: rows, RowPitch: p.h.dilation * p.in.W * src.pitch, ColPitch: p.w.dilation * src.pitch,
		DstPitch: dst.pitch, SrcPitch: p.w.stride * src.pitch, Channels: n,
	}
	for ox := 0; ox < p.out.W; ox += w.Count {
		x, cols := p.w.window(ox)
		w.Cols = cols
		w.Count = p.alike(ox)
		d := dst.data[((image*p.out.H+oy)*p.out.W+ox)*dst.pitch+c:]
		from := src.data
		if rows > 0 && cols > 0 {
			from = src.data[(line+x)*src.pitch+c:]
		}
		switch {
		case p.max:
			pool.Max(d, from, &w)
		case p.countPad:
			pool.Sum(d, from, &w, 1/float32(p.h.padded(oy)*p.w.padded(ox)))
		default:
			pool.Sum(d, from, &w, 1/float32(rows*cols))
		}
	}
}

// alike returns how many outputs from ox on have whole windows, one stride after the
// other; at least 1.
func (p *pooling) alike(ox int) int {
	if p.w.adaptive {
		return 1
	}
	start := ox*p.w.stride - p.w.before
	if start < 0 {
		return 1
	}
	last := p.w.in - ((p.w.kernel-1)*p.w.dilation + 1) // the last start of a whole window
	return max(1, min(p.w.out-ox, (last-start)/p.w.stride+1))
}
