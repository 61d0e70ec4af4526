package runtime

import (
	"slices"

	"github.com/cnnc-dev/cnnc/runtime/internal/kernels/norm"
)

// normRows is the tensor from pixel p on, as the normalisation kernels see it.
func (t tensor) normRows(p int) norm.Rows {
	return norm.Rows{Data: t.data[p*t.pitch:], Pitch: t.pitch}
}

// PackedLayerNorm is a LayerNorm with its weights.
type PackedLayerNorm struct {
	op           *LayerNorm
	weight, bias []float32 // a channel
}

// LayerNorm packs a LayerNorm: key.weight and key.bias, if Affine.
func (l *Loader) LayerNorm(key string, op *LayerNorm) *PackedLayerNorm {
	weight, bias := slices.Repeat([]float32{1}, op.Shape.C), make([]float32, op.Shape.C)
	if op.Affine {
		weight, bias = l.weightAndBias(key, op.Shape.C)
	}
	return &PackedLayerNorm{op, weight, bias}
}

// weightAndBias returns key.weight and key.bias, a number a channel, which are filled in when
// the layer is packed.
func (l *Loader) weightAndBias(key string, channels int) (weight, bias []float32) {
	weight, bias = make([]float32, channels), make([]float32, channels)
	layer := l.layer()
	w, b := layer.tensor(key+".weight", channels), layer.tensor(key+".bias", channels)
	layer.pack(func() {
		copy(weight, w.data)
		copy(bias, b.data)
	})
	return weight, bias
}

// Run normalises each pixel of src over its channels. dst may be src.
func (p *PackedLayerNorm) Run(s *Session, dst, src View) {
	s.call = call{dst: s.tensor(dst, p.op.Shape), src: s.tensor(src, p.op.Shape)}
	s.runPixels(p, p.op.Shape)
}

func (p *PackedLayerNorm) task(s *Session, _, i int) {
	from, to := s.pixels(i, p.op.Shape)
	norm.Layer(s.call.dst.normRows(from), s.call.src.normRows(from), p.weight, p.bias, float32(p.op.Eps), to-from, p.op.Shape.C)
}

// Run computes the softmax of each pixel of src over its channels. dst may be src.
func (op *Softmax) Run(s *Session, dst, src View) {
	s.call = call{dst: s.tensor(dst, op.Shape), src: s.tensor(src, op.Shape)}
	s.runPixels(op, op.Shape)
}

func (op *Softmax) task(s *Session, _, i int) {
	from, to := s.pixels(i, op.Shape)
	norm.Softmax(s.call.dst.normRows(from), s.call.src.normRows(from), to-from, op.Shape.C)
}

// Run normalises src locally across channels. dst must not overlap src.
func (op *LRN) Run(s *Session, dst, src View) {
	s.call = call{dst: s.tensor(dst, op.Shape), src: s.tensor(src, op.Shape)}
	s.runPixels(op, op.Shape)
}

func (op *LRN) task(s *Session, _, i int) {
	from, to := s.pixels(i, op.Shape)
	norm.LRN(s.call.dst.normRows(from), s.call.src.normRows(from), op.Size, float32(op.Alpha), float32(op.Beta), float32(op.K), to-from, op.Shape.C)
}
