package runtime

import "github.com/cnnc-dev/cnnc/runtime/internal/kernels/eltwise"

// Element-wise ops split their pixels, of all images, among the threads.

// rows is the tensor from pixel p on, as the element-wise kernels see it.
func (t tensor) rows(p int) eltwise.Rows {
	return eltwise.Rows{Data: t.data[p*t.pitch:], Pitch: t.pitch}
}

// kernel is the activation as the kernels name it.
func (a Act) kernel() eltwise.Func { return eltwise.Func(a.Kind) }

// fuse calls first for the pixels [from, to), with the bounds to clamp its results to.
// Where the activation takes more than a clamp, first gets a piece at a time that the
// first-level cache holds, and the activation follows it there.
func (a Act) fuse(dst tensor, from, to, channels int, first func(p, n int, lo, hi float32)) {
	f := a.kernel()
	if lo, hi, ok := f.Bounds(); ok {
		first(from, to-from, lo, hi)
		return
	}
	const piece = 4096 // floats
	lo, hi, _ := eltwise.None.Bounds()
	step := max(1, piece/channels)
	for p := from; p < to; p += step {
		n, d := min(step, to-p), dst.rows(p)
		first(p, n, lo, hi)
		eltwise.Act(f, a.Slope, d, d, n, channels)
	}
}

// Run computes dst = act(src). dst may be src.
func (op *Activation) Run(s *Session, dst, src View) {
	s.call = call{dst: s.tensor(dst, op.Shape), src: s.tensor(src, op.Shape)}
	s.runPixels(op, op.Shape)
}

func (op *Activation) task(s *Session, _, i int) {
	from, to := s.pixels(i, op.Shape)
	eltwise.Act(op.Act.kernel(), op.Act.Slope, s.call.dst.rows(from), s.call.src.rows(from), to-from, op.Shape.C)
}

// Run computes dst = act(a + b). dst may be a or b.
func (op *Add) Run(s *Session, dst, a, b View) {
	s.call = call{dst: s.tensor(dst, op.Shape), src: s.tensor(a, op.Shape), arg: s.tensor(b, op.Shape)}
	s.runPixels(op, op.Shape)
}

func (op *Add) task(s *Session, _, i int) {
	from, to := s.pixels(i, op.Shape)
	c := &s.call
	op.Act.fuse(c.dst, from, to, op.Shape.C, func(p, n int, lo, hi float32) {
		eltwise.Add(c.dst.rows(p), c.src.rows(p), c.arg.rows(p), n, op.Shape.C, lo, hi)
	})
}

// Run computes dst = a * b; with Broadcast, b has one pixel an image. dst may be a, or b
// if both have the same shape.
func (op *Mul) Run(s *Session, dst, a, b View) {
	shapeB := op.Shape
	if op.Broadcast {
		shapeB = Shape{op.Shape.C, 1, 1}
	}
	s.call = call{dst: s.tensor(dst, op.Shape), src: s.tensor(a, op.Shape), arg: s.tensor(b, shapeB)}
	s.runPixels(op, op.Shape)
}

func (op *Mul) task(s *Session, _, i int) {
	from, to := s.pixels(i, op.Shape)
	if !op.Broadcast {
		eltwise.Mul(s.call.dst.rows(from), s.call.src.rows(from), s.call.arg.rows(from), to-from, op.Shape.C)
		return
	}
	multiply(s.call.dst.rows(from), s.call.src.rows(from), s.call.arg, op.Shape, from, to-from)
}

// multiply is dst = src * factors for n pixels of images of a shape, of which src begins
// with the one numbered first; factors has one pixel an image.
func multiply(dst, src eltwise.Rows, factors tensor, shape Shape, first, n int) {
	for n > 0 { // image by image
		image := first / shape.Pixels()
		k := min(n, (image+1)*shape.Pixels()-first)
		f := factors.rows(image)
		f.Pitch = 0
		eltwise.Mul(dst, src, f, k, shape.C)
		first, n = first+k, n-k
		if n > 0 {
			dst.Data, src.Data = dst.Data[k*dst.Pitch:], src.Data[k*src.Pitch:]
		}
	}
}

// PackedAffine is an Affine with its factors.
type PackedAffine struct {
	op           *Affine
	scale, shift []float32 // a channel
}

// Affine packs an Affine: the norms in order.
func (l *Loader) Affine(op *Affine, norms ...Norm) *PackedAffine {
	p := &PackedAffine{op: op, scale: make([]float32, op.Shape.C), shift: make([]float32, op.Shape.C)}
	layer := l.layer()
	f := layer.fold(norms, op.Shape.C)
	layer.pack(func() {
		scale, shift := f.values()
		for c := range scale {
			p.scale[c], p.shift[c] = float32(scale[c]), float32(shift[c])
		}
	})
	return p
}

// Run computes dst = act(src*scale + shift). dst may be src.
func (p *PackedAffine) Run(s *Session, dst, src View) {
	s.call = call{dst: s.tensor(dst, p.op.Shape), src: s.tensor(src, p.op.Shape)}
	s.runPixels(p, p.op.Shape)
}

func (p *PackedAffine) task(s *Session, _, i int) {
	from, to := s.pixels(i, p.op.Shape)
	c := &s.call
	p.op.Act.fuse(c.dst, from, to, p.op.Shape.C, func(at, n int, lo, hi float32) {
		eltwise.Affine(c.dst.rows(at), c.src.rows(at), p.scale, p.shift, n, p.op.Shape.C, lo, hi)
	})
}
