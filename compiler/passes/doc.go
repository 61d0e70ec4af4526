// Package passes holds the transformations of the graph, one a file. Each
// changes how the network is computed and neither what it computes, up to
// rounding, nor which tensors it needs from the checkpoint. Their order, and
// what each needs to have run before, is in compiler/pipeline.go.
package passes

import "github.com/cnnc-dev/cnnc/compiler/ir"

// untilStable repeats a pass that absorbs a layer's argument into it: behind the
// argument, there may stand another.
func untilStable(absorb func(*ir.Graph) (*ir.Graph, error)) func(*ir.Graph) (*ir.Graph, error) {
	return func(g *ir.Graph) (*ir.Graph, error) {
		for {
			next, err := absorb(g)
			if err != nil || len(next.Values) == len(g.Values) {
				return next, err
			}
			g = next
		}
	}
}

// rest returns what computes v's arguments from the second on: the gate and the
// residual of a convolution or a linear layer that has them.
func rest(r *ir.Rewriter, v *ir.Value) []ir.ID {
	var ids []ir.ID
	for i := 1; i < len(v.Args); i++ {
		ids = append(ids, r.Arg(v, i).ID)
	}
	return ids
}
