package runtime

import (
	"math"

	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/eltwise"
	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/pool"
)

// PackedGRN is a GRN with its weights.
type PackedGRN struct {
	op           *GRN
	weight, bias []float32 // a channel
}

// GRN packs a GRN: key.weight and key.bias.
func (l *Loader) GRN(key string, op *GRN) *PackedGRN {
	l.needScratch(op.Shape.C)
	weight, bias := l.weightAndBias(key, op.Shape.C)
	return &PackedGRN{op, weight, bias}
}

// Run normalises the channels of src, an image at a time: what that comes to is a factor
// a channel, and a shift. dst may be src.
func (p *PackedGRN) Run(s *Session, dst, src View) {
	d, x := s.tensor(dst, p.op.Shape), s.tensor(src, p.op.Shape)
	factors := s.scratch(0)[:p.op.Shape.C] // no task here has another use for scratch
	pixels := p.op.Shape.Pixels()
	for image := range s.images {
		s.call = call{dst: d.from(image * pixels), src: x.from(image * pixels), arg: tensor{data: factors}}
		s.run((*grnSquares)(p), s.split(p.op.Shape.Len(), p.strips()))
		p.factors(factors)
		s.run((*grnScale)(p), s.split(p.op.Shape.Len(), pixels))
	}
}

// from is the tensor from pixel p on.
func (t tensor) from(p int) tensor {
	return tensor{t.data[p*t.pitch:], t.pitch, t.at + p*t.pitch}
}

func (p *PackedGRN) strips() int { return (p.op.Shape.C + stripChannels - 1) / stripChannels }

// factors turns sums of squares into factors, in place.
func (p *PackedGRN) factors(f []float32) {
	sum := 0.0
	for c, squares := range f {
		norm := math.Sqrt(float64(squares))
		sum += norm
		f[c] = float32(norm)
	}
	r := 1 / (sum/float64(len(f)) + p.op.Eps)
	for c, norm := range f {
		f[c] = float32(1 + float64(p.weight[c])*(float64(norm)*r))
	}
}

// grnSquares sums the squares of each channel of an image.
type grnSquares PackedGRN

func (p *grnSquares) task(s *Session, _, i int) {
	shape, src := p.op.Shape, s.call.src
	from, to := s.part(i, (*PackedGRN)(p).strips())
	from, to = from*stripChannels, min(to*stripChannels, shape.C)
	pool.Squares(s.call.arg.data[from:], src.data[from:], &pool.Window{
		Rows: shape.H, Cols: shape.W, RowPitch: shape.W * src.pitch, ColPitch: src.pitch,
		Count: 1, Channels: to - from,
	}, 1)
}

// grnScale multiplies each channel of an image by its factor, and shifts it.
type grnScale PackedGRN

func (p *grnScale) task(s *Session, _, i int) {
	from, to := s.part(i, p.op.Shape.Pixels())
	lo, hi, _ := eltwise.None.Bounds()
	c := &s.call
	eltwise.Affine(c.dst.rows(from), c.src.rows(from), c.arg.data, p.bias, to-from, p.op.Shape.C, lo, hi)
}
