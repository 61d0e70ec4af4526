package runtime

import (
	"slices"

	"github.com/cnnc-dev/cnnc/runtime/internal/cpu"
)

// Part is one of several convolutions of the same tensor that are computed as one.
// Its outputs follow those of the part before.
type Part struct {
	Key      string // of weights [Out, len(Channels), kh, kw]; key.bias if the whole has one
	Out      int
	Channels []int  // of the whole's input that it reads, in its order, each once; nil for all
	Norms    []Norm // on its outputs, folded in
}

// ConvParts packs a convolution of one group whose weights are those of its parts,
// and zeros where a part does not look; and the norms of the whole folded in.
func (l *Loader) ConvParts(op *Conv, parts []Part, norms ...Norm) *PackedConv {
	p := &PackedConv{op, newAlgorithm(op, cpu.Level(), cpu.Tiles())}
	layer := l.layer()
	whole := layer.folds(op, op.In.C, norms)
	filters := make([]func() *filter, len(parts))
	for i, p := range parts {
		part := *op
		part.Out.C, part.InNorm = p.Out, false
		if p.Channels != nil {
			part.In.C = len(p.Channels)
		}
		filters[i] = layer.filter(p.Key, &part, part.weights(), p.Norms)
	}
	l.packFilter(layer, p.algo, func() *filter {
		var weights, bias []float32
		for i, part := range parts {
			f := filters[i]()
			for from := range slices.Chunk(f.all(), f.rowLen()) {
				if part.Channels == nil {
					weights = append(weights, from...)
					continue
				}
				row := make([]float32, op.In.C*f.taps)
				for k, c := range part.Channels {
					copy(row[c*f.taps:][:f.taps], from[k*f.taps:])
				}
				weights = append(weights, row...)
			}
			bias = append(bias, f.bias...)
		}
		return newFilter(op, weights, bias, whole)
	})
	return p
}
