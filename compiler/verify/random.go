package verify

import (
	"math"
	"strings"

	"github.com/cnnc-dev/cnnc/compiler/ir"
	"github.com/cnnc-dev/cnnc/runtime"
)

// Random returns a checkpoint for any network, given as it was elaborated. Values are
// seeded by their keys, and in ranges that keep activations about one, as a trained
// network's are: matrices and running variances make up for the power of what they
// meet. By the usual formulas, which know a layer and not what comes before it, values
// would double from residual to residual until sigmoids are switches, and rounding
// decided which way.
func Random(g *ir.Graph) runtime.Tensors {
	var r Reference
	seen := map[string]bool{}
	power := make([]float64, len(g.Values)) // mean squares, as they are expected to be
	for _, v := range g.Values {
		in := make([]float64, len(v.Args))
		for i, a := range v.Args {
			in[i] = power[a]
		}
		for _, p := range v.Params(g) {
			if !seen[p.Key] {
				seen[p.Key] = true
				lo, hi := randomRange(p, in[0])
				r.Tensors = append(r.Tensors, Tensor{Key: p.Key, Shape: p.Shape, Lo: lo, Hi: hi})
			}
		}
		power[v.ID] = expectedPower(g, v, in)
	}
	return Weights(&r)
}

// randomRange returns the range of a tensor of a layer whose input has a power.
func randomRange(p ir.Param, power float64) (lo, hi float64) {
	fan := p.Elems() / int64(p.Shape[0])
	switch {
	case strings.HasSuffix(p.Key, ".running_var"):
		return 0.7 * power, 1.4 * power
	case p.Buffer:
		return -0.1 * math.Sqrt(power), 0.1 * math.Sqrt(power)
	case strings.HasSuffix(p.Key, ".bias"):
		return -0.1, 0.1
	case fan == 1:
		return 0.8, 1.2 // one factor a channel
	}
	bound := math.Sqrt(3 / (float64(fan) * power))
	return -bound, bound
}

// expectedPower returns the power of v if its arguments have the powers in: roughly,
// and as if what goes into an activation were normally distributed around zero.
func expectedPower(g *ir.Graph, v *ir.Value, in []float64) float64 {
	switch v.Op {
	case ir.OpInput, ir.OpConv, ir.OpLinear, ir.OpBatchNorm, ir.OpLayerNorm:
		return 1
	case ir.OpReLU, ir.OpReLU6, ir.OpLeakyReLU:
		if g.Value(v.Args[0]).Op == ir.OpAdd {
			return in[0] // of a residual: most of it has been rectified before
		}
		return in[0] / 2
	case ir.OpSiLU, ir.OpHardSwish, ir.OpGELU, ir.OpGELUTanh:
		return in[0] * 0.4
	case ir.OpSigmoid, ir.OpHardSigmoid:
		return 0.3
	case ir.OpTanh:
		return 0.4
	case ir.OpSoftmax:
		return 1 / float64(v.Shape.Channels())
	case ir.OpGRN:
		return in[0] * 4
	case ir.OpMaxPool:
		return in[0] * 2
	case ir.OpAdd:
		sum := 0.0
		for _, p := range in {
			sum += p
		}
		return sum
	case ir.OpMul:
		return in[0] * in[1]
	case ir.OpConcat:
		sum := 0.0
		for i, s := range g.ArgShapes(v) {
			sum += in[i] * float64(s.Channels())
		}
		return sum / float64(v.Shape.Channels())
	case ir.OpAffine:
		a := v.Attr.(*ir.Affine)
		return in[0]*meanSquare(a.Scale) + meanSquare(a.Shift)
	}
	return in[0]
}

func meanSquare(list []float64) float64 {
	sum := 0.0
	for _, x := range list {
		sum += x * x
	}
	return sum / float64(len(list))
}
