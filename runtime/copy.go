package runtime

import (
	"github.com/cnnc-dev/cnnc/runtime/internal/cpu"
	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/permute"
)

// Ops that move floats without computing.

// Run copies src to dst.
func (op *Copy) Run(s *Session, dst, src View) {
	s.call = call{dst: s.tensor(dst, op.Shape), src: s.tensor(src, op.Shape)}
	s.runPixels(op, op.Shape)
}

func (op *Copy) task(s *Session, _, i int) {
	from, to := s.pixels(i, op.Shape)
	s.call.dst.copyPixels(from, s.call.src, from, to-from, op.Shape.C)
}

// copyPixels copies n pixels of src, from pixel p on, to those from pixel at on.
func (t tensor) copyPixels(at int, src tensor, p, n, channels int) {
	if t.pitch == channels && src.pitch == channels {
		n, channels = min(n, 1), n*channels
	}
	for i := range n {
		copy(t.data[(at+i)*t.pitch:][:channels], src.data[(p+i)*src.pitch:])
	}
}

// clearPixels sets n pixels from pixel at on to zero.
func (t tensor) clearPixels(at, n, channels int) {
	for i := range n {
		clear(t.data[(at+i)*t.pitch:][:channels])
	}
}

// PackedPick is a Pick, prepared for the processor.
type PackedPick struct {
	op    *Pick
	order *permute.Permutation
}

// Pick prepares a Pick.
func (l *Loader) Pick(op *Pick) *PackedPick {
	return &PackedPick{op, permute.New(cpu.Level(), op.Channels, op.In.C)}
}

// Run gathers channels of src. dst must not overlap src.
func (p *PackedPick) Run(s *Session, dst, src View) {
	out := Shape{len(p.op.Channels), p.op.In.H, p.op.In.W}
	s.call = call{dst: s.tensor(dst, out), src: s.tensor(src, p.op.In)}
	s.runPixels(p, out)
}

func (p *PackedPick) task(s *Session, _, i int) {
	from, to := s.pixels(i, p.op.In)
	dst, src := s.call.dst, s.call.src
	p.order.Run(dst.data[from*dst.pitch:], dst.pitch, src.data[from*src.pitch:], src.pitch, to-from)
}

// Run copies src into the middle of zeros. dst must not overlap src.
func (op *Pad) Run(s *Session, dst, src View) {
	out := op.out()
	s.call = call{dst: s.tensor(dst, out), src: s.tensor(src, op.In)}
	s.run(op, s.split(s.images*out.Len(), s.images*out.H))
}

func (op *Pad) out() Shape {
	return Shape{op.In.C, op.In.H + op.Pad.Top + op.Pad.Bottom, op.In.W + op.Pad.Left + op.Pad.Right}
}

func (op *Pad) task(s *Session, _, i int) {
	in, out, d := op.In, op.out(), s.call.dst
	from, to := s.part(i, s.images*out.H)
	for row := from; row < to; row++ {
		image, y := row/out.H, row%out.H-op.Pad.Top
		at := row * out.W
		if y < 0 || y >= in.H {
			d.clearPixels(at, out.W, in.C)
			continue
		}
		d.clearPixels(at, op.Pad.Left, in.C)
		d.copyPixels(at+op.Pad.Left, s.call.src, (image*in.H+y)*in.W, in.W, in.C)
		d.clearPixels(at+op.Pad.Left+in.W, op.Pad.Right, in.C)
	}
}

// Run repeats the pixels of src. dst must not overlap src.
func (op *Upsample) Run(s *Session, dst, src View) {
	out := Shape{op.In.C, op.In.H * op.Scale.H, op.In.W * op.Scale.W}
	s.call = call{dst: s.tensor(dst, out), src: s.tensor(src, op.In)}
	s.run(op, s.split(s.images*out.Len(), s.images*op.In.H))
}

func (op *Upsample) task(s *Session, _, i int) {
	from, to := s.part(i, s.images*op.In.H)
	d, width := s.call.dst, op.In.W*op.Scale.W
	for row := from; row < to; row++ {
		at := row * op.Scale.H * width // the first of the pixels that the row becomes
		for x := range width {
			d.copyPixels(at+x, s.call.src, row*op.In.W+x/op.Scale.W, 1, op.In.C)
		}
		for y := 1; y < op.Scale.H; y++ {
			d.copyPixels(at+y*width, d, at, width, op.In.C)
		}
	}
}

// Run turns the maps of src into vectors in NCHW order. dst must not overlap src.
func (op *Flatten) Run(s *Session, dst, src View) {
	s.call = call{dst: s.tensor(dst, Shape{op.In.Len(), 1, 1}), src: s.tensor(src, op.In)}
	s.runPixels(op, op.In)
}

func (op *Flatten) task(s *Session, _, i int) {
	from, to := s.pixels(i, op.In)
	pixels, d := op.In.Pixels(), s.call.dst
	for from < to { // image by image
		image, first := from/pixels, from%pixels
		n := min(to-from, pixels-first)
		toPlanes(d.data[image*d.pitch:][:op.In.Len()], pixels, first, s.call.src, from, n, op.In.C)
		from += n
	}
}
