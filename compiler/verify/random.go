package verify

import (
	"math"
	"strings"

	"github.com/cnnc-dev/cnnc/compiler/ir"
	"github.com/cnnc-dev/cnnc/runtime"
)

// Random returns a checkpoint for any network, seeded by its keys, with values
// whose sizes keep activations in the range of a trained network's: matrices
// uniform with He's variance, normalisations near one.
func Random(params []ir.Param) runtime.Tensors {
	r := Reference{Tensors: make([]Tensor, len(params))}
	for i, p := range params {
		lo, hi := randomRange(p)
		r.Tensors[i] = Tensor{Key: p.Key, Shape: p.Shape, Lo: lo, Hi: hi}
	}
	return Weights(&r)
}

func randomRange(p ir.Param) (lo, hi float64) {
	switch {
	case strings.HasSuffix(p.Key, ".running_var"):
		return 0.7, 1.4
	case p.Buffer || strings.HasSuffix(p.Key, ".bias"):
		return -0.1, 0.1
	}
	fan := 1
	for _, d := range p.Shape[1:] {
		fan *= d
	}
	if fan == 1 {
		return 0.8, 1.2 // one factor a channel
	}
	bound := math.Sqrt(6 / float64(fan))
	return -bound, bound
}
