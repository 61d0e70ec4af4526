package passes

import (
	"slices"

	"github.com/cnnc-dev/cnnc/compiler/ir"
	"github.com/cnnc-dev/cnnc/compiler/pass"
)

// FoldBatchNorm makes batch normalisation, learned scales and constant affine
// steps part of the convolution or linear layer before them, whose weights and
// bias absorb them when they are loaded:
//
//	scale*(W x + b) + shift = (scale*W) x + (scale*b + shift)
//
// Nothing else may read what the layer computed, and nothing may lie in between.
var FoldBatchNorm = pass.EachValue(func(r *ir.Rewriter, v *ir.Value) error {
	norm, ok := ir.NormOf(v)
	if !ok || !r.Sole(v, 0) {
		return nil
	}
	layer := r.Arg(v, 0)
	switch a := layer.Attr.(type) {
	case *ir.Conv:
		if a.Act != (ir.Act{}) || a.Residual {
			return nil
		}
		c := *a
		c.After = append(slices.Clone(a.After), norm)
		return r.Fuse(v, layer, layer, &c, layer.Args...)
	case *ir.Linear:
		if a.Act != (ir.Act{}) || a.Residual {
			return nil
		}
		l := *a
		l.After = append(slices.Clone(a.After), norm)
		return r.Fuse(v, layer, layer, &l, layer.Args...)
	}
	return nil
})
